// What the operator on this machine may ask beside REST: ladders, captures, bans; and the CA that phones download. Everything under
// /debug answers loopback only (design.md 4).

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AccessControlApi } from './access/access-control.ts';
import { limits } from './base/limits.ts';
import type { TlsMaterialSource } from './certs/reload.ts';
import type { CallStack } from './gateway-calls.ts';
import { serveWatches, TRACE_OFF } from './operator-watch.ts';
import type { ProvisioningContext } from './provisioning.ts';
import type { Store } from './store/store.ts';
import { drawLadder } from './trace/ladder.ts';
import { explainSignature, printExplanation } from './webhook/explain.ts';

export interface OperatorParts {
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly calls: CallStack;
  readonly access: AccessControlApi;
  readonly tls: TlsMaterialSource | null;
}

export function serveOperator(server: FastifyInstance, parts: OperatorParts): void {
  serveRoot(server, parts);
  serveTraces(server, parts);
  serveBans(server, parts);
  serveSignatures(server, parts);
  const { trace, isTracing, watches } = parts.calls.observers;
  serveWatches(server, { trace, isTracing, watches, store: parts.store, isFromHere });
}

function serveRoot(server: FastifyInstance, { tls }: OperatorParts): void {
  // For phones that verify: no credentials, since a phone has none here and a root is no secret.
  server.get('/ca.pem', (_request, reply) => {
    const ca = tls?.current().ca ?? null;
    if (ca === null) return reply.code(404).type('text/plain').send('no certificate authority of ours is in use\n');
    return reply
      .type('application/x-pem-file')
      .header('content-disposition', 'attachment; filename="hookswitch-ca.pem"')
      .send(ca);
  });
}

function serveTraces(server: FastifyInstance, parts: OperatorParts): void {
  server.get<{ Params: { id: string } }>('/debug/capture/:id', async (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
    const capture = await readCapture(parts, request.params.id);
    if (!capture) return answerMissing(parts, reply, 'no such call in the captures\n');
    parts.context.log.info({ folder: 'trace', callSid: request.params.id, by: request.ip }, 'capture downloaded');
    return reply.type('application/vnd.tcpdump.pcap').send(capture);
  });
  server.get<{ Params: { id: string }; Querystring: { width?: unknown } }>('/debug/ladder/:id', (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
    const family = parts.calls.observers.trace.family(request.params.id);
    if (!family) return answerMissing(parts, reply, 'no such call in the trace\n');
    return reply.type('text/plain; charset=utf-8').send(drawLadder(family, pageWidth(request.query.width)));
  });
}

/** 404; or 409 where the trace is off, since what is asked for cannot be there. */
function answerMissing({ calls }: OperatorParts, reply: FastifyReply, missing: string): FastifyReply {
  return calls.observers.isTracing ? reply.code(404).send(missing) : reply.code(409).send(TRACE_OFF);
}

/** What was signed in the webhooks of a call; `?computed=` is the signature that the application computed, `?host=` a name it may have. */
function serveSignatures(server: FastifyInstance, { store }: OperatorParts): void {
  server.get<{ Params: { id: string }; Querystring: { computed?: unknown; host?: unknown } }>(
    '/debug/signature/:id',
    async (request, reply) => {
      if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
      const [computed, host] = [request.query.computed, request.query.host].map((value) =>
        typeof value === 'string' ? value : undefined,
      );
      const text = await explainCall(store, request.params.id, computed, host);
      if (text === undefined) return reply.code(404).send('no webhook of such a call is kept\n');
      return reply.type('text/plain; charset=utf-8').send(text);
    },
  );
}

/** The latest webhooks of a call, oldest first. With `computed` only the one that it fits, if there is one. */
async function explainCall(
  store: Store,
  callSid: string,
  computed: string | undefined,
  host: string | undefined,
): Promise<string | undefined> {
  const page = { size: limits.signaturesExplained, cursor: null, page: 0 };
  const { records } = await store.webhookExchanges.list({ callSid }, page);
  const account = records[0] && (await store.accounts.get(records[0].accountSid));
  if (!account) return undefined;
  const told = [...records].reverse().map((record) => {
    const request = {
      url: record.url,
      method: record.method === 'GET' ? ('GET' as const) : ('POST' as const),
      params: new Map(Object.entries(record.parameters)),
    };
    const explanation = explainSignature(request, account.authToken, computed, host);
    const heading = `${record.method} ${record.url} (${record.purpose}, answered ${record.responseCode || 'nothing'})`;
    return {
      fits: explanation.mistakes !== undefined,
      text: `${heading}\n${printExplanation(explanation, computed)}\n`,
    };
  });
  const fitting = told.filter(({ fits }) => fits);
  return (fitting.length > 0 ? fitting : told).map(({ text }) => text).join('\n');
}

/** design.md 9: bans are listed and cleared by the operator. `DELETE /debug/bans?address=…`; without an address all are cleared. */
function serveBans(server: FastifyInstance, { access, context }: OperatorParts): void {
  server.get('/debug/bans', (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
    return reply.send({ bans: access.bans.list() });
  });
  server.delete<{ Querystring: { address?: string } }>('/debug/bans', (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send('only from this machine\n');
    const { address } = request.query;
    const cleared = access.bans.clear(address);
    context.log.info({ folder: 'access', address, cleared }, 'bans cleared');
    return reply.send({ cleared });
  });
}

/** Columns of the asker's terminal: `?width=132`. */
function pageWidth(given: unknown): { width?: number } {
  return typeof given === 'string' && /^[1-9]\d{1,3}$/.test(given) ? { width: Number(given) } : {};
}

/** The capture of a call's family. What is no longer in memory is found by the first call, which the records tell. */
export async function readCapture(
  { calls, store }: Pick<OperatorParts, 'calls' | 'store'>,
  id: string,
): Promise<Buffer | undefined> {
  let root = id;
  for (let depth = 0; depth < limits.callFamilyDepth; depth++) {
    const parent = (await store.calls.get(root))?.parentCallSid ?? null;
    if (parent === null) break;
    root = parent;
  }
  return calls.observers.captures.read(id, root);
}

/**
 * Like the counts: for the operator on this machine only. Behind a proxy the peer is the proxy: what it forwards for is not on this
 * machine.
 */
const isFromHere = (request: FastifyRequest): boolean =>
  request.headers['x-forwarded-for'] === undefined && isLoopback(request.ip);

const isLoopback = (address: string): boolean => address === '::1' || /^(::ffff:)?127\./.test(address);
