// A phone that registers over one TCP connection and listens nowhere else, as phones behind a NAT do: its Contact is the very socket.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const md5 = (text: string): string => createHash('md5').update(text).digest('hex');

export interface Registrant {
  readonly socket: Socket;
  /** Text that came in since the connection was opened. */
  readonly received: () => string;
}

/** Connects and registers; rejects when the answer is not 200. */
export async function registerOverTcp(options: {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  readonly headers?: readonly string[];
}): Promise<Registrant> {
  const { port, user, password, domain } = options;
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let text = '';
  socket.on('data', (data) => {
    text += data.toString('latin1');
  });
  const contact = `<sip:${user}@127.0.0.1:${socket.localPort};transport=tcp>`;
  const callId = `registrant-${socket.localPort}`;
  const send = (sequence: number, extra: readonly string[]) =>
    socket.write(
      [
        `REGISTER sip:${domain} SIP/2.0`,
        `Via: SIP/2.0/TCP 127.0.0.1:${socket.localPort};branch=z9hG4bK${callId}${sequence};rport`,
        `From: <sip:${user}@${domain}>;tag=1`,
        `To: <sip:${user}@${domain}>`,
        `Call-ID: ${callId}`,
        `CSeq: ${sequence} REGISTER`,
        `Contact: ${contact}`,
        'Expires: 600',
        'Max-Forwards: 70',
        ...(options.headers ?? []),
        ...extra,
        'Content-Length: 0',
        '',
        '',
      ].join('\r\n'),
    );
  const answer = async (sequence: number): Promise<string> => {
    for (;;) {
      const found = text.split('\r\n\r\n').find((one) => one.includes(`CSeq: ${sequence} REGISTER`));
      if (found !== undefined) return found;
      await once(socket, 'data');
    }
  };
  send(1, []);
  const challenge = await answer(1);
  const part = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  const [realm, nonce] = [part('realm'), part('nonce')];
  const uri = `sip:${domain}`;
  const ha1 = md5(`${user}:${realm}:${password}`);
  const response = md5(`${ha1}:${nonce}:00000001:c:auth:${md5(`REGISTER:${uri}`)}`);
  send(2, [
    `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", qop=auth, nc=00000001, cnonce="c", ` +
      `opaque="${part('opaque')}", response="${response}"`,
  ]);
  const final = await answer(2);
  if (!final.startsWith('SIP/2.0 200')) throw new Error(final.split('\r\n')[0]);
  return { socket, received: () => text };
}
