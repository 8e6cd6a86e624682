// Gather: collects digits while prompts play (twiml.md 5.4). CallControl.collect does the listening and the timing; this file maps
// its outcome to what comes next. Speech input is not in this version: `dtmf speech` is `dtmf`, `speech` alone hears nothing.
//
//   prompt ─────┐        key      key       timeout
//   ────────────┴──────────●────────●──────────┤  each key restarts the timer; the first one stops the prompt
//               timer starts                   action(Digits)

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { AttributeReader, NOT_SUPPORTED } from '../attributes.ts';
import type { AudioSource, CallControl, Collected } from '../call-control.ts';
import { endOfCall, nextVerb, type ParseContext, type Verb, type VerbResult } from '../verb.ts';
import { childElements, type XmlElement } from '../xml.ts';
import { pause, pauseSources } from './pause.ts';
import { play, playSources } from './play.ts';
import { say, saySources } from './say.ts';

export interface Gather {
  readonly action: string;
  readonly method: HttpMethod;
  readonly hearsDigits: boolean;
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
    return read.finish({
      action: action ?? '',
      method: read.method('method', 13312),
      hearsDigits: readInput(read),
      timeoutMs: readTimeoutSeconds(read) * 1000,
      finishOnKey: readFinishOnKey(read),
      numDigits: readNumDigits(read),
      actionOnEmptyResult: read.boolean('actionOnEmptyResult', false, 13338),
      prompt: childElements(element).flatMap((child) => promptSources(child, read, context)),
    });
  },
  describe(verb) {
    const count = Number.isFinite(verb.numDigits) ? `${verb.numDigits} digits` : 'digits';
    return `${count}, timeout ${verb.timeoutMs / 1000} s`;
  },
  sources: ({ prompt }) => prompt,
  async run(verb, { control }, signal) {
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const collected = verb.hearsDigits
      ? await collectDigits(verb, control, signal)
      : await hearNothing(verb, control, signal);
    // twiml.md 16, 9: no action request when the caller hung up.
    if (signal.aborted || collected.reason === 'aborted') return endOfCall('aborted');
    return resultOf(verb, collected);
  },
};

function collectDigits(verb: Gather, control: CallControl, signal: AbortSignal): Promise<Collected> {
  const { prompt, timeoutMs, finishOnKey, numDigits } = verb;
  return control.collect({ prompt, timeoutMs, finishOnKey, numDigits }, signal);
}

async function hearNothing(verb: Gather, control: CallControl, signal: AbortSignal): Promise<Collected> {
  if (verb.prompt.length > 0) await control.play(verb.prompt, signal);
  if (!signal.aborted) await control.pause(verb.timeoutMs, signal);
  return { digits: '', finishedOnKey: '', reason: 'timeout' };
}

// The table "Semantics" of twiml.md 5.4: any digit means the action; finishOnKey alone counts as no input.
function resultOf(verb: Gather, { digits, finishedOnKey }: Collected): VerbResult {
  const outcome = digits === '' ? 'no input' : `${digits.length} ${digits.length === 1 ? 'digit' : 'digits'}`;
  if (digits === '' && !verb.actionOnEmptyResult) return nextVerb(outcome, true);
  const params: WebhookParams = new Map([
    ['Digits', digits],
    ['FinishedOnKey', finishedOnKey],
    ['msg', 'Gather End'],
  ]);
  const { action: url, method } = verb;
  return { kind: 'redirect', url, method, params, purpose: 'action', outcome, waited: true };
}

function readInput(read: AttributeReader): boolean {
  const words = (read.text('input') ?? 'dtmf').split(/\s+/).filter((word) => word !== '');
  const isKnown = words.length > 0 && words.every((word) => word === 'dtmf' || word === 'speech');
  if (!isKnown) {
    read.warn(13326, 'input of Gather is neither dtmf nor speech');
    return true;
  }
  const hearsDigits = words.includes('dtmf');
  if (!hearsDigits) read.warn(13326, 'speech input is not supported yet: this Gather hears nothing');
  else if (words.includes('speech')) read.warn(NOT_SUPPORTED, 'speech input is not supported yet: digits only');
  return hearsDigits;
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
