// A Transport over the simulated network: flows are objects with an owner as in src/sip/transport, and a TCP flow can be cut.
// Only what the user agent uses of the port is here.

import type { Unsubscribe } from '../../src/base/emitter.ts';
import { err, ok, type Result } from '../../src/base/result.ts';
import type { Message } from '../../src/sip/grammar/message.ts';
import type { ParseFailure } from '../../src/sip/grammar/parse.ts';
import type { Destination, Flow, TransportError } from '../../src/sip/transport/transport.ts';
import type { Endpoint, NetworkFlow } from './network.ts';

export class FakeFlow implements Flow {
  readonly network: NetworkFlow;
  readonly isSecure: boolean;
  isAlive = true;
  keepAlives = 0;
  readonly #listeners = new Set<(cause: string) => void>();

  constructor(network: NetworkFlow, isSecure = false) {
    this.network = network;
    this.isSecure = isSecure;
  }

  get id() {
    return this.network.id;
  }
  get transport() {
    return this.network.transport;
  }
  get localAddress() {
    return this.network.localAddress;
  }
  get localPort() {
    return this.network.localPort;
  }
  get remoteAddress() {
    return this.network.remoteAddress;
  }
  get remotePort() {
    return this.network.remotePort;
  }
  get isReliable() {
    return this.network.isReliable;
  }
  get advertisedHost() {
    return this.network.advertisedHost;
  }
  get advertisedPort() {
    return this.network.advertisedPort;
  }

  onClosed(listener: (cause: string) => void): Unsubscribe {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  keepAlive(): void {
    this.keepAlives++;
  }

  /** The connection breaks. */
  cut(): void {
    this.isAlive = false;
    for (const listener of this.#listeners) listener('cut by the test');
  }
}

export class FakeTransport {
  readonly endpoint: Endpoint;
  /** Address → endpoint name. */
  readonly #names: ReadonlyMap<string, string>;
  readonly #flows = new Map<string, FakeFlow>();
  /** Destinations that refuse connections, as address. */
  readonly refusing = new Set<string>();
  #unparsable: (failure: ParseFailure, flow: Flow) => void = () => {};

  constructor(endpoint: Endpoint, names: ReadonlyMap<string, string>) {
    this.endpoint = endpoint;
    this.#names = names;
  }

  /** The live flow to an endpoint; a new one where the last was cut. */
  flowTo(name: string, isReliable = false): FakeFlow {
    const network = this.endpoint.flowTo(name, isReliable);
    let flow = this.#flows.get(network.id);
    if (!flow?.isAlive) {
      flow = new FakeFlow(network);
      this.#flows.set(network.id, flow);
    }
    return flow;
  }

  onMessage(receiver: (message: Message, flow: Flow) => void): void {
    this.endpoint.onMessage((message, flow) => receiver(message, this.flowTo(flow.remote, flow.isReliable)));
  }

  onUnparsable(receiver: (failure: ParseFailure, flow: Flow) => void): void {
    this.#unparsable = receiver;
  }

  /** Something came in that did not parse. */
  injectUnparsable(failure: ParseFailure, flow: Flow): void {
    this.#unparsable(failure, flow);
  }

  async send(message: Message | Buffer, flow: Flow): Promise<Result<void, TransportError>> {
    if (!flow.isAlive) return err({ code: 'closed', detail: 'flow was cut' });
    const sent = await this.endpoint.send(message, (flow as FakeFlow).network);
    return sent.ok ? sent : err({ code: 'unreachable', detail: sent.error.detail });
  }

  async connect(destination: Destination): Promise<Result<Flow, TransportError>> {
    const name = this.#names.get(destination.address);
    if (name === undefined || this.refusing.has(destination.address))
      return err({ code: 'refused', detail: `nobody at ${destination.address}` });
    return ok(this.flowTo(name, destination.transport !== 'udp'));
  }

  udpFlow(_local: { address: string; port: number }, remote: { address: string; port: number }): Flow | undefined {
    const name = this.#names.get(remote.address);
    return name === undefined ? undefined : this.flowTo(name);
  }
}
