// Numbers towards a carrier: form, prefixes, caller identity (sip-interface.md 2.3, 7; RFC 3323, 3325).

import { describe, expect, test } from 'vitest';
import { inOrder } from '../../../src/call/target-order.ts';
import { callerIdentity, carrierNumber, toE164, trunkUri } from '../../../src/call/trunk-numbers.ts';
import { seededRandom } from '../../support/network.ts';
import { outboundTrunk, sipUriOf } from '../../support/trunks.ts';

describe('the number as the carrier gets it', () => {
  test.each([
    ['as dialled', {}, '+4930123', '+4930123'],
    ['prefix cut', { stripPrefix: '+49' }, '+4930123', '30123'],
    ['prefix cut, another put there', { stripPrefix: '+', prepend: '00' }, '+4930123', '004930123'],
    ['a prefix that is not there stays', { stripPrefix: '+1' }, '+4930123', '+4930123'],
    ['without plus', { plus: false }, '+4930123', '4930123'],
    ['with plus', { plus: true }, '4930123', '+4930123'],
    ['with plus, once', { plus: true }, '+4930123', '+4930123'],
    ['access code, then no plus', { stripPrefix: '+49', prepend: '0', plus: false }, '+4930123', '030123'],
  ] as const)('%s', (_, form, dialled, sent) => {
    expect(carrierNumber(dialled, outboundTrunk(form))).toBe(sent);
  });

  test('the Request-URI is the target’s with the number and user=phone', () => {
    expect(trunkUri(sipUriOf('sip:Trunk.Example:5070;transport=tcp'), '30123')).toMatchObject({
      scheme: 'sip',
      user: '30123',
      host: 'trunk.example',
      port: 5070,
      params: new Map([
        ['transport', 'tcp'],
        ['user', 'phone'],
      ]),
    });
  });
});

describe('who calls', () => {
  const asserted = (value: string) => ({ name: 'P-Asserted-Identity', value });

  test('[sip 7 from-host] the From host of the trunk, the caller’s number asserted', () => {
    expect(callerIdentity(outboundTrunk({ fromHost: 'pbx.example' }), '+4930999', 'Office')).toEqual({
      displayName: 'Office',
      user: '+4930999',
      host: 'pbx.example',
      headers: [asserted('<sip:+4930999@pbx.example>')],
    });
  });

  test('without a host of its own the identity is a tel URI', () => {
    expect(callerIdentity(outboundTrunk(), '+4930999', undefined).headers).toEqual([asserted('<tel:+4930999>')]);
  });

  test('the trunk’s number replaces any other; the form of numbers holds for it too', () => {
    const trunk = outboundTrunk({ callerId: '+4930000', plus: false, fromHost: 'pbx.example' });
    expect(callerIdentity(trunk, 'alice', undefined)).toMatchObject({
      user: '4930000',
      headers: [asserted('<sip:4930000@pbx.example>')],
    });
  });

  test('what is no number is not asserted', () => {
    expect(callerIdentity(outboundTrunk(), 'alice', undefined)).toMatchObject({ user: 'alice', headers: [] });
  });

  test.each(['anonymous', 'Anonymous', 'blocked', 'restricted', 'private'])(
    '[sip 7 privacy] callerId %s: anonymous From, Privacy: id, the trunk’s number asserted (RFC 3323, 3325)',
    (callerId) => {
      const trunk = outboundTrunk({ callerId: '+4930000', fromHost: 'pbx.example' });
      expect(callerIdentity(trunk, callerId, 'Alice Secret')).toEqual({
        displayName: 'Anonymous',
        user: 'anonymous',
        host: 'anonymous.invalid',
        headers: [{ name: 'Privacy', value: 'id' }, asserted('<sip:+4930000@pbx.example>')],
      });
      expect(callerIdentity(outboundTrunk(), callerId, undefined).headers).toEqual([{ name: 'Privacy', value: 'id' }]);
    },
  );

  test('assertedIdentity off: no P-Asserted-Identity', () => {
    const trunk = outboundTrunk({ assertsIdentity: false, callerId: '+4930000' });
    expect(callerIdentity(trunk, 'anonymous', undefined).headers).toEqual([{ name: 'Privacy', value: 'id' }]);
    expect(callerIdentity(trunk, '+49', undefined).headers).toEqual([]);
  });
});

describe('what carriers write', () => {
  test.each([
    ['+4930123456', '+4930123456'],
    ['004930123456', '+4930123456'],
    ['4930123456', '+4930123456'],
    ['+49-30-123456', '+4930123456'],
    ['+4930123456;phone-context=example.com', '+4930123456'],
    ['030123456', undefined],
    ['1000', undefined],
    ['alice', undefined],
    ['+', undefined],
    ['+0123456', undefined],
    ['+4930123456789012', undefined],
    ['', undefined],
  ])('%s is %s', (written, number) => {
    expect(toE164(written)).toBe(number);
  });
});

describe('the order of targets (sip-interface.md 7)', () => {
  test('[sip 7 weight] low priority first, weight is the share inside one [rest 17 failover]', () => {
    const random = seededRandom(3).bytes;
    const targets = [
      { name: 'last', priority: 20, weight: 65_535 },
      { name: 'heavy', priority: 10, weight: 30 },
      { name: 'light', priority: 10, weight: 10 },
    ];
    const firsts = Array.from({ length: 4_000 }, () => {
      const order = inOrder(targets, random).map((target) => target.name);
      expect(order).toHaveLength(3);
      expect(order[2]).toBe('last');
      return order[0];
    });
    const share = firsts.filter((name) => name === 'heavy').length / firsts.length;
    expect(share).toBeGreaterThan(0.72);
    expect(share).toBeLessThan(0.78);
  });

  test('no target, one target', () => {
    expect(inOrder([], seededRandom(1).bytes)).toEqual([]);
    expect(inOrder([{ priority: 1, weight: 1 }], seededRandom(1).bytes)).toHaveLength(1);
  });
});
