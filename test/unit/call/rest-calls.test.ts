// Calls over REST on fake legs (rest-api.md 9).

import { describe, expect, test } from 'vitest';
import type { CreateCallRequest } from '../../../src/base/calls-api.ts';
import { limits } from '../../../src/base/limits.ts';
import type { MachineDetection } from '../../../src/base/machine-detection-api.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Call } from '../../../src/call/call.ts';
import { CallPacer } from '../../../src/call/call-pacer.ts';
import { callParams } from '../../../src/call/params.ts';
import { createRestCalls, type SessionStart } from '../../../src/call/rest-calls.ts';
import type { RouteContext, RouteFailure, Router, RouteTarget } from '../../../src/call/routing.ts';
import { AudioListeners } from '../../../src/media/audio-listeners.ts';
import { ACCOUNT, CallBench, domainRecord, type FakeLeg } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

class RestBench extends CallBench {
  readonly routed: { target: RouteTarget; context: RouteContext }[] = [];
  readonly started: { call: Call; start: SessionStart }[] = [];
  /** Callbacks of machine detection. */
  readonly told: string[] = [];
  callsPerSecond: number | null = null;
  failure: RouteFailure | undefined;
  lastLeg: FakeLeg | undefined;

  readonly rest = createRestCalls({
    calls: this.calls,
    router: {
      make: (target: RouteTarget, context: RouteContext) => this.#make(target, context),
      makeLater: (target: RouteTarget, context: RouteContext) => this.#make(target, context),
      isEmergency: (target: RouteTarget) => target.kind === 'number' && target.number === '112',
    } as unknown as Router,
    pacer: new CallPacer(this.clock, () => this.callsPerSecond),
    phoneNumberSid: (_account, number) => (number === '+4930123' ? 'PN1' : undefined),
    detection: {
      audio: new AudioListeners(this.engine),
      clock: this.clock,
      tellDetection: (_call, { url }, verdict) => void this.told.push(`${url} ${verdict.answeredBy}`),
    },
    engine: this.engine,
    clock: this.clock,
    startSession: (call, start) => void this.started.push({ call, start }),
    homeDomain: () => domainRecord(),
  });

  #make(target: RouteTarget, context: RouteContext) {
    this.routed.push({ target, context });
    if (this.failure) return err(this.failure);
    const { statusCallback, rest } = context;
    const { call, leg } = this.outbound({ direction: 'outbound-api', statusCallback, ...rest });
    this.lastLeg = leg;
    return ok(call);
  }

  async create(changes: Partial<CreateCallRequest> = {}) {
    const made = this.rest.create({
      accountSid: ACCOUNT,
      to: 'sip:bob@far.example',
      from: 'sip:reception@office.example',
      instructions: { url: 'http://app/outgoing', method: 'POST' },
      fallbackUrl: 'http://app/fallback',
      fallbackMethod: 'GET',
      statusCallback: null,
      statusCallbackMethod: 'POST',
      statusCallbackEvents: [],
      timeoutSeconds: 60,
      timeLimitSeconds: 3_600,
      sendDigits: null,
      sipAuth: null,
      ...changes,
    });
    if (!made.ok) throw new Error(made.error.message);
    await settle();
    return { record: made.value, call: this.calls.get(made.value.sid)!, leg: this.lastLeg! };
  }
}

