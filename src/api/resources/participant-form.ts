// Parameters of `POST Participants` → AddParticipantRequest (rest-api.md 11). What belongs to the call of the participant is read as
// for `POST Calls`; this file reads what belongs to the conference.

import { z } from 'zod';
import { type AddParticipantRequest, beeps, conferenceEvents } from '../../base/conferences-api.ts';
import { limits } from '../../base/limits.ts';
import type { RecordingEvent } from '../../base/recordings-api.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type ApiFault, fault, type Warning } from '../errors.ts';
import { bool, checked, clearable, type Form, integer, method, optional, printable, url } from '../form.ts';
import type { ApiParts } from '../request.ts';
import { readCall } from './call-form.ts';

const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  z.enum(values, { error: `20001|${name} must be one of ${values.join(', ')}` });

const REGIONS = ['us1', 'us2', 'ie1', 'de1', 'sg1', 'br1', 'au1', 'jp1'] as const;
const JITTER_MS = { off: 0, small: 20, medium: 40, large: 60 } as const;
const RECORDING_EVENTS: readonly RecordingEvent[] = ['in-progress', 'completed', 'absent'];
const PARTICIPANTS_MIN = 2;
const TIMEOUT_MIN_SECONDS = 5;

const schema = z.object({
  Label: optional(
    z.string().refine(isLabel, {
      error: `16024|Label must have at most ${limits.participantLabelChars} characters, no slash, and not be a CallSid`,
    }),
  ),
  Timeout: optional(integer('Timeout', 21208, TIMEOUT_MIN_SECONDS, limits.dialTimeoutMaxSeconds)),
  CallerDisplayName: optional(
    z.string().regex(/^[^\x00-\x1f\x7f]{2,255}$/, { error: '20001|CallerDisplayName must have 2 to 255 characters' }),
  ),
  Muted: optional(z.string()),
  Beep: optional(oneOf('Beep', beeps)),
  StartConferenceOnEnter: optional(bool('StartConferenceOnEnter', 20001)),
  EndConferenceOnExit: optional(bool('EndConferenceOnExit', 20001)),
  WaitUrl: clearable(url('WaitUrl', 21502)),
  WaitMethod: optional(method('WaitMethod', 21209)),
  EarlyMedia: optional(bool('EarlyMedia', 20001)),
  MaxParticipants: optional(integer('MaxParticipants', 20001, PARTICIPANTS_MIN, limits.conferenceParticipants)),
  JitterBufferSize: optional(oneOf('JitterBufferSize', ['off', 'small', 'medium', 'large'])),
  ConferenceRecord: optional(oneOf('ConferenceRecord', ['true', 'false', 'record-from-start', 'do-not-record'])),
  ConferenceTrim: optional(oneOf('ConferenceTrim', ['trim-silence', 'do-not-trim'])),
  ConferenceStatusCallback: optional(url('ConferenceStatusCallback', 21502)),
  ConferenceStatusCallbackMethod: optional(method('ConferenceStatusCallbackMethod', 21209)),
  ConferenceRecordingStatusCallback: optional(url('ConferenceRecordingStatusCallback', 21502)),
  ConferenceRecordingStatusCallbackMethod: optional(method('ConferenceRecordingStatusCallbackMethod', 21209)),
  Region: optional(oneOf('Region', REGIONS)),
  Coaching: optional(bool('Coaching', 20001)),
  CallSidToCoach: optional(
    z.string().regex(/^CA[0-9a-f]{32}$/, { error: '16028|CallSidToCoach is not a participant of the conference' }),
  ),
});
type Settings = z.output<typeof schema>;

/** rest-api.md 11: it stands in paths in place of a CallSid. */
export function isLabel(label: string): boolean {
  return (
    label.length <= limits.participantLabelChars && !/[/\x00-\x1f\x7f]/.test(label) && !/^CA[0-9a-f]{32}$/.test(label)
  );
}

export interface ReadParticipant {
  readonly request: AddParticipantRequest;
  readonly warnings: readonly Warning[];
}

