// Calls over REST on fake legs (rest-api.md 9).

import { describe, expect, test } from 'vitest';
import type { CreateCallRequest } from '../../../src/base/calls-api.ts';
import { limits } from '../../../src/base/limits.ts';
import { err, ok } from '../../../src/base/result.ts';
import type { Call } from '../../../src/call/call.ts';
import { createRestCalls, type SessionStart } from '../../../src/call/rest-calls.ts';
import type { RouteContext, RouteFailure, Router, RouteTarget } from '../../../src/call/routing.ts';
import { ACCOUNT, CallBench, domainRecord, type FakeLeg } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

class RestBench extends CallBench {
  readonly routed: { target: RouteTarget; context: RouteContext }[] = [];
  readonly started: { call: Call; start: SessionStart }[] = [];
  failure: RouteFailure | undefined;
  lastLeg: FakeLeg | undefined;

  readonly rest = createRestCalls({
    calls: this.calls,
    router: { make: (target: RouteTarget, context: RouteContext) => this.#make(target, context) } as unknown as Router,
    engine: this.engine,
    clock: this.clock,
    startSession: (call, start) => void this.started.push({ call, start }),
    homeDomain: () => domainRecord(),
  });

  #make(target: RouteTarget, context: RouteContext) {
    this.routed.push({ target, context });
    if (this.failure) return err(this.failure);
    const { call, leg } = this.outbound({ direction: 'outbound-api', statusCallback: context.statusCallback });
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
  test('the answer says queued; then the INVITE leaves', async () => {
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
    test(`${to} is a ${target.kind}`, async () => {
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

  test('SendDigits are played first', async () => {
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

  test('Timeout, and 5 s on top: no-answer [sip 2.6 timeout]', async () => {
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

  test('TimeLimit counts from the answer [sip 2.6 time-limit]', async () => {
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
    test(`a target that is refused with ${errorCode}: HTTP ${status}`, () => {
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
  test('canceled: a ringing call; the record is given when its leg has ended', async () => {
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

  test('a peer that never answers the CANCEL is not waited for without end', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.cancelsAtOnce = false;
    leg.rings();
    const updated = bench.rest.complete(call.sid);
    await bench.clock.advanceAsync(limits.restEndWaitMs);
    expect(await updated).toMatchObject({ status: 'ringing' });
  });

  test('canceled leaves alone: an answered call, a leg that rings inside a Dial, an unknown one', async () => {
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

  test('completed: an answered call', async () => {
    const bench = new RestBench();
    const { call, leg } = await bench.create();
    leg.answers();
    expect(await bench.rest.complete(call.sid)).toMatchObject({ status: 'completed' });
    expect(bench.rest.live(call.sid)).toBeUndefined();
    expect(await bench.rest.complete(call.sid)).toBeUndefined();
  });

  test('another document: only while in progress, else 21220', async () => {
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

  test('StatusCallback and TimeLimit are replaced', async () => {
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
