// The domain of a call made over REST (home-domain.ts).

import { describe, expect, test } from 'vitest';
import type { Domain } from '../../../src/base/records.ts';
import { homeDomain } from '../../../src/call/home-domain.ts';
import { ACCOUNT, domainRecord } from '../../support/call-fakes.ts';

const named = (domainName: string, accountSid = ACCOUNT): Domain =>
  domainRecord({ domainName, accountSid, sid: `SD${domainName}` });

function home(from: string, domains: readonly Domain[], defaultDomain: string | null = null): string | undefined {
  return homeDomain(ACCOUNT, from, {
    domainsOfAccount: (accountSid) => domains.filter((domain) => domain.accountSid === accountSid),
    domainOf: (host) => domains.find((domain) => domain.domainName === host),
    isDemo: (domain) => domain.domainName === 'demo.example',
    defaultDomain,
  })?.domainName;
}

describe('domain of a call made over REST', () => {
  const all = [named('demo.example'), named('west.example'), named('east.example'), named('far.example', 'ACother')];

  test.each([
    ['the one that From names', 'sip:desk@west.example', 'east.example', 'west.example'],
    ['not one of another account', 'sip:desk@far.example', null, 'east.example'],
    ['the default domain', 'desk', 'west.example', 'west.example'],
    ['a default domain that is the demo', 'desk', 'demo.example', 'demo.example'],
    ['a default domain of another account does not count', '+4930123', 'far.example', 'east.example'],
    ['else the first by name', 'client:desk', null, 'east.example'],
  ])('%s', (_rule, from, defaultDomain, expected) => {
    expect(home(from, all, defaultDomain)).toBe(expected);
    expect(home(from, all.toReversed(), defaultDomain)).toBe(expected);
  });

  test('the demo only where there is no other: its calls reach no trunk', () => {
    expect(home('desk', [named('demo.example'), named('zebra.example')])).toBe('zebra.example');
    expect(home('desk', [named('demo.example')])).toBe('demo.example');
  });

  test('an account without domains has none', () => {
    expect(home('desk', [named('far.example', 'ACother')])).toBeUndefined();
  });
});
