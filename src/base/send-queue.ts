// Packets that leave together at the end of a turn of the event loop. Receiving and sending are long ways through Node and the kernel;
// going one of them some dozen times in a row keeps its code in the processor's caches, and wakes a receiver on the same machine once
// in place of each time. That is a tenth to a fifth of the CPU of a relay. Nothing waits for long: a full queue leaves at once.
//
//   one turn   receive, receive, receive … (at most 32) ─▶ send, send, send …

import type { DatagramSocket } from './datagram.ts';

/** Packets in one row. Less than media/packet-buffers.ts has buffers for. */
export const SENDS_IN_A_ROW = 32;

/** A socket and who hears of its faults. */
export interface QueuedSocket {
  readonly socket: DatagramSocket;
  failed(): void;
}

export class SendQueue {
  readonly #later: (flush: () => void) => void;
  readonly #sockets: (QueuedSocket | null)[] = new Array<null>(SENDS_IN_A_ROW).fill(null);
  readonly #packets: (Uint8Array | null)[] = new Array<null>(SENDS_IN_A_ROW).fill(null);
  readonly #addresses: string[] = new Array<string>(SENDS_IN_A_ROW).fill('');
  readonly #ports = new Uint16Array(SENDS_IN_A_ROW);
  #length = 0;
  #isAwaited = false;
  readonly #turnEnds = () => {
    this.#isAwaited = false;
    this.flush();
  };

  /** `later` calls what it is given once, at the end of the turn. */
  constructor(later: (flush: () => void) => void) {
    this.#later = later;
  }

  /** The packet must stay as it is until the turn ends, or 31 more were added. */
  add(socket: QueuedSocket, packet: Uint8Array, address: string, port: number): void {
    const at = this.#length++;
    this.#sockets[at] = socket;
    this.#packets[at] = packet;
    this.#addresses[at] = address;
    this.#ports[at] = port;
    if (this.#length === SENDS_IN_A_ROW) return this.flush();
    if (this.#isAwaited) return;
    this.#isAwaited = true;
    this.#later(this.#turnEnds);
  }

  /** Sends all that waits: before a socket that may be among them closes or has another peer. */
  flush(): void {
    const length = this.#length;
    this.#length = 0;
    for (let at = 0; at < length; at++) {
      const queued = this.#sockets[at]!;
      const failure = queued.socket.send(this.#packets[at]!, this.#ports[at]!, this.#addresses[at]!);
      this.#sockets[at] = null;
      this.#packets[at] = null;
      if (failure !== null) queued.failed();
    }
  }
}
