// One TCP or TLS connection: the owner of its socket. Bytes in go through a StreamFramer, bytes out into a bounded queue.
// States: alive until the socket ends, fails, or close() is called; then `finish` runs once and tells everybody.
// It knows nothing of listeners and caps (flow-registry.ts) nor of what messages mean (layer.ts).

import type { Socket } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { Emitter, type Unsubscribe } from '../../base/emitter.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { type FramedItem, StreamFramer } from '../grammar/stream-framer.ts';
import { normalizeAddress } from './addresses.ts';
import { faultCode } from './listen-failure.ts';
import type { EventCounter } from './options.ts';
import type { Flow, TransportError } from './transport.ts';

const CRLF = Buffer.from('\r\n');
/** RFC 5626 3.5.1: the ping of a connection; CRLF is its pong. */
const PING = Buffer.from('\r\n\r\n');

export interface StreamFlowOwner {
  readonly clock: Clock;
  readonly count: EventCounter;
  onItem(item: FramedItem, flow: StreamFlow): void;
  onFinished(flow: StreamFlow, cause: string): void;
  onFault(fault: unknown): void;
}

export interface StreamFlowOptions {
  readonly id: string;
  readonly transport: 'tcp' | 'tls';
  readonly socket: Socket;
  readonly isIncoming: boolean;
  /** The name that was verified on an outgoing TLS connection; null otherwise. */
  readonly verifiedName: string | null;
  readonly advertised: (
    localAddress: string,
    remoteAddress: string,
    localPort: number,
  ) => { host: string; port: number };
}

export class StreamFlow implements Flow {
  readonly id: string;
  readonly transport: 'tcp' | 'tls';
  readonly isReliable = true;
  readonly isSecure: boolean;
  readonly isIncoming: boolean;
  readonly verifiedName: string | null;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  readonly #socket: Socket;
  readonly #owner: StreamFlowOwner;
  readonly #framer = new StreamFramer();
  readonly #closed: Emitter<string>;
  #isAlive = true;
  #lastReceivedAt: number;
  #lastPingAt: number;
  /** When the unfinished message in the framer began; undefined when there is none. */
  #partialSince: number | undefined;
  #idleMs: number = limits.flowIdleMs;

  constructor(options: StreamFlowOptions, owner: StreamFlowOwner) {
    const { socket } = options;
    this.id = options.id;
    this.transport = options.transport;
    this.isSecure = options.transport === 'tls';
    this.isIncoming = options.isIncoming;
    this.verifiedName = options.verifiedName;
    this.localAddress = normalizeAddress(socket.localAddress ?? '');
    this.localPort = socket.localPort ?? 0;
    this.remoteAddress = normalizeAddress(socket.remoteAddress ?? '');
    this.remotePort = socket.remotePort ?? 0;
    const advertised = options.advertised(this.localAddress, this.remoteAddress, this.localPort);
    this.advertisedHost = advertised.host;
    this.advertisedPort = advertised.port;
    this.#socket = socket;
    this.#owner = owner;
    this.#closed = new Emitter<string>(owner.onFault);
    this.#lastReceivedAt = owner.clock.now();
    this.#lastPingAt = this.#lastReceivedAt;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    // The kernel finds dead peers also while nobody has anything to say.
    socket.setKeepAlive(true, limits.flowPingMs);
    socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    socket.on('error', (fault) => this.#finish(`connection failed (${faultCode(fault)})`));
    // A peer that has closed its half takes no part in SIP any more: what is queued goes out, then the socket closes.
    socket.on('end', () => {
      this.#finish('closed by the peer');
      this.#destroyLater(socket);
    });
    socket.on('close', () => this.#finish('connection closed'));
  }

  #destroyLater(socket: Socket): void {
    const timer = this.#owner.clock.after(limits.flowConnectMs, () => socket.destroy());
    socket.once('close', () => timer.cancel());
    socket.destroySoon();
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  #onData(chunk: Buffer): void {
    if (!this.#isAlive) return;
    const now = this.#owner.clock.now();
    this.#lastReceivedAt = now;
    const items = this.#framer.push(chunk);
    for (const item of items) {
      // RFC 5626 4.4.1: a ping is answered at once.
      if (item.kind === 'ping') this.#write(CRLF);
      this.#owner.onItem(item, this);
      if (!this.#isAlive) return;
    }
    if (this.#framer.pendingBytes === 0) this.#partialSince = undefined;
    // What is pending behind a whole message has just begun.
    else if (items.length > 0 || this.#partialSince === undefined) this.#partialSince = now;
  }

  /** A flow that carries registrations lives as long as one may last: closing it would make the phone unreachable. */
  keepForRegistration(): void {
    this.#idleMs = limits.flowIdleMs + limits.registrationMaxSeconds * 1_000;
  }

  onClosed(listener: (cause: string) => void): Unsubscribe {
    return this.#closed.on(listener);
  }

  keepAlive(): void {
    this.#lastPingAt = this.#owner.clock.now();
    this.#write(PING);
  }

  sendQuietly(bytes: Buffer): void {
    this.#write(bytes);
  }

  /** Its sender is held up by the connection itself (back-pressure). */
  pauseReading(): void {
    this.#socket.pause();
  }

  resumeReading(): void {
    this.#socket.resume();
  }

  #write(bytes: Buffer): void {
    if (this.#isAlive && this.#hasRoom(bytes)) this.#socket.write(bytes);
  }

  /** Resolves when the kernel took the bytes or the connection is gone. A peer that does not read is cut off. */
  sendBytes(bytes: Buffer): Promise<Result<void, TransportError>> {
    if (!this.#isAlive) return Promise.resolve(err({ code: 'closed', detail: 'connection is closed' }));
    if (!this.#hasRoom(bytes)) return Promise.resolve(err({ code: 'closed', detail: 'peer does not read' }));
    return new Promise((resolve) => {
      this.#socket.write(bytes, (fault) =>
        resolve(fault ? err({ code: 'closed', detail: `send failed (${faultCode(fault)})` }) : ok(undefined)),
      );
    });
  }

  #hasRoom(bytes: Buffer): boolean {
    if (this.#socket.writableLength + bytes.length <= limits.flowSendQueueBytes) return true;
    this.#owner.count('sendQueueClosed');
    this.close('peer does not read');
    return false;
  }

  /** Housekeeping, called every few seconds: closes what is idle or stuck, pings what is quiet. */
  sweep(now: number): void {
    const quietMs = now - this.#lastReceivedAt;
    if (quietMs >= this.#idleMs) {
      this.#owner.count('idleClosed');
      this.close('idle');
    } else if (this.#partialSince !== undefined && now - this.#partialSince >= limits.flowPartialMessageMs) {
      this.#owner.count('partialMessageClosed');
      this.close('message was not completed');
    } else if (quietMs >= limits.flowPingMs && now - this.#lastPingAt >= limits.flowPingMs) {
      this.keepAlive();
    }
  }

  /** Cuts the connection. */
  close(cause: string): void {
    this.#finish(cause);
    this.#socket.destroy();
  }

  /** Lets queued bytes out (the answer to a broken message), then closes. */
  closeAfterWrites(cause: string): void {
    this.#finish(cause);
    this.#destroyLater(this.#socket);
  }

  #finish(cause: string): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#owner.onFinished(this, cause);
    this.#closed.emit(cause);
  }
}
