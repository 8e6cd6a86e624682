import { describe, expect, test } from 'vitest';
import { dial } from '../../../../../src/twiml/verbs/dial.ts';
import { parsedValue, parseVerb } from '../../kit.ts';

// twiml.md 6.5: noun, number (undefined = none is dialled), fields, warnings.
const rows: [xml: string, number: string | undefined, fields: Record<string, unknown>, codes: number[]][] = [
  ['<Number>+14155550100</Number>', '+14155550100', { sendDigits: undefined, method: 'POST' }, []],
  ['<Number> (415) 555-0100 </Number>', '4155550100', {}, []],
  ['<Number>415.555.0100</Number>', '4155550100', {}, []],
  ['<Number>+49 30/1234</Number>', '+49301234', {}, []],
  ['<Number sendDigits="1w2W#">100</Number>', '100', { sendDigits: '1w2W#' }, []],
  ['<Number sendDigits="1,2">100</Number>', '100', { sendDigits: undefined }, [13222]],
  ['<Number method="X">100</Number>', '100', { method: 'POST' }, [13221]],
  ['<Number url="/s" method="GET">100</Number>', '100', { url: 'https://app.example.test/s', method: 'GET' }, []],
  ['<Number byoc="BY1">100</Number>', '100', { byoc: 'BY1' }, []],
  [
    '<Number machineDetection="DetectMessageEnd" amdStatusCallback="/amd">100</Number>',
    '100',
    {
      machineDetection: expect.objectContaining({
        mode: 'DetectMessageEnd',
        callback: { url: 'https://app.example.test/amd', method: 'POST' },
      }),
    },
    [],
  ],
  ['<Number>bob</Number>', undefined, {}, [13223]],
  ['<Number>+</Number>', undefined, {}, [13223]],
  ['<Number/>', undefined, {}, [13223]],
  [`<Number>${'1'.repeat(21)}</Number>`, undefined, {}, [13223]],
];

// holds: [twiml 6.3 url] [twiml 6.3 method] [twiml 6.5 text] [twiml 6.5 send-digits] [twiml 6.5 byoc]
describe('twiml.md 6.5 Number', () => {
  // holds: [sip 8.4 13223]
  test.each(rows)('%s', (xml, number, fields, codes) => {
    const parsed = parsedValue(parseVerb(dial, `<Dial>${xml}</Dial>`));
    const [target] = parsed.value.options.targets;
    expect(parsed.codes).toEqual(codes);
    if (number === undefined) expect(target).toBeUndefined();
    else expect(target).toMatchObject({ kind: 'number', number, ...fields });
  });
});
