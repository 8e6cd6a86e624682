// Choice of the engine, the cache in front, the gate, the HTTP engine against a real server, and the tone of last resort.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { Gate } from '../../../src/base/gate.ts';
import { limits } from '../../../src/base/limits.ts';
import { createLog, silentLog } from '../../../src/base/log.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import { decodeAudio } from '../../../src/media/audio-file.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { WavWriter } from '../../../src/media/wav.ts';
import { SpeechCache } from '../../../src/speech/cache.ts';
import type { SpeechEngine, SpeechFailure } from '../../../src/speech/engine.ts';
import { createHttpSpeech, type HttpSpeechSettings } from '../../../src/speech/http-engines.ts';
import { createSpeech, firstThatSpeaks } from '../../../src/speech/select.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { audibleSeconds, noAbort, request } from './support.ts';

type Spoken = Result<Int16Array, SpeechFailure>;
interface FakeEngine extends SpeechEngine {
  readonly asked: string[];
  closed: number;
}
function fakeEngine(name: string, answer: (text: string, signal: AbortSignal) => Spoken | Promise<Spoken>): FakeEngine {
  const engine: FakeEngine = {
    name,
    asked: [],
    closed: 0,
    async synthesize({ text }, signal) {
      engine.asked.push(text);
      return answer(text, signal);
    },
    close: () => {
      engine.closed += 1;
    },
  };
  return engine;
}
const samples = (count: number) => ok(new Int16Array(count));
const failure = (code: SpeechFailure['code']) => err({ code, detail: 'as the test wants' });

describe('choice', () => {
  test('the first engine that can; unavailable ones are not asked again', async () => {
    const missing = fakeEngine('missing', () => failure('unavailable'));
    const works = fakeEngine('works', () => samples(10));
    const engine = firstThatSpeaks([missing, works], silentLog, new VirtualClock());
    expect(engine.name).toBe('missing');
    for (const text of ['a', 'b']) expect((await engine.synthesize(request(text), noAbort())).ok).toBe(true);
    expect(missing.asked).toEqual(['a']);
    expect(works.asked).toEqual(['a', 'b']);
    expect(engine.name).toBe('works');
  });

  test.each(['failed', 'busy'] as const)(
    '%s: the next one speaks this text, the first is asked again',
    async (code) => {
      const weak = fakeEngine('weak', () => failure(code));
      const works = fakeEngine('works', () => samples(10));
      const engine = firstThatSpeaks([weak, works], silentLog, new VirtualClock());
      for (const text of ['a', 'b']) expect((await engine.synthesize(request(text), noAbort())).ok).toBe(true);
      expect(weak.asked).toEqual(['a', 'b']);
    },
  );

  test('who asks hears why an engine was passed over, but not of one that is not installed', async () => {
    const clock = new VirtualClock();
    const missing = fakeEngine('missing', () => failure('unavailable'));
    const hangs = fakeEngine('hangs', () => failure('timeout'));
    const engine = firstThatSpeaks([missing, hangs, fakeEngine('works', () => samples(10))], silentLog, clock);
    const told: string[] = [];
    const say = (text: string) =>
      engine.synthesize({ ...request(text), onPassedOver: (detail) => told.push(detail) }, noAbort());
    await say('a');
    expect(told).toEqual(['as the test wants']);
    await say('b');
    expect(told.slice(1)).toEqual([expect.stringContaining('hangs')]);
    clock.advance(limits.speechRestMs);
    await say('c');
    expect(told.slice(2)).toEqual(['as the test wants']);
  });

  test('timeout: the next one speaks, and the first is left out for a while', async () => {
    const clock = new VirtualClock();
    const hangs = fakeEngine('hangs', () => failure('timeout'));
    const works = fakeEngine('works', () => samples(10));
    const engine = firstThatSpeaks([hangs, works], silentLog, clock);
    const say = async (text: string) => expect((await engine.synthesize(request(text), noAbort())).ok).toBe(true);
    await say('a');
    clock.advance(limits.speechRestMs - 1);
    await say('b');
    clock.advance(1);
    await say('c');
    expect(hangs.asked).toEqual(['a', 'c']);
    expect(works.asked).toEqual(['a', 'b', 'c']);
  });

  test.each(['empty', 'aborted'] as const)('%s ends the search', async (code) => {
    const first = fakeEngine('first', () => failure(code));
    const second = fakeEngine('second', () => samples(10));
    const engine = firstThatSpeaks([first, second], silentLog, new VirtualClock());
    expect(await engine.synthesize(request('a'), noAbort())).toMatchObject({ ok: false, error: { code } });
    expect(second.asked).toEqual([]);
  });

  test('all fail: the last failure; close reaches all', async () => {
    const engines = [fakeEngine('a', () => failure('timeout')), fakeEngine('b', () => failure('failed'))];
    const engine = firstThatSpeaks(engines, silentLog, new VirtualClock());
    expect(await engine.synthesize(request('a'), noAbort())).toMatchObject({ error: { code: 'failed' } });
    engine.close();
    expect(engines.map(({ closed }) => closed)).toEqual([1, 1]);
  });

  test('no engine at all: a tone, and a log line with the fix [twiml 5.1 no-engine]', async () => {
    const written: string[] = [];
    const log = createLog({ level: 'info', folders: {}, pretty: false }, { write: (line) => void written.push(line) });
    const speech = createSpeech({
      config: { engine: 'none', http: null, path: null },
      log,
      clock: realClock,
      decode: decodeAudio,
    });
    const spoken = await speech.synthesize(request('hello'), noAbort());
    expect(audibleSeconds(spoken)).toBe(0.4);
    expect(spoken.ok && toneShare(spoken.value, 440)).toBeGreaterThan(0.99);
    expect(written.join()).toContain('apt-get install espeak-ng');
  });

  test('an engine that is configured and absent falls back to the tone', async () => {
    const speech = createSpeech({
      config: { engine: 'espeak', http: null, path: '/nonexistent' },
      log: silentLog,
      clock: realClock,
      decode: decodeAudio,
    });
    expect(audibleSeconds(await speech.synthesize(request('hello'), noAbort()))).toBe(0.4);
    expect(speech.name).toBe('none');
  });
});

