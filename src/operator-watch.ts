// What whoever tests an application on this machine may ask of the running gateway: what happens on a call that was announced by its
// Call-ID, words included; and the recorded inputs of a call, digits included, for replay. Loopback only, like everything under /debug.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CallEvent } from './base/events.ts';
import { limits } from './base/limits.ts';
import type { WebhookExchange } from './base/voice-records.ts';
import type { Store } from './store/store.ts';
import type { CallWatches } from './trace/call-watch.ts';
import type { Trace } from './trace/trace.ts';

export interface WatchParts {
  readonly watches: CallWatches;
  readonly trace: Pick<Trace, 'family'>;
  readonly store: Pick<Store, 'calls' | 'webhookExchanges'>;
  readonly isFromHere: (request: FastifyRequest) => boolean;
}

/** What a call was given from outside, and what it was told: enough to run its application again. */
export interface RecordedInputs {
  readonly callSid: string;
  readonly accountSid: string;
  /** Of the call itself, in order; empty when the trace has forgotten it. */
  readonly events: readonly CallEvent[];
  /** Oldest first. */
  readonly exchanges: readonly WebhookExchange[];
}

const ONLY_HERE = 'only from this machine\n';

export function serveWatches(server: FastifyInstance, parts: WatchParts): void {
  const { watches, isFromHere } = parts;
  server.put<{ Params: { id: string } }>('/debug/watch/:id', (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send(ONLY_HERE);
    if (!watches.watch(request.params.id)) return reply.code(429).send('too many calls are watched\n');
    return reply.code(204).send();
  });
  server.delete<{ Params: { id: string } }>('/debug/watch/:id', (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send(ONLY_HERE);
    watches.unwatch(request.params.id);
    return reply.code(204).send();
  });
  server.get<{ Params: { id: string }; Querystring: { from?: unknown } }>(
    '/debug/watch/:id',
    async (request, reply) => {
      if (!isFromHere(request)) return reply.code(403).send(ONLY_HERE);
      const { from } = request.query;
      const position = typeof from === 'string' && /^\d{1,9}$/.test(from) ? Number(from) : 0;
      const page = await watches.poll(request.params.id, position);
      return page ? reply.send(page) : reply.code(404).send('this call is not watched\n');
    },
  );
  server.get<{ Params: { id: string } }>('/debug/recorded/:id', async (request, reply) => {
    if (!isFromHere(request)) return reply.code(403).send(ONLY_HERE);
    const recorded = await readRecorded(parts, request.params.id);
    return recorded ? reply.send(recorded) : reply.code(404).send('no such call is kept\n');
  });
}

async function readRecorded({ trace, store }: WatchParts, callSid: string): Promise<RecordedInputs | undefined> {
  const record = await store.calls.get(callSid);
  if (!record) return undefined;
  const family = trace.family(callSid);
  const events = (family?.entries ?? []).flatMap((entry) =>
    entry.kind === 'event' && entry.event.callSid === callSid ? [entry.event] : [],
  );
  const page = { size: limits.exchangesReplayed, cursor: null, page: 0 };
  const { records } = await store.webhookExchanges.list({ callSid }, page);
  return { callSid, accountSid: record.accountSid, events, exchanges: [...records].reverse() };
}
