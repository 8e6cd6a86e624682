// A world for simulations of the user agent: gateways (real UserAgent, transactions and access control) and scripted phones on one
// simulated network and one virtual clock. Everybody's address is 192.0.2.n; that range is on every domain's ACL unless said otherwise.

import { createAccessControl } from '../../src/access/access-control.ts';
import type { Directory, DomainAccess } from '../../src/access/directory.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Account, Binding, Domain } from '../../src/base/records.ts';
import { err, ok } from '../../src/base/result.ts';
import { createTransactionLayer } from '../../src/sip/transaction/layer.ts';
import type { TransactionLayer } from '../../src/sip/transaction/transaction.ts';
import type { TargetResolver } from '../../src/sip/transport/targets.ts';
import type { Flow } from '../../src/sip/transport/transport.ts';
import type { BindingStore } from '../../src/sip/ua/bindings.ts';
import { createUserAgent } from '../../src/sip/ua/stack.ts';
import type { IncomingInvite, InviteSession, SessionEvent, UserAgent } from '../../src/sip/ua/ua.ts';
import { FakeTransport } from './fake-transport.ts';
import { Network, type NetworkOptions, seededRandom } from './network.ts';
import { ScriptedPhone } from './scripted-phone.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

export const account: Account = {
  sid: `AC${'0'.repeat(32)}`,
  friendlyName: 'test',
  status: 'active',
  ownerAccountSid: `AC${'0'.repeat(32)}`,
  authToken: 'token',
  dateCreated: 0,
  dateUpdated: 0,
};

export const testDomain: Domain = {
  sid: `SD${'0'.repeat(32)}`,
  accountSid: account.sid,
  domainName: 'demo.sip.localhost',
  friendlyName: 'demo',
  realm: 'sip.hookswitch.local',
  voiceUrl: null,
  voiceMethod: 'POST',
  voiceFallbackUrl: null,
  voiceFallbackMethod: 'POST',
  voiceStatusCallbackUrl: null,
  voiceStatusCallbackMethod: 'POST',
  voiceTwiml: null,
  sipRegistration: true,
  secure: false,
  mediaEncryption: 'optional',
  nat: false,
  digestSha256: false,
  attendedTransfer: true,
  musicOnHold: 'none',
  dtmfInband: false,
  emergencyCallingEnabled: false,
  emergencyCallerSid: null,
  emergencyAddress: null,
  byocTrunkSid: null,
  declared: false,
  dateCreated: 0,
  dateUpdated: 0,
};

/** A directory of the given domains. */
export function directoryOf(...accesses: DomainAccess[]): Directory {
  const byName = (name: string) => accesses.find((access) => access.domain.domainName === name);
  return {
    domainByName: byName,
    domainBySid: (sid) => accesses.find((access) => access.domain.sid === sid),
    accountBySid: (sid) => accesses.find((access) => access.account.sid === sid)?.account,
    domainForSource: () => undefined,
    domainNames: () => accesses.map((access) => access.domain.domainName),
  };
}

export const openAccess: DomainAccess = {
  domain: testDomain,
  account,
  callAcl: [{ ipAddress: '192.0.2.0', cidrPrefixLength: 24 }],
  callCredentials: null,
  registrationCredentials: null,
};

/** A store in memory whose saves can be held back or made to fail. */
export class MemoryBindingStore implements BindingStore {
  readonly saved = new Map<string, readonly Binding[]>();
  /** While set, a save waits for it. */
  gate: Promise<void> | undefined;
  failure: Error | undefined;

  async all(): Promise<readonly Binding[]> {
    return [...this.saved.values()].flat();
  }
  async save(change: { readonly aor: string; readonly bindings: readonly Binding[] }): Promise<void> {
    await this.gate;
    if (this.failure) throw this.failure;
    this.saved.set(change.aor, change.bindings);
  }
}

export interface Gateway {
  readonly name: string;
  readonly ua: UserAgent;
  readonly transport: FakeTransport;
  readonly transactions: TransactionLayer<Flow>;
  readonly store: MemoryBindingStore;
  readonly address: string;
  /** INVITEs that came in. */
  readonly invites: IncomingInvite[];
}

export interface World {
  readonly clock: VirtualClock;
  readonly network: Network;
  /** Host name → addresses; IP literals need no entry. */
  readonly names: Map<string, string[]>;
  gateway(
    name: string,
    access?: DomainAccess,
    store?: MemoryBindingStore,
    settings?: { readonly sessionTimerSeconds?: number },
  ): Promise<Gateway>;
  phone(name: string): ScriptedPhone;
  /** Moves the clock on, letting promises settle. */
  pass(ms: number): Promise<void>;
}

export function sipWorld(options: Partial<Omit<NetworkOptions, 'clock'>> = {}): World {
  const clock = new VirtualClock();
  const seed = options.seed ?? 1;
  const network = new Network({ ...options, clock, seed });
  const random = seededRandom(seed + 1000).bytes;
  const names = new Map<string, string[]>();
  const endpoints = new Map<string, string>();

  const resolver: TargetResolver = {
    addresses: async (name) => {
      const addresses = names.get(name);
      return addresses
        ? ok(addresses.map((address) => ({ address })))
        : err({ code: 'notFound', detail: `no ${name}` });
    },
    srv: async (name) => err({ code: 'noData', detail: `no SRV ${name}` }),
    naptr: async (name) => err({ code: 'noData', detail: `no NAPTR ${name}` }),
  };

  const endpoint = (name: string) => {
    const made = network.endpoint(name);
    endpoints.set(made.address, name);
    return made;
  };

  return {
    clock,
    network,
    names,
    async gateway(name, access = openAccess, store = new MemoryBindingStore(), settings = {}) {
      const transport = new FakeTransport(endpoint(name), endpoints);
      const transactions = createTransactionLayer<Flow>({ sender: transport, clock, log: silentLog, random });
      const control = createAccessControl({
        directory: directoryOf(access),
        config: {
          domainSuffix: 'sip.localhost',
          realm: 'sip.hookswitch.local',
          defaultDomain: access.domain.domainName,
          isOwnAddress: () => false,
        },
        clock,
        log: silentLog,
        random,
      });
      const ua = createUserAgent({
        transport,
        transactions,
        resolver,
        access: control,
        bindingStore: store,
        clock,
        random,
        log: silentLog,
        settings: { nodeId: name, ...settings },
      });
      await ua.start();
      const invites: IncomingInvite[] = [];
      ua.onInvite((invite) => invites.push(invite));
      return { name, ua, transport, transactions, store, address: transport.endpoint.address, invites };
    },
    phone: (name) => new ScriptedPhone(endpoint(name), random),
    async pass(ms) {
      await clock.advanceAsync(ms);
      await settle();
    },
  };
}

/** Keeps every event of a session, by type. */
export class Events {
  readonly all: SessionEvent[] = [];
  constructor(session: InviteSession) {
    session.onEvent((event) => this.all.push(event));
  }
  types(): string[] {
    return this.all.map((event) => event.type);
  }
  last<T extends SessionEvent['type']>(type: T): Extract<SessionEvent, { type: T }> {
    const found = this.all.findLast((event) => event.type === type);
    if (!found) throw new Error(`no event ${type}; there were ${this.types().join(', ')}`);
    return found as Extract<SessionEvent, { type: T }>;
  }
}
