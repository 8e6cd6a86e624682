// say-as: what is to be spelled is spelled by every engine, everything else is left to it.

import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { spellOut } from '../../../src/speech/say-as.ts';
import { safeSsml, stripSsml } from '../../../src/speech/text.ts';

const sayAs = (how: string, text: string) => `<say-as interpret-as="${how}">${text}</say-as>`;

test.each<[ssml: string, spoken: string]>([
  [sayAs('digits', '4711'), '4 7 1 1'],
  [sayAs('digits', ' 4 711 '), '4 7 1 1'],
  [sayAs('characters', 'AB-1'), 'A B - 1'],
  [sayAs('spell-out', 'ABC'), 'A B C'],
  ["<say-as interpret-as='digits'>12</say-as>", '1 2'],
  ['<say-as format="x" interpret-as="digits">12</say-as>', '1 2'],
  [sayAs('telephone', '+49 (30) 123-45'), '+ 4 9, 3 0, 1 2 3, 4 5'],
  [sayAs('characters', 'a&amp;b'), 'a & b'],
  [sayAs('cardinal', '4711'), '4711'],
  [sayAs('date', '12/31/2026'), '12/31/2026'],
  [`Code ${sayAs('digits', '12')}, again: ${sayAs('digits', '34')}.`, 'Code 1 2 , again: 3 4 .'],
  ['4711', '4711'],
])('%s [twiml 5.1 ssml-say-as]', (ssml, spoken) => {
  expect(stripSsml(ssml)).toBe(spoken);
});

test('an engine that knows SSML gets the digits too, and nothing that was not allowed [twiml 5.1 ssml-say-as]', () => {
  expect(safeSsml(`Code ${sayAs('digits', '12')}`)).toBe('<speak>Code  1 2 </speak>');
  expect(safeSsml(sayAs('date', '1/2'))).toBe('<speak><say-as interpret-as="date">1/2</say-as></speak>');
  expect(safeSsml(sayAs('spell-out', '&lt;a'))).toBe('<speak> &lt; a </speak>');
  expect(safeSsml(sayAs('digits', '[[1'))).not.toContain('[[');
});

test('hostile text stays quick', () => {
  const hostile = '<say-as interpret-as="digits">'.repeat(limits.speechInputChars / 30);
  expect(spellOut(hostile)).toBe(hostile);
});
