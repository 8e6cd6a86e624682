// Conferences and participants through the vendor's library, unmodified (rest-api.md 11, 22.5), over live rooms on fake legs: every
// operation, every parameter, and what each wrong one is refused with.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Conference } from '../../src/base/voice-records.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { ConferenceBench, callback, type Joined } from '../support/conference-bench.ts';
import { fieldProblems, fieldRulesOf } from '../support/openapi.ts';
import { settle } from '../support/virtual-clock.ts';

let world: ApiWorld;
let bench: ConferenceBench;

beforeAll(async () => {
  // Each test has rooms of its own behind the one server.
  const conferences = new Proxy({} as ConferenceBench['api'], { get: (_, name) => Reflect.get(bench.api, name) });
  world = await apiWorld({ conferences });
});
afterAll(() => world.stop());
beforeEach(() => {
  bench = new ConferenceBench(world.account.sid);
});

const rules = fieldRulesOf('api-fields-conferences.json');
const rejection = (code: number, status = 400) => ({ code, status, moreInfo: expect.stringContaining(String(code)) });
const url = 'https://app.example.com/sound';
const to = 'sip:bob@pbx.example.com';
const from = '+4930123456';

/** Two who talk, the second one labelled. */
async function room(): Promise<{ sid: string; first: Joined; second: Joined }> {
  const first = await bench.join({ statusCallback: callback() });
  const second = await bench.join({ label: 'my label' });
  return { sid: bench.room().sid, first, second };
}

const conference = (over: Partial<Conference> = {}): Conference => ({
  sid: `CF${'1'.repeat(32)}`,
  accountSid: world.account.sid,
  friendlyName: 'yesterday',
  status: 'completed',
  reasonConferenceEnded: 'last-participant-left',
  callSidEndingConference: `CA${'1'.repeat(32)}`,
  region: 'us1',
  dateCreated: Date.UTC(2026, 0, 1, 12),
  dateUpdated: Date.UTC(2026, 0, 2, 12),
  ...over,
});

