import { describe, expect, test } from 'vitest';
import type { DialOutcome } from '../../../../src/twiml/call-control.ts';
import { actionParams, dial } from '../../../../src/twiml/verbs/dial.ts';
import { bridgedOutcome, FakeCallControl } from '../../../support/fake-call-control.ts';
import { parsedValue, parseVerb, runVerb } from '../kit.ts';

const recorded = (from: 'answer' | 'ringing', request: object) => ({
  recording: { from, request: expect.objectContaining(request) },
});

// twiml.md 6.1: attribute, option or verb field, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    '',
    {
      action: undefined,
      method: 'POST',
      timeoutSeconds: 30,
      timeLimitSeconds: 14_400,
      callerId: undefined,
      answerOnBridge: false,
      hangupOnStar: false,
      sequential: false,
      ringTone: undefined,
    },
    [],
  ],
  ['action="/done"', { action: 'https://app.example.test/done' }, []],
  ['method="GET"', { method: 'GET' }, []],
  ['method="HEAD"', { method: 'POST' }, [13210]],
  ['timeout="12"', { timeoutSeconds: 12 }, []],
  ['timeout="1"', { timeoutSeconds: 5 }, [13212]],
  ['timeout="9999"', { timeoutSeconds: 600 }, [13212]],
  ['timeout="soon"', { timeoutSeconds: 30 }, [13212]],
  ['timeLimit="60"', { timeLimitSeconds: 60 }, []],
  ['timeLimit="99999"', { timeLimitSeconds: 14_400 }, [13216]],
  ['timeLimit="0"', { timeLimitSeconds: 14_400 }, [13216]],
  ['callerId="+15550001111"', { callerId: '+15550001111' }, []],
  ['callerId="reception_1.a-b"', { callerId: 'reception_1.a-b' }, []],
  ['callerId="client:alice"', { callerId: 'client:alice' }, []],
  ['callerId="two words"', { callerId: undefined }, [13247]],
  ['callerId="a&#13;&#10;b"', { callerId: undefined }, [13247]],
  [`callerId="${'1'.repeat(65)}"`, { callerId: undefined }, [13248]],
  ['answerOnBridge="true"', { answerOnBridge: true }, []],
  ['answerOnBridge="1"', { answerOnBridge: false }, [13219]],
  ['hangupOnStar="true"', { hangupOnStar: true }, []],
  ['hangupOnStar="on"', { hangupOnStar: false }, [13213]],
  ['sequential="true"', { sequential: true }, []],
  ['sequential="y"', { sequential: false }, [13218]],
  ['ringTone="us-old"', { ringTone: 'us-old' }, []],
  ['ringTone="xx"', { ringTone: undefined }, [13220]],
  ['record="do-not-record"', { recording: undefined }, []],
  ['record="false"', { recording: undefined }, []],
  ['record="record-from-answer"', recorded('answer', { channels: 1, track: 'both', trim: false }), []],
  ['record="true"', recorded('answer', { channels: 1, source: 'DialVerb', callback: null }), []],
  ['record="record-from-ringing"', recorded('ringing', { channels: 1 }), []],
  ['record="record-from-answer-dual"', recorded('answer', { channels: 2 }), []],
  ['record="record-from-ringing-dual"', recorded('ringing', { channels: 2 }), []],
  ['record="loudly"', { recording: undefined }, [13217]],
  ['record="true" recordingTrack="inbound"', recorded('answer', { track: 'inbound' }), []],
  ['record="record-from-answer-dual" recordingTrack="outbound"', recorded('answer', { channels: 1 }), []],
  ['record="true" recordingTrack="middle"', recorded('answer', { track: 'both' }), [13622]],
  ['record="true" trim="trim-silence"', recorded('answer', { trim: true }), []],
  ['record="true" trim="some"', recorded('answer', { trim: false }), [13699]],
  [
    'record="true" recordingStatusCallback="/r" recordingStatusCallbackMethod="GET" recordingStatusCallbackEvent="in-progress completed"',
    recorded('answer', {
      callback: { url: 'https://app.example.test/r', method: 'GET', events: ['in-progress', 'completed'] },
    }),
    [],
  ],
  ['record="true" recordingStatusCallback="ftp://x/"', recorded('answer', { callback: null }), [13256]],
  ['record="true" recordingStatusCallbackEvent="done"', recorded('answer', {}), [13621]],
  ['recordingTrack="both" trim="do-not-trim" recordingStatusCallback="/r"', { recording: undefined }, []],
  ['referUrl="/refer" referMethod="GET"', { refer: { url: 'https://app.example.test/refer', method: 'GET' } }, []],
  ['referUrl="/refer"', { refer: { url: 'https://app.example.test/refer', method: 'POST' } }, []],
  ['referUrl=""', { refer: undefined }, []],
  ['referUrl="ftp://a.example/"', { refer: undefined }, [11100]],
  ['referUrl="/refer" referMethod="PUT"', { refer: { method: 'POST' } }, [13210]],
  ['ifMachine="Hangup"', {}, [13211]],
  ['callReason="hello" events="call-progress-event"', {}, []],
];

