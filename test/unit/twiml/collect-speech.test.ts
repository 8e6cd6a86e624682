// Gather's waiting for speech, and for speech or digits, on a virtual clock (twiml.md 5.4).
//
//   who speaks, types and listens is in the hands of the test: say(true) … say(false), key('1'), the recogniser's answer

import { describe, expect, test } from 'vitest';
import type { RecognisedText, Recogniser, RecogniserFailure, UtteranceOptions } from '../../../src/base/recogniser.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import type { Collected, CollectOptions, SpeechOptions } from '../../../src/twiml/call-control.ts';
import { collectInput } from '../../../src/twiml/collect-speech.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const TIMEOUT_MS = 5_000;
const PAUSE_MS = 1_000;
const MAX_MS = 10_000;
const FRAME = 160;

class Heard {
  readonly pieces: number[] = [];
  isFinished = false;
  isAbandoned = false;
  readonly options: UtteranceOptions;
  readonly answer = Promise.withResolvers<Result<RecognisedText, RecogniserFailure>>();
  constructor(options: UtteranceOptions) {
    this.options = options;
  }
}

async function collecting(changes: Partial<SpeechOptions> = {}, more: Partial<CollectOptions> = {}) {
  const clock = new VirtualClock();
  const call = new AbortController();
  const utterances: Heard[] = [];
  const failures: RecogniserFailure[] = [];
  const prompt = { isStopped: false, end: () => {} };
  let key: (digit: string) => void = () => {};
  let audio: ((payload: Uint8Array) => void) | undefined;
  let speech: (isSpeaking: boolean) => void = () => {};
  let collected: Collected | undefined;
  const recogniser: Recogniser = {
    name: 'test',
    isConfigured: true,
    begin(options) {
      const heard = new Heard(options);
      utterances.push(heard);
      return {
        push: (payload) => heard.pieces.push(payload[0]!),
        finish: () => {
          heard.isFinished = true;
          return heard.answer.promise;
        },
        abandon: () => {
          heard.isAbandoned = true;
        },
      };
    },
    close() {},
  };
  const options = {
    prompt: [],
    timeoutMs: TIMEOUT_MS,
    finishOnKey: '#',
    numDigits: 4,
    hearsDigits: true,
    ...more,
    speech: {
      language: 'en-US',
      hints: [],
      model: undefined,
      pauseMs: PAUSE_MS,
      maxMs: MAX_MS,
      bargeIn: true,
      ...changes,
    },
  };
  const done = collectInput(
    options,
    {
      clock,
      recogniser,
      onDigit: (listener) => {
        key = listener;
        return () => {
          key = () => {};
        };
      },
      playPrompt: (signal) =>
        new Promise<void>((resolve) => {
          prompt.end = resolve;
          signal.addEventListener('abort', () => {
            prompt.isStopped = true;
            resolve();
          });
        }),
      listen: (onAudio, onSpeech) => {
        audio = onAudio;
        speech = onSpeech;
        return () => {
          audio = undefined;
          speech = () => {};
        };
      },
      onFailure: (failure) => failures.push(failure),
    },
    call.signal,
  ).then((value) => {
    collected = value;
  });
  await settle();
  let frame = 0;
  return {
    clock,
    call,
    done,
    utterances,
    failures,
    prompt,
    isListening: () => audio !== undefined,
    collected: () => collected,
    key: async (digit: string) => {
      key(digit);
      await settle();
    },
    say: async (isSpeaking: boolean) => {
      speech(isSpeaking);
      await settle();
    },
    /** Frames with a running number. */
    hear: (count: number) => {
      for (let index = 0; index < count; index++) audio?.(new Uint8Array(FRAME).fill(frame++));
    },
    promptEnds: async () => {
      prompt.end();
      await settle();
    },
    pass: (ms: number) => clock.advanceAsync(ms),
    async nothingIsLeft() {
      await done;
      expect(clock.pendingTimers).toBe(0);
      expect(audio).toBeUndefined();
      expect(utterances.filter(({ isFinished, isAbandoned }) => !isFinished && !isAbandoned)).toEqual([]);
    },
  };
}

const text = (words: string, confidence: number | null = null) => ok({ text: words, confidence });

