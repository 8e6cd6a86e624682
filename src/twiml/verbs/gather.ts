// Gather: collects digits and speech while prompts play (twiml.md 5.4). CallControl.collect does the listening and the timing; this file
// maps its outcome to what comes next. Without a recogniser `dtmf speech` is `dtmf`, and `speech` alone ends after its prompt.
//
//   prompt ─────┐        key      key       timeout
//   ────────────┴──────────●────────●──────────┤  each key restarts the timer; the first one stops the prompt
//               timer starts                   action(Digits)

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { AttributeReader } from '../attributes.ts';
import type { AudioSource, CallControl, Collected } from '../call-control.ts';
import { endOfCall, nextVerb, type ParseContext, type RunContext, type Verb, type VerbResult } from '../verb.ts';
import { childElements, type XmlElement } from '../xml.ts';
import { type GatherSpeech, partialResultSender, readSpeech, speechParams } from './gather-speech.ts';
import { pause, pauseSources } from './pause.ts';
import { play, playSources } from './play.ts';
import { say, saySources } from './say.ts';

export interface Gather {
  readonly action: string;
  readonly method: HttpMethod;
  readonly hearsDigits: boolean;
  /** Undefined: digits only. */
  readonly speech: GatherSpeech | undefined;
  readonly timeoutMs: number;
  readonly finishOnKey: string;
  readonly numDigits: number;
  readonly actionOnEmptyResult: boolean;
  readonly prompt: readonly AudioSource[];
}

const MAX_TIMEOUT_SECONDS = limits.callTimeLimitMs / 1000;

export const gather: Verb<Gather> = {
  name: 'Gather',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const action = read.url('action') ?? context.documentUrl;
    // twiml.md 2.7: inline TwiML has no current document to go back to.
    if (action === undefined) read.fail(11100, 'Gather without an absolute action in inline TwiML');
    const input = readInput(read);
    const timeoutMs = readTimeoutSeconds(read) * 1000;
    return read.finish({
      action: action ?? '',
      method: read.method('method', 13312),
      hearsDigits: input.includes('dtmf'),
      speech: input.includes('speech') ? readSpeech(read, timeoutMs) : undefined,
      timeoutMs,
      finishOnKey: readFinishOnKey(read),
      numDigits: readNumDigits(read),
      actionOnEmptyResult: read.boolean('actionOnEmptyResult', false, 13338),
      prompt: childElements(element).flatMap((child) => promptSources(child, read, context)),
    });
  },
  describe(verb) {
    const count = Number.isFinite(verb.numDigits) ? `${verb.numDigits} digits` : 'digits';
    const kinds = [...(verb.hearsDigits ? [count] : []), ...(verb.speech ? ['speech'] : [])];
    return `${kinds.join(' or ')}, timeout ${verb.timeoutMs / 1000} s`;
  },
  sources: ({ prompt }) => prompt,
  async run(verb, context, signal) {
    const { control, notify } = context;
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const hearsSpeech = verb.speech !== undefined && control.hearsSpeech;
    if (verb.speech && !hearsSpeech)
      notify({ level: 'error', code: NO_RECOGNISER, message: 'Gather: no speech recogniser is configured' });
    const collected =
      verb.hearsDigits || hearsSpeech
        ? await collectInput(verb, context, hearsSpeech, signal)
        : await hearNothing(verb, control, signal);
    // twiml.md 16, 9: no action request when the caller hung up.
    if (signal.aborted || collected.reason === 'aborted') return endOfCall('aborted');
    return resultOf(verb, collected);
  },
};

/** Speech was asked for and nothing here can recognise it (twiml.md 14: provider configuration). */
const NO_RECOGNISER = 13343;

