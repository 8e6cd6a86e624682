import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { Collected } from '../../../../src/twiml/call-control.ts';
import { gather } from '../../../../src/twiml/verbs/gather.ts';
import { FakeCallControl } from '../../../support/fake-call-control.ts';
import { settle } from '../../../support/virtual-clock.ts';
import { BASE, parsedValue, parseVerb, runVerb } from '../kit.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;

/** What Gather listens with when nothing is said about it. */
const heard = {
  language: 'en-US',
  hints: [],
  model: undefined,
  pauseMs: 5_000,
  maxMs: 60_000,
  bargeIn: true,
};

// twiml.md 5.4: attribute, value, warnings.
const attributes: [attribute: string, expected: Record<string, unknown>, codes: number[]][] = [
  [
    '',
    { action: BASE, method: 'POST', timeoutMs: 5_000, finishOnKey: '#', numDigits: UNLIMITED, hearsDigits: true },
    [],
  ],
  ['action="/menu"', { action: 'https://app.example.test/menu' }, []],
  ['action=""', { action: BASE }, []],
  ['method="GET"', { method: 'GET' }, []],
  ['method="get"', { method: 'GET' }, []],
  ['method="PATCH"', { method: 'POST' }, [13312]],
  ['input="dtmf"', { hearsDigits: true, speech: undefined }, []],
  ['input="dtmf speech"', { hearsDigits: true, speech: { options: heard, partialResults: undefined } }, []],
  ['input="speech dtmf"', { hearsDigits: true, speech: { options: heard } }, []],
  ['input="speech"', { hearsDigits: false, speech: { options: heard } }, []],
  ['input="voice"', { hearsDigits: true }, [13326]],
  ['timeout="9"', { timeoutMs: 9_000 }, []],
  ['timeout="auto"', { timeoutMs: 5_000 }, []],
  ['timeout="0"', { timeoutMs: 5_000 }, [13313]],
  ['timeout="long"', { timeoutMs: 5_000 }, [13313]],
  ['finishOnKey="*"', { finishOnKey: '*' }, []],
  ['finishOnKey=""', { finishOnKey: '' }, []],
  ['finishOnKey="12"', { finishOnKey: '#' }, [13310]],
  ['finishOnKey="x"', { finishOnKey: '#' }, [13311]],
  ['numDigits="4"', { numDigits: 4 }, []],
  ['numDigits="0"', { numDigits: UNLIMITED }, [13314]],
  ['numDigits="many"', { numDigits: UNLIMITED }, [13314]],
  ['actionOnEmptyResult="true"', { actionOnEmptyResult: true }, []],
  ['actionOnEmptyResult="yes"', { actionOnEmptyResult: false }, [13338]],
  ['speechTimeout="auto" language="?" hints="a" bargeIn="x"', { speech: undefined }, []],
  ['input="speech" timeout="7"', { speech: { options: { pauseMs: 7_000 } } }, []],
  ['input="speech" speechTimeout="3"', { speech: { options: { pauseMs: 3_000 } } }, []],
  ['input="speech" speechTimeout="auto"', { speech: { options: { pauseMs: limits.speechPauseAutoMs } } }, []],
  ['input="speech" speechTimeout="soon"', { speech: { options: { pauseMs: 5_000 } } }, [13327]],
  [
    'input="speech" speechTimeout="auto" speechModel="phone_call"',
    { speech: { options: { pauseMs: 5_000, model: 'phone_call' } } },
    [13335],
  ],
  ['input="speech" maxSpeechTime="9"', { speech: { options: { maxMs: 9_000 } } }, []],
  ['input="speech" maxSpeechTime="90"', { speech: { options: { maxMs: 60_000 } } }, [13328]],
  ['input="speech" speechModel="deepgram_nova-3"', { speech: { options: { model: 'deepgram_nova-3' } } }, []],
  ['input="speech" speechModel="whisper"', { speech: { options: { model: undefined } } }, [13334]],
  ['input="speech" language="de-DE"', { speech: { options: { language: 'de-DE' } } }, []],
  ['input="speech" language="German!"', { speech: { options: { language: 'en-US' } } }, [13331]],
  [
    'input="speech" hints="sales, , the support,$OPERAND"',
    { speech: { options: { hints: ['sales', 'the support'] } } },
    [],
  ],
  [`input="speech" hints="a,${'b'.repeat(101)}"`, { speech: { options: { hints: ['a'] } } }, [13330]],
  ['input="speech" profanityFilter="no"', {}, [13333]],
  ['input="speech" bargeIn="false"', { speech: { options: { bargeIn: false } } }, []],
  ['input="speech" bargeIn="maybe"', { speech: { options: { bargeIn: true } } }, [13332]],
  ['input="speech" enhanced="true" debug="true"', {}, []],
  [
    'input="speech" partialResultCallback="/p" partialResultCallbackMethod="GET"',
    { speech: { partialResults: { url: 'https://app.example.test/p', method: 'GET' } } },
    [],
  ],
  ['input="speech" partialResultCallback="/p" partialResultCallbackMethod="PUT"', {}, [13329]],
];

