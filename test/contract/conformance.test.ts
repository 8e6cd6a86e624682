// The conformance checks of rest-api.md 22, one test each, with the vendor's library unmodified against a whole gateway with phones.

import twilio from 'twilio';
import { expect, test } from 'vitest';
import { GatewayHttpClient } from '../support/api-world.ts';
import { until } from '../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  type World,
  world,
} from '../support/world.ts';

const httpOf = (w: World) => new GatewayHttpClient(w.gateway.info.apiUrl);
const clientOf = (w: World, httpClient = httpOf(w)) => twilio(ACCOUNT_SID, AUTH_TOKEN, { httpClient });

test('SIP To with headers, two events, record: the exact strings; 201 without a start [rest 22 check-1]', async () => {
  const w = await world();
  w.app.on('/progress', { status: 204 });
  w.answers('<Hangup/>', '/outgoing');
  const bob = await w.phone('bob', { registered: false });
  const inbox = new Inbox(bob, 'bob');
  const call = await clientOf(w).calls.create({
    to: `sip:bob@127.0.0.1:${bob.port};transport=udp?X-A=1&X-B=2`,
    from: 'Front+Desk',
    url: w.app.url('/outgoing?a=b+c&d=%C3%BC'),
    statusCallback: w.app.url('/progress?x=1&y=%26'),
    statusCallbackEvent: ['answered', 'completed'],
    record: true,
  });
  expect([call.startTime, call.status, call.direction]).toEqual([null, 'queued', 'outbound-api']);
  expect(call.dateCreated).toBeInstanceOf(Date);
  await inbox.next('answer');
  expect((await w.asked('/outgoing')).target).toBe('/outgoing?a=b+c&d=%C3%BC');
  await w.asked('/progress', 2);
  const told = w.app.requestsTo('/progress').map(({ params, target }) => [params.CallStatus, params.From, target]);
  expect(told).toEqual(
    ['in-progress', 'completed'].map((status) => [
      status,
      expect.stringContaining('Front+Desk'),
      '/progress?x=1&y=%26',
    ]),
  );
  await w.isIdle();
});

test('lists: pages of two, more than there is, and StartTime> [rest 22 check-2]', async () => {
  const w = await world();
  const http = httpOf(w);
  const client = clientOf(w, http);
  const made = [];
  for (let count = 0; count < 5; count++) {
    const call = await client.calls.create({ to: 'client:nobody', from: 'desk', twiml: '<Response/>' });
    made.unshift(call.sid);
  }
  expect((await client.calls.list({ limit: 5, pageSize: 2 })).map(({ sid }) => sid)).toEqual(made);
  expect(http.requests.filter(({ method }) => method === 'get')).toHaveLength(3);
  expect(await client.calls.list({ limit: 5_000 })).toHaveLength(5);
  const [long] = http.requests.slice(-1);
  expect(long?.params ?? {}).toMatchObject({ PageSize: 5_000 });
  expect(await client.calls.list({ startTimeAfter: new Date(Date.now() + 3_600_000) })).toEqual([]);
  expect(JSON.stringify(http.requests.at(-1))).toContain('StartTime>');
  expect(await client.calls.list({ startTimeAfter: new Date(Date.now() - 3_600_000) })).toHaveLength(5);
  await w.isIdle();
});

test('v1: byocTrunks.list() over two pages by meta.next_page_url on our own origin [rest 22 check-3]', async () => {
  const w = await world();
  const client = clientOf(w);
  const names = ['a', 'b', 'c'];
  for (const friendlyName of names) await client.voice.v1.byocTrunks.create({ friendlyName });
  const page = await client.voice.v1.byocTrunks.page({ pageSize: 2 });
  expect(page.nextPageUrl).toMatch(new RegExp(`^${w.gateway.info.apiUrl}/v1/ByocTrunks\\?`));
  const listed = await client.voice.v1.byocTrunks.list({ pageSize: 2 });
  expect(listed.map(({ friendlyName }) => friendlyName)).toEqual(names.toReversed());
});

test('remove: true with 204, 20009 while live, RestException 404 with moreInfo for what is not there [rest 22 check-4]', async () => {
  const w = await world();
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const client = clientOf(w);
  const call = await client.calls.create({
    to: 'client:bob',
    from: 'desk',
    twiml: '<Response><Pause length="60"/></Response>',
  });
  await inbox.next('ring');
  await expect(client.calls(call.sid).remove()).rejects.toMatchObject({ status: 409, code: 20009 });
  expect((await client.calls(call.sid).update({ status: 'canceled' })).status).toBe('canceled');
  expect(await client.calls(call.sid).remove()).toBe(true);
  const gone = client.calls(call.sid).fetch();
  await expect(gone).rejects.toBeInstanceOf(twilio.RestException);
  await expect(gone).rejects.toMatchObject({
    status: 404,
    code: 20404,
    moreInfo: 'https://www.twilio.com/docs/errors/20404',
  });
  await w.isIdle();
});

