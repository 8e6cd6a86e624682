import { describe, expect, test } from 'vitest';
import { start } from '../../../../src/twiml/verbs/start.ts';
import { stop } from '../../../../src/twiml/verbs/stop.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const defaults = {
  name: undefined,
  track: 'both_tracks',
  languageCode: 'en-US',
  engine: 'google',
  speechModel: undefined,
  hints: [],
  partialResults: false,
  inboundTrackLabel: undefined,
  outboundTrackLabel: undefined,
  statusCallback: undefined,
};

// twiml.md 10.3: attribute, value, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  ['', defaults, []],
  ['name="notes"', { name: 'notes' }, []],
  ['track="inbound_track"', { track: 'inbound_track' }, []],
  ['track="left"', { track: 'both_tracks' }, [12200]],
  ['languageCode="de-DE"', { languageCode: 'de-DE' }, []],
  ['languageCode="German!"', { languageCode: 'en-US' }, [12200]],
  ['transcriptionEngine="deepgram" speechModel="nova-2"', { engine: 'deepgram', speechModel: 'nova-2' }, []],
  ['transcriptionEngine="whisper"', { engine: 'google' }, [12200]],
  ['hints="sales, support"', { hints: ['sales', 'support'] }, []],
  ['partialResults="true"', { partialResults: true }, []],
  ['partialResults="some"', { partialResults: false }, [12200]],
  [
    'inboundTrackLabel="caller" outboundTrackLabel="agent"',
    { inboundTrackLabel: 'caller', outboundTrackLabel: 'agent' },
    [],
  ],
  [
    'statusCallbackUrl="https://app.example.test/t" statusCallbackMethod="GET"',
    { statusCallback: { url: 'https://app.example.test/t', method: 'GET' } },
    [],
  ],
  ['statusCallbackUrl="ftp://x"', { statusCallback: undefined }, [11100]],
  ['profanityFilter="true" enableAutomaticPunctuation="false" enableProviderData="true"', {}, []],
  ['profanityFilter="maybe"', {}, [12200]],
  ['intelligenceService="GA1"', {}, [13750]],
];

describe('twiml.md 10.3 Transcription', () => {
  // holds: [twiml 10.3 attributes]
  // holds: [twiml 10.3 not-supported]
  test.each(attributes)('%s', async (attribute, expected, codes) => {
    const xml = `<Start><Transcription ${attribute}/></Start>`;
    expect(parsedValue(parseVerb(start, xml)).codes).toEqual(codes);
    const { control, result } = await runVerb(start, xml);
    expect(control.transcriptions.started[0]).toMatchObject(expected);
    expect(result).toMatchObject({ kind: 'next', waited: false });
  });

  test('what cannot be started is told, and the document goes on [twiml 10.3 no-recogniser]', async () => {
    const control = new FakeCallControl();
    control.transcriptions.refusal = { code: 13343, message: 'no recogniser' };
    const { notices, result } = await runVerb(start, '<Start><Transcription/></Start>', control);
    expect(notices).toEqual([{ level: 'error', code: 13343, message: 'no recogniser' }]);
    expect(result.kind).toBe('next');
  });

  test('Stop ends it by its name [twiml 10.3 stop]', async () => {
    const control = new FakeCallControl();
    await runVerb(start, '<Start><Transcription name="notes"/></Start>', control);
    const stopped = await runVerb(stop, '<Stop><Transcription name="notes"/></Stop>', control);
    expect([control.transcriptions.stopped, stopped.notices]).toEqual([['notes'], []]);
    const missing = await runVerb(stop, '<Stop><Transcription name="other"/></Stop>', control);
    expect(missing.notices).toMatchObject([{ level: 'warning', code: 12200 }]);
  });
});
