// A room as its participants live it: start, wait, mute, hold, coach, and all the ways out (twiml.md 7.1).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { ConferenceBench, callback, type Joined, NOTHING, options } from '../../support/conference-bench.ts';
import { settle } from '../../support/virtual-clock.ts';

const WAIT = { url: 'http://app/wait', method: 'POST' } as const;

describe('twiml.md 7.1: the start', () => {
  test('one alone waits; two start it, and hear each other [twiml 7.1 start]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join({ wait: WAIT, jitterMs: 20 });
    expect(bench.room().record.status).toBe('init');
    expect(bench.standing(a)).toBe('unheard deaf');
    expect(bench.hears(a)).toEqual(['http://app/wait silence']);
    const b = await bench.join({ wait: WAIT });
    expect(bench.room().record.status).toBe('in-progress');
    expect([a, b].map((one) => bench.standing(one))).toEqual(['heard hears', 'heard hears']);
    expect(bench.member(a)?.jitterMs).toBe(20);
    expect(bench.documents).toEqual([]);
  });

  test('without a starter all wait, however many; the starter lets all in [twiml 7.1 start-on-enter]', async () => {
    const bench = new ConferenceBench();
    const guests = [];
    for (let count = 0; count < 3; count++) guests.push(await bench.join({ startOnEnter: false }));
    expect(guests.map((one) => bench.standing(one))).toEqual(Array(3).fill('unheard deaf'));
    await bench.join();
    expect(guests.map((one) => bench.standing(one))).toEqual(Array(3).fill('heard hears'));
  });

  test('a started room stays started when one alone is left', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join();
    const b = await bench.join();
    b.leg.hangsUp();
    await settle();
    expect([bench.room().record.status, bench.standing(a)]).toEqual(['in-progress', 'heard hears']);
    const c = await bench.join({ startOnEnter: false });
    expect(bench.standing(c)).toBe('heard hears');
  });

  test('names are per account; a name is free again with a new sid when the room is over [rest 11 name] [twiml 7.1 per-account]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join();
    const first = bench.room().sid;
    expect(bench.conferences.find(`AC${'b'.repeat(32)}`, 'Room 1')).toBeUndefined();
    expect(bench.conferences.find(`AC${'b'.repeat(32)}`, first)).toBeUndefined();
    a.leg.hangsUp();
    await settle();
    await bench.join();
    expect(bench.room().sid).not.toBe(first);
    expect(first).toMatch(/^CF[0-9a-f]{32}$/);
  });
});

describe('twiml.md 7.1: waiting', () => {
  test('no waitUrl: the built-in tune; empty: silence [twiml 7.1 wait-url]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join({ wait: { url: undefined, method: 'GET' }, startOnEnter: false });
    const b = await bench.join({ wait: { url: '', method: 'POST' }, startOnEnter: false });
    expect([bench.hears(a), bench.hears(b)]).toEqual([['tune silence'], ['silence silence']]);
  });

  test('only Play, Say, Pause and Redirect; any other verb is 13238 [twiml 7.1 wait-verbs] [twiml 15 restricted-conference]', async () => {
    const bench = new ConferenceBench();
    await bench.join({ wait: WAIT });
    const { document } = bench.documents[0]!;
    expect([...document.verbs].sort()).toEqual(['Pause', 'Play', 'Redirect', 'Say']);
    expect(document.wrongVerbCode).toBe(13238);
    expect(Object.fromEntries(document.params())).toEqual({ ConferenceSid: bench.room().sid, FriendlyName: 'Room 1' });
  });

  test('a wait document that fails: it is out again, the others stay [twiml 7.1 wait-failure] [twiml 7.1 reason-left]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join({ wait: WAIT, startOnEnter: false, statusCallback: callback() });
    const b = await bench.join({ startOnEnter: false });
    bench.documents.find(({ callSid }) => callSid === a.call.sid)?.finish({ how: 'failed', code: 11200 });
    expect(await a.outcome).toMatchObject({ how: 'notJoined', code: undefined });
    expect(a.call.isAnswered).toBe(true);
    expect(bench.status('participant-leave')).toMatchObject({
      ReasonParticipantLeft: 'participant_add_failed',
      ParticipantCallStatus: 'in-progress',
    });
    expect(bench.standing(b)).toBe('unheard deaf');
  });
});

