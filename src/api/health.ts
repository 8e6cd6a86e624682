// Health, counts and metrics beside the REST API. Counts are for this machine, metrics for it and for operators.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type AccountCache, authenticate } from './auth.ts';
import { notFound, unauthenticated } from './errors.ts';
import { pathOf, write } from './reply.ts';

export interface HealthParts {
  readonly counts: () => object;
  readonly health: () => { readonly ready: boolean; readonly reason?: string };
  readonly metrics?: () => Promise<{ readonly contentType: string; readonly text: string }>;
}

/** Adds the routes. */
export function serveHealth(server: FastifyInstance, options: HealthParts, accounts: AccountCache): void {
  server.get('/healthz', async () => ({ status: 'ok' }));
  server.get('/readyz', async (_request, reply) => {
    const health = options.health();
    return reply.code(health.ready ? 200 : 503).send(health);
  });
  server.get('/debug/counts', async (request, reply) => {
    if (!isFromHere(request)) return write(reply, notFound(pathOf(request)));
    return reply.send(options.counts());
  });
  const { metrics } = options;
  if (!metrics) return;
  server.get('/metrics', async (request, reply) => {
    if (!isFromHere(request) && !(await isOperator(accounts, request)))
      return write(reply.header('www-authenticate', 'Basic realm="Hookswitch API"'), unauthenticated);
    const { contentType, text } = await metrics();
    return reply.header('content-type', contentType).send(text);
  });
}

/** Behind a proxy the peer is the proxy: what it forwards for is not on this machine. */
const isFromHere = (request: FastifyRequest): boolean =>
  isLoopback(request.socket.remoteAddress) && request.headers['x-forwarded-for'] === undefined;

/** Numbers of the whole gateway are for an account that is nobody's subaccount. */
async function isOperator(accounts: AccountCache, request: FastifyRequest): Promise<boolean> {
  const client = await authenticate(accounts, request.headers.authorization);
  if (!client.ok || client.value.keyKind === 'standard' || client.value.keyKind === 'restricted') return false;
  const { account } = client.value;
  return account.status === 'active' && account.ownerAccountSid === account.sid;
}

/** 127.0.0.0/8, ::1, and the first as a v4-mapped address. */
const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:(?:::ffff:)?127\.|::1$)/i.test(address);
