// Replay: the recorded inputs of a call against another version of its application, and how the verbs of the two differ.
//
//   recorded call ─▶ its own answers once more, in virtual time ─▶ what was said in each verb ─┐
//                 └▶ script of its inputs ─▶ new application, in virtual time ─▶ verbs ────────┴▶ difference

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { WebhookExchange } from '../base/voice-records.ts';
import type { WebhookClient, WebhookReport } from '../webhook/webhook.ts';
import type { Observation } from './feed.ts';
import { type RecordedCall, type RecordedInputs, type RecordedVerb, readRecording } from './recorded.ts';
import { type Script, stepLine } from './script.ts';
import { type Played, playVirtually, type VirtualServices, type VirtualTarget } from './virtual-run.ts';

/** A verb as it is compared. */
export interface VerbLine {
  readonly verb: string;
  /** Without the origin of its application. */
  readonly detail: string;
  /** What is heard in it; undefined where that is not known. */
  readonly heard: readonly string[] | undefined;
}

export interface Replayed {
  readonly recorded: RecordedCall;
  readonly before: readonly VerbLine[];
  readonly after: readonly VerbLine[];
  readonly played: Played;
}

/** Where the new application is asked; who calls whom comes from the recording. */
export type ReplayTarget = Omit<VirtualTarget, 'from' | 'to'> & { readonly url: string };

/** The error is a sentence for the user. Rejects only by a fault of our own. */
export async function replay(
  inputs: RecordedInputs,
  target: ReplayTarget,
  services: VirtualServices,
): Promise<Result<Replayed, string>> {
  const recorded = readRecording(inputs);
  if (recorded.endMs === undefined)
    return err(`${inputs.callSid} is not over, or the gateway remembers its records only.`);
  const { from = '', to = '' } = recorded.script;
  const whole = { ...target, from, to };
  const heard = await heardBefore(recorded, inputs.exchanges, whole, services);
  const timings = timingsOf(recorded, heard);
  const played = await playVirtually(toTheEnd(recorded.script), whole, services, undefined, (text) =>
    timings.get(text),
  );
  return ok({
    recorded,
    before: recorded.verbs.map((verb, index) => lineOf(verb, heard[index], recorded.first?.url)),
    after: verbsSeen(played.feed.all).map((verb) => lineOf(verb, verb.heard, target.url)),
    played,
  });
}

/** When nothing more comes from the caller, the application goes on as long as it has something to do. */
function toTheEnd(script: Script): Script {
  const step = { kind: 'wait', forMs: limits.callTimeLimitMs } as const;
  const hangsUp = script.lines.at(-1)?.step.kind === 'hang-up';
  return hangsUp
    ? script
    : { ...script, lines: [...script.lines, { line: script.lines.length + 1, text: stepLine(step), step }] };
}

interface SeenVerb {
  readonly verb: string;
  readonly detail: string;
  readonly heard: readonly string[];
}

/** Verbs with what was heard in each. */
function verbsSeen(seen: readonly Observation[]): readonly SeenVerb[] {
  const verbs: { readonly verb: string; readonly detail: string; readonly heard: string[] }[] = [];
  for (const observation of seen) {
    if (observation.kind === 'verb') verbs.push({ verb: observation.verb, detail: observation.detail, heard: [] });
    else if (observation.kind === 'say') verbs.at(-1)?.heard.push(observation.text);
  }
  return verbs;
}

/** The words of each recorded verb, as far as its documents can be followed once more. */
async function heardBefore(
  { first, verbs, script }: RecordedCall,
  exchanges: readonly WebhookExchange[],
  target: VirtualTarget,
  services: VirtualServices,
): Promise<readonly (readonly string[] | undefined)[]> {
  if (!first) return [];
  // The end is left out: how far the call came is known, and how long texts last is not.
  const lines = script.lines.filter(({ step }) => step.kind !== 'hang-up');
  const again = toTheEnd({ ...script, lines });
  const source = { ...target, url: first.url, method: first.method === 'GET' ? ('GET' as const) : ('POST' as const) };
  const answers = (onExchange: (report: WebhookReport) => void) => recordedAnswers(exchanges, onExchange);
  const { feed } = await playVirtually(again, source, services, answers);
  const seen = verbsSeen(feed.all);
  const heard: (readonly string[] | undefined)[] = [];
  for (const [index, verb] of verbs.entries()) {
    const same = seen[index];
    if (same?.verb !== verb.verb || same.detail !== verb.detail) break;
    heard.push(same.heard);
  }
  return heard;
}

/** How long texts were heard for: the one that was cut off by the end lasts longer than that. */
function timingsOf(
  { verbs, endMs = 0 }: RecordedCall,
  heard: readonly (readonly string[] | undefined)[],
): Map<string, number> {
  const timings = new Map<string, number>();
  for (const [index, { verb, startMs, endMs: until, outcome }] of verbs.entries()) {
    const texts = heard[index] ?? [];
    const [text] = texts;
    if (verb !== 'Say' || texts.length !== 1 || text === undefined) continue;
    const isWhole = outcome === 'finished' && until !== undefined;
    timings.set(text, isWhole ? until - startMs : endMs - startMs + CUT_MS);
  }
  return timings;
}

const CUT_MS = 1_000;

const lineOf = (
  { verb, detail }: Pick<RecordedVerb, 'verb' | 'detail'>,
  heard: readonly string[] | undefined,
  url: string | undefined,
): VerbLine => ({ verb, detail: withoutOrigin(detail, url), heard });

function withoutOrigin(detail: string, url: string | undefined): string {
  return url !== undefined && URL.canParse(url) ? detail.replaceAll(new URL(url).origin, '') : detail;
}

/** Answers each request as it was answered, in the order of the recording. */
function recordedAnswers(
  exchanges: readonly WebhookExchange[],
  onExchange: (report: WebhookReport) => void,
): WebhookClient {
  const left = exchanges.filter(({ purpose }) => purpose !== 'statusCallback' && purpose !== 'media');
  return {
    async request(request) {
      const url = new URL(request.url);
      url.hash = '';
      const at = left.findIndex((one) => one.url === url.href && one.method === request.method);
      const [found] = at < 0 ? [] : left.splice(at, 1);
      const { method, accountSid, callSid, purpose, params } = request;
      const status = found?.responseCode ?? 0;
      const body = Buffer.from(found?.responseBody ?? '');
      const report = {
        method,
        accountSid,
        callSid,
        purpose,
        params,
        url: url.href,
        status,
        body,
        durationMs: 0,
        headers: {},
      };
      onExchange({ ...report, errorCode: found?.errorCode ?? null });
      const isCut = body.length >= limits.webhookLogBodyBytes;
      if (!found || isCut || status < 200 || status > 299)
        return err({ errorCode: found?.errorCode ?? 11200, detail: 'not recorded', url: url.href, status });
      const contentType = (found.contentType ?? '').split(';')[0]!.trim().toLowerCase();
      return ok({ status, contentType, body, finalUrl: url.href, durationMs: 0 });
    },
    fetchMedia: async (url) => err({ errorCode: 11200, detail: 'not recorded', url, status: undefined }),
    forget: () => {},
    isOverloaded: () => false,
    counts: () => ({ inFlight: 0, queued: 0, cookieJars: 0 }),
    stop: async () => {},
  };
}
