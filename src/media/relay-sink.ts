// Where the packets of an endpoint go on the fast path.

import type { AudioCodec } from '../sdp/plan.ts';

/** Takes audio and telephone events of one endpoint: another endpoint, or the ring to another worker. */
export interface RelaySink {
  /** packet[0..12) is the peer's header, the payload is from `start` to `end`; `codec` null: a telephone event. May rewrite it. */
  relay(packet: Buffer, start: number, end: number, codec: AudioCodec | null, nowMs: number): void;
}
