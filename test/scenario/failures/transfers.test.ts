// Transfers by and of legs that are in no conversation of two: in a room, in a queue, in a menu, with a stream. Each gets its answer
// (sip-interface.md 5.2; RFC 3891 3; RFC 3515 2.4.4), and every leg stays where it is.

import { expect, onTestFinished, test } from 'vitest';
import type { PhoneCall } from '../../../src/demo/phone.ts';
import { StreamServer } from '../../support/stream-server.ts';
import { bridges, dials, expectEvent, Inbox, type World, world } from '../../support/world.ts';
import { answersByUser, askedFor, manyCalls, nothingIsLeft, talks } from './kit.ts';

const DOMAIN = 'office.sip.localhost';

/** Replaces names the gateway's tag first (RFC 3891 3). */
function replacesOf(call: PhoneCall): string {
  const [dialog] = call.leg.dialogs;
  if (!dialog) throw new Error('the call has no dialog');
  return `${dialog.callId};to-tag=${dialog.remoteTag};from-tag=${dialog.localTag}`;
}

const toReplaced = (call: PhoneCall) => `sip:x@${DOMAIN}?Replaces=${encodeURIComponent(replacesOf(call))}`;

async function refer(call: PhoneCall, target: string) {
  const sent = call.leg.refer(target);
  if (!sent) throw new Error('the leg is not answered');
  return sent.result;
}

const live = (w: World) => w.gateway.callCount();

test('[sip 5.2 refer-outside-dial] who is in no conversation can neither transfer nor be replaced, and stays', async () => {
  const agent = await StreamServer.start();
  onTestFinished(() => agent.stop());
  const w = await world();
  const documents: Record<string, string> = {
    room: '<Dial action="/after"><Conference waitUrl="" beep="false">room</Conference></Dial>',
    queue: '<Enqueue action="/after" waitUrl="">line</Enqueue>',
    menu: '<Gather action="/after" timeout="600"/>',
    message: '<Record action="/after" timeout="0" playBeep="false"/>',
    stream: `<Connect action="/after"><Stream url="${agent.url()}"/></Connect>`,
    bob: '<Dial action="/after" referUrl="/refer"><Client>bob</Client></Dial>',
  };
  answersByUser(w, (user) => documents[user] ?? '<Reject/>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const carol = await w.phone('carol', manyCalls);
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const places = Object.keys(documents).filter((user) => user !== 'bob');
  const legs = await Promise.all(places.map((user) => talks(w, alice, user)));
  const second = await talks(w, carol, 'room');
  const talking = talks(w, carol, 'bob');
  const callee = await inbox.next('answer');
  const caller = await talking;
  await bridges(w, 1);
  const before = live(w);

  for (const leg of [...legs, second]) {
    // The leg asks: there is nobody to be transferred from.
    expect(await refer(leg, `sip:bob@${DOMAIN}`)).toMatchObject({ status: 603, end: 'refused' });
    expect(await refer(leg, toReplaced(caller))).toMatchObject({ status: 603, end: 'refused' });
    // Somebody in a conversation asks to be replaced by it: it has no far side that could be joined.
    expect(await refer(callee, toReplaced(leg))).toMatchObject({ status: 202, notified: 488 });
    // A stranger wants its place.
    const picksUp = dials(carol, w.uri('1000'), { Replaces: replacesOf(leg), Require: 'replaces' });
    expect(await expectEvent(carol, picksUp, 'failed')).toMatchObject({ status: 481 });
    expect([leg.isOver, caller.isOver, callee.isOver, live(w)]).toEqual([false, false, false, before]);
  }
  expect(w.app.requestsTo('/refer')).toEqual([]);
  expect(w.app.requestsTo('/after')).toEqual([]);
  for (const leg of [...legs, second, caller]) leg.leg.hangUp();
  for (const user of places) await askedFor(w, user, user === 'menu' ? '/voice' : '/after');
  await nothingIsLeft(w);
});

test('[rfc 3891 3 confirmed] an agent who took a caller from a queue is replaced by a colleague; the caller goes on with its queue result', async () => {
  const w = await world();
  answersByUser(w, (user) =>
    user === 'queue'
      ? '<Enqueue action="/enqueued" waitUrl="">line</Enqueue>'
      : '<Dial action="/dialled"><Queue>line</Queue></Dial>',
  );
  for (const path of ['/enqueued', '/dialled']) w.answers('<Hangup/>', path);
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const carol = await w.phone('carol');
  const caller = await talks(w, alice, 'queue');
  const agent = await talks(w, bob, 'agent');
  await bridges(w, 1);
  const colleague = dials(carol, w.uri('1000'), { Replaces: replacesOf(agent), Require: 'replaces' });
  await expectEvent(carol, colleague, 'answered');
  await expectEvent(bob, agent, 'ended');
  await bridges(w, 1);
  expect(caller.isOver).toBe(false);
  colleague.leg.hangUp();
  expect((await askedFor(w, 'queue', '/enqueued')).params).toMatchObject({ QueueResult: 'bridged' });
  await expectEvent(alice, caller, 'ended');
  await nothingIsLeft(w);
});
