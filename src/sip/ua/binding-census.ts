// Counts bindings per domain and account, knows which addresses of record a domain has, and tells what a change of one address of record
// was: the words of log lines and metrics. No time and no flows here; bindings.ts says what is expired or lost.

import { limits } from '../../base/limits.ts';
import type { Binding } from '../../base/records.ts';

export type RegistrationEventType = 'registered' | 'refreshed' | 'unregistered' | 'expired' | 'flowLost' | 'rejected';

export interface RegistrationEvent {
  readonly event: RegistrationEventType;
  readonly aor: string;
  readonly accountSid: string | null;
  readonly contact: string | null;
  /** Address that the REGISTER came from. */
  readonly source: string;
  /** Of `rejected`: vendor code or SIP status. */
  readonly cause?: string;
}

export interface BindingQuotas {
  readonly perDomain: number;
  readonly perAccount: number;
}

const defaultQuotas: BindingQuotas = { perDomain: limits.bindingsPerDomain, perAccount: limits.bindingsPerAccount };

export class BindingCensus {
  readonly #quotas: BindingQuotas;
  readonly #domains = new Map<string, number>();
  readonly #accounts = new Map<string, number>();
  readonly #aors = new Map<string, Set<string>>();
  #bindings = 0;

  constructor(quotas: BindingQuotas = defaultQuotas) {
    this.#quotas = quotas;
  }

  get bindings(): number {
    return this.#bindings;
  }

  /** sip-interface.md 3: a domain and an account hold so many bindings in all. */
  hasRoomFor(before: number, after: readonly Binding[]): boolean {
    const [first] = after;
    const growth = after.length - before;
    if (!first || growth <= 0) return true;
    const { perDomain, perAccount } = this.#quotas;
    return (
      (this.#domains.get(first.domainSid) ?? 0) + growth <= perDomain &&
      (this.#accounts.get(first.accountSid) ?? 0) + growth <= perAccount
    );
  }

  /** The bindings of `aor` are others now. */
  changed(aor: string, before: readonly Binding[], after: readonly Binding[]): void {
    if (isRefresh(before, after)) return;
    for (const binding of before) this.#count(binding, -1);
    for (const binding of after) this.#count(binding, 1);
    const domainSid = (after[0] ?? before[0])?.domainSid;
    if (domainSid === undefined) return;
    const aors = this.#aors.get(domainSid) ?? new Set();
    if (after.length > 0) this.#aors.set(domainSid, aors.add(aor));
    else aors.delete(aor);
    if (aors.size === 0) this.#aors.delete(domainSid);
  }

  aorsOf(domainSid: string): Iterable<string> {
    return this.#aors.get(domainSid) ?? [];
  }

  clear(): void {
    this.#domains.clear();
    this.#accounts.clear();
    this.#aors.clear();
    this.#bindings = 0;
  }

  #count({ domainSid, accountSid }: Binding, amount: number): void {
    this.#bindings += amount;
    add(this.#domains, domainSid, amount);
    add(this.#accounts, accountSid, amount);
  }
}

/** One binding in the place of one of the same domain, as nearly always: no number changes. */
const isRefresh = ([old, second]: readonly Binding[], after: readonly Binding[]): boolean =>
  old !== undefined &&
  second === undefined &&
  after.length === 1 &&
  after[0]!.domainSid === old.domainSid &&
  after[0]!.accountSid === old.accountSid;

function add(counts: Map<string, number>, key: string, amount: number): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}

const toldOf = (event: RegistrationEventType, { aor, accountSid, contact, sourceAddress }: Binding) => ({
  event,
  aor,
  accountSid,
  contact,
  source: sourceAddress,
});

/** What happened from one set of bindings to the next. `whyGone` tells of a binding that has no successor. */
export function registrationEvents(
  before: readonly Binding[],
  after: readonly Binding[],
  whyGone: (binding: Binding) => 'unregistered' | 'expired' | 'flowLost',
): RegistrationEvent[] {
  const gone = before.filter((binding) => !after.includes(binding));
  const events: RegistrationEvent[] = [];
  for (const binding of after) {
    if (before.includes(binding)) continue;
    const former = gone.findIndex((old) => isSuccessor(old, binding));
    if (former >= 0) gone.splice(former, 1);
    events.push(toldOf(former < 0 ? 'registered' : 'refreshed', binding));
  }
  return [...events, ...gone.map((binding) => toldOf(whyGone(binding), binding))];
}

/** A refreshed binding keeps the time of its first registration (register-rules.ts). */
const isSuccessor = (old: Binding, binding: Binding): boolean =>
  old.registeredAt === binding.registeredAt &&
  (old.contact === binding.contact || old.callId === binding.callId || old.instanceId === binding.instanceId);
