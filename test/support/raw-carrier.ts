// A carrier on a UDP socket: takes every call and keeps what it was sent, byte by byte.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createResponse } from '../../src/sip/grammar/build.ts';
import type { Request, Response } from '../../src/sip/grammar/message.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../src/sip/grammar/serialize.ts';
import { until } from './until.ts';

const DEADLINE_MS = 8_000;

export class RawCarrier {
  readonly requests: Request[] = [];
  readonly #socket: Socket;
  /** Status of its answers to INVITE. */
  status = 200;
  /** Answers REGISTER, where it is set; else they get 200. */
  onRegister: ((request: Request) => Response) | undefined;
  /** What came in answer to requests of its own. */
  readonly responses: Response[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (bytes, source) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) return;
      if (parsed.value.kind === 'response') return void this.responses.push(parsed.value);
      const request = parsed.value;
      this.requests.push(request);
      if (request.method === 'ACK') return;
      const response =
        (request.method === 'REGISTER' ? this.onRegister?.(request) : undefined) ??
        carrierResponse(request, `sip:carrier@127.0.0.1:${this.port}`, this.status);
      socket.send(serializeMessage(response), source.port, source.address);
    });
  }

  static async open(address = '127.0.0.1'): Promise<RawCarrier> {
    const socket = createSocket('udp4').bind(0, address);
    await once(socket, 'listening');
    return new RawCarrier(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): void {
    this.#socket.close();
  }

  /** Sends a request of the carrier's own, by hand. */
  send(text: string, port: number): void {
    this.#socket.send(text, port, '127.0.0.1');
  }

  /** The `nth` INVITE (from 1) of a call, once it is there. */
  invite(nth = 1): Promise<Request> {
    return until(
      () => this.requests.filter(({ method }) => method === 'INVITE')[nth - 1],
      DEADLINE_MS,
      () => `INVITE ${nth}; got ${this.requests.map(({ method }) => method).join(' ')}`,
    );
  }
}

/** What a carrier says to a request that is no ACK: `status` to an INVITE, 200 to all else. */
export function carrierResponse(request: Request, contact: string, status = 200): Response {
  const isCall = request.method === 'INVITE';
  const takes = isCall && status < 300;
  return createResponse(request, isCall ? status : 200, {
    toTag: 'carrier',
    headers: [
      { name: 'Contact', value: `<${contact}>` },
      ...(takes ? [{ name: 'Content-Type', value: 'application/sdp' }] : []),
    ],
    ...(takes ? { body: Buffer.from(answer) } : {}),
  });
}

const answer = [
  'v=0',
  'o=carrier 1 1 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 31000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');
