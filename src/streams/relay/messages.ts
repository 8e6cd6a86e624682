// The messages of ConversationRelay (twiml.md 11.1): texts towards the application, checked values from it. Pure.

import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { isRecord, parsed } from '../protocol.ts';

export interface SetupFacts {
  readonly sessionId: string;
  readonly accountSid: string;
  readonly callSid: string;
  readonly parentCallSid: string;
  readonly from: string;
  readonly to: string;
  readonly forwardedFrom: string;
  readonly callType: string;
  readonly callerName: string;
  readonly direction: string;
  readonly callStatus: string;
  readonly customParameters: Readonly<Record<string, string>>;
}

export const setupMessage = (facts: SetupFacts): string => JSON.stringify({ type: 'setup', ...facts });

export const promptMessage = (voicePrompt: string, lang: string, last: boolean): string =>
  JSON.stringify({ type: 'prompt', voicePrompt, lang, last });

export const dtmfMessage = (digit: string): string => JSON.stringify({ type: 'dtmf', digit });

export const interruptMessage = (utterance: string, durationMs: number): string =>
  JSON.stringify({
    type: 'interrupt',
    utteranceUntilInterrupt: utterance,
    durationUntilInterruptMs: Math.round(durationMs),
  });

export const errorMessage = (description: string): string => JSON.stringify({ type: 'error', description });

/** What `debug` asks for. */
export const infoMessage = (name: string, value: string): string => JSON.stringify({ type: 'info', name, value });

export type RelayMessage =
  | {
      readonly type: 'text';
      readonly token: string;
      readonly last: boolean;
      readonly lang: string | undefined;
      readonly interruptible: boolean | undefined;
      readonly preemptible: boolean | undefined;
    }
  | {
      readonly type: 'play';
      readonly source: string;
      /** 0 = until something else happens. */
      readonly loop: number;
      readonly interruptible: boolean | undefined;
      readonly preemptible: boolean | undefined;
    }
  | { readonly type: 'sendDigits'; readonly digits: string }
  | {
      readonly type: 'language';
      readonly ttsLanguage: string | undefined;
      readonly transcriptionLanguage: string | undefined;
    }
  | { readonly type: 'end'; readonly handoffData: string | undefined };

type Fields = Readonly<Record<string, unknown>>;

const LANGUAGE = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;
const DIGITS = /^[0-9A-D#*wW]+$/;

/** Reads what the application sent. The error says what is wrong with it, without repeating it. */
export function readRelayMessage(text: string): Result<RelayMessage, string> {
  const message = parsed(text);
  if (!isRecord(message)) return err('a message is not a JSON object');
  switch (message.type) {
    case 'text':
      return readText(message);
    case 'play':
      return readPlay(message);
    case 'sendDigits':
      return readDigits(message);
    case 'language':
      return readLanguage(message);
    case 'end':
      return readEnd(message);
    default:
      return err('a message is of an unknown type');
  }
}

const optionalText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const optionalFlag = (value: unknown): boolean | undefined => (typeof value === 'boolean' ? value : undefined);

function readText({ token, last, lang, interruptible, preemptible }: Fields): Result<RelayMessage, string> {
  if (typeof token !== 'string') return err('a text message has no token');
  if (last !== undefined && typeof last !== 'boolean') return err('last of a text message is neither true nor false');
  const tag = optionalText(lang);
  if (lang !== undefined && (tag === undefined || !LANGUAGE.test(tag))) return err('lang of a text message is no tag');
  return ok({
    type: 'text',
    token,
    last: last === true,
    lang: tag,
    interruptible: optionalFlag(interruptible),
    preemptible: optionalFlag(preemptible),
  });
}

function readPlay({ source, loop = 1, interruptible, preemptible }: Fields): Result<RelayMessage, string> {
  if (typeof source !== 'string' || source.length > limits.webhookUrlChars || !URL.canParse(source)) {
    return err('source of a play message is not an absolute URL');
  }
  if (!/^https?:$/.test(new URL(source).protocol)) return err('source of a play message is neither http nor https');
  if (typeof loop !== 'number' || !Number.isInteger(loop) || loop < 0 || loop > limits.playLoops) {
    return err(`loop of a play message is not a whole number up to ${limits.playLoops}`);
  }
  return ok({
    type: 'play',
    source,
    loop,
    interruptible: optionalFlag(interruptible),
    preemptible: optionalFlag(preemptible),
  });
}

function readDigits({ digits }: Fields): Result<RelayMessage, string> {
  if (typeof digits !== 'string' || !DIGITS.test(digits) || digits.length > limits.sendDigitsChars) {
    return err(`digits of a sendDigits message are not up to ${limits.sendDigitsChars} of 0-9 A-D # * w W`);
  }
  return ok({ type: 'sendDigits', digits });
}

function readLanguage({ ttsLanguage, transcriptionLanguage }: Fields): Result<RelayMessage, string> {
  for (const tag of [ttsLanguage, transcriptionLanguage]) {
    if (tag !== undefined && (typeof tag !== 'string' || !LANGUAGE.test(tag))) return err('a language is not a tag');
  }
  if (ttsLanguage === undefined && transcriptionLanguage === undefined) return err('a language message names none');
  return ok({
    type: 'language',
    ttsLanguage: optionalText(ttsLanguage),
    transcriptionLanguage: optionalText(transcriptionLanguage),
  });
}

function readEnd({ handoffData }: Fields): Result<RelayMessage, string> {
  // Documented as text; applications that give an object mean its JSON.
  const data = handoffData === undefined || typeof handoffData === 'string' ? handoffData : JSON.stringify(handoffData);
  if (data !== undefined && data.length > limits.relayHandoffChars) return err('handoffData is too long');
  return ok({ type: 'end', handoffData: data });
}
