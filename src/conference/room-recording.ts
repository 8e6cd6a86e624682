// `record-from-start` (twiml.md 7.1): one mono recording of the mix, from the moment the room starts. It ends with the mixer.

import type { MixerId } from '../media/engine-audio.ts';
import type { Participant } from './participant.ts';
import type { RoomServices } from './services.ts';

interface RecordedRoom {
  readonly sid: string;
  readonly accountSid: string;
  readonly mixer: MixerId | undefined;
  participants(): readonly Participant[];
}

/** Begins, when one of those who are in asked for it. A refusal is a line in the log: the conference goes on without. */
export function startRecording(room: RecordedRoom, { recordings, onRecorded, log }: RoomServices): void {
  const asker = room.participants().find(({ isIn, options }) => isIn && options.record);
  const options = asker?.options.record;
  const [first] = room.participants();
  if (!options || !first || room.mixer === undefined) return;
  const { sid: conferenceSid, accountSid, mixer } = room;
  const started = recordings?.startOnConference(
    { conferenceSid, accountSid, callSid: first.call.sid, mixer },
    { channels: 1, track: 'both', trim: options.trim, source: 'Conference', callback: options.statusCallback ?? null },
  );
  if (!started) return log.warn({ conferenceSid }, 'a conference is to be recorded, and there are no recordings');
  if (!started.ok) return log.warn({ conferenceSid, ...started.error }, 'the conference cannot be recorded');
  // twiml.md 7.1: not sent where there is a recordingStatusCallback.
  if (options.eventCallbackUrl !== undefined && options.statusCallback === undefined)
    onRecorded?.(started.value, options.eventCallbackUrl);
}
