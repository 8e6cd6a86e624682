// The webhook client: implements the port of webhook.ts with undici. Total time, retries and redirects (transfer.ts),
// audio files through the cache (media.ts). Reports every exchange by `onEvent`; never writes a credential or a parameter.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { cryptoRandom, type RandomSource, uuid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { DnsLookup } from '../base/private-addresses.ts';
import { remembered } from '../base/remembered.ts';
import { err, ok, type Result } from '../base/result.ts';
import { createAgents } from './agents.ts';
import { AnsweredAudio } from './answered-audio.ts';
import { CookieJars } from './cookies.ts';
import { createMediaFetcher } from './media.ts';
import { parseOverrides } from './overrides.ts';
import { OriginSlots } from './slots.ts';
import { contentTypeOf, isAudio, runTransfer, type SendTransfer, type TransferContext } from './transfer.ts';
import type {
  WebhookClient,
  WebhookEvent,
  WebhookFailure,
  WebhookReport,
  WebhookRequest,
  WebhookResponse,
} from './webhook.ts';
import { withoutSecrets } from './webhook.ts';

export interface WebhookSettings {
  /** False: the SSRF guard of design.md 9 refuses private and special addresses. Default true: a gateway serves its own network. */
  readonly allowPrivate?: boolean;
  /** Default true. */
  readonly verifyTls?: boolean;
  /** Default `TwilioProxy/1.1`: some applications test for it (twiml.md 2.1). */
  readonly userAgent?: string;
  /** Sign the URL with its user information (twiml.md 2.6). Default false. */
  readonly signsCredentials?: boolean;
  /** Further certificate authorities, PEM. */
  readonly certificateAuthorities?: readonly string[];
}

export interface WebhookClientOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly dnsLookup: DnsLookup;
  readonly settings: WebhookSettings;
  readonly onEvent?: (event: WebhookEvent) => void;
  /** Each request to an application with its answer: parameters and bodies may hold digits and personal data. */
  readonly onExchange?: (report: WebhookReport) => void;
  readonly random?: RandomSource;
}

/** Makes the client. It owns its sockets; call `stop` to close them. */
export function createWebhookClient(options: WebhookClientOptions): WebhookClient {
  const { clock, dnsLookup, settings } = options;
  const log = options.log.child({ folder: 'webhook' });
  const running = new Running();
  const agents = createAgents(clock, dnsLookup, {
    allowPrivate: settings.allowPrivate ?? true,
    verifyTls: settings.verifyTls ?? true,
    certificateAuthorities: settings.certificateAuthorities,
  });
  const context: TransferContext = {
    clock,
    agents,
    slots: new OriginSlots(),
    cookies: new CookieJars(clock),
    userAgent: settings.userAgent ?? 'TwilioProxy/1.1',
    signsCredentials: settings.signsCredentials ?? false,
    onEvent: options.onEvent ?? (() => {}),
    onExchange: options.onExchange ?? (() => {}),
  };
  const send = createSender(context, log, options.random ?? cryptoRandom, running);
  const answered = new AnsweredAudio();
  const hasCookies = (sid: string, url: URL) => !!context.cookies.header(sid, url);
  const media = createMediaFetcher({ clock, send, hasCookies, answered });
  return {
    request: (request, signal) => requestDocument({ send, clock, answered }, request, signal),
    fetchMedia: (url, callSid, signal) => media.fetch(url, callSid, signal),
    forget(callSid) {
      context.cookies.forget(callSid);
      answered.forget(callSid);
    },
    isOverloaded(url) {
      const origin = originOf(url);
      return origin !== '' && context.slots.isFull(origin);
    },
    counts: () => ({
      inFlight: context.slots.inFlight,
      queued: context.slots.queued,
      cookieJars: context.cookies.size,
    }),
    async stop() {
      running.stop();
      await agents.stop();
    },
  };
}

