// Conferences with real phones over real sockets: who hears whom, and what the application is told.

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import { CLEAN_SHARE, DEADLINE_MS, expectEvent, Inbox, shareHeard, world } from '../../support/world.ts';
import { conferenceCounts, isDeafTo, join, type Member, nothingLeft, statuses, told } from './kit.ts';

test('three phones hear each other and not themselves; the last to leave ends it [twiml 7.1 mix] [twiml 7.1 last-left]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  const [alice, bob, carol] = (await join(w, ['alice', 'bob', 'carol'])) as [Member, Member, Member];
  await told(w, 'conference-start');
  for (const [speaker, frequency] of [
    [alice, 500],
    [bob, 800],
    [carol, 1_100],
  ] as const) {
    for (const listener of [alice, bob, carol].filter((one) => one !== speaker))
      expect(await shareHeard(w, listener.call, speaker.call, frequency)).toBeGreaterThan(CLEAN_SHARE);
    await isDeafTo(w, speaker.call, speaker.call, frequency);
  }
  alice.call.leg.hangUp();
  expect(await told(w, 'participant-leave')).toMatchObject({
    CallSid: alice.sid,
    ReasonParticipantLeft: 'participant_hung_up',
    ParticipantCallStatus: 'completed',
  });
  bob.call.leg.hangUp();
  carol.call.leg.hangUp();
  await told(w, 'conference-end');
  expect(w.app.requestsTo('/after').map(({ params }) => params.DialCallStatus)).toEqual(Array(3).fill('answered'));
  await nothingLeft(w);
  const numbers = w.app.requestsTo('/conference').map(({ params }) => Number(params.SequenceNumber));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test('endConferenceOnExit: the others go on with their action; mute and hold over REST [rest 11 mute] [rest 11 hold] [twiml 7.1 end-on-exit]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  const [alice, bob] = (await join(w, ['alice', 'bob'], 'endConferenceOnExit="true"')) as [Member, Member];
  const { ConferenceSid: sid = '' } = await told(w, 'conference-start');
  const participant = `/Conferences/${sid}/Participants/${bob.sid}.json`;
  expect(await shareHeard(w, alice.call, bob.call, 700)).toBeGreaterThan(CLEAN_SHARE);

  expect((await w.rest(participant, { Muted: 'true' })).body).toMatchObject({ muted: true, status: 'connected' });
  await told(w, 'participant-mute');
  await isDeafTo(w, alice.call, bob.call, 700);
  expect(await shareHeard(w, bob.call, alice.call, 900)).toBeGreaterThan(CLEAN_SHARE);
  await w.rest(participant, { Muted: 'false' });
  expect(await shareHeard(w, alice.call, bob.call, 700)).toBeGreaterThan(CLEAN_SHARE);

  w.app.on('/hold', { headers: { 'Content-Type': 'text/xml' }, body: '<Response><Pause length="60"/></Response>' });
  const held = await w.rest(participant, { Hold: 'true', HoldUrl: w.app.url('/hold') });
  expect(held.body).toMatchObject({ hold: true });
  expect((await w.asked('/hold')).method).toBe('GET');
  await isDeafTo(w, bob.call, alice.call, 900);
  await w.rest(participant, { Hold: 'false' });
  await told(w, 'participant-unhold');
  expect(await shareHeard(w, bob.call, alice.call, 900)).toBeGreaterThan(CLEAN_SHARE);

  alice.call.leg.hangUp();
  expect(await told(w, 'conference-end')).toMatchObject({
    CallSidEndingConference: alice.sid,
    ReasonConferenceEnded: 'participant-with-end-conference-on-exit-left',
  });
  await expectEvent(bob.phone, bob.call, 'ended');
  expect((await w.rest(`/Conferences/${sid}.json`)).body).toMatchObject({ status: 'completed' });
  expect(await w.rest(`/Conferences/${sid}.json`, { Status: 'completed' })).toMatchObject({
    status: 400,
    body: { code: 16022 },
  });
  await nothingLeft(w);
});

