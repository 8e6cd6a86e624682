import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { TrunkUsage } from '../../../src/base/records.ts';
import type { AccountLimits, OutboundTrunk } from '../../../src/call/trunk.ts';
import { createTrunkGate, type NumberRequest } from '../../../src/call/trunks.ts';
import { ACCOUNT, CallBench, domainRecord } from '../../support/call-fakes.ts';
import { seededRandom } from '../../support/network.ts';
import { accountLimits, FakeTrunkBook, outboundTrunk, trunkTarget } from '../../support/trunks.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

/** Usage as the store keeps it: the latest of each key. */
class MemoryUsage {
  readonly kept = new Map<string, TrunkUsage>();
  put(usage: TrunkUsage): void {
    this.kept.set(usage.sid, usage);
  }
  async ofDay(day: string) {
    return [...this.kept.values()].filter((usage) => usage.day === day);
  }
}

class GateBench {
  readonly clock: VirtualClock;
  readonly usage: MemoryUsage;
  readonly book: FakeTrunkBook;
  readonly gate;
  mayShow: (callerId: string) => boolean = () => true;
  constructor(
    trunks: readonly OutboundTrunk[],
    limits: Partial<AccountLimits> = {},
    usage = new MemoryUsage(),
    clock = new VirtualClock(),
  ) {
    this.clock = clock;
    this.usage = usage;
    this.book = new FakeTrunkBook(...trunks);
    this.book.limits = accountLimits(limits);
    this.gate = createTrunkGate({
      book: this.book,
      usage,
      isDemo: (domain) => domain.domainName === 'demo.example',
      mayShow: (_, callerId) => this.mayShow(callerId),
      clock,
      random: seededRandom(1).bytes,
      log: silentLog,
    });
  }
  admit(number: string, changes: Partial<NumberRequest> = {}) {
    return this.gate.admit(number, {
      accountSid: ACCOUNT,
      domain: domainRecord(),
      byoc: undefined,
      callerId: '+4989777',
      ...changes,
    });
  }
  /** An admitted call, answered. */
  talk(calls: CallBench, number = '+4930') {
    const admitted = this.admit(number);
    if (!admitted.ok) throw new Error(admitted.error.detail);
    const { call, leg } = calls.outbound();
    admitted.value.carry(call);
    call.start();
    leg.answers();
    return { call, leg };
  }
}

const restTrunk = (changes: Partial<OutboundTrunk> = {}) =>
  outboundTrunk({ sid: `BY${'2'.repeat(32)}`, name: 'rest', isDeclared: false, allowedPrefixes: null, ...changes });

