// Calls that the application dials on: how they are set up, and how they fail. Over real sockets.

import { expect, test } from 'vitest';
import { bridged, bridges, DEADLINE_MS, dials, expectEvent, Inbox, world } from '../../support/world.ts';

const SCREENED_RING = '<Dial answerOnBridge="true" action="/after"><Client>bob</Client></Dial>';

test('twiml.md 3.3: the action of a bridged Dial tells all Dial* parameters; the domain is called back once, after it [sip 2.5 action-parameters] [sip 2.5 action-sip-call-id] [sip 8.1 inbound-once] [sip 8.3 answered] [twiml 3.3 dial-status] [twiml 6.2 no-verb-meanwhile] [twiml 6.2 callee-leaves] [twiml 8.2 inbound] [twiml 16 point-23]', async () => {
  const w = await world();
  const { alice, bob, caller, callee } = await bridged(
    w,
    '<Dial action="/after"><Sip>sip:bob@office.sip.localhost</Sip></Dial>',
  );
  callee.leg.hangUp();
  const after = await w.asked('/after');
  const [voice] = w.app.requestsTo('/voice');
  expect(after.params).toMatchObject({
    CallSid: voice!.params.CallSid,
    CallStatus: 'in-progress',
    DialCallStatus: 'completed',
    DialBridged: 'true',
    DialSipCallId: callee.callId,
    DialSipResponseCode: '200',
  });
  expect(after.params.DialCallSid).toMatch(/^CA[0-9a-f]{32}$/);
  expect(after.params.DialCallSid).not.toBe(voice!.params.CallSid);
  expect(Number(after.params.DialCallDuration)).toBeLessThan(5);
  await expectEvent(alice, caller, 'ended');
  await expectEvent(bob, callee, 'ended');
  const status = await w.asked('/status');
  expect(status.params).toMatchObject({
    CallSid: voice!.params.CallSid,
    CallStatus: 'completed',
    Direction: 'inbound',
    CallbackSource: 'call-progress-events',
    SequenceNumber: '0',
    SipResponseCode: '200',
  });
  await w.isIdle();
  expect(w.app.requests.map((request) => request.path)).toEqual(['/voice', '/after', '/status']);
});

test('twiml.md 4.2 point 5: the caller hangs up; the action is still asked, and the callee gets BYE [sip 10 trap-11] [twiml 4.2 dial-hangup] [twiml 6.2 caller-leaves]', async () => {
  const w = await world();
  const { bob, caller, callee } = await bridged(w);
  caller.leg.hangUp();
  expect(await expectEvent(bob, callee, 'ended')).toMatchObject({ by: 'remote' });
  const after = await w.asked('/after');
  expect(after.params).toMatchObject({ CallStatus: 'completed', DialCallStatus: 'completed', DialBridged: 'true' });
  expect((await w.asked('/status')).params.CallStatus).toBe('completed');
  await w.isIdle();
  // Trap 11, sip-interface.md 8: once, and after the last action request.
  expect(w.app.requests.map((request) => request.path)).toEqual(['/voice', '/after', '/status']);
});

test('sip-interface.md 1.4: caller sends CANCEL while the callee rings: 487 to the caller, CANCEL to the callee [sip 1.4 cancel] [sip 8.3 parent-leaves]', async () => {
  const w = await world();
  w.answers(SCREENED_RING);
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next();
  caller.leg.hangUp();
  await expectEvent(bob, callee, 'canceled');
  expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 487 });
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'canceled', DialSipResponseCode: '487' });
  expect((await w.asked('/status')).params).toMatchObject({
    CallStatus: 'canceled',
    SipResponseCode: '487',
    CallDuration: '0',
  });
  await w.isIdle();
});

