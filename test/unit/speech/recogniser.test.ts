// Speech recognition engines against servers that speak their protocols: what is sent, what is made of the answers, and every way to fail.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { limits } from '../../../src/base/limits.ts';
import type { UtteranceOptions } from '../../../src/base/recogniser.ts';
import { decode } from '../../../src/media/g711.ts';
import { createRecogniser } from '../../../src/speech/recogniser.ts';
import { linearBytes } from '../../../src/speech/utterance-audio.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DEADLINE_MS = 5_000;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const options = (more: Partial<UtteranceOptions> = {}): UtteranceOptions => ({
  language: 'en-US',
  hints: [],
  model: undefined,
  ...more,
});
/** 100 ms of PCMU. */
const piece = new Uint8Array(800).fill(0x12);
const settingsOf = (url: string | null) => ({ url, apiKey: 'secret', model: 'm' });

test('PCMU becomes the same linear samples as in the media plane', () => {
  const octets = Uint8Array.from({ length: 256 }, (_, octet) => octet);
  const samples = new Int16Array(256);
  decode('PCMU', octets, samples);
  const bytes = linearBytes(octets);
  expect(Array.from({ length: 256 }, (_, index) => bytes.readInt16LE(index * 2))).toEqual([...samples]);
});

test('without a configured engine every utterance fails at once, with the setting that is missing', async () => {
  const recogniser = createRecogniser(settingsOf(null), new VirtualClock());
  expect(recogniser.isConfigured).toBe(false);
  const outcome = await recogniser.begin(options()).finish();
  expect(outcome).toMatchObject({
    ok: false,
    error: { code: 'none', detail: expect.stringContaining('recogniserUrl') },
  });
});

