// Where the packets of a fork (fork.ts) go: to an endpoint of the same core, into the ring to another one, and out of that ring.

import type { Bridge, RingSink } from './bridge.ts';
import type { Endpoint } from './endpoint.ts';
import type { RelaySink } from './relay-sink.ts';
import { RTP_HEADER_BYTES } from './rtp.ts';
import { drop, type SlotStatistics } from './statistics.ts';

/** Towards an endpoint of the same core. */
export const forkTo = (to: Endpoint, token: number): RelaySink => ({
  relay: (packet, start, end, codec, nowMs) => to.relay(token, packet, start, end, codec, nowMs),
});

/** Towards an endpoint of another core. */
export const forkToRing = (ring: RingSink, number: number, statistics: SlotStatistics): RelaySink => ({
  relay: (packet, start, end, codec) => {
    if (!ring.push(number, packet, start, end, codec)) statistics.add(drop.ring, 1);
  },
});

/** The far end of a fork that comes through the ring: a bridge of one direction. */
export const forkInlet = (to: Endpoint, token: number): Bridge => ({
  relayFromRing: (packet, codec, nowMs) => to.relay(token, packet, RTP_HEADER_BYTES, packet.length, codec, nowMs),
  end: () => {},
});
