// Numbers towards a carrier, pure: which may be dialled, how they are written, and who the call says it is from.
//
//   dialled +4930123456 ─ stripPrefix, prepend ─▶ plus: true | false | keep ─▶ sip:4930123456@carrier;user=phone
//   caller  +4930999     ─────────────────────▶ plus                        ─▶ From, P-Asserted-Identity (RFC 3325)
//   caller  anonymous    ─▶ From <sip:anonymous@anonymous.invalid>, Privacy: id (RFC 3323)

import type { HeaderField } from '../sip/grammar/message.ts';
import { makeSipUri, type SipUri, serializeUri, withUriParam } from '../sip/grammar/uri.ts';
import type { OutboundTrunk } from './trunk.ts';

type NumberForm = Pick<OutboundTrunk, 'stripPrefix' | 'prepend' | 'plus'>;

const NUMBER = /^\+?\d{2,20}$/;
const ANONYMOUS = /^(?:anonymous|blocked|restricted|private|unavailable)$/i;

export const isNumber = (text: string): boolean => NUMBER.test(text);
export const isAnonymous = (callerId: string): boolean => ANONYMOUS.test(callerId);

/** `+` in front of digits, where the trunk wants it. */
export function withPlus(number: string, plus: NumberForm['plus']): string {
  if (plus === 'keep' || !isNumber(number)) return number;
  const digits = number.replace(/^\+/, '');
  return plus ? `+${digits}` : digits;
}

/** The number as the carrier gets it. */
export function carrierNumber(number: string, form: NumberForm): string {
  const isStripped = form.stripPrefix !== '' && number.startsWith(form.stripPrefix);
  const rest = isStripped ? number.slice(form.stripPrefix.length) : number;
  return withPlus(form.prepend + rest, form.plus);
}

/** A prefix is compared with the number as it was dialled: `+49` does not allow `0049…`. */
export const hasPrefix = (number: string, prefixes: readonly string[]): boolean =>
  prefixes.some((prefix) => number.startsWith(prefix));

/** Blocked is a number in any form that reaches the carrier: as dialled or as sent, with `+`, `00`, or bare. */
export function isBlocked(number: string, form: NumberForm, prefixes: readonly string[]): boolean {
  const forms = [number, carrierNumber(number, form)];
  // `+` and `00` alone mean every international number: they have no digits to compare.
  const isMeant = (one: string, prefix: string) =>
    bare(prefix) === '' ? one.startsWith(prefix) : bare(one).startsWith(bare(prefix));
  return prefixes.some((prefix) => forms.some((one) => isMeant(one, prefix)));
}

const bare = (number: string): string => number.replace(/^(?:\+|00)/, '');

/** The Request-URI of a number at one target of a trunk. */
export function trunkUri(target: SipUri, number: string): SipUri {
  return withUriParam({ ...target, user: number, host: target.host.toLowerCase() }, 'user', 'phone');
}

export interface CallerIdentity {
  readonly displayName: string | undefined;
  readonly user: string;
  /** Undefined = our address. */
  readonly host: string | undefined;
  readonly headers: readonly HeaderField[];
}

/** From header and the headers that go with it. */
export function callerIdentity(
  trunk: Pick<OutboundTrunk, 'callerId' | 'plus' | 'fromHost' | 'assertsIdentity'>,
  callerId: string,
  displayName: string | undefined,
): CallerIdentity {
  const vouching = trunk.callerId === undefined ? [] : assertedIdentity(trunk, withPlus(trunk.callerId, trunk.plus));
  if (isAnonymous(callerId)) {
    // RFC 3323 4.1.1.3, RFC 3325 7: the carrier still learns who pays, where the trunk says it.
    const headers = [{ name: 'Privacy', value: 'id' }, ...vouching];
    return { displayName: 'Anonymous', user: 'anonymous', host: 'anonymous.invalid', headers };
  }
  const user = withPlus(trunk.callerId ?? callerId, trunk.plus);
  return { displayName, user, host: trunk.fromHost, headers: assertedIdentity(trunk, user) };
}

function assertedIdentity(trunk: Pick<OutboundTrunk, 'fromHost' | 'assertsIdentity'>, user: string): HeaderField[] {
  if (!trunk.assertsIdentity || !isNumber(user)) return [];
  const uri = trunk.fromHost === undefined ? `tel:${user}` : serializeUri(makeSipUri({ user, host: trunk.fromHost }));
  return [{ name: 'P-Asserted-Identity', value: `<${uri}>` }];
}

/** E.164 of what a carrier writes: with `+`, with `00`, or bare digits. Undefined for anything else. */
export function toE164(user: string): string | undefined {
  // RFC 3398, TISPAN: number parameters may stand in the user part.
  const plain = user.split(';')[0]!.replace(/[-.()]/g, '');
  if (/^\+[1-9]\d{2,14}$/.test(plain)) return plain;
  if (/^00[1-9]\d{2,14}$/.test(plain)) return `+${plain.slice(2)}`;
  return /^[1-9]\d{4,14}$/.test(plain) ? `+${plain}` : undefined;
}
