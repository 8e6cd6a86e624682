// The recording status callback (twiml.md 8.3): which states it is about, and its parameters. Pure.

import type { RecordingEvent, RecordingRequest } from '../base/recordings-api.ts';
import type { Recording, RecordingStatus } from '../base/voice-records.ts';

/** State → the event that an application subscribes to. A recording that failed is told to whoever waits for its end. */
const eventsOf: { readonly [status in RecordingStatus]?: readonly RecordingEvent[] } = {
  'in-progress': ['in-progress'],
  completed: ['completed'],
  absent: ['absent'],
  failed: ['completed', 'absent'],
};

export const isSubscribed = (status: RecordingStatus, { callback }: RecordingRequest): boolean =>
  eventsOf[status]?.some((event) => callback?.events.includes(event)) ?? false;

/** `url`: of the media, without extension. */
export function callbackParams(recording: Recording, url: string, startTime: string): ReadonlyMap<string, string> {
  const { status, source, conferenceSid, callSid } = recording;
  const params = new Map<string, string>([['AccountSid', recording.accountSid]]);
  // A conference has its own sid in place of the call's.
  if (conferenceSid === null) params.set('CallSid', callSid);
  else params.set('ConferenceSid', conferenceSid);
  params.set('RecordingSid', recording.sid);
  params.set('RecordingUrl', url);
  // Only the Record verb lists `failed`; elsewhere a recording that failed is absent.
  params.set('RecordingStatus', status === 'failed' && source !== 'RecordVerb' ? 'absent' : status);
  if (recording.durationSeconds !== null && status !== 'absent')
    params.set('RecordingDuration', String(recording.durationSeconds));
  params.set('RecordingChannels', String(recording.channels));
  params.set('RecordingStartTime', startTime);
  params.set('RecordingSource', source);
  params.set('RecordingTrack', recording.track);
  if (recording.errorCode !== null) params.set('ErrorCode', String(recording.errorCode));
  return params;
}