describe('cache', () => {
  test('a text is synthesized once; voice, language and SSML make it another', async () => {
    const engine = fakeEngine('e', () => samples(100));
    const cached = new SpeechCache().wrap(engine);
    for (const more of [{}, {}, { voice: 'woman' }, { language: 'de-DE' }, { ssml: true }, {}]) {
      await cached.synthesize(request('hello', more), noAbort());
    }
    expect(engine.asked).toHaveLength(4);
  });

  test('failures are not kept', async () => {
    const engine = fakeEngine('e', () => failure('failed'));
    const cached = new SpeechCache().wrap(engine);
    await cached.synthesize(request('hello'), noAbort());
    await cached.synthesize(request('hello'), noAbort());
    expect(engine.asked).toHaveLength(2);
  });

  test('bounded: the least recently used goes, the large is not kept', async () => {
    const cache = new SpeechCache(10_000);
    const engine = fakeEngine('e', (text) => samples(text === 'large' ? 2_000 : 500));
    const cached = cache.wrap(engine);
    const say = (text: string) => cached.synthesize(request(text), noAbort());
    for (let index = 0; index < 8; index++) await say(`text ${index}`);
    await say('text 0');
    await say('text 8');
    await say('text 9');
    expect(cache.sizeBytes).toBeLessThanOrEqual(10_000);
    engine.asked.length = 0;
    await say('text 0');
    expect(engine.asked).toEqual([]);
    await say('text 1');
    expect(engine.asked).toEqual(['text 1']);
    await say('large');
    await say('large');
    expect(engine.asked).toEqual(['text 1', 'large', 'large']);
    expect(cache.sizeBytes).toBeLessThanOrEqual(10_000);
  });

  test('equal texts at the same time are synthesized once; one that gives up does not stop the others', async () => {
    const answers: ((spoken: Spoken) => void)[] = [];
    const signals: AbortSignal[] = [];
    const engine = fakeEngine('e', (_, signal) => {
      signals.push(signal);
      return new Promise((resolve) => answers.push(resolve));
    });
    const cached = new SpeechCache().wrap(engine);
    const impatient = new AbortController();
    const first = cached.synthesize(request('hello'), impatient.signal);
    const second = cached.synthesize(request('hello'), noAbort());
    impatient.abort();
    expect(await first).toMatchObject({ ok: false, error: { code: 'aborted' } });
    expect(signals[0]?.aborted).toBe(false);
    answers[0]?.(samples(5));
    expect((await second).ok).toBe(true);
    expect(engine.asked).toHaveLength(1);
  });

  test('when all give up the engine is told, and the next one starts anew', async () => {
    const signals: AbortSignal[] = [];
    const engine = fakeEngine('e', (_, signal) => {
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener('abort', () => resolve(failure('aborted'))));
    });
    const cached = new SpeechCache().wrap(engine);
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map(({ signal }) => cached.synthesize(request('hello'), signal));
    for (const controller of controllers) controller.abort();
    for (const spoken of await Promise.all(waiting)) expect(spoken).toMatchObject({ error: { code: 'aborted' } });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    const late = new AbortController();
    const again = cached.synthesize(request('hello'), late.signal);
    expect(signals).toHaveLength(2);
    late.abort();
    await again;
  });
});

