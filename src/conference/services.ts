// What rooms need of the rest of the program, as ports (house style 2.1). gateway.ts hands in the media engine, the documents of the
// TwiML layer, status callbacks, recordings and the store.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { ConferenceRecordings, RunningRecording } from '../base/recordings-api.ts';
import type { HttpMethod } from '../base/records.ts';
import type { Conference } from '../base/voice-records.ts';
import type { RecordDial } from '../call/dial-recording.ts';
import type { RunWaitDocument } from '../call/wait-document.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { AudioEngine, MixerEngine, MixerId } from '../media/engine-audio.ts';
import type { PlayToRoom } from './room-play.ts';

export type ConferenceMedia = Pick<MediaEngine, 'stopPlay'> & MixerEngine & Pick<AudioEngine, 'watchSpeech'>;

/** A status callback of a room, ready to be sent; those of one room in order. */
export interface RoomStatus {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: ReadonlyMap<string, string>;
  readonly accountSid: string;
  readonly conferenceSid: string;
}

/** A document for a whole room. */
export interface RoomAnnouncement {
  readonly accountSid: string;
  readonly conferenceSid: string;
  readonly friendlyName: string;
  readonly mixer: MixerId;
  readonly url: string;
  readonly method: HttpMethod;
}

export type AnnouncementEnd =
  | { readonly how: 'ended' | 'aborted' }
  | { readonly how: 'failed'; readonly reason: string };

export interface RoomServices {
  readonly engine: ConferenceMedia;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly records: { put(record: Conference): void };
  readonly runDocument: RunWaitDocument;
  /** Plays a document to everybody through `play`. */
  readonly announce: (room: RoomAnnouncement, play: PlayToRoom, signal: AbortSignal) => Promise<AnnouncementEnd>;
  readonly sendStatus: (status: RoomStatus) => void;
  /** Nothing more will be sent for the room. */
  readonly onEnded?: (conferenceSid: string) => void;
  readonly recordings?: Pick<ConferenceRecordings, 'startOnConference'> | undefined;
  /** `record` of the Dial that a participant came with. */
  readonly recordDial?: RecordDial | undefined;
  /** The deprecated callback of a finished recording (twiml.md 7.1, eventCallbackUrl). */
  readonly onRecorded?: (recording: RunningRecording, eventCallbackUrl: string) => void;
}
