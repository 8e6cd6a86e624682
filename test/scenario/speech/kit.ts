// What scenarios of speech share: a server with the protocol of Vosk that answers what the test says, a spoken sentence, and a call.

import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { WebSocketServer } from 'ws';
import { realClock } from '../../../src/base/clock.ts';
import { decodeAudio } from '../../../src/media/audio-file.ts';
import { createEspeak } from '../../../src/speech/espeak.ts';
import { dials, expectEvent, type World } from '../../support/world.ts';

/** Collects samples; answers with `text` at the end. */
export async function recogniserServer(text: string) {
  const utterances: { samples: Int16Array }[] = [];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const client of server.clients) client.terminate();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  });
  server.on('connection', (socket) => {
    const pieces: Buffer[] = [];
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) {
        pieces.push(Buffer.from(data));
        if (pieces.length === 10) socket.send(JSON.stringify({ partial: 'i need' }));
        return;
      }
      if (!data.toString().includes('eof')) return;
      const bytes = Buffer.concat(pieces);
      const samples = new Int16Array(bytes.length / 2);
      for (let index = 0; index < samples.length; index++) samples[index] = bytes.readInt16LE(index * 2);
      utterances.push({ samples });
      socket.send(JSON.stringify({ text, result: [{ word: text, conf: 0.75 }] }));
    });
  });
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, utterances };
}

export async function sentence(): Promise<Int16Array> {
  const engine = createEspeak({ clock: realClock, decode: decodeAudio });
  const request = { text: 'I need help with my bill', ssml: false, language: 'en-US', voice: 'man' };
  const spoken = await engine.synthesize(request, new AbortController().signal);
  engine.close();
  if (!spoken.ok) throw new Error(`espeak-ng: ${spoken.error.detail}`);
  return spoken.value;
}

export const loudness = (samples: Int16Array): number =>
  Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length));

export async function calls(w: World) {
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  return call;
}
