import { describe, expect, test } from 'vitest';
import type { Message } from '../../../../src/recording/control.ts';
import { record } from '../../../../src/twiml/verbs/record.ts';
import { FakeCallControl, recordedMessage } from '../../../support/fake-call-control.ts';
import { BASE, parsedValue, parseVerb, runSession, runVerb } from '../kit.ts';

const ALL_KEYS = '1234567890*#';
const recording = (expected: object) => ({ recording: expect.objectContaining(expected) });
const callback = (expected: object) => recording({ callback: expect.objectContaining(expected) });

// twiml.md 5.5: attribute, value, warnings.
const attributes: [id: string, attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    'defaults',
    '',
    {
      action: BASE,
      method: 'POST',
      timeoutMs: 5_000,
      finishOnKey: ALL_KEYS,
      maxLengthMs: 3_600_000,
      playBeep: true,
      transcription: undefined,
      ...recording({ channels: 1, track: 'inbound', trim: true, source: 'RecordVerb', callback: null }),
    },
    [],
  ],
  ['action', 'action="/done"', { action: 'https://app.example.test/done' }, []],
  ['method', 'method="GET"', { method: 'GET' }, []],
  ['method', 'method="PUT"', { method: 'POST' }, [13610]],
  ['timeout', 'timeout="0"', { timeoutMs: 0 }, []],
  ['timeout', 'timeout="12"', { timeoutMs: 12_000 }, []],
  ['timeout', 'timeout="-1"', { timeoutMs: 5_000 }, [13611]],
  ['timeout', 'timeout="soon"', { timeoutMs: 5_000 }, [13611]],
  ['finish-on-key', 'finishOnKey="12#"', { finishOnKey: '12#' }, []],
  ['finish-on-key', 'finishOnKey=""', { finishOnKey: '' }, []],
  ['finish-on-key', 'finishOnKey="A"', { finishOnKey: ALL_KEYS }, [13613]],
  ['max-length', 'maxLength="2"', { maxLengthMs: 2_000 }, []],
  ['max-length', 'maxLength="14400"', { maxLengthMs: 14_400_000 }, []],
  ['max-length', 'maxLength="1"', { maxLengthMs: 2_000 }, [13612]],
  ['max-length', 'maxLength="99999"', { maxLengthMs: 14_400_000 }, [13612]],
  ['max-length', 'maxLength="long"', { maxLengthMs: 3_600_000 }, [13612]],
  ['play-beep', 'playBeep="false"', { playBeep: false }, []],
  ['play-beep', 'playBeep="no"', { playBeep: true }, [13616]],
  ['trim', 'trim="do-not-trim"', recording({ trim: false }), []],
  ['trim', 'trim="both"', recording({ trim: true }), [13699]],
  [
    'callback',
    'recordingStatusCallback="/r"',
    callback({ url: 'https://app.example.test/r', method: 'POST', events: ['completed'] }),
    [],
  ],
  ['callback', 'recordingStatusCallback="/r" recordingStatusCallbackMethod="GET"', callback({ method: 'GET' }), []],
  [
    'callback',
    'recordingStatusCallback="/r" recordingStatusCallbackMethod="PUT"',
    callback({ method: 'POST' }),
    [13610],
  ],
  ['callback', 'recordingStatusCallback="ftp://x"', recording({ callback: null }), [13256]],
  [
    'callback-event',
    'recordingStatusCallback="/r" recordingStatusCallbackEvent="absent in-progress"',
    callback({ events: ['in-progress', 'absent'] }),
    [],
  ],
  [
    'callback-event',
    'recordingStatusCallback="/r" recordingStatusCallbackEvent="done absent"',
    callback({ events: ['absent'] }),
    [13621],
  ],
  ['configuration', 'recordingConfigurationId="x"', {}, []],
  [
    'transcribe',
    'transcribe="true" transcribeCallback="/t"',
    { transcription: { callbackUrl: 'https://app.example.test/t' }, maxLengthMs: 120_000 },
    [],
  ],
  [
    'transcribe',
    'transcribeCallback="/t" maxLength="20"',
    { transcription: { callbackUrl: 'https://app.example.test/t' }, maxLengthMs: 20_000 },
    [],
  ],
  ['transcribe', 'transcribeCallback="ftp://x"', { transcription: undefined }, [13257]],
  ['transcribe', 'transcribe="true" maxLength="121"', { maxLengthMs: 120_000 }, [13615]],
  ['transcribe', 'transcribe="false" transcribeCallback="/t"', { transcription: undefined }, []],
  ['transcribe', 'transcribe="yes"', { transcription: undefined }, [13614]],
  [
    'transcribe',
    'transcribe="true" transcribeCallback="ftp://x"',
    { transcription: { callbackUrl: undefined } },
    [13257],
  ],
];

