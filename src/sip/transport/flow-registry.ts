// All TCP and TLS flows of this process: who may still come in, which flow leads to a destination, and the housekeeping round.

import type { Socket } from 'node:net';
import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { normalizeAddress, sourceKey } from './addresses.ts';
import type { EventCounter } from './options.ts';
import type { StreamFlow } from './stream-flow.ts';

export class FlowRegistry {
  readonly #clock: Clock;
  readonly #count: EventCounter;
  readonly #flows = new Set<StreamFlow>();
  /** `transport address port` of the peer → the newest flow to it. */
  readonly #byRemote = new Map<string, StreamFlow>();
  /** Incoming sockets, from accept to close, with or without a finished handshake. */
  readonly #incoming = new Set<Socket>();
  readonly #perSource = new Map<string, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, count: EventCounter) {
    this.#clock = clock;
    this.#count = count;
  }

  get size(): number {
    return this.#flows.size;
  }

  /** Sockets that were accepted and are not closed yet. */
  get incoming(): number {
    return this.#incoming.size;
  }

  start(): void {
    this.#timer = this.#clock.after(limits.flowSweepMs, () => {
      this.start();
      const now = this.#clock.now();
      for (const flow of this.#flows) flow.sweep(now);
    });
  }

  /** Counts an accepted socket against the caps; when one is reached the socket is reset and false returned. */
  admit(socket: Socket): boolean {
    // Errors of a socket that has no flow yet only mean that it closes.
    socket.on('error', () => {});
    const key = sourceKey(normalizeAddress(socket.remoteAddress ?? ''));
    const fromSource = this.#perSource.get(key) ?? 0;
    const isFull = this.#incoming.size >= limits.flowsTotal;
    if (isFull || fromSource >= limits.flowsPerSource) {
      this.#count(isFull ? 'refusedTotal' : 'refusedPerSource');
      socket.resetAndDestroy();
      return false;
    }
    this.#incoming.add(socket);
    this.#perSource.set(key, fromSource + 1);
    socket.once('close', () => {
      this.#incoming.delete(socket);
      const left = (this.#perSource.get(key) ?? 1) - 1;
      if (left > 0) this.#perSource.set(key, left);
      else this.#perSource.delete(key);
    });
    return true;
  }

  add(flow: StreamFlow): void {
    this.#flows.add(flow);
    this.#byRemote.set(remoteKey(flow.transport, flow.remoteAddress, flow.remotePort), flow);
  }

  remove(flow: StreamFlow): void {
    this.#flows.delete(flow);
    const key = remoteKey(flow.transport, flow.remoteAddress, flow.remotePort);
    if (this.#byRemote.get(key) === flow) this.#byRemote.delete(key);
  }

  /**
   * An alive flow to exactly this address and port, whoever opened it (RFC 5923 in spirit: the connection a peer opened leads
   * back to it). `verifiedName`: outgoing TLS flows must have been verified for this name.
   */
  find(transport: string, address: string, port: number, verifiedName: string | null): StreamFlow | undefined {
    const flow = this.#byRemote.get(remoteKey(transport, address, port));
    if (!flow?.isAlive) return undefined;
    const isOtherName = verifiedName !== null && !flow.isIncoming && flow.verifiedName !== verifiedName;
    return isOtherName ? undefined : flow;
  }

  /** Closes every flow and every socket that has not become one. */
  stop(): void {
    this.#timer?.cancel();
    for (const flow of [...this.#flows]) flow.close('gateway stops');
    for (const socket of [...this.#incoming]) socket.destroy();
  }
}

const remoteKey = (transport: string, address: string, port: number): string => `${transport} ${address} ${port}`;
