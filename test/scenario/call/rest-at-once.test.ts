// Changes of one call over REST at the same moment (rest-api.md 9.3): each request has its documented answer, the call ends once, and
// nothing is left behind.

import { expect, test } from 'vitest';
import { bridged, dials, expectEvent, type RestAnswer, type World, world } from '../../support/world.ts';

const answers = (all: readonly RestAnswer[]) => all.map(({ status, body }) => [status, body.code ?? body.status]);

/** Alice in a document that waits for a key. */
async function waiting(w: World) {
  w.answers('<Gather timeout="60"/>');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'answered');
  return { alice, caller, sid: String((await w.asked('/voice')).params.CallSid) };
}

test('two documents at once: both are taken, the later one runs, and the call ends once [rest 9.3 at-once]', async () => {
  const w = await world();
  const { alice, caller, sid } = await waiting(w);
  for (const name of ['/one', '/two']) w.answers('<Hangup/>', name);
  const both = await Promise.all(
    ['/one', '/two'].map((name) => w.rest(`/Calls/${sid}.json`, { Url: w.app.url(name) })),
  );
  expect(answers(both)).toEqual([
    [200, 'in-progress'],
    [200, 'in-progress'],
  ]);
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
  // The earlier one may be replaced before its request leaves.
  const asked = w.app.requests.map(({ path }) => path).filter((path) => path === '/one' || path === '/two');
  expect(asked.length).toBe(new Set(asked).size);
  expect(asked.length).toBeGreaterThan(0);
  expect(w.app.requestsTo('/status').map(({ params }) => params.CallStatus)).toEqual(['completed']);
});

test('the end and another document at once: the call ends once, whichever was first [rest 9.3 at-once]', async () => {
  const w = await world();
  const { alice, caller, sid } = await waiting(w);
  w.answers('<Gather timeout="60"/>', '/else');
  const path = `/Calls/${sid}.json`;
  const all = await Promise.all([
    w.rest(path, { Url: w.app.url('/else') }),
    w.rest(path, { Status: 'completed' }),
    w.rest(path, { Twiml: '<Response><Pause length="60"/></Response>' }),
    w.rest(path, { Status: 'completed' }),
    w.rest(path, { Status: 'canceled' }),
    w.rest(path, { TimeLimit: '600', StatusCallback: w.app.url('/status') }),
  ]);
  for (const [status, what] of answers(all))
    expect(status === 200 ? ['in-progress', 'completed'] : [21220]).toContain(what);
  await expectEvent(alice, caller, 'ended');
  expect((await w.rest(path)).body.status).toBe('completed');
  expect((await w.rest(path, { Url: w.app.url('/else') })).body.code).toBe(21220);
  await w.isIdle();
  expect(w.app.requestsTo('/status').map(({ params }) => params.CallStatus)).toEqual(['completed']);
});

test('twenty changes of both legs of a Dial at once: the phones part, no leg stays [rest 9.3 at-once]', async () => {
  const w = await world();
  const { alice, bob, caller, callee } = await bridged(
    w,
    `<Dial action="/after"><Client statusCallback="${w.app.url('/child')}" statusCallbackEvent="answered">bob</Client></Dial>`,
  );
  w.app.on('/child', { status: 204 });
  w.answers('<Hangup/>', '/else');
  const parent = (await w.asked('/voice')).params.CallSid;
  const child = (await w.asked('/child')).params.CallSid;
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      w.rest(`/Calls/${index % 2 === 0 ? parent : child}.json`, { Url: w.app.url('/else') }),
    ),
  );
  for (const [status, what] of answers(all))
    expect(status === 200 ? ['in-progress', 'completed'] : [21220]).toContain(what);
  await expectEvent(alice, caller, 'ended');
  await expectEvent(bob, callee, 'ended');
  await w.isIdle();
});

test('an update while the peer hangs up: 200 or 21220, never a fault [rest 9.3 at-once]', async () => {
  const w = await world();
  const { caller, sid } = await waiting(w);
  caller.leg.hangUp();
  const all = await Promise.all(
    [{ Status: 'completed' }, { Twiml: '<Response><Hangup/></Response>' }, { TimeLimit: '5' }, {}].map((form) =>
      w.rest(`/Calls/${sid}.json`, form),
    ),
  );
  for (const { status, body } of all) expect(status === 200 || body.code === 21220).toBe(true);
  await w.isIdle();
});