export async function readParticipant(
  form: Form,
  room: string,
  accountSid: string,
  parts: ApiParts,
): Promise<Result<ReadParticipant, ApiFault>> {
  const call = await readCall(callForm(form), accountSid, parts, 'phones and applications');
  if (!call.ok) return call;
  const settings = checked(schema, form);
  if (!settings.ok) return settings;
  const { value } = settings;
  if (value.Coaching === true && value.CallSidToCoach === undefined)
    return err(fault(20001, 'CallSidToCoach is required with Coaching=true'));
  const events = readEvents(form, 'ConferenceStatusCallbackEvent', conferenceEvents, ['start', 'end']);
  const recordingEvents = readEvents(form, 'ConferenceRecordingStatusCallbackEvent', RECORDING_EVENTS, ['completed']);
  const { CallerDisplayName: callerName } = value;
  return ok({
    request: {
      options: {
        room,
        muted: value.Muted?.toLowerCase() === 'true',
        beep: value.Beep ?? 'true',
        startOnEnter: value.StartConferenceOnEnter ?? true,
        endOnExit: value.EndConferenceOnExit ?? false,
        label: value.Label,
        jitterMs: JITTER_MS[value.JitterBufferSize ?? 'large'],
        wait: readWait(form, value),
        maxParticipants: value.MaxParticipants ?? limits.conferenceParticipants,
        record: readRecord(value, recordingEvents.events),
        coach: value.Coaching === false ? undefined : value.CallSidToCoach,
        region: value.Region,
        statusCallback:
          value.ConferenceStatusCallback === undefined
            ? undefined
            : {
                url: value.ConferenceStatusCallback,
                method: value.ConferenceStatusCallbackMethod ?? 'POST',
                events: events.events,
              },
      },
      earlyMedia: value.EarlyMedia ?? true,
      call: { ...call.value.request, ...(callerName === undefined ? {} : { callerName }) },
    },
    warnings: [...call.value.warnings, ...events.warnings, ...recordingEvents.warnings],
  });
}

/** What `POST Calls` understands of the form: the way into the room takes the place of instructions. */
function callForm(form: Form): Form {
  const call = new Map(form);
  for (const name of ['Url', 'ApplicationSid', 'Method', 'FallbackUrl', 'FallbackMethod', 'SendDigits', 'AsyncAmd'])
    call.delete(name);
  call.set('Twiml', ['<Response/>']);
  // The same thing under another name: the participant does not wait for the verdict.
  for (const end of ['', 'Method']) {
    const values = form.get(`AmdStatusCallback${end}`);
    if (values) call.set(`AsyncAmdStatusCallback${end}`, values);
  }
  if (form.has('MachineDetection')) call.set('AsyncAmd', ['true']);
  return call;
}

/** Absent: the built-in music; empty: silence. */
const readWait = (form: Form, { WaitUrl: waitUrl, WaitMethod: waitMethod = 'POST' }: Settings) =>
  form.has('WaitUrl') ? { url: waitUrl ?? '', method: waitMethod } : { url: undefined, method: 'GET' as const };

function readRecord(value: Settings, events: readonly RecordingEvent[]): AddParticipantRequest['options']['record'] {
  const record = value.ConferenceRecord ?? 'false';
  if (record === 'false' || record === 'do-not-record') return undefined;
  const callbackUrl = value.ConferenceRecordingStatusCallback;
  const callbackMethod = value.ConferenceRecordingStatusCallbackMethod ?? 'POST';
  return {
    trim: (value.ConferenceTrim ?? 'trim-silence') === 'trim-silence',
    statusCallback: callbackUrl === undefined ? undefined : { url: callbackUrl, method: callbackMethod, events },
    eventCallbackUrl: undefined,
  };
}

/** Repeated, or one value with spaces (rest-api.md 4). Unknown words are left out, with 21626. */
function readEvents<T extends string>(
  form: Form,
  name: string,
  known: readonly T[],
  fallback: readonly T[],
): { readonly events: readonly T[]; readonly warnings: readonly Warning[] } {
  const asked = (form.get(name) ?? []).flatMap((value) => value.split(/[\s,]+/)).filter(Boolean);
  const events = known.filter((event) => asked.includes(event));
  // `failed` of recordings is documented, and never happens apart from `absent`.
  const unknown = asked.find((event) => event !== 'failed' && !known.some((one) => one === event));
  return {
    events: events.length > 0 ? events : fallback,
    warnings: unknown === undefined ? [] : [{ code: 21626, message: `Invalid ${name}: ${printable(unknown)}` }],
  };
}

/** A friendly name in the path that can make a conference. */
export function checkRoomName(name: string): ApiFault | undefined {
  const isGood = name !== '' && name.length <= limits.conferenceNameChars && !/[\x00-\x1f\x7f]/.test(name);
  return isGood ? undefined : fault(20001, `a conference name has 1 to ${limits.conferenceNameChars} characters`);
}
