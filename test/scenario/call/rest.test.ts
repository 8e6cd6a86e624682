// Calls made and changed over REST, with plain HTTP (rest-api.md 9), against phones over real sockets.

import twilio from 'twilio';
import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  bridged,
  bridges,
  DEADLINE_MS,
  expectEvent,
  Inbox,
  type World,
  world,
} from '../../support/world.ts';

const ALL_EVENTS = 'initiated ringing answered completed';

/** POSTs Calls.json; the form of URLSearchParams has one value per key, so repeated events go by a space list. */
async function create(w: World, form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
  const answer = await w.rest('/Calls.json', { From: 'reception', Url: w.app.url('/outgoing'), ...form });
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 });
  expect(answer.body).toMatchObject({ status: 'queued', direction: 'outbound-api' });
  return answer.body;
}

const statusOf = async (w: World, sid: unknown): Promise<unknown> => (await w.rest(`/Calls/${sid}.json`)).body.status;

async function untilStatus(w: World, sid: unknown, status: string): Promise<void> {
  let last: unknown;
  await until(
    async () => {
      last = await statusOf(w, sid);
      return last === status;
    },
    DEADLINE_MS,
    () => `status ${status}; it is ${String(last)}`,
  );
}

for (const to of ['sip:bob@office.sip.localhost', 'client:bob']) {
  // holds: [twiml 3.1 from-to] [twiml 3.1 direction] [twiml 3.4 queued] [twiml 3.4 initiated] [twiml 3.4 ringing]
  // holds: [twiml 8.2 rest]
  test(`rest-api.md 9.2: a call to ${to}: queued, then initiated, ringing, answered, completed by callback [sip 2.6 status-callback] [sip 8.1 rest-events] [sip 8.1 child-sids] [sip 8.2 initiated] [rest 9.1 created] [rest 9.1 not-waiting] [rest 9.1 events] [rest 9.2 ways] [rest 9.2 initiated]`, async () => {
    const w = await world();
    w.app.on('/progress', { status: 204 });
    w.answers('<Gather numDigits="1" timeout="8" action="/digits"/>', '/outgoing');
    w.answers('<Hangup/>', '/digits');
    const bob = await w.phone('bob');
    const inbox = new Inbox(bob, 'bob');
    const form = { To: to, StatusCallback: w.app.url('/progress'), StatusCallbackEvent: ALL_EVENTS };
    const { sid } = await create(w, form);
    const callee = await inbox.next('ring');
    await untilStatus(w, sid, 'ringing');
    await callee.leg.answer();
    expect((await w.asked('/outgoing')).params).toMatchObject({
      CallSid: sid,
      CallStatus: 'in-progress',
      Direction: 'outbound-api',
      To: to,
    });
    await untilStatus(w, sid, 'in-progress');
    await callee.play([{ kind: 'digits', digits: '3' }], DEADLINE_MS);
    expect((await w.asked('/digits')).params.Digits).toBe('3');
    await expectEvent(bob, callee, 'ended');
    await w.asked('/progress', 4);
    const told = w.app.requestsTo('/progress').map(({ params }) => [params.CallStatus, params.SequenceNumber]);
    expect(told).toEqual([
      ['initiated', '0'],
      ['ringing', '1'],
      ['in-progress', '2'],
      ['completed', '3'],
    ]);
    await untilStatus(w, sid, 'completed');
    await w.isIdle();
  });
}

for (const [status, final] of [
  ['canceled', 'canceled'],
  ['completed', 'canceled'],
] as const) {
  test(`rest-api.md 9.3: Status=${status} on a ringing call cancels it; the answer says so [sip 8.3 rest-cancel] [twiml 3.4 canceled] [rest 9.3 canceled] [rest 9.3 completed]`, async () => {
    const w = await world();
    w.app.on('/progress', { status: 204 });
    const bob = await w.phone('bob');
    const inbox = new Inbox(bob, 'bob');
    const { sid } = await create(w, { To: 'client:bob', StatusCallback: w.app.url('/progress') });
    const callee = await inbox.next('ring');
    await untilStatus(w, sid, 'ringing');
    const updated = await w.rest(`/Calls/${sid}.json`, { Status: status });
    expect(updated).toMatchObject({ status: 200, body: { status: final } });
    await expectEvent(bob, callee, 'canceled');
    expect((await w.asked('/progress')).params).toMatchObject({ CallStatus: final, SipResponseCode: '487' });
    await w.isIdle();
  });
}