test('sip-interface.md 8.3: what a callee answers becomes the status of the Dial; its X-headers reach the action [sip 2.5 action-response-code] [sip 2.5 action-headers] [sip 8.2 dial-status] [sip 8.3 busy] [twiml 3.3 dial-sip] [twiml 3.4 busy] [twiml 6.2 no-answer] [twiml 6.2 sip-codes]', async () => {
  const w = await world();
  w.answers(SCREENED_RING);
  w.answers('<Reject reason="busy"/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const rows = [
    [486, 'busy'],
    [603, 'busy'],
    [480, 'no-answer'],
    [404, 'failed'],
    [500, 'failed'],
  ] as const;
  for (const [index, [sipStatus, dialStatus]] of rows.entries()) {
    const caller = dials(alice, w.uri('1000'));
    (await inbox.next()).leg.refuse(sipStatus, undefined, [['X-Why', 'in a meeting']]);
    expect((await w.asked('/after', index + 1)).params).toMatchObject({
      CallStatus: 'ringing',
      DialCallStatus: dialStatus,
      DialBridged: 'false',
      DialSipResponseCode: String(sipStatus),
      DialCallDuration: '0',
      'DialSipHeader_X-Why': 'in a meeting',
    });
    expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 486 });
    expect((await w.asked('/status', index + 1)).params).toMatchObject({ CallStatus: 'busy', SipResponseCode: '486' });
  }
  await w.isIdle();
});

test('twiml.md 6.1: timeout, and 5 s on top of it: CANCEL to the callee, no-answer with 487 [sip 2.1 timeout] [sip 8.3 ring-timeout] [twiml 3.4 no-answer] [twiml 6.1 timeout-extra] [twiml 6.2 no-answer] [twiml 16 point-13]', async () => {
  const w = await world({ clockRate: 10 });
  w.answers('<Dial answerOnBridge="true" timeout="5" action="/after"><Client>bob</Client></Dial>');
  w.answers('<Reject/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(bob, await inbox.next(), 'canceled');
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'no-answer', DialSipResponseCode: '487' });
  expect(await expectEvent(alice, caller, 'failed')).toMatchObject({ status: 404 });
  await w.isIdle();
});

test('sip-interface.md 8.1: events that a noun does not name are not told [sip 8.1 child-events] [twiml 6.3 status-callback] [twiml 8.1 subscribed]', async () => {
  const w = await world();
  w.app.on('/child', { status: 204 });
  const noun = `<Sip statusCallback="${w.app.url('/child')}" statusCallbackEvent="answered">sip:bob@office.sip.localhost</Sip>`;
  const { caller, callee } = await bridged(w, `<Dial>${noun}</Dial>`);
  callee.leg.hangUp();
  await caller.waitFor(DEADLINE_MS, 'ended');
  await w.isIdle();
  expect(w.app.requestsTo('/child').map(({ params }) => params.CallStatus)).toEqual(['in-progress']);
});

test('sip-interface.md 3: dialling a user without binding fails with 404, alert 32009, and is called back about [sip 3 not-registered] [sip 8.1 error-code] [sip 8.1 child-sids] [twiml 3.4 failed] [twiml 8.1 sids]', async () => {
  const w = await world();
  w.app.on('/child', { status: 204 });
  w.answers(
    `<Dial answerOnBridge="true" action="/after"><Sip statusCallback="${w.app.url('/child')}">sip:carol@office.sip.localhost</Sip></Dial>`,
  );
  w.answers('<Reject/>', '/after');
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  const after = await w.asked('/after');
  expect(after.params).toMatchObject({ DialCallStatus: 'failed', DialSipResponseCode: '404', DialBridged: 'false' });
  expect((await w.asked('/child')).params).toMatchObject({
    CallSid: after.params.DialCallSid,
    CallStatus: 'failed',
    SipResponseCode: '404',
    ErrorCode: '32009',
    ErrorMessage: 'carol@office.sip.localhost is not registered',
    Direction: 'outbound-dial',
    ParentCallSid: w.app.requestsTo('/voice')[0]!.params.CallSid,
  });
  await expectEvent(alice, caller, 'failed');
  await w.isIdle();
  const { body } = await w.rest(`/Calls/${after.params.DialCallSid}/Notifications.json`);
  expect(JSON.stringify(body)).toContain('32009');
});

