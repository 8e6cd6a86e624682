// The attributes that Record, Dial, Conference and Start share: recordingTrack, trim and the recording's status callback (twiml.md 5.5,
// 6.1, 10.1).

import type { RecordingCallback, RecordingEvent } from '../base/recordings-api.ts';
import type { AttributeReader } from './attributes.ts';

export const recordingEvents: readonly RecordingEvent[] = ['in-progress', 'completed', 'absent'];

/** `methodCode`: of the element's own warnings about methods. */
export function readRecordingCallback(read: AttributeReader, methodCode: number): RecordingCallback | null {
  const url = read.optionalUrl('recordingStatusCallback', 13256);
  const method = read.method('recordingStatusCallbackMethod', methodCode);
  const events = readEvents(read);
  return url === undefined ? null : { url, method, events };
}

// Several words of the list; what is none of them is said, and the rest counts.
function readEvents(read: AttributeReader): readonly RecordingEvent[] {
  const words = (read.text('recordingStatusCallbackEvent') ?? 'completed')
    .split(/[\s,]+/)
    .filter((word) => word !== '');
  const events = recordingEvents.filter((event) => words.includes(event));
  if (words.some((word) => !recordingEvents.some((event) => event === word)))
    read.warn(13621, 'recordingStatusCallbackEvent is not of in-progress, completed, absent');
  return events.length > 0 ? events : ['completed'];
}

/** Whether silence is cut off. */
export const readTrim = (read: AttributeReader, fallback: 'trim-silence' | 'do-not-trim'): boolean =>
  read.choice('trim', ['trim-silence', 'do-not-trim'], fallback, 13699) === 'trim-silence';

export const readTrack = (read: AttributeReader, name: 'recordingTrack' | 'track') =>
  read.choice(name, ['inbound', 'outbound', 'both'], 'both', 13622);
