// Queues over real sockets: callers wait with music, agents take them out of the line, and the application is told how it ended
// (twiml.md 7.2 to 7.4; rest-api.md 12). Alice and carol are callers, bob is the agent.

import { expect, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { wavOf } from '../../support/recording-bench.ts';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  bridges,
  CLEAN_SHARE,
  DEADLINE_MS,
  dials,
  expectEvent,
  heard,
  medianShare,
  shareHeard,
  twiml,
  type World,
  type WorldOptions,
  world,
} from '../../support/world.ts';

const WAIT_HZ = 700;
const BEFORE_HZ = 1_300;

const ENQUEUE = '<Enqueue waitUrl="/wait" action="/enqueued">support</Enqueue>';
const DEQUEUE = '<Dial action="/dialled"><Queue>support</Queue></Dial>';

interface Documents {
  readonly caller?: string;
  readonly agent?: string;
}

async function queueWorld({ caller = ENQUEUE, agent = DEQUEUE }: Documents = {}, options: WorldOptions = {}) {
  const w = await world(options);
  w.app.on('/voice', ({ params }) => twiml(params.From?.startsWith('sip:bob@') ? agent : caller));
  w.answers('<Play loop="0">/wait.wav</Play>', '/wait');
  w.answers('<Play loop="0">/before.wav</Play>', '/before');
  w.app.on('/wait.wav', { headers: { 'Content-Type': 'audio/wav' }, body: wavOf(toneSamples([WAIT_HZ], -10, 1_000)) });
  w.app.on('/before.wav', {
    headers: { 'Content-Type': 'audio/wav' },
    body: wavOf(toneSamples([BEFORE_HZ], -10, 1_000)),
  });
  w.answers('<Hangup/>', '/enqueued');
  w.answers('<Hangup/>', '/dialled');
  return w;
}

interface Caller {
  readonly call: PhoneCall;
  readonly sid: string;
  readonly ended: () => Promise<unknown>;
}

/** A phone that calls and is answered. */
async function calls(w: World, user: 'alice' | 'bob' | 'carol'): Promise<Caller> {
  const phone = await w.phone(user);
  const asked = w.app.requestsTo('/voice').length;
  const call = dials(phone, w.uri('1000'));
  await expectEvent(phone, call, 'answered');
  const sid = (await w.asked('/voice', asked + 1)).params.CallSid ?? '';
  return { call, sid, ended: () => expectEvent(phone, call, 'ended') };
}

const countsOf = (w: World) =>
  (w.gateway.counts() as { queues: { queues: number; waiting: number; reserved: number; agents: number } }).queues;

/** Resolves when so many wait. */
async function waits(w: World, waiting: number, agents = 0): Promise<void> {
  await until(
    () => countsOf(w).waiting === waiting && countsOf(w).agents === agents,
    DEADLINE_MS,
    () => JSON.stringify(countsOf(w)),
  );
}

/** A caller in the queue. */
async function waiting(w: World, user: 'alice' | 'carol', count = 1): Promise<Caller> {
  const caller = await calls(w, user);
  await waits(w, count);
  return caller;
}

async function nothingLeft(w: World): Promise<void> {
  await w.isIdle();
  expect(countsOf(w)).toEqual({ queues: 0, waiting: 0, reserved: 0, agents: 0 });
}

/** Resolves when `listener` hears this tone. */
async function hears(w: World, listener: PhoneCall, frequency: number): Promise<void> {
  let share = 0;
  await until(
    async () => {
      share = medianShare(await heard(w, listener), frequency);
      return share > CLEAN_SHARE;
    },
    DEADLINE_MS,
    () => `${frequency} Hz is ${share} of what is heard`,
  );
}

const frontOf = async (w: World, sid: string, form?: Record<string, string>) =>
  w.rest(`/Queues/${sid}/Members/Front.json`, form);

