// The registrar's rules (RFC 3261 10.3, sip-interface.md 3) as one pure function: bindings × REGISTER × now → bindings or a refusal.
// No store, no flows, no clock here; registrar.ts reads the request, saves the outcome and answers.

import { limits } from '../../base/limits.ts';
import { ownText } from '../../base/own-text.ts';
import type { Binding } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Request } from '../grammar/message.ts';
import { type NameAddr, parseNameAddrList } from '../grammar/name-addr.ts';
import { isSipUri, parseUri, serializeUri, uriEquals, withoutUriHeaders } from '../grammar/uri.ts';

export interface RegisterRefusal {
  readonly status: number;
  readonly reason: string;
  /** Vendor code, for X-Twilio-Error and the log. */
  readonly errorCode?: number;
  readonly minExpiresSeconds?: number;
}

/** One Contact of a REGISTER. */
export interface RegisterContact {
  /** Without headers; what the binding keeps. */
  readonly uri: string;
  /** `expires` parameter; undefined = the Expires header or the default counts. */
  readonly expiresSeconds: number | undefined;
  /** 0 to 1000. */
  readonly q: number;
  readonly instanceId: string | null;
}

/** What a REGISTER asks for. */
export interface RegisterOrder {
  readonly callId: string;
  readonly cseq: number;
  readonly expiresSeconds: number | undefined;
  /** `'*'` = remove all; empty = only tell what is bound. */
  readonly contacts: '*' | readonly RegisterContact[];
}

/** What a new binding takes from the request's surroundings. */
export type BindingOrigin = Omit<
  Binding,
  'contact' | 'callId' | 'cseq' | 'q' | 'expiresAt' | 'instanceId' | 'registeredAt'
>;

export interface RegisterRules {
  readonly minSeconds: number;
  readonly maxSeconds: number;
  readonly bindingsPerAor: number;
}

export const defaultRegisterRules: RegisterRules = {
  minSeconds: limits.registrationMinSeconds,
  maxSeconds: limits.registrationMaxSeconds,
  bindingsPerAor: limits.bindingsPerAor,
};

export interface RegisterOutcome {
  readonly bindings: readonly Binding[];
  /** False for a query: nothing has to be saved. */
  readonly isChanged: boolean;
}

const refuse = (status: number, reason: string) => err<RegisterRefusal>({ status, reason });

/** RFC 3261 10.3 step 7: an expiry that is no number counts as 3600. */
const MALFORMED_EXPIRES_SECONDS = 3_600;

function parseExpires(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const plain = text.trim();
  if (!/^\d{1,10}$/.test(plain)) return MALFORMED_EXPIRES_SECONDS;
  return Math.min(Number(plain), 2 ** 32 - 1); // RFC 3261 20.19
}

/** `q` in thousandths; what is malformed or absent counts as 1 (RFC 3261 20.10, RFC 2543 did so too). */
function parseQ(text: string | undefined): number {
  if (text === undefined || !/^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(text)) return 1000;
  return Math.round(Number(text) * 1000);
}

/** Reads the fields that matter out of a REGISTER. */
export function readRegister(request: Request): Result<RegisterOrder, RegisterRefusal> {
  const base = {
    callId: request.callId,
    cseq: request.cseq.sequence,
    expiresSeconds: parseExpires(request.headers.get('expires')),
  };
  const values = request.headers.getAll('contact').filter((value) => value.trim() !== '');
  if (values.some((value) => value.trim() === '*')) {
    // RFC 3261 10.3 step 6: the wildcard stands alone, and only with Expires: 0.
    if (values.length > 1) return refuse(400, 'Wildcard Contact Must Stand Alone');
    if (base.expiresSeconds !== 0) return refuse(400, 'Wildcard Contact Needs Expires 0');
    return ok({ ...base, contacts: '*' });
  }
  const contacts: RegisterContact[] = [];
  for (const value of values) {
    const parsed = parseNameAddrList(value);
    if (!parsed.ok) return refuse(400, 'Invalid Contact');
    for (const contact of parsed.value) {
      if (!isSipUri(contact.uri)) return refuse(400, 'Contact Is Not a SIP URI');
      contacts.push(readContact(contact));
    }
  }
  if (contacts.length > 2 * limits.bindingsPerAor) return refuse(400, 'Too Many Contacts');
  return ok({ ...base, contacts });
}