test('rest-api.md 9.3: Status=canceled leaves an answered call alone, Status=completed ends it with BYE [twiml 4.2 rest-status] [rest 9.3 canceled] [rest 9.3 completed]', async () => {
  const w = await world();
  w.answers('<Gather timeout="30"/>', '/outgoing');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const { sid } = await create(w, { To: 'client:bob' });
  const callee = await inbox.next('answer');
  await untilStatus(w, sid, 'in-progress');
  expect(await w.rest(`/Calls/${sid}.json`, { Status: 'canceled' })).toMatchObject({
    status: 200,
    body: { status: 'in-progress' },
  });
  expect(await w.rest(`/Calls/${sid}.json`, { Status: 'completed' })).toMatchObject({
    status: 200,
    body: { status: 'completed' },
  });
  await expectEvent(bob, callee, 'ended');
  await w.isIdle();
});

test('rest-api.md 9.1: Timeout, and 5 s on top: CANCEL, no-answer [sip 2.6 timeout] [rest 9.1 timeout]', async () => {
  const w = await world({ clockRate: 10 });
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const { sid } = await create(w, { To: 'client:bob', Timeout: '5' });
  await expectEvent(bob, await inbox.next('ring'), 'canceled');
  await untilStatus(w, sid, 'no-answer');
  await w.isIdle();
});

test('sip-interface.md 8.3: a call to a user without binding is made, and fails with 404', async () => {
  const w = await world();
  w.app.on('/progress', { status: 204 });
  const { sid } = await create(w, { To: 'client:nobody', StatusCallback: w.app.url('/progress') });
  expect((await w.asked('/progress')).params).toMatchObject({
    CallSid: sid,
    CallStatus: 'failed',
    SipResponseCode: '404',
  });
  await untilStatus(w, sid, 'failed');
  await w.isIdle();
});

test('sip-interface.md 2.6: Twiml runs after the answer, SendDigits before it [sip 2.6 instructions] [sip 2.6 send-digits] [rest 9.1 send-digits] [twiml 5.2 digits-heard]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const form = { To: 'client:bob', SendDigits: '42', Url: '', Twiml: '<Response><Hangup/></Response>' };
  const made = await w.rest(
    '/Calls.json',
    Object.fromEntries(Object.entries({ From: '+49301234', ...form }).filter(([, value]) => value !== '')),
  );
  expect(made.status).toBe(201);
  const callee = await inbox.next('answer');
  await expectEvent(bob, callee, 'ended');
  const digits = callee.events.map((event) => (event.type === 'digit' ? event.digit : '')).join('');
  expect(digits).toBe('42');
  await w.isIdle();
});

test('twiml.md 4.2 point 6: Url on the parent of a Dial ends the child; the action is told, then the new document runs [twiml 4.2 rest-update] [twiml 4.2 rest-parent] [rest 9.3 url-dial]', async () => {
  const w = await world();
  const { bob, alice, caller, callee } = await bridged(w);
  w.answers('<Hangup/>', '/elsewhere');
  const sid = (await w.asked('/voice')).params.CallSid;
  const redirected = await w.rest(`/Calls/${sid}.json`, { Url: w.app.url('/elsewhere') });
  expect(redirected).toMatchObject({ status: 200, body: { status: 'in-progress' } });
  await expectEvent(bob, callee, 'ended');
  await expectEvent(alice, caller, 'ended');
  expect(w.app.requests.map((request) => request.path).slice(0, 3)).toEqual(['/voice', '/after', '/elsewhere']);
  expect(w.app.requestsTo('/elsewhere')[0]!.params).toMatchObject({ CallSid: sid, CallStatus: 'in-progress' });
  await w.isIdle();
});

