import { describe, expect, test } from 'vitest';
import { type LegFailure, preferredFailure, statusOfFailure, statusOfRefusal } from '../../../src/call/outcome.ts';

// sip-interface.md 8.3, row by row: SIP status, whether it rang, who cancelled → call status.
const rows: readonly (readonly [number, boolean, 'timeout' | 'request' | undefined, string])[] = [
  [486, true, undefined, 'busy'],
  [600, true, undefined, 'busy'],
  [603, false, undefined, 'busy'],
  [487, true, 'timeout', 'no-answer'],
  [486, true, 'timeout', 'no-answer'],
  [480, false, undefined, 'no-answer'],
  [480, true, undefined, 'no-answer'],
  [408, true, undefined, 'no-answer'],
  [408, false, undefined, 'failed'],
  [487, true, 'request', 'canceled'],
  [487, false, 'request', 'canceled'],
  [487, true, undefined, 'no-answer'],
  [487, false, undefined, 'failed'],
  [401, false, undefined, 'failed'],
  [403, false, undefined, 'failed'],
  [404, false, undefined, 'failed'],
  [407, false, undefined, 'failed'],
  [410, false, undefined, 'failed'],
  [415, true, undefined, 'failed'],
  [484, false, undefined, 'failed'],
  [488, true, undefined, 'failed'],
  [500, true, undefined, 'failed'],
  [503, false, undefined, 'failed'],
  [604, true, undefined, 'failed'],
];

// holds: [twiml 3.4 busy] [twiml 3.4 no-answer] [twiml 3.4 failed] [rest 9.2 sip-mapping]
// holds: [twiml 6.2 sip-codes]
// holds: [twiml 16 point-15]
describe('sip-interface.md 8.3: status of an outgoing leg that was not answered [sip 4 mismatch-outbound] [sip 8.3 busy] [sip 8.3 no-answer] [sip 8.3 failed] [sip 8.3 no-credentials]', () => {
  for (const [status, rang, canceledBy, expected] of rows) {
    test(`${status}${rang ? ' after ringing' : ''}${canceledBy ? `, cancelled by ${canceledBy}` : ''} is ${expected}`, () => {
      const failure: LegFailure = { status, cause: 'response', rang };
      expect(statusOfFailure(failure, canceledBy)).toBe(expected);
    });
  }

  test.each([
    [503, 17, 'busy'],
    [480, 21, 'busy'],
    [500, 18, 'no-answer'],
    [500, 19, 'no-answer'],
    [404, 20, 'no-answer'],
    [404, 1, 'failed'],
    [486, 31, 'busy'],
  ] as const)('%i with Reason Q.850 cause %i is %s [sip 8.3 reason-header]', (status, isdnCause, expected) => {
    expect(statusOfFailure({ status, cause: 'response', rang: false, isdnCause }, undefined)).toBe(expected);
    expect(statusOfFailure({ status, cause: 'response', rang: false, isdnCause }, 'request')).toBe('canceled');
  });
});

describe('sip-interface.md 1.4, 8.3: status of a refused inbound leg [sip 8.3 reject]', () => {
  for (const [status, expected] of [
    [486, 'busy'],
    [600, 'busy'],
    [404, 'no-answer'],
    [480, 'no-answer'],
    [603, 'no-answer'],
    [487, 'canceled'],
    [488, 'failed'],
    [503, 'failed'],
  ] as const) {
    test(`${status} is ${expected}`, () => expect(statusOfRefusal(status)).toBe(expected));
  }
});

describe('twiml.md 6.2: of several failed legs [twiml 6.2 preferred] [twiml 16 point-11]', () => {
  const named = (...statuses: string[]) => statuses.map((status, index) => ({ status, index }));

  for (const [statuses, expected] of [
    [['failed', 'busy', 'no-answer'], 1],
    [['failed', 'no-answer', 'failed'], 1],
    [['busy', 'busy'], 1],
    [['canceled', 'failed'], 1],
    [['failed', 'failed', 'canceled'], 1],
  ] as const) {
    test(`${statuses.join(', ')}: leg ${expected}, the last of the preferred status`, () => {
      expect(preferredFailure(named(...statuses))?.index).toBe(expected);
    });
  }

  test('none gives none', () => expect(preferredFailure([])).toBeUndefined());
});