function collectInput(
  verb: Gather,
  context: RunContext,
  hearsSpeech: boolean,
  signal: AbortSignal,
): Promise<Collected> {
  const { prompt, timeoutMs, finishOnKey, numDigits, hearsDigits } = verb;
  const speech =
    hearsSpeech && verb.speech
      ? { ...verb.speech.options, onPartial: partialResultSender(verb.speech, context) }
      : undefined;
  return context.control.collect({ prompt, timeoutMs, finishOnKey, numDigits, hearsDigits, speech }, signal);
}

/** Nothing can be heard: the prompt, and no wait after it. */
async function hearNothing(verb: Gather, control: CallControl, signal: AbortSignal): Promise<Collected> {
  if (verb.prompt.length > 0) await control.play(verb.prompt, signal);
  return { digits: '', finishedOnKey: '', reason: 'timeout' };
}

// The table "Semantics" of twiml.md 5.4: any digit means the action; finishOnKey alone counts as no input.
function resultOf(verb: Gather, { digits, finishedOnKey, speech }: Collected): VerbResult {
  const isEmpty = digits === '' && speech === undefined;
  const heard = `${digits.length} ${digits.length === 1 ? 'digit' : 'digits'}`;
  const outcome = speech ? 'speech' : isEmpty ? 'no input' : heard;
  // Where nothing could be heard the Gather took no time of its own: the guard against endless loops goes on.
  const waited = verb.hearsDigits || verb.speech === undefined || !isEmpty;
  if (isEmpty && !verb.actionOnEmptyResult) return nextVerb(outcome, waited);
  const params: WebhookParams = new Map([
    ...(speech ? speechParams(speech) : [['Digits', digits] as const, ['FinishedOnKey', finishedOnKey] as const]),
    ['msg', 'Gather End'],
  ]);
  const { action: url, method } = verb;
  return { kind: 'redirect', url, method, params, purpose: 'action', outcome, waited };
}

function readInput(read: AttributeReader): readonly string[] {
  const words = (read.text('input') ?? 'dtmf').split(/\s+/).filter((word) => word !== '');
  if (words.length > 0 && words.every((word) => word === 'dtmf' || word === 'speech')) return words;
  read.warn(13326, 'input of Gather is neither dtmf nor speech');
  return ['dtmf'];
}

function readTimeoutSeconds(read: AttributeReader): number {
  // twiml.md 16, 29: `auto` stands in one table of the vendor's only; it is the default.
  if (read.text('timeout')?.trim() === 'auto') return 5;
  return read.integer('timeout', { min: 1, max: MAX_TIMEOUT_SECONDS, fallback: 5, code: 13313 });
}

function readFinishOnKey(read: AttributeReader): string {
  const key = read.text('finishOnKey')?.trim();
  if (key === undefined || /^[0-9#*]?$/.test(key)) return key ?? '#';
  const isSeveral = /^[0-9#*]+$/.test(key);
  read.warn(isSeveral ? 13310 : 13311, 'finishOnKey of Gather is not a single key of 0-9 # *');
  return '#';
}

function readNumDigits(read: AttributeReader): number {
  if (read.text('numDigits') === undefined) return Number.POSITIVE_INFINITY;
  const fallback = Number.POSITIVE_INFINITY;
  return read.integer('numDigits', { min: 1, max: limits.gatherDigits, fallback, code: 13314 });
}

function promptSources(child: XmlElement, read: AttributeReader, context: ParseContext): readonly AudioSource[] {
  const nested = { ...context, isNested: true };
  const sourcesOf = <T>(verb: Verb<T>, sources: (value: T) => readonly AudioSource[]) => {
    const parsed = verb.parse(child, nested);
    read.addWarnings(parsed.warnings);
    return parsed.ok ? sources(parsed.value) : [];
  };
  if (child.name === 'Say') return sourcesOf(say, saySources);
  if (child.name === 'Play') return sourcesOf(play, playSources);
  if (child.name === 'Pause') return sourcesOf(pause, pauseSources);
  read.warn(13320, `${child.name} is not allowed inside Gather`);
  return [];
}
