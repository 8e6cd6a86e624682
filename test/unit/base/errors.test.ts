// The catalogue against the source: every error number that src/ uses has a row, every row is used, and texts fit where they go.

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorCatalogue, httpStatusOf, sipErrorValue } from '../../../src/base/errors.ts';

const SRC = resolve(import.meta.dirname, '../../../src');

/** Numbers of five digits that are no error numbers. Whole thousands without a row are none either, and need no line here. */
const notCodes: ReadonlySet<number> = new Set([
  14_400, // seconds of the longest call
  16_384, // bytes
  36_500, // days: a hundred years
  23_503, // SQLSTATE: foreign key
  23_505, // SQLSTATE: unique
  53_100, // SQLSTATE: disk full
  57_014, // SQLSTATE: statement timeout
  22_999, // last media port of the scripted phone
  32_767, // samples
  32_768,
  65_507, // octets of a UDP payload
  65_535, // ports
  65_536,
  86_400, // seconds of a day
]);

/** sip-interface.md 8.4, the table of codes by how loud they are. */
const ERRORS = `10001 32005 11100 11200 11201 11202 11203 11205 11206 11210 11215 11216 11217 11220 11235 11236 11237 11240 11241
  11242 11243 11750 11770 12100 12101 12102 12300 12400 13201 13224 13225 13227 13247 32001 32013 32010 32016 32017 32018 32020
  32022 32106 32200 32201 32202 32203 32204 32205 32206 32207 32208 32209 32222 32210 32216 32218 32219 32220 32221 32223 32400
  31603 31404 31480 31486`;
const WARNINGS = `12200 13210 13212 13213 13214 13215 13216 13217 13218 13219 13220 13223 13226 13241 13242 13243 13244 13245 13246
  13248 13249 13250 13251 13252 13253 13254 13255 32012 32002 32006 32007 32008 32009 32011 32014 32015 32019 32021 32100 32101
  32102 32103 32105 32110 32111 32112 32113 32114 32212 32214 32215 32301 32302 32303 32304 32401 21221 21222 21223 21224 21225
  21226 21227 21228 21229`;

/** Number → files, of every number of five digits in the code, comments left out. */
function numbersInSource(): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const path of readdirSync(SRC, { recursive: true, encoding: 'utf8' })) {
    if (!path.endsWith('.ts') || path === 'base/errors.ts') continue;
    const code = readFileSync(join(SRC, path), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');
    for (const [text] of code.matchAll(/(?<![\w.])[1-9]\d_?\d{3}(?![\w.])/g)) {
      const number = Number(text.replace('_', ''));
      if (number % 1000 !== 0 || number in errorCatalogue) found.set(number, [...(found.get(number) ?? []), path]);
    }
  }
  return found;
}

describe('error catalogue [twiml 14 levels]', () => {
  const used = numbersInSource();
  const rows = Object.entries(errorCatalogue).map(([code, entry]) => ({ code: Number(code), ...entry }));

  test('every error number in src/ has a row (or is named above as no error number) [sip 8.4 dictionary]', () => {
    const missing = [...used].filter(([number]) => !(number in errorCatalogue) && !notCodes.has(number));
    expect(missing.map(([number, files]) => `${number} in ${files.join(', ')}`)).toEqual([]);
  });

  test.each([
    ['error', ERRORS],
    ['warning', WARNINGS],
  ] as const)('what the dictionary has as %s is one here [sip 8.4 dictionary]', (level, codes) => {
    const ours = rows.filter(({ code }) => codes.split(/\s+/).includes(String(code)));
    expect(ours.length).toBeGreaterThan(20);
    // An answer of REST is an error, whatever the debugger makes of it.
    const others = ours.filter((row) => row.level !== level && row.httpStatus === undefined);
    expect(others.map(({ code }) => code)).toEqual([]);
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

  test('HTTP status by code, 400 where none is named (rest-api.md 6) [rest 6 status-400] [rest 6 status-401]', () => {
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