describe('which trunk (sip-interface.md 7)', () => {
  test('the first declared one that allows the number', () => {
    const bench = new GateBench([outboundTrunk(), outboundTrunk({ name: 'second', allowedPrefixes: ['+1', '+49'] })]);
    expect(bench.admit('+4930123')).toMatchObject({ ok: true, value: { trunk: { name: 'carrier' } } });
    expect(bench.admit('+1555')).toMatchObject({ ok: true, value: { trunk: { name: 'second' } } });
  });

  test('[sip 7 pass-over] one that is full, used up, too quick or without target is passed over for the next that allows the number', () => {
    const second = outboundTrunk({ sid: `BY${'3'.repeat(32)}`, name: 'second' });
    for (const cannot of [{ maxConcurrentCalls: 0 }, { maxCallsPerSecond: 0 }, { maxDailyMinutes: 0 }, { targets: [] }])
      expect(new GateBench([outboundTrunk(cannot), second]).admit('+4930')).toMatchObject({
        value: { trunk: { name: 'second' } },
      });
    const both = new GateBench([outboundTrunk({ maxConcurrentCalls: 0 }), { ...second, targets: [] }]);
    expect(both.admit('+4930')).toMatchObject({ error: { errorCode: 32012 } });
    // One that was asked for is not replaced, and what is blocked on one way is not dialled on another.
    const asked = new GateBench([outboundTrunk({ maxConcurrentCalls: 0 }), second]);
    expect(asked.admit('+4930', { byoc: 'carrier' })).toMatchObject({ error: { errorCode: 32012 } });
    const blocked = new GateBench(
      [outboundTrunk({ maxConcurrentCalls: 0, stripPrefix: '+49', prepend: '+49900' }), second],
      {
        blockedPrefixes: ['+49900'],
      },
    );
    expect(blocked.admit('+4930')).toMatchObject({ error: { errorCode: 13225 } });
  });

  test('[sip 7 pass-over] the account’s own bounds hold for all trunks', () => {
    const second = outboundTrunk({ sid: `BY${'3'.repeat(32)}`, name: 'second' });
    const bench = new GateBench([outboundTrunk(), second], { maxConcurrentCalls: 1 });
    expect(bench.admit('+491').ok).toBe(true);
    expect(bench.admit('+491')).toMatchObject({ error: { errorCode: 10004 } });
    expect(bench.gate.counts().callsOnTrunks).toBe(1);
  });

  test('[sip 2.2 number-owned] with callerIds: owned only what mayShow says is shown: 13214, 21210 over REST; a trunk’s own number and nobody always [twiml 6.1 caller-id-owned]', () => {
    const refused = { errorCode: 13214, sipStatus: 403, rest: { code: 21210, status: 400 } };
    const bench = new GateBench([outboundTrunk()]);
    bench.mayShow = (callerId) => callerId === '+4989777';
    expect(bench.admit('+4930').ok).toBe(true);
    expect(bench.admit('+4930', { callerId: 'alice' })).toMatchObject({ error: refused });
    expect(bench.admit('+4930', { callerId: 'anonymous' }).ok).toBe(true);
    const own = new GateBench([outboundTrunk({ callerId: '+4930999' })]);
    own.mayShow = () => false;
    expect(own.admit('+4930', { callerId: 'alice' }).ok).toBe(true);
  });

  test('[sip 2.4 target-rest] a target that is not there comes behind the others for a minute, or until it takes a call', () => {
    const targets = [trunkTarget('sip:one.example', 1), trunkTarget('sip:two.example', 2)];
    const bench = new GateBench([outboundTrunk({ targets })]);
    const order = () => {
      const admitted = bench.admit('+4930');
      if (!admitted.ok) throw new Error(admitted.error.detail);
      admitted.value.release();
      return { hosts: admitted.value.targets.map(({ host }) => host), note: admitted.value.noteTarget! };
    };
    expect(order().hosts).toEqual(['one.example', 'two.example']);
    order().note(targets[0]!.uri, true);
    expect(order().hosts).toEqual(['two.example', 'one.example']);
    bench.clock.advance(limits.trunkTargetRestMs - 1);
    expect(order().hosts).toEqual(['two.example', 'one.example']);
    bench.clock.advance(1);
    expect(order().hosts).toEqual(['one.example', 'two.example']);
    for (const { uri } of targets) order().note(uri, true);
    expect(order().hosts).toEqual(['one.example', 'two.example']);
    order().note(targets[1]!.uri, false);
    expect(order().hosts).toEqual(['two.example', 'one.example']);
  });

  test('[sip 7 byoc] the one that is asked for, by sid or declared name', () => {
    const second = outboundTrunk({ sid: `BY${'3'.repeat(32)}`, name: 'second' });
    const bench = new GateBench([outboundTrunk(), second]);
    for (const byoc of [second.sid, 'second'])
      expect(bench.admit('+4930', { byoc })).toMatchObject({ value: { trunk: { name: 'second' } } });
  });

  test('[sip 7 byoc-unknown] one that nobody has: 32401, 21300 over REST [rest 6 21300]', () => {
    const unknown = { errorCode: 32401, sipStatus: 404, rest: { code: 21300, status: 400 } };
    expect(new GateBench([outboundTrunk()]).admit('+4930', { byoc: 'BY0' })).toMatchObject({ error: unknown });
  });

  test('[sip 7 byoc-foreign] a trunk of another account is none', () => {
    const bench = new GateBench([restTrunk({ accountSid: `AC${'9'.repeat(32)}` })], { allowedPrefixes: ['+'] });
    expect(bench.admit('+4930', { byoc: restTrunk().sid })).toMatchObject({ error: { errorCode: 32401 } });
  });

  test('[sip 7 default-trunk] the account’s default where no declared one allows the number', () => {
    const bench = new GateBench([outboundTrunk(), restTrunk()], {
      allowedPrefixes: ['+49', '+33'],
      defaultTrunk: restTrunk().sid,
    });
    expect(bench.admit('+33155')).toMatchObject({ value: { trunk: { name: 'rest' } } });
    expect(bench.admit('+4930')).toMatchObject({ value: { trunk: { name: 'carrier' } } });
  });

  test('no trunk at all: 13224, 21214 over REST [rest 6 21214] [twiml 6.5 not-routed] [twiml 14 number]', () => {
    const none = { errorCode: 13224, sipStatus: 404, rest: { code: 21214, status: 400 } };
    expect(new GateBench([]).admit('+4930')).toMatchObject({ error: none });
  });

  test('[sip 7 no-target] a trunk without enabled targets: 32400', () => {
    expect(new GateBench([outboundTrunk({ targets: [] })]).admit('+4930')).toMatchObject({
      error: { errorCode: 32400, sipStatus: 503 },
    });
  });

  test('targets by priority; those that do not answer are left out, unless none does [rest 17 failover]', () => {
    const targets = [
      trunkTarget('sip:third.example', 30),
      trunkTarget('sip:first.example', 10),
      trunkTarget('sip:second.example', 20),
    ];
    const bench = new GateBench([outboundTrunk({ targets })]);
    const hosts = () => {
      const admitted = bench.admit('+4930');
      return admitted.ok ? admitted.value.targets.map((uri) => uri.host) : [];
    };
    expect(hosts()).toEqual(['first.example', 'second.example', 'third.example']);
    bench.book.down.add('first.example');
    expect(hosts()).toEqual(['second.example', 'third.example']);
    bench.book.down.add('second.example').add('third.example');
    expect(hosts()).toEqual(['first.example', 'second.example', 'third.example']);
  });

  test('changed settings count from the next call', () => {
    const bench = new GateBench([outboundTrunk()]);
    expect(bench.admit('+4930').ok).toBe(true);
    bench.book.trunks = [];
    expect(bench.admit('+4930').ok).toBe(false);
  });
});

