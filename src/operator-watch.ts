// What whoever tests an application on this machine may ask of the running gateway: what happens on a call that was announced by its
// Call-ID, words included; and the recorded inputs of a call, digits included, for replay. Loopback only, like everything under /debug.

import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { CallEvent } from './base/events.ts';
import { limits } from './base/limits.ts';
import type { RecordedInputs } from './dialogue/recorded.ts';
import type { Store } from './store/store.ts';
import type { CallWatches } from './trace/call-watch.ts';
import type { Trace } from './trace/trace.ts';

export interface WatchParts {
  readonly watches: CallWatches;
  readonly trace: Pick<Trace, 'family'>;
  readonly isTracing: boolean;
  readonly store: Pick<Store, 'calls' | 'webhookExchanges'>;
  readonly isFromHere: (request: FastifyRequest) => boolean;
}

/** Says what to do where something is asked that only the trace knows. */
export const TRACE_OFF =
  'the trace of calls is off: set callTrace: true (HOOKSWITCH_CALL_TRACE=true) and start the gateway again\n';

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
    // The records alone would give a replay in which nobody presses a key.
    if (!parts.isTracing) return reply.code(409).send(TRACE_OFF);
    const recorded = await readRecorded(parts, request.params.id);
    return recorded ? reply.send(recorded) : reply.code(404).send('no such call is kept\n');
  });
}

/** A call with those that it dialled; the trace forgets the oldest calls, the store those older than its days. */
async function readRecorded({ trace, store }: WatchParts, callSid: string): Promise<RecordedInputs | undefined> {
  const record = await store.calls.get(callSid);
  if (!record) return undefined;
  const sids = new Set([callSid]);
  const events: CallEvent[] = [];
  for (const entry of trace.family(callSid)?.entries ?? []) {
    if (entry.kind !== 'event') continue;
    const { event } = entry;
    if (event.type === 'created' && event.parentCallSid !== null && sids.has(event.parentCallSid))
      sids.add(event.callSid);
    if (sids.has(event.callSid)) events.push(event);
  }
  const page = { size: limits.exchangesReplayed, cursor: null, page: 0 };
  const lists = await Promise.all([...sids].map((sid) => store.webhookExchanges.list({ callSid: sid }, page)));
  const exchanges = lists
    .flatMap(({ records }) => [...records].reverse())
    .sort((a, b) => a.dateCreated - b.dateCreated);
  return { callSid, accountSid: record.accountSid, events, exchanges };
}
