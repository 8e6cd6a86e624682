// The part of the MediaEngine port that works on decoded audio: taps, recordings, audio streamed in, speech activity, and mixers.
// Without a tap, a recording or a mixer nothing of an endpoint is decoded (design.md 6).
//
//               inbound: what the peer sends us                 outbound: what we send to the peer
//   peer ──RTP──▶ endpoint ──┬── inbound tracks ──▶ tap, recording, speech activity, mixer
//   peer ◀──RTP── endpoint ◀─┴── outbound tracks ─▶ tap, recording           ◀── stream, mixer (N−1)

import type { EndpointId, PlayId, PlayOptions } from './engine-plays.ts';

export type TapId = string;
/**
 * `steady`: a frame every 20 ms, in order, evenly, 20 to 100 ms after it came (recognition, whoever stores). `prompt`: as packets come, out
 * of order ones left out (voice agents, which answer to what they hear).
 */
export type TapPace = 'steady' | 'prompt';
export type ForkId = string;
export type RecordingId = string;
export type MixerId = string;

/** As seen from us: `inbound` comes from the peer of the endpoint, `outbound` goes to it. */
export type AudioTrack = 'inbound' | 'outbound';

export interface RecordingOptions {
  /** WAV file to write, 16-bit linear at 8,000 Hz. */
  readonly file: string;
  /** 2 only with track `both`: channel 1 is inbound, channel 2 outbound. Of a mixer always 1. */
  readonly channels: 1 | 2;
  readonly track: AudioTrack | 'both';
  /** Stops by itself after so long. */
  readonly maxDurationMs: number;
  /** 32 bytes: the file is encrypted on its way to the disk (sealed-file.ts). */
  readonly key?: Uint8Array | undefined;
}

export interface RecordingResult {
  readonly file: string;
  readonly durationMs: number;
  /** Where speech was first and last heard, in milliseconds from the start: what trim-silence keeps. Null: nothing but silence. */
  readonly speech: { readonly firstMs: number; readonly lastMs: number } | null;
  /** Why it could not be written to the end (disk full); null when it was. */
  readonly failure: string | null;
}

export type AudioEvent =
  /** 20 ms of one track: 160 bytes of PCMU. `timestampMs` counts from the start of the tap, losses included. */
  | {
      readonly type: 'audio';
      readonly endpoint: EndpointId;
      readonly tap: TapId;
      readonly track: AudioTrack;
      readonly payload: Uint8Array;
      readonly timestampMs: number;
    }
  /** Everything that was fed to the stream before the mark has been played, or was cleared, or the stream has ended: once per mark, in order. */
  | { readonly type: 'markReached'; readonly endpoint: EndpointId; readonly play: PlayId; readonly name: string }
  /**
   * The peer (or member of a mixer) began or stopped to speak; only while it is watched. `true` comes after 60 ms of voice, `false`
   * SPEECH_HANGOVER_MS (speech-activity.ts) after the last of it.
   */
  | { readonly type: 'speech'; readonly endpoint: EndpointId; readonly isSpeaking: boolean }
  | {
      readonly type: 'recordingEnded';
      /** Endpoint or mixer that was recorded. */
      readonly endpoint: EndpointId | MixerId;
      readonly recording: RecordingId;
      readonly result: RecordingResult;
    };

export interface AudioEngine {
  /** Copies tracks of an endpoint as PCMU into `audio` events until closed or the endpoint ends. Bounded: a slow listener loses frames, counted. */
  tap(endpoint: EndpointId, tracks: readonly AudioTrack[], pace?: TapPace): TapId;
  closeTap(tap: TapId): void;

  /**
   * Sends a track of `from` to the peer of `to`, 20 ms per packet, silence where there is nothing; telephone events are silence too. The
   * audio does not leave the media plane. Ends when it is closed, or one of the endpoints is.
   */
  fork(from: EndpointId, track: AudioTrack, to: EndpointId): ForkId;
  closeFork(fork: ForkId): void;

  /** Several may run on one endpoint at once. Ends with `recordingEnded`: stopped, full, endpoint or mixer closed, or not writable. */
  startRecording(of: EndpointId | MixerId, options: RecordingOptions): RecordingId;
  /** `silence`: the pause is silence in the file; `skip`: it is left out. */
  pauseRecording(recording: RecordingId, behaviour: 'silence' | 'skip'): void;
  resumeRecording(recording: RecordingId): void;
  stopRecording(recording: RecordingId): void;

  /** A play whose audio comes piece by piece (replaces a running play). It lasts until stopPlay; empty, the peer hears silence. */
  openStream(endpoint: EndpointId): PlayId;
  /** Appends PCMU bytes of any length, at most limits.streamBufferMs waiting: what is beyond is dropped and counted. */
  feedStream(stream: PlayId, payload: Uint8Array): void;
  /** `markReached` when what was fed before it has been played. */
  markStream(stream: PlayId, name: string): void;
  /** Empties the buffer; all waiting marks are reached at once. */
  clearStream(stream: PlayId): void;

  /**
   * `speech` events of the endpoint's peer (energy-based). Packets that are missing are not silence but nothing; when none has come for
   * a second, the peer has stopped to speak.
   */
  watchSpeech(endpoint: EndpointId, on: boolean): void;
}

export interface MixerMember {
  /** False: muted, the others do not hear it. */
  readonly isHeard: boolean;
  /** False: on hold or waiting, it hears plays to its endpoint only. */
  readonly hears: boolean;
  /** Only this member hears it (coaching); null: everybody. */
  readonly coaches: EndpointId | null;
  /** Depth of its jitter buffer: 20, 40 or 60 ms, 0 for none (what came is mixed in the next tick). Default 60. */
  readonly jitterMs?: number;
}

export interface MixerEngine {
  /** A room: everybody hears everybody but itself (N−1), in ticks of 20 ms. Members may live in any worker. */
  createMixer(near?: EndpointId): MixerId;
  /** Members that are left stay alive, unjoined. Idempotent. */
  removeMixer(mixer: MixerId): void;
  /** An endpoint is in at most one bridge or mixer. A play on the endpoint has precedence over the mix towards it. */
  joinMixer(mixer: MixerId, endpoint: EndpointId, member: MixerMember): void;
  updateMember(mixer: MixerId, endpoint: EndpointId, member: MixerMember): void;
  leaveMixer(mixer: MixerId, endpoint: EndpointId): void;
  /** Everybody who hears hears it (beeps, announcements); several run at once, added. `playEnded` carries the mixer's id as endpoint. */
  playToMixer(mixer: MixerId, options: PlayOptions): PlayId;
}
