// Plain messages between the dispatcher (signalling thread) and a core (worker thread, or the same thread): commands down, replies up.
// They are cloned on the way, so they hold data only. The dispatcher gives all ids; a core only uses them.

import type { LogFields, LogLevel } from '../base/log.ts';
import type { Result } from '../base/result.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { ListenCommand, StreamCommand } from './audio-messages.ts';
import type { EndpointId, MediaEvent, PlayId, PlayOptions, SourceRule } from './engine.ts';
import type { MixerCommand } from './mixer-messages.ts';
import type { CaptureOptions } from './packet-tap.ts';
import type { ComfortMode } from './playback.ts';

export type OpenFailure = { readonly code: 'noPorts' | 'noAddress' | 'stopped'; readonly detail: string };

export type CoreCommand =
  | {
      readonly type: 'open';
      readonly request: number;
      readonly endpoint: EndpointId;
      /** Place in the statistics table. */
      readonly slot: number;
      readonly localAddress: string;
      readonly callSid: string;
    }
  | { readonly type: 'configure'; readonly endpoint: EndpointId; readonly plan: MediaPlan; readonly source: SourceRule }
  | { readonly type: 'close'; readonly endpoint: EndpointId }
  /** Both endpoints are in this core. */
  | { readonly type: 'join'; readonly bridge: number; readonly a: EndpointId; readonly b: EndpointId }
  /** The other endpoint is in the core of `worker`, which gets the same command about its own. */
  | { readonly type: 'link'; readonly bridge: number; readonly endpoint: EndpointId; readonly worker: number }
  | { readonly type: 'unjoin'; readonly bridge: number }
  | MixerCommand
  | { readonly type: 'play'; readonly play: PlayId; readonly endpoint: EndpointId; readonly options: PlayOptions }
  | { readonly type: 'stopPlay'; readonly play: PlayId; readonly endpoint: EndpointId }
  | {
      readonly type: 'setComfort';
      readonly endpoint: EndpointId;
      readonly mode: ComfortMode;
      readonly music: Int16Array | null;
    }
  | { readonly type: 'insertDigits'; readonly endpoint: EndpointId; readonly digits: string }
  | { readonly type: 'detectInbandDigits'; readonly endpoint: EndpointId; readonly on: boolean }
  | { readonly type: 'setEcho'; readonly endpoint: EndpointId; readonly on: boolean }
  | ListenCommand
  | StreamCommand
  /** A fork from another core comes to this endpoint. */
  | { readonly type: 'forkInlet'; readonly endpoint: EndpointId; readonly fork: number }
  | { readonly type: 'capture'; readonly endpoint: EndpointId; readonly options: CaptureOptions | null }
  | { readonly type: 'expectSilence'; readonly endpoint: EndpointId; readonly silent: boolean }
  | { readonly type: 'stop' };

export type CoreReply =
  | { readonly type: 'ready'; readonly nowMs: number }
  | {
      readonly type: 'opened';
      readonly request: number;
      readonly result: Result<{ readonly rtpPort: number; readonly rtcpPort: number }, OpenFailure>;
    }
  | { readonly type: 'event'; readonly event: MediaEvent }
  /** All of one tick, in order. */
  | { readonly type: 'events'; readonly events: readonly MediaEvent[] }
  | { readonly type: 'log'; readonly level: LogLevel; readonly fields: LogFields; readonly message: string }
  | { readonly type: 'stopped' };
