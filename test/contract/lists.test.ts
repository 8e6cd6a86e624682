// Every list: its key, its envelope, and a walk through it by links, forwards and back (rest-api.md 7.1, 7.2). Filters are in the files of
// the resources; lists that live in memory (participants, members) too.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { createRecordingsApi } from '../../src/recording/api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { ConferenceBench } from '../support/conference-bench.ts';
import { RecordingBench } from '../support/recording-bench.ts';
import { aCall, aNotification } from '../support/store-records.ts';
import { storedQueues } from '../support/stored-queues.ts';
import { aConference, aRecording, aTranscription, aWebhookExchange } from '../support/voice-record-makers.ts';

const COUNT = 5;
const PAGE = 2;
const callSid = `CA${'1'.repeat(32)}`;
const conferenceSid = `CF${'1'.repeat(32)}`;
const recordingSid = `RE${'1'.repeat(32)}`;

let world: ApiWorld;
let bench: RecordingBench;
let domainSid: string;
let listSid: string;
let aclSid: string;
let policySid: string;

beforeAll(async () => {
  bench = new RecordingBench();
  const recordings = createRecordingsApi({
    recordings: bench.recordings,
    files: bench.files,
    callOf: () => undefined,
    isMediaOpen: false,
    log: silentLog,
  });
  world = await apiWorld({
    conferences: new ConferenceBench().api,
    queues: storedQueues(() => world.store),
    recordings,
  });
  const { client, store, account } = world;
  const { sip } = client;
  store.calls.put(aCall(account.sid, { sid: callSid }));
  domainSid = (await sip.domains.create({ domainName: 'mapped.sip.localhost' })).sid;
  listSid = (await sip.credentialLists.create({ friendlyName: 'members' })).sid;
  aclSid = (await sip.ipAccessControlLists.create({ friendlyName: 'members' })).sid;
  policySid = (await client.voice.v1.connectionPolicies.create({ friendlyName: 'targets' })).sid;
  for (let index = 0; index < COUNT; index++) await makeOne(index);
});
afterAll(async () => {
  await world.stop();
  bench.discard();
});

/** One more in every list. */
async function makeOne(index: number): Promise<void> {
  const { client, store, account } = world;
  const { sip } = client;
  const { v1 } = client.voice;
  const dateCreated = Date.UTC(2026, 0, 2 + index);
  store.calls.put(aCall(account.sid, { dateCreated }));
  store.notifications.put(aNotification(account.sid, { callSid, date: dateCreated }));
  store.conferences.put(aConference(account.sid, { dateCreated }));
  await store.recordings.insert(aRecording(account.sid, { callSid, conferenceSid, dateCreated }));
  await store.transcriptions.insert(aTranscription(account.sid, { recordingSid, dateCreated }));
  store.webhookExchanges.put(aWebhookExchange(account.sid, { callSid, dateCreated }));
  await client.applications.create({ friendlyName: `${index}` });
  await client.newKeys.create({ friendlyName: `${index}` });
  await client.api.v2010.accounts.create({ friendlyName: `${index}` });
  await client.queues.create({ friendlyName: `${index}` });
  await client.incomingPhoneNumbers.create({ phoneNumber: `+4930100${index}` });
  await sip.domains.create({ domainName: `list${index}.sip.localhost` });
  const { sid: list } = await sip.credentialLists.create({ friendlyName: `${index}` });
  const { sid: acl } = await sip.ipAccessControlLists.create({ friendlyName: `${index}` });
  const { auth } = sip.domains(domainSid);
  await auth.calls.credentialListMappings.create({ credentialListSid: list });
  await auth.registrations.credentialListMappings.create({ credentialListSid: list });
  await auth.calls.ipAccessControlListMappings.create({ ipAccessControlListSid: acl });
  await sip.credentialLists(listSid).credentials.create({ username: `u${index}`, password: 'Correct-Horse-1' });
  await sip
    .ipAccessControlLists(aclSid)
    .ipAddresses.create({ friendlyName: `${index}`, ipAddress: `192.0.2.${index + 1}` });
  const { sid: record } = await v1.ipRecords.create({ ipAddress: `198.51.100.${index}` });
  await v1.sourceIpMappings.create({ ipRecordSid: record, sipDomainSid: domainSid });
  await v1.byocTrunks.create({ friendlyName: `${index}` });
  await v1.connectionPolicies.create({ friendlyName: `${index}` });
  await v1.connectionPolicies(policySid).targets.create({ target: `sip:t${index}.example.com` });
}