describe('toll fraud: what may be dialled (design.md 9)', () => {
  const admit = (number: string, trunk: Partial<OutboundTrunk>, limits: Partial<AccountLimits> = {}, byoc?: string) =>
    new GateBench([outboundTrunk(trunk)], limits).admit(number, { byoc });

  test('[sip 8.4 13227] no trunk allows the prefix; 21215 over REST [rest 6 21215] [twiml 6.5 not-routed]', () => {
    const refused = { errorCode: 13227, sipStatus: 403, rest: { code: 21215, status: 400 } };
    expect(admit('+33155', {})).toMatchObject({ error: refused });
    expect(admit('004930', {})).toMatchObject({ error: refused });
  });

  test('[sip 8.4 13227] no prefix means none', () => {
    expect(admit('+4930', { allowedPrefixes: [] })).toMatchObject({ error: { errorCode: 13227 } });
  });

  test('[sip 8.4 13227] what the account may not dial, though the trunk may', () => {
    expect(admit('+4930', {}, { allowedPrefixes: ['+43'] })).toMatchObject({ error: { errorCode: 13227 } });
    expect(admit('+4930', {}, { allowedPrefixes: [] })).toMatchObject({ error: { errorCode: 13227 } });
    expect(admit('+4330', {}, { allowedPrefixes: ['+43'] }).ok).toBe(true);
  });

  test('[sip 8.4 32205] the trunk that was asked for does not allow it; 21215 over REST', () => {
    expect(admit('+33155', {}, {}, 'carrier')).toMatchObject({
      error: { errorCode: 32205, sipStatus: 403, rest: { code: 21215, status: 400 } },
    });
  });

  test('[sip 8.4 13227] a trunk made over REST dials nothing until the account has prefixes', () => {
    const bench = new GateBench([restTrunk()]);
    expect(bench.admit('+4930', { byoc: restTrunk().sid })).toMatchObject({ error: { errorCode: 13227 } });
    bench.book.limits = accountLimits({ allowedPrefixes: ['+49'] });
    expect(bench.admit('+4930', { byoc: restTrunk().sid }).ok).toBe(true);
    expect(bench.admit('+4330', { byoc: restTrunk().sid })).toMatchObject({ error: { errorCode: 13227 } });
  });

  test('[sip 8.4 13225] blocked whatever is allowed, however it is written; 21216 over REST [rest 6 21216] [twiml 6.5 not-routed]', () => {
    const refused = { errorCode: 13225, sipStatus: 403, rest: { code: 21216, status: 400 } };
    const open = { allowedPrefixes: [''], stripPrefix: '0', prepend: '+49' };
    for (const number of ['+49900123', '0049900123', '49900123', '0900123'])
      expect(admit(number, open, { blockedPrefixes: ['+49900'] }), number).toMatchObject({ error: refused });
    expect(admit('+4930', open, { blockedPrefixes: ['+49900'] }).ok).toBe(true);
  });

  test('[sip 8.4 21216] users of the demo never reach a trunk', () => {
    const bench = new GateBench([outboundTrunk()]);
    expect(bench.admit('+4930', { domain: domainRecord({ domainName: 'demo.example' }) })).toMatchObject({
      error: { errorCode: 13227, sipStatus: 403, rest: { code: 21216, status: 400 } },
    });
  });

  test('a redirect is held to the same prefixes', () => {
    const admitted = admit('+4930', {}, { blockedPrefixes: ['+49900'] });
    if (!admitted.ok) throw new Error(admitted.error.detail);
    expect(['+4931', '+49900', '+33'].map(admitted.value.mayDial)).toEqual([true, false, false]);
  });
});

