// Spelling of addresses, what a wildcard covers, local networks and advertised addresses (design.md 4 and 5.3).

import { describe, expect, test } from 'vitest';
import {
  canonicalAddress,
  coveredAddresses,
  familyOf,
  type LocalAddress,
  Locality,
  type LocalitySettings,
  normalizeAddress,
  readSystemInterfaces,
  sourceKey,
} from '../../../../src/sip/transport/addresses.ts';

const own = (...addresses: string[]): LocalAddress[] =>
  addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
const machine = own('127.0.0.1', '::1', '192.168.7.5', '203.0.113.5', '2001:db8::5', 'fe80::5', '192.168.7.5');

const locality = (settings: Partial<LocalitySettings> = {}) =>
  new Locality({ publicAddress: null, localNetworks: null, ownNames: [], readInterfaces: () => machine, ...settings });

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:192.0.2.1', '192.0.2.1'],
  ['[2001:DB8::1]', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
])('design.md 3: %s is written %s', (text, expected) => {
  expect(normalizeAddress(text)).toBe(expected);
});

test.each([
  ['2001:0db8:0:0::1', '2001:db8::1'],
  ['::ffff:c000:201', '192.0.2.1'],
  ['Name.Example', 'name.example'],
])('RFC 5952: the one spelling of %s is %s', (text, expected) => {
  expect(canonicalAddress(text)).toBe(expected);
});

test.each([
  ['192.0.2.1', 4],
  ['2001:db8::1', 6],
  ['1', undefined],
  ['127.1', undefined],
  ['name', undefined],
  ['a:b', undefined],
  ['', undefined],
])('family of %j is %s', (text, expected) => {
  expect(familyOf(text)).toBe(expected);
});

test.each([
  ['0.0.0.0', ['127.0.0.1', '192.168.7.5', '203.0.113.5']],
  ['::', ['::1', '2001:db8::5']],
  ['[::]', ['::1', '2001:db8::5']],
  ['192.168.7.5', ['192.168.7.5']],
])('a listener on %s covers %j', (listen, expected) => {
  expect(coveredAddresses(listen, machine)).toEqual(expected);
});

test('design.md 9: an IPv4 address is one source, an IPv6 /64 is one source', () => {
  expect(sourceKey('192.0.2.1')).not.toBe(sourceKey('192.0.2.2'));
  expect(sourceKey('2001:db8:1:2::1')).toBe(sourceKey('2001:db8:1:2:ffff::9'));
  expect(sourceKey('2001:db8:1:2::1')).not.toBe(sourceKey('2001:db8:1:3::1'));
});

describe('local networks', () => {
  test.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['192.168.200.1', true],
    ['::ffff:192.168.200.1', true],
    ['10.0.0.1', false],
    ['203.0.113.6', false],
    ['fe80::99', true],
    ['fd00::1', false],
    ['not an address', false],
  ])('by default loopback and private ranges on an interface: %s is near: %s', (address, isNear) => {
    expect(locality().isLocalPeer(address)).toBe(isNear);
  });

  test('named blocks replace the default', () => {
    const subject = locality({ localNetworks: ['203.0.113.0/24', '2001:db8::/32', '198.51.100.7'] });
    expect(
      ['203.0.113.9', '2001:db8:5::1', '198.51.100.7', '192.168.7.1', '127.0.0.1'].map((a) => subject.isLocalPeer(a)),
    ).toEqual([true, true, true, false, false]);
  });

  test('are read again when the interfaces change', () => {
    let interfaces = machine;
    const subject = locality({ readInterfaces: () => interfaces });
    expect(subject.refresh()).toBe(false);
    interfaces = own('127.0.0.1', '10.1.2.3');
    expect(subject.refresh()).toBe(true);
    expect([subject.isLocalPeer('10.9.9.9'), subject.isLocalPeer('192.168.7.1')]).toEqual([true, false]);
    expect([subject.isOwnHost('10.1.2.3'), subject.isOwnHost('192.168.7.5')]).toEqual([true, false]);
  });
});

describe('advertised address (design.md 4)', () => {
  const subject = locality({ publicAddress: '198.51.100.1' });
  test.each([
    ['a near peer is told the local address', '192.168.7.5', '192.168.9.9', undefined, '192.168.7.5'],
    ['a far peer is told the public address', '192.168.7.5', '203.0.113.77', undefined, '198.51.100.1'],
    ['an IPv6 peer is not told an IPv4 address', '2001:db8::5', '2001:db8:9::1', undefined, '2001:db8::5'],
    ['the listener has its own public address', '192.168.7.5', '203.0.113.77', '198.51.100.2', '198.51.100.2'],
    ['the listener has none', '192.168.7.5', '203.0.113.77', null, '192.168.7.5'],
    ['a public name fits every family', '2001:db8::5', '2001:db8:9::1', 'gw.example', 'gw.example'],
  ])('%s', (_what, local, remote, listenerPublic, expected) => {
    expect(subject.advertisedHost(local, remote, listenerPublic)).toBe(expected);
  });

  test('without a public address always the local one', () => {
    expect(locality().advertisedHost('192.168.7.5', '203.0.113.77')).toBe('192.168.7.5');
  });
});

test.each([
  ['127.0.0.1', true],
  ['127.8.9.1', true],
  ['localhost', true],
  ['192.168.7.5', true],
  ['[2001:DB8:0::5]', true],
  ['198.51.100.1', true],
  ['GW.example', true],
  ['192.168.7.6', false],
  ['other.example', false],
  ['127.example', false],
])('%s is this gateway: %s', (host, isOwn) => {
  expect(locality({ publicAddress: '198.51.100.1', ownNames: ['gw.EXAMPLE'] }).isOwnHost(host)).toBe(isOwn);
});

test('the interfaces of this machine hold loopback, normalised', () => {
  const found = readSystemInterfaces();
  expect(found).toContainEqual({ address: '127.0.0.1', family: 4 });
  for (const { address, family } of found) expect(familyOf(address)).toBe(family);
});
