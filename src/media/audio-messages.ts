// Commands about decoded audio, as the dispatcher sends them to the core of an endpoint (messages.ts). Those about recordings may name a
// mixer in place of an endpoint.

import type { AudioTrack, MixerId, RecordingId, RecordingOptions, TapId, TapPace } from './engine-audio.ts';
import type { EndpointId, PlayId } from './engine-plays.ts';

export type RecordingCommand =
  | {
      readonly type: 'startRecording';
      readonly endpoint: EndpointId | MixerId;
      readonly recording: RecordingId;
      readonly options: RecordingOptions;
    }
  | {
      readonly type: 'pauseRecording';
      readonly endpoint: EndpointId | MixerId;
      readonly recording: RecordingId;
      readonly behaviour: 'silence' | 'skip';
    }
  | {
      readonly type: 'resumeRecording' | 'stopRecording';
      readonly endpoint: EndpointId | MixerId;
      readonly recording: RecordingId;
    };

/** `endpoint` is forked. `worker` is the core of `to`; null: this one. */
export type ForkCommand = {
  readonly type: 'fork';
  readonly endpoint: EndpointId;
  readonly fork: number;
  readonly track: AudioTrack;
  readonly to: EndpointId;
  readonly worker: number | null;
};

export type ListenCommand =
  | RecordingCommand
  | {
      readonly type: 'tap';
      readonly endpoint: EndpointId;
      readonly tap: TapId;
      readonly tracks: readonly AudioTrack[];
      readonly pace: TapPace;
    }
  | { readonly type: 'closeTap'; readonly endpoint: EndpointId; readonly tap: TapId }
  | ForkCommand
  | { readonly type: 'closeFork'; readonly endpoint: EndpointId; readonly fork: number }
  | { readonly type: 'watchSpeech'; readonly endpoint: EndpointId; readonly on: boolean };

export type StreamCommand =
  | { readonly type: 'openStream'; readonly endpoint: EndpointId; readonly stream: PlayId }
  | {
      readonly type: 'feedStream';
      readonly endpoint: EndpointId;
      readonly stream: PlayId;
      readonly payload: Uint8Array;
      /** Bytes that were fed; what is beyond the payload did not fit anyway. */
      readonly length: number;
    }
  | { readonly type: 'markStream'; readonly endpoint: EndpointId; readonly stream: PlayId; readonly name: string }
  | { readonly type: 'clearStream'; readonly endpoint: EndpointId; readonly stream: PlayId };
