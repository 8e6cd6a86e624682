// What bodies look like, whatever the resource: dates, numbers as text, links, names of subresources, SIDs (rest-api.md 5).

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import { createRecordingsApi } from '../../src/recording/api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { ConferenceBench } from '../support/conference-bench.ts';
import { RecordingBench } from '../support/recording-bench.ts';
import { aCall, aNotification } from '../support/store-records.ts';
import { aConference, aRecording } from '../support/voice-record-makers.ts';

let world: ApiWorld;
let bench: RecordingBench;
beforeAll(async () => {
  bench = new RecordingBench();
  const recordings = createRecordingsApi({
    recordings: bench.recordings,
    files: bench.files,
    callOf: () => undefined,
    isMediaOpen: false,
    log: silentLog,
  });
  world = await apiWorld({ conferences: new ConferenceBench().api, recordings });
});
afterAll(async () => {
  await world.stop();
  bench.discard();
});

const bodyOf = async (path: string) => json<Record<string, unknown>>(await world.fetch(path));

/** A call that ended, with a recording and a notification. */
async function anEndedCall() {
  const { sid: accountSid } = world.account;
  const call = aCall(accountSid, { durationSeconds: 7, queueTimeMs: 1_500 });
  const recording = aRecording(accountSid, { callSid: call.sid, channels: 2, durationSeconds: 12 });
  const notification = aNotification(accountSid, { callSid: call.sid, errorCode: 11200, level: 'error' });
  world.store.calls.put(call);
  world.store.notifications.put(notification);
  await world.store.recordings.insert(recording);
  return { call, recording, notification };
}

test('numbers that are text: duration, queue_time, price; log and error_code; those of a recording [rest 5 numbers-as-text] [rest 5 price] [rest 5 annotation] [rest 5 api-version] [rest 5 numbers] [rest 16 fields] [rest 9.2 queue-time]', async () => {
  const { call, recording, notification } = await anEndedCall();
  expect(await bodyOf(`Calls/${call.sid}.json`)).toMatchObject({
    duration: '7',
    queue_time: '1500',
    price: null,
    price_unit: 'USD',
    api_version: '2010-04-01',
    annotation: null,
  });
  expect(await bodyOf(`Notifications/${notification.sid}.json`)).toMatchObject({
    log: '0',
    error_code: '11200',
    request_url: 'https://app.example.com/voice',
    request_method: null,
  });
  const [listed] = (await bodyOf(`Calls/${call.sid}/Notifications.json`)).notifications as Record<string, unknown>[];
  expect(listed).toMatchObject({ log: '0', request_url: 'https://app.example.com/voice', request_method: null });
  expect(new URLSearchParams(String(listed!.message_text)).get('ErrorCode')).toBe('11200');
  expect(await bodyOf(`Recordings/${recording.sid}.json`)).toMatchObject({
    duration: '12',
    channels: 2,
    price: null,
    price_unit: 'USD',
  });
});

test('a call that was never answered has a duration of 0, one that lives has none [rest 9.2 duration] [rest 5 numbers-as-text] [rest 9.2 times]', async () => {
  const busy = aCall(world.account.sid, { status: 'busy', durationSeconds: null, answerTime: null });
  const ringing = aCall(world.account.sid, { status: 'ringing', durationSeconds: null, endTime: null });
  for (const call of [busy, ringing]) world.store.calls.put(call);
  expect((await bodyOf(`Calls/${busy.sid}.json`)).duration).toBe('0');
  // A ringing call has the time when dialling began.
  expect(await bodyOf(`Calls/${ringing.sid}.json`)).toMatchObject({
    duration: null,
    end_time: null,
    start_time: expect.stringMatching(/ \+0000$/),
  });
});

test('dates are RFC 2822 in UTC with a numeric zone, and never left out [rest 5 dates]', async () => {
  const at = Date.UTC(2010, 7, 31, 20, 36, 29);
  const call = aCall(world.account.sid, { dateCreated: at, dateUpdated: at, startTime: null, endTime: null });
  world.store.calls.put(call);
  expect(await bodyOf(`Calls/${call.sid}.json`)).toMatchObject({
    date_created: 'Tue, 31 Aug 2010 20:36:29 +0000',
    date_updated: 'Tue, 31 Aug 2010 20:36:29 +0000',
    start_time: null,
    end_time: null,
  });
  const fetched = await world.client.calls(call.sid).fetch();
  expect([fetched.dateCreated.getTime(), fetched.startTime, fetched.endTime]).toEqual([at, null, null]);
});

