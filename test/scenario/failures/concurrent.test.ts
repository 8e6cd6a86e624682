// Many hands on one call at the same moment: REST requests, keys and hang-ups that cross each other. Every request gets an answer of the
// API, the last state is one of those that were asked for, and nothing is left.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { bridged, bridges, DEADLINE_MS, expectEvent, type RestAnswer, type World, world } from '../../support/world.ts';
import { answersByUser, askedFor, nothingIsLeft, press, talks } from './kit.ts';

/** Answers that a request may get when others were faster: done, bad for this state, or not there any more. */
const expectAnswers = (answers: readonly RestAnswer[]) =>
  expect(answers.map(({ status }) => status).filter((status) => ![200, 201, 400, 404].includes(status))).toEqual([]);

const statusOf = async (w: World, sid: string) => (await w.rest(`/Calls/${sid}.json`)).body.status;

test('twelve documents for one call at once: each is taken, one of them runs', async () => {
  const w = await world();
  w.answers('<Gather timeout="600"/>');
  w.app.on('/typed', { status: 204 });
  const alice = await w.phone('alice');
  const call = await talks(w, alice, '1000');
  const { CallSid: sid = '' } = (await w.asked('/voice')).params;
  const documents = Array.from(
    { length: 12 },
    (_, index) =>
      `<Response><Gather numDigits="1" timeout="600" action="${w.app.url(`/typed?n=${index}`)}"/></Response>`,
  );
  const answers = await Promise.all(documents.map((Twiml) => w.rest(`/Calls/${sid}.json`, { Twiml })));
  expect(answers.map(({ status }) => status)).toEqual(documents.map(() => 200));
  await press(call, '7');
  await expectEvent(alice, call, 'ended');
  expect(w.app.requestsTo('/typed').map(({ params }) => params.Digits)).toEqual(['7']);
  await nothingIsLeft(w);
});

test('a document, the end and a hang-up at once: the call is over, whoever was first', async () => {
  const w = await world();
  w.answers('<Gather timeout="600"/>');
  w.answers('<Gather timeout="600"/>', '/other');
  const alice = await w.phone('alice');
  const calls = await Promise.all(Array.from({ length: 6 }, (_, index) => talks(w, alice, `u${index}`)));
  const sids = await Promise.all(calls.map(async (_, index) => (await askedFor(w, `u${index}`)).params.CallSid ?? ''));
  expectAnswers(
    await Promise.all(
      sids.flatMap((sid, index) => {
        if (index % 2 === 0) calls[index]!.leg.hangUp();
        return [
          { Url: w.app.url('/other') },
          { Status: 'completed' },
          { Status: 'canceled' },
          { Url: w.app.url('/other') },
        ].map((form) => w.rest(`/Calls/${sid}.json`, form));
      }),
    ),
  );
  for (const call of calls) await expectEvent(alice, call, 'ended');
  for (const sid of sids) expect(await statusOf(w, sid)).toBe('completed');
  await nothingIsLeft(w);
});

test('both sides of a bridge get a document at once: each runs its own', async () => {
  const w = await world();
  w.answers('<Gather timeout="600" numDigits="1" action="/mine"/>', '/other');
  for (const path of ['/mine', '/parent']) w.answers('<Hangup/>', path);
  const { alice, bob, caller, callee } = await bridged(w);
  const parent = (await w.asked('/voice')).params.CallSid ?? '';
  const { calls } = (await w.rest(`/Calls.json?ParentCallSid=${parent}`)).body as { calls: { sid: string }[] };
  const child = calls[0]!.sid;
  const Url = w.app.url('/other');
  expectAnswers(await Promise.all([parent, child, parent, child].map((sid) => w.rest(`/Calls/${sid}.json`, { Url }))));
  await bridges(w, 0);
  // The parent's redirect may end the child before its own one came (twiml.md 4.2 point 6).
  await until(
    () => w.app.requestsTo('/other').some(({ params }) => params.CallSid === parent),
    DEADLINE_MS,
    () => 'the document of the parent',
  );
  await press(caller, '1');
  await expectEvent(alice, caller, 'ended');
  callee.leg.hangUp();
  await expectEvent(bob, callee, 'ended');
  await nothingIsLeft(w);
});