test('the caller hears the wait music, the agent takes it, both hear each other; the agent hangs up [twiml 7.2 wait-url] [twiml 7.3 head] [twiml 7.2 action-bridged] [twiml 7.2 wait-params]', async () => {
  const w = await queueWorld();
  const alice = await waiting(w, 'alice');
  await hears(w, alice.call, WAIT_HZ);
  const asked = await w.asked('/wait');
  expect(asked.method).toBe('POST');
  expect(asked.params).toMatchObject({
    CallSid: alice.sid,
    AccountSid: ACCOUNT_SID,
    CallStatus: 'in-progress',
    Direction: 'inbound',
    QueuePosition: '1',
    CurrentQueueSize: '1',
    MaxQueueSize: '1000',
    QueueTime: '0',
    AvgQueueTime: '0',
  });
  const queueSid = asked.params.QueueSid ?? '';
  expect(queueSid).toMatch(/^QU[0-9a-f]{32}$/);
  const queue = await w.rest(`/Queues/${queueSid}.json`);
  expect(queue.body).toMatchObject({ friendly_name: 'support', current_size: 1, max_size: 1_000 });
  expect((await frontOf(w, queueSid)).body).toMatchObject({ call_sid: alice.sid, position: 1 });

  const bob = await calls(w, 'bob');
  await bridges(w, 1);
  expect(await shareHeard(w, bob.call, alice.call, 500)).toBeGreaterThan(CLEAN_SHARE);
  expect(await shareHeard(w, alice.call, bob.call, 900)).toBeGreaterThan(CLEAN_SHARE);
  expect((await frontOf(w, queueSid)).status).toBe(404);
  // Neither action before the conversation is over.
  expect([w.app.requestsTo('/enqueued'), w.app.requestsTo('/dialled')]).toEqual([[], []]);
  bob.call.leg.hangUp();
  const enqueued = await w.asked('/enqueued');
  expect(enqueued.params).toMatchObject({
    CallSid: alice.sid,
    CallStatus: 'in-progress',
    QueueResult: 'bridged',
    QueueSid: queueSid,
  });
  expect(enqueued.params.QueueTime).toMatch(/^\d+$/);
  const dialled = await w.asked('/dialled');
  expect(dialled.params).toMatchObject({
    CallSid: bob.sid,
    CallStatus: 'completed',
    DialCallStatus: 'completed',
    DialCallSid: alice.sid,
    DialBridged: 'true',
    QueueSid: queueSid,
    DequeingCallSid: bob.sid,
  });
  expect(dialled.params.DialCallDuration).toMatch(/^\d+$/);
  await alice.ended();
  await nothingLeft(w);
});

test('the document of the Queue noun runs on the caller before the two are connected; then the caller hangs up [twiml 7.3 url] [twiml 7.3 action-params] [twiml 7.3 url-params]', async () => {
  const w = await queueWorld({
    agent: '<Dial action="/dialled"><Queue url="/before" method="GET">support</Queue></Dial>',
  });
  let connect = () => {};
  const gate = new Promise<void>((resolve) => {
    connect = resolve;
  });
  w.answers('<Play>/before.wav</Play><Redirect>/then</Redirect>', '/before');
  w.app.on('/then', async () => {
    await gate;
    return twiml('');
  });
  const alice = await waiting(w, 'alice');
  const bob = await calls(w, 'bob');
  await hears(w, alice.call, BEFORE_HZ);
  const before = await w.asked('/before');
  expect(before.method).toBe('GET');
  expect(before.params).toMatchObject({ CallSid: alice.sid, DequeingCallSid: bob.sid });
  expect(before.params.QueueTime).toMatch(/^\d+$/);
  expect(countsOf(w)).toMatchObject({ waiting: 0, reserved: 1 });
  connect();
  await bridges(w, 1);
  alice.call.leg.hangUp();
  expect((await w.asked('/enqueued')).params).toMatchObject({ QueueResult: 'bridged', CallStatus: 'completed' });
  expect((await w.asked('/dialled')).params).toMatchObject({
    CallSid: bob.sid,
    CallStatus: 'in-progress',
    DialCallStatus: 'completed',
    DialCallSid: alice.sid,
    QueueSid: before.params.QueueSid,
    DequeingCallSid: bob.sid,
  });
  await bob.ended();
  await nothingLeft(w);
});