describe('conferences', () => {
  test('fetch: a live one, and one of the store [rest 11 status]', async () => {
    const { sid } = await room();
    const live = await world.client.conferences(sid).fetch();
    expect(live).toMatchObject({
      sid,
      status: 'in-progress',
      friendlyName: 'Room 1',
      region: 'us1',
      reasonConferenceEnded: null,
    });
    expect(live.dateCreated).toBeInstanceOf(Date);
    world.store.conferences.put(conference());
    expect(await world.client.conferences(conference().sid).fetch()).toMatchObject({
      status: 'completed',
      reasonConferenceEnded: 'last-participant-left',
      callSidEndingConference: `CA${'1'.repeat(32)}`,
    });
    await expect(world.client.conferences(`CF${'9'.repeat(32)}`).fetch()).rejects.toMatchObject(rejection(20404, 404));
  });

  test('list: filters by status, name and dates [rest 7.3 conferences] [rest 7.3 unknown-value]', async () => {
    world.store.conferences.put(conference());
    world.store.conferences.put(
      conference({
        sid: `CF${'2'.repeat(32)}`,
        friendlyName: 'today',
        status: 'init',
        dateCreated: Date.UTC(2026, 0, 3),
      }),
    );
    const { conferences } = world.client;
    const names = async (filter: Parameters<typeof conferences.list>[0]) =>
      (await conferences.list(filter as { limit?: number })).map(({ friendlyName }) => friendlyName);
    const day = (date: number) => new Date(Date.UTC(2026, 0, date));
    expect(await names({})).toEqual(['today', 'yesterday']);
    expect(await names({ status: 'completed' })).toEqual(['yesterday']);
    expect(await names({ friendlyName: 'today' })).toEqual(['today']);
    expect(await names({ dateCreated: day(1) })).toEqual(['yesterday']);
    expect(await names({ dateCreatedAfter: day(2) })).toEqual(['today']);
    expect(await names({ dateCreatedBefore: day(2) })).toEqual(['yesterday']);
    expect(await names({ dateUpdatedAfter: day(3) })).toEqual([]);
    const answer = await world.fetch('Conferences.json?Status=nonsense');
    expect(await json(answer)).toMatchObject({ conferences: [], end: 0 });
  });

  test('Status=completed: everybody is out; a second time 16022 [rest 11 completed] [rest 11 finished] [rest 6 16022]', async () => {
    const { sid, first, second } = await room();
    const ended = await world.client.conferences(sid).update({ status: 'completed' });
    expect(ended).toMatchObject({
      status: 'completed',
      reasonConferenceEnded: 'conference-ended-via-api',
      callSidEndingConference: null,
    });
    expect([await first.outcome, await second.outcome]).toEqual(Array(2).fill({ how: 'left', cause: 'endedOverRest' }));
    expect(bench.status('participant-leave')).toMatchObject({ ReasonParticipantLeft: 'conference_ended_via_api' });
    world.store.conferences.put(bench.records.at(-1)!);
    const again = world.client.conferences(sid).update({ status: 'completed' });
    await expect(again).rejects.toMatchObject(rejection(16022));
    await expect(world.client.conferences(sid).update({ announceUrl: url })).rejects.toMatchObject(rejection(16022));
    await expect(world.client.conferences(sid).participants.create({ from, to })).rejects.toMatchObject(
      rejection(16022),
    );
    expect(await world.client.conferences(sid).participants.list()).toEqual([]);
  });

  test('AnnounceUrl to all; its end and failure are told [rest 11 announce]', async () => {
    const { sid } = await room();
    const context = world.client.conferences(sid);
    expect((await context.update({ announceUrl: url })).status).toBe('in-progress');
    await context.update({ announceUrl: url, announceMethod: 'GET' });
    expect(bench.announcements.map(({ announcement: { url: at, method } }) => [at, method])).toEqual([
      [url, 'POST'],
      [url, 'GET'],
    ]);
    bench.announcements[0]!.finish({ how: 'ended' });
    bench.announcements[1]!.finish({ how: 'failed', reason: '11200' });
    await settle();
    expect(bench.told().slice(-2)).toEqual(['announcement-end', 'announcement-fail']);
  });

  const refused: [form: string, code: number][] = [
    ['Status=init', 20001],
    ['AnnounceUrl=nonsense', 21502],
    ['AnnounceUrl=http://a.example/&AnnounceMethod=PUT', 21209],
  ];
  test.each(refused)('%s is refused with %i', async (form, code) => {
    const { sid } = await room();
    const answer = await world.fetch(`Conferences/${sid}.json`, { form });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
  });

  test('those of another account are not there', async () => {
    const other = await world.client.api.v2010.accounts.create({ friendlyName: 'other' });
    const { sid } = await room();
    const foreign = world.clientOf(other);
    await expect(foreign.conferences(sid).fetch()).rejects.toMatchObject(rejection(20404, 404));
    await expect(foreign.conferences(sid).participants('my label').remove()).rejects.toMatchObject(
      rejection(20404, 404),
    );
    expect(bench.room().size).toBe(2);
  });
});

