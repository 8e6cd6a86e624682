// ConversationRelay with an engine, a recogniser and an application in the test's hand: who says what when, who interrupts whom, and
// what is left behind (twiml.md 11.1).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { Recogniser, UtteranceOptions } from '../../../../src/base/recogniser.ts';
import { err, ok } from '../../../../src/base/result.ts';
import type { RelayEnd, RelayOptions } from '../../../../src/streams/relay/options.ts';
import type { RelayVoice } from '../../../../src/streams/relay/voice.ts';
import { settle } from '../../../support/virtual-clock.ts';
import { type FakePeer, StreamBench } from '../kit.ts';

const relayOptions = (over: Partial<RelayOptions> = {}): RelayOptions => ({
  url: 'wss://agent.example.test/relay?tenant=7',
  parameters: new Map(),
  welcomeGreeting: undefined,
  welcomeGreetingInterruptible: 'any',
  ttsLanguage: 'en-US',
  transcriptionLanguage: 'en-US',
  voice: undefined,
  speechModel: undefined,
  languages: new Map(),
  interruptible: 'any',
  interruptAfterMs: 0,
  reportInputDuringAgentSpeech: 'none',
  preemptible: false,
  dtmfDetection: true,
  partialPrompts: false,
  hints: [],
  reportsSpeakers: false,
  reportsTokensPlayed: false,
  ...over,
});

const facts = {
  parentCallSid: '',
  from: 'sip:alice@pbx',
  to: 'sip:100@gw',
  forwardedFrom: '',
  callType: 'SIP',
  callerName: '',
  direction: 'inbound',
  callStatus: 'IN-PROGRESS',
};

/** One second of audio per text; utterances whose text the test gives. */
class RelayBench extends StreamBench {
  readonly spoken: { text: string; language: string; voice: string | undefined }[] = [];
  readonly utterances: { options: UtteranceOptions; frames: number; abandoned: boolean }[] = [];
  text = 'yes please';
  isSpeechBroken = false;
  isConfigured = true;
  readonly signal = new AbortController();
  end: RelayEnd | undefined;

  async run(over: Partial<RelayOptions> = {}): Promise<FakePeer | undefined> {
    const recogniser: Recogniser = {
      name: 'fake',
      isConfigured: this.isConfigured,
      begin: (options) => {
        const utterance = { options, frames: 0, abandoned: false };
        this.utterances.push(utterance);
        return {
          push: () => void utterance.frames++,
          finish: async () =>
            this.isSpeechBroken ? err({ code: 'failed', detail: 'down' }) : ok({ text: this.text, confidence: null }),
          abandon: () => {
            utterance.abandoned = true;
          },
        };
      },
      close() {},
    };
    const voice: RelayVoice = {
      recogniser,
      speak: async (text, { language, voice: name }) => {
        this.spoken.push({ text, language, voice: name });
        return ok(new Int16Array(8_000));
      },
      load: async (url) =>
        url.endsWith('missing') ? err({ errorCode: 11217, detail: 'HTTP status 404' }) : ok(new Int16Array(4_000)),
    };
    void this.streams.relay(this.call, facts, relayOptions(over), voice, this.signal.signal).then((end) => {
      this.end = end;
    });
    await settle();
    return this.peers[0];
  }

  /** The play of the session. */
  readonly play = 'p1';
  /** Marks that were set and not reached. */
  get marks(): string[] {
    return this.engine.done.flatMap((what) => /^mark \S+ (\S+)$/.exec(what)?.[1] ?? []);
  }
  /** All that was fed has been played, one after another. */
  async playsOut(): Promise<void> {
    for (let index = 0; index < this.marks.length; index++) {
      this.engine.reach(this.play, this.marks[index]!);
      await settle();
    }
  }
  /** The caller says something and pauses. */
  async says(): Promise<void> {
    this.engine.speaks(true);
    this.engine.audio('t2', 'inbound', 0);
    this.engine.speaks(false);
    this.clock.advance(limits.relayEndOfSpeechMs);
    await settle();
  }
}

const text = (token: string, last = true, over: object = {}) => ({ type: 'text', token, last, ...over });

