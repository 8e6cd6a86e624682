// A script against documents in memory, in virtual time: path → TwiML, or a function of the request's parameters.

import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import { parseScript } from '../../../src/dialogue/parse.ts';
import { transcript } from '../../../src/dialogue/transcript.ts';
import { type MakeWebhook, playVirtually } from '../../../src/dialogue/virtual-run.ts';
import { decodeAudio } from '../../../src/media/audio-file.ts';
import type { MediaFile, WebhookRequest } from '../../../src/webhook/webhook.ts';

export type Params = Readonly<Record<string, string>>;
export type Document = string | ((params: Params) => string);

export interface Application {
  readonly documents: Readonly<Record<string, Document>>;
  readonly media?: Readonly<Record<string, MediaFile>>;
}

export interface Asked {
  readonly path: string;
  readonly params: Params;
}

const services = {
  clock: realClock,
  random: cryptoRandom,
  dnsLookup: () => {
    throw new Error('nothing is looked up here');
  },
  decode: decodeAudio,
  log: silentLog,
};

/** Plays the script; `lines` is the transcript without times. */
export async function play(text: string, { documents, media = {} }: Application, within = '60') {
  const script = parseScript(text);
  if (!script.ok) throw new Error(JSON.stringify(script.error));
  const asked: Asked[] = [];
  const forgotten: string[] = [];
  const makeWebhook: MakeWebhook = (onExchange) => ({
    async request({ url, method, params, purpose, accountSid, callSid }: WebhookRequest) {
      const path = new URL(url).pathname;
      const document = documents[path];
      const given = Object.fromEntries(params);
      asked.push({ path, params: given });
      const status = document === undefined ? 404 : 200;
      const errorCode = status === 404 ? 11200 : null;
      const body = Buffer.from(
        `<Response>${typeof document === 'function' ? document(given) : (document ?? '')}</Response>`,
      );
      onExchange({
        method,
        url,
        purpose,
        params,
        status,
        errorCode,
        accountSid,
        callSid,
        durationMs: 1,
        headers: {},
        body,
      });
      if (status === 404) return err({ errorCode: 11200, detail: 'HTTP status 404', url, status });
      return ok({ status, contentType: 'text/xml', body, finalUrl: url, durationMs: 1 });
    },
    async fetchMedia(url) {
      const file = media[new URL(url).pathname];
      return file ? ok(file) : err({ errorCode: 11200, detail: 'HTTP status 404', url, status: 404 });
    },
    forget: (callSid) => forgotten.push(callSid),
    isOverloaded: () => false,
    counts: () => ({ inFlight: 0, queued: 0, cookieJars: 0 }),
    stop: async () => {},
  });
  const target = {
    url: 'http://app.test/voice',
    method: 'POST' as const,
    fallback: undefined,
    accountSid: `AC${'1'.repeat(32)}`,
    authToken: 'token',
    from: 'sip:caller@office.test',
    to: 'sip:1000@office.test',
    withinMs: Number(within) * 1_000,
  };
  const played = await playVirtually(script.value, target, services, makeWebhook);
  const endMs = played.feed.end?.atMs;
  return { ...played, asked, endMs, forgotten, lines: transcript(played.feed.all).map((line) => line.slice(8).trim()) };
}
