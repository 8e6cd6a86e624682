// What a gateway under chance talks to: an application with every kind of answer, a WebSocket server that behaves as it likes for streams
// and relays, and a recogniser.

import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { toneSamples } from '../../../src/media/tone.ts';
import { FakeApp, xml } from '../fake-app.ts';
import { wavOf } from '../recording-bench.ts';
import { RandomDocuments } from './documents.ts';
import { Draw, pause } from './draw.ts';

export interface ChaosServers {
  readonly app: FakeApp;
  readonly documents: RandomDocuments;
  readonly streams: string;
  readonly recogniser: string;
  /** Calls that asked for a document, latest last. */
  readonly callSids: string[];
  /** Calls that came. */
  readonly firstDocuments: number;
  /** Elements of the documents that were served. */
  readonly served: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

async function socketServer(onSocket: (socket: WebSocket) => void): Promise<{ url: string; stop: () => void }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => server.once('listening', resolve));
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    onSocket(socket);
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

export async function startServers(seed: number, deadSip: number): Promise<ChaosServers> {
  const draw = new Draw(seed + 1);
  const app = await FakeApp.start();
  const streams = await socketServer((socket) => void behave(socket, new Draw(draw.whole(0, 2 ** 31))));
  const recogniser = await socketServer((socket) => recognise(socket, draw));
  const documents = new RandomDocuments(draw, { app: app.origin, streams: streams.url, deadSip });
  const callSids: string[] = [];
  const served = new Map<string, number>();
  let firstDocuments = 0;
  const onDocument = (depth: number) => (request: { readonly params: Readonly<Record<string, string>> }) => {
    const { CallSid } = request.params;
    if (CallSid && !callSids.includes(CallSid)) callSids.push(CallSid);
    if (callSids.length > 40) callSids.shift();
    if (depth === 0) firstDocuments++;
    // What the test keeps of requests would be most of its memory.
    app.requests.length = 0;
    const document = documents.main(depth);
    for (const [, name = ''] of document.matchAll(/<([A-Z]\w+)/g)) served.set(name, (served.get(name) ?? 0) + 1);
    return xml(document);
  };
  app.on('/voice', onDocument(0));
  for (let depth = 0; depth < 8; depth++) app.on(`/doc/${depth}`, onDocument(depth));
  app.on('/wait', () => xml(documents.waiting()));
  app.on('/screening', () => xml(documents.screening()));
  app.on('/fallback', xml('<Response><Say>sorry</Say></Response>'));
  app.on('/fails', { status: 500 });
  app.on('/told', { status: 204 });
  app.on('/silent', () => undefined);
  app.on('/tone.wav', { headers: { 'Content-Type': 'audio/wav' }, body: wavOf(toneSamples([700], -10, 300)) });
  return {
    app,
    documents,
    streams: streams.url,
    recogniser: recogniser.url,
    callSids,
    served,
    get firstDocuments() {
      return firstDocuments;
    },
    async stop() {
      streams.stop();
      recogniser.stop();
      await app.stop();
    },
  };
}

/** A server of streams, or an agent: it does not ask which. */
async function behave(socket: WebSocket, draw: Draw): Promise<void> {
  let streamSid = '';
  socket.on('message', (data) => {
    streamSid ||= String((JSON.parse(data.toString()) as { streamSid?: string }).streamSid ?? '');
  });
  const payload = Buffer.alloc(1_600, 0x55).toString('base64');
  const acts: readonly (() => void)[] = [
    () => socket.send(JSON.stringify({ event: 'media', streamSid, media: { payload } })),
    () => socket.send(JSON.stringify({ event: 'mark', streamSid, mark: { name: 'm' } })),
    () => socket.send(JSON.stringify({ event: 'clear', streamSid })),
    () => socket.send(JSON.stringify({ type: 'text', token: 'Hello there. ', last: draw.chance(0.5) })),
    () => socket.send(JSON.stringify({ type: 'play', source: 'http://127.0.0.1:1/x.wav' })),
    () => socket.send(JSON.stringify({ type: 'sendDigits', digits: '12' })),
    () => socket.send('no JSON'),
    () => socket.send(Buffer.from([1, 2, 3])),
  ];
  const ends: readonly (() => void)[] = [
    () => socket.close(),
    () => socket.close(1011, 'trouble'),
    () => socket.terminate(),
    () => socket.send(JSON.stringify({ type: 'end', handoffData: '{}' })),
    () => {},
  ];
  for (let count = draw.whole(0, 8); count > 0 && socket.readyState === socket.OPEN; count--) {
    await pause(draw.whole(10, 200));
    if (socket.readyState === socket.OPEN) draw.pick(acts)();
  }
  if (socket.readyState === socket.OPEN) draw.pick(ends)();
}

/** Vosk's protocol; now and then it is not there when it is needed. */
function recognise(socket: WebSocket, draw: Draw): void {
  socket.on('message', (data, isBinary) => {
    if (isBinary || !data.toString().includes('eof')) return;
    if (draw.chance(0.2)) return socket.terminate();
    socket.send(JSON.stringify({ text: draw.pick(['', 'two', 'i need help']) }));
  });
}
