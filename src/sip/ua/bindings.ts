// Who is registered where: the bindings of every address of record in memory, with the flows that their REGISTERs came by.
// Loaded from the store at start. A change is saved first and taken over afterwards, so that a confirmed registration is one that
// survives a crash (design.md 7); changes of one address of record happen one after the other.
// A TCP or TLS binding whose connection is gone counts only while its Contact can be dialled (design.md 5.3).

import ipaddr from 'ipaddr.js';
import type { Clock, Timer } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import type { Binding } from '../../base/records.ts';
import type { BindingPage, BindingPageRequest } from '../../base/registrations-api.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { createScheduler } from '../../base/scheduler.ts';
import { isSipUri, parseUri, type SipUri } from '../grammar/uri.ts';
import type { Flow, Transport } from '../transport/transport.ts';
import { BindingCensus, type BindingQuotas, type RegistrationEvent, registrationEvents } from './binding-census.ts';
import { bindingPage } from './binding-page.ts';
import type { Beat, KeepAlive } from './keep-alive.ts';
import type { RegisterOutcome, RegisterRefusal } from './register-rules.ts';

/** Port; store/ implements it. */
export interface BindingStore {
  all(): Promise<readonly Binding[]>;
  /** Durable when it resolves. `bindings` is the whole set of the AOR; empty = unregistered. */
  save(change: { readonly aor: string; readonly bindings: readonly Binding[] }): Promise<void>;
}

export type StoreTrouble = { readonly status: 503; readonly reason: string };

export interface BindingRegistry {
  /** Reads all bindings from the store. */
  load(): Promise<void>;
  /** Bindings that can be reached now, best q first, the newest first among equals. */
  reachable(aor: string): readonly Binding[];
  /** All unexpired bindings. */
  registered(aor: string): readonly Binding[];
  /**
   * Applies `change` to the bindings of `aor`, saves and then takes over the outcome. `flow` carried the REGISTER.
   * 503 when the store does not confirm within limits.registerStoreWaitMs.
   */
  update(
    aor: string,
    flow: Flow | undefined,
    change: (bindings: readonly Binding[]) => Result<RegisterOutcome, RegisterRefusal>,
  ): Promise<Result<RegisterOutcome, RegisterRefusal | StoreTrouble>>;
  /** The live connection (TCP, TLS) or the exact UDP flow of a binding. */
  flowOf(binding: Binding): Flow | undefined;
  /** Bindings of a domain that can be reached now, at most `most`. */
  ofDomain(domainSid: string, page: BindingPageRequest): BindingPage;
  counts(): { readonly bindings: number; readonly aors: number };
  stop(): void;
}

interface Entry {
  readonly binding: Binding;
  readonly flow: Flow | undefined;
  /** While its NAT pinhole is kept open. */
  beat: Beat | undefined;
}

const SWEEP_MS = 10_000;

/** Where a binding's Contact points, or undefined when it cannot be read any more. */
export function contactUri(binding: Binding): SipUri | undefined {
  const parsed = parseUri(binding.contact);
  return parsed.ok && isSipUri(parsed.value) ? parsed.value : undefined;
}

/** True when the phone's own idea of its address is not where its REGISTER came from: something between rewrites addresses. */
export function isBehindNat(binding: Binding): boolean {
  const contact = contactUri(binding);
  if (!contact) return true;
  return contact.host !== binding.sourceAddress || (contact.port ?? 5060) !== binding.sourcePort;
}

/**
 * May a new connection be opened to the Contact of a lost TCP or TLS flow? Yes for a public address, and for the very address
 * that the REGISTER came from (no NAT in between). Host names are not dialled: browsers and phones write names that lead nowhere.
 */
export function isDialable(binding: Binding): boolean {
  if (binding.transport === 'ws' || binding.transport === 'wss') return false;
  const contact = contactUri(binding);
  if (!contact || !ipaddr.isValid(contact.host)) return false;
  if (contact.host === binding.sourceAddress) return contact.port !== binding.sourcePort;
  return ipaddr.process(contact.host).range() === 'unicast';
}

