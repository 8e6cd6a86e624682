// What the core gives to each of its endpoints.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { MediaEvent } from './engine.ts';
import type { SourceToken } from './outgoing-stream.ts';
import type { PacketBuffers } from './packet-buffers.ts';
import type { RecordingsHost } from './recordings.ts';

/** `Endpoint`: the class that is given it. */
export interface EndpointContext<Endpoint> extends RecordingsHost {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly buffers: PacketBuffers;
  /** See OutgoingStream. */
  readonly followsSources: boolean;
  emit(event: MediaEvent): void;
  /** The endpoint needs ticks from now on, until its needsTicks is false. */
  wake(endpoint: Endpoint): void;
  /** A number that no other source has. */
  newToken(): SourceToken;
}
