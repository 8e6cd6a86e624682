// The application behind the webhooks, on a bare socket: a request is searched for the two things that the answer depends on, which
// costs a tenth of what an HTTP server does, so that the generator has its core for the rest.

import { createServer, type Server, type Socket } from 'node:net';
import { writeWav } from './prompt.ts';

const HEAD_END = '\r\n\r\n';
/** A request that is longer is not one of the gateway's. */
const REQUEST_BYTES = 64 * 1_024;

/** Gives the document below <Response> for a call; undefined = the call ends. */
export type DocumentFor = (kind: string, index: number) => string | undefined;

export class WebApp {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #prompt = answer('audio/wav', writeWav());
  #documentFor: DocumentFor = () => undefined;
  #onDigit: (index: number) => void = () => {};
  requests = 0;

  constructor() {
    this.#server = createServer((socket) => this.#serve(socket));
  }

  async open(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => resolve());
    });
  }

  onVoice(documentFor: DocumentFor): void {
    this.#documentFor = documentFor;
  }

  /** Told when the digit of a call has come. */
  onDigit(listener: (index: number) => void): void {
    this.#onDigit = listener;
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    let rest = '';
    socket.on('data', (piece: string) => {
      rest += piece;
      for (;;) {
        const headEnd = rest.indexOf(HEAD_END);
        if (headEnd < 0) break;
        const length = Number(/\r\ncontent-length: *(\d+)/i.exec(rest.slice(0, headEnd))?.[1] ?? 0);
        const end = headEnd + HEAD_END.length + length;
        if (rest.length < end) break;
        socket.write(this.#answer(rest.slice(0, rest.indexOf('\r\n')), rest.slice(headEnd + HEAD_END.length, end)));
        rest = rest.slice(end);
      }
      if (rest.length > REQUEST_BYTES) socket.destroy();
    });
  }

  #answer(requestLine: string, body: string): Buffer | string {
    this.requests++;
    const path = requestLine.split(' ')[1] ?? '';
    if (path.startsWith('/prompt.wav')) return this.#prompt;
    if (path.startsWith('/digit/')) {
      this.#onDigit(Number.parseInt(path.slice('/digit/'.length), 10));
      return twiml('<Hangup/>');
    }
    if (!path.startsWith('/voice')) return answer('text/plain', '');
    const called = /(?:^|&)To=sips?%3A([a-z0-9]+)-(\d+)%40/.exec(body);
    return twiml((called && this.#documentFor(called[1]!, Number(called[2]))) ?? '<Reject/>');
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const twiml = (verbs: string): string => `${head('text/xml', verbs.length + 21)}<Response>${verbs}</Response>`;

function answer(type: string, body: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(head(type, body.length), 'latin1'), Buffer.from(body)]);
}

const head = (type: string, length: number): string =>
  `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: keep-alive\r\n\r\n`;