describe('toll fraud: how much (design.md 9)', () => {
  test('[sip 8.4 32012] calls at once on a trunk; a place is given back once', () => {
    const bench = new GateBench([outboundTrunk({ maxConcurrentCalls: 2 })]);
    const [first, second] = [bench.admit('+491'), bench.admit('+492')];
    expect(bench.admit('+493')).toMatchObject({
      error: { errorCode: 32012, sipStatus: 503, rest: { code: 10004, status: 429 } },
    });
    if (!first.ok || !second.ok) throw new Error('refused');
    first.value.release();
    first.value.release();
    expect(bench.gate.counts()).toEqual({ callsOnTrunks: 1, chargedCalls: 0 });
    expect([bench.admit('+493').ok, bench.admit('+494').ok]).toEqual([true, false]);
  });

  test('[sip 8.4 10004] calls at once of an account, over all its trunks', () => {
    const other = outboundTrunk({ sid: `BY${'3'.repeat(32)}`, name: 'other' });
    const bench = new GateBench([outboundTrunk(), other], { maxConcurrentCalls: 2 });
    expect(bench.admit('+491').ok).toBe(true);
    expect(bench.admit('+491', { byoc: 'other' }).ok).toBe(true);
    expect(bench.admit('+491')).toMatchObject({
      error: { errorCode: 10004, sipStatus: 503, rest: { code: 10004, status: 429 } },
    });
    expect(bench.admit('+491', { accountSid: `AC${'7'.repeat(32)}` }).ok).toBe(true);
  });

  test('[sip 8.4 32001] calls per second on a trunk, over a sliding second', () => {
    const bench = new GateBench([outboundTrunk({ maxCallsPerSecond: 2 })]);
    expect(bench.admit('+491').ok).toBe(true);
    bench.clock.advance(600);
    expect(bench.admit('+491').ok).toBe(true);
    expect(bench.admit('+491')).toMatchObject({
      error: { errorCode: 32001, sipStatus: 503, rest: { code: 20429, status: 429 } },
    });
    bench.clock.advance(399);
    expect(bench.admit('+491').ok).toBe(false);
    bench.clock.advance(1);
    expect([bench.admit('+491').ok, bench.admit('+491').ok]).toEqual([true, false]);
  });

  test('[sip 8.4 32013] calls per second of an account', () => {
    const bench = new GateBench([outboundTrunk()], { maxCallsPerSecond: 1 });
    expect(bench.admit('+491').ok).toBe(true);
    expect(bench.admit('+491')).toMatchObject({
      error: { errorCode: 32013, sipStatus: 503, rest: { code: 20429, status: 429 } },
    });
  });

  test('a refused call takes nothing', () => {
    const bench = new GateBench([outboundTrunk({ maxConcurrentCalls: 1 })], { maxConcurrentCalls: 1 });
    expect(bench.admit('+331').ok).toBe(false);
    expect(bench.gate.counts().callsOnTrunks).toBe(0);
    expect(bench.admit('+491').ok).toBe(true);
  });

  test('[sip 1.5 capacity] inbound calls take a channel of the trunk too', () => {
    const bench = new GateBench([outboundTrunk({ maxConcurrentCalls: 1 })]);
    const inbound = bench.gate.admitInbound(outboundTrunk().sid, ACCOUNT);
    expect(inbound.ok).toBe(true);
    expect(bench.gate.admitInbound(outboundTrunk().sid, ACCOUNT)).toMatchObject({
      error: { errorCode: 32012, sipStatus: 503 },
    });
    expect(bench.admit('+491')).toMatchObject({ error: { errorCode: 32012 } });
    if (inbound.ok) inbound.value();
    expect(bench.admit('+491').ok).toBe(true);
  });
});

