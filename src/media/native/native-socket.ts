// A socket whose file descriptor belongs to the media thread. Sends go straight to the kernel from here; what comes is brought by
// native-path.ts.

import type { MediaSocket, SocketHandlers } from '../sockets.ts';
import type { Addon, AddonEngine } from './addon.ts';
import { readAddress, readKind, readPacket, readPort, recordKind, writeSource } from './records.ts';

export class NativeSocket implements MediaSocket {
  readonly token: number;
  readonly #addon: Addon;
  readonly #engine: AddonEngine;
  readonly #handlers: SocketHandlers;
  readonly #onClose: () => void;
  /** Source of the last packet as it stands in records, and in words: mostly the same again. */
  readonly #source = Buffer.alloc(17);
  #address = '';
  #isOpen = true;
  #isConnected = false;

  constructor(addon: Addon, engine: AddonEngine, token: number, handlers: SocketHandlers, onClose: () => void) {
    this.token = token;
    this.#addon = addon;
    this.#engine = engine;
    this.#handlers = handlers;
    this.#onClose = onClose;
  }

  send(packet: Uint8Array, address: string, port: number): boolean {
    if (!this.#isOpen) return false;
    if (this.#isConnected) return this.#addon.send(this.#engine, this.token, packet);
    return port > 0 && this.#addon.send(this.#engine, this.token, packet, address, port);
  }

  /** At once: what is sent from here is little, the rest the media thread relays. */
  sendSoon(packet: Uint8Array, address: string, port: number): boolean {
    return this.send(packet, address, port);
  }

  connect(address: string, port: number): void {
    if (!this.#isOpen) return;
    this.disconnect();
    if (this.#addon.connect(this.#engine, this.token, address, port)) this.#isConnected = true;
    else this.#handlers.error();
  }

  disconnect(): void {
    if (!this.#isOpen || !this.#isConnected) return;
    this.#isConnected = false;
    if (!this.#addon.disconnect(this.#engine, this.token)) this.#handlers.error();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#onClose();
    this.#addon.closeSocket(this.#engine, this.token);
  }

  /** The record at `at` is of this socket. */
  received(batch: Buffer, at: number): void {
    const kind = readKind(batch, at);
    if (kind === recordKind.error) return this.#handlers.error();
    const packet = readPacket(batch, at);
    if (kind === recordKind.copy) return this.#handlers.copied?.(packet);
    if (writeSource(batch, at, this.#source)) this.#address = readAddress(batch, at);
    this.#handlers.packet(packet, this.#address, readPort(batch, at));
  }
}
