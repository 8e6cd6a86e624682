// Bad input over every route: methods, bodies, credentials, sids that are malformed, unknown or of another account. The routes are those
// of the registry, so a new resource is walked too. What is wrong with one value is in bad-values.test.ts.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Method, Route } from '../../src/api/request.ts';
import { routes } from '../../src/api/resources/index.ts';
import { limits } from '../../src/base/limits.ts';
import { silentLog } from '../../src/base/log.ts';
import type { Account } from '../../src/base/records.ts';
import { err } from '../../src/base/result.ts';
import type { StreamsApi } from '../../src/base/streams-api.ts';
import type { TranscriptionsApi } from '../../src/base/transcriptions-api.ts';
import { createRecordingsApi } from '../../src/recording/api.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { ConferenceBench } from '../support/conference-bench.ts';
import { RecordingBench } from '../support/recording-bench.ts';
import { aBinding, aCall, aNotification, anAccount } from '../support/store-records.ts';
import { aConference, aQueue, aRecording, aTranscription } from '../support/voice-record-makers.ts';
import { QueueBench } from '../unit/queue/kit.ts';

const FORM = 'application/x-www-form-urlencoded';
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'];

let world: ApiWorld;
let child: Account;
let recordings: RecordingBench;
beforeAll(async () => {
  recordings = new RecordingBench();
  const nobody = { code: 21220, status: 400, message: 'Call is not in-progress' };
  const streams: StreamsApi = { create: () => err(nobody), stop: () => undefined };
  const transcriptions: TranscriptionsApi = { create: () => err(nobody), stop: () => undefined };
  world = await apiWorld({
    conferences: new ConferenceBench().api,
    queues: new QueueBench().rest,
    recordings: createRecordingsApi({
      recordings: recordings.recordings,
      files: recordings.files,
      callOf: () => undefined,
      isMediaOpen: false,
      log: silentLog,
    }),
    streams,
    transcriptions,
    registrations: { ofDomain: (domainSid) => ({ bindings: [aBinding({ domainSid })], next: undefined }) },
    captures: { read: async () => Buffer.from('capture') },
  });
  child = anAccount({ ownerAccountSid: world.account.sid, authToken: 'c'.repeat(32) });
  await world.store.accounts.insert(child);
});
afterAll(async () => {
  await world.stop();
  recordings.discard();
});

/** Prefix of the sids that a placeholder takes. */
const prefixes: Readonly<Record<string, string>> = {
  CallSid: 'CA',
  ConferenceSid: 'CF',
  QueueSid: 'QU',
  DomainSid: 'SD',
  RecordingSid: 'RE',
  StreamSid: 'MZ',
  TranscriptionSid: 'GT',
  SiprecSid: 'SR',
  PolicySid: 'NY',
};
/** … of the last `{Sid}` or `{ListSid}`, by the segment before it. */
const bySegment: Readonly<Record<string, string>> = {
  Keys: 'SK',
  SigningKeys: 'SK',
  Applications: 'AP',
  Notifications: 'NO',
  CredentialLists: 'CL',
  IpAccessControlLists: 'AL',
  CredentialListMappings: 'CL',
  IpAccessControlListMappings: 'AL',
  Credentials: 'CR',
  IpAddresses: 'IP',
  IncomingPhoneNumbers: 'PN',
  OutgoingCallerIds: 'PN',
  Recordings: 'RE',
  Transcriptions: 'TR',
  ByocTrunks: 'BY',
  ConnectionPolicies: 'NY',
  Targets: 'NE',
  IpRecords: 'IL',
  SourceIpMappings: 'IB',
};

/** The path of a route with values for its placeholders. */
function pathOf(route: Route, accountSid: string, sidOf = (prefix: string) => prefix + '0'.repeat(32)): string {
  const segments = route.path.split('/');
  const filled = segments.map((segment, index) => {
    const name = /^\{(\w+)\}$/.exec(segment)?.[1];
    if (name === undefined) return segment;
    if (name === 'AccountSid') return accountSid;
    const prefix = prefixes[name] ?? bySegment[segments[index - 1] ?? ''];
    if (prefix === undefined) throw new Error(`no prefix for ${route.path}`);
    return encodeURIComponent(sidOf(prefix));
  });
  const path = filled.join('/');
  return route.path.startsWith('/v1/') ? path : `/2010-04-01${path}${/\.\w+$/.test(path) ? '' : '.json'}`;
}

