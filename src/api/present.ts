// Records → JSON, one function per resource (rest-api.md 5): snake_case, every documented field, null when unset, dates RFC 2822, some
// numbers as strings. The field lists are those of the OpenAPI data; a test walks them.

import {
  type Account,
  type Binding,
  type CallRecord,
  type Credential,
  type CredentialList,
  type Domain,
  type DomainMapping,
  type IpAccessControlList,
  type IpAddress,
  type NotificationRecord,
  type PhoneNumber,
  terminalStatuses,
} from '../base/records.ts';
import type { ApiKey, Application, OutgoingCallerId, WebhookExchange } from '../base/voice-records.ts';
import { rfc2822 } from './dates.ts';

const API_VERSION = '2010-04-01';

export const accountPath = (accountSid: string): string => `/${API_VERSION}/Accounts/${accountSid}`;

const dates = (record: { readonly dateCreated: number; readonly dateUpdated: number }) => ({
  date_created: rfc2822(record.dateCreated),
  date_updated: rfc2822(record.dateUpdated),
});

const subresources = (base: string, names: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(names).map(([name, path]) => [name, `${base}/${path}.json`]));

const accountSubresources = {
  applications: 'Applications',
  calls: 'Calls',
  conferences: 'Conferences',
  incoming_phone_numbers: 'IncomingPhoneNumbers',
  keys: 'Keys',
  notifications: 'Notifications',
  outgoing_caller_ids: 'OutgoingCallerIds',
  queues: 'Queues',
  recordings: 'Recordings',
  signing_keys: 'SigningKeys',
  sip: 'SIP',
  tokens: 'Tokens',
};

export const presentAccount = (account: Account) => ({
  sid: account.sid,
  friendly_name: account.friendlyName,
  status: account.status,
  type: 'Full',
  owner_account_sid: account.ownerAccountSid,
  auth_token: account.authToken,
  ...dates(account),
  uri: `${accountPath(account.sid)}.json`,
  subresource_uris: subresources(accountPath(account.sid), accountSubresources),
});

/** The secret is not among them: it is shown once, when the key is made. */
export const presentKey = (key: ApiKey) => ({
  sid: key.sid,
  friendly_name: key.friendlyName,
  ...dates(key),
});

/** rest-api.md 13: defaults of what is only kept. */
export const presentApplication = (application: Application) => ({
  sid: application.sid,
  account_sid: application.accountSid,
  api_version: API_VERSION,
  friendly_name: application.friendlyName,
  voice_url: application.voiceUrl,
  voice_method: application.voiceMethod,
  voice_fallback_url: application.voiceFallbackUrl,
  voice_fallback_method: application.voiceFallbackMethod,
  voice_caller_id_lookup: application.voiceCallerIdLookup,
  status_callback: application.statusCallback,
  status_callback_method: application.statusCallbackMethod,
  public_application_connect_enabled: application.publicApplicationConnectEnabled,
  sms_url: null,
  sms_method: 'POST',
  sms_fallback_url: null,
  sms_fallback_method: 'POST',
  sms_status_callback: null,
  message_status_callback: null,
  ...application.kept,
  ...dates(application),
  uri: `${accountPath(application.accountSid)}/Applications/${application.sid}.json`,
});

export const presentCallerId = (callerId: OutgoingCallerId) => ({
  sid: callerId.sid,
  account_sid: callerId.accountSid,
  friendly_name: callerId.friendlyName,
  phone_number: callerId.phoneNumber,
  ...dates(callerId),
  uri: `${accountPath(callerId.accountSid)}/OutgoingCallerIds/${callerId.sid}.json`,
});

/** sip-interface.md 1.2: derived from what is mapped to calls. */
export function authType(mappings: readonly DomainMapping[]): string {
  const has = (kind: DomainMapping['kind']) => mappings.some((mapping) => mapping.kind === kind);
  const types = [
    ...(has('callsCredentialList') ? ['CREDENTIAL_LIST'] : []),
    ...(has('callsIpAccessControlList') ? ['IP_ACL'] : []),
  ];
  return types.join(',');
}

