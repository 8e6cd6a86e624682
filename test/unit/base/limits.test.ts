// Limits that a document of the vendor gives as numbers: what an application may count on.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';

describe('sip-interface.md 1.7, 3', () => {
  test.each([
    ['domains of an account [sip 1.1 domain-limit] [rest 14 domain-count]', limits.domainsPerAccount, 100],
    ['credential lists of an account [sip 1.7 credential-limits]', limits.credentialListsPerAccount, 100],
    ['users of a credential list [rest 14 counts]', limits.credentialsPerList, 1_000],
    ['address lists of an account [sip 1.7 acl-limits] [rest 14 counts]', limits.ipAccessControlListsPerAccount, 1_000],
    ['entries of an address list [rest 14 counts]', limits.ipAddressesPerList, 100],
    ['bindings of a domain [sip 3 totals]', limits.bindingsPerDomain, 1_000_000],
    ['bindings of an account (ours) [sip 3 totals]', limits.bindingsPerAccount, 10_000_000],
    ['milliseconds of a call', limits.callTimeLimitMs, 4 * 3_600_000],
    ['seconds of a call over REST', limits.callTimeLimitMaxSeconds, 24 * 3_600],
  ])('%s', (_what, limit, documented) => expect(limit).toBe(documented));
});