// holds: [twiml 5.4 action] [twiml 5.4 method] [twiml 5.4 input] [twiml 5.4 timeout] [twiml 5.4 finish-on-key]
// holds: [twiml 5.4 num-digits] [twiml 5.4 action-on-empty-result] [twiml 5.4 speech-timeout] [twiml 5.4 speech-timeout-auto]
// holds: [twiml 5.4 max-speech-time] [twiml 5.4 speech-model] [twiml 5.4 language] [twiml 5.4 hints]
// holds: [twiml 5.4 profanity-filter] [twiml 5.4 enhanced] [twiml 5.4 barge-in] [twiml 5.4 partial-callback]
// holds: [twiml 16 point-29]
describe('twiml.md 5.4 Gather: attributes [twiml 2.1 method-case] [twiml 4.1 values] [twiml 4.1 lists]', () => {
  test.each(attributes)('%s', (attribute, expected, codes) => {
    const parsed = parsedValue(parseVerb(gather, `<Gather ${attribute}/>`));
    expect(parsed.value).toMatchObject(expected);
    expect(parsed.codes).toEqual(codes);
  });

  test.each(['<Gather/>', '<Gather action="menu"/>'])(
    'twiml.md 2.7: %s in inline TwiML is 11100 [twiml 2.7 inline]',
    (xml) => {
      const parsed = parseVerb(gather, xml, { documentUrl: undefined });
      expect(!parsed.ok && parsed.error).toMatchObject({ code: 11100, level: 'error' });
    },
  );

  test('inline TwiML with an absolute action runs [twiml 2.7 inline]', () => {
    const xml = '<Gather action="https://a.example.test/x"/>';
    expect(parsedValue(parseVerb(gather, xml, { documentUrl: undefined })).value.action).toBe(
      'https://a.example.test/x',
    );
  });
});

describe('twiml.md 5.4 Gather: prompts', () => {
  // holds: [twiml 5.1 nested] [twiml 5.2 nested-digits] [twiml 5.3 nested] [twiml 5.4 children]
  test('Say, Play and Pause in order; digits of Play are refused (13320)', () => {
    const parsed = parsedValue(
      parseVerb(gather, '<Gather><Say>Hi</Say><Play digits="1">/a.wav</Play><Pause length="2"/></Gather>'),
    );
    expect(parsed.value.prompt).toEqual([
      { kind: 'say', spoken: { text: 'Hi', ssml: false, voice: undefined, language: 'en-US' }, loop: 1 },
      { kind: 'url', url: 'https://app.example.test/a.wav', loop: 1 },
      { kind: 'silence', durationMs: 2_000 },
    ]);
    expect(parsed.codes).toEqual([13320]);
  });

  test('warnings of nested verbs are passed on; those of Say have numbers of their own here', () => {
    const xml = '<Gather><Say voice="robot" loop="x">Hi</Say><Play loop="x">/a.wav</Play><Pause length="0"/></Gather>';
    expect(parsedValue(parseVerb(gather, xml)).codes).toEqual([13321, 13322, 13410, 13910]);
  });
});

const got = (digits: string, finishedOnKey: string, reason: Collected['reason']): Collected => ({
  digits,
  finishedOnKey,
  reason,
});

// twiml.md 5.4, table "Semantics": situation, attributes, what was collected, Digits and FinishedOnKey of the action (or next verb).
const semantics: [string, attributes: string, Collected, action: [digits: string, key: string] | 'next'][] = [
  ['finishOnKey after digits: action without that key', '', got('123', '#', 'finishKey'), ['123', '#']],
  ['finishOnKey with no digit before: no input, next verb', '', got('', '#', 'finishKey'), 'next'],
  ['numDigits reached: action at once', 'numDigits="1"', got('7', '', 'numDigits'), ['7', '']],
  ['timeout with some digits: action with them', '', got('12', '', 'timeout'), ['12', '']],
  ['timeout with nothing: next verb', '', got('', '', 'timeout'), 'next'],
  ['timeout, actionOnEmptyResult: Digits empty', 'actionOnEmptyResult="true"', got('', '', 'timeout'), ['', '']],
  ['key alone, actionOnEmptyResult: Digits empty', 'actionOnEmptyResult="true"', got('', '#', 'finishKey'), ['', '#']],
];

