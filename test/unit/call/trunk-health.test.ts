// Targets that do not answer OPTIONS are taken out, and come back (sip-interface.md 2.4).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { TrunkHealth } from '../../../src/call/trunk-health.ts';
import { TrunkRegistrations } from '../../../src/call/trunk-registrations.ts';
import type { RegistrationRequest } from '../../../src/sip/ua/ua.ts';
import { seededRandom } from '../../support/network.ts';
import { sipUriOf } from '../../support/trunks.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const INTERVAL = 60_000;
const target = sipUriOf('sip:carrier.example');

function bench(intervalMs = INTERVAL, count = 1) {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const state = {
    isAlive: true,
    targets: Array.from({ length: count }, (_, index) =>
      sipUriOf(index === 0 ? 'sip:carrier.example' : `sip:c${index}.example`),
    ),
  };
  const health = new TrunkHealth({
    userAgent: {
      ping: async () => {
        asked.push(clock.now());
        return state.isAlive;
      },
    },
    targets: () => state.targets.map((uri) => ({ uri, intervalMs })),
    clock,
    random: seededRandom(7).bytes,
    log: silentLog,
  });
  health.start();
  const pass = async (ms: number) => {
    for (let rest = ms; rest > 0; rest -= limits.trunkProbeSweepMs) {
      clock.advance(Math.min(rest, limits.trunkProbeSweepMs));
      await settle();
    }
  };
  return { clock, asked, state, health, pass };
}

describe('OPTIONS to targets', () => {
  test('[sip 7 probe] once per interval, give or take a tenth, not all at the start', async () => {
    const { asked, pass } = bench(INTERVAL, 20);
    await pass(2_000);
    expect(asked.length).toBeLessThan(10);
    await pass(10 * INTERVAL);
    expect(asked.length).toBeGreaterThan(20 * 9);
    expect(asked.length).toBeLessThan(20 * 12);
  });

  test('[sip 7 probe-down] out after three silences in a row, back with the first answer', async () => {
    const { state, health, pass } = bench();
    await pass(INTERVAL);
    expect(health.isUp(target)).toBe(true);
    state.isAlive = false;
    await pass(2 * INTERVAL);
    expect(health.isUp(target)).toBe(true);
    await pass(2 * INTERVAL);
    expect([health.isUp(target), health.counts()]).toEqual([false, { probed: 1, down: ['sip:carrier.example'] }]);
    state.isAlive = true;
    await pass(1.2 * INTERVAL);
    expect([health.isUp(target), health.counts()]).toEqual([true, { probed: 1, down: [] }]);
  });

  test('one silence between answers takes nothing out', async () => {
    const { state, health, pass, asked } = bench();
    for (let round = 0; round < 12; round++) {
      state.isAlive = round % 3 === 0;
      const before = asked.length;
      while (asked.length === before) await pass(limits.trunkProbeSweepMs);
      expect(health.isUp(target)).toBe(true);
    }
  });

  test('a target that is gone is forgotten; an unknown one is up', async () => {
    const { state, health, pass } = bench();
    state.isAlive = false;
    await pass(5 * INTERVAL);
    expect(health.isUp(target)).toBe(false);
    state.targets = [];
    await pass(1_000);
    expect([health.isUp(target), health.counts().probed]).toEqual([true, 0]);
    health.stop();
  });
});

describe('registrations of declared trunks', () => {
  const wanted = (name: string, password = 'p') => ({
    trunkSid: `BY-${name}`,
    name,
    registrar: target,
    host: 'carrier.example',
    username: 'u',
    password,
    expiresSeconds: 600,
  });
  function registrations(domainSid: string | undefined = 'SD1') {
    const opened: { request: RegistrationRequest; stopped: boolean }[] = [];
    const made = new TrunkRegistrations({
      userAgent: {
        register(request) {
          const entry = { request, stopped: false };
          opened.push(entry);
          return {
            state: 'registered',
            status: 200,
            addresses: ['192.0.2.5'],
            stop: async () => {
              entry.stopped = true;
            },
          };
        },
      },
      secret: Buffer.alloc(32, 1),
      domainSidOf: () => domainSid,
      log: silentLog,
    });
    return { made, opened };
  }

  test('begins what is new, leaves what is the same, replaces what changed, ends what is gone', async () => {
    const { made, opened } = registrations();
    made.bring([wanted('a'), wanted('b')]);
    made.bring([wanted('a'), wanted('b')]);
    expect(opened).toHaveLength(2);
    made.bring([wanted('a', 'other')]);
    expect(opened.map((one) => one.stopped)).toEqual([true, true, false]);
    expect(made.states()).toEqual([{ name: 'a', state: 'registered', status: 200 }]);
    await made.stop();
    expect(opened.every((one) => one.stopped)).toBe(true);
  });

  test('[sip 7 registered-contact] the Contact is the same after a restart, another for each trunk, and counts from its carrier only', () => {
    const { made, opened } = registrations();
    made.bring([wanted('a'), wanted('b')]);
    const [a, b] = opened.map((one) => one.request.contactUser);
    expect(a).toMatch(/^[0-9a-f]{24}$/);
    expect(a).not.toBe(b);
    const again = registrations();
    again.made.bring([wanted('a')]);
    expect(again.opened[0]?.request.contactUser).toBe(a);
    expect(made.domainOfContact(a!, '192.0.2.5')).toBe('SD1');
    expect(made.domainOfContact(a!, '192.0.2.6')).toBeUndefined();
    expect(made.domainOfContact('guess', '192.0.2.5')).toBeUndefined();
    expect([made.isCarrier('192.0.2.5'), made.isCarrier('192.0.2.6')]).toEqual([true, false]);
  });

  test('a trunk without a domain takes no calls', () => {
    const { made, opened } = registrations('');
    const none = new TrunkRegistrations({
      userAgent: {
        register: () => ({ state: 'registered', status: 200, addresses: ['192.0.2.5'], stop: async () => {} }),
      },
      secret: Buffer.alloc(32, 1),
      domainSidOf: () => undefined,
      log: silentLog,
    });
    none.bring([wanted('a')]);
    made.bring([wanted('a')]);
    expect(none.domainOfContact(opened[0]!.request.contactUser, '192.0.2.5')).toBeUndefined();
  });
});