test('a participant is changed, held, announced to, kicked, and the room is ended, all at once', async () => {
  const w = await world();
  answersByUser(w, () => '<Dial action="/after"><Conference waitUrl="" beep="false">room</Conference></Dial>');
  w.answers('<Hangup/>', '/after');
  w.answers('<Pause length="1"/>', '/sound');
  const alice = await w.phone('alice');
  const calls = await Promise.all(['a', 'b', 'c'].map((user) => talks(w, alice, user)));
  const counts = () => (w.gateway.counts() as { conferences: { participants: number } }).conferences.participants;
  await until(
    () => counts() === 3,
    DEADLINE_MS,
    () => `${counts()} are in`,
  );
  const sids = await Promise.all(['a', 'b', 'c'].map(async (user) => (await askedFor(w, user)).params.CallSid ?? ''));
  const { conference_sid: room } = (await w.rest(`/Conferences/room/Participants/${sids[0]}.json`)).body;
  const forms = [
    { Muted: 'true' },
    { Hold: 'true', HoldUrl: w.app.url('/sound') },
    { AnnounceUrl: w.app.url('/sound') },
    { Hold: 'false' },
    { Coaching: 'true', CallSidToCoach: sids[2]! },
    { EndConferenceOnExit: 'true' },
  ];
  expectAnswers(
    await Promise.all([
      ...sids.flatMap((sid) => forms.map((form) => w.rest(`/Conferences/${room}/Participants/${sid}.json`, form))),
      w.rest(`/Conferences/${room}.json`, { AnnounceUrl: w.app.url('/sound') }),
      w.rest(`/Calls/${sids[1]}.json`, { Url: w.app.url('/after') }),
      w.rest(`/Calls/${sids[2]}/Recordings.json`, {}),
      w.rest(`/Conferences/${room}.json`, { Status: 'completed' }),
    ]),
  );
  for (const call of calls) await expectEvent(alice, call, 'ended');
  await nothingIsLeft(w);
});

test('one caller in a queue; two agents, REST, a key and its hang-up reach for it at once', async () => {
  const w = await world();
  answersByUser(w, (user) =>
    user.startsWith('agent')
      ? '<Dial action="/after" timeout="5"><Queue>line</Queue></Dial>'
      : '<Enqueue action="/after" waitUrl="/wait">line</Enqueue>',
  );
  w.answers('<Gather numDigits="1" timeout="600" action="/leave"/>', '/wait');
  w.answers('<Leave/>', '/leave');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  for (const act of ['leave', 'press', 'stay']) {
    const waits = `waits-${act}`;
    const caller = await talks(w, alice, waits);
    const { QueueSid } = (await askedFor(w, waits, '/wait')).params;
    const agents = Promise.all(
      [talks(w, bob, `agent1-${act}`), talks(w, bob, `agent2-${act}`)].map((one) => one.catch(() => undefined)),
    );
    const dequeued = w.rest(`/Queues/${QueueSid}/Members/Front.json`, { Url: w.app.url('/after') });
    if (act === 'press') void press(caller, '1');
    if (act === 'leave') caller.leg.hangUp();
    expectAnswers([await dequeued]);
    const took = await agents;
    if (!caller.isOver) caller.leg.hangUp();
    for (const agent of took) agent?.leg.hangUp();
    await expectEvent(alice, caller, 'ended');
    await until(
      () => w.gateway.callCount() === 0,
      DEADLINE_MS,
      () => `${w.gateway.callCount()} calls after "${act}"`,
    );
  }
  await nothingIsLeft(w);
});