// holds: [twiml 6.1 action] [twiml 6.1 method] [twiml 6.1 timeout] [twiml 6.1 time-limit] [twiml 6.1 caller-id]
// holds: [twiml 6.1 answer-on-bridge] [twiml 6.1 hangup-on-star] [twiml 6.1 ring-tone] [twiml 6.1 sequential] [twiml 6.1 refer]
// holds: [twiml 6.1 call-reason] [twiml 6.1 if-machine]
describe('twiml.md 6.1 Dial: attributes [twiml 4.1 values] [twiml 4.1 booleans]', () => {
  // holds: [sip 2.1 timeout] [sip 2.1 time-limit] [sip 2.1 answer-on-bridge-default] [sip 2.1 refer-attributes]
  // holds: [sip 2.2 sip-characters] [sip 2.2 bad-characters] [sip 2.2 too-long] [sip 2.2 client] [sip 5.2 refer-url]
  // holds: [sip 8.4 dial-codes]
  // holds: [twiml 6.1 record] [twiml 6.1 recording-track] [twiml 6.1 trim] [twiml 6.1 recording-callback]
  test.each(attributes)('%s', (attribute, expected, codes) => {
    const parsed = parsedValue(parseVerb(dial, `<Dial ${attribute}><Number>+4912345</Number></Dial>`));
    const { options, ...verb } = parsed.value;
    expect({ ...options, ...verb }).toMatchObject(expected);
    expect(parsed.codes.sort()).toEqual(codes);
  });

  test('11100: an action that cannot be resolved fails the verb [twiml 6.1 action-unusable]', () => {
    const parsed = parseVerb(dial, '<Dial action="/done">+4912345</Dial>', { documentUrl: undefined });
    expect(!parsed.ok && parsed.error.code).toBe(11100);
  });
});

// What rings: kind and who.
const nouns: [xml: string, targets: string[], codes: number[]][] = [
  ['<Dial>+49 30 (1234)-56</Dial>', ['number +4930123456'], []],
  [
    '<Dial><Number>100</Number><Client>bob</Client><Sip>sip:x@h</Sip></Dial>',
    ['number 100', 'client bob', 'sip sip:x@h'],
    [],
  ],
  ['<Dial></Dial>', [], [13223]],
  ['<Dial>reception</Dial>', [], [13223]],
  ['<Dial><Sim>DE1</Sim></Dial>', [], [13258]],
  ['<Dial><Application><ApplicationSid>AP1</ApplicationSid></Application></Dial>', [], [13215]],
  ['<Dial><Sim>DE1</Sim><WhatsApp>+1</WhatsApp><Number>100</Number></Dial>', ['number 100'], [13258, 13215]],
  [`<Dial>${'<Number>100</Number>'.repeat(11)}</Dial>`, new Array(10).fill('number 100'), [13215]],
];

// holds: [twiml 6.1 content] [twiml 6.2 parallel] [twiml 6.5 text] [twiml 6.9 sim] [twiml 6.9 whats-app]
describe('twiml.md 6.2 Dial: nouns', () => {
  test.each(nouns)('%s', (xml, targets, codes) => {
    const parsed = parsedValue(parseVerb(dial, xml));
    const rung = parsed.value.options.targets.map((target) => {
      if (target.kind === 'sip') return `sip ${target.uri}`;
      return target.kind === 'number' ? `number ${target.number}` : `client ${target.identity}`;
    });
    expect(rung).toEqual(targets);
    expect(parsed.codes).toEqual(codes);
  });

  test('the trace shows no header, user name or password', () => {
    const xml = '<Dial><Sip username="u" password="secret">sip:bob@h?X-Pin=1234</Sip><Client>al</Client></Dial>';
    expect(dial.describe(parsedValue(parseVerb(dial, xml)).value)).toBe('sip:bob@h, client:al');
  });
});

const failedOutcome: DialOutcome = {
  ...bridgedOutcome,
  status: 'busy',
  durationSeconds: undefined,
  bridged: false,
  sip: {
    callId: 'x@0.0.0.0',
    responseCode: 486,
    headers: [
      ['X-Reason', 'lunch'],
      ['User-to-User', 'abc'],
      ['x-low', '1'],
    ],
  },
};