export function presentDomain(domain: Domain, mappings: readonly DomainMapping[]) {
  const path = `${accountPath(domain.accountSid)}/SIP/Domains/${domain.sid}`;
  return {
    sid: domain.sid,
    account_sid: domain.accountSid,
    api_version: API_VERSION,
    auth_type: authType(mappings),
    domain_name: domain.domainName,
    friendly_name: domain.friendlyName,
    voice_url: domain.voiceUrl,
    voice_method: domain.voiceMethod,
    voice_fallback_url: domain.voiceFallbackUrl,
    voice_fallback_method: domain.voiceFallbackMethod,
    voice_status_callback_url: domain.voiceStatusCallbackUrl,
    voice_status_callback_method: domain.voiceStatusCallbackMethod,
    sip_registration: domain.sipRegistration,
    secure: domain.secure,
    emergency_calling_enabled: domain.emergencyCallingEnabled,
    emergency_caller_sid: domain.emergencyCallerSid,
    byoc_trunk_sid: domain.byocTrunkSid,
    // Beyond the vendor's.
    media_encryption: domain.mediaEncryption,
    music_on_hold: domain.musicOnHold,
    dtmf_inband: domain.dtmfInband,
    emergency_address: domain.emergencyAddress,
    ...dates(domain),
    uri: `${path}.json`,
    subresource_uris: subresources(path, {
      ip_access_control_list_mappings: 'IpAccessControlListMappings',
      credential_list_mappings: 'CredentialListMappings',
    }),
  };
}

export function presentCredentialList(list: CredentialList) {
  const path = `${accountPath(list.accountSid)}/SIP/CredentialLists/${list.sid}`;
  return {
    sid: list.sid,
    account_sid: list.accountSid,
    friendly_name: list.friendlyName,
    ...dates(list),
    uri: `${path}.json`,
    subresource_uris: subresources(path, { credentials: 'Credentials' }),
  };
}

export const presentCredential = (credential: Credential) => ({
  sid: credential.sid,
  account_sid: credential.accountSid,
  credential_list_sid: credential.credentialListSid,
  username: credential.username,
  ...dates(credential),
  uri: `${accountPath(credential.accountSid)}/SIP/CredentialLists/${credential.credentialListSid}/Credentials/${credential.sid}.json`,
});

export function presentIpAccessControlList(list: IpAccessControlList) {
  const path = `${accountPath(list.accountSid)}/SIP/IpAccessControlLists/${list.sid}`;
  return {
    sid: list.sid,
    account_sid: list.accountSid,
    friendly_name: list.friendlyName,
    ...dates(list),
    uri: `${path}.json`,
    subresource_uris: subresources(path, { ip_addresses: 'IpAddresses' }),
  };
}

export const presentIpAddress = (address: IpAddress) => ({
  sid: address.sid,
  account_sid: address.accountSid,
  friendly_name: address.friendlyName,
  ip_address: address.ipAddress,
  cidr_prefix_length: address.cidrPrefixLength,
  ip_access_control_list_sid: address.ipAccessControlListSid,
  ...dates(address),
  uri: `${accountPath(address.accountSid)}/SIP/IpAccessControlLists/${address.ipAccessControlListSid}/IpAddresses/${address.sid}.json`,
});

/** sip-interface.md 6.4: the older paths show two fields more than the `Auth` ones. `path` is that of the mapping, without extension. */
export const presentMapping = (mapping: DomainMapping, friendlyName: string | null, olderPath: string | null) => ({
  sid: mapping.listSid,
  account_sid: mapping.accountSid,
  friendly_name: friendlyName,
  ...dates(mapping),
  ...(olderPath === null ? {} : { domain_sid: mapping.domainSid, uri: `${olderPath}.json` }),
});

const callSubresources = {
  notifications: 'Notifications',
  recordings: 'Recordings',
  payments: 'Payments',
  events: 'Events',
  siprec: 'Siprec',
  streams: 'Streams',
  transcriptions: 'Transcriptions',
  user_defined_message_subscriptions: 'UserDefinedMessageSubscriptions',
  user_defined_messages: 'UserDefinedMessages',
};

/** A call that has not ended has neither end nor duration; `queued` has no start either (rest-api.md 9.1). */
export function presentCall(call: CallRecord) {
  const path = `${accountPath(call.accountSid)}/Calls/${call.sid}`;
  const hasEnded = terminalStatuses.has(call.status);
  return {
    sid: call.sid,
    account_sid: call.accountSid,
    parent_call_sid: call.parentCallSid,
    to: call.to,
    to_formatted: formatted(call.to),
    from: call.from,
    from_formatted: formatted(call.from),
    phone_number_sid: call.phoneNumberSid,
    status: call.status,
    start_time: call.status === 'queued' ? null : rfc2822(call.startTime),
    end_time: hasEnded ? rfc2822(call.endTime) : null,
    duration: hasEnded ? String(call.durationSeconds ?? 0) : null,
    price: null,
    price_unit: 'USD',
    direction: call.direction,
    answered_by: call.answeredBy,
    annotation: null,
    api_version: API_VERSION,
    forwarded_from: call.forwardedFrom,
    group_sid: null,
    caller_name: call.callerName,
    queue_time: String(call.queueTimeMs ?? 0),
    trunk_sid: null,
    ...dates(call),
    uri: `${path}.json`,
    subresource_uris: subresources(path, callSubresources),
  };
}

