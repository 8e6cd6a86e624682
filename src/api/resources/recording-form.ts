// Parameters about recordings: of Calls (rest-api.md 9.1), and of starting and changing one (rest-api.md 10).

import { z } from 'zod';
import type { RecordingChange, RecordingEvent, RecordingRequest } from '../../base/recordings-api.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { RecordingSource } from '../../base/voice-records.ts';
import { type ApiFault, fault } from '../errors.ts';
import { bool, checked, type Form, lastOf, method, optional, url } from '../form.ts';

const oneOf = <const T extends readonly [string, ...string[]]>(name: string, values: T) =>
  z
    .string()
    .refine((value) => values.includes(value), { error: `20001|${name} must be one of ${values.join(', ')}` })
    .transform((value) => value as T[number]);

const schema = z.object({
  RecordingChannels: optional(oneOf('RecordingChannels', ['mono', 'dual'])),
  RecordingTrack: optional(oneOf('RecordingTrack', ['inbound', 'outbound', 'both'])),
  Trim: optional(oneOf('Trim', ['trim-silence', 'do-not-trim'])),
  RecordingStatusCallback: optional(url('RecordingStatusCallback', 21502)),
  RecordingStatusCallbackMethod: optional(method('RecordingStatusCallbackMethod', 21209)),
});

const events: readonly RecordingEvent[] = ['in-progress', 'completed', 'absent'];

export interface RecordingDefaults {
  readonly source: RecordingSource;
  readonly trim: boolean;
}

/** How to record; the defaults differ by who asks. */
export function readRecording(form: Form, { source, trim }: RecordingDefaults): Result<RecordingRequest, ApiFault> {
  const read = checked(schema, form);
  if (!read.ok) return read;
  const track = read.value.RecordingTrack ?? 'both';
  const callbackUrl = read.value.RecordingStatusCallback;
  const asked = readEvents(form);
  if (!asked.ok) return asked;
  return ok({
    // twiml.md 6.1: a single track is always mono.
    channels: read.value.RecordingChannels === 'dual' && track === 'both' ? 2 : 1,
    track,
    trim: read.value.Trim === undefined ? trim : read.value.Trim === 'trim-silence',
    source,
    callback:
      callbackUrl === undefined
        ? null
        : { url: callbackUrl, method: read.value.RecordingStatusCallbackMethod ?? 'POST', events: asked.value },
  });
}

// rest-api.md 4: repeated, or several words in one value.
function readEvents(form: Form): Result<readonly RecordingEvent[], ApiFault> {
  const words = (form.get('RecordingStatusCallbackEvent') ?? [])
    .flatMap((value) => value.split(/[\s,]+/))
    .filter(Boolean);
  const known = events.filter((event) => words.includes(event));
  if (words.some((word) => !events.some((event) => event === word)))
    return err(fault(20001, `RecordingStatusCallbackEvent must be one of ${events.join(', ')}`));
  return ok(known.length > 0 ? known : ['completed']);
}

const wanted = z.object({ Record: optional(bool('Record', 20001)) });

/** Of Calls: null without `Record=true`. */
export function readCallRecording(form: Form): Result<RecordingRequest | null, ApiFault> {
  const record = checked(wanted, form);
  if (!record.ok) return record;
  if (record.value.Record !== true) return ok(null);
  return readRecording(form, { source: 'OutboundAPI', trim: true });
}

export function readChange(form: Form): Result<RecordingChange, ApiFault> {
  const status = lastOf(form, 'Status');
  if (status !== 'paused' && status !== 'in-progress' && status !== 'stopped')
    return err(fault(20001, 'Status must be one of paused, in-progress, stopped'));
  const pauseBehavior = lastOf(form, 'PauseBehavior') ?? 'silence';
  if (pauseBehavior !== 'silence' && pauseBehavior !== 'skip')
    return err(fault(20001, 'PauseBehavior must be silence or skip'));
  return ok({ status, pauseBehavior });
}
