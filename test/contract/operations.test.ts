// Every operation of the published data, once with success on a whole gateway with phones, and in its wrong forms (rest-api.md 5-7): status,
// body, envelope and error are as documented. What is left to later versions stands in a list, with the reason.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bodyProblems, listProblems, type Operation, operations } from '../support/api-operations.ts';
import { type ApiWorld, apiWorld } from '../support/api-world.ts';
import { RawRecorder } from '../support/siprec.ts';
import { StreamServer } from '../support/stream-server.ts';
import { until } from '../support/until.ts';
import { ACCOUNT_SID, AUTH_TOKEN, DEADLINE_MS, Inbox, type World, world } from '../support/world.ts';

/** Operations that this version refuses: they speak to the vendor's browser SDK. */
const later: Readonly<Record<string, string>> = {
  'POST /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}/UserDefinedMessages.json': 'needs a call of the browser SDK',
  'POST /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}/UserDefinedMessageSubscriptions.json':
    'needs a call of the browser SDK',
  'DELETE /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}/UserDefinedMessageSubscriptions/{Sid}.json':
    'needs a call of the browser SDK',
};

/** Fields that are ours, by schema (design.md 10, rest-api.md 5). */
const beyond: Readonly<Record<string, readonly string[]>> = {
  'api.v2010.account.call': ['annotation'],
  'api.v2010.account.sip.sip_domain': ['media_encryption', 'music_on_hold', 'dtmf_inband', 'emergency_address'],
};

type Form = Readonly<Record<string, string>>;
type Body = Readonly<Record<string, unknown>>;
interface Request {
  readonly params?: Form;
  readonly form?: Form;
  readonly query?: string;
}
type Example = (walk: Walk) => Request | Promise<Request>;

const ROOT = '/2010-04-01/Accounts/{AccountSid}';

/** One walk over the operations: what was made on the way is at hand for what comes after. */
class Walk {
  readonly world: World;
  readonly problems: string[] = [];
  readonly walked = new Set<string>();
  /** Bodies by operation, the last one each. */
  readonly #bodies = new Map<string, Body>();

  constructor(of: World) {
    this.world = of;
  }

  async step(operation: string, example: Example): Promise<Body> {
    const fact = operations.find((one) => one.operation === operation);
    if (!fact) throw new Error(`no operation ${operation}`);
    const { params = {}, form, query } = await example(this);
    const answer = await this.ask(operation, { AccountSid: ACCOUNT_SID, ...params }, form, query);
    this.walked.add(operation);
    this.#bodies.set(operation, answer.body);
    for (const problem of problemsOf(fact, answer)) this.problems.push(`${operation}: ${problem}`);
    return answer.body;
  }