describe('ConversationRelay session', () => {
  test('[twiml 11.1 sentences] tokens become sentences; the next is made while one plays, and no more', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    for (const token of ['One', ' is here. Two ', 'is too! Three? ', 'Four']) peer.says(text(token, false));
    await settle();
    expect(bench.spoken.map((one) => one.text)).toEqual(['One is here. ', 'Two is too! ']);
    peer.says(text('.'));
    await bench.playsOut();
    expect(bench.spoken.map((one) => one.text)).toEqual(['One is here. ', 'Two is too! ', 'Three? ', 'Four.']);
  });

  test('[twiml 11.1 unfinished] a whole sentence without last is spoken when no more comes', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says(text('Hello there.', false));
    await settle();
    expect(bench.spoken).toEqual([]);
    bench.clock.advance(limits.relaySentenceWaitMs);
    await settle();
    expect(bench.spoken.map((one) => one.text)).toEqual(['Hello there.']);
  });

  test('[twiml 11.1 greeting] the greeting is spoken first, and interrupted only as it allows', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run({ welcomeGreeting: 'Welcome home', welcomeGreetingInterruptible: 'speech' }))!;
    expect(bench.spoken.map((one) => one.text)).toEqual(['Welcome home']);
    bench.call.presses('5');
    expect(peer.of('interrupt')).toEqual([]);
    expect(peer.of('dtmf')).toEqual([]);
    bench.clock.advance(600);
    bench.engine.speaks(true);
    expect(peer.of('interrupt')).toEqual([
      { type: 'interrupt', utteranceUntilInterrupt: 'Welcome', durationUntilInterruptMs: 600 },
    ]);
    expect(bench.engine.done).toContain('clear p1');
  });

  test('[twiml 11.1 interrupt-heard] what was heard is told; tokens of the interrupted talk are dropped until the prompt', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says(text('First sentence. Second one is long. Thi', false));
    await settle();
    bench.clock.advance(1_000);
    bench.engine.reach('p1', '1');
    await settle();
    bench.clock.advance(500);
    bench.engine.speaks(true);
    expect(peer.of('interrupt')).toEqual([
      { type: 'interrupt', utteranceUntilInterrupt: 'First sentence. Second one', durationUntilInterruptMs: 1_500 },
    ]);
    peer.says(text('rd sentence. ', false));
    await settle();
    expect(bench.spoken).toHaveLength(2);
    // A mark of what was cut off says nothing any more.
    bench.engine.reach('p1', '2');
    bench.engine.speaks(false);
    bench.clock.advance(limits.relayEndOfSpeechMs);
    await settle();
    expect(peer.of('prompt')).toEqual([{ type: 'prompt', voicePrompt: 'yes please', lang: 'en-US', last: true }]);
    peer.says(text('An answer.'));
    await settle();
    expect(bench.spoken.at(-1)?.text).toBe('An answer.');
  });

  test.each<[string, Partial<RelayOptions>, { interrupts: number; prompts: number; digits: number }]>([
    ['any', { interruptible: 'any' }, { interrupts: 1, prompts: 1, digits: 1 }],
    ['none', { interruptible: 'none' }, { interrupts: 0, prompts: 0, digits: 0 }],
    ['dtmf', { interruptible: 'dtmf' }, { interrupts: 1, prompts: 1, digits: 1 }],
    [
      'none, reported',
      { interruptible: 'none', reportInputDuringAgentSpeech: 'any' },
      { interrupts: 0, prompts: 1, digits: 1 },
    ],
    ['dtmf off', { interruptible: 'any', dtmfDetection: false }, { interrupts: 1, prompts: 1, digits: 0 }],
  ])(
    '[twiml 11.1 interruptible] %s: a key, then speech, into a talk [twiml 11.1 dtmf]',
    async (_title, over, expected) => {
      const bench = new RelayBench();
      const peer = (await bench.run(over))!;
      peer.says(text('A long talk.'));
      await settle();
      bench.call.presses('1');
      await bench.says();
      expect({
        interrupts: peer.of('interrupt').length,
        prompts: peer.of('prompt').length,
        digits: peer.of('dtmf').length,
      }).toEqual(expected);
    },
  );

  test('[twiml 11.1 sensitivity] a short sound does not interrupt where that is asked for', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run({ interruptAfterMs: 400 }))!;
    peer.says(text('A long talk.'));
    await settle();
    bench.engine.speaks(true);
    bench.clock.advance(399);
    bench.engine.speaks(false);
    bench.clock.advance(100);
    expect(peer.of('interrupt')).toEqual([]);
    bench.engine.speaks(true);
    bench.clock.advance(400);
    expect(peer.of('interrupt')).toHaveLength(1);
  });

  test('[twiml 11.1 preemptible] a new talk ends one that may be preempted, and waits for one that may not', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says(text('Please wait.', true, { preemptible: true }));
    await settle();
    peer.says(text('Here it is.'));
    await settle();
    expect(bench.engine.done.filter((what) => what === 'clear p1')).toHaveLength(1);
    peer.says(text('And more.'));
    await settle();
    expect(bench.engine.done.filter((what) => what === 'clear p1')).toHaveLength(1);
    expect(peer.of('interrupt')).toEqual([]);
  });

  test('[twiml 11.1 speech-in] audio before the detector spoke up is part of the utterance; hints, model and language go along [twiml 11.1 language]', async () => {
    const bench = new RelayBench();
    const languages = new Map([['de-DE', { voice: 'anna', speechModel: 'phone' }]]);
    const peer = (await bench.run({ hints: ['Hookswitch'], languages, speechModel: 'general' }))!;
    for (let frame = 0; frame < 50; frame++) bench.engine.audio('t2', 'inbound', frame * 20);
    await bench.says();
    expect(bench.utterances[0]).toMatchObject({
      frames: limits.relayPreRollMs / 20 + 1,
      options: { language: 'en-US', model: 'general', hints: ['Hookswitch'] },
    });
    peer.says({ type: 'language', ttsLanguage: 'de-DE', transcriptionLanguage: 'de-DE' });
    await bench.says();
    expect(bench.utterances[1]!.options).toMatchObject({ language: 'de-DE', model: 'phone' });
    expect(peer.of('prompt').map(({ lang }) => lang)).toEqual(['en-US', 'de-DE']);
    peer.says(text('Guten Tag.'));
    peer.says(text('Hello.', true, { lang: 'en-GB' }));
    await bench.playsOut();
    expect(bench.spoken).toEqual([
      { text: 'Guten Tag.', language: 'de-DE', voice: 'anna' },
      { text: 'Hello.', language: 'en-GB', voice: undefined },
    ]);
  });

  test('[twiml 11.1 pause] a pause within a sentence does not cut the utterance', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    bench.engine.speaks(true);
    bench.engine.speaks(false);
    bench.clock.advance(limits.relayEndOfSpeechMs - 1);
    bench.engine.speaks(true);
    bench.engine.speaks(false);
    bench.clock.advance(limits.relayEndOfSpeechMs);
    await settle();
    expect(bench.utterances).toHaveLength(1);
    expect(peer.of('prompt')).toHaveLength(1);
  });

  test('[twiml 11.1 partial] partial prompts where they are asked for', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run({ partialPrompts: true }))!;
    bench.engine.speaks(true);
    bench.utterances[0]!.options.onPartial!('yes');
    expect(peer.of('prompt')).toEqual([{ type: 'prompt', voicePrompt: 'yes', lang: 'en-US', last: false }]);
  });

  test('[twiml 11.1 recogniser-down] each failure is told to the application, the account hears once', async () => {
    const bench = new RelayBench();
    bench.isSpeechBroken = true;
    const peer = (await bench.run())!;
    await bench.says();
    await bench.says();
    expect(peer.of('error')).toHaveLength(2);
    expect(bench.call.codes).toEqual([13340]);
  });

  test('[twiml 11.1 no-recogniser] 13343 once, nothing is tapped, keys go on', async () => {
    const bench = new RelayBench();
    bench.isConfigured = false;
    const peer = (await bench.run())!;
    expect(bench.call.codes).toEqual([13343]);
    expect(peer.of('error')).toHaveLength(1);
    expect(bench.engine.done).toEqual(['openStream e1']);
    bench.call.presses('9');
    expect(peer.of('dtmf')).toEqual([{ type: 'dtmf', digit: '9' }]);
  });

  test('[twiml 11.1 play] files play their rounds; one that cannot be had is warned about and passed over', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says({ type: 'play', source: 'https://app.example.test/missing' });
    peer.says({ type: 'play', source: 'https://app.example.test/jingle.mp3', loop: 2 });
    await settle();
    expect(bench.call.codes).toEqual([11217]);
    expect(bench.engine.done.filter((what) => what === 'feed p1 4000')).toHaveLength(1);
    bench.engine.reach('p1', '1');
    expect(bench.engine.done.filter((what) => what === 'feed p1 4000')).toHaveLength(2);
    bench.engine.reach('p1', '1');
    bench.engine.reach('p1', '1');
    expect(bench.engine.done.filter((what) => what === 'feed p1 4000')).toHaveLength(2);
  });

  test('[twiml 11.1 send-digits] digits go to the caller', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says({ type: 'sendDigits', digits: '12w#' });
    expect(bench.engine.done).toContain('digits e1 12w#');
  });

  test('[twiml 11.1 too-much] text that nobody could listen to is refused', async () => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    for (let count = 0; count <= limits.relayItems + 2; count++) peer.says(text('Word. ', false));
    expect(peer.of('error').length).toBeGreaterThan(0);
    expect(bench.call.codes).toEqual([64107]);
  });

  test.each<[string, (bench: RelayBench, peer: FakePeer) => void, Partial<RelayEnd>, number[]]>([
    [
      'the application ends it',
      (_, peer) => peer.says({ type: 'end', handoffData: { reason: 'agent' } }),
      { status: 'ended', handoffData: '{"reason":"agent"}' },
      [],
    ],
    [
      'the application ends it and closes at once',
      (_, peer) => {
        peer.says({ type: 'end', handoffData: 'x' });
        peer.ends();
      },
      { status: 'ended', handoffData: 'x' },
      [],
    ],
    ['redirected', (bench) => bench.signal.abort(), { status: 'completed' }, []],
    [
      'redirected, and the server closes too',
      (bench, peer) => {
        bench.signal.abort();
        peer.ends();
      },
      { status: 'completed' },
      [],
    ],
    ['the caller hangs up', (bench) => bench.call.controller.abort(), { status: 'completed' }, []],
    [
      'the server closes',
      (_, peer) => peer.ends(),
      { status: 'failed', failure: expect.objectContaining({ errorCode: 64105 }) },
      [64105],
    ],
    [
      'the connection breaks',
      (_, peer) => peer.ends({ errorCode: 31903, detail: 'broke' }),
      { status: 'failed', failure: expect.objectContaining({ errorCode: 64105 }) },
      [64105],
    ],
  ])('[twiml 11.1 ends] %s: nothing is left', async (_title, act, expected, codes) => {
    const bench = new RelayBench();
    const peer = (await bench.run())!;
    peer.says(text('A long talk. It goes on.', false));
    bench.engine.speaks(true);
    await settle();
    bench.clock.advance(3_000);
    act(bench, peer);
    await settle();
    expect(bench.end).toMatchObject({ durationSeconds: 3, ...expected });
    expect(bench.call.codes).toEqual(codes);
    expect(bench.streams.counts()).toEqual({ live: 0, relays: 0, calls: 0 });
    expect(bench.clock.pendingTimers).toBe(0);
    expect(bench.call.digitListeners).toBe(0);
    expect(bench.engine.done.slice(-3)).toEqual(['watchSpeech e1 false', 'closeTap t2', 'stopPlay p1']);
    expect(bench.utterances.every(({ abandoned }) => abandoned)).toBe(true);
    expect(peer.isClosed).toBe(true);
  });

  test('[twiml 11.1 no-server] 64102, and the session failed', async () => {
    const bench = new RelayBench();
    bench.refusal = { errorCode: 31902, detail: 'refused' };
    await bench.run();
    expect(bench.end).toMatchObject({ status: 'failed', failure: { errorCode: 64102 } });
    expect(bench.call.codes).toEqual([64102]);
  });
});