describe('minutes of the day (UTC)', () => {
  const MINUTE = 60_000;
  const used = { errorCode: 32203, sipStatus: 403, rest: { code: 21216, status: 400 } };

  test('[sip 8.4 32203] counted from the answer of each call, running ones too; the account’s limit', () => {
    const calls = new CallBench();
    const bench = new GateBench([outboundTrunk()], { maxDailyMinutes: 2 }, undefined, calls.clock);
    const { call } = bench.talk(calls);
    bench.clock.advance(MINUTE);
    call.hangUp('done');
    const second = bench.talk(calls);
    bench.clock.advance(MINUTE - 1_000);
    expect(bench.admit('+491').ok).toBe(true);
    bench.clock.advance(1_000);
    expect(bench.admit('+491')).toMatchObject({ error: used });
    second.call.hangUp('done');
    expect(bench.admit('+491')).toMatchObject({ error: used });
  });

  test('[sip 8.4 32203] the trunk’s own limit', () => {
    const calls = new CallBench();
    const bench = new GateBench([outboundTrunk({ maxDailyMinutes: 1 })], {}, undefined, calls.clock);
    bench.talk(calls);
    bench.clock.advance(MINUTE);
    expect(bench.admit('+491')).toMatchObject({ error: used });
  });

  test('[sip 8.4 32203] a running call is ended when the limit is reached', () => {
    const calls = new CallBench();
    const bench = new GateBench([outboundTrunk()], { maxDailyMinutes: 1 }, undefined, calls.clock);
    const { call } = bench.talk(calls);
    bench.clock.advance(MINUTE + 10_000);
    expect(call.isOver).toBe(true);
    expect(calls.story(call)).toContain('error 32203');
    expect(bench.gate.counts()).toEqual({ callsOnTrunks: 0, chargedCalls: 0 });
  });

  test('what was talked survives a restart, all but the last seconds of a killed process', async () => {
    const calls = new CallBench();
    const usage = new MemoryUsage();
    const bench = new GateBench([outboundTrunk()], { maxDailyMinutes: 2 }, usage, calls.clock);
    bench.talk(calls);
    bench.clock.advance(2 * MINUTE - 1);
    const after = new GateBench([outboundTrunk()], { maxDailyMinutes: 2 }, usage, calls.clock);
    await after.gate.start();
    expect(after.admit('+491').ok).toBe(true);
    expect([...usage.kept.values()]).toMatchObject([{ seconds: 110, accountSid: ACCOUNT }]);
    bench.clock.advance(1);
    const later = new GateBench([outboundTrunk()], { maxDailyMinutes: 2 }, usage, calls.clock);
    await later.gate.start();
    expect(later.admit('+491')).toMatchObject({ error: used });
  });

  test('a call that rings costs nothing', () => {
    const calls = new CallBench();
    const bench = new GateBench([outboundTrunk()], { maxDailyMinutes: 1 }, undefined, calls.clock);
    const admitted = bench.admit('+491');
    const { call, leg } = calls.outbound();
    if (admitted.ok) admitted.value.carry(call);
    call.start();
    leg.rings();
    bench.clock.advance(10 * MINUTE);
    expect(bench.admit('+492').ok).toBe(true);
    expect(bench.gate.counts().chargedCalls).toBe(0);
  });

  test('no minutes at all: no call', () => {
    expect(new GateBench([outboundTrunk()], { maxDailyMinutes: 0 }).admit('+491')).toMatchObject({ error: used });
  });

  test('midnight UTC begins a new day', () => {
    const calls = new CallBench();
    const bench = new GateBench([outboundTrunk()], { maxDailyMinutes: 90 }, undefined, calls.clock);
    bench.clock.advance(23 * 60 * MINUTE);
    const { call } = bench.talk(calls);
    bench.clock.advance(2 * 60 * MINUTE);
    expect(call.isOver).toBe(false);
    call.hangUp('done');
    expect([...bench.usage.kept.keys()].map((key) => key.slice(0, 10))).toEqual(['2026-01-01', '2026-01-02']);
    for (const usage of bench.usage.kept.values()) expect(usage.seconds).toBeGreaterThan(59 * 60);
  });
});