// holds: [twiml 5.5 action] [twiml 5.5 method] [twiml 5.5 defaults] [twiml 5.5 timeout] [twiml 5.5 finish-on-key]
// holds: [twiml 5.5 max-length] [twiml 5.5 play-beep] [twiml 5.5 trim] [twiml 5.5 callback] [twiml 5.5 callback-event]
// holds: [twiml 5.5 configuration] [twiml 5.5 transcribe] [twiml 5.5 transcribe-max-length] [twiml 5.5 transcribe-callback]
// holds: [twiml 5.5 mono]
describe('twiml.md 5.5 Record: attributes', () => {
  test.each(attributes)('[twiml 5.5 %s] %s', (_, attribute, expected, codes) => {
    const { value, codes: warned } = parsedValue(parseVerb(record, `<Record ${attribute}/>`));
    expect({ ...value, ...value.options }).toMatchObject(expected);
    expect(warned).toEqual(codes);
  });

  test('twiml.md 2.7: without action in inline TwiML it is 11100 [twiml 2.7 inline]', () => {
    const parsed = parseVerb(record, '<Record/>', { documentUrl: undefined });
    expect(!parsed.ok && parsed.error).toMatchObject({ code: 11100, level: 'error' });
  });

  test('[twiml 5.5 no-children] what stands inside is a schema warning', async () => {
    const { codes } = await runSession({
      [BASE.replace(/\?.*/, '')]: '<Response><Record action="/x"><Say>a</Say></Record></Response>',
    });
    expect(codes).toContain(12200);
  });
});

const message = (over: Partial<Message>): Message => ({ ...recordedMessage, ...over });

async function ran(outcome: Message, xml = '<Record action="/done"/>') {
  const control = new FakeCallControl();
  control.recordings.outcomes = [outcome];
  return runVerb(record, xml, control);
}

describe('twiml.md 3.3, 5.5 Record: the action request', () => {
  const known = {
    RecordingUrl: recordedMessage.recording!.url,
    RecordingSid: recordedMessage.recording!.sid,
    RecordingDuration: '7',
  };

  test.each([
    ['finish-key', message({ finishedOnKey: '#' }), '#'],
    ['silence', message({ reason: 'silence', finishedOnKey: '' }), ''],
    ['max-length', message({ reason: 'maxLength', finishedOnKey: '' }), ''],
  ] as const)('[twiml 3.3 record-action] %s', async (_, outcome, digits) => {
    const { result, control } = await ran(outcome);
    expect(control.done).toEqual(['answer']);
    expect(result).toMatchObject({
      kind: 'redirect',
      url: 'https://app.example.test/done',
      method: 'POST',
      purpose: 'action',
      waited: true,
    });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({ ...known, Digits: digits });
  });

  test('nothing could be recorded: the action is asked without a recording, and it counts as no wait [twiml 5.5 failed]', async () => {
    const { result } = await ran({ reason: 'failed', finishedOnKey: '', recording: undefined });
    expect(result).toMatchObject({ kind: 'redirect', waited: false });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({ Digits: '' });
  });

  test('[twiml 5.5 hang-up] the action is told with Digits=hangup, and its answer ignored [twiml 4.2 record-hangup]', async () => {
    const control = new FakeCallControl();
    control.recordings.outcomes = [message({ reason: 'hangUp', finishedOnKey: '' })];
    control.recordings.during = () => control.call.abort();
    const { result, ignored } = await runVerb(record, '<Record action="/done" method="GET"/>', control);
    expect(result.kind).toBe('end');
    expect(ignored).toEqual([
      {
        url: 'https://app.example.test/done',
        method: 'GET',
        params: { ...known, Digits: 'hangup', CallStatus: 'completed' },
      },
    ]);
  });

  test('[twiml 5.5 unreachable] what stands behind Record is never run', async () => {
    const page = BASE.replace(/\?.*/, '');
    const { control } = await runSession({
      [page]: '<Response><Record action="/done"/><Say>never</Say></Response>',
      'https://app.example.test/done': '<Response><Hangup/></Response>',
    });
    expect(control.done).toEqual(['answer', 'hangUp']);
  });
});
