// A network for simulations: endpoints exchange SIP messages as bytes, over the virtual clock, with seeded delay, loss, duplication
// and reordering. The same seed gives the same run. `explain` adds the seed and the ladder to a failing assertion.
//
//   const network = new Network({ clock, seed: 7, loss: 0.2 });
//   const alice = network.endpoint('alice'), bob = network.endpoint('bob');
//   bob.onMessage((message, flow) => …);  alice.send(request, alice.flowTo('bob'));  clock.advance(1_000);

import { strict as assert } from 'node:assert';
import type { RandomSource } from '../../src/base/ids.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { Message } from '../../src/sip/grammar/message.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../src/sip/grammar/serialize.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Fits the flows of transaction, ua and transport as far as a simulation needs them. */
export interface NetworkFlow {
  readonly id: string;
  readonly transport: 'udp' | 'tcp';
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isReliable: boolean;
  readonly isSecure: false;
  readonly isAlive: true;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  readonly local: string;
  readonly remote: string;
}

export interface NetworkOptions {
  readonly clock: VirtualClock;
  readonly seed: number;
  /** Share of messages lost, 0 to 1. Not on reliable flows. */
  readonly loss?: number;
  /** Share of messages that arrive twice. Not on reliable flows. */
  readonly duplication?: number;
  /** Each message takes a time between these two; unlike times reorder. Reliable flows keep their order. Default 5 and 5. */
  readonly minDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Decides the fate of single messages in place of chance: true = lost. */
  readonly drops?: (message: Message, from: string, to: string) => boolean;
}

export type NetworkFailure = { readonly code: 'unreachable'; readonly detail: string };

interface LadderEntry {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly line: string;
  readonly fate: string;
}

const LADDER_LINES = 120;

/** Seeded numbers in [0, 1) and bytes. Mulberry32: 32 bits of state, good enough to choose fates. */
export function seededRandom(seed: number): { readonly next: () => number; readonly bytes: RandomSource } {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const bytes: RandomSource = (sizeBytes) =>
    Buffer.from(Array.from({ length: sizeBytes }, () => Math.floor(next() * 256)));
  return { next, bytes };
}

export class Network {
  readonly clock: VirtualClock;
  readonly seed: number;
  readonly #options: NetworkOptions;
  readonly #next: () => number;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #ladder: LadderEntry[] = [];
  /** Per reliable flow: when the last message arrives. */
  readonly #lastArrivalMs = new Map<string, number>();
  /** Messages on their way. */
  inFlight = 0;

  constructor(options: NetworkOptions) {
    this.clock = options.clock;
    this.seed = options.seed;
    this.#options = options;
    this.#next = seededRandom(options.seed).next;
  }