test('a room by its name, a participant by its label, Front of a queue, Twilio.CURRENT of a call [rest 22 check-5]', async () => {
  const w = await world();
  w.answers('<Pause length="60"/>', '/out-of-queue');
  const client = clientOf(w);
  const [bob, carol] = [await w.phone('bob'), await w.phone('carol')];
  const [toBob, toCarol] = [new Inbox(bob, 'bob'), new Inbox(carol, 'carol')];
  const added = await client
    .conferences('Room 1')
    .participants.create({ to: 'client:bob', from: 'desk', label: 'my label', waitUrl: '', earlyMedia: false });
  expect(added).toMatchObject({
    label: 'my label',
    status: 'queued',
    conferenceSid: expect.stringMatching(/^CF[0-9a-f]{32}$/),
  });
  await toBob.next('answer');
  const labelled = client.conferences(added.conferenceSid).participants('my label');
  await until(
    async () => (await labelled.fetch()).status === 'connected',
    DEADLINE_MS,
    () => 'the participant to be in',
  );
  expect((await labelled.update({ hold: true })).hold).toBe(true);
  expect((await labelled.update({ hold: false })).hold).toBe(false);
  const queue = await client.queues.create({ friendlyName: 'support' });
  const twiml = '<Response><Enqueue waitUrl="">support</Enqueue></Response>';
  const waiting = await client.calls.create({ to: 'client:carol', from: 'desk', twiml });
  await toCarol.next('answer');
  await until(
    async () => (await client.queues(queue.sid).fetch()).currentSize === 1,
    DEADLINE_MS,
    () => 'the caller to wait',
  );
  expect(
    (
      await client
        .queues(queue.sid)
        .members('Front')
        .update({ url: w.app.url('/out-of-queue') })
    ).callSid,
  ).toBe(waiting.sid);
  await w.asked('/out-of-queue');
  const recordings = client.calls(waiting.sid).recordings;
  const { sid } = await recordings.create();
  expect(await recordings('Twilio.CURRENT').update({ status: 'paused' })).toMatchObject({ sid, status: 'paused' });
  expect((await recordings('Twilio.CURRENT').update({ status: 'stopped' })).status).toBe('stopped');
  for (const call of await client.calls.list({ status: 'in-progress' }))
    await client.calls(call.sid).update({ status: 'completed' });
  await w.isIdle();
});

test('a key makes the same calls; a standard key on keys.list() is 401 [rest 22 check-6]', async () => {
  const w = await world();
  const { sid, secret } = await clientOf(w).newKeys.create({ friendlyName: 'conformance' });
  const client = twilio(sid, secret, { accountSid: ACCOUNT_SID, httpClient: httpOf(w) });
  const call = await client.calls.create({ to: 'client:nobody', from: 'desk', twiml: '<Response/>' });
  expect((await client.calls(call.sid).fetch()).accountSid).toBe(ACCOUNT_SID);
  expect((await client.calls.list()).map((one) => one.sid)).toEqual([call.sid]);
  await expect(client.keys.list()).rejects.toMatchObject({ status: 401, code: 20003 });
  await w.isIdle();
});

test('a wrong token is 401, 20003; dates of a call are there or null, never made up [rest 22 check-7]', async () => {
  const w = await world();
  const wrong = twilio(ACCOUNT_SID, 'f'.repeat(32), { httpClient: httpOf(w) });
  await expect(wrong.calls.list()).rejects.toMatchObject({ status: 401, code: 20003 });
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const client = clientOf(w);
  const { sid } = await client.calls.create({
    to: 'client:bob',
    from: 'desk',
    twiml: '<Response><Hangup/></Response>',
  });
  const ringing = await inbox.next('ring');
  const before = await until(
    async () => {
      const call = await client.calls(sid).fetch();
      return call.status !== 'queued' && call;
    },
    DEADLINE_MS,
    () => 'the call as one that rings',
  );
  expect([before.startTime, before.endTime]).toEqual([expect.any(Date), null]);
  await ringing.leg.answer();
  await expectEvent(bob, ringing, 'ended');
  await until(
    async () => (await client.calls(sid).fetch()).endTime !== null,
    DEADLINE_MS,
    () => 'the end of the call',
  );
  await w.isIdle();
});

test('validateRequest accepts every webhook that the gateway sends: form, query, media, callbacks [rest 22 check-8]', async () => {
  const w = await world();
  w.app.on('/status', { status: 204 });
  w.app.on('/progress', { status: 204 });
  w.answers('<Gather action="/digits?kind=a%20b" method="GET" numDigits="1" timeout="8"/>');
  w.answers(
    '<Dial action="/after" timeLimit="1"><Client statusCallback="/progress?leg=bob" statusCallbackEvent="initiated ringing answered completed" url="/screen">bob</Client></Dial>',
    '/digits',
  );
  w.answers('<Pause length="1"/>', '/screen');
  w.answers('<Redirect method="GET">/end?ü=1&amp;a=</Redirect>', '/after');
  w.answers('<Hangup/>', '/end');
  const [alice, bob] = [await w.phone('alice'), await w.phone('bob')];
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'), { 'X-Note': 'grüße & more=1' });
  await expectEvent(alice, caller, 'answered');
  await caller.play([{ kind: 'digits', digits: '5' }], DEADLINE_MS);
  await inbox.next('answer');
  await expectEvent(alice, caller, 'ended');
  await w.asked('/progress', 4);
  await w.asked('/status');
  const paths = new Set(w.app.requests.map(({ path }) => path));
  expect([...paths].toSorted()).toEqual(['/after', '/digits', '/end', '/progress', '/screen', '/status', '/voice']);
  for (const { headers, target, params, method } of w.app.requests) {
    const signature = String(headers['x-twilio-signature']);
    const isValid = twilio.validateRequest(AUTH_TOKEN, signature, w.app.url(target), method === 'POST' ? params : {});
    expect([target, isValid]).toEqual([target, true]);
    expect(twilio.validateRequest('another token', signature, w.app.url(target), method === 'POST' ? params : {})).toBe(
      false,
    );
  }
  await w.isIdle();
});