test('the agent hangs up during that document: the caller waits again, with its music', async () => {
  const w = await queueWorld({ agent: '<Dial><Queue url="/before">support</Queue></Dial>' });
  const alice = await waiting(w, 'alice');
  const bob = await calls(w, 'bob');
  await hears(w, alice.call, BEFORE_HZ);
  bob.call.leg.hangUp();
  await waits(w, 1);
  await hears(w, alice.call, WAIT_HZ);
  expect((await w.asked('/wait', 2)).params).toMatchObject({ QueuePosition: '1' });
  alice.call.leg.hangUp();
  expect((await w.asked('/enqueued')).params).toMatchObject({ QueueResult: 'hangup', CallStatus: 'completed' });
  await nothingLeft(w);
});

test('without waitUrl the built-in music is heard; an empty waitUrl is silence [twiml 7.2 wait-default]', async () => {
  const w = await queueWorld({ caller: '<Enqueue action="/enqueued">support</Enqueue>' });
  const alice = await waiting(w, 'alice');
  const loudness = async (call: PhoneCall) => Math.max(...(await heard(w, call)).map(Math.abs));
  await until(
    async () => (await loudness(alice.call)) > 500,
    DEADLINE_MS,
    () => 'no music',
  );
  w.app.on('/voice', () => twiml('<Enqueue waitUrl="" action="/enqueued">support</Enqueue>'));
  const carol = await waiting(w, 'carol', 2);
  expect(await loudness(carol.call)).toBeLessThan(16);
  alice.call.leg.hangUp();
  carol.call.leg.hangUp();
  await nothingLeft(w);
});

test('Leave by a digit: the call goes on behind Enqueue, or at its action [twiml 7.4 leave] [twiml 7.2 action-left]', async () => {
  const w = await queueWorld({ caller: '<Enqueue waitUrl="/wait">support</Enqueue><Redirect>/behind</Redirect>' });
  w.answers('<Gather numDigits="1" action="/pressed" timeout="60"/>', '/wait');
  w.answers('<Leave/>', '/pressed');
  w.answers('<Hangup/>', '/behind');
  const alice = await waiting(w, 'alice');
  await w.asked('/wait');
  await alice.call.play([{ kind: 'digits', digits: '7' }], DEADLINE_MS);
  expect((await w.asked('/pressed')).params).toMatchObject({ Digits: '7', QueuePosition: '1' });
  expect((await w.asked('/behind')).params.QueueResult).toBeUndefined();
  await alice.ended();
  await nothingLeft(w);
});

test('an agent at an empty queue waits for a caller; nobody comes: no-answer [twiml 7.3 empty] [twiml 7.3 unknown]', async () => {
  const w = await queueWorld({}, { clockRate: 10 });
  const first = await calls(w, 'bob');
  expect((await w.asked('/dialled')).params).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
  await first.ended();
  await w.rest('/Queues.json', { FriendlyName: 'support' });
  w.app.on('/voice', ({ params }) =>
    twiml(
      params.From?.startsWith('sip:bob@')
        ? '<Dial timeout="5" action="/dialled"><Queue>support</Queue></Dial>'
        : ENQUEUE,
    ),
  );
  const again = await calls(w, 'bob');
  expect((await w.asked('/dialled', 2)).params).toMatchObject({ DialCallStatus: 'no-answer', DialBridged: 'false' });
  await again.ended();
  await nothingLeft(w);
});

