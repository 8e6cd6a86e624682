// Audio files for Play (twiml.md 5.2): GET without parameters and signature, through the HTTP cache. One fetch serves all
// calls that ask for the same file at the same time; the bytes of all fetches together are bounded.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { orAbort } from '../base/signal.ts';
import type { AnsweredAudio } from './answered-audio.ts';
import { HttpCache } from './http-cache.ts';
import { contentTypeOf, type SendTransfer } from './transfer.ts';
import type { MediaFile, WebhookFailure } from './webhook.ts';
import { withoutSecrets } from './webhook.ts';

export interface MediaFetcher {
  fetch(url: string, callSid: string, signal: AbortSignal | undefined): Promise<Result<MediaFile, WebhookFailure>>;
}

interface MediaOptions {
  readonly clock: Clock;
  readonly send: SendTransfer;
  /** Whether this call would send cookies to `url`: its answer is then its own. */
  readonly hasCookies: (callSid: string, url: URL) => boolean;
  readonly answered: AnsweredAudio;
}

type Fetched = Result<MediaFile, WebhookFailure>;

export function createMediaFetcher(options: MediaOptions): MediaFetcher {
  const cache = new HttpCache(options.clock);
  const running = new Map<string, Promise<Fetched>>();
  const inFlight = { bytes: 0 };
  return {
    async fetch(url, callSid, signal) {
      const gaveUp: Fetched = err({
        errorCode: 11205,
        detail: 'given up by the gateway',
        url: withoutSecrets(url),
        status: undefined,
      });
      const answered = options.answered.take(callSid, url);
      if (answered) return ok(answered);
      const isPersonal = URL.canParse(url) && options.hasCookies(callSid, new URL(url));
      if (isPersonal) return load(options, undefined, inFlight, url, callSid, signal);
      let shared = running.get(url);
      if (!shared) {
        // Not ended by the signal of the call that happens to be first: others may wait for it. The total time ends it.
        shared = load(options, cache, inFlight, url, callSid, undefined).finally(() => running.delete(url));
        running.set(url, shared);
      }
      return signal ? orAbort(shared, signal, gaveUp) : shared;
    },
  };
}

async function load(
  options: MediaOptions,
  cache: HttpCache | undefined,
  inFlight: { bytes: number },
  url: string,
  callSid: string,
  signal: AbortSignal | undefined,
): Promise<Fetched> {
  const known = cache?.lookup(url);
  if (known?.kind === 'fresh') return ok(known.file);
  let taken = 0;
  const send = (headers: Readonly<Record<string, string>>) =>
    options.send(
      {
        url,
        method: 'GET',
        params: new Map(),
        authToken: undefined,
        accountSid: undefined,
        callSid,
        purpose: 'media',
        headers,
        maxBytes: () => limits.mediaFileBytes,
        wantsBody: (status) => status >= 200 && status < 300,
        mayTake(bytes) {
          if (inFlight.bytes + bytes > limits.mediaInFlightBytes) return false;
          inFlight.bytes += bytes;
          taken += bytes;
          return true;
        },
      },
      signal,
    );
  try {
    let answer = await send(known?.kind === 'stale' ? known.headers : {});
    if (answer.ok && answer.value.status === 304) {
      const file = cache?.revalidated(url, answer.value.headers);
      if (file) return ok(file);
      answer = await send({});
    }
    if (!answer.ok) return answer;
    const { status, headers, body, isRedirected } = answer.value;
    if (status === 304) return err({ errorCode: 11217, detail: 'HTTP status 304', url: withoutSecrets(url), status });
    const file = { contentType: contentTypeOf(headers), body };
    // Behind a redirect the next request may lead elsewhere, so that answer is not kept under this URL.
    if (status === 200 && !isRedirected) cache?.store(url, file, headers);
    return ok(file);
  } finally {
    inFlight.bytes -= taken;
  }
}
