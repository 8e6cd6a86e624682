// Carriers, numbers and limits in hookswitch.yaml: defaults, and what is refused (design.md 4, 9).

import { describe, expect, test } from 'vitest';
import { declaredSchema } from '../../src/config-declared.ts';
import { defaultAccountLimits, targetsOf, trunkSchema } from '../../src/config-trunks.ts';

const trunk = (over: object) => trunkSchema.safeParse({ name: 'carrier', host: 'carrier.example', ...over });

describe('trunks', () => {
  test('safe by default: no prefix may be dialled, bounded, probed, not registered', () => {
    expect(trunk({}).data).toMatchObject({
      allowedPrefixes: [],
      maxConcurrentCalls: 100,
      maxCallsPerSecond: 10,
      optionsSeconds: 60,
      register: false,
      plus: 'keep',
    });
    expect(defaultAccountLimits).toMatchObject({
      allowedPrefixes: null,
      blockedPrefixes: [],
      maxConcurrentCalls: 100,
      maxCallsPerSecond: 10,
      maxDailyMinutes: 6_000,
      defaultTrunk: null,
    });
  });

  test('host is the first target, targets follow', () => {
    const parsed = trunk({
      port: 5061,
      transport: 'tls',
      targets: [{ host: '2001:db8::1', port: 5070, priority: 20 }, { host: '192.0.2.1' }],
    });
    expect(parsed.data && targetsOf(parsed.data).map((one) => [one.uri, one.priority])).toEqual([
      ['sip:carrier.example:5061;transport=tls', 10],
      ['sip:[2001:db8::1]:5070', 20],
      ['sip:192.0.2.1', 10],
    ]);
  });

  test.each([
    ['no host and no target', { host: undefined }],
    ['a host with a user', { host: 'bob@carrier.example' }],
    ['a host with a line end', { host: 'carrier.example\r\nX: 1' }],
    ['another transport', { transport: 'sctp' }],
    ['a prefix with letters', { allowedPrefixes: ['+49x'] }],
    ['a password with a line end', { username: 'a', password: 'a\nb' }],
    ['register without a user', { register: true }],
    ['weight 0', { targets: [{ host: 'a', weight: 0 }] }],
    ['eleven targets', { targets: Array.from({ length: 11 }, () => ({ host: 'a' })) }],
    ['an unknown key', { maxCalls: 3 }],
    ['negative minutes', { maxDailyMinutes: -1 }],
  ])('refused: %s', (_, over) => {
    expect(trunk(over).success).toBe(false);
  });
});

test.each([
  ['a national number', { numbers: [{ number: '030123' }] }],
  ['a number of an application that is not there', { numbers: [{ number: '+4930123', application: 'menu' }] }],
  ['an application without an answer', { applications: [{ name: 'menu' }] }],
  ['two applications of one name', { applications: [1, 2].map(() => ({ name: 'menu', twiml: '<Response/>' })) }],
  ['limits of a name', { accountLimits: [{ account: 'alice' }] }],
  ['an empty blocked prefix', { accountLimits: [{ account: 'default', blockedPrefixes: [''] }] }],
  ['a source that is no address', { domains: [{ name: 'a.sip.localhost', sourceAddresses: ['carrier.example'] }] }],
])('refused: %s', (_, declared) => {
  expect(declaredSchema.safeParse(declared).success).toBe(false);
});
