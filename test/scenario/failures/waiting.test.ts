// Documents beside the main one that cannot be had: of a called party, of those who wait in a queue or a conference, of announcements. The
// failures of one place run side by side.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { bridges, DEADLINE_MS, expectEvent, Inbox, twiml, type World, world } from '../../support/world.ts';
import {
  answersByUser,
  callsOf,
  documentRows,
  logged,
  manyCalls,
  nothingIsLeft,
  type Row,
  type RowCall,
  settings,
  talks,
  userOf,
} from './kit.ts';

const urlOf = (rows: readonly Row[], user: string): string => rows.find((row) => row.user === user)!.url;

/** What the application was asked at `path` for the call of a row. */
const toldOf = (w: World, path: string, { sid }: RowCall) =>
  until(
    () => w.app.requestsTo(path).find(({ params }) => params.CallSid === sid)?.params,
    DEADLINE_MS,
    () => `a request to ${path} for ${sid}`,
  );

test('url of a called party: it hears the announcement and BYE, the caller goes on', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(w, (user) => `<Dial action="/after"><Client url="${urlOf(rows, user)}">bob</Client></Dial>`);
  w.answers('<Hangup/>', '/after');
  const bob = await w.phone('bob', manyCalls);
  bob.onCall((call) => void call.leg.answer());
  const calls = await callsOf(w, rows);
  for (const made of calls) {
    expect(await toldOf(w, '/after', made)).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'false' });
    await expectEvent(made.phone, made.call, 'ended');
  }
  for (const { code } of rows) expect(w.log.join('')).toContain(`"errorCode":${code}`);
  await nothingIsLeft(w);
});

test('waitUrl of Enqueue: QueueResult=error, and the call goes on', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(w, (user) => `<Enqueue action="/after" waitUrl="${urlOf(rows, user)}">line</Enqueue>`);
  w.answers('<Hangup/>', '/after');
  for (const made of await callsOf(w, rows)) {
    await logged(w, made.sid, made.row.code);
    expect(await toldOf(w, '/after', made)).toMatchObject({
      QueueResult: 'error',
      QueueSid: expect.stringMatching(/^QU/),
    });
    await expectEvent(made.phone, made.call, 'ended');
  }
  await nothingIsLeft(w);
});

test('waitUrl of a Conference: not in it, DialCallStatus=failed, and the call goes on', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(
    w,
    (user) => `<Dial action="/after"><Conference waitUrl="${urlOf(rows, user)}">room ${user}</Conference></Dial>`,
  );
  w.answers('<Hangup/>', '/after');
  for (const made of await callsOf(w, rows)) {
    await logged(w, made.sid, made.row.code);
    expect(await toldOf(w, '/after', made)).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
    await expectEvent(made.phone, made.call, 'ended');
  }
  await nothingIsLeft(w);
});

test('url of a Queue noun: the two are connected nevertheless', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  w.app.on('/voice', (request) => {
    const user = userOf(request);
    const isAgent = request.params.From?.startsWith('sip:bob@');
    return twiml(
      isAgent
        ? `<Dial action="/after"><Queue url="${urlOf(rows, user)}">line ${user}</Queue></Dial>`
        : `<Enqueue waitUrl="">line ${user}</Enqueue>`,
    );
  });
  w.answers('<Hangup/>', '/after');
  const calls = await callsOf(w, rows);
  const bob = await w.phone('bob', manyCalls);
  const agents = await Promise.all(rows.map(({ user }) => talks(w, bob, user)));
  await bridges(w, rows.length);
  await Promise.all(calls.map(({ sid, row }) => logged(w, sid, row.code)));
  for (const agent of agents) agent.leg.hangUp();
  await Promise.all(calls.map(({ phone, call }) => expectEvent(phone, call, 'ended')));
  await nothingIsLeft(w);
});

test('HoldUrl and AnnounceUrl: the participant stays, on hold in silence; the failure of the announcement is told', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  w.answers(
    '<Dial><Conference beep="false" waitUrl="" statusCallback="/room" statusCallbackEvent="join announcement">room</Conference></Dial>',
  );
  w.app.on('/room', { status: 204 });
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const calls = [await talks(w, alice, '1'), await talks(w, bob, '1')];
  await w.asked('/room', 2);
  const { ConferenceSid, CallSid } = (await w.asked('/room')).params;
  const participant = `/Conferences/${ConferenceSid}/Participants/${CallSid}.json`;
  const fails = () =>
    w.app.requestsTo('/room').filter(({ params }) => params.StatusCallbackEvent === 'announcement-fail');
  for (const [index, { url, code }] of rows.entries()) {
    const held = await w.rest(participant, { Hold: 'true', HoldUrl: url });
    expect(held).toMatchObject({ status: 200, body: { hold: true, status: 'connected' } });
    await w.rest(participant, { Hold: 'false' });
    await w.rest(participant, { AnnounceUrl: url });
    await w.rest(`/Conferences/${ConferenceSid}.json`, { AnnounceUrl: url });
    await until(
      () => fails().length === 2 * (index + 1),
      DEADLINE_MS,
      () => `two failures of ${url}; ${fails().length} in all`,
    );
    const told = fails().slice(-2);
    expect(told.map(({ params }) => params.AnnounceUrl)).toEqual([url, url]);
    expect(told.map(({ params }) => params.ReasonAnnouncementFailed).join()).toContain(String(code));
  }
  expect((await w.rest(participant)).body).toMatchObject({ hold: false, status: 'connected' });
  for (const call of calls) call.leg.hangUp();
  await nothingIsLeft(w);
});

test('Url of a REST redirect: the session that ran is over, announcement and BYE', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(w, () => '<Enqueue action="/after" waitUrl="">line</Enqueue>');
  w.answers('<Hangup/>', '/after');
  const calls = await callsOf(w, rows);
  await Promise.all(
    calls.map(async (made) => {
      const answer = await w.rest(`/Calls/${made.sid}.json`, { Url: made.row.url });
      expect(answer.status).toBe(200);
      expect(await toldOf(w, '/after', made)).toMatchObject({ QueueResult: 'redirected' });
      await logged(w, made.sid, made.row.code);
      expect(await expectEvent(made.phone, made.call, 'ended')).toMatchObject({ by: 'remote' });
    }),
  );
  await nothingIsLeft(w);
});

test('referUrl: NOTIFY 503, and the caller of the transfer is told', async () => {
  const w = await world(settings);
  const rows = await documentRows(w);
  answersByUser(w, (user) => `<Dial answerOnBridge="true" referUrl="${urlOf(rows, user)}"><Client>bob</Client></Dial>`);
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const alice = await w.phone('alice');
  for (const { user } of rows.slice(0, 4)) {
    const call = talks(w, alice, user);
    const callee = await inbox.next('answer');
    await call;
    const sent = callee.leg.refer('sip:carol@office.sip.localhost');
    expect(await sent?.result).toMatchObject({ status: 202, notified: 503 });
    (await call).leg.hangUp();
  }
  await nothingIsLeft(w);
});
