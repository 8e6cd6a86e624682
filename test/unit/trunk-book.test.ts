// Carriers as the directory and hookswitch.yaml make them (sip-interface.md 7): the host that From names.

import { describe, expect, test } from 'vitest';
import type { ByocTrunk } from '../../src/base/records.ts';
import { createTrunkBook, type TrunkBookParts } from '../../src/trunk-book.ts';
import { domainRecord } from '../support/call-fakes.ts';

const ACCOUNT = `AC${'a'.repeat(32)}`;
const TRUNK = `BY${'1'.repeat(32)}`;
const named = domainRecord({ sid: `SD${'1'.repeat(32)}`, domainName: 'named.example' });
const first = domainRecord({ sid: `SD${'2'.repeat(32)}`, domainName: 'first.example' });
const second = domainRecord({ sid: `SD${'3'.repeat(32)}`, domainName: 'second.example' });

function fromHost(fromDomainSid: string | null, domainsOfTrunk: readonly ReturnType<typeof domainRecord>[]) {
  const trunk = {
    sid: TRUNK,
    accountSid: ACCOUNT,
    friendlyName: 'carrier',
    connectionPolicySid: null,
    fromDomainSid,
    declared: false,
  } as unknown as ByocTrunk;
  const directory = {
    byocTrunk: (sid: string) => (sid === TRUNK ? trunk : undefined),
    byocTrunks: () => [trunk],
    policyTargets: () => [],
    domainBySid: (sid: string) => (sid === named.sid ? { domain: named } : undefined),
    domainsOfTrunk: () => domainsOfTrunk,
  } as unknown as TrunkBookParts['directory'];
  const book = createTrunkBook({
    declared: () => ({ trunks: [], accountLimits: [] }),
    directory,
    isTargetUp: () => true,
  });
  return book.find(TRUNK, ACCOUNT)?.fromHost;
}

describe('[sip 7 from-host]', () => {
  test('the domain of FromDomainSid, else the first domain of the trunk, else our own address', () => {
    expect(fromHost(named.sid, [first, second])).toBe('named.example');
    expect(fromHost(null, [first, second])).toBe('first.example');
    expect(fromHost(null, [])).toBeUndefined();
    // A domain that was removed meanwhile.
    expect(fromHost(`SD${'9'.repeat(32)}`, [second])).toBe('second.example');
  });
});