test('the gate: who waits longer than it may is told busy, and its place in the line is free', async () => {
  const gate = new Gate(1, 1);
  const clock = new VirtualClock();
  const patience = { clock, ms: 5_000 };
  expect(await gate.enter(noAbort(), patience)).toBe('entered');
  const late = gate.enter(noAbort(), patience);
  clock.advance(5_000);
  expect(await late).toBe('busy');
  const controller = new AbortController();
  const leaves = gate.enter(controller.signal, patience);
  controller.abort();
  expect(await leaves).toBe('aborted');
  const next = gate.enter(noAbort(), patience);
  gate.leave();
  expect(await next).toBe('entered');
  gate.leave();
  expect(clock.pendingTimers).toBe(0);
});

test('the gate lets a number in, queues a number, refuses the rest, and forgets who gave up', async () => {
  const gate = new Gate(1, 2);
  const controller = new AbortController();
  expect(await gate.enter(noAbort())).toBe('entered');
  const waiting = [gate.enter(controller.signal), gate.enter(noAbort())];
  expect(await gate.enter(noAbort())).toBe('busy');
  expect(await gate.enter(AbortSignal.abort())).toBe('aborted');
  controller.abort();
  expect(await waiting[0]).toBe('aborted');
  gate.leave();
  expect(await waiting[1]).toBe('entered');
  gate.leave();
  expect(await gate.enter(noAbort())).toBe('entered');
});

