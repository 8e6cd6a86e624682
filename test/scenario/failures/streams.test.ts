// WebSocket servers that refuse, hang, break off or talk nonsense while calls are connected to them: the call goes on with its action, which
// is told the code; a fork beside a document is no matter to it (twiml.md 9.2, 11.1, 14).

import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { type StreamConnection, StreamServer } from '../../support/stream-server.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, expectEvent, world } from '../../support/world.ts';
import { answersByUser, askedFor, nothingIsLeft, settings, talks } from './kit.ts';

interface Misbehaviour {
  readonly name: string;
  /** What the action of a Stream is told, and that of a ConversationRelay; undefined: the server closed in good order. */
  readonly stream: string | undefined;
  readonly relay: string;
  readonly url: () => Promise<string>;
}

async function server(react: (connection: StreamConnection) => void, refusal?: number): Promise<string> {
  const made = await StreamServer.start();
  onTestFinished(() => made.stop());
  made.refusal = refusal;
  made.onConnection = react;
  return made.url();
}

/** TCP that answers a handshake with what is none. */
async function tcp(answer: string): Promise<string> {
  const sockets = new Set<Socket>();
  const made = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    made.close();
  });
  return `ws://127.0.0.1:${(made.address() as { port: number }).port}/`;
}

const misbehaviours: readonly Misbehaviour[] = [
  { name: 'nobody listens', stream: '31902', relay: '64102', url: async () => 'ws://127.0.0.1:1/' },
  { name: 'HTTP 500', stream: '31920', relay: '64102', url: () => server(() => {}, 500) },
  { name: 'no answer to the handshake', stream: '31901', relay: '64102', url: () => server(() => {}, 0) },
  { name: 'no HTTP', stream: '31920', relay: '64102', url: () => tcp('what?\r\n\r\n') },
  { name: 'closes at once', stream: undefined, relay: '64105', url: () => server((one) => one.close()) },
  {
    name: 'closes with an error',
    stream: '31921',
    relay: '64105',
    url: () => server((one) => one.close(1011, 'trouble')),
  },
  { name: 'breaks off', stream: '31921', relay: '64105', url: () => server((one) => one.terminate()) },
  {
    name: 'a message beyond the limit',
    stream: '31951',
    relay: '64105',
    url: () => server((one) => one.sendRaw(Buffer.alloc(5 * 1_024 * 1_024, 'a'))),
  },
  {
    name: 'nonsense, then the end',
    stream: undefined,
    relay: '64105',
    url: () =>
      server((one) => {
        for (const text of [
          '',
          '{',
          '[]',
          '{"event":"media"}',
          '{"type":"text"}',
          '{"event":"media","media":{"payload":"%%%"}}',
        ])
          one.sendRaw(text);
        one.close();
      }),
  },
];

test('in Connect the action is told; beside a document nothing changes', async () => {
  const w = await world(settings);
  const rows = await Promise.all(misbehaviours.map(async (row, index) => ({ ...row, index, at: await row.url() })));
  answersByUser(w, (user) => {
    const [kind, index] = user.split('-');
    const url = rows[Number(index)]!.at;
    if (kind === 'stream') return `<Connect action="/after"><Stream url="${url}"/></Connect>`;
    if (kind === 'relay') return `<Connect action="/after"><ConversationRelay url="${url}"/></Connect>`;
    return `<Start><Stream url="${url}" statusCallback="${w.app.url(`/told-${index}`)}"/></Start><Pause length="14"/><Redirect>/after</Redirect>`;
  });
  w.answers('<Hangup/>', '/after');
  for (const { index } of rows) w.app.on(`/told-${index}`, { status: 204 });
  const alice = await w.phone('alice', { mediaPorts: 200 });
  await Promise.all(
    rows.flatMap(({ name, index, stream, relay }) =>
      ['stream', 'relay', 'fork'].map(async (kind) => {
        const call = await talks(w, alice, `${kind}-${index}`);
        const { params } = await askedFor(w, `${kind}-${index}`, '/after');
        if (kind === 'stream') {
          expect([name, params.StreamEvent]).toEqual([name, stream ? 'stream-error' : 'stream-stopped']);
          expect([name, params.StreamError?.slice(0, 5)]).toEqual([name, stream]);
        }
        if (kind === 'relay') {
          expect([name, params.SessionStatus, params.ErrorCode]).toEqual([name, 'failed', relay]);
        }
        if (kind === 'fork') {
          const end = stream ? 'stream-error' : 'stream-stopped';
          await until(
            () => w.app.requestsTo(`/told-${index}`).some((request) => request.params.StreamEvent === end),
            DEADLINE_MS,
            () =>
              `${name}: ${end}; got ${w.app.requestsTo(`/told-${index}`).map((request) => request.params.StreamEvent)}`,
          );
        }
        await expectEvent(alice, call, 'ended');
      }),
    ),
  );
  await nothingIsLeft(w);
});
