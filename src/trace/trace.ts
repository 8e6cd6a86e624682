// Keeps what happened on each call for the ladder and the capture: SIP bytes as they crossed the wire, and CallEvents. A bounded ring:
// the oldest call is dropped first, long calls keep their first and last entries. Recording a message stores a reference, no more.

import type { Clock } from '../base/clock.ts';
import type { CallEvent } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { Message } from '../sip/grammar/message.ts';

export interface TracedFlow {
  readonly transport: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

export type TraceEntry =
  | {
      readonly kind: 'sip';
      readonly atMs: number;
      readonly wall: number;
      readonly direction: 'in' | 'out';
      readonly callId: string;
      readonly bytes: Buffer;
      readonly flow: TracedFlow;
    }
  | { readonly kind: 'event'; readonly atMs: number; readonly event: CallEvent };

interface TracedCall {
  readonly entries: TraceEntry[];
  dropped: number;
}

/** A call with its parent and children, all entries in order of time. */
export interface TracedFamily {
  readonly callSids: readonly string[];
  /** Call-ID → CallSid, where known. */
  readonly owners: ReadonlyMap<string, string>;
  readonly entries: readonly TraceEntry[];
  readonly dropped: number;
}

export interface Trace {
  onMessage(direction: 'in' | 'out', bytes: Buffer, flow: TracedFlow, message: Message | undefined): void;
  onEvent(event: CallEvent): void;
  /** By CallSid or Call-ID. */
  family(id: string): TracedFamily | undefined;
  counts(): { readonly tracedCalls: number };
}

export function createTrace(clock: Clock, maxCalls: number = limits.tracedCalls): Trace {
  /** SIP by Call-ID, events by CallSid. Insertion order is age. */
  const byId = new Map<string, TracedCall>();
  const sidOfCallId = new Map<string, string>();
  const callIdsOfSid = new Map<string, string[]>();
  const parents = new Map<string, string>();
  const children = new Map<string, string[]>();

  const add = (id: string, entry: TraceEntry): void => {
    let call = byId.get(id);
    if (!call) {
      call = { entries: [], dropped: 0 };
      byId.set(id, call);
      if (byId.size > maxCalls) forget(byId.keys().next().value!);
    }
    if (call.entries.length >= limits.traceEntriesPerCall) {
      // Keep how it began and how it ends: drop from the middle.
      call.entries.splice(limits.traceEntriesPerCall >> 1, 1);
      call.dropped++;
    }
    call.entries.push(entry);
  };

  const forget = (id: string): void => {
    byId.delete(id);
    sidOfCallId.delete(id);
    callIdsOfSid.delete(id);
    parents.delete(id);
    children.delete(id);
  };

  const link = (callId: string, sid: string): void => {
    if (sidOfCallId.has(callId)) return;
    sidOfCallId.set(callId, sid);
    callIdsOfSid.set(sid, [...(callIdsOfSid.get(sid) ?? []), callId]);
  };

  return {
    onMessage(direction, bytes, flow, message) {
      if (!message) return;
      const { callId } = message;
      add(callId, { kind: 'sip', atMs: clock.now(), wall: clock.wall(), direction, callId, bytes, flow });
      if (direction !== 'out' || sidOfCallId.has(callId)) return;
      const sid = message.headers.get('X-Twilio-CallSid');
      if (sid !== undefined) link(callId, sid);
    },
    onEvent(event) {
      add(event.callSid, { kind: 'event', atMs: clock.now(), event });
      if (event.type !== 'created') return;
      if (event.sipCallId !== null) link(event.sipCallId, event.callSid);
      if (event.parentCallSid === null) return;
      parents.set(event.callSid, event.parentCallSid);
      children.set(event.parentCallSid, [...(children.get(event.parentCallSid) ?? []), event.callSid]);
    },
    family(id) {
      const sid = sidOfCallId.get(id) ?? id;
      const root = parents.get(sid) ?? sid;
      const callSids = [root, ...(children.get(root) ?? [])].filter((one) => byId.has(one));
      const callIds = callSids.flatMap((one) => callIdsOfSid.get(one) ?? []);
      const ids = callSids.length > 0 ? [...callSids, ...callIds] : [id];
      const found = ids.flatMap((one) => byId.get(one) ?? []);
      if (found.length === 0) return undefined;
      const entries = found.flatMap((call) => call.entries).sort((a, b) => a.atMs - b.atMs);
      const owners = new Map(callIds.flatMap((callId) => [[callId, sidOfCallId.get(callId)!] as const]));
      return { callSids, owners, entries, dropped: found.reduce((sum, call) => sum + call.dropped, 0) };
    },
    counts: () => ({ tracedCalls: byId.size }),
  };
}
