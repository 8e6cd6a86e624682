// Every documented field of every resource is there with its JSON type, dates are dates or null, nothing is undocumented
// (rest-api.md 5, 22.7; the table is made from the OpenAPI data).

import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { fieldProblems, fieldRules } from '../support/openapi.ts';
import { aCall, aNotification } from '../support/store-records.ts';

let world: ApiWorld;
const paths = new Map<string, string>();
const SIP = 'api.v2010.account.sip';
const DOMAIN = `${SIP}.sip_domain`;

beforeAll(async () => {
  world = await apiWorld();
  const { sip } = world.client;
  const domain = await sip.domains.create({ domainName: 'fields.sip.localhost' });
  const list = await sip.credentialLists.create({ friendlyName: 'list' });
  const acl = await sip.ipAccessControlLists.create({ friendlyName: 'acl' });
  const credential = await sip
    .credentialLists(list.sid)
    .credentials.create({ username: 'a', password: 'Correct-Horse-1' });
  const address = await sip
    .ipAccessControlLists(acl.sid)
    .ipAddresses.create({ friendlyName: 'a', ipAddress: '192.0.2.1' });
  const context = sip.domains(domain.sid);
  await context.credentialListMappings.create({ credentialListSid: list.sid });
  await context.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid });
  await context.auth.registrations.credentialListMappings.create({ credentialListSid: list.sid });
  const policy = await world.client.voice.v1.connectionPolicies.create({ friendlyName: 'policy' });
  const target = await world.client.voice.v1
    .connectionPolicies(policy.sid)
    .targets.create({ target: 'sip:carrier.example.com', friendlyName: 'first' });
  const trunk = await world.client.voice.v1.byocTrunks.create({ friendlyName: 'trunk', fromDomainSid: domain.sid });
  const record = await world.client.voice.v1.ipRecords.create({ ipAddress: '192.0.2.9' });
  const source = { ipRecordSid: record.sid, sipDomainSid: domain.sid };
  const mapping = await world.client.voice.v1.sourceIpMappings.create(source);
  const number = await world.client.incomingPhoneNumbers.create({ phoneNumber: '+14158675309' });
  paths.set('voice.v1.connection_policy', `/v1/ConnectionPolicies/${policy.sid}`);
  paths.set(
    'voice.v1.connection_policy.connection_policy_target',
    `/v1/ConnectionPolicies/${policy.sid}/Targets/${target.sid}`,
  );
  paths.set('voice.v1.byoc_trunk', `/v1/ByocTrunks/${trunk.sid}`);
  paths.set('voice.v1.ip_record', `/v1/IpRecords/${record.sid}`);
  paths.set('voice.v1.source_ip_mapping', `/v1/SourceIpMappings/${mapping.sid}`);
  paths.set('api.v2010.account.incoming_phone_number', `IncomingPhoneNumbers/${number.sid}.json`);
  const call = aCall(world.account.sid, { parentCallSid: `CA${'0'.repeat(32)}`, answeredBy: 'human' });
  const notification = aNotification(world.account.sid, { callSid: call.sid });
  world.store.calls.put(call);
  world.store.notifications.put(notification);
  const base = `SIP/Domains/${domain.sid}`;
  paths.set('api.v2010.account', `/2010-04-01/Accounts/${world.account.sid}.json`);
  paths.set('api.v2010.account.call', `Calls/${call.sid}.json`);
  paths.set('api.v2010.account.notification', 'Notifications.json');
  paths.set('api.v2010.account.notification-instance', `Notifications/${notification.sid}.json`);
  paths.set('api.v2010.account.call.call_notification', `Calls/${call.sid}/Notifications.json`);
  paths.set(
    'api.v2010.account.call.call_notification-instance',
    `Calls/${call.sid}/Notifications/${notification.sid}.json`,
  );
  paths.set(`${SIP}.sip_credential_list`, `SIP/CredentialLists/${list.sid}.json`);
  paths.set(
    `${SIP}.sip_credential_list.sip_credential`,
    `SIP/CredentialLists/${list.sid}/Credentials/${credential.sid}.json`,
  );
  paths.set(`${SIP}.sip_ip_access_control_list`, `SIP/IpAccessControlLists/${acl.sid}.json`);
  paths.set(
    `${SIP}.sip_ip_access_control_list.sip_ip_address`,
    `SIP/IpAccessControlLists/${acl.sid}/IpAddresses/${address.sid}.json`,
  );
  paths.set(DOMAIN, `${base}.json`);
  paths.set(`${DOMAIN}.sip_credential_list_mapping`, `${base}/CredentialListMappings/${list.sid}.json`);
  paths.set(`${DOMAIN}.sip_ip_access_control_list_mapping`, `${base}/IpAccessControlListMappings/${acl.sid}.json`);
  paths.set(
    `${DOMAIN}.sip_auth.sip_auth_calls.sip_auth_calls_credential_list_mapping`,
    `${base}/Auth/Calls/CredentialListMappings/${list.sid}.json`,
  );
  paths.set(
    `${DOMAIN}.sip_auth.sip_auth_calls.sip_auth_calls_ip_access_control_list_mapping`,
    `${base}/Auth/Calls/IpAccessControlListMappings/${acl.sid}.json`,
  );
  paths.set(
    `${DOMAIN}.sip_auth.sip_auth_registrations.sip_auth_registrations_credential_list_mapping`,
    `${base}/Auth/Registrations/CredentialListMappings/${list.sid}.json`,
  );
});
afterAll(() => world.stop());

// rest-api.md 5: live call bodies hold `annotation`, which the data does not know.
const beyond: Readonly<Record<string, readonly string[]>> = {
  'api.v2010.account.call': ['annotation'],
  // design.md 10.
  [DOMAIN]: ['media_encryption', 'music_on_hold', 'dtmf_inband', 'emergency_address'],
};

test.each(Object.keys(fieldRules))(
  '%s [sip 6.1 paths] [sip 6.2 sid-prefixes] [sip 6.3 fields] [rest 5 fields] [rest 5 sid-form]',
  async (schema) => {
    const path = paths.get(schema);
    if (path === undefined) throw new Error(`no example of ${schema}`);
    const body = await json<Record<string, unknown>>(await world.fetch(path));
    const [listed] = Array.isArray(body.notifications) ? body.notifications : [body];
    expect(fieldProblems(schema, listed, beyond[schema])).toEqual([]);
  },
);

test('the links that a body names are below the resource itself and relative [sip 6 uri] [sip 6.3 subresource-uris]', async () => {
  const domain = await json<{ subresource_uris: Record<string, string>; uri: string }>(
    await world.fetch(paths.get(DOMAIN)!),
  );
  expect(Object.keys(domain.subresource_uris).sort()).toEqual([
    'credential_list_mappings',
    'ip_access_control_list_mappings',
  ]);
  for (const uri of [domain.uri, ...Object.values(domain.subresource_uris)]) {
    expect(uri).toMatch(/^\/2010-04-01\/.*\.json$/);
    expect((await world.fetch(uri)).status).toBe(200);
  }
});
