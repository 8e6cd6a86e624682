import { describe, expect, test } from 'vitest';
import { audioTypes, readAnswer } from '../../../src/twiml/content.ts';
import { textOf } from '../../../src/twiml/xml.ts';

const TWIML = '<Response><Pause/></Response>';

// twiml.md 2.5, 2.4: type, body, verbs or error code.
const rows: [contentType: string, body: string, expected: string[] | number][] = [
  ['text/xml', TWIML, ['Pause']],
  ['application/xml', TWIML, ['Pause']],
  ['text/html', TWIML, ['Pause']],
  ['text/html', '<html/>', 12102],
  ['text/plain', TWIML, ['Pause']],
  ['text/plain', 'Hello there', ['Say:Hello there', 'Hangup']],
  ['text/plain', '', 11770],
  ...[...audioTypes].map((type): [string, string, string[]] => [type, '', ['Play:https://h.test/a', 'Hangup']]),
  ['audio/ogg', '', 12300],
  ['application/json', '{}', 12300],
  ['', TWIML, 12300],
  ['', '', 11770],
  ['application/json', '', 11770],
  ['text/xml', '', 11770],
];

test('the audio types are those of Play', () => {
  const types = 'mpeg wav wave x-wav aiff x-aifc x-aiff x-gsm gsm ulaw';
  expect([...audioTypes]).toEqual(types.split(' ').map((type) => `audio/${type}`));
});

describe('twiml.md 2.5 content types of a document answer', () => {
  // holds: [twiml 2.4 empty] [twiml 2.5 xml] [twiml 2.5 audio] [twiml 2.5 plain] [twiml 2.5 other]
  // holds: [twiml 14 document]
  test.each(rows)('%s with %s', (contentType, body, expected) => {
    const read = readAnswer({ contentType, body: Buffer.from(body), finalUrl: 'https://h.test/a' });
    const verbs = (value: Extract<typeof read, { ok: true }>['value']) =>
      value.verbs.map(({ name, element }) => (textOf(element) === '' ? name : `${name}:${textOf(element)}`));
    expect(read.ok ? verbs(read.value) : read.error.code).toEqual(expected);
  });
});
