// An application's WebSocket server on loopback, as tests of streams and ConversationRelay need it: keeps every connection with its
// handshake and its messages, and says what the test tells it to say.

import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { until } from './until.ts';

const DEADLINE_MS = 8_000;

export type StreamMessage = Readonly<Record<string, unknown>> & {
  readonly event?: string;
  readonly type?: string;
  readonly media?: {
    readonly track: string;
    readonly chunk: string;
    readonly timestamp: string;
    readonly payload: string;
  };
};

export class StreamConnection {
  readonly request: IncomingMessage;
  readonly messages: StreamMessage[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  readonly #socket: WebSocket;

  constructor(socket: WebSocket, request: IncomingMessage) {
    this.#socket = socket;
    this.request = request;
    socket.on('message', (data) => this.messages.push(JSON.parse(data.toString()) as StreamMessage));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  get streamSid(): string {
    return String(this.messages.find(({ event }) => event === 'start')?.streamSid ?? '');
  }

  /** Messages of one event (streams) or type (ConversationRelay). */
  of(kind: string): StreamMessage[] {
    return this.messages.filter(({ event, type }) => event === kind || type === kind);
  }

  /** The `count`th message of a kind, once it is there. */
  async gets(kind: string, count = 1): Promise<StreamMessage> {
    return until(
      () => this.of(kind)[count - 1],
      DEADLINE_MS,
      () => `${count} ${kind}; got ${[...new Set(this.messages.map(({ event, type }) => event ?? type))].join(' ')}`,
    );
  }

  /** Payloads of the last `count` media messages of a track, as one. */
  audio(track: string, count: number): Buffer {
    const frames = this.of('media').filter(({ media }) => media?.track === track);
    return Buffer.concat(frames.slice(-count).map(({ media }) => Buffer.from(media?.payload ?? '', 'base64')));
  }

  send(message: object): void {
    this.#socket.send(JSON.stringify(message));
  }

  sendRaw(data: string | Buffer): void {
    this.#socket.send(data);
  }

  /** Reads nothing any more. */
  stall(): void {
    this.#socket.pause();
  }

  close(code = 1000, reason = ''): void {
    this.#socket.close(code, reason);
  }

  /** Without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  async isClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    return until(
      () => this.closed,
      DEADLINE_MS,
      () => 'the end of a connection',
    );
  }
}

export class StreamServer {
  readonly connections: StreamConnection[] = [];
  /** Told of each connection as it opens. */
  onConnection: (connection: StreamConnection) => void = () => {};
  /** HTTP status for handshakes in place of the 101; 0 = no answer at all. */
  refusal: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    const upgrades = new WebSocketServer({ noServer: true });
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => {});
    });
    server.on('upgrade', (request, socket, head) => {
      if (this.refusal === 0) return;
      if (this.refusal !== undefined) {
        socket.end(`HTTP/1.1 ${this.refusal} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
        return;
      }
      upgrades.handleUpgrade(request, socket, head, (opened) => {
        const connection = new StreamConnection(opened, request);
        this.connections.push(connection);
        this.onConnection(connection);
      });
    });
  }

  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<StreamServer> {
    const server = tls ? (createTlsServer(tls) as unknown as Server) : createServer();
    const made = new StreamServer(server, tls ? 'wss' : 'ws');
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return made;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = '/media'): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${path}`;
  }

  /** The `nth` connection (from 1), once it is there. */
  async connection(nth = 1): Promise<StreamConnection> {
    return until(
      () => this.connections[nth - 1],
      DEADLINE_MS,
      () => `connection ${nth} to the stream server`,
    );
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
