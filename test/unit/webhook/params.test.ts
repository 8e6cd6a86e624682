import { describe, expect, test } from 'vitest';
import { buildParams, encodeForm, mergeParams, mergeQuery, rfc2822Date } from '../../../src/webhook/params.ts';
import { withoutSecrets } from '../../../src/webhook/webhook.ts';

describe('twiml.md 2.1, 3.1 parameters [twiml 2.1 get-query]', () => {
  test('absent values are left out, numbers and booleans are text, order is kept [twiml 3.1 booleans]', () => {
    const params = buildParams([
      ['B', 1],
      ['A', true],
      ['C', undefined],
      ['D', null],
      ['E', ''],
    ]);
    expect([...params]).toEqual([
      ['B', '1'],
      ['A', 'true'],
      ['E', ''],
    ]);
  });

  test('a later value replaces an earlier one in its place', () => {
    const merged = mergeParams(
      new Map([
        ['A', '1'],
        ['B', '2'],
      ]),
      new Map([
        ['A', '3'],
        ['C', '4'],
      ]),
    );
    expect([...merged]).toEqual([
      ['A', '3'],
      ['B', '2'],
      ['C', '4'],
    ]);
  });

  test('form encoding [twiml 2.1 post-body]', () => {
    expect(
      encodeForm(
        new Map([
          ['From', 'sip:a@b'],
          ['X', 'ä &=+'],
        ]),
      ),
    ).toBe('From=sip%3Aa%40b&X=%C3%A4+%26%3D%2B');
  });

  test('form encoding is that of URLSearchParams, for each character and for halves of one', () => {
    const texts = Array.from({ length: 0x800 }, (_, code) => `a${String.fromCharCode(code)}b`);
    const fields = new Map(
      [...texts, '', '\ud83d\ude00', 'x\ud83d', '\ude00x', '\uffff'].map((text) => [text, `${text}*`]),
    );
    expect(encodeForm(fields)).toBe(new URLSearchParams([...fields]).toString());
    expect(encodeForm(new Map())).toBe('');
  });

  test.each([
    ['https://h.test/a', 'https://h.test/a?A=1'],
    ['https://h.test/a?x=%20y&x=z', 'https://h.test/a?x=%20y&x=z&A=1'],
    ['https://h.test/a?', 'https://h.test/a?A=1'],
  ])('GET keeps the own query as written: %s', (own, expected) => {
    expect(mergeQuery(new URL(own), new Map([['A', '1']])).href).toBe(expected);
  });

  test('RFC 2822 date [twiml 3.1 dates]', () => {
    expect(rfc2822Date(Date.UTC(2010, 7, 20, 1, 13, 42))).toBe('Fri, 20 Aug 2010 01:13:42 +0000');
  });
});

describe('design.md 9: URLs as they may be shown', () => {
  test.each([
    ['https://u:p@h.test/a?b=1#ct=1', 'https://h.test/a?b=1'],
    ['https://u@h.test/', 'https://h.test/'],
    ['//u:p@h/a#x', '//h/a'],
    ['http://u:p@[broken/a', 'http://[broken/a'],
    ['relative/x', 'relative/x'],
  ])('%s', (url, shown) => {
    expect(withoutSecrets(url)).toBe(shown);
  });
});