describe('an OpenAI-style service', () => {
  interface Asked {
    readonly path: string;
    readonly authorization: string | undefined;
    readonly form: FormData;
  }

  async function service(answer: (asked: Asked) => { status?: number; body: string } | undefined) {
    const asked: Asked[] = [];
    const server: Server = createServer((incoming, response) => {
      void formOf(incoming).then((form) => {
        const one = { path: incoming.url ?? '', authorization: incoming.headers.authorization, form };
        asked.push(one);
        const { status = 200, body = '' } = answer(one) ?? {};
        if (answer(one)) response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const clock = new VirtualClock();
    const recogniser = createRecogniser(
      settingsOf(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
      clock,
    );
    return { recogniser, asked, clock };
  }

  async function formOf(incoming: IncomingMessage): Promise<FormData> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const headers = { 'content-type': incoming.headers['content-type'] ?? '' };
    return new Response(Buffer.concat(chunks), { headers }).formData();
  }

  test('gets the audio as a WAV file, language and hints; its text and confidence come back [twiml 5.4 hints-heard]', async () => {
    const segments = [{ avg_logprob: Math.log(0.9) }, { avg_logprob: Math.log(0.9) }];
    const { recogniser, asked } = await service(() => ({ body: JSON.stringify({ text: ' Billing. ', segments }) }));
    const utterance = recogniser.begin(options({ language: 'de-DE', hints: ['billing', 'sales'] }));
    utterance.push(piece);
    utterance.push(piece);
    const outcome = await utterance.finish();
    expect(outcome).toEqual({ ok: true, value: { text: 'Billing.', confidence: expect.closeTo(0.9, 5) } });
    const [{ path, authorization, form } = { form: new FormData() }] = asked;
    expect([path, authorization]).toEqual(['/v1/audio/transcriptions', 'Bearer secret']);
    expect(Object.fromEntries([...form].filter(([name]) => name !== 'file'))).toEqual({
      model: 'm',
      response_format: 'verbose_json',
      language: 'de',
      prompt: 'billing, sales',
    });
    const wav = Buffer.from(await (form.get('file') as File).arrayBuffer());
    expect(wav.toString('latin1', 0, 4)).toBe('RIFF');
    expect(wav.readUInt32LE(24)).toBe(8_000);
    expect(wav.readUInt32LE(40)).toBe(2 * 1_600);
    expect(wav.length).toBe(44 + 3_200);
  });

  test('nothing was said: nothing is asked', async () => {
    const { recogniser, asked } = await service(() => ({ body: '{"text":"x"}' }));
    expect(await recogniser.begin(options()).finish()).toEqual({ ok: true, value: { text: '', confidence: null } });
    expect(asked).toEqual([]);
  });

  test('partial results: asked for once a second at most, told when they change', async () => {
    let count = 0;
    const { recogniser, asked, clock } = await service(() => ({
      body: JSON.stringify({ text: count < 2 ? 'one' : 'two' }),
    }));
    const partials: string[] = [];
    const utterance = recogniser.begin(options({ onPartial: (text) => partials.push(text) }));
    for (count = 0; count < 3; count++) {
      utterance.push(piece);
      clock.advance(limits.partialResultMs);
      utterance.push(piece);
      utterance.push(piece);
      await until(
        () => asked.length === count + 1,
        DEADLINE_MS,
        () => 'one question for each second',
      );
      await until(
        () => partials.length === (count < 2 ? 1 : 2),
        DEADLINE_MS,
        () => 'the text is told once',
      );
    }
    expect(partials).toEqual(['one', 'two']);
    utterance.abandon();
  });

  test.each([
    ['an error status', { status: 500, body: '{"text":"x"}' }, 'recogniser answered 500'],
    ['no JSON', { body: '<html>' }, 'without JSON'],
    ['no text', { body: '{"text":7}' }, 'without a text'],
    ['null', { body: 'null' }, 'without a text'],
    ['too much', { body: `"${'x'.repeat(limits.recogniserAnswerBytes)}"` }, 'too much'],
  ])('%s is a failure with its reason', async (_name, answer, detail) => {
    const { recogniser } = await service(() => answer);
    const utterance = recogniser.begin(options());
    utterance.push(piece);
    expect(await utterance.finish()).toMatchObject({
      ok: false,
      error: { code: 'failed', detail: expect.stringContaining(detail) },
    });
  });

  test('a service that does not answer: timeout; nobody who waits any more: aborted', async () => {
    const { recogniser, asked, clock } = await service(() => undefined);
    const late = recogniser.begin(options());
    late.push(piece);
    const outcome = late.finish();
    await until(
      () => asked.length === 1,
      DEADLINE_MS,
      () => 'it was asked',
    );
    clock.advance(limits.recogniserTimeoutMs);
    expect(await outcome).toMatchObject({ error: { code: 'timeout' } });
    const left = recogniser.begin(options());
    left.push(piece);
    const abandoned = left.finish();
    left.abandon();
    expect(await abandoned).toMatchObject({ error: { code: 'aborted' } });
  });

  test('a service that is down', async () => {
    const recogniser = createRecogniser(settingsOf('http://127.0.0.1:1'), new VirtualClock());
    const utterance = recogniser.begin(options());
    utterance.push(piece);
    expect(await utterance.finish()).toMatchObject({ error: { code: 'failed' } });
  });

  test('no more than a minute is taken [twiml 5.4 speech-limit]', async () => {
    const { recogniser, asked } = await service(() => ({ body: '{"text":"x"}' }));
    const utterance = recogniser.begin(options());
    for (let ms = 0; ms < limits.utteranceMs + 1_000; ms += 100) utterance.push(piece);
    await utterance.finish();
    const [{ form } = { form: new FormData() }] = asked;
    const wav = await (form.get('file') as File).arrayBuffer();
    expect(wav.byteLength).toBe(44 + (limits.utteranceMs / 1_000) * 16_000);
  });
});

describe('a Vosk server', () => {
  type Handler = (socket: WebSocket, message: Buffer, isBinary: boolean) => void;

  async function server(handler: Handler) {
    const heard: (object | number)[] = [];
    let gone = 0;
    const listening = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await new Promise((resolve) => listening.once('listening', resolve));
    cleanups.push(() => {
      for (const client of listening.clients) client.terminate();
      return new Promise((resolve) => listening.close(resolve));
    });
    listening.on('connection', (socket, request) => {
      heard.push({ authorization: request.headers.authorization });
      socket.on('close', () => gone++);
      socket.on('message', (data: Buffer, isBinary) => {
        heard.push(isBinary ? data.length : (JSON.parse(data.toString()) as object));
        handler(socket, data, isBinary);
      });
    });
    const clock = new VirtualClock();
    const url = `ws://127.0.0.1:${(listening.address() as AddressInfo).port}`;
    return { recogniser: createRecogniser(settingsOf(url), clock), heard, clock, gone: () => gone };
  }

  const isEnd = (message: Buffer, isBinary: boolean) => !isBinary && message.toString().includes('eof');

  test('gets the configuration, samples while they are spoken, the end; texts and confidence come back', async () => {
    const { recogniser, heard } = await server((socket, message, isBinary) => {
      if (isBinary) socket.send('{"partial":"one two"}');
      if (!isEnd(message, isBinary)) return;
      socket.send('{"text":"one two","result":[{"conf":1.0,"word":"one"},{"conf":0.8,"word":"two"}]}');
    });
    const partials: string[] = [];
    const utterance = recogniser.begin(options({ hints: ['two'], onPartial: (text) => partials.push(text) }));
    utterance.push(piece);
    await until(
      () => partials.length === 1,
      DEADLINE_MS,
      () => 'a partial text while it is spoken',
    );
    utterance.push(piece);
    expect(await utterance.finish()).toEqual({
      ok: true,
      value: { text: 'one two', confidence: expect.closeTo(0.9, 5) },
    });
    expect(partials).toEqual(['one two']);
    expect(heard).toEqual([
      { authorization: 'Bearer secret' },
      { config: { sample_rate: 8_000, words: true, phrase_list: ['two'] } },
      1_600,
      1_600,
      { eof: 1 },
    ]);
  });

  test('texts of several sentences are joined; a server that closes in place of a last text is believed', async () => {
    const { recogniser } = await server((socket, message, isBinary) => {
      if (isBinary) socket.send('{"text":"first"}');
      if (isEnd(message, isBinary)) socket.close();
    });
    const partials: string[] = [];
    const utterance = recogniser.begin(options({ onPartial: (text) => partials.push(text) }));
    utterance.push(piece);
    await until(
      () => partials.length === 1,
      DEADLINE_MS,
      () => 'the first sentence',
    );
    utterance.push(piece);
    await until(
      () => partials.length === 2,
      DEADLINE_MS,
      () => 'the second sentence',
    );
    expect(await utterance.finish()).toEqual({ ok: true, value: { text: 'first first', confidence: null } });
  });

  test.each([
    ['something else than JSON', 'hello', 'JSON'],
    ['a closed connection', undefined, 'closed the connection'],
  ])('%s in the middle is a failure', async (_name, answer, detail) => {
    const { recogniser, gone } = await server((socket, _message, isBinary) => {
      if (!isBinary) return;
      if (answer === undefined) socket.close();
      else socket.send(answer);
    });
    const utterance = recogniser.begin(options());
    utterance.push(piece);
    await until(
      () => gone() === 1,
      DEADLINE_MS,
      () => 'the connection is gone',
    );
    // A whole further conversation: by its end the first one knows too.
    const other = recogniser.begin(options());
    other.push(piece);
    await until(
      () => gone() === 2,
      DEADLINE_MS,
      () => 'the other connection is gone',
    );
    expect(await utterance.finish()).toMatchObject({
      error: { code: 'failed', detail: expect.stringContaining(detail) },
    });
  });

  test('a server that never answers: timeout', async () => {
    const { recogniser, heard, clock } = await server(() => {});
    const utterance = recogniser.begin(options());
    utterance.push(piece);
    const outcome = utterance.finish();
    await until(
      () => heard.length === 4,
      DEADLINE_MS,
      () => 'all was sent',
    );
    clock.advance(limits.recogniserTimeoutMs);
    expect(await outcome).toMatchObject({ error: { code: 'timeout' } });
  });

  test('a bounded number at once; the rest is told that it is busy; close ends all', async () => {
    const { recogniser } = await server(() => {});
    const many = Array.from({ length: limits.recogniserConnections }, () => recogniser.begin(options()));
    expect(await recogniser.begin(options()).finish()).toMatchObject({ error: { code: 'busy' } });
    recogniser.close();
    for (const utterance of many) expect(await utterance.finish()).toMatchObject({ error: { code: 'aborted' } });
  });
});