test('REST: a waiting call is redirected, a member dequeued, a bridged one taken [twiml 7.2 redirected] [rest 12 redirect-waiting] [rest 12 dequeue] [twiml 7.2 action-left]', async () => {
  const w = await queueWorld();
  w.answers('<Pause length="60"/>', '/desk');
  const alice = await waiting(w, 'alice');
  const queueSid = (await w.asked('/wait')).params.QueueSid ?? '';
  await w.rest(`/Calls/${alice.sid}.json`, { Url: w.app.url('/desk') });
  expect((await w.asked('/enqueued')).params).toMatchObject({ QueueResult: 'redirected', QueueSid: queueSid });
  expect((await w.asked('/desk')).params).toMatchObject({ CallSid: alice.sid });
  await waits(w, 0);

  const carol = await waiting(w, 'carol');
  const taken = await frontOf(w, queueSid, { Url: w.app.url('/desk'), Method: 'GET' });
  expect([taken.status, taken.body]).toMatchObject([200, { call_sid: carol.sid, position: 1 }]);
  expect((await w.asked('/enqueued', 2)).params).toMatchObject({ CallSid: carol.sid, QueueResult: 'redirected' });
  expect((await w.asked('/desk', 2)).method).toBe('GET');
  carol.call.leg.hangUp();

  await w.rest(`/Calls/${alice.sid}.json`, {
    Twiml: `<Response>${ENQUEUE.replaceAll('="/', `="${w.app.origin}/`)}</Response>`,
  });
  await waits(w, 1);
  const bob = await calls(w, 'bob');
  await bridges(w, 1);
  await w.rest(`/Calls/${alice.sid}.json`, { Url: w.app.url('/desk') });
  expect((await w.asked('/enqueued', 3)).params).toMatchObject({ QueueResult: 'redirected-from-bridged' });
  const dialled = await w.asked('/dialled');
  expect(dialled.params).toMatchObject({ CallSid: bob.sid, DialCallStatus: 'completed', DialBridged: 'true' });
  expect(dialled.params.DialCallDuration).toBeUndefined();
  await bob.ended();
  expect(alice.call.isOver).toBe(false);
  alice.call.leg.hangUp();
  await nothingLeft(w);
});

test('a full queue and a waitUrl that fails: the action hears why, and the call goes on [twiml 7.2 queue-full] [twiml 7.2 error]', async () => {
  const w = await queueWorld();
  await w.rest('/Queues.json', { FriendlyName: 'support', MaxSize: '1' });
  const alice = await waiting(w, 'alice');
  const carol = await calls(w, 'carol');
  const full = await w.asked('/enqueued');
  expect(full.params).toMatchObject({ CallSid: carol.sid, QueueResult: 'queue-full' });
  expect(full.params.QueueSid).toBeUndefined();
  await carol.ended();
  alice.call.leg.hangUp();
  expect((await w.asked('/enqueued', 2)).params).toMatchObject({ QueueResult: 'hangup' });
  w.app.on('/wait', { status: 500 });
  const again = await calls(w, 'alice');
  expect((await w.asked('/enqueued', 3)).params).toMatchObject({ CallSid: again.sid, QueueResult: 'error' });
  await again.ended();
  await nothingLeft(w);
});

test('the agent transfers the caller: its document takes over, the Enqueue is done with [twiml 7.3 transfer] [sip 5.2 refer-queue]', async () => {
  const w = await queueWorld({ agent: '<Dial action="/dialled" referUrl="/refer"><Queue>support</Queue></Dial>' });
  w.answers('<Play loop="0">/before.wav</Play>', '/refer');
  const alice = await waiting(w, 'alice');
  const bob = await calls(w, 'bob');
  await bridges(w, 1);
  const sent = bob.call.leg.refer('sip:carol@office.sip.localhost');
  expect(await sent?.result).toMatchObject({ status: 202, notified: 200 });
  expect((await w.asked('/refer')).params).toMatchObject({ CallSid: alice.sid });
  await bob.ended();
  await hears(w, alice.call, BEFORE_HZ);
  expect(w.app.requestsTo('/enqueued')).toEqual([]);
  alice.call.leg.hangUp();
  await nothingLeft(w);
  expect(w.app.requestsTo('/enqueued')).toEqual([]);
});