describe('rest-api.md 9.1: making a call', () => {
  test('the answer says queued; then the INVITE leaves [rest 9.1 not-waiting]', async () => {
    const bench = new RestBench();
    const { record, call } = await bench.create();
    expect(record).toMatchObject({ status: 'queued', direction: 'outbound-api', startTime: null });
    expect(call.status).toBe('initiated');
  });

  for (const [to, target] of [
    ['sip:bob@far.example', { kind: 'sip', uri: 'sip:bob@far.example' }],
    ['kate@far.example', { kind: 'sip', uri: 'kate@far.example' }],
    ['client:bob', { kind: 'client', identity: 'bob' }],
    ['+4930123', { kind: 'number', number: '+4930123' }],
  ] as const) {
    test(`${to} is a ${target.kind} [rest 9.1 to] [rest 9.1 sip-auth]`, async () => {
      const bench = new RestBench();
      await bench.create({ to, sipAuth: { username: 'u', password: 'p' } });
      expect(bench.routed[0]!.target).toMatchObject(target);
      expect(bench.routed[0]!.context).toMatchObject({ callerId: 'reception', maxForwards: 70 });
      if (target.kind === 'sip') expect(bench.routed[0]!.target).toMatchObject({ username: 'u', password: 'p' });
    });
  }

  test('the document runs after the answer, once', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.rings();
    expect(bench.started).toEqual([]);
    leg.answers();
    await settle();
    expect(bench.started).toEqual([
      {
        call,
        start: {
          instructions: { url: 'http://app/outgoing', method: 'POST' },
          fallback: { url: 'http://app/fallback', method: 'GET' },
        },
      },
    ]);
  });

  test('SendDigits are played first [rest 9.1 send-digits]', async () => {
    const bench = new RestBench();
    const { leg } = await bench.create({ sendDigits: '1w2', fallbackUrl: null });
    leg.answers();
    await settle();
    expect(bench.started).toEqual([]);
    expect([...bench.engine.playsNow.values()][0]!.options.sources).toEqual([{ kind: 'digits', digits: '1w2' }]);
    bench.engine.finishPlay();
    await settle();
    expect(bench.started).toMatchObject([{ start: { fallback: undefined } }]);
  });

  test('a peer that hangs up during SendDigits runs no document', async () => {
    const bench = new RestBench();
    const { leg } = await bench.create({ sendDigits: '1' });
    leg.answers();
    await settle();
    leg.hangsUp();
    await settle();
    expect([bench.started, bench.engine.counts().plays, bench.clock.pendingTimers]).toEqual([[], 0, 0]);
  });

  test('Timeout, and 5 s on top: no-answer [sip 2.6 timeout] [rest 9.1 timeout]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create({ timeoutSeconds: 10 });
    leg.rings();
    await bench.clock.advanceAsync(14_999);
    expect(call.isOver).toBe(false);
    await bench.clock.advanceAsync(1);
    expect(bench.story(call).at(-1)).toBe('ended no-answer 487');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a call that fails leaves no ring timer behind', async () => {
    const bench = new RestBench();
    const { leg } = await bench.create();
    leg.fails(486);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('TimeLimit counts from the answer [sip 2.6 time-limit] [rest 9.1 time-limit]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create({ timeLimitSeconds: 30 });
    await bench.clock.advanceAsync(20_000);
    leg.answers();
    await bench.clock.advanceAsync(29_999);
    expect(call.isAnswered).toBe(true);
    await bench.clock.advanceAsync(1);
    expect(call.record()).toMatchObject({ status: 'completed', durationSeconds: 30 });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  for (const [errorCode, status] of [
    [10004, 429],
    [13224, 400],
  ] as const) {
    test(`a target that is refused with ${errorCode}: HTTP ${status} [rest 6 10004]`, () => {
      const bench = new RestBench();
      bench.failure = { errorCode, detail: 'refused', sipStatus: 503 };
      expect(bench.rest.create({ to: 'x', from: '' } as CreateCallRequest)).toMatchObject({
        ok: false,
        error: { code: errorCode, status, message: 'refused' },
      });
    });
  }
});

describe('rest-api.md 9.3: changing a call', () => {
  test('canceled: a ringing call; the record is given when its leg has ended [rest 9.3 canceled]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.cancelsAtOnce = false;
    leg.rings();
    let record: unknown;
    const updated = bench.rest.cancel(call.sid).then((value) => {
      record = value;
    });
    await settle();
    expect(record).toBeUndefined();
    leg.fails(487, 'canceled');
    await updated;
    expect(record).toMatchObject({ status: 'canceled', sipResponseCode: 487 });
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a peer that never answers the CANCEL is not waited for without end [rest 20 client-timeout]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.cancelsAtOnce = false;
    leg.rings();
    const updated = bench.rest.complete(call.sid);
    await bench.clock.advanceAsync(limits.restEndWaitMs);
    expect(await updated).toMatchObject({ status: 'ringing' });
  });

  test('canceled leaves alone: an answered call, a leg that rings inside a Dial, an unknown one [rest 9.3 canceled] [rest 9.3 completed]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.answers();
    expect(await bench.rest.cancel(call.sid)).toMatchObject({ status: 'in-progress' });
    const child = bench.outbound();
    child.call.start();
    child.leg.rings();
    expect(await bench.rest.cancel(child.call.sid)).toMatchObject({ status: 'ringing' });
    expect(await bench.rest.cancel('CA0')).toBeUndefined();
    expect(await bench.rest.complete(child.call.sid)).toMatchObject({ status: 'canceled' });
  });

  test('completed: an answered call [rest 9.3 completed]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.answers();
    expect(await bench.rest.complete(call.sid)).toMatchObject({ status: 'completed' });
    expect(bench.rest.live(call.sid)).toBeUndefined();
    expect(await bench.rest.complete(call.sid)).toBeUndefined();
  });

  test('another document: only while in progress, else 21220 [rest 6 21220] [rest 9.3 url]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    const instructions = {
      url: 'http://app/else',
      method: 'GET',
      fallbackUrl: 'http://app/f',
      fallbackMethod: 'POST',
    } as const;
    expect(await bench.rest.redirect(call.sid, instructions)).toMatchObject({
      ok: false,
      error: { code: 21220, status: 400 },
    });
    leg.answers();
    await settle();
    expect(await bench.rest.redirect(call.sid, instructions)).toMatchObject({ ok: true });
    expect(bench.started.at(-1)!.start).toEqual({
      instructions: { url: 'http://app/else', method: 'GET' },
      fallback: { url: 'http://app/f', method: 'POST' },
    });
    await bench.rest.redirect(call.sid, { twiml: '<Response/>' });
    expect(bench.started.at(-1)!.start).toEqual({ instructions: { twiml: '<Response/>' }, fallback: undefined });
    leg.hangsUp();
    expect(await bench.rest.redirect(call.sid, instructions)).toMatchObject({ ok: false, error: { code: 21220 } });
  });

  test('StatusCallback and TimeLimit are replaced [rest 9.3 settings]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.answers();
    expect(bench.rest.amend!(call.sid, { statusCallback: 'http://app/new', timeLimitSeconds: 5 })).toMatchObject({
      sid: call.sid,
    });
    expect(call.statusCallback?.url).toBe('http://app/new');
    await bench.clock.advanceAsync(5_000);
    expect(call.isOver).toBe(true);
    expect(bench.rest.amend!(call.sid, {})).toBeUndefined();
  });
});

