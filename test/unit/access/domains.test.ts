// Hosts and domains (sip-interface.md 0, 1.1), and CIDR lists.

import { describe, expect, test } from 'vitest';
import { isListed } from '../../../src/access/acl.ts';
import { sourceKey } from '../../../src/access/budget.ts';
import { candidateNames, nameBelowSuffix } from '../../../src/access/domains.ts';

describe('one domain, many spellings [sip 0 domain-forms]', () => {
  test.each([
    ['alice.sip.localhost', 'sip.localhost', 'alice'],
    ['alice.sip.frankfurt.localhost', 'sip.localhost', 'alice'],
    ['a.b.sip.localhost', 'sip.localhost', 'a.b'],
    ['a.b.sip.sao-paulo.localhost', 'sip.localhost', 'a.b'],
    ['alice.sip.us1.twilio.com', 'sip.twilio.com', 'alice'],
    ['alice.voice.de1.example.com', 'voice.example.com', 'alice'],
    ['sip.localhost', 'sip.localhost', undefined],
    ['sip.frankfurt.localhost', 'sip.localhost', undefined],
    ['alice.sip.a.b.localhost', 'sip.localhost', undefined],
    ['alicesip.localhost', 'sip.localhost', undefined],
    ['alice.example.com', 'sip.localhost', undefined],
    ['alice.host', 'host', 'alice'],
  ])('%s below %s is %s', (host, suffix, name) => expect(nameBelowSuffix(host, suffix)).toBe(name));

  test('candidates: as written, under our suffix, under the vendor suffix; case and final dot do not matter [sip 0 edges]', () => {
    const names = ['demo.sip.localhost', 'demo.sip.twilio.com'];
    expect(candidateNames('Demo.SIP.Dublin.twilio.com.', 'sip.localhost')).toEqual([
      'demo.sip.dublin.twilio.com',
      ...names,
    ]);
    expect(candidateNames('demo.sip.localhost', 'sip.localhost')).toEqual(names);
    expect(candidateNames('pbx.example.net', 'sip.localhost')).toEqual(['pbx.example.net']);
  });
});

describe('IP access control lists', () => {
  test.each([
    ['198.51.100.7', '198.51.100.7', 32, true],
    ['198.51.100.8', '198.51.100.7', 32, false],
    ['198.51.100.255', '198.51.100.0', 24, true],
    ['198.51.101.0', '198.51.100.0', 24, false],
    ['203.0.113.200', '0.0.0.0', 0, true],
    ['::ffff:198.51.100.7', '198.51.100.0', 24, true],
    ['198.51.100.7', '::ffff:198.51.100.0', 120, true],
    ['2001:db8::1', '198.51.100.0', 0, false],
    ['2001:db8::1', '2001:db8::', 32, true],
    ['fe80::1%eth0', 'fe80::', 10, true],
    ['198.51.100.7', 'nonsense', 32, false],
    ['198.51.100.7', '198.51.100.7', 33, false],
    ['not an address', '0.0.0.0', 0, false],
  ])('%s in %s/%i: %s [sip 1.2 networks]', (source, ipAddress, cidrPrefixLength, expected) => {
    expect(isListed([{ ipAddress, cidrPrefixLength }], source)).toBe(expected);
  });

  test('an empty list holds nobody', () => expect(isListed([], '198.51.100.7')).toBe(false));

  test('a source is an IPv4 address or an IPv6 /64', () => {
    expect(sourceKey('::ffff:198.51.100.7')).toBe('198.51.100.7');
    expect(sourceKey('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
  });
});
