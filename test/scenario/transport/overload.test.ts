// Overload over real sockets: everything is sent in one go, so that it waits in the kernel together, and the transport chooses.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Response } from '../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import type { OverloadOptions } from '../../../src/sip/transport/options.ts';
import { eventually, openTransport } from './kit.ts';

const overload = (targetMs: number, onChange: OverloadOptions['onChange'] = () => {}): OverloadOptions => ({
  ...{ targetMs, serverHeader: 'Hookswitch', errorValue: '10004 full', onChange },
});
/** Hardly anybody may wait: of what comes together, one is served and a few wait, the others are too many. */
const FEW_WAIT = overload(0);
const MANY_WAIT = overload(400);

async function udpPeer(): Promise<{ socket: Socket; answers: Response[]; texts: string[]; port: number }> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const answers: Response[] = [];
  const texts: string[] = [];
  socket.on('message', (bytes) => {
    const parsed = parseMessage(bytes);
    if (parsed.ok && parsed.value.kind === 'response') answers.push(parsed.value);
    texts.push(bytes.toString('latin1'));
  });
  return { socket, answers, texts, port: socket.address().port };
}

const request = (method: string, number: number, port: number, toTag = '', transport = 'UDP'): string =>
  `${method} sip:bob@gw.example.com SIP/2.0\r\nVia: SIP/2.0/${transport} 127.0.0.1:${port};rport;branch=z9hG4bK-${number}\r\n` +
  `Max-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=a${number}\r\nTo: <sip:bob@gw.example.com>${toTag && `;tag=${toTag}`}\r\n` +
  `Call-ID: ${number}@example.com\r\nCSeq: 1 ${method}\r\nContent-Length: 0\r\n\r\n`;

test('a request inside a dialog is served before the calls that came before it', async () => {
  const gateway = await openTransport({ overload: MANY_WAIT });
  const { socket, port } = await udpPeer();
  for (let number = 0; number < 60; number++)
    socket.send(request('INVITE', number, port), gateway.port('udp'), '127.0.0.1');
  socket.send(request('BYE', 60, port, 'b'), gateway.port('udp'), '127.0.0.1');
  const methods: string[] = [];
  for (let count = 0; count < 61; count++) {
    const { message } = await gateway.messages.next();
    methods.push(message.cseq.method);
  }
  expect(methods.indexOf('BYE')).toBeLessThan(10);
  expect(methods.filter((method) => method === 'INVITE')).toHaveLength(60);
  expect(gateway.transport.overload()?.totals.invite).toBe(0);
});

test('RFC 3261 8.2.7: too many calls get 503 without a transaction, the same one again, and their ACKs are absorbed', async () => {
  const changes: boolean[] = [];
  const gateway = await openTransport({ overload: overload(0, (isOverloaded) => changes.push(isOverloaded)) });
  const peer = await udpPeer();
  const send = (text: string) => peer.socket.send(text, gateway.port('udp'), '127.0.0.1');
  const calls = 100;
  for (let number = 0; number < calls; number++) send(request('INVITE', number, peer.port));
  await eventually(() => peer.answers.length + gateway.messages.length === calls, 'each call to be taken or refused');
  expect(peer.answers.length).toBeGreaterThan(calls / 2);
  expect(changes).toEqual([true]);
  for (const answer of peer.answers) {
    expect(answer).toMatchObject({ status: 503, via: { received: '127.0.0.1', rport: peer.port } });
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(2);
  }
  const [refused] = peer.answers;
  const number = Number.parseInt(refused!.callId, 10);
  const before = peer.texts.length;
  send(request('INVITE', number, peer.port));
  await eventually(() => peer.texts.length > before, 'the same answer again');
  expect(peer.texts.at(-1)).toBe(peer.texts[0]);
  const taken = gateway.messages.length;
  for (const answer of peer.answers)
    send(request('ACK', Number.parseInt(answer.callId, 10), peer.port, answer.to.params.get('tag')));
  send(request('BYE', 100, peer.port, 'b'));
  await eventually(() => gateway.messages.length > taken, 'what comes behind the ACKs');
  expect(gateway.messages.length).toBe(taken + 1);
  expect(gateway.transport.overload()?.totals.acks).toBe(peer.answers.length);
});

test('over TCP every request of a flood is answered or served', async () => {
  const gateway = await openTransport({ overload: FEW_WAIT });
  const socket = connect(gateway.port('tcp'), '127.0.0.1');
  await once(socket, 'connect');
  onTestFinished(() => void socket.destroy());
  let received = '';
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  const calls = 100;
  const port = socket.localPort ?? 0;
  socket.write(Array.from({ length: calls }, (_, number) => request('INVITE', number, port, '', 'TCP')).join(''));
  const refused = () => received.split('SIP/2.0 503 ').length - 1;
  await eventually(() => refused() + gateway.messages.length === calls, 'each call to be taken or refused');
  expect(refused()).toBeGreaterThan(calls / 2);
});

test('without overload control all that comes is served', async () => {
  const gateway = await openTransport();
  const { socket, port } = await udpPeer();
  for (let number = 0; number < 40; number++)
    socket.send(request('INVITE', number, port), gateway.port('udp'), '127.0.0.1');
  for (let number = 0; number < 40; number++) await gateway.messages.next();
  expect(gateway.transport.overload()).toBeUndefined();
});