/** Path below the account, or of v1; the key where it is not the last segment in snake_case. */
const lists: readonly { readonly pattern: string; readonly differentKey?: string }[] = [
  { pattern: '/2010-04-01/Accounts' },
  { pattern: 'Applications' },
  { pattern: 'Calls' },
  { pattern: 'Calls/CALL/Events' },
  { pattern: 'Calls/CALL/Notifications' },
  { pattern: 'Calls/CALL/Recordings' },
  { pattern: 'Conferences' },
  { pattern: 'Conferences/CONFERENCE/Recordings' },
  { pattern: 'IncomingPhoneNumbers' },
  { pattern: 'Keys' },
  { pattern: 'SigningKeys' },
  { pattern: 'Notifications' },
  { pattern: 'Queues' },
  { pattern: 'Recordings' },
  { pattern: 'Recordings/RECORDING/Transcriptions' },
  { pattern: 'Transcriptions' },
  { pattern: 'SIP/CredentialLists' },
  { pattern: 'SIP/CredentialLists/LIST/Credentials' },
  { pattern: 'SIP/Domains' },
  { pattern: 'SIP/Domains/DOMAIN/Auth/Calls/CredentialListMappings', differentKey: 'contents' },
  { pattern: 'SIP/Domains/DOMAIN/Auth/Calls/IpAccessControlListMappings', differentKey: 'contents' },
  { pattern: 'SIP/Domains/DOMAIN/Auth/Registrations/CredentialListMappings', differentKey: 'contents' },
  { pattern: 'SIP/Domains/DOMAIN/CredentialListMappings' },
  { pattern: 'SIP/Domains/DOMAIN/IpAccessControlListMappings' },
  { pattern: 'SIP/IpAccessControlLists' },
  { pattern: 'SIP/IpAccessControlLists/ACL/IpAddresses' },
  { pattern: '/v1/ByocTrunks' },
  { pattern: '/v1/ConnectionPolicies' },
  { pattern: '/v1/ConnectionPolicies/POLICY/Targets' },
  { pattern: '/v1/IpRecords' },
  { pattern: '/v1/SourceIpMappings' },
];

const ENVELOPE = 'end first_page_uri next_page_uri page page_size previous_page_uri start uri'.split(' ');
const META = 'first_page_url key next_page_url page page_size previous_page_url url'.split(' ');

const snake = (segment: string): string => segment.replace(/(?<!^)[A-Z]/g, '_$&').toLowerCase();

interface ListPage {
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly page: number;
  readonly size: number;
  readonly span: readonly unknown[];
  readonly next: string | null;
  readonly previous: string | null;
}