function readContact(contact: NameAddr): RegisterContact {
  return {
    uri: serializeUri(withoutUriHeaders(contact.uri)),
    expiresSeconds: contact.params.has('expires') ? parseExpires(contact.params.get('expires') ?? '') : undefined,
    q: parseQ(contact.params.get('q')),
    instanceId: contact.params.get('+sip.instance') ?? null,
  };
}

/**
 * RFC 3261 10.2.4 by URI equality. Two devices behind different NATs may have the same private Contact: then the instance ids, where
 * both sides gave one, tell them apart.
 */
function isSameContact(binding: Binding, contact: RegisterContact): boolean {
  if (binding.instanceId !== null && contact.instanceId !== null && binding.instanceId !== contact.instanceId)
    return false;
  if (binding.contact === contact.uri) return true;
  const [known, asked] = [parseUri(binding.contact), parseUri(contact.uri)];
  return known.ok && asked.ok && uriEquals(known.value, asked.value);
}

/** RFC 3261 10.3 step 7: within one Call-ID, a binding only follows a higher CSeq. */
const isOutOfOrder = (binding: Binding, order: RegisterOrder): boolean =>
  binding.callId === order.callId && order.cseq <= binding.cseq;

/**
 * All or nothing (RFC 3261 10.3 step 7). `bindings` are those of the address of record that still count; expired ones are left out
 * of the outcome. `nowMs` is wall time.
 */
export function applyRegister(
  bindings: readonly Binding[],
  order: RegisterOrder,
  origin: BindingOrigin,
  nowMs: number,
  rules: RegisterRules = defaultRegisterRules,
): Result<RegisterOutcome, RegisterRefusal> {
  const alive = bindings.filter((binding) => binding.expiresAt > nowMs);
  if (order.contacts === '*') {
    if (alive.some((binding) => isOutOfOrder(binding, order))) return refuse(500, 'CSeq Out of Order');
    return ok({ bindings: [], isChanged: bindings.length > 0 });
  }
  let next = alive;
  for (const contact of order.contacts) {
    const known = next.find((binding) => isSameContact(binding, contact));
    if (known && alive.includes(known) && isOutOfOrder(known, order)) return refuse(500, 'CSeq Out of Order');
    const applied = applyContact(next, known, contact, order, origin, nowMs, rules);
    if (!applied.ok) return applied;
    next = applied.value;
  }
  if (next.length > rules.bindingsPerAor && next.length > alive.length)
    return err({ status: 403, reason: 'Too Many Bindings', errorCode: 32007 });
  return ok({ bindings: next, isChanged: order.contacts.length > 0 });
}

function applyContact(
  bindings: Binding[],
  known: Binding | undefined,
  contact: RegisterContact,
  order: RegisterOrder,
  origin: BindingOrigin,
  nowMs: number,
  rules: RegisterRules,
): Result<Binding[], RegisterRefusal> {
  const others = bindings.filter((binding) => binding !== known);
  const asked = contact.expiresSeconds ?? order.expiresSeconds ?? rules.maxSeconds;
  if (asked === 0) return ok(others);
  if (asked < rules.minSeconds)
    return err({ status: 423, reason: 'Interval Too Brief', minExpiresSeconds: rules.minSeconds });
  // Texts of their own: a slice of the REGISTER would keep it for as long as the phone is registered.
  const binding: Binding = {
    ...origin,
    contact: ownText(contact.uri),
    callId: ownText(order.callId),
    cseq: order.cseq,
    q: contact.q,
    expiresAt: nowMs + Math.min(asked, rules.maxSeconds) * 1000,
    instanceId: contact.instanceId === null ? null : ownText(contact.instanceId),
    registeredAt: known?.registeredAt ?? nowMs,
  };
  return ok([...others, binding]);
}

/** Contact header values of a 200: every binding with the seconds it has left (RFC 3261 10.3 step 8). No `pub-gruu` (interop.md). */
export function contactValues(bindings: readonly Binding[], nowMs: number): string[] {
  return bindings.map((binding) => {
    const seconds = Math.max(1, Math.ceil((binding.expiresAt - nowMs) / 1000));
    const q = binding.q === 1000 ? '' : `;q=${(binding.q / 1000).toFixed(3).replace(/0+$/, '').replace(/\.$/, '')}`;
    const instance =
      binding.instanceId === null ? '' : `;+sip.instance="${binding.instanceId.replace(/["\\]/g, '\\$&')}"`;
    return `<${binding.contact}>;expires=${seconds}${q}${instance}`;
  });
}
