import { describe, expect, test } from 'vitest';
import { start } from '../../../../../src/twiml/verbs/start.ts';
import { stop } from '../../../../../src/twiml/verbs/stop.ts';
import { FakeCallControl } from '../../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../../kit.ts';

// twiml.md 10.1: attribute, what is started, warnings.
const attributes: [id: string, attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    'defaults',
    '',
    { name: undefined, channels: 2, track: 'both', trim: true, source: 'StartCallRecordingAPI', callback: null },
    [],
  ],
  ['name', 'name="a call"', { name: 'a call' }, []],
  ['name', `name="${'n'.repeat(257)}"`, { name: undefined }, [12200]],
  ['channels', 'channels="mono"', { channels: 1 }, []],
  ['channels', 'channels="stereo"', { channels: 2 }, [12200]],
  ['track', 'track="inbound"', { track: 'inbound', channels: 1 }, []],
  ['track', 'track="outbound" channels="dual"', { track: 'outbound', channels: 1 }, []],
  ['track', 'track="left"', { track: 'both' }, [13622]],
  ['trim', 'trim="do-not-trim"', { trim: false }, []],
  ['trim', 'trim="x"', { trim: true }, [13699]],
  [
    'callback',
    'recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="absent"',
    { callback: { url: 'https://app.example.test/r', method: 'GET', events: ['absent'] } },
    [],
  ],
  ['callback', 'recordingStatusCallback="ftp://x/"', { callback: null }, [13256]],
  ['configuration', 'recordingConfigurationId="x"', {}, []],
];

// holds: [twiml 10.1 defaults] [twiml 10.1 name] [twiml 10.1 channels] [twiml 10.1 track] [twiml 10.1 trim]
// holds: [twiml 10.1 callback] [twiml 10.1 configuration] [twiml 10.1 stop]
describe('twiml.md 10.1 Recording inside Start', () => {
  test.each(attributes)('[twiml 10.1 %s] %s', async (_, attribute, expected, codes) => {
    const xml = `<Start><Recording ${attribute}/></Start>`;
    expect(parsedValue(parseVerb(start, xml)).codes).toEqual(codes);
    const { control, result } = await runVerb(start, xml);
    const { name, recording } = control.recordings.started[0]!;
    expect({ name, ...recording }).toMatchObject(expected);
    // It does not answer the call, and the next verb runs at once.
    expect(control.done).toEqual([]);
    expect(result).toMatchObject({ kind: 'next', waited: false });
  });

  test('why it could not be started is an error of the document', async () => {
    const control = new FakeCallControl();
    control.recordings.refusal = { code: 21220, message: 'no media' };
    const { notices, result } = await runVerb(start, '<Start><Recording/></Start>', control);
    expect(notices).toEqual([{ level: 'error', code: 21220, message: 'no media' }]);
    expect(result.kind).toBe('next');
  });

  test('[twiml 10.1 stop] Stop ends it by its name', async () => {
    const control = new FakeCallControl();
    await runVerb(start, '<Start><Recording name="a"/></Start>', control);
    const { notices } = await runVerb(stop, '<Stop><Recording name="a"/></Stop>', control);
    expect(control.recordings.stopped).toEqual(['a']);
    expect(notices).toEqual([]);
    const missing = await runVerb(stop, '<Stop><Recording name="b"/></Stop>', control);
    expect(missing.notices.map(({ code }) => code)).toEqual([12200]);
  });
});
