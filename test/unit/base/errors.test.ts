// The catalogue against the source: every error number that src/ uses has a row, every row is used, and texts fit where they go.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCatalogue, httpStatusOf, sipErrorValue } from '../../../src/base/errors.ts';

const SRC = resolve(import.meta.dirname, '../../../src');

/** Numbers of five digits that are no error numbers. Whole thousands are none either, and need no line here. */
const notCodes: ReadonlySet<number> = new Set([
  14_400, // seconds of the longest call
  16_384, // bytes
  22_999, // last media port of the scripted phone
  32_767, // samples
  32_768,
  65_507, // octets of a UDP payload
  65_535, // ports
  65_536,
  86_400, // seconds of a day
]);

/** Number → files, of every number of five digits in the code, comments left out. */
function numbersInSource(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path === 'base/errors.ts') continue;
    const code = readFileSync(join(SRC, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
    for (const [text] of code.matchAll(/(?<![\w.])[1-9]\d_?\d{3}(?![\w.])/g)) {
      const number = Number(text.replace('_', ''));
      if (number % 1000 !== 0) found.set(number, [...(found.get(number) ?? []), path]);
    }
  }
  return found;
}

describe('error catalogue', () => {
  const used = numbersInSource();
  const rows = Object.entries(errorCatalogue).map(([code, entry]) => ({ code: Number(code), ...entry }));

  test('every error number in src/ has a row (or is named above as no error number) [sip 8.4 dictionary]', () => {
    const missing = [...used].filter(([number]) => !(number in errorCatalogue) && !notCodes.has(number));
    expect(missing.map(([number, files]) => `${number} in ${files.join(', ')}`)).toEqual([]);
  });

  test('every row is a number that src/ uses, and no exception is left over', () => {
    expect(rows.filter(({ code }) => !used.has(code)).map(({ code }) => code)).toEqual([]);
    expect([...notCodes].filter((number) => !used.has(number))).toEqual([]);
  });

  test('what REST answers with carries an error status, warnings carry none (rest-api.md 6)', () => {
    for (const { code, level, httpStatus } of rows) {
      if (httpStatus === undefined) continue;
      expect(level, String(code)).toBe('error');
      expect(httpStatus, String(code)).toBeGreaterThanOrEqual(400);
    }
    // The family 204xx is named after its HTTP status.
    for (const { code, httpStatus } of rows.filter(({ code }) => Math.floor(code / 1000) === 20 && code >= 20_400)) {
      expect(httpStatus, String(code)).toBe(code - 20_000);
    }
  });

  test('HTTP status by code, 400 where none is named (rest-api.md 6)', () => {
    expect([20003, 20004, 20005, 20404, 20429, 21211, 13224].map(httpStatusOf)).toEqual([
      401, 405, 403, 404, 429, 400, 400,
    ]);
  });

  test('X-Twilio-Error holds the code and the words of the vendor, or else the reason (sip-interface.md 1.4) [sip 1.4 x-twilio-error]', () => {
    expect(sipErrorValue(32201, 'Forbidden')).toBe('32201 Authentication failure - source IP Address not in ACL');
    expect(sipErrorValue(32208, 'Secure media required')).toBe('32208 Secure media required');
  });

  test('texts are one line without the separator of a table', () => {
    for (const { code, text, fix } of rows) {
      expect(`${text}${fix}`, String(code)).not.toMatch(/[\r\n|]/);
      expect(Math.min(text.length, fix.length), String(code)).toBeGreaterThan(0);
    }
  });
});
