// Conference inside Dial (twiml.md 7.1): the name of a room and how the call takes part in it. Pure; conference/ does it.

import { beeps, type ConferenceCallback, conferenceEvents, type WaitSource } from '../../../base/conferences-api.ts';
import { limits } from '../../../base/limits.ts';
import { AttributeReader, resolveUrl } from '../../attributes.ts';
import type { ConferenceOptions } from '../../conference-control.ts';
import { readRecordingCallback } from '../../recording-attributes.ts';
import type { ParseContext } from '../../verb.ts';
import { textOf, type XmlElement } from '../../xml.ts';

const JITTER_MS = { off: 0, small: 20, medium: 40, large: 60 } as const;
const REGIONS = ['us1', 'us2', 'ie1', 'de1', 'sg1', 'br1', 'au1', 'jp1'] as const;

/** Reads the noun; its warnings go to `report`. Undefined when it names no room. */
export function parseConference(
  element: XmlElement,
  context: ParseContext,
  report: (read: AttributeReader) => void,
): ConferenceOptions | undefined {
  const read = new AttributeReader(element, context);
  const room = readName(element, read);
  const options: Omit<ConferenceOptions, 'room'> = {
    muted: read.boolean('muted', false, 13230),
    beep: read.choice('beep', beeps, 'true', 13235),
    startOnEnter: read.boolean('startConferenceOnEnter', true, 13232),
    endOnExit: read.boolean('endConferenceOnExit', false, 13231),
    label: readLabel(read),
    jitterMs: JITTER_MS[read.choice('jitterBufferSize', ['off', 'small', 'medium', 'large'], 'large', 12200)],
    wait: readWait(read, context),
    maxParticipants: read.integer('maxParticipants', {
      min: 1,
      max: limits.conferenceParticipants,
      fallback: limits.conferenceParticipants,
      code: 12200,
    }),
    record: readRecord(read),
    coach: read.text('coach')?.trim() || undefined,
    region: read.text('region') === undefined ? undefined : read.choice('region', REGIONS, 'us1', 12200),
    statusCallback: readStatusCallback(read),
  };
  report(read);
  return room === undefined ? undefined : { room, ...options };
}

function readName(element: XmlElement, read: AttributeReader): string | undefined {
  const name = textOf(element);
  // It goes into parameters and REST paths: nothing that could end one line and begin another (design.md 9).
  if (name !== '' && name.length <= limits.conferenceNameChars && !/[\x00-\x1f\x7f]/.test(name)) return name;
  read.warn(13237, `the name of the Conference is empty, too long or holds control characters`);
  return undefined;
}

function readLabel(read: AttributeReader): string | undefined {
  const label = read.text('participantLabel')?.trim();
  if (label === undefined || label === '') return undefined;
  if (isParticipantLabel(label)) return label;
  read.warn(16024, 'participantLabel is too long, has the form of a CallSid or holds a slash; it is not used');
  return undefined;
}

/** rest-api.md 11: what can stand in the path in place of a CallSid. */
export const isParticipantLabel = (label: string): boolean =>
  label.length <= limits.participantLabelChars && !/[/\x00-\x1f\x7f]/.test(label) && !/^CA[0-9a-f]{32}$/.test(label);

function readWait(read: AttributeReader, context: ParseContext): WaitSource {
  const text = read.text('waitUrl');
  const method = read.method('waitMethod', 13234);
  // twiml.md 7.1: the built-in playlist by default, silence for the empty text.
  if (text === undefined) return { url: undefined, method: 'GET' };
  if (text.trim() === '') return { url: '', method };
  const url = resolveUrl(text, context.documentUrl);
  if (url === undefined) read.warn(13233, 'waitUrl of Conference is not a valid URL; the built-in music is played');
  return { url, method };
}

function readRecord(read: AttributeReader): ConferenceOptions['record'] {
  const trim = read.choice('trim', ['trim-silence', 'do-not-trim'], 'trim-silence', 13239);
  const record = read.choice('record', ['do-not-record', 'record-from-start', 'true', 'false'], 'do-not-record', 13217);
  const statusCallback = readRecordingCallback(read, 13610) ?? undefined;
  const eventCallbackUrl = read.optionalUrl('eventCallbackUrl');
  if (record === 'do-not-record' || record === 'false') return undefined;
  return { trim: trim === 'trim-silence', statusCallback, eventCallbackUrl };
}

function readStatusCallback(read: AttributeReader): ConferenceCallback | undefined {
  const url = read.optionalUrl('statusCallback');
  const method = read.method('statusCallbackMethod', 12200);
  // rest-api.md 11: `start end` unless said otherwise.
  const events = read.words('statusCallbackEvent', conferenceEvents, ['start', 'end'], 12200);
  return url === undefined ? undefined : { url, method, events };
}
