// Two small users of the transaction layer, enough for INVITE, ACK, CANCEL and BYE: a caller that remembers what it was told and a
// callee that answers as it is asked to. The 2xx and its ACK are theirs to repeat (RFC 3261 13.2.2.4, 13.3.1.4).

import { strict as assert } from 'node:assert';
import type { Timer } from '../../../src/base/clock.ts';
import { newBranch, type RandomSource } from '../../../src/base/ids.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { ackFor2xx, dialogFromResponse, nextRequest } from '../../../src/sip/dialog/dialog.ts';
import { createResponse } from '../../../src/sip/grammar/build.ts';
import type { Request, Response } from '../../../src/sip/grammar/message.ts';
import { createTransactionLayer } from '../../../src/sip/transaction/layer.ts';
import { T1, T2 } from '../../../src/sip/transaction/timers.ts';
import type {
  ClientTransaction,
  ServerTransaction,
  TransactionLayer,
} from '../../../src/sip/transaction/transaction.ts';
import { type Endpoint, Network, type NetworkFlow, type NetworkOptions, seededRandom } from '../../support/network.ts';
import { testRequest, viaOf } from '../../support/requests.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const strictLog: Log = {
  ...silentLog,
  child: () => strictLog,
  error(fields, message) {
    throw new Error(message, { cause: fields.err });
  },
};

export const zeroCounts = { inviteClient: 0, inviteServer: 0, nonInviteClient: 0, nonInviteServer: 0, timers: 0 };

/** Longest life of a transaction is 64*T1 behind its last message, twice for a CANCEL behind an INVITE; and the margin. */
export const ALL_OVER_MS = 4 * 64 * T1;

class Peer {
  readonly layer: TransactionLayer<NetworkFlow>;
  readonly endpoint: Endpoint;
  readonly network: Network;
  readonly random: RandomSource;

  constructor(network: Network, name: string) {
    this.network = network;
    this.endpoint = network.endpoint(name);
    this.random = seededRandom(network.seed * 31 + name.length).bytes;
    this.layer = createTransactionLayer<NetworkFlow>({
      sender: this.endpoint,
      clock: network.clock,
      log: strictLog,
      random: this.random,
    });
    this.endpoint.onMessage((message, flow) => this.layer.receive(message, flow));
  }
}

export interface CallerOptions {
  readonly isReliable?: boolean;
  /** Ends an answered call by BYE after this time. */
  readonly byeAfterMs?: number;
}

export class Caller {
  /** Everything the user of the INVITE was told, in order; retransmitted 2xx too. */
  readonly told: string[] = [];
  readonly byeTold: string[] = [];
  readonly strays: Response[] = [];
  readonly #peer: Peer;
  readonly #flow: NetworkFlow;
  readonly #options: CallerOptions;
  #invite: Request | undefined;
  #answeredTags = new Set<string | undefined>();
  transaction: ClientTransaction | undefined;

  constructor(network: Network, options: CallerOptions = {}) {
    this.#peer = new Peer(network, 'caller');
    this.#options = options;
    this.#flow = this.#peer.endpoint.flowTo('callee', options.isReliable ?? false);
    this.#peer.layer.setUser({
      onRequest: () => assert.fail('the callee sends no requests'),
      onAck: () => assert.fail('the callee sends no requests'),
      // A late 2xx of an INVITE that was given up is acknowledged all the same.
      onStrayResponse: (response) => {
        this.strays.push(response);
        if (response.cseq.method === 'INVITE' && response.status >= 200 && response.status < 300)
          this.#acknowledge(response);
      },
    });
  }

  get counts() {
    return this.#peer.layer.counts();
  }

  get endpoint(): Endpoint {
    return this.#peer.endpoint;
  }

  /** Different final outcomes that the user was told. Retransmissions of one 2xx are one outcome. */
  get outcomes(): string[] {
    return [...new Set(this.told.filter((line) => !line.startsWith('1')))];
  }

  start(method: string): void {
    const { random, endpoint, network } = this.#peer;
    const transport = this.#flow.isReliable ? 'tcp' : 'udp';
    const request = testRequest(method, {
      random,
      from: endpoint.address,
      to: network.named('callee').address,
      transport,
    });
    if (method === 'INVITE') this.#invite = request;
    this.transaction = this.#peer.layer.request(request, this.#flow, {
      onResponse: (response) => {
        const tag = response.to.params.get('tag');
        this.told.push(response.status < 200 ? `${response.status}` : `${response.status} ${tag}`);
        if (method === 'INVITE' && response.status >= 200 && response.status < 300) this.#acknowledge(response);
      },
      onTimeout: () => this.told.push('timeout'),
      onTransportError: () => this.told.push('transport error'),
    });
  }

  /** ACKs each 2xx; the first one of a fork begins its dialog, which ends with BYE. */
  #acknowledge(response: Response): void {
    const invite = this.#invite!;
    const { layer, random, endpoint, network } = this.#peer;
    const via = () => viaOf(endpoint.address, newBranch(random), this.#flow.transport);
    const dialog = dialogFromResponse(invite, response);
    layer.sendStateless(ackFor2xx(dialog, invite, { via: via() }), this.#flow);
    const tag = response.to.params.get('tag');
    const { byeAfterMs } = this.#options;
    if (byeAfterMs === undefined || this.#answeredTags.has(tag)) return;
    this.#answeredTags.add(tag);
    network.clock.after(byeAfterMs, () => {
      layer.request(nextRequest(dialog, 'BYE', { via: via() }).request, this.#flow, {
        onResponse: (bye) => this.byeTold.push(`${bye.status}`),
        onTimeout: () => this.byeTold.push('timeout'),
        onTransportError: () => this.byeTold.push('transport error'),
      });
    });
  }
}

