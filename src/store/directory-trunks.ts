// The part of the directory that belongs to carriers and numbers: trunks, their targets, source mappings, numbers, the applications that
// numbers name, and verified caller ids; read as a whole when one of them changed. They are few, and they change rarely.

import type { ByocTrunk, IpRecord, PhoneNumber, PolicyTarget, SourceIpMapping } from '../base/records.ts';
import type { Application, OutgoingCallerId } from '../base/voice-records.ts';
import { sourceIndex } from './source-index.ts';
import type { DirectoryChange, DirectoryTable, Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

export interface TrunkParts {
  readonly byocTrunks: readonly ByocTrunk[];
  readonly policyTargets: readonly PolicyTarget[];
  readonly ipRecords: readonly IpRecord[];
  readonly sourceIpMappings: readonly SourceIpMapping[];
  readonly phoneNumbers: readonly PhoneNumber[];
  readonly applications: readonly Application[];
  readonly callerIds: readonly OutgoingCallerId[];
}

export const noTrunkParts: TrunkParts = {
  byocTrunks: [],
  policyTargets: [],
  ipRecords: [],
  sourceIpMappings: [],
  phoneNumbers: [],
  applications: [],
  callerIds: [],
};

/** Reads what `changes` touch; all of it when they are null. */
export async function loadTrunkParts(
  store: Store,
  present: TrunkParts,
  changes: readonly DirectoryChange[] | null,
): Promise<TrunkParts> {
  const changed = (...names: DirectoryTable[]) =>
    changes === null || changes.some((change) => names.includes(change.table));
  return {
    byocTrunks: changed('byocTrunks')
      ? await allPages((page) => store.byocTrunks.list({}, page), sidOf)
      : present.byocTrunks,
    // A removed policy takes its targets along, a removed record or domain its mapping.
    policyTargets: changed('policyTargets', 'connectionPolicies')
      ? await allPages((page) => store.policyTargets.list({}, page), sidOf)
      : present.policyTargets,
    ipRecords: changed('ipRecords')
      ? await allPages((page) => store.ipRecords.list({}, page), sidOf)
      : present.ipRecords,
    sourceIpMappings: changed('sourceIpMappings', 'ipRecords', 'domains')
      ? await allPages((page) => store.sourceIpMappings.list({}, page), sidOf)
      : present.sourceIpMappings,
    phoneNumbers: changed('phoneNumbers')
      ? await allPages((page) => store.phoneNumbers.list({}, page), sidOf)
      : present.phoneNumbers,
    applications: changed('applications')
      ? await allPages((page) => store.applications.list({}, page), sidOf)
      : present.applications,
    callerIds: changed('outgoingCallerIds')
      ? await allPages((page) => store.outgoingCallerIds.list({}, page), sidOf)
      : present.callerIds,
  };
}

export interface TrunkIndex {
  readonly trunks: ReadonlyMap<string, ByocTrunk>;
  readonly targets: ReadonlyMap<string, readonly PolicyTarget[]>;
  readonly numbers: ReadonlyMap<string, PhoneNumber>;
  readonly applications: ReadonlyMap<string, Application>;
  /** Account and number of each caller id that was verified, as `callerIdKey` writes them. */
  readonly callerIds: ReadonlySet<string>;
  /** Sid of the domain that a source address is mapped to. */
  readonly domainSidForSource: (sourceAddress: string) => string | undefined;
}

export const callerIdKey = (accountSid: string, number: string): string => `${accountSid} ${number}`;

export function indexTrunks(parts: TrunkParts): TrunkIndex {
  const records = new Map(parts.ipRecords.map((record) => [record.sid, record]));
  // The list is newest first: of two mappings of one network the older one counts.
  const networks = [...parts.sourceIpMappings].reverse().flatMap((mapping) => {
    const record = records.get(mapping.ipRecordSid);
    return record ? [{ ...record, value: mapping.sipDomainSid }] : [];
  });
  return {
    trunks: new Map(parts.byocTrunks.map((trunk) => [trunk.sid, trunk])),
    targets: Map.groupBy(parts.policyTargets, (target) => target.connectionPolicySid),
    applications: new Map(parts.applications.map((application) => [application.sid, application])),
    callerIds: new Set(parts.callerIds.map(({ accountSid, phoneNumber }) => callerIdKey(accountSid, phoneNumber))),
    numbers: new Map(parts.phoneNumbers.map((number) => [number.phoneNumber, number])),
    domainSidForSource: sourceIndex(networks),
  };
}