describe('twiml.md 5.4 Gather: semantics', () => {
  // holds: [twiml 5.4 action] [twiml 5.4 action-on-empty-result] [twiml 5.4 finished-by-key] [twiml 5.4 key-alone]
  // holds: [twiml 5.4 finished-by-number] [twiml 5.4 timeout-some] [twiml 5.4 timeout-nothing]
  // holds: [twiml 16 point-8]
  test.each(semantics)('%s [twiml 3.3 gather]', async (_situation, attribute, collected, expected) => {
    const control = new FakeCallControl();
    control.collected = [collected];
    const { result } = await runVerb(gather, `<Gather action="/menu" ${attribute}/>`, control);
    expect(control.done).toEqual(['answer', 'collect']);
    if (expected === 'next') {
      expect(result).toEqual({ kind: 'next', outcome: 'no input', waited: true });
      return;
    }
    expect(result).toMatchObject({ kind: 'redirect', url: 'https://app.example.test/menu', purpose: 'action' });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      Digits: expected[0],
      FinishedOnKey: expected[1],
      msg: 'Gather End',
    });
  });

  test('no action: the same document again with Digits [twiml 5.4 same-document]', async () => {
    const control = new FakeCallControl();
    control.collected = [got('5', '', 'numDigits')];
    const { result } = await runVerb(gather, '<Gather numDigits="1" method="GET"/>', control);
    expect(result).toMatchObject({ kind: 'redirect', url: BASE, method: 'GET' });
  });

  test('hang-up while gathering: no action request [twiml 4.2 no-request-hangup] [twiml 5.4 hang-up] [twiml 16 point-9]', async () => {
    const control = new FakeCallControl();
    control.collected = [got('12', '', 'timeout')];
    control.during = (action) => action === 'collect' && control.call.abort();
    expect((await runVerb(gather, '<Gather/>', control)).result.kind).toBe('end');
  });

  test('what is collected is asked for as written', async () => {
    const { control } = await runVerb(
      gather,
      '<Gather numDigits="4" timeout="7" finishOnKey="*"><Say>Hi</Say></Gather>',
    );
    expect(control.collects[0]).toMatchObject({ numDigits: 4, timeoutMs: 7_000, finishOnKey: '*' });
    expect(control.collects[0]!.prompt).toHaveLength(1);
  });

  test('without a recogniser input="speech" is an error, not a silent wait: the prompt, then the next verb [twiml 5.4 no-recogniser] [twiml 14 speech]', async () => {
    const control = new FakeCallControl();
    control.hearsSpeech = false;
    const { result, notices } = await runVerb(
      gather,
      '<Gather input="speech" timeout="3"><Say>Hi</Say></Gather>',
      control,
    );
    expect(control.done).toEqual(['answer', 'play say:Hi']);
    expect(notices).toMatchObject([{ level: 'error', code: 13343 }]);
    expect(result).toMatchObject({ kind: 'next', waited: false });
  });

  test('without a recogniser input="dtmf speech" hears digits, with the error', async () => {
    const control = new FakeCallControl();
    control.hearsSpeech = false;
    control.collected = [got('4', '', 'timeout')];
    const { result, notices } = await runVerb(gather, '<Gather input="dtmf speech"/>', control);
    expect(control.collects[0]?.speech).toBeUndefined();
    expect(notices).toMatchObject([{ code: 13343 }]);
    expect(result).toMatchObject({ kind: 'redirect', outcome: '1 digit' });
  });

  test('what was said goes to the action with its confidence, without Digits [twiml 5.4 speech-result] [twiml 3.3 gather-speech]', async () => {
    const control = new FakeCallControl();
    control.collected = [{ ...got('', '', 'speech'), speech: { text: 'billing please', confidence: 0.25 } }];
    const { result } = await runVerb(gather, '<Gather input="speech" action="/menu"/>', control);
    expect(result).toMatchObject({ kind: 'redirect', url: 'https://app.example.test/menu', outcome: 'speech' });
    expect(result.kind === 'redirect' && Object.fromEntries(result.params)).toEqual({
      SpeechResult: 'billing please',
      Confidence: '0.25',
      msg: 'Gather End',
    });
  });

  test('a recogniser that tells no confidence: none is made up [twiml 3.3 gather-speech]', async () => {
    const control = new FakeCallControl();
    control.collected = [{ ...got('', '', 'speech'), speech: { text: 'yes', confidence: null } }];
    const { result } = await runVerb(gather, '<Gather input="speech"/>', control);
    expect(result.kind === 'redirect' && result.params.has('Confidence')).toBe(false);
  });

  test('partial results are sent one after another, the latest one when the application is slow [twiml 5.4 partial-result] [twiml 3.3 partial-result]', async () => {
    const control = new FakeCallControl();
    const sent: { url: string; method: string; params: Record<string, string> }[] = [];
    let answer = () => {};
    const requestIgnored = (url: string, method: string, params: ReadonlyMap<string, string>) => {
      sent.push({ url, method, params: Object.fromEntries(params) });
      return new Promise<void>((resolve) => {
        answer = resolve;
      });
    };
    const xml = '<Gather input="speech" partialResultCallback="/p" partialResultCallbackMethod="GET"/>';
    await runVerb(gather, xml, control, { requestIgnored });
    const onPartial = control.collects[0]?.speech?.onPartial;
    for (const text of ['one', 'one two', 'one two three']) {
      onPartial?.(text);
      await settle();
    }
    expect(sent).toEqual([
      {
        url: 'https://app.example.test/p',
        method: 'GET',
        params: { UnstableSpeechResult: 'one', SequenceNumber: '0' },
      },
    ]);
    answer();
    await settle();
    expect(sent[1]?.params).toEqual({ UnstableSpeechResult: 'one two three', SequenceNumber: '2' });
  });

  test('design.md 9: the outcome counts digits and does not show them', async () => {
    const control = new FakeCallControl();
    control.collected = [got('4711', '', 'timeout')];
    expect((await runVerb(gather, '<Gather/>', control)).result.outcome).toBe('4 digits');
  });
});