export interface CalleeOptions {
  /** Statuses and when they are sent, after the request came: `[[100, 0], [180, 50], [200, 2_000]]`. */
  readonly answers: readonly (readonly [status: number, afterMs: number])[];
}

export class Callee {
  readonly requests: string[] = [];
  readonly cancels: Request[] = [];
  /** Call-IDs of 2xx that were acknowledged. */
  acknowledged = 0;
  readonly failures: string[] = [];
  readonly #peer: Peer;
  readonly #options: CalleeOptions;
  #repeat: Timer | undefined;

  constructor(network: Network, options: CalleeOptions) {
    this.#peer = new Peer(network, 'callee');
    this.#options = options;
    this.#peer.layer.setUser({
      onRequest: (transaction) => this.#receive(transaction),
      onAck: () => {
        this.acknowledged++;
        this.#repeat?.cancel();
      },
      onStrayResponse: () => assert.fail('the callee sends no requests'),
    });
  }

  get counts() {
    return this.#peer.layer.counts();
  }

  get endpoint(): Endpoint {
    return this.#peer.endpoint;
  }

  #receive(transaction: ServerTransaction<NetworkFlow>): void {
    const { request } = transaction;
    const { clock } = this.#peer.network;
    this.requests.push(request.method);
    transaction.onTransportError((failure) => this.failures.push(failure.code));
    if (request.method === 'BYE') {
      transaction.respond(this.#response(request, 200));
      return;
    }
    let isCancelled = false;
    if (request.method === 'INVITE') {
      transaction.onCancel((cancel) => {
        this.cancels.push(cancel);
        isCancelled = true;
        transaction.respond(this.#response(request, 487));
      });
    }
    for (const [status, afterMs] of this.#options.answers) {
      clock.after(afterMs, () => {
        if (isCancelled) return;
        const response = this.#response(request, status);
        transaction.respond(response);
        if (request.method === 'INVITE' && status >= 200 && status < 300) this.#repeatUntilAck(transaction, response);
      });
    }
  }

  #response(request: Request, status: number): Response {
    const headers = [{ name: 'Contact', value: `<sip:bob@${this.#peer.endpoint.address}>` }];
    return createResponse(request, status, { toTag: 'callee', headers });
  }

  /** 13.3.1.4: T1, doubling up to T2, for 64*T1. */
  #repeatUntilAck(transaction: ServerTransaction<NetworkFlow>, response: Response): void {
    const { clock } = this.#peer.network;
    const endMs = clock.now() + 64 * T1;
    const repeat = (intervalMs: number) => {
      this.#repeat = clock.after(intervalMs, () => {
        if (clock.now() >= endMs) return;
        transaction.respond(response);
        repeat(Math.min(intervalMs * 2, T2));
      });
    };
    repeat(T1);
  }
}

export interface World {
  readonly clock: VirtualClock;
  readonly network: Network;
  readonly caller: Caller;
  readonly callee: Callee;
}

export function world(
  options: Omit<NetworkOptions, 'clock'>,
  answers: CalleeOptions,
  calls: CallerOptions = {},
): World {
  const clock = new VirtualClock();
  const network = new Network({ ...options, clock });
  // The caller's flow needs the callee's address, so the callee comes first.
  const callee = new Callee(network, answers);
  return { clock, network, callee, caller: new Caller(network, calls) };
}

/** Lets everything end, and checks that nothing is left on either side. */
export function finish({ clock, network, caller, callee }: World): void {
  clock.advance(ALL_OVER_MS);
  assert.deepEqual(caller.counts, zeroCounts, 'caller');
  assert.deepEqual(callee.counts, zeroCounts, 'callee');
  assert.equal(network.inFlight, 0);
  assert.equal(clock.pendingTimers, 0);
}
