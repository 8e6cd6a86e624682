import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { parseDocument } from '../../../src/twiml/document.ts';
import { verbs } from '../../../src/twiml/verbs/index.ts';

const CODES = [11750, 11770, 12100, 12101, 12102];

/** Pieces that make documents which nearly, or really, are TwiML. */
const piece = fc.constantFrom(
  '<Response>',
  '</Response>',
  '<Response/>',
  '<?xml version="1.0"?>',
  '<Say>',
  '</Say>',
  '<Say loop="0" voice="x">',
  '<Dial>',
  '</Dial>',
  '<Sip>',
  '</Sip>',
  'sip:a@b?X-a=%0d%0a',
  '<Gather numDigits="-1">',
  '</Gather>',
  '<!--',
  '-->',
  '<![CDATA[',
  ']]>',
  '<!DOCTYPE a [',
  '&amp;',
  '&#65;',
  '&#0;',
  '&',
  '<',
  '>',
  '"',
  "'",
  '/>',
  ' ',
  '\n',
  '=',
  'x',
  '\ufeff',
  'xml:lang="a"',
  'a:b="c"',
  '<p>',
  '</p>',
  '<?',
  '?>',
  '\ud800',
  '<Play digits="w">',
  '</Play>',
  '<Redirect>',
  '</Redirect>',
);

const nearlyTwiml = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

function check(body: Buffer | string): void {
  const parsed = parseDocument(body);
  if (!parsed.ok) {
    expect(CODES).toContain(parsed.error.code);
    return;
  }
  expect(parsed.value.warnings.length).toBeLessThanOrEqual(limits.warningsPerDocument);
  const context = { documentUrl: 'https://a.test/', isNested: false, random: () => 0.5 };
  // Every verb that comes out can be parsed too: a value, or an error that sends the call to its fallback.
  for (const { name, element } of parsed.value.verbs) {
    const prepared = verbs.get(name)?.prepare(element, context);
    if (prepared?.ok) expect(typeof prepared.value.detail).toBe('string');
  }
}

describe('house rule 6: any bytes give a Result [twiml 4.1 any-bytes]', () => {
  test('any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => check(Buffer.from(bytes))),
      { numRuns: 500 },
    );
  });

  test('any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 500 }), check), { numRuns: 500 });
  });

  test('pieces of TwiML in any order', () => {
    fc.assert(fc.property(nearlyTwiml, check), { numRuns: 3_000 });
  });

  test('pieces of TwiML inside a Response', () => {
    fc.assert(
      fc.property(nearlyTwiml, (inner) => check(`<Response>${inner}</Response>`)),
      { numRuns: 3_000 },
    );
  });

  test('a document that was cut anywhere [twiml 4.1 well-formed]', () => {
    const whole =
      '<?xml version="1.0" encoding="UTF-8"?><Response><Say voice="man">a &amp; b<break/></Say><!-- c --><Gather action="/x?a=1&amp;b=2">' +
      '<Play><![CDATA[https://h/a?b&c]]></Play></Gather><Dial><Sip>sip:a@b;transport=tcp?X-A=1</Sip></Dial></Response>';
    for (let length = 0; length < whole.length; length++) {
      const parsed = parseDocument(whole.slice(0, length));
      expect(!parsed.ok && CODES).toContain(parsed.ok ? 0 : parsed.error.code);
    }
    expect(parseDocument(whole).ok).toBe(true);
  });
});
