// Where tokens are cut into what is spoken as one.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { Sentences } from '../../../../src/streams/relay/sentences.ts';

function cut(...tokens: string[]): string[] {
  const sentences = new Sentences();
  const pieces = tokens.flatMap((token) => sentences.push(token));
  const rest = sentences.flush();
  return rest === undefined ? pieces : [...pieces, rest];
}

describe('sentences', () => {
  test.each<[string[], string[]]>([
    [['Hi. How are you? Fine!'], ['Hi. ', 'How are you? ', 'Fine!']],
    [
      ['It costs 3', '.5 dollars. ', 'Ok'],
      ['It costs 3.5 dollars. ', 'Ok'],
    ],
    [['He said "no." Then left.'], ['He said "no." ', 'Then left.']],
    [['你好。再见。'], ['你好。', '再见。']],
    [['one\ntwo'], ['one\n', 'two']],
    [['  ', '\n'], []],
    [['', ''], []],
  ])('%j', (tokens, pieces) => {
    expect(cut(...tokens)).toEqual(pieces);
  });

  test('without an end it is cut at a comma, else at a space, else anywhere', () => {
    const comma = `${'a'.repeat(150)}, ${'b'.repeat(150)}`;
    expect(cut(comma)[0]).toBe(`${'a'.repeat(150)}, `);
    const space = `${'a'.repeat(50)} ${'b'.repeat(250)}`;
    expect(cut(space)[0]).toBe(`${'a'.repeat(50)} `);
    expect(cut('a'.repeat(500)).map((piece) => piece.length)).toEqual([240, 240, 20]);
  });

  test('nothing but blanks is lost, whatever comes, and no piece is too long', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: fc.constantFrom('a', ' ', '.', '!', ',', '\n', '。', '"', '5') })),
        (tokens) => {
          const pieces = cut(...tokens);
          expect(pieces.join('').replace(/\s/g, '')).toBe(tokens.join('').replace(/\s/g, ''));
          expect(pieces.every((piece) => piece.length <= limits.relaySentenceChars)).toBe(true);
        },
      ),
    );
  });
});