describe('participants', () => {
  test('list in joining order, pages and filters [rest 11 participants] [rest 7.3 participants] [rest 7.1 newest-first]', async () => {
    const { sid, first, second } = await room();
    const third = await bench.join({ muted: true, coach: first.call.sid });
    const { participants } = world.client.conferences(sid);
    const sids = async (filter: object) => (await participants.list(filter)).map(({ callSid }) => callSid);
    const all = [first, second, third].map(({ call }) => call.sid);
    expect(await sids({})).toEqual(all);
    expect(await sids({ pageSize: 2, limit: 10 })).toEqual(all);
    expect(await sids({ pageSize: 1 })).toEqual(all);
    expect(await sids({ muted: true })).toEqual([third.call.sid]);
    expect(await sids({ muted: false })).toEqual(all.slice(0, 2));
    expect(await sids({ coaching: true })).toEqual([third.call.sid]);
    expect(await sids({ hold: true })).toEqual([]);
    const byName = await world.fetch(`Conferences/${encodeURIComponent('Room 1')}/Participants.json`);
    expect((await json<{ participants: unknown[] }>(byName)).participants).toHaveLength(3);
  });

  test('by label, percent-encoded, and by CallSid [rest 11 label] [rest 4 path-values]', async () => {
    const { sid, second } = await room();
    const context = world.client.conferences(sid);
    expect(await context.participants('my label').fetch()).toMatchObject({
      callSid: second.call.sid,
      label: 'my label',
      conferenceSid: sid,
      status: 'connected',
      muted: false,
      hold: false,
      coaching: false,
      callSidToCoach: null,
      startConferenceOnEnter: true,
      endConferenceOnExit: false,
      queueTime: null,
    });
    expect((await context.participants(second.call.sid).fetch()).label).toBe('my label');
    await expect(context.participants('nobody').fetch()).rejects.toMatchObject(rejection(20404, 404));
  });

  test('mute and hold; anything but true is false [rest 11 mute] [rest 11 hold] [rest 4 muted]', async () => {
    const { sid, second } = await room();
    const one = world.client.conferences(sid).participants('my label');
    expect((await one.update({ muted: true })).muted).toBe(true);
    expect(bench.standing(second)).toBe('unheard hears');
    const answer = await world.fetch(`Conferences/${sid}/Participants/my%20label.json`, { form: 'Muted=perhaps' });
    expect(await json(answer)).toMatchObject({ muted: false });
    expect((await one.update({ hold: true, holdUrl: url })).hold).toBe(true);
    expect([bench.standing(second), bench.hears(second)]).toEqual(['unheard deaf', [`${url} again`]]);
    expect(bench.documents[0]?.document.method).toBe('GET');
    await one.update({ hold: true, holdUrl: `${url}2`, holdMethod: 'POST' });
    expect(bench.documents.map(({ document }) => [document.url, document.method])).toEqual([[`${url}2`, 'POST']]);
    await one.update({ hold: false });
    expect([bench.standing(second), bench.hears(second)]).toEqual(['heard hears', []]);
    await one.update({ hold: true });
    expect(bench.hears(second)).toEqual(['tune again']);
  });

  test('an announcement to one leg interrupts its hold music, which goes on behind it [rest 11 announce-participant]', async () => {
    const { sid, second } = await room();
    const one = world.client.conferences(sid).participants('my label');
    await one.update({ hold: true });
    await one.update({ announceUrl: url });
    await settle();
    expect(bench.hears(second)).toEqual([`${url} return`]);
    expect(bench.documents[0]?.document.method).toBe('POST');
    bench.documents[0]?.finish({ how: 'ended' });
    await settle();
    expect(bench.hears(second)).toEqual(['tune again']);
    expect(bench.status('announcement-end')).toMatchObject({ CallSid: second.call.sid, AnnounceUrl: url });
  });

  test('WaitUrl of one who waits: the new one is heard at once; empty is silence [rest 11 wait-url]', async () => {
    const waiting = await bench.join({ startOnEnter: false, statusCallback: callback() });
    const one = world.client.conferences(bench.room().sid).participants(waiting.call.sid);
    await one.update({ waitUrl: url, waitMethod: 'GET' });
    await settle();
    expect(bench.hears(waiting)).toEqual([`${url} silence`]);
    await one.update({ waitUrl: '' });
    await settle();
    expect(bench.hears(waiting)).toEqual(['silence silence']);
    expect(bench.told()).toEqual(['participant-join', 'participant-modify', 'participant-modify']);
  });

  test('BeepOnExit and EndConferenceOnExit [rest 11 modify]', async () => {
    const { sid, first } = await room();
    const one = world.client.conferences(sid).participants('my label');
    expect((await one.update({ endConferenceOnExit: true, beepOnExit: true })).endConferenceOnExit).toBe(true);
    await one.remove();
    expect(await first.outcome).toEqual({ how: 'left', cause: 'moderatorEnded' });
    expect(bench.status('conference-end').ReasonConferenceEnded).toBe('participant-with-end-conference-on-exit-kicked');
  });

  test('coaching: set, changed to a normal participant, refused [rest 11 coaching] [rest 11 coach-codes] [rest 6 16027] [rest 6 16028]', async () => {
    const { sid, first, second } = await room();
    const { participants } = world.client.conferences(sid);
    const coach = participants('my label');
    const target = first.call.sid;
    expect(await coach.update({ callSidToCoach: target })).toMatchObject({ coaching: true, callSidToCoach: target });
    expect(bench.member(second)?.coaches).toBe(first.leg.endpoint);
    expect(await coach.update({ coaching: false })).toMatchObject({ coaching: false, callSidToCoach: null });
    expect(bench.member(second)?.coaches).toBeNull();
    await expect(coach.update({ coaching: true })).rejects.toMatchObject(rejection(20001));
    await expect(coach.update({ callSidToCoach: second.call.sid })).rejects.toMatchObject(rejection(16028));
    await expect(coach.update({ callSidToCoach: `CA${'0'.repeat(32)}` })).rejects.toMatchObject(rejection(16028));
    await participants(target).update({ hold: true });
    await expect(coach.update({ callSidToCoach: target })).rejects.toMatchObject(rejection(16027));
  });

  test('kick: 204, the call goes on; the last one, and a second time 404 [rest 11 kick] [rest 8 participant]', async () => {
    const { sid, first, second } = await room();
    const { participants } = world.client.conferences(sid);
    expect(await participants('my label').remove()).toBe(true);
    expect(await second.outcome).toEqual({ how: 'left', cause: 'kicked' });
    expect(second.call.isAnswered).toBe(true);
    await expect(participants('my label').remove()).rejects.toMatchObject(rejection(20404, 404));
    await participants(first.call.sid).remove();
    expect(bench.status('conference-end').ReasonConferenceEnded).toBe('last-participant-kicked');
    world.store.conferences.put(bench.records.at(-1)!);
    await expect(participants(first.call.sid).update({ muted: true })).rejects.toMatchObject(rejection(16022));
  });

  const refused: [form: string, code: number][] = [
    ['HoldUrl=ftp://x/', 21502],
    ['HoldMethod=PUT', 21209],
    ['AnnounceUrl=x', 21502],
    ['WaitUrl=x', 21502],
    ['BeepOnExit=perhaps', 20001],
    ['EndConferenceOnExit=1', 20001],
    ['Coaching=x', 20001],
    ['CallSidToCoach=x', 16028],
  ];
  test.each(refused)('%s is refused with %i, and changes nothing', async (form, code) => {
    const { sid } = await room();
    const answer = await world.fetch(`Conferences/${sid}/Participants/my%20label.json`, { form: `Muted=true&${form}` });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
    expect((await world.client.conferences(sid).participants('my label').fetch()).muted).toBe(false);
  });
});