export function createBindingRegistry(parts: {
  readonly store: BindingStore;
  readonly transport: Pick<Transport, 'udpFlow'>;
  readonly keepAlive: KeepAlive;
  readonly quotas?: BindingQuotas;
  readonly onEvent?: (event: RegistrationEvent) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}): BindingRegistry {
  const { store, transport, keepAlive, clock, log } = parts;
  const aors = new Map<string, readonly Entry[]>();
  const census = new BindingCensus(parts.quotas);
  const tails = new Map<string, Promise<unknown>>();
  /** AORs to look at, by sweep period of their next expiry. */
  const expiries = new Map<number, Set<string>>();
  /** Addresses of record that were registered by a connection. */
  const aorsOfFlow = new WeakMap<Flow, Set<string>>();
  const waits = createScheduler({ clock, onFault: (fault) => log.error({ err: fault }, 'registration timer failed') });
  let sweepTimer: Timer | undefined;
  let isStopped = false;

  const period = (wallMs: number) => Math.floor(wallMs / SWEEP_MS);
  const isReachable = ({ binding, flow }: Entry): boolean =>
    binding.transport === 'udp' || (flow?.isAlive ?? false) || isDialable(binding);
  const unexpired = (aor: string): readonly Entry[] => {
    const now = clock.wall();
    return (aors.get(aor) ?? []).filter((entry) => entry.binding.expiresAt > now);
  };
  const udpFlowOf = (binding: Binding): Flow | undefined =>
    transport.udpFlow(
      { address: binding.localAddress, port: binding.localPort },
      { address: binding.sourceAddress, port: binding.sourcePort },
    );

  // Not within takeOver: a function made there keeps all that takeOver knows, so each registration would keep the one before it for ever.
  const beatOf = (binding: Binding): Beat => keepAlive.add(() => udpFlowOf(binding));

  const takeOver = (aor: string, bindings: readonly Binding[], flow: Flow | undefined) => {
    const old = aors.get(aor) ?? [];
    const entries = bindings.map((binding): Entry => {
      const kept = old.find((entry) => entry.binding === binding);
      return kept ?? { binding, flow: binding.transport === 'udp' ? undefined : flow, beat: undefined };
    });
    census.changed(
      aor,
      old.map((entry) => entry.binding),
      bindings,
    );
    for (const entry of old) if (entry.beat && !entries.includes(entry)) keepAlive.remove(entry.beat);
    for (const entry of entries) {
      const { binding } = entry;
      if (!old.includes(entry) && binding.transport === 'udp' && isBehindNat(binding)) entry.beat = beatOf(binding);
      const key = period(binding.expiresAt) + 1;
      const due = expiries.get(key) ?? new Set<string>();
      expiries.set(key, due.add(aor));
    }
    if (entries.length > 0) aors.set(aor, entries);
    else aors.delete(aor);
    scheduleSweep();
  };

  const tell = (known: readonly Entry[], after: readonly Binding[]) => {
    const now = clock.wall();
    const whyGone = (binding: Binding) => {
      if (binding.expiresAt <= now) return 'expired';
      const entry = known.find((one) => one.binding === binding);
      return entry && !isReachable(entry) ? 'flowLost' : 'unregistered';
    };
    const before = known.map((entry) => entry.binding);
    for (const event of registrationEvents(before, after, whyGone)) {
      const { contact, source } = event;
      const level = event.event === 'refreshed' ? 'debug' : 'info';
      log[level]({ aor: event.aor, event: event.event, contact, source }, 'registration');
      parts.onEvent?.(event);
    }
  };

  const run = async (
    aor: string,
    flow: Flow | undefined,
    change: (bindings: readonly Binding[]) => Result<RegisterOutcome, RegisterRefusal>,
  ): Promise<Result<RegisterOutcome, RegisterRefusal | StoreTrouble>> => {
    // Lost connections that cannot be dialled are gone: they must not fill up the address of record.
    const known = aors.get(aor) ?? [];
    const current = unexpired(aor).filter(isReachable);
    const outcome = change(current.map((entry) => entry.binding));
    if (!outcome.ok || !outcome.value.isChanged) return outcome;
    if (!census.hasRoomFor(known.length, outcome.value.bindings))
      return err({ status: 403, reason: 'Too Many Bindings', errorCode: 32007 });
    try {
      await store.save({ aor, bindings: outcome.value.bindings });
    } catch (cause) {
      log.error({ aor, cause: String(cause) }, 'bindings could not be saved');
      return err({ status: 503, reason: 'Service Unavailable' });
    }
    if (isStopped) return outcome;
    tell(known, outcome.value.bindings);
    takeOver(aor, outcome.value.bindings, flow);
    if (flow?.isReliable && outcome.value.bindings.length > 0) watch(flow, aor);
    return outcome;
  };

  const inTurn: typeof run = (aor, flow, change) => {
    const before = tails.get(aor);
    const begin = () => run(aor, flow, change);
    const mine = before ? before.then(begin, begin) : begin();
    tails.set(aor, mine);
    const over = () => {
      if (tails.get(aor) === mine) tails.delete(aor);
    };
    mine.then(over, over);
    return mine;
  };

  /** What lost its connection and cannot be dialled is unregistered at once, in the store too. */
  const dropLost = (aor: string) => {
    if (isStopped || (aors.get(aor) ?? []).every(isReachable)) return;
    void inTurn(aor, undefined, (bindings) => ok({ bindings, isChanged: true }));
  };

  const watch = (flow: Flow, aor: string) => {
    // It went while the store was asked.
    if (!flow.isAlive) return dropLost(aor);
    const known = aorsOfFlow.get(flow);
    if (known) return void known.add(aor);
    const mine = new Set([aor]);
    aorsOfFlow.set(flow, mine);
    flow.onClosed(() => mine.forEach(dropLost));
  };

  const sweep = () => {
    const now = clock.wall();
    for (const [key, due] of expiries) {
      if (key > period(now)) continue;
      expiries.delete(key);
      for (const aor of due) {
        const count = aors.get(aor)?.length ?? 0;
        if (count === unexpired(aor).length) continue;
        void inTurn(aor, undefined, (bindings) => ok({ bindings, isChanged: true }));
      }
    }
  };

  // A random part, so that several nodes on one database do not sweep in step.
  const scheduleSweep = () => {
    if (sweepTimer || isStopped || expiries.size === 0) return;
    sweepTimer = clock.after(SWEEP_MS + (parts.random(2).readUInt16BE(0) % 1_000), () => {
      sweepTimer = undefined;
      sweep();
      scheduleSweep();
    });
  };

  return {
    async load() {
      const byAor = new Map<string, Binding[]>();
      for (const binding of await store.all()) {
        if (binding.expiresAt <= clock.wall()) continue;
        const bindings = byAor.get(binding.aor) ?? [];
        bindings.push(binding);
        byAor.set(binding.aor, bindings);
      }
      for (const [aor, bindings] of byAor) takeOver(aor, bindings, undefined);
    },
    reachable: (aor) =>
      unexpired(aor)
        .filter(isReachable)
        .map((entry) => entry.binding)
        .sort((a, b) => b.q - a.q || b.expiresAt - a.expiresAt),
    registered: (aor) => unexpired(aor).map((entry) => entry.binding),
    update: (aor, flow, change) =>
      new Promise((resolve, reject) => {
        const late = waits.after(limits.registerStoreWaitMs, () =>
          resolve(err({ status: 503, reason: 'Store Is Slow' })),
        );
        // Where the store answers late after all, memory follows it: the two never differ.
        const over =
          <T>(settle: (value: T) => void) =>
          (value: T) => {
            late.cancel();
            settle(value);
          };
        inTurn(aor, flow, change).then(over(resolve), over(reject));
      }),
    flowOf(binding) {
      if (binding.transport === 'udp') return udpFlowOf(binding);
      const flow = aors.get(binding.aor)?.find((entry) => entry.binding === binding)?.flow;
      return flow?.isAlive ? flow : undefined;
    },
    ofDomain: (domainSid, page) =>
      bindingPage(
        census.aorsOf(domainSid),
        (aor) =>
          unexpired(aor)
            .filter(isReachable)
            .map((entry) => entry.binding),
        page,
      ),
    counts: () => ({ bindings: census.bindings, aors: aors.size }),
    stop() {
      isStopped = true;
      sweepTimer?.cancel();
      waits.stop();
      keepAlive.stop();
      aors.clear();
      census.clear();
      expiries.clear();
    },
  };
}
