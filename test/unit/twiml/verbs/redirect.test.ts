import { describe, expect, test } from 'vitest';
import { redirect } from '../../../../src/twiml/verbs/redirect.ts';
import { BASE, parsedValue, parseVerb, runVerb } from '../kit.ts';

// twiml.md 5.7
const rows: [xml: string, url: string, method: string, codes: number[]][] = [
  ['<Redirect>/next</Redirect>', 'https://app.example.test/next', 'POST', []],
  ['<Redirect>\n  ../up?a=1&amp;b=2\n</Redirect>', 'https://app.example.test/up?a=1&b=2', 'POST', []],
  ['<Redirect/>', BASE, 'POST', []],
  ['<Redirect method="GET">/next</Redirect>', 'https://app.example.test/next', 'GET', []],
  ['<Redirect method="PUT">/next</Redirect>', 'https://app.example.test/next', 'POST', [13710]],
];

describe('twiml.md 5.7 Redirect', () => {
  // holds: [twiml 2.1 methods] [twiml 2.1 ampersand] [twiml 2.7 relative] [twiml 2.7 whitespace]
  // holds: [twiml 5.7 method] [twiml 5.7 url]
  test.each(rows)('%s', (xml, url, method, codes) => {
    expect(parsedValue(parseVerb(redirect, xml))).toEqual({ value: { url, method }, codes });
  });

  test('twiml.md 4.3: stays at 180; the new document is asked for without parameters of this one [sip 1.4 redirect-rings-on] [twiml 3.3 redirect] [twiml 4.3 redirect]', async () => {
    const { control, result } = await runVerb(redirect, '<Redirect>/next</Redirect>');
    expect(control.done).toEqual([]);
    expect(result).toMatchObject({ kind: 'redirect', url: 'https://app.example.test/next', waited: false });
    expect(result.kind === 'redirect' && result.params.size).toBe(0);
  });

  test.each(['<Redirect/>', '<Redirect>next</Redirect>'])(
    'twiml.md 2.7: %s in inline TwiML is 11100 [twiml 2.7 inline-relative]',
    (xml) => {
      const parsed = parseVerb(redirect, xml, { documentUrl: undefined });
      expect(parsed.ok).toBe(false);
      expect(!parsed.ok && parsed.error.code).toBe(11100);
    },
  );

  test('11100: no http URL [twiml 2.7 schemes] [twiml 5.7 unusable]', () => {
    const parsed = parseVerb(redirect, '<Redirect>javascript:alert(1)</Redirect>');
    expect(!parsed.ok && parsed.error.code).toBe(11100);
  });
});
