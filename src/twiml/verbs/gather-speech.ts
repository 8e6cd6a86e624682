// The speech side of Gather (twiml.md 5.4): its attributes, partial results, and the parameters of what was heard.

import { limits } from '../../base/limits.ts';
import type { RecognisedText } from '../../base/recogniser.ts';
import type { HttpMethod } from '../../base/records.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import type { AttributeReader } from '../attributes.ts';
import type { SpeechOptions } from '../call-control.ts';
import type { RunContext } from '../verb.ts';

export interface GatherSpeech {
  readonly options: Omit<SpeechOptions, 'onPartial'>;
  readonly partialResults: { readonly url: string; readonly method: HttpMethod } | undefined;
}

const MODELS = (
  'default numbers_and_commands phone_call experimental_conversations experimental_utterances ' +
  'googlev2_long googlev2_short googlev2_telephony googlev2_telephony_short deepgram_nova-2 deepgram_nova-3'
).split(' ');
const LANGUAGE = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
const MAX_SECONDS = limits.utteranceMs / 1_000;

/** Reads the attributes; each bad value has its warning and the default. `timeoutMs` is that of the Gather. */
export function readSpeech(read: AttributeReader, timeoutMs: number): GatherSpeech {
  const model = readModel(read);
  // Recognisers here have their own filter of bad words, or none: the attribute is only checked.
  read.boolean('profanityFilter', true, 13333);
  const options = {
    language: readLanguage(read),
    hints: readHints(read),
    model,
    pauseMs: readPauseMs(read, model, timeoutMs),
    maxMs: 1_000 * read.integer('maxSpeechTime', { min: 1, max: MAX_SECONDS, fallback: MAX_SECONDS, code: 13328 }),
    bargeIn: read.boolean('bargeIn', true, 13332),
  };
  const url = read.optionalUrl('partialResultCallback');
  const method = read.method('partialResultCallbackMethod', 13329);
  return { options, partialResults: url === undefined ? undefined : { url, method } };
}

function readModel(read: AttributeReader): string | undefined {
  const model = read.text('speechModel')?.trim();
  if (model === undefined || MODELS.includes(model)) return model;
  read.warn(13334, 'speechModel of Gather is not a known one');
  return undefined;
}

function readLanguage(read: AttributeReader): string {
  const language = read.text('language')?.trim() ?? 'en-US';
  if (LANGUAGE.test(language)) return language;
  read.warn(13331, 'language of Gather is not a language tag');
  return 'en-US';
}

function readHints(read: AttributeReader): readonly string[] {
  const hints = (read.text('hints') ?? '')
    .split(',')
    .map((hint) => hint.trim())
    .filter((hint) => hint !== '');
  const fitting = hints.slice(0, limits.gatherHints).filter((hint) => hint.length <= limits.gatherHintChars);
  if (fitting.length < hints.length)
    read.warn(13330, `hints of Gather: more than ${limits.gatherHints}, or longer than ${limits.gatherHintChars}`);
  // `$OPERAND` and its like are classes of one vendor's recogniser, not words.
  return fitting.filter((hint) => !hint.startsWith('$'));
}

function readPauseMs(read: AttributeReader, model: string | undefined, timeoutMs: number): number {
  const isAuto = read.text('speechTimeout')?.trim() === 'auto';
  // twiml.md 5.4: with an explicit model `auto` is refused.
  if (isAuto && model !== undefined) read.warn(13335, 'speechTimeout="auto" cannot be used with a speechModel');
  if (isAuto) return model === undefined ? limits.speechPauseAutoMs : timeoutMs;
  const seconds = read.integer('speechTimeout', { min: 1, max: MAX_SECONDS, fallback: timeoutMs / 1_000, code: 13327 });
  return seconds * 1_000;
}

/** A listener that sends each partial result, one after another; the answers are ignored. */
export function partialResultSender(
  { partialResults }: GatherSpeech,
  { requestIgnored }: RunContext,
): ((text: string) => void) | undefined {
  if (!partialResults) return undefined;
  const { url, method } = partialResults;
  let sequence = 0;
  let sent: Promise<void> = Promise.resolve();
  let waiting: WebhookParams | undefined;
  return (text) => {
    // A slow application gets the latest text, not all that came meanwhile.
    const isIdle = waiting === undefined;
    waiting = new Map([
      ['UnstableSpeechResult', text],
      ['SequenceNumber', String(sequence++)],
    ]);
    if (!isIdle) return;
    sent = sent.then(() => {
      const params = waiting ?? new Map();
      waiting = undefined;
      return requestIgnored(url, method, params);
    });
  };
}

/** twiml.md 3.3: a confidence is told where the recogniser says one. */
export const speechParams = ({ text, confidence }: RecognisedText): readonly (readonly [string, string])[] => [
  ['SpeechResult', text],
  ...(confidence === null ? [] : [['Confidence', String(Math.round(confidence * 1e8) / 1e8)] as const]),
];
