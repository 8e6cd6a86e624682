// Buffers for packets that we make. A few in turn: the kernel takes a datagram at once as a rule, but when its queue is full the
// socket keeps the buffer for a moment longer. Whoever keeps a packet for longer (the simulated network) copies it.

import { limits } from '../base/limits.ts';
import { SRTP_TRAILER_BYTES } from './srtp.ts';

const COUNT = 128;

export class PacketBuffers {
  readonly #buffers: readonly Buffer[] = Array.from({ length: COUNT }, () =>
    Buffer.alloc(limits.mediaDatagramBytes + SRTP_TRAILER_BYTES),
  );
  #next = 0;

  /** A buffer for one packet and what SRTP puts behind it. Valid until 127 more were taken. */
  next(): Buffer {
    this.#next = (this.#next + 1) % COUNT;
    return this.#buffers[this.#next]!;
  }
}