describe('rest-api.md 20: calls per second', () => {
  test('what comes too fast is queued, waits its turn, and starts by itself [rest 20 cps-queue] [rest 9.2 queue-time]', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 2;
    const first = await bench.create();
    const second = await bench.create();
    const third = await bench.create();
    expect([first, second, third].map(({ record }) => record.queueTimeMs)).toEqual([null, 500, 1_000]);
    const statuses = () => [first, second, third].map(({ call }) => call.status);
    expect(statuses()).toEqual(['initiated', 'queued', 'queued']);
    await bench.clock.advanceAsync(500);
    expect(statuses()).toEqual(['initiated', 'initiated', 'queued']);
    await bench.clock.advanceAsync(500);
    expect(statuses()).toEqual(['initiated', 'initiated', 'initiated']);
  });

  test('Timeout counts from the start of the call, not from the request', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 0.1;
    await bench.create({ timeoutSeconds: 5 });
    const { call, leg } = await bench.create({ timeoutSeconds: 5 });
    await bench.clock.advanceAsync(10_000);
    leg.rings();
    await bench.clock.advanceAsync(9_999);
    expect(call.isOver).toBe(false);
    await bench.clock.advanceAsync(1);
    expect(call.status).toBe('no-answer');
  });

  test('a call that waits can be canceled, and never starts [rest 9.3 canceled]', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 1;
    await bench.create();
    const { call, leg, record } = await bench.create();
    expect(await bench.rest.cancel(record.sid)).toMatchObject({ status: 'canceled', startTime: null });
    await bench.clock.advanceAsync(5_000);
    expect([call.status, leg.done.includes('start')]).toEqual(['canceled', false]);
  });

  test('a gateway that stops starts none of those that wait', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 1;
    const first = await bench.create();
    const { call, leg } = await bench.create();
    bench.calls.endWaiting('the gateway stops');
    expect([call.status, leg.done.includes('start'), first.call.isOver, bench.calls.waiting]).toEqual([
      'canceled',
      false,
      false,
      0,
    ]);
  });

  test('emergency calls wait for nothing', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 1;
    await bench.create();
    const { record } = await bench.create({ to: '112' });
    expect(record.queueTimeMs).toBeNull();
  });

  test('calls that wait take no place of calls that live, and live no shorter', async () => {
    const bench = new RestBench(2);
    // Longer than a call may live.
    const waitMs = limits.callTimeLimitMs + 1_000_000;
    bench.callsPerSecond = 1_000 / waitMs;
    await bench.create();
    const { call } = await bench.create();
    await bench.create();
    expect([bench.calls.size, bench.calls.waiting, bench.calls.isFull]).toEqual([3, 2, false]);
    await bench.clock.advanceAsync(waitMs - 1);
    expect([call.status, bench.calls.waiting]).toEqual(['queued', 2]);
    await bench.clock.advanceAsync(1);
    expect([call.status, bench.calls.waiting]).toEqual(['initiated', 1]);
  });

  test('a backlog of more than a day: 22005 [rest 20 backlog] [rest 6 22005]', async () => {
    const bench = new RestBench();
    bench.callsPerSecond = 0.00002;
    await bench.create();
    await expect(bench.create()).resolves.toBeDefined();
    await expect(bench.create()).rejects.toThrow('more than a day');
  });

  test('a delay of its own comes on top', async () => {
    const bench = new RestBench();
    const { record, call } = await bench.create({ delayMs: 3_000 });
    expect(record.queueTimeMs).toBe(3_000);
    await bench.clock.advanceAsync(3_000);
    expect(call.status).toBe('initiated');
  });
});