  /** A new endpoint with an address of its own: 192.0.2.n port 5060. */
  endpoint(name: string): Endpoint {
    assert(!this.#endpoints.has(name), `endpoint ${name} exists`);
    const endpoint = new Endpoint(this, name, `192.0.2.${this.#endpoints.size + 1}`);
    this.#endpoints.set(name, endpoint);
    return endpoint;
  }

  named(name: string): Endpoint {
    const endpoint = this.#endpoints.get(name);
    assert(endpoint, `no endpoint ${name}`);
    return endpoint;
  }

  /** Puts bytes on their way. */
  carry(bytes: Buffer, flow: NetworkFlow): void {
    const parsed = parseMessage(bytes);
    assert(parsed.ok, `an endpoint sent what does not parse: ${bytes.toString()}`);
    const { loss = 0, duplication = 0, drops } = this.#options;
    // Three numbers for each message, used or not, so that one option does not change the fate of all that follows.
    const [lossDraw, duplicationDraw] = [this.#next(), this.#next()];
    const isLost = drops ? drops(parsed.value, flow.local, flow.remote) : !flow.isReliable && lossDraw < loss;
    const copies = isLost ? 0 : !flow.isReliable && duplicationDraw < duplication ? 2 : 1;
    this.note(flow.local, flow.remote, parsed.value, copies === 0 ? ' ✗ lost' : copies === 2 ? ' ×2' : '');
    for (let copy = 0; copy < copies; copy++) this.#deliver(bytes, flow);
  }

  #deliver(bytes: Buffer, flow: NetworkFlow): void {
    const { minDelayMs = 5, maxDelayMs = minDelayMs } = this.#options;
    let atMs = this.clock.now() + minDelayMs + this.#next() * (maxDelayMs - minDelayMs);
    if (flow.isReliable) {
      atMs = Math.max(atMs, this.#lastArrivalMs.get(flow.id) ?? 0);
      this.#lastArrivalMs.set(flow.id, atMs);
    }
    this.inFlight++;
    this.clock.after(atMs - this.clock.now(), () => {
      this.inFlight--;
      this.named(flow.remote).arrive(bytes, flow);
    });
  }

  note(from: string, to: string, message: Message, fate: string): void {
    const line =
      message.kind === 'request'
        ? `${message.method} ${message.cseq.sequence}`
        : `${message.status} (${message.cseq.method} ${message.cseq.sequence})`;
    this.#ladder.push({ atMs: this.clock.now(), from, to, line, fate });
  }

  /** What was sent, newest last: time, sender, receiver, message, fate. */
  ladder(): string {
    return this.#ladder
      .slice(-LADDER_LINES)
      .map(({ atMs, from, to, line, fate }) => `${atMs.toFixed(0).padStart(8)}  ${from} ─ ${line} ─▶ ${to}${fate}`)
      .join('\n');
  }

  /** The messages sent so far by one endpoint, as `INVITE 1` or `200 (INVITE 1)`. */
  sentBy(name: string): string[] {
    return this.#ladder.filter(({ from }) => from === name).map(({ line }) => line);
  }

  /** Runs a part of a test; a failure says the seed and shows the ladder. */
  explain<T>(part: () => T): T {
    try {
      const result = part();
      return result instanceof Promise ? (result.catch((fault) => this.#fail(fault)) as T) : result;
    } catch (fault) {
      return this.#fail(fault);
    }
  }

  #fail(fault: unknown): never {
    const text = fault instanceof Error ? fault.message : String(fault);
    throw new Error(`${text}\nseed ${this.seed}\n${this.ladder()}`, { cause: fault });
  }
}

export class Endpoint {
  readonly name: string;
  readonly address: string;
  readonly #network: Network;
  readonly #flows = new Map<string, NetworkFlow>();
  #receiver: (message: Message, flow: NetworkFlow) => void = () => {};
  #sends = 0;
  #failsAt = -1;

  constructor(network: Network, name: string, address: string) {
    this.#network = network;
    this.name = name;
    this.address = address;
  }

  onMessage(receiver: (message: Message, flow: NetworkFlow) => void): void {
    this.#receiver = receiver;
  }

  /** Our flow towards another endpoint; the same object each time. */
  flowTo(remote: string, isReliable = false): NetworkFlow {
    const id = `${this.name}>${remote}${isReliable ? ' tcp' : ''}`;
    let flow = this.#flows.get(id);
    if (!flow) {
      flow = {
        id,
        transport: isReliable ? 'tcp' : 'udp',
        localAddress: this.address,
        localPort: 5060,
        remoteAddress: this.#network.named(remote).address,
        remotePort: 5060,
        isReliable,
        isSecure: false,
        isAlive: true,
        advertisedHost: this.address,
        advertisedPort: 5060,
        local: this.name,
        remote,
      };
      this.#flows.set(id, flow);
    }
    return flow;
  }

  /** The Sender of a transaction layer. The message is on its way when this returns; only the result comes later. */
  async send(message: Message | Buffer, flow: NetworkFlow): Promise<Result<void, NetworkFailure>> {
    if (this.#sends++ === this.#failsAt) {
      const parsed = Buffer.isBuffer(message) ? parseMessage(message) : ok(message);
      if (parsed.ok) this.#network.note(flow.local, flow.remote, parsed.value, ' ✗ send failed');
      return err({ code: 'unreachable', detail: 'failure injected' });
    }
    this.#network.carry(Buffer.isBuffer(message) ? message : serializeMessage(message), flow);
    return ok(undefined);
  }

  /** The n-th send from now, counted from 0, fails. */
  failSend(index: number): void {
    this.#failsAt = this.#sends + index;
  }

  /** Bytes come in by the reverse of the flow that they were sent on. */
  arrive(bytes: Buffer, sentOn: NetworkFlow): void {
    const parsed = parseMessage(bytes);
    assert(parsed.ok, 'carried bytes parse');
    this.#receiver(parsed.value, this.flowTo(sentOn.local, sentOn.isReliable));
  }
}