/** North American numbers as `(415) 867-5309`, anything else unchanged (rest-api.md 5). */
export function formatted(address: string): string {
  const parts = /^\+1(\d{3})(\d{3})(\d{4})$/.exec(address);
  return parts ? `(${parts[1]}) ${parts[2]}-${parts[3]}` : address;
}

/** rest-api.md 13: defaults of what this version only keeps. */
export const presentPhoneNumber = (number: PhoneNumber) => ({
  sid: number.sid,
  account_sid: number.accountSid,
  api_version: API_VERSION,
  phone_number: number.phoneNumber,
  friendly_name: number.friendlyName,
  voice_url: number.voiceUrl,
  voice_method: number.voiceMethod,
  voice_fallback_url: number.voiceFallbackUrl,
  voice_fallback_method: number.voiceFallbackMethod,
  status_callback: number.statusCallback,
  status_callback_method: number.statusCallbackMethod,
  voice_caller_id_lookup: false,
  voice_receive_mode: 'voice',
  voice_application_sid: null,
  trunk_sid: null,
  sms_url: null,
  sms_method: 'POST',
  sms_fallback_url: null,
  sms_fallback_method: 'POST',
  sms_application_sid: null,
  address_sid: null,
  address_requirements: 'none',
  identity_sid: null,
  bundle_sid: null,
  emergency_status: 'Inactive',
  emergency_address_sid: null,
  emergency_address_status: 'unregistered',
  capabilities: { voice: true, sms: false, mms: false, fax: false },
  beta: false,
  origin: 'hookswitch',
  status: 'in-use',
  type: null,
  ...number.kept,
  ...dates(number),
  uri: `${accountPath(number.accountSid)}/IncomingPhoneNumbers/${number.sid}.json`,
});

/** `base` is the collection's path: the account's or the call's. */
export const presentNotification = (notification: NotificationRecord, base: string) => ({
  sid: notification.sid,
  account_sid: notification.accountSid,
  api_version: API_VERSION,
  call_sid: notification.callSid,
  error_code: String(notification.errorCode),
  log: notification.level === 'error' ? '0' : '1',
  message_date: rfc2822(notification.date),
  message_text: messageText(notification),
  more_info: `https://www.twilio.com/docs/errors/${notification.errorCode}`,
  request_method: null,
  request_url: notification.requestUrl ?? '',
  date_created: rfc2822(notification.date),
  date_updated: rfc2822(notification.date),
  uri: `${base}/${notification.sid}.json`,
});

/** The instance alone has the fields of the request and its answer (rest-api.md 16), where they are kept. */
export const presentNotificationInstance = (
  notification: NotificationRecord,
  base: string,
  exchange: WebhookExchange | undefined,
) => ({
  ...presentNotification(notification, base),
  request_method: exchange?.method ?? null,
  request_variables: exchange ? new URLSearchParams(exchange.parameters).toString() : null,
  response_headers: exchange ? new URLSearchParams(exchange.responseHeaders).toString() : null,
  response_body: exchange?.responseBody ?? null,
});

function messageText(notification: NotificationRecord): string {
  const fields = new URLSearchParams({
    LogLevel: notification.level === 'error' ? 'ERROR' : 'WARN',
    Msg: notification.message,
    ErrorCode: String(notification.errorCode),
  });
  if (notification.requestUrl !== null) fields.set('url', notification.requestUrl);
  return fields.toString();
}

/** Ours, not the vendor's: one registered contact. */
export const presentRegistration = (binding: Binding) => ({
  aor: binding.aor,
  contact: binding.contact,
  transport: binding.transport,
  source: `${binding.sourceAddress.includes(':') ? `[${binding.sourceAddress}]` : binding.sourceAddress}:${binding.sourcePort}`,
  user_agent: binding.userAgent,
  q: binding.q / 1_000,
  date_registered: rfc2822(binding.registeredAt),
  date_expires: rfc2822(binding.expiresAt),
});
