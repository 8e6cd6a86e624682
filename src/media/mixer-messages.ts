// Commands about mixers, from the dispatcher to a core (messages.ts). Endpoints of other workers are named by their seat, a number that
// frames between workers can carry.

import type { RecordingCommand } from './audio-messages.ts';
import type { MixerId } from './engine-audio.ts';
import type { EndpointId, PlayId, PlayOptions } from './engine-plays.ts';
import type { SeatOptions } from './mixer-member.ts';

export type MixerCommand =
  /** Makes the mixer in this core, or tells which other workers it has now. May come again at any time. */
  | { readonly type: 'setMixer'; readonly mixer: number; readonly id: MixerId; readonly workers: readonly number[] }
  | { readonly type: 'endMixer'; readonly mixer: number }
  /** Seats an endpoint of this core, or changes what it may. */
  | {
      readonly type: 'seat';
      readonly mixer: number;
      readonly endpoint: EndpointId;
      readonly seat: number;
      readonly options: SeatOptions;
    }
  | { readonly type: 'unseat'; readonly mixer: number; readonly endpoint: EndpointId }
  | {
      readonly type: 'playToMixer';
      readonly mixer: number;
      readonly id: MixerId;
      readonly play: PlayId;
      readonly options: PlayOptions;
    }
  /** To the home of the mixer. */
  | { readonly type: 'recordMixer'; readonly mixer: number; readonly command: RecordingCommand }
  | { readonly type: 'stopMixerPlay'; readonly mixer: number; readonly play: PlayId };