describe('participants.create', () => {
  test('by name: a new room; queued, ringing, connected, and gone [rest 11 create] [rest 11 create-by-name] [rest 11 no-create]', async () => {
    const { participants } = world.client.conferences('Room 1');
    const made = await participants.create({ from, to, label: 'agent' });
    expect(made).toMatchObject({ status: 'queued', label: 'agent', queueTime: '0', startConferenceOnEnter: true });
    expect(made.conferenceSid).toMatch(/^CF[0-9a-f]{32}$/);
    const one = world.client.conferences(made.conferenceSid).participants('agent');
    const { call, leg } = bench.made[0]!;
    expect(made.callSid).toBe(call.sid);
    expect((await one.fetch()).status).toBe('connecting');
    leg.rings();
    expect((await one.fetch()).status).toBe('ringing');
    leg.answers();
    await settle();
    expect((await one.fetch()).status).toBe('connected');
    leg.hangsUp();
    await settle();
    await expect(one.fetch()).rejects.toMatchObject(rejection(20404, 404));
    expect(bench.left()).toMatchObject({ rooms: 0, participants: 0, mixers: 0, documents: 0 });
  });

  test('every parameter arrives [rest 11 create-options]', async () => {
    const { sid, first } = await room();
    const made = await world.client.conferences(sid).participants.create({
      from: 'reception',
      to: `${to};transport=tcp?X-A=1`,
      callerId: 'desk',
      callerDisplayName: 'Front Desk',
      label: 'agent 7',
      timeout: 20,
      timeLimit: 600,
      sipAuthUsername: 'u',
      sipAuthPassword: 'p',
      statusCallback: 'https://app.example.com/progress',
      statusCallbackMethod: 'GET',
      statusCallbackEvent: ['initiated', 'answered'],
      muted: true,
      beep: 'onExit',
      startConferenceOnEnter: false,
      endConferenceOnExit: true,
      waitUrl: url,
      waitMethod: 'GET',
      earlyMedia: false,
      maxParticipants: 20,
      jitterBufferSize: 'small',
      conferenceRecord: 'record-from-start',
      conferenceTrim: 'do-not-trim',
      conferenceStatusCallback: 'https://app.example.com/conference',
      conferenceStatusCallbackMethod: 'GET',
      conferenceStatusCallbackEvent: ['join', 'leave speaker'],
      conferenceRecordingStatusCallback: 'https://app.example.com/recording',
      conferenceRecordingStatusCallbackMethod: 'GET',
      conferenceRecordingStatusCallbackEvent: ['in-progress', 'completed', 'failed', 'absent'],
      region: 'ie1',
      coaching: true,
      callSidToCoach: first.call.sid,
      byoc: `BY${'1'.repeat(32)}`,
      callReason: 'because',
      callToken: 'token',
      clientNotificationUrl: url,
    });
    expect(made).toMatchObject({
      muted: true,
      coaching: true,
      callSidToCoach: first.call.sid,
      endConferenceOnExit: true,
      startConferenceOnEnter: false,
    });
    const { request } = bench.made[0]!;
    expect(request).toMatchObject({
      accountSid: world.account.sid,
      to: `${to};transport=tcp?X-A=1`,
      from: 'desk',
      callerName: 'Front Desk',
      timeoutSeconds: 20,
      timeLimitSeconds: 600,
      sipAuth: { username: 'u', password: 'p' },
      statusCallback: 'https://app.example.com/progress',
      statusCallbackMethod: 'GET',
      statusCallbackEvents: ['initiated', 'answered'],
      sendDigits: null,
    });
    expect(bench.room().find('agent 7')?.options).toEqual({
      room: sid,
      muted: true,
      beep: 'onExit',
      startOnEnter: false,
      endOnExit: true,
      label: 'agent 7',
      jitterMs: 20,
      wait: { url, method: 'GET' },
      maxParticipants: 20,
      record: {
        trim: false,
        statusCallback: {
          url: 'https://app.example.com/recording',
          method: 'GET',
          events: ['in-progress', 'completed', 'absent'],
        },
        eventCallbackUrl: undefined,
      },
      coach: first.call.sid,
      region: 'ie1',
      statusCallback: {
        url: 'https://app.example.com/conference',
        method: 'GET',
        events: ['join', 'leave', 'speaker'],
      },
    });
  });

  test('the room hears it ring, unless EarlyMedia=false [rest 11 early-media]', async () => {
    const { sid } = await room();
    const { participants } = world.client.conferences(sid);
    await participants.create({ from, to });
    const { leg } = bench.made[0]!;
    leg.rings();
    expect(bench.engine.playsNow.size).toBe(1);
    leg.rings(true);
    expect([bench.engine.playsNow.size, bench.standing({ leg })]).toEqual([0, 'heard deaf']);
    leg.fails(486);
    await settle();
    expect(bench.standing({ leg })).toBe('out');
    await participants.create({ from, to, earlyMedia: false });
    bench.made[1]!.leg.rings();
    expect(bench.engine.playsNow.size).toBe(0);
  });

  test('one who waits alone hears the ringing in place of its music', async () => {
    const waiting = await bench.join({ wait: { url: undefined, method: 'GET' } });
    await world.client.conferences('Room 1').participants.create({ from, to });
    const { leg } = bench.made[0]!;
    expect(bench.hears(waiting)).toEqual(['tune silence']);
    leg.rings();
    await settle();
    expect([bench.standing(waiting), bench.hears(waiting)]).toEqual(['unheard hears', []]);
    leg.fails(480);
    await settle();
    expect([bench.standing(waiting), bench.hears(waiting)]).toEqual(['unheard deaf', ['tune silence']]);
    expect(bench.engine.playsNow.size).toBe(0);
  });

  test('the room ends while it rings: the call is cancelled', async () => {
    const { sid } = await room();
    await world.client.conferences(sid).participants.create({ from, to });
    const { call, leg } = bench.made[0]!;
    leg.rings();
    await world.client.conferences(sid).update({ status: 'completed' });
    await settle();
    expect([call.status, bench.left()]).toMatchObject(['canceled', { rooms: 0, participants: 0, plays: 0, mixers: 0 }]);
  });

  const refused: [form: string, code: number][] = [
    ['', 21201],
    ['To=sip:a@b', 21213],
    ['To=nobody&From=x', 21211],
    ['Label=a/b', 16024],
    [`Label=${'x'.repeat(129)}`, 16024],
    [`Label=CA${'0'.repeat(32)}`, 16024],
    ['Label=my label', 16026],
    ['Timeout=4', 21208],
    ['Timeout=601', 21208],
    ['MaxParticipants=1', 20001],
    ['MaxParticipants=251', 20001],
    ['MaxParticipants=2', 16020],
    ['Beep=loud', 20001],
    ['StartConferenceOnEnter=1', 20001],
    ['JitterBufferSize=tiny', 20001],
    ['ConferenceRecord=maybe', 20001],
    ['ConferenceTrim=yes', 20001],
    ['Region=moon', 20001],
    ['WaitUrl=nonsense', 21502],
    ['ConferenceStatusCallback=nonsense', 21502],
    ['ConferenceStatusCallbackMethod=PUT', 21209],
    ['Coaching=true', 20001],
    ['CallSidToCoach=x', 16028],
    [`CallSidToCoach=CA${'0'.repeat(32)}`, 16028],
    ['CallerDisplayName=x', 20001],
    ['SipAuthUsername=u', 21225],
  ];
  // holds: [rest 6 16020] [rest 6 16024] [rest 6 16026] [rest 6 21201] [rest 6 21225]
  // holds: [rest 11 create-codes] [rest 11 label] [rest 11 max-participants]
  test.each(refused)('%s is refused with %i, and nobody is called', async (form, code) => {
    const { sid } = await room();
    const whole = code === 21201 || code === 21213 || code === 21211 ? form : `To=${to}&From=desk&${form}`;
    const answer = await world.fetch(`Conferences/${sid}/Participants.json`, { form: whole });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
    expect([bench.made.length, bench.room().size]).toEqual([0, 2]);
  });

  test('no room is made where the call is refused, nor by an unknown sid or a bad name', async () => {
    const { conferences } = world.client;
    await expect(conferences('fresh').participants.create({ from, to: 'x' })).rejects.toMatchObject(rejection(21211));
    await expect(conferences(`CF${'0'.repeat(32)}`).participants.create({ from, to })).rejects.toMatchObject(
      rejection(16022),
    );
    await expect(conferences('x'.repeat(129)).participants.create({ from, to })).rejects.toMatchObject(
      rejection(20001),
    );
    expect(bench.conferences.counts()).toMatchObject({ rooms: 0, participants: 0 });
  });

  test('an unknown event: made, with warning 21626 [rest 6 21626]', async () => {
    const made = await world.client
      .conferences('Room 1')
      .participants.create({ from, to, conferenceStatusCallbackEvent: ['dance'] });
    const warnings = await world.client.calls(made.callSid).notifications.list();
    expect(warnings.map(({ errorCode }) => errorCode)).toEqual(['21626']);
  });
});

test('every documented field with its type, and nothing else [rest 5 fields] [rest 11 fields]', async () => {
  const { sid } = await room();
  const bodyOf = async (path: string, init = {}) => json(await world.fetch(path, init));
  const problems = (schema: string, body: Record<string, unknown>) =>
    fieldProblems(`api.v2010.account.${schema}`, body, [], rules);
  expect(problems('conference', await bodyOf(`Conferences/${sid}.json`))).toEqual([]);
  expect(problems('conference.participant', await bodyOf(`Conferences/${sid}/Participants/my%20label.json`))).toEqual(
    [],
  );
  const made = await bodyOf(`Conferences/${sid}/Participants.json`, { form: `To=${to}&From=desk` });
  expect(problems('conference.participant', made)).toEqual([]);
});
