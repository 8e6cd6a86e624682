import { describe, expect, test } from 'vitest';
import { dial } from '../../../../../src/twiml/verbs/dial.ts';
import { parsedValue, parseVerb, runVerb } from '../../kit.ts';

const SID = `AP${'a1'.repeat(16)}`;
const sid = `<ApplicationSid>${SID}</ApplicationSid>`;

// twiml.md 6.8: attributes and children, what is dialled, warnings.
const rows: [attributes: string, children: string, expected: Record<string, unknown>, codes: number[]][] = [
  ['', sid, { applicationSid: SID, customerId: undefined, copyParentTo: false, parameters: [] }, []],
  ['', `<ApplicationSid> ${SID} </ApplicationSid>`, { applicationSid: SID }, []],
  [
    '',
    `${sid}<Parameter name="a" value="1"/><Parameter name="b" value=""/>`,
    {
      parameters: [
        ['a', '1'],
        ['b', ''],
      ],
    },
    [],
  ],
  ['', `${sid}<Parameter value="1"/>`, { parameters: [] }, [12200]],
  ['customerId="shop 7"', sid, { customerId: 'shop 7' }, []],
  [`customerId="${'x'.repeat(256)}"`, sid, { customerId: 'x'.repeat(256) }, []],
  [`customerId="${'x'.repeat(257)}"`, sid, { customerId: undefined }, [12200]],
  ['copyParentTo="true"', sid, { copyParentTo: true }, []],
  ['copyParentTo="1"', sid, { copyParentTo: false }, [12200]],
  [
    'statusCallback="/s"',
    sid,
    { statusCallback: 'https://app.example.test/s', statusCallbackEvents: ['completed'] },
    [],
  ],
  [
    'statusCallback="/s" statusCallbackEvent="ringing answered"',
    sid,
    { statusCallbackEvents: ['ringing', 'answered'] },
    [],
  ],
  ['statusCallback="/s" statusCallbackMethod="GET"', sid, { statusCallbackMethod: 'GET' }, []],
  ['url="/screen"', sid, { url: undefined }, [13750]],
];

describe('[twiml 6.8 attributes] Application', () => {
  test.each(rows)('%s %s', (attributes, children, expected, codes) => {
    const parsed = parsedValue(parseVerb(dial, `<Dial><Application ${attributes}>${children}</Application></Dial>`));
    expect(parsed.codes).toEqual(codes);
    expect(parsed.value.options).toMatchObject({ targets: [], application: { kind: 'application', ...expected } });
  });

  test.each([
    '',
    '<ApplicationSid/>',
    '<ApplicationSid>AP12</ApplicationSid>',
    `<ApplicationSid>CA${'1'.repeat(32)}</ApplicationSid>`,
  ])('without a usable sid nothing is dialled: %s', async (children) => {
    const xml = `<Dial action="/after"><Application>${children}</Application></Dial>`;
    expect(parsedValue(parseVerb(dial, xml)).codes).toEqual([13215]);
    const { result } = await runVerb(dial, xml);
    const params = new Map([
      ['DialCallStatus', 'failed'],
      ['DialBridged', 'false'],
    ]);
    expect(result).toMatchObject({ kind: 'redirect', params });
  });

  test('[twiml 6.2 not-mixable] it does not mix with other nouns', () => {
    const xml = `<Dial><Client>bob</Client><Application>${sid}</Application></Dial>`;
    const parsed = parsedValue(parseVerb(dial, xml));
    expect(parsed.codes).toEqual([13215]);
    expect(parsed.value.options).toMatchObject({ targets: [], application: { applicationSid: SID } });
  });
});
