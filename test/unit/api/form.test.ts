import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { rfc2822, timeRange } from '../../../src/api/dates.ts';
import {
  bool,
  checked,
  clearable,
  type Form,
  integer,
  isWebUrl,
  lastOf,
  method,
  optional,
  parseForm,
  required,
  text,
} from '../../../src/api/form.ts';

const formOf = (query: string): Form => {
  const form = parseForm(query);
  if (!form.ok) throw new Error(form.error.message);
  return form.value;
};

describe('form (rest-api.md 4)', () => {
  test('repeated names keep their order; `+`, `%20` and UTF-8 [rest 4 body] [rest 4 arrays]', () => {
    const form = formOf('Event=initiated&Event=answered&Name=a+b%20c&Umlaut=%C3%A4');
    expect(form.get('Event')).toEqual(['initiated', 'answered']);
    expect(lastOf(form, 'Name')).toBe('a b c');
    expect(lastOf(form, 'Umlaut')).toBe('ä');
    expect(lastOf(form, 'None')).toBeUndefined();
  });

  test('operators are part of the name (rest-api.md 7.3) [rest 7.3 operator]', () => {
    expect(lastOf(formOf('StartTime%3C=2024-01-02'), 'StartTime<')).toBe('2024-01-02');
    expect(lastOf(formOf('StartTime<=2024-01-02'), 'StartTime<')).toBe('2024-01-02');
  });

  test('any text gives a form or a fault', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (body) => {
        const form = parseForm(body);
        return form.ok ? form.value instanceof Map : form.error.status === 413;
      }),
    );
  });

  const schema = z.object({
    First: required(text('First', 21201, 5)),
    Second: optional(integer('Second', 21208, 1, 600)),
    Third: clearable(method('Third', 21209)),
    Fourth: optional(bool('Fourth', 21231)),
  });
  test.each<[string, object | number]>([
    ['First=a', { First: 'a' }],
    ['First=a&Second=600&Third=get&Fourth=TRUE', { First: 'a', Second: 600, Third: 'GET', Fourth: true }],
    ['First=a&Third=', { First: 'a', Third: null }],
    ['First=a&Second=&Fourth=', { First: 'a' }],
    ['First=a&Unknown=1', { First: 'a' }],
    ['', 21201],
    ['First=', 21201],
    ['First=abcdef', 21201],
    ['First=a%0Db', 21201],
    ['First=a%00', 21201],
    ['First=a&Second=0', 21208],
    ['First=a&Second=1.5', 21208],
    ['First=a&Second=1e2', 21208],
    ['First=a&Third=PUT', 21209],
    ['First=a&Fourth=yes', 21231],
    ['Second=0&Third=PUT', 21201],
    ['First=a&Third=PUT&Second=0', 21208],
  ])('the first mistake in the order of the schema counts: %s [rest 4 booleans]', (query, expected) => {
    const result = checked(schema, formOf(query));
    if (typeof expected === 'number') expect(result).toMatchObject({ ok: false, error: { code: expected } });
    else expect(result).toEqual({ ok: true, value: expected });
  });

  test.each([
    ['https://a.example/b?c=d', true],
    ['http://user:pw@[2001:db8::1]:8080/', true],
    ['HTTP://a', true],
    ['//a', false],
    ['ftp://a', false],
    ['javascript:alert(1)', false],
    ['http://', false],
    ['http://a b', false],
    ['http://a\r\nX: y', false],
    ['', false],
  ])('web URL %s: %s', (value, isGood) => expect(isWebUrl(value)).toBe(isGood));
});

describe('dates (rest-api.md 5, 7.3)', () => {
  test('RFC 2822 in UTC with a numeric zone [sip 6 dates] [rest 5 dates]', () => {
    expect(rfc2822(Date.UTC(2010, 7, 31, 20, 36, 29))).toBe('Tue, 31 Aug 2010 20:36:29 +0000');
    expect(rfc2822(null)).toBeNull();
  });

  const at = (value: string) => Date.parse(value);
  const cases: [string, ReturnType<typeof timeRange>][] = [
    ['', {}],
    ['T=2024-01-02', { from: at('2024-01-02T00:00:00Z'), to: at('2024-01-02T23:59:59.999Z') }],
    ['T<=2024-01-02', { to: at('2024-01-02T00:00:00Z') }],
    ['T>=2024-01-02', { from: at('2024-01-02T00:00:00Z') }],
    ['T=2024-01-02T03:04:05Z', { from: at('2024-01-02T03:04:05Z'), to: at('2024-01-02T03:04:05.999Z') }],
    ['T<=2024-01-02T03:04:05Z', { to: at('2024-01-02T03:04:05.999Z') }],
    ['T>=2024-01-02T03:04:05Z', { from: at('2024-01-02T03:04:05Z') }],
    ['T>=2024-01-02T03:04:05%2B02:00', { from: at('2024-01-02T01:04:05Z') }],
    ['T>=2024-01-02T03:04:05+0200', { from: at('2024-01-02T01:04:05Z') }],
    ['T>=2024-01-02T03:04:05', { from: at('2024-01-02T03:04:05Z') }],
    ['T>=2024-01-02&T<=2024-01-03', { from: at('2024-01-02T00:00:00Z'), to: at('2024-01-03T00:00:00Z') }],
    ['T=yesterday', 'none'],
    ['T>=2024-13-01', 'none'],
    ['T>=20240101', 'none'],
  ];
  // holds: [rest 4 dates] [rest 7.3 day] [rest 7.3 date-time]
  test.each(cases)('filter %s', (query, expected) => expect(timeRange(formOf(query), 'T')).toEqual(expected));
});
