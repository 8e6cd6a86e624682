// Complete records for tests of the store and the API: every field set, each sid new.

import { newSid } from '../../src/base/ids.ts';
import type {
  Account,
  Binding,
  CallRecord,
  Credential,
  CredentialList,
  Domain,
  DomainMapping,
  IpAccessControlList,
  IpAddress,
  NotificationRecord,
} from '../../src/base/records.ts';

const DATE = Date.UTC(2026, 0, 1, 12);
const dates = { dateCreated: DATE, dateUpdated: DATE };

export function anAccount(over: Partial<Account> = {}): Account {
  const sid = over.sid ?? newSid('AC');
  return {
    sid,
    friendlyName: 'Test',
    status: 'active',
    ownerAccountSid: sid,
    authToken: 'b1946ac92492d2347c6235b4d2611184',
    ...dates,
    ...over,
  };
}

export const aDomain = (accountSid: string, over: Partial<Domain> = {}): Domain => ({
  sid: newSid('SD'),
  accountSid,
  domainName: 'office.sip.localhost',
  friendlyName: 'Office',
  realm: 'sip.hookswitch.local',
  voiceUrl: 'https://app.example.com/voice',
  voiceMethod: 'POST',
  voiceFallbackUrl: null,
  voiceFallbackMethod: 'GET',
  voiceStatusCallbackUrl: null,
  voiceStatusCallbackMethod: 'POST',
  voiceTwiml: null,
  sipRegistration: true,
  secure: false,
  mediaEncryption: 'optional',
  nat: true,
  digestSha256: false,
  attendedTransfer: true,
  musicOnHold: 'none',
  dtmfInband: false,
  emergencyCallingEnabled: false,
  emergencyCallerSid: null,
  emergencyAddress: null,
  byocTrunkSid: null,
  declared: false,
  ...dates,
  ...over,
});

export const aCredentialList = (accountSid: string, over: Partial<CredentialList> = {}): CredentialList => ({
  sid: newSid('CL'),
  accountSid,
  friendlyName: 'Phones',
  declared: false,
  ...dates,
  ...over,
});

export const anAcl = (accountSid: string, over: Partial<IpAccessControlList> = {}): IpAccessControlList => ({
  sid: newSid('AL'),
  accountSid,
  friendlyName: 'Trunks',
  declared: false,
  ...dates,
  ...over,
});

export const aCredential = (list: CredentialList, over: Partial<Credential> = {}): Credential => ({
  sid: newSid('CR'),
  accountSid: list.accountSid,
  credentialListSid: list.sid,
  username: 'alice',
  ha1: [{ realm: 'sip.hookswitch.local', md5: 'a'.repeat(32), sha256: 'b'.repeat(64) }],
  ...dates,
  ...over,
});

export const anIpAddress = (list: IpAccessControlList, over: Partial<IpAddress> = {}): IpAddress => ({
  sid: newSid('IP'),
  accountSid: list.accountSid,
  ipAccessControlListSid: list.sid,
  friendlyName: 'PBX',
  ipAddress: '192.0.2.7',
  cidrPrefixLength: 32,
  ...dates,
  ...over,
});

export const aMapping = (
  domain: Domain,
  kind: DomainMapping['kind'],
  listSid: string,
  over: Partial<DomainMapping> = {},
): DomainMapping => ({ kind, domainSid: domain.sid, accountSid: domain.accountSid, listSid, ...dates, ...over });

export const aCall = (accountSid: string, over: Partial<CallRecord> = {}): CallRecord => ({
  sid: newSid('CA'),
  accountSid,
  parentCallSid: null,
  to: 'sip:bob@office.sip.localhost',
  from: 'sip:alice@office.sip.localhost',
  status: 'completed',
  direction: 'inbound',
  startTime: DATE,
  answerTime: DATE + 2_000,
  endTime: DATE + 9_000,
  durationSeconds: 7,
  sipResponseCode: 200,
  sipCallId: 'abc@0.0.0.0',
  domainSid: null,
  answeredBy: null,
  callerName: null,
  forwardedFrom: null,
  phoneNumberSid: null,
  queueTimeMs: null,
  errorCode: null,
  ...dates,
  ...over,
});

export const aNotification = (accountSid: string, over: Partial<NotificationRecord> = {}): NotificationRecord => ({
  sid: newSid('NO'),
  accountSid,
  callSid: null,
  level: 'error',
  errorCode: 11200,
  message: 'HTTP retrieval failure',
  requestUrl: 'https://app.example.com/voice',
  date: DATE,
  ...over,
});

export const aBinding = (over: Partial<Binding> = {}): Binding => ({
  aor: 'alice@office.sip.localhost',
  domainSid: newSid('SD'),
  accountSid: newSid('AC'),
  contact: 'sip:alice@192.0.2.10:5060;transport=udp',
  callId: 'reg-1',
  cseq: 1,
  q: 1_000,
  expiresAt: DATE + 600_000,
  transport: 'udp',
  sourceAddress: '192.0.2.10',
  sourcePort: 5060,
  localAddress: '192.0.2.1',
  localPort: 5060,
  instanceId: null,
  path: ['<sip:edge.example.com;lr>'],
  userAgent: 'Phone/1.0',
  nodeId: 'node-1',
  registeredAt: DATE,
  ...over,
});