test('waitUrl: the document is heard until the start; a REST redirect takes a participant out first [twiml 7.1 wait-url] [rest 9.3 conference] [twiml 7.1 wait-parameters]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  w.answers('<Pause length="60"/>', '/wait');
  w.answers('<Pause length="60"/>', '/elsewhere');
  const [alice, bob] = (await join(w, ['alice', 'bob'], 'waitUrl="/wait"')) as [Member, Member];
  const wait = await w.asked('/wait');
  expect(wait).toMatchObject({ method: 'POST', params: { CallSid: alice.sid, CallStatus: 'in-progress' } });
  expect(w.app.requestsTo('/wait')).toHaveLength(1);
  await w.rest(`/Calls/${bob.sid}.json`, { Url: w.app.url('/elsewhere') });
  expect(await told(w, 'participant-leave')).toMatchObject({ ReasonParticipantLeft: 'participant_updated_via_api' });
  await w.asked('/elsewhere');
  expect((await w.asked('/after')).params).toMatchObject({ CallSid: bob.sid, DialCallStatus: 'answered' });
  expect(conferenceCounts(w).conferences).toMatchObject({ rooms: 1, participants: 1 });
  for (const { call } of [alice, bob]) call.leg.hangUp();
  await nothingLeft(w);
});

test('a waitUrl that fails: not in the conference, the action says failed [twiml 7.1 wait-failure]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  w.app.on('/broken', { status: 500 });
  const [alice] = (await join(w, ['alice'], 'waitUrl="/broken"')) as [Member];
  expect((await w.asked('/after')).params).toMatchObject({ DialCallStatus: 'failed', DialBridged: 'false' });
  await expectEvent(alice.phone, alice.call, 'ended');
  await nothingLeft(w);
});

test('REST adds a participant by the name of the room; it rings, answers and is in [rest 11 create]', async () => {
  const w = await world();
  w.answers('<Hangup/>', '/after');
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const [alice] = (await join(w, ['alice'])) as [Member];
  const form = { From: 'reception', To: 'client:bob', Label: 'the guest', EndConferenceOnExit: 'true' };
  const made = await w.rest(`/Conferences/${encodeURIComponent('Room 1')}/Participants.json`, form);
  expect(made).toMatchObject({ status: 201, body: { status: 'queued', label: 'the guest' } });
  const { conference_sid: sid, call_sid: callSid } = made.body;
  const path = `/Conferences/${sid}/Participants/${encodeURIComponent('the guest')}.json`;
  const callee = await inbox.next('ring');
  await until(
    async () => (await w.rest(path)).body.status === 'ringing',
    DEADLINE_MS,
    () => 'ringing',
  );
  await callee.leg.answer();
  await told(w, 'conference-start');
  expect((await w.rest(path)).body).toMatchObject({ status: 'connected', call_sid: callSid });
  expect(await shareHeard(w, callee, alice.call, 600)).toBeGreaterThan(CLEAN_SHARE);
  expect(await shareHeard(w, alice.call, callee, 1_000)).toBeGreaterThan(CLEAN_SHARE);
  callee.leg.hangUp();
  expect(await told(w, 'conference-end')).toMatchObject({
    CallSidEndingConference: callSid,
    ParticipantLabelEndingConference: 'the guest',
  });
  await expectEvent(alice.phone, alice.call, 'ended');
  expect((await w.rest(path)).status).toBe(404);
  await nothingLeft(w);
});

test('a participant that nobody answers: out again, and a room that is empty ends', async () => {
  const w = await world();
  w.app.on('/conference', { status: 204 });
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  const made = await w.rest('/Conferences/lonely/Participants.json', {
    From: 'reception',
    To: 'client:bob',
    ConferenceStatusCallback: w.app.url('/conference'),
    ConferenceStatusCallbackEvent: 'leave end join',
  });
  const callee = await inbox.next('ring');
  callee.leg.refuse(486);
  expect(await told(w, 'participant-leave')).toMatchObject({
    CallSid: made.body.call_sid,
    ParticipantCallStatus: 'busy',
    ReasonParticipantLeft: 'participant_add_failed',
  });
  expect(await told(w, 'conference-end')).toMatchObject({ ReasonConferenceEnded: 'last-participant-left' });
  expect(statuses(w, 'participant-join')).toEqual([]);
  await nothingLeft(w);
});