test('twiml.md 4.2 point 6: Url on the child takes it out alive; the parent goes on without DialCallDuration [twiml 3.3 dial-child] [twiml 4.2 rest-child] [rest 9.2 child] [twiml 6.7 shared]', async () => {
  const w = await world();
  w.app.on('/child', { status: 204 });
  const { alice, bob, caller, callee } = await bridged(
    w,
    `<Dial action="/after"><Client statusCallback="${w.app.url('/child')}" statusCallbackEvent="answered">bob</Client></Dial>`,
  );
  w.answers('<Gather numDigits="1" timeout="8" action="/digits"/>', '/elsewhere');
  w.answers('<Hangup/>', '/digits');
  const childSid = (await w.asked('/child')).params.CallSid;
  await w.rest(`/Calls/${childSid}.json`, { Url: w.app.url('/elsewhere') });
  const { params } = await w.asked('/after');
  expect(params).toMatchObject({ DialCallSid: childSid, DialCallStatus: 'completed' });
  expect(params).not.toHaveProperty('DialCallDuration');
  await expectEvent(alice, caller, 'ended');
  expect((await w.asked('/elsewhere')).params).toMatchObject({ CallSid: childSid, Direction: 'outbound-dial' });
  const parent = w.app.requestsTo('/voice')[0]!.params.CallSid;
  const child = (await w.rest(`/Calls/${childSid}.json`)).body;
  expect(child).toMatchObject({ direction: 'outbound-dial', parent_call_sid: parent, status: 'in-progress' });
  const listed = (await w.rest(`/Calls.json?ParentCallSid=${parent}`)).body.calls as { sid: string }[];
  expect(listed.map(({ sid }) => sid)).toEqual([childSid]);
  await callee.play([{ kind: 'digits', digits: '9' }], DEADLINE_MS);
  expect((await w.asked('/digits')).params.Digits).toBe('9');
  await expectEvent(bob, callee, 'ended');
  await w.isIdle();
});

test('rest-api.md 9.3: Status=completed on the parent ends both legs [twiml 4.2 rest-status]', async () => {
  const w = await world();
  const { alice, bob, caller, callee } = await bridged(w);
  const sid = (await w.asked('/voice')).params.CallSid;
  await w.rest(`/Calls/${sid}.json`, { Status: 'completed' });
  await expectEvent(bob, callee, 'ended');
  await expectEvent(alice, caller, 'ended');
  await untilStatus(w, sid, 'completed');
  await bridges(w, 0);
  await w.isIdle();
});

test('a call that a key made: its webhooks are signed with the auth token, not with the secret of the key [rest 21 token]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/outgoing');
  const key = (await w.rest('/Keys.json', { FriendlyName: 'caller' })).body as { sid: string; secret: string };
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const client = twilio(key.sid, key.secret, { accountSid: ACCOUNT_SID });
  client.api.baseUrl = w.gateway.info.apiUrl;
  const url = w.app.url('/outgoing');
  await client.calls.create({ to: 'client:bob', from: 'reception', url });
  await expectEvent(bob, await inbox.next('answer'), 'ended');
  const { headers, params } = await w.asked('/outgoing');
  const signature = String(headers['x-twilio-signature']);
  expect(twilio.validateRequest(AUTH_TOKEN, signature, url, params)).toBe(true);
  expect(twilio.validateRequest(key.secret, signature, url, params)).toBe(false);
  await w.isIdle();
});

test('rest-api.md 9.3: StatusCallback of a live call is replaced for the rest of it [rest 9.3 settings]', async () => {
  const w = await world();
  w.app.on('/other', { status: 204 });
  const { caller } = await bridged(w);
  const sid = (await w.asked('/voice')).params.CallSid;
  expect(await w.rest(`/Calls/${sid}.json`, { StatusCallback: w.app.url('/other') })).toMatchObject({ status: 200 });
  caller.leg.hangUp();
  expect((await w.asked('/other')).params).toMatchObject({ CallSid: sid, CallStatus: 'completed' });
  await w.isIdle();
  expect(w.app.requestsTo('/status')).toHaveLength(0);
});
