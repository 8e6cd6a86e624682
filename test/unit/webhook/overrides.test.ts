import { describe, expect, test } from 'vitest';
import { defaultOverrides, parseOverrides } from '../../../src/webhook/overrides.ts';

// twiml.md 2.3: fragment, what it changes, how many notes.
const rows: [fragment: string, changes: Record<string, unknown>, notes: number][] = [
  ['', {}, 0],
  ['section', {}, 0],
  ['unknown=1', {}, 0],
  ['ct=2000', { connectMs: 2_000 }, 0],
  ['ct=99', { connectMs: 100 }, 1],
  ['ct=10001', { connectMs: 10_000 }, 1],
  ['ct=x', {}, 1],
  ['rt=3000', { readMs: 3_000 }, 0],
  ['rt=60000', { readMs: 15_000 }, 1],
  ['tt=4000', { totalMs: 4_000 }, 0],
  ['tt=0', { totalMs: 100 }, 1],
  ['rc=0', { retries: 0 }, 0],
  ['rc=5', { retries: 5 }, 0],
  ['rc=6', { retries: 5 }, 1],
  ['rc=-1', { retries: 0 }, 1],
  ['rp=5xx,rt', { retryOn: new Set(['5xx', 'rt']) }, 0],
  ['rp=5xx%2Crt', { retryOn: new Set(['5xx', 'rt']) }, 0],
  ['rp=all', { retryOn: new Set(['4xx', '5xx', 'ct', 'rt']) }, 0],
  ['sni=n', { isSniSent: false }, 0],
  ['sni=y', {}, 0],
  ['sni=maybe', {}, 1],
  ['e=dublin,ashburn-ix', {}, 0],
  ['ct=200&rt=300&tt=400&rc=2', { connectMs: 200, readMs: 300, totalMs: 400, retries: 2 }, 0],
];

describe('twiml.md 2.3 connection overrides', () => {
  // holds: [twiml 2.3 ct] [twiml 2.3 rt] [twiml 2.3 tt] [twiml 2.3 rc] [twiml 2.3 rp] [twiml 2.3 sni] [twiml 2.3 egress]
  // holds: [twiml 2.3 out-of-range]
  test.each(rows)('#%s [rest 21 overrides]', (fragment, changes, notes) => {
    const parsed = parseOverrides(fragment);
    if (!parsed.ok) throw new Error('must parse');
    expect(parsed.value.overrides).toEqual({ ...defaultOverrides, ...changes });
    expect(parsed.value.notes).toHaveLength(notes);
  });

  test('the defaults [twiml 2.3 defaults]', () => {
    expect(defaultOverrides).toEqual({
      connectMs: 5_000,
      readMs: 15_000,
      totalMs: 15_000,
      retries: 1,
      retryOn: new Set(['ct']),
      isSniSent: true,
    });
  });

  test.each(['rp=', 'rp=3xx', 'rp=ct,often'])('#%s is 11243 [twiml 2.3 rp-invalid]', (fragment) => {
    expect(parseOverrides(fragment)).toEqual({ ok: false, error: { code: 11243 } });
  });
});
