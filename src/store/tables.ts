// The tables as data: which field of a record is which column, and of what kind. sql.ts builds every statement from these literals
// and row.ts turns records into rows and back, so no table has SQL of its own. The columns stand in migrations/, in the same words.

import { createHash } from 'node:crypto';
import { limits } from '../base/limits.ts';
import type {
  Account,
  Binding,
  ByocTrunk,
  CallRecord,
  ConnectionPolicy,
  Credential,
  CredentialList,
  Domain,
  DomainMapping,
  IpAccessControlList,
  IpAddress,
  IpRecord,
  NotificationRecord,
  PhoneNumber,
  PolicyTarget,
  SourceIpMapping,
  TrunkUsage,
} from '../base/records.ts';
import { searchedAddress } from './bare-address.ts';
import { mappingKey } from './store.ts';
import { sidOf, type Table } from './table.ts';
import { voiceTables } from './tables-voice.ts';

export { type ColumnKind, columnOf, type Table, type TableShape } from './table.ts';

const accounts: Table<Account> = {
  name: 'accounts',
  columns: {
    sid: 'text',
    friendlyName: 'text',
    status: 'text',
    ownerAccountSid: 'text',
    authToken: 'secret',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const domains: Table<Domain> = {
  name: 'domains',
  columns: {
    sid: 'text',
    accountSid: 'text',
    domainName: 'text',
    friendlyName: 'text',
    realm: 'text',
    voiceUrl: 'text',
    voiceMethod: 'text',
    voiceFallbackUrl: 'text',
    voiceFallbackMethod: 'text',
    voiceStatusCallbackUrl: 'text',
    voiceStatusCallbackMethod: 'text',
    voiceTwiml: 'text',
    sipRegistration: 'boolean',
    secure: 'boolean',
    mediaEncryption: 'text',
    nat: 'boolean',
    digestSha256: 'boolean',
    attendedTransfer: 'boolean',
    musicOnHold: 'text',
    dtmfInband: 'boolean',
    emergencyCallingEnabled: 'boolean',
    emergencyCallerSid: 'text',
    emergencyAddress: 'text',
    byocTrunkSid: 'text',
    declared: 'boolean',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const namedListColumns = {
  sid: 'text',
  accountSid: 'text',
  friendlyName: 'text',
  declared: 'boolean',
  dateCreated: 'integer',
  dateUpdated: 'integer',
} as const;

const credentialLists: Table<CredentialList> = {
  name: 'credential_lists',
  columns: namedListColumns,
  keyOf: sidOf,
  derived: {},
};

const credentials: Table<Credential> = {
  name: 'credentials',
  columns: {
    sid: 'text',
    accountSid: 'text',
    credentialListSid: 'text',
    username: 'text',
    ha1: 'json',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const ipAccessControlLists: Table<IpAccessControlList> = {
  name: 'ip_access_control_lists',
  columns: namedListColumns,
  keyOf: sidOf,
  derived: {},
};

const ipAddresses: Table<IpAddress> = {
  name: 'ip_addresses',
  columns: {
    sid: 'text',
    accountSid: 'text',
    ipAccessControlListSid: 'text',
    friendlyName: 'text',
    ipAddress: 'text',
    cidrPrefixLength: 'integer',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const mappings: Table<DomainMapping> = {
  name: 'mappings',
  columns: {
    kind: 'text',
    domainSid: 'text',
    accountSid: 'text',
    listSid: 'text',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: mappingKey,
  derived: {},
};

const calls: Table<CallRecord> = {
  name: 'calls',
  columns: {
    sid: 'text',
    accountSid: 'text',
    parentCallSid: 'text',
    to: 'text',
    from: 'text',
    status: 'text',
    direction: 'text',
    startTime: 'integer',
    answerTime: 'integer',
    endTime: 'integer',
    durationSeconds: 'integer',
    sipResponseCode: 'integer',
    sipCallId: 'text',
    domainSid: 'text',
    answeredBy: 'text',
    callerName: 'text',
    forwardedFrom: 'text',
    phoneNumberSid: 'text',
    queueTimeMs: 'integer',
    errorCode: 'integer',
    dateCreated: 'integer',
    dateUpdated: 'integer',
  },
  keyOf: sidOf,
  derived: {
    to_address: (record) => searchedAddress(record.to),
    from_address: (record) => searchedAddress(record.from),
  },
};

const notifications: Table<NotificationRecord> = {
  name: 'notifications',
  columns: {
    sid: 'text',
    accountSid: 'text',
    callSid: 'text',
    level: 'text',
    errorCode: 'integer',
    message: 'text',
    requestUrl: 'text',
    date: 'integer',
  },
  keyOf: sidOf,
  derived: {},
};

const bindings: Table<Binding> = {
  name: 'bindings',
  columns: {
    aor: 'text',
    domainSid: 'text',
    accountSid: 'text',
    contact: 'text',
    callId: 'text',
    cseq: 'integer',
    q: 'integer',
    expiresAt: 'integer',
    transport: 'text',
    sourceAddress: 'text',
    sourcePort: 'integer',
    localAddress: 'text',
    localPort: 'integer',
    instanceId: 'text',
    path: 'json',
    userAgent: 'text',
    nodeId: 'text',
    registeredAt: 'integer',
  },
  // RFC 3261 10.3: one binding per AOR and contact; two phones may write the same Contact behind NAT, so instance and source too.
  keyOf: (record) =>
    shortKey(
      JSON.stringify([
        record.aor,
        record.contact,
        record.instanceId,
        record.sourceAddress,
        record.sourcePort,
        record.callId,
      ]),
    ),
  derived: {},
};

/** An index does not take keys of any length (PostgreSQL: 2704 bytes); a phone writes what it likes. */
const shortKey = (key: string): string =>
  key.length <= limits.storeKeyChars ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`;

const dates = { dateCreated: 'integer', dateUpdated: 'integer' } as const;
const voiceApplication = {
  voiceUrl: 'text',
  voiceMethod: 'text',
  voiceFallbackUrl: 'text',
  voiceFallbackMethod: 'text',
  voiceTwiml: 'text',
} as const;

const byocTrunks: Table<ByocTrunk> = {
  name: 'byoc_trunks',
  columns: {
    sid: 'text',
    accountSid: 'text',
    friendlyName: 'text',
    ...voiceApplication,
    statusCallbackUrl: 'text',
    statusCallbackMethod: 'text',
    cnamLookupEnabled: 'boolean',
    connectionPolicySid: 'text',
    fromDomainSid: 'text',
    declared: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const connectionPolicies: Table<ConnectionPolicy> = {
  name: 'connection_policies',
  columns: namedListColumns,
  keyOf: sidOf,
  derived: {},
};

const policyTargets: Table<PolicyTarget> = {
  name: 'policy_targets',
  columns: {
    sid: 'text',
    accountSid: 'text',
    connectionPolicySid: 'text',
    friendlyName: 'text',
    target: 'text',
    priority: 'integer',
    weight: 'integer',
    enabled: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const ipRecords: Table<IpRecord> = {
  name: 'ip_records',
  columns: {
    sid: 'text',
    accountSid: 'text',
    friendlyName: 'text',
    ipAddress: 'text',
    cidrPrefixLength: 'integer',
    declared: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const sourceIpMappings: Table<SourceIpMapping> = {
  name: 'source_ip_mappings',
  columns: {
    sid: 'text',
    accountSid: 'text',
    ipRecordSid: 'text',
    sipDomainSid: 'text',
    declared: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const phoneNumbers: Table<PhoneNumber> = {
  name: 'phone_numbers',
  columns: {
    sid: 'text',
    accountSid: 'text',
    phoneNumber: 'text',
    friendlyName: 'text',
    ...voiceApplication,
    statusCallback: 'text',
    statusCallbackMethod: 'text',
    kept: 'json',
    declared: 'boolean',
    ...dates,
  },
  keyOf: sidOf,
  derived: {},
};

const trunkUsage: Table<TrunkUsage> = {
  name: 'trunk_usage',
  columns: { sid: 'text', day: 'text', accountSid: 'text', trunkSid: 'text', seconds: 'integer' },
  keyOf: sidOf,
  derived: {},
};

export const tables = {
  accounts,
  domains,
  credentialLists,
  credentials,
  ipAccessControlLists,
  ipAddresses,
  mappings,
  calls,
  notifications,
  bindings,
  byocTrunks,
  connectionPolicies,
  policyTargets,
  ipRecords,
  sourceIpMappings,
  phoneNumbers,
  trunkUsage,
  ...voiceTables,
} as const;

export type TableName = keyof typeof tables;