describe('twiml.md 5.4: speech [twiml 5.4 speech-timeout]', () => {
  test('stops the prompt; a pause of speechTimeout ends it; the beginning of the first word is heard', async () => {
    const it = await collecting({ hints: ['two'], model: 'phone_call' });
    it.hear(50);
    await it.say(true);
    expect(it.prompt.isStopped).toBe(true);
    it.hear(3);
    const [utterance] = it.utterances;
    // The last 400 ms before it was known to be speech, then everything.
    expect(utterance?.pieces).toEqual(Array.from({ length: 23 }, (_, index) => 30 + index));
    expect(utterance?.options).toMatchObject({ language: 'en-US', hints: ['two'], model: 'phone_call' });
    await it.say(false);
    await it.pass(PAUSE_MS - 1);
    expect(utterance?.isFinished).toBe(false);
    await it.pass(1);
    expect(utterance?.isFinished).toBe(true);
    utterance?.answer.resolve(text('two please', 0.9));
    await it.done;
    expect(it.collected()).toEqual({
      digits: '',
      finishedOnKey: '',
      reason: 'speech',
      speech: { text: 'two please', confidence: 0.9 },
    });
    await it.nothingIsLeft();
  });

  test('who goes on after a short pause is not cut', async () => {
    const it = await collecting();
    await it.promptEnds();
    await it.say(true);
    await it.say(false);
    await it.pass(PAUSE_MS - 1);
    await it.say(true);
    await it.pass(2 * PAUSE_MS);
    expect(it.utterances[0]?.isFinished).toBe(false);
    await it.say(false);
    await it.pass(PAUSE_MS);
    it.utterances[0]?.answer.resolve(text('one … two'));
    await it.nothingIsLeft();
    expect(it.utterances).toHaveLength(1);
  });

  test('maxSpeechTime ends it while it is spoken [twiml 5.4 speech-limit]', async () => {
    const it = await collecting();
    await it.promptEnds();
    await it.say(true);
    await it.pass(MAX_MS);
    expect(it.utterances[0]?.isFinished).toBe(true);
    it.utterances[0]?.answer.resolve(text('on and on'));
    await it.nothingIsLeft();
    expect(it.collected()?.reason).toBe('speech');
  });

  test('nobody speaks: the timeout after the prompt', async () => {
    const it = await collecting();
    await it.pass(10 * TIMEOUT_MS);
    expect(it.collected()).toBeUndefined();
    await it.promptEnds();
    await it.pass(TIMEOUT_MS);
    expect(it.collected()).toEqual({ digits: '', finishedOnKey: '', reason: 'timeout' });
    await it.nothingIsLeft();
  });

  test('bargeIn="false": what is said during the prompt neither stops it nor counts, but who still speaks at its end is heard [twiml 5.4 barge-in]', async () => {
    const it = await collecting({ bargeIn: false });
    await it.say(true);
    await it.say(false);
    expect([it.prompt.isStopped, it.utterances.length]).toEqual([false, 0]);
    await it.say(true);
    await it.promptEnds();
    expect(it.utterances).toHaveLength(1);
    await it.say(false);
    await it.pass(PAUSE_MS);
    it.utterances[0]?.answer.resolve(text('late'));
    await it.nothingIsLeft();
    expect(it.collected()?.speech?.text).toBe('late');
  });

  test.each([
    ['nothing was understood', text(''), []],
    ['the recogniser failed', err({ code: 'failed', detail: 'down' } as const), [{ code: 'failed', detail: 'down' }]],
  ])('%s: as if nothing had been said [twiml 5.4 recogniser-down]', async (_name, answer, failures) => {
    const it = await collecting();
    await it.promptEnds();
    await it.say(true);
    await it.say(false);
    await it.pass(PAUSE_MS);
    it.utterances[0]?.answer.resolve(answer);
    await it.nothingIsLeft();
    expect(it.collected()).toEqual({ digits: '', finishedOnKey: '', reason: 'timeout' });
    expect(it.failures).toEqual(failures);
  });
});

describe('twiml.md 5.4: dtmf speech, the first kind detected wins', () => {
  test('a key first: speech is not heard any more, the timeout restarts with each key [twiml 5.4 prompt-stops] [twiml 5.4 first-kind-wins]', async () => {
    const it = await collecting();
    await it.key('4');
    expect([it.prompt.isStopped, it.isListening()]).toEqual([true, false]);
    await it.say(true);
    await it.pass(TIMEOUT_MS - 1);
    await it.key('2');
    await it.pass(TIMEOUT_MS - 1);
    expect(it.collected()).toBeUndefined();
    await it.pass(1);
    expect(it.collected()).toEqual({ digits: '42', finishedOnKey: '', reason: 'timeout' });
    await it.nothingIsLeft();
  });

  test('finishOnKey and numDigits end digits', async () => {
    const finished = await collecting();
    for (const digit of '12#') await finished.key(digit);
    expect(finished.collected()).toEqual({ digits: '12', finishedOnKey: '#', reason: 'finishKey' });
    await finished.nothingIsLeft();
    const complete = await collecting();
    for (const digit of '1234') await complete.key(digit);
    expect(complete.collected()).toEqual({ digits: '1234', finishedOnKey: '', reason: 'numDigits' });
    await complete.nothingIsLeft();
  });

  test('speech first: keys are ignored, finishOnKey too [twiml 5.4 first-kind-wins]', async () => {
    const it = await collecting();
    await it.say(true);
    await it.key('1');
    await it.key('#');
    await it.say(false);
    await it.pass(PAUSE_MS);
    await it.key('#');
    it.utterances[0]?.answer.resolve(text('sales'));
    await it.nothingIsLeft();
    expect(it.collected()).toMatchObject({ digits: '', reason: 'speech', speech: { text: 'sales' } });
  });

  test('input="speech": keys are not heard at all', async () => {
    const it = await collecting({}, { hearsDigits: false });
    await it.key('1');
    expect(it.prompt.isStopped).toBe(false);
    await it.promptEnds();
    await it.pass(TIMEOUT_MS);
    expect(it.collected()).toEqual({ digits: '', finishedOnKey: '', reason: 'timeout' });
    await it.nothingIsLeft();
  });
});

describe('the call ends', () => {
  test.each(['while the prompt plays', 'while the caller speaks', 'while it is recognised'])('%s', async (when) => {
    const it = await collecting();
    if (when !== 'while the prompt plays') await it.say(true);
    if (when === 'while it is recognised') {
      await it.say(false);
      await it.pass(PAUSE_MS);
    }
    it.call.abort();
    await it.nothingIsLeft();
    expect(it.collected()?.reason).toBe('aborted');
    it.utterances[0]?.answer.resolve(err({ code: 'aborted', detail: 'no longer wanted' }));
    await settle();
    expect(it.failures).toEqual([]);
  });
});