describe('who may not join', () => {
  const refused = async (bench: ConferenceBench, changes: Parameters<typeof options>[0]) => {
    const { outcome, call } = await bench.join(changes);
    expect(call.isAnswered).toBe(true);
    const end = await outcome;
    return end.how === 'notJoined' ? end.code : end.how;
  };

  test('16025 a label that is in use [twiml 7.1 label]', async () => {
    const bench = new ConferenceBench();
    await bench.join({ label: 'desk' });
    expect(await refused(bench, { label: 'desk' })).toBe(16025);
    expect(bench.room().size).toBe(1);
  });

  test('13240 coach is nobody in this room [twiml 7.1 coach]', async () => {
    const bench = new ConferenceBench();
    expect(await refused(bench, { coach: `CA${'0'.repeat(32)}` })).toBe(13240);
    const elsewhere = await bench.join({ room: 'Room 2' });
    await bench.join();
    expect(await refused(bench, { coach: elsewhere.call.sid })).toBe(13240);
    expect(await refused(bench, { coach: 'nonsense' })).toBe(13240);
  });

  test('16020 full, by maxParticipants of who comes [twiml 7.1 max-participants] [twiml 16 point-28]', async () => {
    const bench = new ConferenceBench();
    await bench.join({ maxParticipants: 1 });
    expect(await refused(bench, { maxParticipants: 1 })).toBe(16020);
    await bench.join({ maxParticipants: 2 });
    expect(bench.room().size).toBe(2);
  });

  test('16020 the 251st', async () => {
    const bench = new ConferenceBench();
    for (let count = 0; count < 250; count++) await bench.join();
    expect(await refused(bench, {})).toBe(16020);
  }, 20_000);

  test('16021 one room more than an account may have; another account has its own count [rest 6 16021]', async () => {
    const bench = new ConferenceBench();
    const own = limits.conferencesPerAccount;
    for (let count = 0; count < own; count++) {
      const made = bench.conferences.check(bench.accountSid, options({ room: `Room ${count}` }));
      expect(made.ok).toBe(true);
      void bench.join({ room: `Room ${count}` });
    }
    await settle();
    expect(bench.conferences.counts().rooms).toBe(own);
    expect(await refused(bench, { room: 'One more' })).toBe(16021);
    expect(bench.conferences.check('AC1', options({ room: 'One more' })).ok).toBe(true);
  }, 20_000);

  test('13236 the sid of no running room [twiml 7.1 sid]', async () => {
    const bench = new ConferenceBench();
    expect(await refused(bench, { room: `CF${'0'.repeat(32)}` })).toBe(13236);
    await bench.join();
    const bySid = await bench.join({ room: bench.room().sid });
    expect([bench.room().size, bench.standing(bySid)]).toEqual([2, 'heard hears']);
  });
});

