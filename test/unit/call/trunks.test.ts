import { describe, expect, test } from 'vitest';
import type { Trunk } from '../../../src/base/records.ts';
import { createTrunkGate, trunkUri } from '../../../src/call/trunks.ts';
import { domainRecord } from '../../support/call-fakes.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const trunk = (changes: Partial<Trunk> = {}): Trunk => ({
  name: 'carrier',
  host: 'Trunk.Example',
  port: null,
  transport: 'udp',
  username: null,
  password: null,
  allowedPrefixes: ['+49', '+43'],
  stripPrefix: '',
  prepend: '',
  fromDomain: null,
  callerId: null,
  maxConcurrentCalls: 10,
  maxCallsPerSecond: 100,
  secureMedia: false,
  ...changes,
});

const gateOf = (...trunks: Trunk[]) => {
  const clock = new VirtualClock();
  const gate = createTrunkGate(
    () => trunks,
    (domain) => domain.domainName === 'demo.example',
    clock,
  );
  return { clock, gate, admit: (number: string, domain = domainRecord()) => gate.admit(number, { domain }) };
};

describe('design.md 9, toll fraud', () => {
  test('only allowed prefixes are dialled, by the first trunk that allows them', () => {
    const { admit } = gateOf(trunk(), trunk({ name: 'second', allowedPrefixes: ['+1', '+49'] }));
    expect(admit('+4930123')).toMatchObject({ ok: true, value: { trunk: { name: 'carrier' } } });
    expect(admit('+1555')).toMatchObject({ ok: true, value: { trunk: { name: 'second' } } });
    expect(admit('+33155')).toMatchObject({ ok: false, error: { errorCode: 13227, sipStatus: 403 } });
  });

  test('no prefix means none', () => {
    expect(gateOf(trunk({ allowedPrefixes: [] })).admit('+4930')).toMatchObject({ error: { errorCode: 13227 } });
  });

  test('no trunk at all: 13224', () => {
    expect(gateOf().admit('+4930')).toMatchObject({ error: { errorCode: 13224, sipStatus: 404 } });
  });

  test('users of the demo never reach a trunk', () => {
    const { admit } = gateOf(trunk());
    expect(admit('+4930', domainRecord({ domainName: 'demo.example' }))).toMatchObject({ error: { errorCode: 13227 } });
  });

  test('concurrent calls are bounded; a place is given back once', () => {
    const { gate, admit } = gateOf(trunk({ maxConcurrentCalls: 2 }));
    const first = admit('+491');
    const second = admit('+492');
    expect(admit('+493')).toMatchObject({ ok: false, error: { errorCode: 32013, sipStatus: 503 } });
    if (!first.ok || !second.ok) throw new Error('refused');
    first.value.release();
    first.value.release();
    expect(gate.counts()).toEqual({ callsOnTrunks: 1 });
    expect([admit('+493').ok, admit('+494').ok]).toEqual([true, false]);
  });

  test('calls per second are bounded over a sliding second', () => {
    const { clock, admit } = gateOf(trunk({ maxCallsPerSecond: 2 }));
    expect(admit('+491').ok).toBe(true);
    clock.advance(600);
    expect(admit('+491').ok).toBe(true);
    expect(admit('+491')).toMatchObject({ ok: false, error: { errorCode: 32001, sipStatus: 503 } });
    clock.advance(399);
    expect(admit('+491').ok).toBe(false);
    clock.advance(1);
    expect(admit('+491').ok).toBe(true);
    expect(admit('+491').ok).toBe(false);
  });

  test('changed settings count from the next call', () => {
    const trunks = [trunk()];
    const gate = createTrunkGate(
      () => trunks,
      () => false,
      new VirtualClock(),
    );
    expect(gate.admit('+4930', { domain: undefined }).ok).toBe(true);
    trunks.length = 0;
    expect(gate.admit('+4930', { domain: undefined }).ok).toBe(false);
  });
});

describe('the Request-URI of a number', () => {
  for (const [what, changes, user, params] of [
    ['as dialled', {}, '+4930123', [['user', 'phone']]],
    ['prefix cut', { stripPrefix: '+49' }, '30123', [['user', 'phone']]],
    ['prefix cut, another put there', { stripPrefix: '+', prepend: '00' }, '004930123', [['user', 'phone']]],
    ['a prefix that is not there stays', { stripPrefix: '+1' }, '+4930123', [['user', 'phone']]],
    [
      'transport',
      { transport: 'tls', port: 5_061 },
      '+4930123',
      [
        ['user', 'phone'],
        ['transport', 'tls'],
      ],
    ],
  ] as const) {
    test(what, () => {
      const given = trunk(changes);
      expect(trunkUri(given, '+4930123')).toMatchObject({
        scheme: 'sip',
        user,
        host: 'trunk.example',
        port: given.port ?? undefined,
        params: new Map(params as unknown as [string, string][]),
      });
    });
  }
});