describe('twiml.md 3.3 Dial: action parameters', () => {
  test('a bridged SIP leg [twiml 3.3 dial-status]', () => {
    expect(Object.fromEntries(actionParams(bridgedOutcome))).toEqual({
      DialCallStatus: 'completed',
      DialCallSid: bridgedOutcome.callSid,
      DialCallDuration: '17',
      DialBridged: 'true',
      DialSipCallId: 'abc@0.0.0.0',
      DialSipResponseCode: '200',
    });
  });

  test('sip-interface.md 2.5: X-headers only, in their own spelling; the code of the failure [sip 2.5 only-x-headers] [twiml 3.3 dial-sip]', () => {
    expect(Object.fromEntries(actionParams(failedOutcome))).toMatchObject({
      DialCallStatus: 'busy',
      DialBridged: 'false',
      DialSipResponseCode: '486',
      'DialSipHeader_X-Reason': 'lunch',
      'DialSipHeader_x-low': '1',
    });
    expect(actionParams(failedOutcome).has('DialSipHeader_User-to-User')).toBe(false);
  });

  test('no DialCallDuration when the child was redirected, no DialCallSid when there was none [twiml 3.3 dial-child]', () => {
    const params = actionParams({ ...bridgedOutcome, callSid: undefined, durationSeconds: undefined, sip: undefined });
    expect([...params.keys()]).toEqual(['DialCallStatus', 'DialBridged']);
  });

  test('answered = conference: neither DialCallSid nor DialCallDuration [sip 8.2 dial-status] [twiml 3.3 dial-child] [twiml 3.4 answered]', () => {
    const params = actionParams({ ...bridgedOutcome, status: 'answered', sip: undefined });
    expect([...params.keys()]).toEqual(['DialCallStatus', 'DialBridged']);
  });
});

describe('twiml.md 6.2 Dial: run', () => {
  test('answers, dials, next verb when there is no action [twiml 6.1 action] [twiml 6.2 callee-leaves]', async () => {
    const { control, result } = await runVerb(dial, '<Dial>100</Dial>');
    expect(control.done).toEqual(['answer', 'dial 1']);
    expect(result).toEqual({ kind: 'next', outcome: 'completed', waited: true });
  });

  test('twiml.md 4.3: answerOnBridge leaves the answer to the bridge', async () => {
    const { control } = await runVerb(dial, '<Dial answerOnBridge="true">100</Dial>');
    expect(control.done).toEqual(['dial 1']);
    expect(control.dials[0]!.answerOnBridge).toBe(true);
  });

  test('without method the action is asked by POST [sip 2.1 action] [twiml 6.1 method]', async () => {
    const control = new FakeCallControl();
    control.dialOutcomes = [failedOutcome];
    const { result } = await runVerb(dial, '<Dial action="/done">100</Dial>', control);
    expect(result).toMatchObject({ kind: 'redirect', url: 'https://app.example.test/done', method: 'POST' });
  });

  test('the action takes over [sip 2.1 action] [twiml 6.1 action]', async () => {
    const control = new FakeCallControl();
    control.dialOutcomes = [failedOutcome];
    const { result } = await runVerb(dial, '<Dial action="/done" method="GET">100</Dial>', control);
    expect(result).toMatchObject({
      kind: 'redirect',
      url: 'https://app.example.test/done',
      method: 'GET',
      waited: false,
    });
    expect(result.kind === 'redirect' && result.params.get('DialCallStatus')).toBe('busy');
  });

  test('nobody to dial: DialCallStatus=failed, nothing rings [twiml 6.2 nobody]', async () => {
    const { control, result } = await runVerb(dial, '<Dial action="/done"><Sim>x</Sim></Dial>');
    expect(control.done).toEqual(['answer']);
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      DialCallStatus: 'failed',
      DialBridged: 'false',
    });
  });

  test('twiml.md 4.2 point 5: after caller hang-up the action is requested with CallStatus=completed, its answer ignored [twiml 4.2 dial-hangup] [twiml 16 point-10]', async () => {
    const control = new FakeCallControl();
    control.dialOutcomes = [{ ...bridgedOutcome, callerHungUp: true }];
    control.during = (action) => action.startsWith('dial') && control.call.abort();
    const { result, ignored } = await runVerb(dial, '<Dial action="/done">100</Dial>', control);
    expect(result.kind).toBe('end');
    expect(ignored).toHaveLength(1);
    expect(ignored[0]).toMatchObject({
      url: 'https://app.example.test/done',
      params: { CallStatus: 'completed', DialCallStatus: 'completed', DialBridged: 'true' },
    });
  });

  test('caller hang-up without action: nothing is requested', async () => {
    const control = new FakeCallControl();
    control.during = () => control.call.abort();
    control.dialOutcomes = [{ ...bridgedOutcome, callerHungUp: true }];
    control.answered = true;
    const { result, ignored } = await runVerb(dial, '<Dial>100</Dial>', control);
    expect(result.kind).toBe('end');
    expect(ignored).toEqual([]);
  });
});
