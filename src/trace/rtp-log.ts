// RTP packets of calls under capture, in memory, bounded per call and in all. What does not fit is counted, not kept; calls that have
// ended make room for those that run.

import type { Place } from './packet-headers.ts';

export interface RtpPacket {
  readonly wallMs: number;
  readonly direction: 'in' | 'out';
  readonly local: Place;
  readonly remote: Place;
  readonly payload: Uint8Array;
}

interface CallPackets {
  readonly packets: RtpPacket[];
  bytes: number;
  isOver: boolean;
}

/** What a packet costs beside its payload, about. */
const OVERHEAD_BYTES = 120;

export class RtpLog {
  readonly #perCall: number;
  readonly #total: number;
  /** By CallSid of the family's root; insertion order is age. */
  readonly #calls = new Map<string, CallPackets>();
  bytes = 0;
  dropped = 0;

  constructor(bytesPerCall: number, bytesTotal: number) {
    this.#perCall = bytesPerCall;
    this.#total = bytesTotal;
  }

  /** `dropped`: packets that were lost on the way here. */
  add(callSid: string, packets: readonly RtpPacket[], dropped: number): void {
    this.dropped += dropped;
    const call = this.#calls.get(callSid) ?? { packets: [], bytes: 0, isOver: false };
    this.#calls.set(callSid, call);
    for (const packet of packets) {
      const size = packet.payload.length + OVERHEAD_BYTES;
      if (call.bytes + size > this.#perCall || !this.#hasRoom(size)) {
        this.dropped++;
        continue;
      }
      call.packets.push(packet);
      call.bytes += size;
      this.bytes += size;
    }
  }

  of(callSid: string): readonly RtpPacket[] {
    return this.#calls.get(callSid)?.packets ?? [];
  }

  ended(callSid: string): void {
    const call = this.#calls.get(callSid);
    if (call) call.isOver = true;
  }

  forget(callSid: string): void {
    this.bytes -= this.#calls.get(callSid)?.bytes ?? 0;
    this.#calls.delete(callSid);
  }

  #hasRoom(size: number): boolean {
    if (this.bytes + size <= this.#total) return true;
    for (const [callSid, call] of this.#calls) {
      if (call.isOver) this.forget(callSid);
      if (this.bytes + size <= this.#total) return true;
    }
    return false;
  }
}