async function requestDocument(
  { send, clock, answered }: DocumentServices,
  request: WebhookRequest,
  signal: AbortSignal | undefined,
): Promise<Result<WebhookResponse, WebhookFailure>> {
  const startedMs = clock.now();
  const { url, callSid, purpose } = request;
  const audio = answered.reserve();
  // Only a document is played; a status callback that answers with audio is left alone.
  const isPlayed = (headers: IncomingHttpHeaders) => isAudio(headers) && purpose !== 'statusCallback';
  let isTaken = false;
  const result = await send(
    {
      ...request,
      headers: {},
      maxBytes: (headers) => (isPlayed(headers) ? limits.mediaFileBytes : limits.webhookBodyBytes),
      wantsBody(status, headers) {
        audio.release();
        isTaken = isPlayed(headers) && status < 300 && answered.hasRoomFor(headers);
        return isAudio(headers) ? isTaken : status !== 304;
      },
      mayTake: (bytes) => !isTaken || audio.mayTake(bytes),
    },
    signal,
  );
  try {
    if (!result.ok) return result;
    const { status, headers, body, isRedirected } = result.value;
    if (status === 304) return err({ errorCode: 11217, detail: 'HTTP status 304', url: withoutSecrets(url), status });
    const contentType = contentTypeOf(headers);
    // The overrides in the fragment stay with the URL, so that "the same document again" is asked for in the same way.
    const finalUrl = isRedirected ? result.value.url.href : hrefOf(url);
    if (isTaken) audio.keep(callSid, finalUrl, { contentType, body });
    const durationMs = Math.round(clock.now() - startedMs);
    return ok({ status, contentType, body: isTaken ? Buffer.alloc(0) : body, finalUrl, durationMs });
  } finally {
    audio.release();
  }
}

interface DocumentServices {
  readonly send: SendTransfer;
  readonly clock: Clock;
  readonly answered: AnsweredAudio;
}

/** Requests on their way, which end with the client. A set costs less than a listener of each on one signal. */
class Running {
  readonly #controllers = new Set<AbortController>();
  #isStopped = false;

  begin(): AbortController {
    const controller = new AbortController();
    if (this.#isStopped) controller.abort();
    else this.#controllers.add(controller);
    return controller;
  }

  end(controller: AbortController): void {
    this.#controllers.delete(controller);
  }

  stop(): void {
    this.#isStopped = true;
    for (const controller of this.#controllers) controller.abort();
    this.#controllers.clear();
  }
}

function createSender(context: TransferContext, log: Log, random: RandomSource, running: Running): SendTransfer {
  return async (draft, signal) => {
    const shownUrl = withoutSecrets(draft.url);
    const fail = (errorCode: number, detail: string) => err({ errorCode, detail, url: shownUrl, status: undefined });
    const url = parseHttpUrl(draft.url);
    if (!url) return fail(11100, 'not an absolute http or https URL');
    const parsed = parseOverrides(url.hash.replace(/^#/, ''));
    if (!parsed.ok) return fail(parsed.error.code, 'invalid retry policy in the URL fragment');
    const { overrides, notes } = parsed.value;
    if (notes.length > 0) log.warn({ callSid: draft.callSid, url: shownUrl, notes }, 'connection overrides adjusted');
    url.hash = '';

    // The ceiling over everything: queue, attempts, redirects, body (twiml.md 2.3).
    const controller = running.begin();
    const onAbort = () => controller.abort();
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });
    let isExpired = false;
    const timer = context.clock.after(overrides.totalMs, () => {
      isExpired = true;
      controller.abort();
    });
    const transfer = { ...draft, url, overrides, idempotencyToken: draft.idempotencyToken ?? uuid(random) };
    const result = await runTransfer(context, transfer, controller.signal);
    timer.cancel();
    running.end(controller);
    signal?.removeEventListener('abort', onAbort);
    if (result.ok) return result;
    const failure = isExpired ? { ...result.error, errorCode: 11203, detail: 'total time expired' } : result.error;
    const { errorCode, detail, status } = failure;
    if (!controller.signal.aborted || isExpired)
      log.info({ callSid: draft.callSid, url: failure.url, errorCode, detail, status }, 'webhook failed');
    return err(failure);
  };
}

/** A URL that can be asked, as the library writes it. */
const hrefOf = remembered(256, (url) => new URL(url).href);

/** Empty: not a URL that can be asked. */
const originOf = remembered(256, (url) => parseHttpUrl(url)?.origin ?? '');

function parseHttpUrl(text: string): URL | undefined {
  const url = text.length > limits.webhookUrlChars ? null : URL.parse(text);
  return url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined;
}
