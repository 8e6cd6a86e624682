// Trunks for tests of the call layer.

import type { AccountLimits, OutboundTrunk, TrunkBook, TrunkTarget } from '../../src/call/trunk.ts';
import { isSipUri, parseUri, type SipUri } from '../../src/sip/grammar/uri.ts';
import { ACCOUNT } from './call-fakes.ts';

export function sipUriOf(text: string): SipUri {
  const uri = parseUri(text);
  if (!uri.ok || !isSipUri(uri.value)) throw new Error(`no SIP URI: ${text}`);
  return uri.value;
}

export const trunkTarget = (text: string, priority = 10, weight = 10): TrunkTarget => ({
  uri: sipUriOf(text),
  priority,
  weight,
});

export const outboundTrunk = (changes: Partial<OutboundTrunk> = {}): OutboundTrunk => ({
  sid: `BY${'1'.repeat(32)}`,
  name: 'carrier',
  accountSid: ACCOUNT,
  isDeclared: true,
  targets: [trunkTarget('sip:trunk.example')],
  credentials: undefined,
  allowedPrefixes: ['+49', '+43'],
  stripPrefix: '',
  prepend: '',
  plus: 'keep',
  fromHost: undefined,
  callerId: undefined,
  assertsIdentity: true,
  secureMedia: false,
  maxConcurrentCalls: 10,
  maxCallsPerSecond: 100,
  maxDailyMinutes: null,
  ...changes,
});

export const accountLimits = (changes: Partial<AccountLimits> = {}): AccountLimits => ({
  allowedPrefixes: null,
  blockedPrefixes: [],
  maxConcurrentCalls: 100,
  maxCallsPerSecond: 100,
  maxDailyMinutes: 6_000,
  defaultTrunk: null,
  ...changes,
});

/** A book of these trunks; a test changes its fields. */
export class FakeTrunkBook implements TrunkBook {
  trunks: OutboundTrunk[];
  limits = accountLimits();
  readonly down = new Set<string>();

  constructor(...trunks: OutboundTrunk[]) {
    this.trunks = trunks;
  }

  find(trunk: string, accountSid: string): OutboundTrunk | undefined {
    const found = this.trunks.find((one) => one.sid === trunk || (one.isDeclared && one.name === trunk));
    return found && (found.isDeclared || found.accountSid === accountSid) ? found : undefined;
  }
  declared(): readonly OutboundTrunk[] {
    return this.trunks.filter((one) => one.isDeclared);
  }
  limitsOf(): AccountLimits {
    return this.limits;
  }
  isTargetUp(target: SipUri): boolean {
    return !this.down.has(target.host);
  }
}