  async ask(operation: string, params: Form, form?: Form, query?: string) {
    const [method = 'GET', template = ''] = operation.split(' ');
    const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? 'missing'));
    const response = await fetch(`${this.world.gateway.info.apiUrl}${path}${query === undefined ? '' : `?${query}`}`, {
      method,
      headers: { Authorization: `Basic ${Buffer.from(`${ACCOUNT_SID}:${AUTH_TOKEN}`).toString('base64')}` },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    const text = await response.text();
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as Body };
  }

  /** A field of what an operation answered. */
  of(operation: string, field = 'sid'): string {
    return String(this.#bodies.get(operation)?.[field]);
  }

  /** The first of a list that was read. */
  firstOf(operation: string, list: string): Body {
    return (this.#bodies.get(operation)?.[list] as Body[] | undefined)?.[0] ?? {};
  }
}

function problemsOf({ status, schema, list, operation }: Operation, answer: { status: number; body: Body }): string[] {
  if (!status.includes(answer.status)) return [`status ${answer.status}, ${JSON.stringify(answer.body)}`];
  if (schema === null) return Object.keys(answer.body).length === 0 ? [] : ['has a body'];
  if (list === null) return bodyProblems(schema, answer.body, beyond[schema]);
  const items = (answer.body[list] ?? []) as Body[];
  return [
    ...listProblems(list, answer.body, operation.includes(' /v1/')),
    ...(items.length === 0 ? ['the list is empty: nothing was checked'] : []),
    ...items.flatMap((item) => bodyProblems(schema, item, beyond[schema])),
  ];
}

/** Makes, lists, fetches, changes and, with `remove`, removes. */
interface Life {
  readonly path: string;
  readonly create: Example;
  readonly update?: Form;
  readonly remove?: boolean;
  /** Values of the path besides the sid. */
  readonly params?: (walk: Walk) => Form;
  /** Name of the last path parameter. */
  readonly sid?: string;
  /** Field of the answer that names it. */
  readonly key?: string;
  readonly suffix?: string;
}

async function live(walk: Walk, life: Life): Promise<void> {
  const { path, create, update, remove = true, params = () => ({}), sid = 'Sid', key = 'sid', suffix = '.json' } = life;
  const made = await walk.step(`POST ${path}${suffix}`, async () => ({
    params: params(walk),
    ...(await create(walk)),
  }));
  const self = { ...params(walk), [sid]: String(made[key]) };
  await walk.step(`GET ${path}${suffix}`, () => ({ params: params(walk) }));
  await walk.step(`GET ${path}/{${sid}}${suffix}`, () => ({ params: self }));
  if (update) await walk.step(`POST ${path}/{${sid}}${suffix}`, () => ({ params: self, form: update }));
  if (remove) await walk.step(`DELETE ${path}/{${sid}}${suffix}`, () => ({ params: self }));
}

const URL_OF_APP = 'https://app.example.com/voice';
const SIP = `${ROOT}/SIP`;
const DOMAIN = `${SIP}/Domains/{DomainSid}`;

/** What needs no call. */
async function settings(walk: Walk): Promise<void> {
  await walk.step('POST /2010-04-01/Accounts.json', () => ({ form: { FriendlyName: 'Branch' } }));
  await walk.step('GET /2010-04-01/Accounts.json', () => ({}));
  const account = { Sid: walk.of('POST /2010-04-01/Accounts.json') };
  await walk.step('GET /2010-04-01/Accounts/{Sid}.json', () => ({ params: account }));
  await walk.step('POST /2010-04-01/Accounts/{Sid}.json', () => ({ params: account, form: { Status: 'suspended' } }));
  const named = { FriendlyName: 'Renamed' };
  await live(walk, { path: `${ROOT}/Applications`, create: () => ({ form: { VoiceUrl: URL_OF_APP } }), update: named });
  await live(walk, { path: `${ROOT}/Keys`, create: () => ({ form: { FriendlyName: 'Key' } }), update: named });
  const number = { PhoneNumber: '+14158675309', VoiceUrl: URL_OF_APP };
  await live(walk, { path: `${ROOT}/IncomingPhoneNumbers`, create: () => ({ form: number }), update: named });
  await walk.step(`POST ${ROOT}/OutgoingCallerIds.json`, () => ({ form: { PhoneNumber: '+14158675310' } }));
  await walk.step(`GET ${ROOT}/OutgoingCallerIds.json`, () => ({}));
  const callerId = { Sid: String(walk.firstOf(`GET ${ROOT}/OutgoingCallerIds.json`, 'outgoing_caller_ids').sid) };
  await walk.step(`GET ${ROOT}/OutgoingCallerIds/{Sid}.json`, () => ({ params: callerId }));
  await walk.step(`POST ${ROOT}/OutgoingCallerIds/{Sid}.json`, () => ({ params: callerId, form: named }));
  await walk.step(`DELETE ${ROOT}/OutgoingCallerIds/{Sid}.json`, () => ({ params: callerId }));
  await walk.step(`POST ${ROOT}/Tokens.json`, () => ({ form: { Ttl: '60' } }));
}

async function sipSettings(walk: Walk): Promise<void> {
  const named = { FriendlyName: 'Renamed' };
  await live(walk, { path: `${SIP}/CredentialLists`, create: () => ({ form: named }), update: named, remove: false });
  const list = () => ({ CredentialListSid: walk.of(`POST ${SIP}/CredentialLists.json`) });
  await live(walk, {
    path: `${SIP}/CredentialLists/{CredentialListSid}/Credentials`,
    params: list,
    create: () => ({ form: { Username: 'dave', Password: 'Correct-Horse-1' } }),
    update: { Password: 'Correct-Horse-2' },
  });
  await live(walk, {
    path: `${SIP}/IpAccessControlLists`,
    create: () => ({ form: named }),
    update: named,
    remove: false,
  });
  const acl = () => ({ IpAccessControlListSid: walk.of(`POST ${SIP}/IpAccessControlLists.json`) });
  await live(walk, {
    path: `${SIP}/IpAccessControlLists/{IpAccessControlListSid}/IpAddresses`,
    params: acl,
    create: () => ({ form: { FriendlyName: 'desk', IpAddress: '192.0.2.1' } }),
    update: named,
  });
  const domain = { DomainName: 'walk.sip.localhost' };
  await live(walk, { path: `${SIP}/Domains`, create: () => ({ form: domain }), update: named, remove: false });
  const params = () => ({ DomainSid: walk.of(`POST ${SIP}/Domains.json`) });
  for (const path of [
    'CredentialListMappings',
    'Auth/Calls/CredentialListMappings',
    'Auth/Registrations/CredentialListMappings',
  ])
    await live(walk, { path: `${DOMAIN}/${path}`, params, create: () => ({ form: list() }) });
  for (const path of ['IpAccessControlListMappings', 'Auth/Calls/IpAccessControlListMappings'])
    await live(walk, { path: `${DOMAIN}/${path}`, params, create: () => ({ form: acl() }) });
  for (const path of ['Domains', 'CredentialLists', 'IpAccessControlLists'])
    await walk.step(`DELETE ${SIP}/${path}/{Sid}.json`, () => ({
      params: { Sid: walk.of(`POST ${SIP}/${path}.json`) },
    }));
}

async function carrierSettings(walk: Walk): Promise<void> {
  const suffix = '';
  const named = { FriendlyName: 'Renamed' };
  const domain = await walk.ask(
    `POST ${SIP}/Domains.json`,
    { AccountSid: ACCOUNT_SID },
    { DomainName: 'carrier.sip.localhost' },
  );
  await live(walk, {
    path: '/v1/ConnectionPolicies',
    suffix,
    create: () => ({ form: named }),
    update: named,
    remove: false,
  });
  const policy = () => ({ ConnectionPolicySid: walk.of('POST /v1/ConnectionPolicies') });
  await live(walk, {
    path: '/v1/ConnectionPolicies/{ConnectionPolicySid}/Targets',
    suffix,
    params: policy,
    create: () => ({ form: { Target: 'sip:carrier.example.com' } }),
    update: { Priority: '5' },
  });
  await live(walk, {
    path: '/v1/ByocTrunks',
    suffix,
    create: () => ({ form: { VoiceUrl: URL_OF_APP } }),
    update: named,
  });
  await walk.step('DELETE /v1/ConnectionPolicies/{Sid}', () => ({ params: { Sid: policy().ConnectionPolicySid } }));
  const address = { IpAddress: '192.0.2.9' };
  await live(walk, { path: '/v1/IpRecords', suffix, create: () => ({ form: address }), update: named, remove: false });
  const record = () => ({ IpRecordSid: walk.of('POST /v1/IpRecords'), SipDomainSid: String(domain.body.sid) });
  await live(walk, {
    path: '/v1/SourceIpMappings',
    suffix,
    create: () => ({ form: record() }),
    update: { SipDomainSid: String(domain.body.sid) },
  });
  await walk.step('DELETE /v1/IpRecords/{Sid}', () => ({ params: { Sid: record().IpRecordSid } }));
}

/** A call to a registered phone, answered. */
async function answered(walk: Walk, user: string, operation: string, params: Form, form: Form): Promise<string> {
  const inbox = new Inbox(await walk.world.phone(user), user);
  const made = await walk.step(operation, () => ({ params, form: { To: `client:${user}`, From: 'walk', ...form } }));
  const CallSid = String(made.call_sid ?? made.sid);
  await inbox.next('answer');
  await settled(walk, `GET ${ROOT}/Calls/{Sid}.json`, { Sid: CallSid }, ({ status }) => status === 'in-progress');
  return CallSid;
}

/** Waits until an operation answers with what is waited for. */
async function settled(walk: Walk, operation: string, params: Form, isThere: (body: Body) => boolean): Promise<void> {
  let last: Body = {};
  await until(
    async () => {
      last = (await walk.ask(operation, { AccountSid: ACCOUNT_SID, ...params })).body;
      return isThere(last);
    },
    DEADLINE_MS,
    () => `${operation}: ${JSON.stringify(last)}`,
  );
}

async function callOperations(walk: Walk, stream: StreamServer): Promise<void> {
  const app = (path: string) => walk.world.app.url(path);
  const form = { Url: app('/long'), StatusCallback: app('/status'), StatusCallbackEvent: 'answred' };
  const CallSid = await answered(walk, 'bob', `POST ${ROOT}/Calls.json`, {}, form);
  const CALL = `${ROOT}/Calls/{CallSid}`;
  const call = { CallSid };
  await walk.world.asked('/long');
  await walk.step(`GET ${ROOT}/Calls.json`, () => ({}));
  await walk.step(`GET ${ROOT}/Calls/{Sid}.json`, () => ({ params: { Sid: CallSid } }));
  await settled(walk, `GET ${CALL}/Events.json`, call, ({ events }) => (events as Body[]).length > 0);
  await walk.step(`GET ${CALL}/Events.json`, () => ({ params: call }));
  for (const [path, parent] of [
    [CALL, call],
    [ROOT, {}],
  ] as const) {
    await walk.step(`GET ${path}/Notifications.json`, () => ({ params: parent }));
    const Sid = String(walk.firstOf(`GET ${path}/Notifications.json`, 'notifications').sid);
    await walk.step(`GET ${path}/Notifications/{Sid}.json`, () => ({ params: { ...parent, Sid } }));
  }
  const started = await walk.step(`POST ${CALL}/Streams.json`, () => ({
    params: call,
    form: { Url: stream.url('/media') },
  }));
  const stop = { Status: 'stopped' };
  await walk.step(`POST ${CALL}/Streams/{Sid}.json`, () => ({
    params: { ...call, Sid: String(started.sid) },
    form: stop,
  }));
  for (const [path, of] of [
    ['Transcriptions', {}],
    ['Siprec', { ConnectorName: 'archive' }],
  ] as const) {
    const made = await walk.step(`POST ${CALL}/${path}.json`, () => ({ params: call, form: of }));
    await walk.step(`POST ${CALL}/${path}/{Sid}.json`, () => ({
      params: { ...call, Sid: String(made.sid) },
      form: stop,
    }));
  }
  for (const operation of Object.keys(later)) {
    const refused = await walk.ask(operation, { AccountSid: ACCOUNT_SID, ...call, Sid: `ZY${'0'.repeat(32)}` });
    if (refused.status !== 404 || refused.body.code !== 20404)
      walk.problems.push(`${operation}: ${refused.status}, not 404`);
  }
  await recordingsOf(
    walk,
    CALL,
    call,
    await walk.step(`POST ${CALL}/Recordings.json`, () => ({ params: call, form: {} })),
  );
  await walk.step(`POST ${ROOT}/Calls/{Sid}.json`, () => ({ params: { Sid: CallSid }, form: { Status: 'completed' } }));
  await settled(walk, `GET ${ROOT}/Calls/{Sid}.json`, { Sid: CallSid }, ({ status }) => status === 'completed');
  await walk.step(`DELETE ${ROOT}/Calls/{Sid}.json`, () => ({ params: { Sid: CallSid } }));
}

/** Under a call or conference, while it is recorded; then under the account. */
async function recordingsOf(walk: Walk, path: string, parent: Form, recording: Body): Promise<void> {
  const self = { ...parent, Sid: String(recording.sid) };
  await walk.step(`GET ${path}/Recordings.json`, () => ({ params: parent }));
  await walk.step(`GET ${path}/Recordings/{Sid}.json`, () => ({ params: self }));
  await walk.step(`POST ${path}/Recordings/{Sid}.json`, () => ({ params: self, form: { Status: 'stopped' } }));
  await settled(
    walk,
    `GET ${path}/Recordings/{Sid}.json`,
    self,
    ({ status }) => status === 'completed' || status === 'absent',
  );
  await walk.step(`GET ${ROOT}/Recordings.json`, () => ({}));
  await walk.step(`GET ${ROOT}/Recordings/{Sid}.json`, () => ({ params: self }));
  await walk.step(`DELETE ${path}/Recordings/{Sid}.json`, () => ({ params: self }));
}

async function conferenceOperations(walk: Walk): Promise<void> {
  const ROOM = `${ROOT}/Conferences/{ConferenceSid}`;
  const room = { ConferenceSid: 'Walk 1' };
  const form = { ConferenceRecord: 'true', WaitUrl: '', EndConferenceOnExit: 'true' };
  const CallSid = await answered(walk, 'carol', `POST ${ROOM}/Participants.json`, room, form);
  const isIn = ({ status }: Body) => status === 'connected';
  await settled(walk, `GET ${ROOM}/Participants/{CallSid}.json`, { ...room, CallSid }, isIn);
  const second = await answered(walk, 'alice', `POST ${ROOM}/Participants.json`, room, { WaitUrl: '' });
  await settled(walk, `GET ${ROOM}/Participants/{CallSid}.json`, { ...room, CallSid: second }, isIn);
  await walk.step(`GET ${ROOT}/Conferences.json`, () => ({}));
  const { sid } = walk.firstOf(`GET ${ROOT}/Conferences.json`, 'conferences');
  const conference = { ConferenceSid: String(sid) };
  await walk.step(`GET ${ROOT}/Conferences/{Sid}.json`, () => ({ params: { Sid: String(sid) } }));
  await walk.step(`GET ${ROOM}/Participants.json`, () => ({ params: conference }));
  const params = { ...conference, CallSid: second };
  await walk.step(`GET ${ROOM}/Participants/{CallSid}.json`, () => ({ params }));
  await walk.step(`POST ${ROOM}/Participants/{CallSid}.json`, () => ({ params, form: { Muted: 'true' } }));
  await walk.step(`DELETE ${ROOM}/Participants/{CallSid}.json`, () => ({ params }));
  await settled(walk, `GET ${ROOM}/Recordings.json`, conference, ({ recordings }) => (recordings as Body[]).length > 0);
  const listed = await walk.step(`GET ${ROOM}/Recordings.json`, () => ({ params: conference }));
  await recordingsOf(walk, ROOM, conference, (listed.recordings as Body[])[0] ?? {});
  await walk.step(`POST ${ROOT}/Conferences/{Sid}.json`, () => ({
    params: { Sid: String(sid) },
    form: { Status: 'completed' },
  }));
}

async function queueOperations(walk: Walk): Promise<void> {
  const made = await walk.step(`POST ${ROOT}/Queues.json`, () => ({ form: { FriendlyName: 'support' } }));
  const queue = { QueueSid: String(made.sid) };
  const MEMBER = `${ROOT}/Queues/{QueueSid}/Members`;
  const document = '<Response><Enqueue waitUrl="">support</Enqueue></Response>';
  const inbox = new Inbox(await walk.world.phone('bob'), 'bob');
  const call = { To: 'client:bob', From: 'walk', Twiml: document };
  const { body } = await walk.ask(`POST ${ROOT}/Calls.json`, { AccountSid: ACCOUNT_SID }, call);
  await inbox.next('answer');
  await settled(walk, `GET ${MEMBER}.json`, queue, ({ queue_members: members }) => (members as Body[]).length > 0);
  await walk.step(`GET ${MEMBER}.json`, () => ({ params: queue }));
  const params = { ...queue, CallSid: String(body.sid) };
  await walk.step(`GET ${MEMBER}/{CallSid}.json`, () => ({ params }));
  await walk.step(`GET ${ROOT}/Queues.json`, () => ({}));
  const self = { Sid: queue.QueueSid };
  await walk.step(`GET ${ROOT}/Queues/{Sid}.json`, () => ({ params: self }));
  await walk.step(`POST ${ROOT}/Queues/{Sid}.json`, () => ({ params: self, form: { MaxSize: '5' } }));
  await walk.step(`POST ${MEMBER}/{CallSid}.json`, () => ({ params, form: { Url: walk.world.app.url('/end') } }));
  await settled(walk, `GET ${ROOT}/Queues/{Sid}.json`, self, ({ current_size: size }) => size === 0);
  await walk.step(`DELETE ${ROOT}/Queues/{Sid}.json`, () => ({ params: self }));
}

/** A recording that stays, for the account's own operations. */
async function accountRecordings(walk: Walk): Promise<void> {
  const inbox = new Inbox(await walk.world.phone('bob'), 'bob');
  const Twiml = '<Response><Pause length="60"/></Response>';
  const call = { To: 'client:bob', From: 'walk', Record: 'true', Trim: 'do-not-trim', Twiml };
  const { body } = await walk.ask(`POST ${ROOT}/Calls.json`, { AccountSid: ACCOUNT_SID }, call);
  const phone = await inbox.next('answer');
  const ofCall = { CallSid: String(body.sid) };
  const CALL = `${ROOT}/Calls/{CallSid}`;
  const isThere = ({ recordings }: Body) => (recordings as Body[]).length > 0;
  await settled(walk, `GET ${CALL}/Recordings.json`, ofCall, isThere);
  phone.leg.hangUp();
  const isDone = ({ recordings }: Body) => ['completed', 'absent'].includes(String((recordings as Body[])[0]?.status));
  await settled(walk, `GET ${CALL}/Recordings.json`, ofCall, isDone);
  await walk.step(`GET ${ROOT}/Recordings.json`, () => ({ query: `CallSid=${ofCall.CallSid}` }));
  const Sid = String(walk.firstOf(`GET ${ROOT}/Recordings.json`, 'recordings').sid);
  await walk.step(`GET ${ROOT}/Recordings/{Sid}.json`, () => ({ params: { Sid } }));
  await walk.step(`DELETE ${ROOT}/Recordings/{Sid}.json`, () => ({ params: { Sid } }));
}

test('every operation: status, body, envelope [rest 5 documented-fields] [rest 6 statuses] [rest 22 check-7]', {
  timeout: 120_000,
}, async () => {
  const [recorder, stream] = [await RawRecorder.open(), await StreamServer.start()];
  const settingsOf = {
    callerIdVerification: 'auto',
    recogniserUrl: 'http://127.0.0.1:9/',
    siprecConnectors: [{ name: 'archive', uri: recorder.uri }],
  };
  const w = await world({ settings: settingsOf });
  w.answers('<Pause length="60"/>', '/long');
  w.answers('<Hangup/>', '/end');
  const walk = new Walk(w);
  try {
    await settings(walk);
    await sipSettings(walk);
    await carrierSettings(walk);
    await callOperations(walk, stream);
    await conferenceOperations(walk);
    await queueOperations(walk);
    await accountRecordings(walk);
  } finally {
    recorder.close();
    await stream.stop();
  }
  expect(walk.problems).toEqual([]);
  const all = operations.map(({ operation }) => operation);
  expect(all.filter((operation) => !walk.walked.has(operation) && !(operation in later))).toEqual([]);
  expect(Object.keys(later).filter((operation) => walk.walked.has(operation) || !all.includes(operation))).toEqual([]);
  await w.isIdle();
});

describe('in its wrong forms', () => {
  let api: ApiWorld;
  beforeAll(async () => {
    api = await apiWorld();
  });
  afterAll(() => api.stop());

  const PREFIXES: Readonly<Record<string, string>> = {
    CallSid: 'CA',
    ConferenceSid: 'CF',
    QueueSid: 'QU',
    CredentialListSid: 'CL',
    IpAccessControlListSid: 'AL',
    DomainSid: 'SD',
    ConnectionPolicySid: 'NY',
  };
  /** A path that is well formed, and names nothing below the account. */
  const unknown = (template: string): string =>
    template
      .replace('/Accounts/{Sid}', `/Accounts/${api.account.sid}`)
      .replace(/\{(\w+)\}/g, (_, name: string) =>
        name === 'AccountSid' ? api.account.sid : `${PREFIXES[name] ?? 'XX'}${'0'.repeat(32)}`,
      );
  const asks = async (method: string, path: string, authorization?: string) => {
    const answer = await api.fetch(path, {
      method,
      ...(method === 'GET' || method === 'DELETE' ? {} : { form: '' }),
      ...(authorization === undefined ? {} : { authorization }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? {} : (JSON.parse(text) as Body) };
  };
  const fault = (status: number, code: number) => ({
    status,
    code,
    message: expect.any(String),
    more_info: `https://www.twilio.com/docs/errors/${code}`,
  });
  const split = (operation: string) => operation.split(' ') as [string, string];

  test.each(operations.map(({ operation }) => operation))(
    '%s without credentials: 401, 20003 [rest 2 wrong-credentials]',
    async (operation) => {
      const [method, path] = split(operation);
      const answer = await asks(method, unknown(path), '');
      expect([answer.status, answer.body]).toEqual([401, fault(401, 20003)]);
      expect(answer.headers.get('twilio-request-id')).toMatch(/^RQ[0-9a-f]{32}$/);
    },
  );

  /** What is made by naming it. */
  const makes = [`POST ${ROOT}/Conferences/{ConferenceSid}/Participants.json`];
  const named = operations
    .map(({ operation }) => operation)
    .filter(
      (operation) => /\{(?!AccountSid)/.test(operation.replace('/Accounts/{Sid}', '')) && !makes.includes(operation),
    );
  test.each(named)('%s of what is not there: 404, 20404 [rest 6 20404]', async (operation) => {
    const [method, path] = split(operation);
    const answer = await asks(method, unknown(path));
    expect([answer.status, answer.body]).toEqual([404, fault(404, 20404)]);
    expect(answer.headers.get('twilio-request-id')).toMatch(/^RQ[0-9a-f]{32}$/);
  });

  const paths = [...new Set(operations.map(({ operation }) => split(operation)[1]))].filter(
    (path) => !Object.keys(later).some((operation) => split(operation)[1] === path),
  );
  test.each(paths)('%s with another method: 405, 20004, and those that there are [rest 4 methods]', async (path) => {
    const known = operations
      .filter(({ operation }) => split(operation)[1] === path)
      .map(({ operation }) => split(operation)[0]);
    for (const method of ['PATCH', 'GET', 'POST', 'DELETE'].filter((one) => !known.includes(one))) {
      const answer = await asks(method, unknown(path));
      expect([method, answer.status, answer.body]).toEqual([method, 405, fault(405, 20004)]);
      expect(answer.headers.get('allow')?.split(', ').toSorted()).toEqual(known.toSorted());
    }
  });
});