describe('HTTP engine (POST /v1/audio/speech)', () => {
  const wav = (() => {
    const chunks: Uint8Array[] = [];
    const writer = new WavWriter({ append: (b) => void chunks.push(Buffer.from(b)), patch: () => {}, close: () => {} });
    writer.write(toneSamples([700], -10, 500));
    writer.close();
    return Buffer.concat(chunks);
  })();
  interface Received {
    readonly path: string | undefined;
    readonly authorization: string | undefined;
    readonly body: Record<string, unknown>;
  }
  const received: Received[] = [];
  let behave: (answer: ServerResponse) => void = () => {};
  const server = createServer(async (question: IncomingMessage, answer) => {
    const chunks: Buffer[] = [];
    for await (const chunk of question) chunks.push(chunk as Buffer);
    received.push({
      path: question.url,
      authorization: question.headers.authorization,
      body: JSON.parse(Buffer.concat(chunks).toString()),
    });
    behave(answer);
  });
  let settings: HttpSpeechSettings;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    settings = {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      apiKey: 'key-for-the-test',
      model: 'tts-1',
      voice: 'alloy',
      voices: { 'Polly.Joanna': 'nova' },
    };
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const sendWav = (answer: ServerResponse) => answer.writeHead(200, { 'content-type': 'audio/wav' }).end(wav);
  const engineWith = (clock = realClock, more: Partial<HttpSpeechSettings> = {}) =>
    createHttpSpeech({ ...settings, ...more }, { clock, decode: decodeAudio });

  test('model, voice and text go out, audio comes back', async () => {
    behave = sendWav;
    const spoken = await engineWith().synthesize(request('Hello "you" <there>', { voice: 'Polly.Joanna' }), noAbort());
    expect(audibleSeconds(spoken)).toBe(0.5);
    expect(received.at(-1)).toEqual({
      path: '/v1/audio/speech',
      authorization: 'Bearer key-for-the-test',
      body: { model: 'tts-1', voice: 'nova', input: 'Hello "you" <there>', response_format: 'wav' },
    });
  });

  test('SSML is stripped, an unknown voice is the configured one, a path in the URL is kept, no key no header [twiml 5.1 ssml-stripped]', async () => {
    behave = sendWav;
    const engine = engineWith(realClock, { url: `${settings.url}/tts`, apiKey: null });
    await engine.synthesize(request('a <break time="1s"/> b &amp; c', { ssml: true, voice: 'constructor' }), noAbort());
    expect(received.at(-1)).toMatchObject({
      path: '/tts',
      authorization: undefined,
      body: { input: 'a b & c', voice: 'alloy' },
    });
  });

  test.each<readonly [string, (answer: ServerResponse) => void]>([
    ['an error status', (answer) => answer.writeHead(401).end('{"error":{"message":"bad key"}}')],
    ['text in place of audio', (answer) => answer.writeHead(200, { 'content-type': 'audio/wav' }).end('sorry')],
    ['a connection that breaks', (answer) => void answer.socket?.destroy()],
    [
      'a body that breaks',
      (answer) => {
        answer.writeHead(200, { 'content-type': 'audio/wav', 'content-length': '100000' });
        answer.write(wav, () => answer.socket?.destroy());
      },
    ],
    [
      'a body without an end',
      (answer) => {
        answer.writeHead(200, { 'content-type': 'audio/wav' });
        const chunk = Buffer.alloc(1 << 20);
        const pump = () => {
          if (!answer.destroyed) answer.write(chunk, pump);
        };
        pump();
      },
    ],
  ])('%s is a failure', async (_, behaviour) => {
    behave = behaviour;
    const spoken = await engineWith().synthesize(request('hello'), noAbort());
    expect(spoken).toMatchObject({ ok: false, error: { code: 'failed' } });
    expect(JSON.stringify(spoken)).not.toContain('key-for-the-test');
  });

  test('no answer in time; aborted; nothing to say; nobody listens', async () => {
    const asked = new Promise<void>((resolve) => {
      behave = () => resolve();
    });
    const clock = new VirtualClock();
    const late = engineWith(clock).synthesize(request('hello'), noAbort());
    await asked;
    clock.advance(limits.speechTimeoutMs);
    expect(await late).toMatchObject({ ok: false, error: { code: 'timeout' } });
    expect(clock.pendingTimers).toBe(0);

    const controller = new AbortController();
    behave = () => controller.abort();
    const stopped = engineWith().synthesize(request('hello'), controller.signal);
    expect(await stopped).toMatchObject({ ok: false, error: { code: 'aborted' } });

    expect(await engineWith().synthesize(request(' \0'), noAbort())).toMatchObject({ error: { code: 'empty' } });
    const nobody = engineWith(realClock, { url: 'http://127.0.0.1:1' });
    expect(await nobody.synthesize(request('hello'), noAbort())).toMatchObject({ error: { code: 'failed' } });
  });
});
