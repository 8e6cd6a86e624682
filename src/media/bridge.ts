// Two endpoints that hear each other. Within one core each is the other's sink; between cores each sends into the ring to the other
// core and takes what the ring brings. Packets are handed on at once, without a jitter buffer: the receiver at the end has one.
//
//   one core     a ──sink──▶ b                two cores    a ──▶ ring ══▶ │ b          number of the bridge in each entry
//                a ◀──sink── b                             a │ ◀══ ring ◀── b

import type { AudioCodec } from '../sdp/plan.ts';
import type { Endpoint } from './endpoint.ts';
import type { SourceToken } from './outgoing-stream.ts';
import type { RelaySink } from './relay-sink.ts';
import { RTP_HEADER_BYTES } from './rtp.ts';
import { drop } from './statistics.ts';

/** The writing end of the ring to another core. */
export interface RingSink {
  /** False when the ring is full. */
  push(bridge: number, packet: Uint8Array, start: number, end: number, codec: AudioCodec | null): boolean;
}

/** A bridge as one core sees it. */
export interface Bridge {
  relayFromRing(packet: Buffer, codec: AudioCodec | null, nowMs: number): void;
  end(): void;
}

/** What `to` hears of its partner. */
const inlet = (to: Endpoint, token: SourceToken): RelaySink => ({
  relay: (packet, start, end, codec, nowMs) => to.relay(token, packet, start, end, codec, nowMs),
});

export function joinBridge(a: Endpoint, b: Endpoint, token: SourceToken): Bridge {
  const toA = inlet(a, token);
  const toB = inlet(b, token);
  a.sink = toB;
  b.sink = toA;
  return {
    relayFromRing: () => {},
    end: () => {
      // A bridge made later may have taken one of them over.
      if (a.sink === toB) a.sink = null;
      if (b.sink === toA) b.sink = null;
    },
  };
}

/** One half of a bridge between two cores. */
export function linkBridge(endpoint: Endpoint, number: number, ring: RingSink, token: SourceToken): Bridge {
  const toRing: RelaySink = {
    relay: (packet, start, end, codec) => {
      if (!ring.push(number, packet, start, end, codec)) endpoint.statistics.add(drop.ring, 1);
    },
  };
  endpoint.sink = toRing;
  return {
    // Packets that are still in the ring after this endpoint went to another bridge are not for it.
    relayFromRing: (packet, codec, nowMs) => {
      if (endpoint.sink === toRing) endpoint.relay(token, packet, RTP_HEADER_BYTES, packet.length, codec, nowMs);
    },
    end: () => {
      if (endpoint.sink === toRing) endpoint.sink = null;
    },
  };
}