test('North American numbers are written out, anything else stays [rest 5 formatted]', async () => {
  const call = aCall(world.account.sid, { to: '+14158675309', from: '+4930123456' });
  world.store.calls.put(call);
  expect(await bodyOf(`Calls/${call.sid}.json`)).toMatchObject({
    to: '+14158675309',
    to_formatted: '(415) 867-5309',
    from_formatted: '+4930123456',
  });
});

describe('links', () => {
  const names: [what: string, path: () => Promise<string>, names: string][] = [
    [
      'call',
      async () => `Calls/${(await anEndedCall()).call.sid}`,
      'events notifications payments recordings siprec streams transcriptions user_defined_message_subscriptions user_defined_messages',
    ],
    ['recording', async () => `Recordings/${(await anEndedCall()).recording.sid}`, 'add_on_results transcriptions'],
    [
      'conference',
      async () => {
        const conference = aConference(world.account.sid);
        world.store.conferences.put(conference);
        return `Conferences/${conference.sid}`;
      },
      'participants recordings',
    ],
    [
      'domain',
      async () => `SIP/Domains/${(await world.client.sip.domains.create({ domainName: 'links.sip.localhost' })).sid}`,
      'credential_list_mappings ip_access_control_list_mappings',
    ],
    [
      'credential list',
      async () => `SIP/CredentialLists/${(await world.client.sip.credentialLists.create({ friendlyName: 'l' })).sid}`,
      'credentials',
    ],
    [
      'address list',
      async () =>
        `SIP/IpAccessControlLists/${(await world.client.sip.ipAccessControlLists.create({ friendlyName: 'l' })).sid}`,
      'ip_addresses',
    ],
  ];
  test.each(names)(
    'of a %s: relative, below its own, which ends in .json [rest 5 uri] [rest 5 subresource-uris]',
    async (_, make, expected) => {
      const path = await make();
      const { uri, subresource_uris: links } = await json<{ uri: string; subresource_uris: Record<string, string> }>(
        await world.fetch(`${path}.json`),
      );
      expect(uri).toBe(`/2010-04-01/Accounts/${world.account.sid}/${path}.json`);
      expect(Object.keys(links).sort()).toEqual(expected.split(' '));
      for (const link of Object.values(links)) expect(link.startsWith(uri.replace('.json', '/'))).toBe(true);
      expect((await bodyOf(uri)).uri).toBe(uri);
    },
  );

  test('of an account: every resource that is there answers at its link [rest 5 subresource-uris]', async () => {
    const path = `/2010-04-01/Accounts/${world.account.sid}`;
    const { subresource_uris: links } = await json<{ subresource_uris: Record<string, string> }>(
      await world.fetch(`${path}.json`),
    );
    // These two have no list: `sip` is a parent, tokens are only made.
    const { sip, tokens, queues, outgoing_caller_ids: callerIds, ...lists } = links;
    expect([sip, tokens, queues, callerIds]).toEqual(
      ['SIP', 'Tokens', 'Queues', 'OutgoingCallerIds'].map((name) => `${path}/${name}.json`),
    );
    for (const link of Object.values(lists)) expect([link, (await world.fetch(link)).status]).toEqual([link, 200]);
  });

  test('v1: absolute `url` and `links`, and no `uri` [rest 5 v1-url] [rest 5 v1-dates]', async () => {
    const policy = await world.client.voice.v1.connectionPolicies.create({ friendlyName: 'p' });
    const body = await bodyOf(`/v1/ConnectionPolicies/${policy.sid}`);
    const url = `${world.url}/v1/ConnectionPolicies/${policy.sid}`;
    expect(body).toMatchObject({ url, links: { targets: `${url}/Targets` } });
    expect(body).not.toHaveProperty('uri');
    expect(body.date_created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });
});

test('a SID is two letters and 32 hexadecimal digits, and the letters say what it is [rest 5 sid-form]', async () => {
  const { client } = world;
  const made: [prefix: string, sid: string][] = [
    ['CA', (await client.calls.create({ to: 'sip:a@b.example', from: 'c', twiml: '<Response/>' })).sid],
    ['AP', (await client.applications.create()).sid],
    ['SK', (await client.newKeys.create()).sid],
    ['AC', (await client.api.v2010.accounts.create()).sid],
    ['PN', (await client.incomingPhoneNumbers.create({ phoneNumber: '+4930100200' })).sid],
    ['BY', (await client.voice.v1.byocTrunks.create({})).sid],
    ['NY', (await client.voice.v1.connectionPolicies.create({})).sid],
    ['IL', (await client.voice.v1.ipRecords.create({ ipAddress: '192.0.2.1' })).sid],
  ];
  for (const [prefix, sid] of made) expect(sid).toMatch(new RegExp(`^${prefix}[0-9a-f]{32}$`));
  expect(new Set(made.map(([, sid]) => sid)).size).toBe(made.length);
});
