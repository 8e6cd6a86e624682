// The kit of the transport's scenarios: a transport on free loopback ports, what it received as queues to wait on (with a
// deadline, never for a time), certificates made once, and messages as text. Everything is closed when the test ends.

import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { ensureCertificates } from '../../../src/certs/authority.ts';
import { loadMaterial } from '../../../src/certs/reload.ts';
import type { Message } from '../../../src/sip/grammar/message.ts';
import type { ParseFailure } from '../../../src/sip/grammar/parse.ts';
import { createTransport, type SipTransport } from '../../../src/sip/transport/layer.ts';
import type { TlsMaterial, TlsMaterialSource, TransportOptions } from '../../../src/sip/transport/options.ts';
import type { Flow } from '../../../src/sip/transport/transport.ts';

const DEADLINE_MS = 8_000;

/** `promise`, or a failure that says what was waited for. */
export function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited ${DEADLINE_MS} ms for ${what}`)), DEADLINE_MS);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Values in the order in which they came; `next` waits for one. */
export class Queue<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];
  readonly #what: string;

  constructor(what: string) {
    this.#what = what;
  }

  push(value: T): void {
    const waiter = this.#waiting.shift();
    if (waiter) waiter(value);
    else this.#values.push(value);
  }

  next(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!);
    return within(new Promise<T>((resolve) => this.#waiting.push(resolve)), this.#what);
  }

  get length(): number {
    return this.#values.length;
  }
}

/** Waits until `condition` holds, looking after every turn of the event loop. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE_MS} ms for ${what}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
}

export interface OpenTransport {
  readonly transport: SipTransport;
  readonly messages: Queue<{ message: Message; flow: Flow }>;
  readonly failures: Queue<{ failure: ParseFailure; flow: Flow }>;
  /** Port of the first listener of a transport. */
  port(transport: 'udp' | 'tcp' | 'tls', address?: string): number;
}

export const settings = (more: Partial<TransportOptions> = {}): TransportOptions => ({
  sipListen: [{ address: '127.0.0.1', port: 0 }],
  sipsListen: [],
  publicAddress: null,
  localNetworks: null,
  ownNames: [],
  tls: null,
  outgoingTls: { verify: false, ca: null },
  clock: realClock,
  log: silentLog,
  random: cryptoRandom,
  ...more,
});

/** A started transport, stopped with the test. */
export async function openTransport(more: Partial<TransportOptions> = {}): Promise<OpenTransport> {
  const transport = createTransport(settings(more));
  const messages = new Queue<{ message: Message; flow: Flow }>('a message');
  const failures = new Queue<{ failure: ParseFailure; flow: Flow }>('an unparsable message');
  transport.onMessage((message, flow) => messages.push({ message, flow }));
  transport.onUnparsable((failure, flow) => failures.push({ failure, flow }));
  const started = await transport.start();
  if (!started.ok) throw new Error(started.error);
  onTestFinished(async () => {
    await within(transport.stop(), 'the transport to stop');
    const left = transport.counts();
    if (left.flows !== 0 || left.udpSockets !== 0) throw new Error(`left after stop: ${JSON.stringify(left)}`);
  });
  const port = (name: string, address?: string) => {
    const found = transport
      .listeners()
      .find((open) => open.transport === name && (!address || open.address === address));
    if (!found) throw new Error(`no ${name} listener`);
    return found.port;
  };
  return { transport, messages, failures, port };
}

/** A TCP connection with what it received as text, closed with the test. One that is reset at once counts as opened. */
export async function openSocket(port: number, host = '127.0.0.1'): Promise<Peer> {
  const socket = connect({ port, host });
  const peer = peerOn(socket);
  const settled = new Promise<void>((resolve) => {
    socket.once('connect', () => resolve());
    socket.once('close', () => resolve());
  });
  await within(settled, 'the connection');
  return peer;
}

export interface Peer {
  readonly socket: Socket;
  /** Everything received so far. */
  text(): string;
  /** Waits until what was received fits. */
  reads(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for the end of the connection. */
  isClosed(): Promise<void>;
}

export function peerOn(socket: Socket): Peer {
  let received = '';
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1');
  });
  onTestFinished(() => {
    socket.destroy();
  });
  return {
    socket,
    text: () => received,
    async reads(pattern) {
      await eventually(() => pattern.test(received), `${pattern} in ${JSON.stringify(received)}`);
      return pattern.exec(received)!;
    },
    isClosed: () => within(closed, 'the connection to close'),
  };
}

let serial = 0;

export interface RequestText {
  readonly method?: string;
  readonly via?: string;
  readonly callId?: string;
  readonly body?: string;
}

/** A small valid request. */
export function requestText({
  method = 'OPTIONS',
  via = 'SIP/2.0/UDP 127.0.0.1:5060',
  callId,
  body = '',
}: RequestText = {}): string {
  serial++;
  return [
    `${method} sip:gateway.test SIP/2.0`,
    `Via: ${via};branch=z9hG4bK${serial}`,
    'Max-Forwards: 70',
    'From: <sip:alice@example.org>;tag=a1',
    'To: <sip:gateway.test>',
    `Call-ID: ${callId ?? `call-${serial}`}`,
    `CSeq: 1 ${method}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

export interface TestCertificates {
  readonly directory: string;
  readonly material: TlsMaterial;
  /** Only one of the two pairs. */
  only(kind: 'rsa' | 'ec'): TlsMaterial;
}

/** A CA with an RSA and an EC pair for localhost and loopback. */
export async function makeCertificates(): Promise<TestCertificates> {
  const directory = mkdtempSync(join(tmpdir(), 'transport-'));
  const options = {
    directory,
    names: ['gateway.test'],
    addresses: [],
    clock: realClock,
    log: silentLog,
    random: cryptoRandom,
  };
  const made = await ensureCertificates(options);
  const loaded = loadMaterial(directory, realClock.wall(), silentLog);
  if (!made.ok || !loaded.ok) throw new Error('test certificates');
  const material = loaded.value;
  const only = (kind: 'rsa' | 'ec') => ({ ...material, pairs: [material.pairs[kind === 'rsa' ? 0 : 1]!] });
  return { directory, material, only };
}

export const removeCertificates = (certificates: TestCertificates): void =>
  rmSync(certificates.directory, { recursive: true });

/** TLS material that a test replaces by hand. */
export class MaterialSource implements TlsMaterialSource {
  #material: TlsMaterial;
  readonly listeners = new Set<(material: TlsMaterial) => void>();

  constructor(material: TlsMaterial) {
    this.#material = material;
  }

  current(): TlsMaterial {
    return this.#material;
  }

  onChange(listener: (material: TlsMaterial) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  replace(material: TlsMaterial): void {
    this.#material = material;
    for (const listener of this.listeners) listener(material);
  }
}
