// The application in tests: an HTTP (or HTTPS) server on loopback that records every request and answers as told.

import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface AppRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly target: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Fields of a form POST, else of the query. */
  readonly params: Readonly<Record<string, string>>;
}

export interface AppAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer;
}

type Handler = (request: AppRequest, response: ServerResponse) => AppAnswer | string | undefined | Promise<AppAnswer>;

interface Waiter {
  readonly path: string;
  readonly resolve: (request: AppRequest) => void;
}

export class FakeApp {
  readonly requests: AppRequest[] = [];
  readonly #handlers = new Map<string, Handler>();
  readonly #waiters = new Set<Waiter>();
  readonly #server: Server;
  readonly #scheme: string;
  /** How many TCP connections came in. */
  connections = 0;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on('connection', () => this.connections++);
  }

  static async start(tls?: { readonly key: string; readonly cert: string }, port = 0): Promise<FakeApp> {
    const server = tls ? (createTlsServer(tls) as unknown as Server) : createServer();
    const app = new FakeApp(server, tls ? 'https' : 'http');
    server.on('request', (incoming, response) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        const target = incoming.url ?? '/';
        const url = new URL(target, 'http://app');
        const body = Buffer.concat(chunks).toString('utf8');
        const fields = incoming.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
        void app.#answer(
          {
            method: incoming.method ?? '',
            target,
            path: url.pathname,
            query: url.searchParams,
            headers: incoming.headers,
            body,
            params: Object.fromEntries(fields),
          },
          response,
        );
      });
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return app;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get origin(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}`;
  }

  url(path: string): string {
    return this.origin + path;
  }

  /** Answers requests for `path`: a string is TwiML; undefined leaves the response to the handler. */
  on(path: string, handler: Handler | AppAnswer | string): void {
    this.#handlers.set(path, typeof handler === 'function' ? handler : () => handler);
  }

  requestsTo(path: string): AppRequest[] {
    return this.requests.filter((request) => request.path === path);
  }

  /** Resolves with the next request for `path`. */
  next(path: string): Promise<AppRequest> {
    return new Promise((resolve) => this.#waiters.add({ path, resolve }));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: AppRequest, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    for (const waiter of [...this.#waiters]) {
      if (waiter.path !== request.path) continue;
      this.#waiters.delete(waiter);
      waiter.resolve(request);
    }
    const handler = this.#handlers.get(request.path) ?? (() => ({ status: 404, body: 'no such page' }));
    const answer = await handler(request, response);
    if (answer === undefined) return;
    const { status = 200, headers = {}, body = '' }: AppAnswer = typeof answer === 'string' ? xml(answer) : answer;
    response.writeHead(status, headers);
    response.end(body);
  }
}

/** A TwiML answer. */
export const xml = (body: string): AppAnswer => ({ headers: { 'Content-Type': 'text/xml' }, body });
