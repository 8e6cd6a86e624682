// Connection overrides in the fragment of a webhook URL (twiml.md 2.3): `#ct=2000&rc=2&rp=ct,5xx`. Pure.
// The fragment is never sent and never signed.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';

export type RetryCause = '4xx' | '5xx' | 'ct' | 'rt';

export interface ConnectionOverrides {
  /** TCP and TLS establishment of one attempt. */
  readonly connectMs: number;
  /** Wait for the first byte, and between two packets. */
  readonly readMs: number;
  /** All attempts, redirects and the wait in our own queue together. */
  readonly totalMs: number;
  /** Retries after the first attempt. */
  readonly retries: number;
  readonly retryOn: ReadonlySet<RetryCause>;
  readonly isSniSent: boolean;
}

export const defaultOverrides: ConnectionOverrides = {
  connectMs: limits.webhookConnectMs,
  readMs: limits.webhookTimeoutMs,
  totalMs: limits.webhookTimeoutMs,
  retries: 1,
  retryOn: new Set<RetryCause>(['ct']),
  isSniSent: true,
};

const RANGES = {
  ct: { field: 'connectMs', min: 100, max: 10_000 },
  rt: { field: 'readMs', min: 100, max: 15_000 },
  tt: { field: 'totalMs', min: 100, max: 15_000 },
  rc: { field: 'retries', min: 0, max: 5 },
} as const;

const RETRY_CAUSES: ReadonlySet<string> = new Set(['4xx', '5xx', 'ct', 'rt']);

/**
 * Reads the fragment (without `#`). Values out of range are clamped and reported in `notes`; unknown keys are ignored,
 * and so is `e` (egress edge: this gateway has one way out). A bad retry policy is error 11243.
 */
export function parseOverrides(
  fragment: string,
): Result<{ readonly overrides: ConnectionOverrides; readonly notes: readonly string[] }, { readonly code: 11243 }> {
  const overrides = { ...defaultOverrides };
  const notes: string[] = [];
  for (const pair of fragment.split('&')) {
    const equals = pair.indexOf('=');
    if (equals < 0) continue;
    const key = pair.slice(0, equals);
    const value = decode(pair.slice(equals + 1));
    if (key === 'ct' || key === 'rt' || key === 'tt' || key === 'rc') {
      const { field, min, max } = RANGES[key];
      if (!/^-?\d+$/.test(value)) {
        notes.push(`${key}: not a number, default kept`);
        continue;
      }
      const clamped = Math.min(max, Math.max(min, Number(value)));
      if (clamped !== Number(value)) notes.push(`${key}: outside ${min} to ${max}, ${clamped} taken`);
      overrides[field] = clamped;
    } else if (key === 'rp') {
      const retryOn = parseRetryPolicy(value);
      if (!retryOn) return err({ code: 11243 });
      overrides.retryOn = retryOn;
    } else if (key === 'sni') {
      if (value === 'y' || value === 'n') overrides.isSniSent = value === 'y';
      else notes.push('sni: neither y nor n, default kept');
    }
  }
  return ok({ overrides, notes });
}

function parseRetryPolicy(value: string): Set<RetryCause> | undefined {
  const causes = new Set<RetryCause>();
  for (const word of value.split(',')) {
    if (word === 'all') for (const cause of RETRY_CAUSES) causes.add(cause as RetryCause);
    else if (RETRY_CAUSES.has(word)) causes.add(word as RetryCause);
    else return undefined;
  }
  return causes;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
