// The port through which a core gives a steady bridge away: to a native thread, to the kernel, to a shorter way through JavaScript.
// fast-relays.ts offers bridges, reads the counters and takes bridges back; an implementation only moves packets. It never decides:
// latching, digits, plays, reports stay with the endpoints.
//
//   offered      both sides in one core, configured sendrecv, latched and heard, frames of 20 ms, no play, comfort, tap, echo or
//                listener on either
//   taken        packets as described are relayed by the path. All others (other source, SSRC, payload type or size, RTCP, malformed,
//                a jump of the numbers) come to the core as before
//   taken back   before any command about one of the two is obeyed, when one closes, and when a packet comes to the core that it
//                would relay itself
//
// Numbers: outgoing = (incoming + offset) modulo 2^16, for timestamps 2^32. What the path relayed and what the core sends later are
// one stream: `end` says how far it got.

import type { SrtpSuite } from '../sdp/plan.ts';
import type { MediaSocket } from './sockets.ts';
import type { SrtpReceiver, SrtpSender } from './srtp.ts';

export interface FastPath {
  /** It can have bridges that change no header only: the core numbers what it relays so that there are as many as possible. */
  readonly needsUnchanged?: boolean;
  /**
   * Hands all packets that it has received for this core, and not given yet, to their sockets' handlers. Called right before bridges
   * are described, so that their numbers are those of the last packet. A path that receives nothing itself does nothing.
   */
  settle(): void;
  /** Takes a bridge; null: not this one, or not now. It is offered again some time later. */
  take(pair: FastPair): FastRelay | null;
}

/** A steady bridge: `directions[0]` is from the first side to the second, `directions[1]` back. */
export interface FastPair {
  readonly directions: readonly [FastDirection, FastDirection];
  /** Nothing but addresses and ports changes in either direction: no header field, no payload, no SRTP. */
  readonly isUnchanged: boolean;
}

/** One side of a bridge: our socket, which is connected to the latched source of its peer. */
export interface FastSide {
  readonly socket: MediaSocket;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** What is received at `from` and leaves at `to`. */
export interface FastDirection {
  readonly from: FastSide;
  readonly to: FastSide;
  /** Of the source; packets with another one are the core's. */
  readonly ssrc: number;
  /** Highest sequence number received of it so far, and the lowest that may still be relayed. */
  readonly highestSequence: number;
  readonly baseSequence: number;
  /** RFC 3550 A.8 so far, in units of the timestamp. */
  readonly jitterUnits: number;
  readonly audio: PayloadTypePair;
  /** Null: telephone events are the core's. Otherwise they are relayed, and a copy of each goes to the handlers' `copied`. */
  readonly telephoneEvent: PayloadTypePair | null;
  /** 256 octets: each octet of audio is replaced by what stands in its place; null: G.711 of the same kind on both sides. */
  readonly translation: Uint8Array | null;
  readonly outgoingSsrc: number;
  readonly sequenceOffset: number;
  readonly timestampOffset: number;
  /** Null: plain RTP comes in, or goes out. */
  readonly receiveCrypto: FastReceiveCrypto | null;
  readonly sendCrypto: FastCrypto | null;
  /** The same as the core has them, for a path of its own thread, which goes on with them. */
  readonly contexts: { readonly receiver: SrtpReceiver | null; readonly sender: SrtpSender | null };
}

/** 7 bits each. */
export interface PayloadTypePair {
  readonly in: number;
  readonly out: number;
}

/** RFC 3711 session keys of one direction (RTP only) and how far they were used. */
export interface FastCrypto {
  readonly suite: SrtpSuite;
  readonly cipherKey: Uint8Array;
  readonly authKey: Uint8Array;
  readonly salt: Uint8Array;
  /** Highest packet index: roll-over counter · 2^16 + sequence number; -1 when nothing was sent. */
  readonly highestIndex: number;
}

export interface FastReceiveCrypto extends FastCrypto {
  readonly window: ReplayBits;
}

/** Indices seen: bit n of `low` is highest - n, of `high` highest - 32 - n (RFC 3711 3.3.2). */
export interface ReplayBits {
  readonly low: number;
  readonly high: number;
}

export interface FastRelay {
  /**
   * Packets of the described streams may also come to the core meanwhile (at the hand-over, or those that the path leaves to it); it
   * relays them like any others, and the bridge stays taken. Only a path that changes no header (`isUnchanged`) may say so. False: a
   * packet that the core would relay ends the relay.
   */
  readonly isShared: boolean;
  /** Totals since `take`, direction for direction; null when the relay has failed: it is ended then. Twice a second. */
  poll(): FastCounts | null;
  /** Gives the bridge back. From its return on the path relays no packet of it: all come to the core. Called once. */
  end(): FastCounts;
}

export type FastCounts = readonly [FastCount, FastCount];

export interface FastCount {
  /** Packets that came from the source and were accepted, octets of their payloads. */
  readonly received: number;
  readonly receivedBytes: number;
  readonly sent: number;
  readonly sentBytes: number;
  /** Milliseconds since the last accepted packet; -1: none since `take`. */
  readonly silentMs: number;
  /** Refused packets by the reasons of statistics.ts. */
  readonly drops: Readonly<Partial<Record<FastDrop, number>>>;
  /** Null: the path does not look into packets. The core goes on as if none had been lost. */
  readonly numbers: FastNumbers | null;
}

export type FastDrop = 'rate' | 'authentication' | 'replay' | 'malformed' | 'late' | 'sendFailed' | 'socketError';

export interface FastNumbers {
  /** The source's own: highest sequence number, and latest timestamp. */
  readonly highestSequence: number;
  readonly latestTimestamp: number;
  /** RFC 3550 A.8, in units of the timestamp. */
  readonly jitterUnits: number;
  /** How far the keys were used, where there are any. */
  readonly receiveIndex: number;
  readonly receiveWindow: ReplayBits;
  readonly sendIndex: number;
}