describe('being there', () => {
  test('muted: hears all, is not heard [twiml 7.1 muted]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join({ muted: true });
    await bench.join();
    expect(bench.standing(a)).toBe('unheard hears');
  });

  test('a participant whose phone holds us is not heard until it comes back', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join();
    await bench.join();
    a.leg.offers('sendonly');
    expect(bench.standing(a)).toBe('unheard hears');
    a.leg.offers('sendrecv');
    expect(bench.standing(a)).toBe('heard hears');
  });

  test('design.md 5.4: a held phone is asked every 5 minutes; one that does not answer is hung up', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join();
    await bench.join();
    a.leg.offers('inactive');
    await bench.clock.advanceAsync(limits.heldProbeMs);
    expect(a.leg.done.filter((line) => line === 'probe')).toHaveLength(1);
    a.leg.probeOutcome = false;
    await bench.clock.advanceAsync(limits.heldProbeMs);
    expect(await a.outcome).toEqual({ how: 'left', cause: 'hungUp' });
    const b = await bench.join();
    b.leg.offers('sendonly');
    b.leg.offers('sendrecv');
    await bench.clock.advanceAsync(limits.heldProbeMs);
    expect(b.leg.done).not.toContain('probe');
  });

  test('a coach hears all and is heard by one; without that one by nobody [rest 11 coaching] [twiml 7.1 coach-hears]', async () => {
    const bench = new ConferenceBench();
    const agent = await bench.join();
    const customer = await bench.join();
    const coach = await bench.join({ coach: agent.call.sid });
    expect(bench.member(coach)).toEqual({ isHeard: true, hears: true, coaches: agent.leg.endpoint, jitterMs: 60 });
    agent.leg.hangsUp();
    await settle();
    expect(bench.standing(coach)).toBe('unheard hears');
    expect(bench.standing(customer)).toBe('heard hears');
  });

  const beepRows: ['true' | 'false' | 'onEnter' | 'onExit', number, number][] = [
    ['true', 1, 1],
    ['false', 0, 0],
    ['onEnter', 1, 0],
    ['onExit', 0, 1],
  ];
  test.each(beepRows)('beep="%s": %i on entering, %i on leaving [twiml 7.1 beep]', async (beep, enter, exit) => {
    const bench = new ConferenceBench();
    await bench.join();
    const b = await bench.join({ beep });
    const plays = () => bench.engine.playsNow.size;
    expect(plays()).toBe(enter);
    b.leg.hangsUp();
    await settle();
    expect(plays()).toBe(enter + exit);
    for (const [play, { endpoint }] of bench.engine.playsNow)
      bench.engine.tell({ type: 'playEnded', endpoint, play, outcome: 'finished' });
    expect(bench.conferences.counts().plays).toBe(0);
  });

  test('no beep before the start: those who wait are not disturbed', async () => {
    const bench = new ConferenceBench();
    await bench.join({ beep: 'true' });
    expect(bench.engine.playsNow.size).toBe(0);
  });
});