const hasSids = (route: Route): boolean => /\{(?!AccountSid)/.test(route.path);
const isAccountless = (route: Route): boolean => !route.path.includes('{AccountSid}');
const named = routes.map((route) => [route.path, route] as const);

const isErrorBody = (code: number, status: number) => ({
  code,
  status,
  message: expect.any(String),
  more_info: `https://www.twilio.com/docs/errors/${code}`,
});

/** Status and body, both those of an error with this code. */
async function expectError(answer: Response, code: number, status: number): Promise<void> {
  expect([answer.status, await json(answer)]).toEqual([status, isErrorBody(code, status)]);
}

test.each(named)(
  '%s: a method that is not there is 405, and those that are are named [rest 4 methods] [rest 6 20004] [rest 11 no-create] [rest 16 read-only]',
  async (_, route) => {
    const known = Object.keys(route.handlers);
    const path = pathOf(route, world.account.sid);
    for (const method of METHODS) {
      // PUT is POST.
      if (known.includes(method === 'PUT' ? 'POST' : method)) continue;
      const answer = await world.fetch(path, { method });
      expect(answer.headers.get('allow')).toBe(known.join(', '));
      await expectError(answer, 20004, 405);
    }
  },
);

test.each(named)(
  '%s: no credentials, or those of a stranger: 401, whatever is asked [rest 2 wrong-credentials] [rest 6 error-body]',
  async (_, route) => {
    const stranger = anAccount();
    const strangers = `Basic ${Buffer.from(`${stranger.sid}:${stranger.authToken}`).toString('base64')}`;
    for (const method of METHODS)
      for (const authorization of ['', strangers]) {
        const answer = await world.fetch(pathOf(route, world.account.sid), { method, authorization });
        await expectError(answer, 20003, 401);
      }
  },
);

test.each(named.filter(([, route]) => !isAccountless(route)))(
  '%s: a subaccount does not reach its parent [rest 2 subaccount-scope]',
  async (_, route) => {
    const authorization = `Basic ${Buffer.from(`${child.sid}:${child.authToken}`).toString('base64')}`;
    for (const method of METHODS)
      await expectError(await world.fetch(pathOf(route, world.account.sid), { method, authorization }), 20003, 401);
  },
);

test.each(named.filter(([, { handlers }]) => handlers.POST))(
  '%s: bodies of another type or size [rest 4 body-type] [rest 4 body-size]',
  async (_, route) => {
    const path = pathOf(route, world.account.sid);
    const post = (type: string, body: string) =>
      world.fetch(path, { method: 'POST', body, headers: { 'content-type': type } });
    await expectError(await post('application/json', '{"FriendlyName":"x"}'), 20415, 415);
    await expectError(await post(FORM, `FriendlyName=${'x'.repeat(limits.restBodyBytes)}`), 20413, 413);
    await expectError(await post(FORM, 'a=1&'.repeat(limits.restFormFields + 1)), 20413, 413);
  },
);

// rest-api.md 6, 16022: a conference that is missing.
const missingConference = new Set(['POST /Accounts/{AccountSid}/Conferences/{ConferenceSid}/Participants']);

/** What a method on an unknown sid is answered with. */
async function expectMissing(route: Route, method: Method, answer: Response): Promise<void> {
  const operation = `${method} ${route.path}`;
  if (missingConference.has(operation)) await expectError(answer, 16022, 400);
  else await expectError(answer, 20404, 404);
}

/** A form that is right for any path, as far as one can be. */
const form = (path: string) =>
  new URLSearchParams({
    To: 'sip:a@b',
    From: 'a',
    Url: 'https://app.example.com/',
    FriendlyName: 'x',
    Status: path.includes('/Recordings/') ? 'stopped' : 'completed',
  }).toString();
const ask = (path: string, method: Method) =>
  world.fetch(path, method === 'POST' ? { method, form: form(path) } : { method });

describe('sids that name nothing', () => {
  const withSids = named.filter(([, route]) => hasSids(route));
  test.each(withSids)('%s: unknown [rest 6 20404] [rest 6 16022]', async (_, route) => {
    for (const method of Object.keys(route.handlers) as Method[])
      await expectMissing(route, method, await ask(pathOf(route, world.account.sid), method));
  });

  // In turn: too short, capitals, another prefix, long, NUL, line ends, a path, SQL, a pattern of it, characters beyond ASCII.
  const malformed: readonly ((prefix: string) => string)[] = [
    (prefix) => `${prefix}1`,
    (prefix) => prefix + 'A'.repeat(32),
    () => `XX${'0'.repeat(32)}`,
    (prefix) => prefix + '0'.repeat(500),
    (prefix) => `${prefix}\0`,
    (prefix) => `${prefix}\r\nX-A: 1`,
    () => '../../Accounts',
    () => "' OR 1=1 --",
    () => '%',
    (prefix) => `${prefix}ä€📞`,
  ];
  // Names of rooms, labels and `Front` stand in place of a sid there; a bad name makes no room.
  const byName = /Conferences|Members/;
  test.each(withSids.filter(([path]) => !byName.test(path)))(
    '%s: malformed [rest 5 malformed-sid]',
    async (_, route) => {
      for (const make of malformed)
        for (const method of Object.keys(route.handlers) as Method[])
          await expectMissing(route, method, await ask(pathOf(route, world.account.sid, make), method));
    },
  );

  test.each(withSids.filter(([path]) => byName.test(path)))(
    '%s: malformed names [rest 5 malformed-sid]',
    async (_, route) => {
      for (const make of malformed)
        for (const method of ['GET', 'DELETE'] as const) {
          if (!route.handlers[method]) continue;
          const answer = await ask(pathOf(route, world.account.sid, make), method);
          await expectMissing(route, method, answer);
        }
    },
  );
});

describe('sids of another account', () => {
  /** Real ones of the subaccount, by what pathOf asks for. */
  const theirs = new Map<string, string>();
  let before: readonly unknown[];
  const everything = async () => {
    const { store } = world;
    const all = { size: 100, page: 0, cursor: null };
    const where = { accountSid: child.sid };
    return Promise.all(
      [
        store.applications,
        store.keys,
        store.phoneNumbers,
        store.domains,
        store.credentialLists,
        store.credentials,
        store.ipAccessControlLists,
        store.ipAddresses,
        store.byocTrunks,
        store.connectionPolicies,
        store.policyTargets,
        store.ipRecords,
        store.sourceIpMappings,
        store.queues,
        store.recordings,
        store.transcriptions,
        store.conferences,
        store.mappings,
      ].map((repository) => repository.list(where, all)),
    );
  };

  beforeAll(async () => {
    const own = world.clientOf(child);
    const password = 'Correct-Horse-1';
    const domain = await own.sip.domains.create({ domainName: 'theirs.sip.localhost' });
    const list = await own.sip.credentialLists.create({ friendlyName: 'theirs' });
    const acl = await own.sip.ipAccessControlLists.create({ friendlyName: 'theirs' });
    const credential = await own.sip.credentialLists(list.sid).credentials.create({ username: 'a', password });
    const address = await own.sip
      .ipAccessControlLists(acl.sid)
      .ipAddresses.create({ friendlyName: 'a', ipAddress: '192.0.2.1' });
    const { calls, registrations } = own.sip.domains(domain.sid).auth;
    await calls.credentialListMappings.create({ credentialListSid: list.sid });
    await registrations.credentialListMappings.create({ credentialListSid: list.sid });
    await calls.ipAccessControlListMappings.create({ ipAccessControlListSid: acl.sid });
    const policy = await own.voice.v1.connectionPolicies.create({});
    const target = await own.voice.v1.connectionPolicies(policy.sid).targets.create({ target: 'sip:a.example.com' });
    const record = await own.voice.v1.ipRecords.create({ ipAddress: '192.0.2.2' });
    const call = aCall(child.sid);
    const recording = aRecording(child.sid, { callSid: call.sid });
    const conference = aConference(child.sid);
    const transcription = aTranscription(child.sid, { recordingSid: recording.sid });
    const notification = aNotification(child.sid, { callSid: call.sid });
    world.store.calls.put(call);
    world.store.notifications.put(notification);
    world.store.conferences.put(conference);
    await world.store.recordings.insert(recording);
    await world.store.transcriptions.insert(transcription);
    const sids = [
      domain,
      list,
      acl,
      credential,
      address,
      policy,
      target,
      record,
      call,
      recording,
      conference,
      transcription,
      notification,
      await own.voice.v1.byocTrunks.create({}),
      await own.voice.v1.sourceIpMappings.create({ ipRecordSid: record.sid, sipDomainSid: domain.sid }),
      await own.applications.create({}),
      await own.newKeys.create(),
      await own.incomingPhoneNumbers.create({ phoneNumber: '+4930123456' }),
      aQueue(child.sid),
    ].map(({ sid }) => sid);
    await world.store.queues.insert(aQueue(child.sid, { sid: sids.at(-1)! }));
    for (const sid of sids) theirs.set(sid.slice(0, 2), sid);
    before = await everything();
  });

  test.each(named.filter(([, route]) => hasSids(route)))(
    '%s: not there, also for the parent [rest 2 foreign-sids]',
    async (_, route) => {
      const path = pathOf(route, world.account.sid, (prefix) => theirs.get(prefix) ?? prefix + '0'.repeat(32));
      for (const method of Object.keys(route.handlers) as Method[])
        await expectMissing(route, method, await ask(path, method));
    },
  );

  test('nothing of them was read into an answer, changed or removed [rest 2 foreign-sids]', async () => {
    expect(await everything()).toEqual(before);
    // They are there for their own account, and below its path for the parent.
    const own = pathOf(routes.find(({ path }) => path.endsWith('/Applications/{Sid}'))!, child.sid, (prefix) =>
      String(theirs.get(prefix)),
    );
    expect((await world.fetch(own)).status).toBe(200);
  });
});
