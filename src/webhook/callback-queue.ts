// Sends status callbacks: those of one call one after another, those of different calls side by side. Each lies in the store until it was
// answered, so that a restart does not lose it. Who cannot be reached is tried again, later and later; any answer is final.
//
//   send ──▶ store ──▶ queue of the call ──▶ request ──┬─ answered (2xx, 4xx, 5xx) ──▶ out of the store, next one
//                            ▲                          └─ not reached ──▶ wait ──┐
//                            └──────────────────────────────────────────────────◀┘

import type { Clock, Timer } from '../base/clock.ts';
import { cryptoRandom, type RandomSource, uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { orAbort } from '../base/signal.ts';
import type { PendingCallback } from '../base/voice-records.ts';
import type { StatusCallbackRequest, StatusCallbacks } from './status-callbacks.ts';
import { type WebhookClient, type WebhookFailure, withoutSecrets } from './webhook.ts';

/** Where callbacks lie until they were answered. */
export interface CallbackStore {
  put(record: PendingCallback): void;
  remove(sid: string): void;
  /** In the order of `position`. */
  all(): Promise<readonly PendingCallback[]>;
}

export interface CallbackQueueOptions {
  readonly client: WebhookClient;
  readonly log: Log;
  readonly clock: Clock;
  readonly random?: RandomSource;
  /** Without one, callbacks live as long as the process. */
  readonly store?: CallbackStore;
  /** Signs what an earlier run left. */
  readonly authTokenOf?: (accountSid: string) => string;
  /** Told of each attempt that failed; `retryMs`: when the next one is, undefined after the last. */
  readonly onFailed?: (record: PendingCallback, failure: WebhookFailure, retryMs: number | undefined) => void;
}

/** Failures in which the receiver never saw the request (twiml.md 2.4): names, connections, TLS. */
const NOT_REACHED: ReadonlySet<number> = new Set([11201, 11202, 11205, 11210, 11220]);

interface Entry {
  readonly record: PendingCallback;
  readonly authToken: string;
  attempts: number;
  onDone: (() => void) | undefined;
}

interface CallQueue {
  readonly entries: Entry[];
  retry: Timer | undefined;
}

export function createStatusCallbacks(options: CallbackQueueOptions): StatusCallbacks {
  return new CallbackQueue(options);
}

class CallbackQueue implements StatusCallbacks {
  readonly #options: CallbackQueueOptions;
  readonly #queues = new Map<string, CallQueue>();
  readonly #idleWaiters = new Set<() => void>();
  #size = 0;
  /** Behind a callback that is to be tried again. */
  #waiting = 0;
  #position = 0;
  #isStopped = false;

  constructor(options: CallbackQueueOptions) {
    this.#options = options;
  }

  send(request: StatusCallbackRequest): void {
    const { clock, log, store, random = cryptoRandom } = this.#options;
    const waiting = this.#queues.get(request.callSid)?.entries.length ?? 0;
    const most = request.maxWaiting ?? limits.statusCallbacksPerCall;
    if (this.#size >= limits.statusCallbacksQueued || waiting >= most) {
      log.warn({ callSid: request.callSid, url: withoutSecrets(request.url) }, 'status callback dropped: queue full');
      request.onDone?.();
      return;
    }
    const token = uuid(random);
    this.#position = Math.max(this.#position + 1, clock.wall());
    const record: PendingCallback = {
      sid: token,
      accountSid: request.accountSid,
      callSid: request.callSid,
      orderKey: request.callSid,
      position: this.#position,
      url: request.url,
      method: request.method,
      parameters: [...request.params],
      idempotencyToken: token,
      attempts: 0,
      nextAttemptAt: clock.wall(),
      dateCreated: clock.wall(),
    };
    store?.put(record);
    this.#enqueue({ record, authToken: request.authToken, attempts: 0, onDone: request.onDone });
  }

  pending(): number {
    return this.#size - this.#waiting;
  }

  waiting(): number {
    return this.#waiting;
  }

  async restore(): Promise<void> {
    const { store, authTokenOf, log } = this.#options;
    const left = (await store?.all()) ?? [];
    if (left.length > 0) log.info({ callbacks: left.length }, 'status callbacks of an earlier run are sent now');
    for (const record of left) {
      const authToken = authTokenOf?.(record.accountSid) ?? '';
      // An account that is gone has nobody to call back.
      if (authToken === '') store?.remove(record.sid);
      else this.#enqueue({ record, authToken, attempts: record.attempts, onDone: undefined });
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    if (this.pending() === 0) return;
    let wake = () => {};
    const idle = new Promise<void>((resolve) => {
      wake = resolve;
      this.#idleWaiters.add(resolve);
    });
    await orAbort(idle, signal, undefined);
    this.#idleWaiters.delete(wake);
  }

  stop(): void {
    this.#isStopped = true;
    for (const queue of this.#queues.values()) queue.retry?.cancel();
  }

  #enqueue(entry: Entry): void {
    this.#size++;
    const { orderKey } = entry.record;
    const queue = this.#queues.get(orderKey);
    if (queue) {
      queue.entries.push(entry);
      if (queue.retry) this.#waiting++;
      return;
    }
    const own: CallQueue = { entries: [entry], retry: undefined };
    this.#queues.set(orderKey, own);
    void this.#run(orderKey, own);
  }

  /** Sends what is in the queue until it is empty, or until its first one has to wait. */
  async #run(key: string, queue: CallQueue): Promise<void> {
    for (let entry = queue.entries[0]; entry !== undefined; entry = queue.entries[0]) {
      const isOver = await this.#attempt(entry);
      this.#tellDone(entry);
      if (!isOver) {
        // What was given up because the gateway stops is in the store: the next start sends it.
        if (!this.#isStopped) this.#retryLater(key, queue, entry);
        return this.#wakeIdle();
      }
      queue.entries.shift();
      this.#size--;
      this.#options.store?.remove(entry.record.sid);
      if (this.#isStopped) return this.#wakeIdle();
    }
    this.#queues.delete(key);
    this.#wakeIdle();
  }

  #tellDone(entry: Entry): void {
    const { onDone } = entry;
    entry.onDone = undefined;
    try {
      onDone?.();
    } catch (fault) {
      this.#options.log.error({ callSid: entry.record.callSid, err: fault }, 'status callback fault');
    }
  }

  #wakeIdle(): void {
    if (this.pending() > 0) return;
    for (const wake of this.#idleWaiters) wake();
    this.#idleWaiters.clear();
  }

  /** One attempt; false when the receiver was not reached and is to be tried again. */
  async #attempt(entry: Entry): Promise<boolean> {
    const { client, clock, log } = this.#options;
    const { record, authToken } = entry;
    const startedMs = clock.now();
    const { url, method, accountSid, callSid, idempotencyToken } = record;
    const result = await client
      .request({
        url,
        method,
        params: new Map(record.parameters),
        authToken,
        accountSid,
        callSid,
        purpose: 'statusCallback',
        idempotencyToken,
      })
      .catch((fault: unknown) => {
        // One callback's fault must not stop those behind it.
        log.error({ callSid, err: fault }, 'status callback fault');
        return undefined;
      });
    if (!result) return true;
    const fields = { callSid, url: withoutSecrets(url), durationMs: Math.round(clock.now() - startedMs) };
    if (result.ok) {
      const { status, contentType, body } = result.value;
      if (!isExpectedAnswer(status, contentType, body))
        log.warn({ ...fields, status }, 'status callback answered with more than an empty response');
      return true;
    }
    return this.#isFinal(entry, result.error, fields);
  }

  #isFinal(entry: Entry, failure: WebhookFailure, fields: Record<string, unknown>): boolean {
    const { errorCode, detail, status } = failure;
    const delayMs = limits.statusCallbackRetryMs[entry.attempts];
    const isAgain = status === undefined && NOT_REACHED.has(errorCode) && delayMs !== undefined;
    this.#options.log.warn(
      { ...fields, errorCode, detail, status, ...(isAgain ? { retryMs: delayMs } : {}) },
      'status callback failed',
    );
    this.#options.onFailed?.({ ...entry.record, attempts: entry.attempts }, failure, isAgain ? delayMs : undefined);
    return !isAgain;
  }

  #retryLater(key: string, queue: CallQueue, entry: Entry): void {
    const { clock, store } = this.#options;
    const delayMs = limits.statusCallbackRetryMs[entry.attempts] ?? 0;
    entry.attempts++;
    store?.put({ ...entry.record, attempts: entry.attempts, nextAttemptAt: clock.wall() + delayMs });
    this.#waiting += queue.entries.length;
    queue.retry = clock.after(delayMs, () => {
      queue.retry = undefined;
      this.#waiting -= queue.entries.length;
      void this.#run(key, queue);
    });
  }
}

// twiml.md 8.1: 204, or 200 with text/xml and an empty Response. Anything else is only worth a log line.
function isExpectedAnswer(status: number, contentType: string, body: Buffer): boolean {
  if (status === 204 || body.length === 0) return true;
  if (!/^(text|application)\/xml$/.test(contentType)) return false;
  return /^\s*(<\?xml[^>]*\?>)?\s*<Response\s*(\/>|>\s*<\/Response>)\s*$/.test(body.toString('utf8', 0, 512));
}