test('sip-interface.md 1.4, trap 3: 180 is sent before the webhook is asked, 200 only when the callee answers [sip 1.4 ringing-first] [sip 1.4 answer-on-bridge] [sip 10 trap-3] [twiml 4.3 ringing] [twiml 4.3 answer-on-bridge]', async () => {
  const w = await world();
  let answer = (_: ReturnType<typeof Object>) => {};
  const gate = new Promise((resolve) => {
    answer = resolve;
  });
  w.app.on('/voice', async () => {
    await gate;
    return { headers: { 'Content-Type': 'text/xml' }, body: `<Response>${SCREENED_RING}</Response>` };
  });
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const caller = dials(alice, w.uri('1000'));
  expect(await expectEvent(alice, caller, 'ringing')).toMatchObject({ status: 180, earlyMedia: false });
  answer({});
  const callee = await inbox.next();
  expect(caller.events.map((event) => event.type)).not.toContain('answered');
  await callee.leg.answer();
  await expectEvent(alice, caller, 'answered');
  await bridges(w, 1);
  caller.leg.hangUp();
  await w.isIdle();
});

// holds: [twiml 8.1 events] [twiml 8.1 sids] [twiml 8.1 sequence-number]
test('sip-interface.md 8.1: a child is called back in order with SequenceNumber from 0 [sip 2.1 status-callback] [sip 8.1 child-events] [sip 8.1 sequence-number] [sip 8.2 events] [twiml 3.4 initiated] [twiml 6.3 status-callback]', async () => {
  const w = await world();
  w.app.on('/child', { status: 204 });
  const { caller, callee } = await bridged(
    w,
    `<Dial><Sip statusCallback="${w.app.url('/child')}" statusCallbackEvent="initiated ringing answered completed">sip:bob@office.sip.localhost</Sip></Dial>`,
  );
  callee.leg.hangUp();
  await w.asked('/child', 4);
  const told = w.app.requestsTo('/child').map(({ params }) => [params.CallStatus, params.SequenceNumber]);
  expect(told).toEqual([
    ['initiated', '0'],
    ['ringing', '1'],
    ['in-progress', '2'],
    ['completed', '3'],
  ]);
  const last = w.app.requestsTo('/child')[3]!.params;
  expect(last).toMatchObject({
    Direction: 'outbound-dial',
    SipResponseCode: '200',
    CallbackSource: 'call-progress-events',
  });
  expect(Object.keys(last)).toEqual(expect.arrayContaining(['CallDuration', 'Duration', 'Timestamp', 'ParentCallSid']));
  await caller.waitFor(DEADLINE_MS, 'ended');
  await w.isIdle();
});

test('sip-interface.md 3, trap 8: all bindings of a user ring at once; the first answer wins, the other is cancelled [sip 3 all-ring] [sip 10 trap-8]', async () => {
  const w = await world();
  w.answers('<Dial><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  const desk = await w.phone('bob');
  const mobile = await w.phone('bob');
  const atDesk = new Inbox(desk, 'desk');
  const atMobile = new Inbox(mobile, 'mobile');
  const caller = dials(alice, w.uri('1000'));
  const [first, second] = await Promise.all([atDesk.next(), atMobile.next()]);
  await second.leg.answer();
  await expectEvent(desk, first, 'canceled');
  await bridges(w, 1);
  caller.leg.hangUp();
  await expectEvent(mobile, second, 'ended');
  await w.isIdle();
});

test('interop.md: a dead binding does not delay the answer of the live one', async () => {
  const w = await world();
  w.answers('<Dial action="/after"><Client>bob</Client></Dial>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  const dead = await w.phone('bob');
  await dead.stop();
  const live = await w.phone('bob');
  const inbox = new Inbox(live, 'the live phone');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('answer');
  await bridges(w, 1);
  callee.leg.hangUp();
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'true' });
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
});

test('twiml.md 6.2: sequential targets ring one after another until one answers [sip 2.1 sequential] [twiml 6.2 sequential]', async () => {
  const w = await world();
  w.answers('<Dial sequential="true"><Client>bob</Client><Client>carol</Client></Dial>');
  const alice = await w.phone('alice');
  const bob = new Inbox(await w.phone('bob'), 'bob');
  const carol = new Inbox(await w.phone('carol'), 'carol');
  const caller = dials(alice, w.uri('1000'));
  const first = await bob.next();
  expect(carol.calls).toHaveLength(0);
  first.leg.refuse(486);
  await carol.next('answer');
  await bridges(w, 1);
  caller.leg.hangUp();
  await w.isIdle();
});

