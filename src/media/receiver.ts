// What one socket of an endpoint hears. A fault of ours in the handling of one packet must not take the calls of the whole worker with it.

import type { Endpoint } from './endpoint.ts';
import type { SocketHandlers } from './sockets.ts';

/** Gives what comes on the RTP or the RTCP socket to the endpoint, as soon as there is one. */
export class Receiver implements SocketHandlers {
  endpoint: Endpoint | null = null;
  readonly #isControl: boolean;
  readonly #onFault: (endpoint: Endpoint, fault: unknown) => void;

  constructor(isControl: boolean, onFault: (endpoint: Endpoint, fault: unknown) => void) {
    this.#isControl = isControl;
    this.#onFault = onFault;
  }

  packet(packet: Buffer, address: string, port: number): void {
    const { endpoint } = this;
    if (!endpoint) return;
    try {
      if (this.#isControl) endpoint.receiveControl(packet, address, port);
      else endpoint.receive(packet, address, port);
    } catch (fault) {
      this.#onFault(endpoint, fault);
    }
  }

  copied(packet: Buffer): void {
    const { endpoint } = this;
    try {
      endpoint?.receiveCopy(packet);
    } catch (fault) {
      if (endpoint) this.#onFault(endpoint, fault);
    }
  }

  faulted(fault: unknown): void {
    if (this.endpoint) this.#onFault(this.endpoint, fault);
  }

  error(): void {
    this.endpoint?.socketFailed();
  }
}
