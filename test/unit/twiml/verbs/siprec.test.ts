import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { start } from '../../../../src/twiml/verbs/start.ts';
import { stop } from '../../../../src/twiml/verbs/stop.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const defaults = {
  connectorName: undefined,
  name: undefined,
  track: 'both_tracks',
  statusCallback: undefined,
  parameters: new Map(),
};

// twiml.md 10.2: attribute, value, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  ['', defaults, []],
  ['connectorName="archive"', { connectorName: 'archive' }, []],
  ['name=" one "', { name: 'one' }, []],
  [`name="${'x'.repeat(limits.streamNameChars + 1)}"`, { name: undefined }, [12200]],
  ['track="inbound_track"', { track: 'inbound_track' }, []],
  ['track="outbound_track"', { track: 'outbound_track' }, []],
  ['track="both_tracks"', { track: 'both_tracks' }, []],
  ['statusCallback="/s"', { statusCallback: { url: 'https://app.example.test/s', method: 'POST' } }, []],
  [
    'statusCallback="/s" statusCallbackMethod="GET"',
    { statusCallback: { url: expect.any(String), method: 'GET' } },
    [],
  ],
  ['statusCallback="ftp://x"', { statusCallback: undefined }, [11100]],
  ['statusCallbackMethod="PUT"', {}, [12200]],
];

describe('twiml.md 10.2 Siprec', () => {
  // holds: [twiml 10.2 attributes]
  test.each(attributes)('%s', async (attribute, expected, codes) => {
    const xml = `<Start><Siprec ${attribute}/></Start>`;
    expect(parsedValue(parseVerb(start, xml)).codes).toEqual(codes);
    const { control, result } = await runVerb(start, xml);
    expect(control.siprec.started[0]).toMatchObject(expected);
    expect(result).toMatchObject({ kind: 'next', waited: false });
  });

  test('parameters [twiml 10.2 parameters]', async () => {
    const { control } = await runVerb(
      start,
      '<Start><Siprec><Parameter name="a" value="1"/><Parameter name="b" value="&lt;2&gt;"/></Siprec></Start>',
    );
    expect(control.siprec.started[0]!.parameters).toEqual(
      new Map([
        ['a', '1'],
        ['b', '<2>'],
      ]),
    );
  });

  test.each([
    ['track="sideways"', '', 31941],
    [
      '',
      Array.from({ length: 20 }, (_, index) => `<Parameter name="n${index}" value="${'v'.repeat(490)}"/>`).join(''),
      12200,
    ],
  ])('%s cannot be started, and the rest of the document runs', async (attribute, children, code) => {
    const xml = `<Start><Siprec ${attribute}>${children}</Siprec></Start>`;
    expect(parsedValue(parseVerb(start, xml)).codes).toEqual([code]);
    const { control, result } = await runVerb(start, xml);
    expect(control.siprec.started).toEqual([]);
    expect(result).toMatchObject({ kind: 'next' });
  });

  test('what is refused is told, and the document goes on', async () => {
    const control = new FakeCallControl();
    control.siprec.failure = { errorCode: 31940, detail: 'there is no connector x' };
    const { notices, result } = await runVerb(start, '<Start><Siprec connectorName="x"/></Start>', control);
    expect(notices).toEqual([{ level: 'error', code: 31940, message: 'Siprec: there is no connector x' }]);
    expect(result).toMatchObject({ kind: 'next' });
  });

  test('Stop by name, without a name, and of what does not run [twiml 10.2 stop]', async () => {
    const control = new FakeCallControl();
    await runVerb(start, '<Start><Siprec name="one"/></Start>', control);
    expect((await runVerb(stop, '<Stop><Siprec name="one"/></Stop>', control)).notices).toEqual([]);
    expect((await runVerb(stop, '<Stop><Siprec/></Stop>', control)).notices).toEqual([]);
    expect((await runVerb(stop, '<Stop><Siprec name="two"/></Stop>', control)).notices).toMatchObject([
      { code: 12200 },
    ]);
    expect(control.siprec.stopped).toEqual(['one', undefined, 'two']);
  });
});
