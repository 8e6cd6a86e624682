// One HTTP exchange over an undici agent: request out, whole answer in, within byte limits and with waits on our Clock.
// Knows nothing of redirects, retries, cookies or signatures; client.ts puts those around it. Never throws, never rejects.

import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Agent, Dispatcher } from 'undici';
import type { Clock, Timer } from '../base/clock.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import { ConnectFailure } from './agents.ts';
import type { ExchangeFailure } from './failures.ts';

export interface ExchangeOptions {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly url: URL;
  readonly method: HttpMethod;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly readMs: number;
  /** Also after decompression. */
  readonly maxBytes: (headers: IncomingHttpHeaders) => number;
  /** Asked once the head is there: false leaves the body unread. */
  readonly wantsBody: (status: number, headers: IncomingHttpHeaders) => boolean;
  /** Asked for every chunk; false ends the exchange as `tooLarge`. */
  readonly mayTake: (bytes: number) => boolean;
  readonly signal: AbortSignal;
}

export interface ExchangeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const unzip = promisify(gunzip);

/** Runs one exchange. Ends early when `signal` is aborted. */
export async function exchange(options: ExchangeOptions): Promise<Result<ExchangeAnswer, ExchangeFailure>> {
  const raw = await receive(options);
  if (!raw.ok || raw.value.body.length === 0) return raw;
  return decompress(raw.value, options.maxBytes(raw.value.headers));
}

function receive(options: ExchangeOptions): Promise<Result<ExchangeAnswer, ExchangeFailure>> {
  return new Promise((resolve) => {
    const handler = new AnswerHandler(options, resolve);
    const { url } = options;
    try {
      options.agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method: options.method,
          headers: options.headers,
          body: options.body ?? null,
        },
        handler,
      );
    } catch (cause) {
      handler.finish(err({ kind: 'network', cause, isPartial: false, isStale: false }));
    }
  });
}

class AnswerHandler implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions;
  readonly #resolve: (result: Result<ExchangeAnswer, ExchangeFailure>) => void;
  readonly #onAbort: () => void;
  readonly #chunks: Buffer[] = [];
  #size = 0;
  #status = 0;
  #hasBegun = false;
  #headers: IncomingHttpHeaders = {};
  #readTimer: Timer | undefined;
  /** When something was heard last; the timer looks here when it fires, and is not set again for each part of an answer. */
  #heardAt = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #isDone = false;

  constructor(options: ExchangeOptions, resolve: (result: Result<ExchangeAnswer, ExchangeFailure>) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#onAbort = () => this.finish(err({ kind: 'aborted' }));
    if (options.signal.aborted) this.#onAbort();
    else options.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  finish(result: Result<ExchangeAnswer, ExchangeFailure>): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#readTimer?.cancel();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#resolve(result);
    // Settled first: abort() calls onResponseError at once, which must find us done.
    if (!result.ok) this.#controller?.abort(new Error('exchange ended'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // Given up while the connection was still being made: nothing may be sent any more.
    if (this.#isDone) controller.abort(new Error('exchange ended'));
    else this.#restartReadTimer();
  }

  /** The first byte of an answer, before its head is complete. */
  onResponseStarted(): void {
    this.#hasBegun = true;
    this.#restartReadTimer();
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    this.#restartReadTimer();
    if (this.#options.wantsBody(status, headers)) return;
    this.finish(ok({ status, headers, body: Buffer.alloc(0) }));
    controller.abort(new Error('body not wanted'));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isDone) return;
    this.#restartReadTimer();
    this.#size += chunk.length;
    if (this.#size > this.#options.maxBytes(this.#headers) || !this.#options.mayTake(chunk.length)) {
      this.finish(err({ kind: 'tooLarge' }));
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.finish(ok({ status: this.#status, headers: this.#headers, body: Buffer.concat(this.#chunks, this.#size) }));
  }

  onResponseError(_controller: Dispatcher.DispatchController, cause: Error): void {
    if (cause instanceof ConnectFailure) {
      this.finish(err({ kind: 'connect', cause }));
      return;
    }
    const isStale = !this.#hasBegun && wasUsedBefore(cause);
    this.finish(err({ kind: 'network', cause, isPartial: this.#hasBegun, isStale }));
  }

  #restartReadTimer(): void {
    if (this.#isDone) return;
    const { clock, readMs } = this.#options;
    this.#heardAt = clock.now();
    this.#readTimer ??= clock.after(readMs, () => this.#onReadTimer());
  }

  #onReadTimer(): void {
    const { clock, readMs } = this.#options;
    const restMs = this.#heardAt + readMs - clock.now();
    // A timer may fire a part of a millisecond early.
    if (restMs < 1) return this.finish(err({ kind: 'readTimeout', isPartial: this.#hasBegun }));
    this.#readTimer = clock.after(restMs, () => this.#onReadTimer());
  }
}

// A kept-alive connection that the server closed just as the request left: undici reports the bytes the socket read before.
function wasUsedBefore(cause: unknown): boolean {
  const socket = (cause as { socket?: { bytesRead?: number } } | null)?.socket;
  return (socket?.bytesRead ?? 0) > 0;
}

async function decompress(answer: ExchangeAnswer, maxBytes: number): Promise<Result<ExchangeAnswer, ExchangeFailure>> {
  const encoding = String(answer.headers['content-encoding'] ?? 'identity')
    .trim()
    .toLowerCase();
  if (encoding === 'identity' || encoding === '') return ok(answer);
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    return err({ kind: 'encoding', detail: 'content encoding that was not asked for' });
  try {
    // The limit holds after decompression too: a small body may not unfold into a large one.
    const body = await unzip(answer.body, { maxOutputLength: maxBytes });
    return ok({ ...answer, body });
  } catch (cause) {
    const isTooLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    return err(isTooLarge ? { kind: 'tooLarge' } : { kind: 'encoding', detail: 'broken gzip body' });
  }
}