describe('ways out', () => {
  const started = async (bench: ConferenceBench, first = {}, second = {}): Promise<[Joined, Joined]> => [
    await bench.join({ statusCallback: callback(), ...first }),
    await bench.join(second),
  ];

  test('the peer hangs up; the last one ends it, and nothing is left [twiml 7.1 last-left] [twiml 7.1 reason-left]', async () => {
    const bench = new ConferenceBench();
    const [a, b] = await started(bench);
    b.leg.hangsUp();
    expect(await b.outcome).toEqual({ how: 'left', cause: 'hungUp' });
    expect(bench.status('participant-leave')).toMatchObject({
      CallSid: b.call.sid,
      ParticipantCallStatus: 'completed',
      ReasonParticipantLeft: 'participant_hung_up',
    });
    a.leg.hangsUp();
    expect(await a.outcome).toEqual({ how: 'left', cause: 'hungUp' });
    expect(bench.status('conference-end')).toMatchObject({
      CallSidEndingConference: a.call.sid,
      ReasonConferenceEnded: 'last-participant-left',
    });
    expect(bench.left()).toEqual({ ...NOTHING, timers: 0 });
    expect(bench.records.at(-1)).toMatchObject({
      status: 'completed',
      callSidEndingConference: a.call.sid,
      reasonConferenceEnded: 'last-participant-left',
    });
    expect(bench.ended).toHaveLength(1);
  });

  test('endConferenceOnExit: all are out, and their calls live [twiml 7.1 end-on-exit] [twiml 7.1 reason-left]', async () => {
    const bench = new ConferenceBench();
    const [a, b] = await started(bench, {}, { endOnExit: true, label: 'boss' });
    b.leg.hangsUp();
    expect(await a.outcome).toEqual({ how: 'left', cause: 'moderatorEnded' });
    expect(a.call.isAnswered).toBe(true);
    expect(bench.statuses.map(({ params }) => params.get('ReasonParticipantLeft')).filter(Boolean)).toEqual([
      'participant_hung_up',
      'moderator_ended_conference',
    ]);
    expect(bench.status('conference-end')).toMatchObject({
      CallSidEndingConference: b.call.sid,
      ParticipantLabelEndingConference: 'boss',
      ReasonConferenceEnded: 'participant-with-end-conference-on-exit-left',
    });
    expect(bench.told().at(-1)).toBe('conference-end');
  });

  test('its document is replaced over REST [rest 9.3 conference]', async () => {
    const bench = new ConferenceBench();
    const [a] = await started(bench);
    a.document.abort();
    expect(await a.outcome).toEqual({ how: 'left', cause: 'updated' });
    expect(bench.standing(a)).toBe('out');
    expect(bench.status('participant-leave')).toMatchObject({
      ParticipantCallStatus: 'in-progress',
      ReasonParticipantLeft: 'participant_updated_via_api',
    });
  });

  test('`*` with hangupOnStar, and not without [twiml 6.2 star-conference]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join();
    const b = await bench.join({}, { hangupOnStar: true });
    a.leg.presses('*');
    b.leg.presses('5');
    expect(bench.room().size).toBe(2);
    b.leg.presses('*');
    expect(await b.outcome).toEqual({ how: 'left', cause: 'alone' });
    expect(b.call.isAnswered).toBe(true);
  });

  test('timeLimit of the Dial [twiml 6.2 time-limit-conference]', async () => {
    const bench = new ConferenceBench();
    await bench.join();
    const b = await bench.join({}, { timeLimitSeconds: 60 });
    await bench.clock.advanceAsync(59_000);
    expect(bench.room().size).toBe(2);
    await bench.clock.advanceAsync(1_000);
    expect(await b.outcome).toEqual({ how: 'left', cause: 'alone' });
  });

  test('an abort before the join: never in', async () => {
    const bench = new ConferenceBench();
    const { call } = bench.inbound();
    await call.answer();
    const stay = { timeLimitSeconds: 60, hangupOnStar: false };
    const outcome = await bench.conferences.join(call, options(), stay, AbortSignal.abort());
    expect(outcome).toEqual({ how: 'left', cause: 'updated' });
    expect(bench.left()).toMatchObject(NOTHING);
    expect(bench.engine.done).not.toContain('createMixer m1');
  });

  test('an end and a join at once: the newcomer has a room of its own', async () => {
    const bench = new ConferenceBench();
    const [a] = await started(bench, { endOnExit: true });
    const before = bench.room().sid;
    a.leg.hangsUp();
    const c = await bench.join();
    expect(bench.room().sid).not.toBe(before);
    expect([bench.room().size, bench.standing(c)]).toEqual([1, 'unheard deaf']);
  });
});

describe('recording', () => {
  const record = { trim: true, statusCallback: undefined, eventCallbackUrl: undefined };

  test('from the first bridge of two, mono, of the mix [twiml 7.1 record]', async () => {
    const bench = new ConferenceBench();
    const a = await bench.join({ record });
    expect(bench.recordings).toEqual([]);
    await bench.join();
    const { sid, mixer } = bench.room();
    expect(bench.recordings).toEqual([
      {
        room: { conferenceSid: sid, accountSid: a.call.options.accountSid, callSid: a.call.sid, mixer },
        request: { channels: 1, track: 'both', trim: true, source: 'Conference', callback: null },
      },
    ]);
  });

  test('nobody asked: nothing is recorded', async () => {
    const bench = new ConferenceBench();
    await bench.join();
    await bench.join();
    await bench.join({ record });
    expect(bench.recordings).toEqual([]);
  });
});
