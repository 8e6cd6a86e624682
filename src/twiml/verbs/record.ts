// Record: takes a message of the caller (twiml.md 5.5). recording/ does the listening; this file reads the attributes and turns how the
// message ended into the action request. What stands behind Record is never run.

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import type { Message, MessageOptions } from '../../recording/control.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { AttributeReader } from '../attributes.ts';
import { readRecordingCallback, readTrim } from '../recording-attributes.ts';
import { endOfCall, type Verb, type VerbResult } from '../verb.ts';

export interface Record {
  readonly action: string;
  readonly method: HttpMethod;
  readonly options: MessageOptions;
}

const MAX_SECONDS = limits.recordingMs / 1_000;
/** twiml.md 5.5: longer messages are not transcribed. */
const MAX_TRANSCRIBED_SECONDS = 120;
const ALL_KEYS = '1234567890*#';

export const record: Verb<Record> = {
  name: 'Record',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const action = read.url('action') ?? context.documentUrl;
    // twiml.md 2.7: inline TwiML has no current document to go back to.
    if (action === undefined) read.fail(11100, 'Record without an absolute action in inline TwiML');
    const transcription = readTranscription(read);
    return read.finish({
      action: action ?? '',
      method: read.method('method', 13610),
      options: {
        timeoutMs: read.integer('timeout', { min: 0, max: MAX_SECONDS, fallback: 5, code: 13611 }) * 1_000,
        finishOnKey: readFinishOnKey(read),
        maxLengthMs: readMaxLength(read, transcription !== undefined) * 1_000,
        playBeep: read.boolean('playBeep', true, 13616),
        transcription,
        recording: {
          channels: 1,
          track: 'inbound',
          trim: readTrim(read, 'trim-silence'),
          source: 'RecordVerb',
          callback: readRecordingCallback(read, 13610),
        },
      },
    });
  },
  describe: ({ options }) => `at most ${options.maxLengthMs / 1_000} s, silence ${options.timeoutMs / 1_000} s`,
  async run({ action, method, options }, context, signal) {
    const { control } = context;
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const message = await control.recordings.takeMessage(options, signal);
    if (control.callSignal.aborted) {
      // twiml.md 5.5: the application still hears of it; what it answers is ignored.
      const params = new Map([...actionParams(message, 'hangup'), ['CallStatus', 'completed'] as const]);
      await context.requestIgnored(action, method, params);
      return endOfCall('hang-up');
    }
    if (signal.aborted) return endOfCall('aborted');
    return afterMessage(message, action, method);
  },
};

function afterMessage(message: Message, url: string, method: HttpMethod): VerbResult {
  const params = actionParams(message, message.finishedOnKey);
  const seconds = message.recording?.durationSeconds ?? 0;
  const outcome = `${message.reason}, ${seconds} s`;
  return { kind: 'redirect', url, method, params, purpose: 'action', outcome, waited: message.reason !== 'failed' };
}

/** twiml.md 3.3. */
function actionParams({ recording }: Message, digits: string): WebhookParams {
  const params = new Map<string, string>();
  if (recording) {
    params.set('RecordingUrl', recording.url);
    params.set('RecordingSid', recording.sid);
    params.set('RecordingDuration', String(recording.durationSeconds));
  }
  return params.set('Digits', digits);
}

function readFinishOnKey(read: AttributeReader): string {
  const keys = read.text('finishOnKey')?.trim();
  if (keys === undefined || /^[0-9#*]*$/.test(keys)) return keys ?? ALL_KEYS;
  read.warn(13613, 'finishOnKey of Record holds other characters than 0-9 # *');
  return ALL_KEYS;
}

// Either attribute asks for a text: the vendor's own applications name a transcribeCallback and no transcribe.
function readTranscription(read: AttributeReader): MessageOptions['transcription'] {
  const callbackUrl = read.optionalUrl('transcribeCallback', 13257);
  const isWanted = read.boolean('transcribe', callbackUrl !== undefined, 13614);
  return isWanted ? { callbackUrl } : undefined;
}

function readMaxLength(read: AttributeReader, isTranscribed: boolean): number {
  const fallback = isTranscribed ? MAX_TRANSCRIBED_SECONDS : 3_600;
  const seconds = read.integer('maxLength', { min: 2, max: MAX_SECONDS, fallback, code: 13612 });
  if (!isTranscribed || seconds <= MAX_TRANSCRIBED_SECONDS) return seconds;
  read.warn(13615, `maxLength of Record is above ${MAX_TRANSCRIBED_SECONDS} seconds, which a transcription cannot be`);
  return MAX_TRANSCRIBED_SECONDS;
}
