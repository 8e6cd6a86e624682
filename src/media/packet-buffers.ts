// Buffers for packets that we make. A few in turn: packets wait for the end of the turn (base/send-queue.ts), some of them were made in two
// steps with a buffer for each, and when the kernel's queue is full the socket keeps the buffer for a moment longer. Whoever keeps a
// packet for longer (the simulated network) copies it.

import { limits } from '../base/limits.ts';
import { SRTP_TRAILER_BYTES } from './srtp.ts';

const COUNT = 256;

export class PacketBuffers {
  readonly #buffers: readonly Buffer[] = Array.from({ length: COUNT }, () =>
    Buffer.alloc(limits.mediaDatagramBytes + SRTP_TRAILER_BYTES),
  );
  #next = 0;

  /** A buffer for one packet and what SRTP puts behind it. Valid until 255 more were taken. */
  next(): Buffer {
    this.#next = (this.#next + 1) % COUNT;
    return this.#buffers[this.#next]!;
  }
}
