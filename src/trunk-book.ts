// Part of the composition root: the carriers as call/ sees them, put together of hookswitch.yaml (secrets, number forms, limits) and the
// directory (trunks, policies and targets, declared ones among them). Looked up anew for each call: all of it is in memory.

import type { ByocTrunk, PolicyTarget } from './base/records.ts';
import type { AccountLimits, OutboundTrunk, TrunkBook, TrunkTarget } from './call/trunk.ts';
import type { Declared } from './config.ts';
import { accountLimitsSchema, type DeclaredTrunk, defaultAccountLimits } from './config-trunks.ts';
import { isSipUri, parseUri, type SipUri } from './sip/grammar/uri.ts';
import type { StoreDirectory } from './store/directory.ts';

export interface TrunkBookParts {
  readonly declared: () => Pick<Declared, 'trunks' | 'accountLimits'>;
  readonly directory: Pick<
    StoreDirectory,
    'byocTrunk' | 'byocTrunks' | 'policyTargets' | 'domainBySid' | 'domainsOfTrunk'
  >;
  readonly isTargetUp: (target: SipUri) => boolean;
}

/** Capacity of a trunk that was made over REST, which has no setting for it. */
const restLimits = accountLimitsSchema.parse({ account: 'default', maxDailyMinutes: null });

export interface FullTrunkBook extends TrunkBook {
  /** All trunks, with what the file says of the declared ones. */
  all(): readonly { readonly trunk: OutboundTrunk; readonly declared: DeclaredTrunk | undefined }[];
}

export function createTrunkBook(parts: TrunkBookParts): FullTrunkBook {
  const { directory } = parts;
  const settingsOf = (trunk: ByocTrunk): DeclaredTrunk | undefined =>
    trunk.declared ? parts.declared().trunks.find((one) => one.name === trunk.friendlyName) : undefined;
  const recordOf = (name: string): ByocTrunk | undefined =>
    directory.byocTrunks().find((trunk) => trunk.declared && trunk.friendlyName === name);

  const outbound = (trunk: ByocTrunk): OutboundTrunk | undefined => {
    const settings = settingsOf(trunk);
    // Between a changed file and the store's change: a trunk that is declared no more is no trunk.
    if (trunk.declared && !settings) return undefined;
    const policy = trunk.connectionPolicySid;
    const common = {
      sid: trunk.sid,
      name: trunk.friendlyName ?? trunk.sid,
      accountSid: trunk.accountSid,
      isDeclared: trunk.declared,
      targets: policy === null ? [] : directory.policyTargets(policy).flatMap(targetOf),
      fromHost: fromHostOf(trunk, settings, directory),
    };
    return settings ? { ...common, ...outboundSettings(settings) } : { ...common, ...restSettings };
  };

  return {
    find(trunk, accountSid) {
      const found = directory.byocTrunk(trunk) ?? recordOf(trunk);
      // A declared trunk is the operator's: every account may use it, within its prefixes. Others belong to their account.
      return found && (found.declared || found.accountSid === accountSid) ? outbound(found) : undefined;
    },
    declared: () => parts.declared().trunks.flatMap(({ name }) => withRecord(recordOf(name), outbound)),
    all: () =>
      directory.byocTrunks().flatMap((record) => {
        const trunk = outbound(record);
        return trunk ? [{ trunk, declared: settingsOf(record) }] : [];
      }),
    limitsOf(accountSid): AccountLimits {
      const all = parts.declared().accountLimits;
      return (
        all.find((one) => one.account === accountSid) ??
        all.find((one) => one.account === 'default') ??
        defaultAccountLimits
      );
    },
    isTargetUp: parts.isTargetUp,
  };
}

const withRecord = (
  record: ByocTrunk | undefined,
  outbound: (trunk: ByocTrunk) => OutboundTrunk | undefined,
): OutboundTrunk[] => {
  const trunk = record && outbound(record);
  return trunk ? [trunk] : [];
};

/** Read once: the directory gives the same record until it changes. */
const parsedTargets = new WeakMap<PolicyTarget, TrunkTarget[]>();

function targetOf(target: PolicyTarget): TrunkTarget[] {
  const known = parsedTargets.get(target);
  if (known) return known;
  const uri = parseUri(target.target);
  const isUsable = target.enabled && uri.ok && isSipUri(uri.value);
  const parsed = isUsable ? [{ uri: uri.value as SipUri, priority: target.priority, weight: target.weight }] : [];
  parsedTargets.set(target, parsed);
  return parsed;
}

/** sip-interface.md 7: the domain of FromDomainSid, else the trunk's first domain. */
function fromHostOf(
  trunk: ByocTrunk,
  settings: DeclaredTrunk | undefined,
  directory: TrunkBookParts['directory'],
): string | undefined {
  if (settings?.fromDomain) return settings.fromDomain;
  const domain = trunk.fromDomainSid === null ? undefined : directory.domainBySid(trunk.fromDomainSid)?.domain;
  return (domain ?? directory.domainsOfTrunk(trunk.sid)[0])?.domainName;
}

const outboundSettings = (settings: DeclaredTrunk) => ({
  credentials:
    settings.username === null ? undefined : { username: settings.username, password: settings.password ?? '' },
  allowedPrefixes: settings.allowedPrefixes,
  stripPrefix: settings.stripPrefix,
  prepend: settings.prepend,
  plus: settings.plus,
  callerId: settings.callerId ?? undefined,
  assertsIdentity: settings.assertedIdentity,
  secureMedia: settings.secureMedia,
  tlsVerify: settings.tlsVerify,
  maxConcurrentCalls: settings.maxConcurrentCalls,
  maxCallsPerSecond: settings.maxCallsPerSecond,
  maxDailyMinutes: settings.maxDailyMinutes,
});

/** sip-interface.md 7: no digest towards the carrier, numbers as dialled. */
const restSettings = {
  credentials: undefined,
  allowedPrefixes: null,
  stripPrefix: '',
  prepend: '',
  plus: 'keep',
  callerId: undefined,
  assertsIdentity: true,
  secureMedia: false,
  maxConcurrentCalls: restLimits.maxConcurrentCalls,
  maxCallsPerSecond: restLimits.maxCallsPerSecond,
  maxDailyMinutes: restLimits.maxDailyMinutes,
} as const;