describe('what the record of a call names', () => {
  test('the number that calls, if it is one of the account [rest 9.1 phone-number-sid]; the application in its parameters [twiml 3.1 application-sid]', async () => {
    const bench = new RestBench();
    const { record, call } = await bench.create({ from: '+4930123', applicationSid: 'AP1' });
    expect(record.phoneNumberSid).toBe('PN1');
    expect(callParams(call).get('ApplicationSid')).toBe('AP1');
    expect((await bench.create({ from: '+4930999' })).record.phoneNumberSid).toBeNull();
  });
});

describe('machine detection (rest-api.md 9.1)', () => {
  const detection: MachineDetection = {
    mode: 'Enable',
    timeoutMs: 30_000,
    speechThresholdMs: 2_400,
    speechEndThresholdMs: 1_200,
    silenceTimeoutMs: 5_000,
    isAsync: false,
    callback: null,
  };

  test('the document waits for the verdict and is told; nothing at all that comes is silence [rest 9.1 machine-detection] [twiml 3.3 screening-answered-by]', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create({ machineDetection: detection });
    leg.answers();
    await bench.clock.advanceAsync(4_000);
    expect(bench.started).toEqual([]);
    await bench.clock.advanceAsync(3_000);
    expect(bench.started).toHaveLength(1);
    expect(callParams(call).get('AnsweredBy')).toBe('unknown');
    expect(call.record().answeredBy).toBe('unknown');
    expect([bench.engine.counts().taps, bench.story(call).includes('answeredBy')]).toEqual([0, true]);
  });

  test('AsyncAmd: the document runs at once, the callback is told [rest 9.1 async-amd]', async () => {
    const bench = new RestBench();
    const callback = { url: 'http://app/amd', method: 'POST' } as const;
    const { leg } = await bench.create({ machineDetection: { ...detection, isAsync: true, callback } });
    leg.answers();
    await settle();
    expect([bench.started.length, bench.told]).toEqual([1, []]);
    await bench.clock.advanceAsync(7_000);
    expect(bench.told).toEqual(['http://app/amd unknown']);
  });

  test('SendDigits turn it off [rest 9.1 send-digits-amd] [twiml 13 send-digits]', async () => {
    const bench = new RestBench();
    const { leg } = await bench.create({ machineDetection: detection, sendDigits: '1' });
    leg.answers();
    await settle();
    bench.engine.finishPlay();
    await settle();
    expect([bench.started.length, bench.engine.counts().taps]).toEqual([1, 0]);
  });

  test('a peer that hangs up while it is listened to runs no document, and leaves nothing', async () => {
    const bench = new RestBench();
    const { leg } = await bench.create({ machineDetection: detection });
    leg.answers();
    await bench.clock.advanceAsync(1_000);
    leg.hangsUp();
    await settle();
    expect([bench.started, bench.engine.counts().taps, bench.clock.pendingTimers]).toEqual([[], 0, 0]);
  });

  test('a redirect meanwhile runs its document alone', async () => {
    const bench = new RestBench();
    const { leg, record } = await bench.create({ machineDetection: detection });
    leg.answers();
    await settle();
    await bench.rest.redirect(record.sid, { twiml: '<Response/>' });
    await bench.clock.advanceAsync(20_000);
    expect(bench.started.map(({ start }) => start.instructions)).toEqual([{ twiml: '<Response/>' }]);
    expect(bench.engine.counts().taps).toBe(0);
  });
});