describe.each(lists)('$pattern', ({ pattern, differentKey }) => {
  const isV1 = pattern.startsWith('/v1/');
  const key = differentKey ?? snake(pattern.split('/').at(-1)!);
  const path = () => {
    const whole = pattern
      .replace('CALL', callSid)
      .replace('CONFERENCE', conferenceSid)
      .replace('RECORDING', recordingSid)
      .replace('DOMAIN', domainSid)
      .replace('LIST', listSid)
      .replace('ACL', aclSid)
      .replace('POLICY', policySid);
    return isV1 ? whole : `${whole}.json`;
  };

  /** A page, its form checked. */
  async function pageAt(link: string): Promise<ListPage> {
    const answer = await world.fetch(link);
    expect([link, answer.status]).toEqual([link, 200]);
    const body = await json<Record<string, unknown>>(answer);
    const { [key]: records, ...rest } = body;
    const envelope = isV1 ? (rest.meta as Record<string, unknown>) : rest;
    expect(Object.keys(rest).sort()).toEqual(isV1 ? ['meta'] : ENVELOPE);
    expect(Object.keys(envelope).sort()).toEqual(isV1 ? META : ENVELOPE);
    if (isV1) expect(envelope.key).toBe(key);
    const linkOf = (name: string): string | null => {
      const value = envelope[`${name}_${isV1 ? 'url' : 'uri'}`] as string | null;
      // Absolute on our own origin, or relative; either way with the size that was asked for.
      if (value !== null) expect(value).toMatch(/[?&]PageSize=2(&|$)/);
      if (value !== null && isV1) expect(value.startsWith(`${world.url}/v1/`)).toBe(true);
      if (value !== null && !isV1) expect(value.startsWith('/2010-04-01/')).toBe(true);
      return value !== null && isV1 ? value.slice(world.url.length) : value;
    };
    expect(linkOf('first_page')).toMatch(/[?&]Page=0$/);
    return {
      records: records as ListPage['records'],
      page: Number(envelope.page),
      size: Number(envelope.page_size),
      span: isV1 ? [] : [envelope.start, envelope.end],
      next: linkOf('next_page'),
      previous: linkOf('previous_page'),
    };
  }

  /** All pages from this link on. */
  async function walk(link: string | null, direction: 'next' | 'previous'): Promise<ListPage[]> {
    const pages: ListPage[] = [];
    for (let at = link; at !== null; at = pages.at(-1)![direction]) {
      pages.push(await pageAt(at));
      expect(pages.length).toBeLessThan(20);
    }
    return pages;
  }

  // holds: [rest 7.1 envelope] [rest 7.1 v1-envelope] [rest 7.1 links] [rest 7.1 v1-links] [rest 7.1 end] [rest 7.1 start-end]
  // holds: [rest 7.1 backwards] [rest 7.1 walk-all] [rest 7.2 keys] [rest 7.2 contents]
  test('pages of two, forwards to the end and back to the start', async () => {
    const forwards = await walk(`${path()}?PageSize=${PAGE}`, 'next');
    const all = forwards.flatMap(({ records }) => records);
    expect(all.length).toBeGreaterThanOrEqual(COUNT);
    expect(new Set(all.map((record) => JSON.stringify(record))).size).toBe(all.length);
    for (const [index, { page, size, span, records }] of forwards.entries()) {
      expect([page, size]).toEqual([index, PAGE]);
      if (!isV1) expect(span).toEqual([index * PAGE, index * PAGE + records.length - 1]);
    }
    expect(forwards[0]!.previous).toBeNull();
    const backwards = await walk(forwards.at(-1)!.previous, 'previous');
    expect(backwards.reverse().flatMap(({ records }) => records)).toEqual(
      forwards.slice(0, -1).flatMap(({ records }) => records),
    );
    const whole = await json<Record<string, unknown[]>>(await world.fetch(path()));
    expect(whole[key]).toEqual(all);
  });

  test('newest first [rest 7.1 newest-first]', async () => {
    const body = await json<Record<string, Record<string, string>[]>>(await world.fetch(path()));
    const dates = body[key]!.map((one) => Date.parse(one.date_created ?? one.message_date ?? ''));
    if (pattern.endsWith('Events')) return;
    expect(dates.every((date) => !Number.isNaN(date))).toBe(true);
    expect(dates).toEqual([...dates].sort((left, right) => right - left));
  });

  test('a page behind the end is empty; a bad token is refused [rest 7.1 page-number] [rest 7.1 bad-token]', async () => {
    const empty = await pageAt(`${path()}?PageSize=2&Page=50`);
    expect([empty.records, empty.next]).toEqual([[], null]);
    if (!isV1) expect(empty.span).toEqual([0, 0]);
    const refused = await world.fetch(`${path()}?PageToken=nonsense`);
    expect([refused.status, (await json(refused)).code]).toEqual([400, 21481]);
  });
});

test('the library walks a list of each kind to its end, and stops at its limit [rest 7.1 walk-all] [rest 22 check-2] [rest 22 check-3]', async () => {
  const { client } = world;
  const counts = async (list: (options: object) => Promise<readonly unknown[]>) => [
    (await list({})).length,
    (await list({ pageSize: PAGE })).length,
    (await list({ limit: 3, pageSize: PAGE })).length,
    (await list({ limit: 5_000 })).length,
  ];
  expect(await counts((options) => client.applications.list(options))).toEqual([5, 5, 3, 5]);
  expect(await counts((options) => client.calls(callSid).recordings.list(options))).toEqual([5, 5, 3, 5]);
  expect(await counts((options) => client.voice.v1.byocTrunks.list(options))).toEqual([5, 5, 3, 5]);
  expect(
    await counts((options) => client.sip.domains(domainSid).auth.calls.credentialListMappings.list(options)),
  ).toEqual([5, 5, 3, 5]);
});

test('what goes with a call: its recordings stay, with its sid [rest 8 call-recordings]', async () => {
  const call = aCall(world.account.sid);
  const recording = aRecording(world.account.sid, { callSid: call.sid });
  world.store.calls.put(call);
  await world.store.recordings.insert(recording);
  expect(await world.client.calls(call.sid).remove()).toBe(true);
  expect((await world.client.recordings(recording.sid).fetch()).callSid).toBe(call.sid);
  expect((await world.client.calls(call.sid).recordings.list()).map(({ sid }) => sid)).toEqual([recording.sid]);
});