test('twiml.md 6.2: parallel nouns, the first to answer wins [sip 2.1 parallel] [twiml 6.2 parallel]', async () => {
  const w = await world();
  w.answers('<Dial><Client>bob</Client><Client>carol</Client></Dial>');
  const alice = await w.phone('alice');
  const bobPhone = await w.phone('bob');
  const bob = new Inbox(bobPhone, 'bob');
  const carol = new Inbox(await w.phone('carol'), 'carol');
  const caller = dials(alice, w.uri('1000'));
  const [loser, winner] = await Promise.all([bob.next(), carol.next()]);
  await winner.leg.answer();
  await expectEvent(bobPhone, loser, 'canceled');
  await bridges(w, 1);
  caller.leg.hangUp();
  await w.isIdle();
});

// holds: [twiml 3.1 direction] [twiml 3.1 parent-call-sid] [twiml 3.3 screening] [twiml 3.3 screening-sip]
// holds: [twiml 4.2 end-of-screening]
// holds: [twiml 6.3 url] [twiml 6.3 url-verbs] [twiml 6.3 screening-end]
test('sip-interface.md 2.5, trap 7: screening runs on the callee with the X-headers of its 200, and bridges at its end [sip 2.1 screening] [sip 2.5 screening-called] [sip 2.5 screening-sip-call-id] [sip 2.5 screening-sip-domain] [sip 2.5 screening-source-ip] [sip 2.5 screening-headers] [sip 10 trap-7]', async () => {
  const w = await world();
  w.answers(`<Dial answerOnBridge="true"><Sip url="/screen">sip:bob@office.sip.localhost</Sip></Dial>`);
  w.answers('<Gather numDigits="1" timeout="8" action="/decide"/><Hangup/>', '/screen');
  w.answers('<Pause length="0"/>', '/decide');
  const alice = await w.phone('alice');
  const inbox = new Inbox(await w.phone('bob'), 'bob');
  const caller = dials(alice, w.uri('1000'));
  const callee = await inbox.next('answer');
  const screen = await w.asked('/screen');
  expect(screen.params).toMatchObject({
    Direction: 'outbound-dial',
    CallStatus: 'in-progress',
    ParentCallSid: w.app.requestsTo('/voice')[0]!.params.CallSid,
    SipCallId: callee.callId,
    SipDomain: 'office.sip.localhost',
    SipSourceIp: '127.0.0.1',
    Called: 'sip:bob@office.sip.localhost',
    Caller: 'sip:alice@office.sip.localhost',
  });
  expect(screen.params['SipHeader_X-Twilio-CallSid']).toMatch(/^CA/);
  expect(screen.params.SipDomainSid).toMatch(/^SD/);
  expect(caller.events.map((event) => event.type)).not.toContain('answered');
  await callee.play([{ kind: 'digits', digits: '1' }], DEADLINE_MS);
  expect((await w.asked('/decide')).params.Digits).toBe('1');
  await expectEvent(alice, caller, 'answered');
  await bridges(w, 1);
  caller.leg.hangUp();
  await w.isIdle();
});

test('twiml.md 6.3: Hangup in the screening document declines: completed, DialBridged false [sip 2.1 screening-declines] [twiml 5.9 in-screening] [twiml 6.3 screening-hangup]', async () => {
  const w = await world();
  w.answers(`<Dial answerOnBridge="true" action="/after"><Sip url="/screen">sip:bob@office.sip.localhost</Sip></Dial>`);
  w.answers('<Hangup/>', '/screen');
  w.answers('<Reject/>', '/after');
  const alice = await w.phone('alice');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  dials(alice, w.uri('1000'));
  await expectEvent(bob, await inbox.next('answer'), 'ended');
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'completed', DialBridged: 'false' });
  await w.isIdle();
});
