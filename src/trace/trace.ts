// Keeps what happened on each call for the ladder and the capture: SIP bytes as they crossed the wire, and CallEvents. In memory, bounded
// in calls, in entries per call and in bytes: the oldest call is dropped first, long calls keep their first and last entries.
//
//   message ──Call-ID known to a call?──▶ that call (CallSid) ─┐
//           └─ no: REGISTER, OPTIONS, strangers ─▶ a ring of its own, so that they push no call out
//   CallEvent ──────────────────────────▶ its call            ─┴─▶ family: parent, children, theirs, in order of time

import type { Clock } from '../base/clock.ts';
import type { CallEvent } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import { oldestFirst } from '../base/oldest-first.ts';
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
      /** The message as it crossed the wire, one character per byte: a string costs less than a buffer of its own. */
      readonly text: string;
      readonly flow: TracedFlow;
    }
  | { readonly kind: 'event'; readonly atMs: number; readonly event: CallEvent };

/** Entries of one Call-ID, or the events of one call. */
interface Strand {
  /** A text of its own: what a message is parsed to are slices, each of which would keep the message. Empty of events. */
  readonly callId: string;
  readonly entries: TraceEntry[];
  isStranger: boolean;
  bytes: number;
  dropped: number;
}

interface TracedCall {
  readonly events: Strand;
  readonly sip: Map<string, Strand>;
  readonly children: string[];
  parent: string | null;
  accountSid: string;
  isOver: boolean;
}

/** A call with its parent and children, all entries in order of time. */
export interface TracedFamily {
  /** The root first. */
  readonly callSids: readonly string[];
  /** Account of the root; empty when the id is no call of ours. */
  readonly accountSid: string;
  /** Every call of it has ended. */
  readonly isOver: boolean;
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
  /** Every call of the family below `root` has ended; false when none of it is kept. */
  isFamilyOver(root: string): boolean;
  /** CallSid of the first call of the family. */
  rootOf(callSid: string): string;
  /** Account of the call that a Call-ID belongs to, once it is known. */
  accountOf(callId: string): string | undefined;
  counts(): { readonly tracedCalls: number; readonly bytes: number };
}

export interface TraceBounds {
  readonly calls: number;
  /** Call-IDs that belong to no call. */
  readonly strangers: number;
  readonly bytes: number;
}

/** What belongs to no call may take one part in so many. */
const STRANGER_SHARE = 8;

const defaultBounds: TraceBounds = {
  calls: limits.tracedCalls,
  strangers: limits.tracedStrangers,
  bytes: limits.traceBytes,
};

export function createTrace(clock: Clock, bounds: TraceBounds = defaultBounds): Trace {
  return new CallTrace(clock, bounds);
}

/** Where `callTrace` is off: nothing is kept. */
export const noTrace: Trace = {
  onMessage: () => {},
  onEvent: () => {},
  family: () => undefined,
  isFamilyOver: () => false,
  rootOf: (callSid) => callSid,
  accountOf: () => undefined,
  counts: () => ({ tracedCalls: 0, bytes: 0 }),
};

class CallTrace implements Trace {
  readonly #clock: Clock;
  readonly #bounds: TraceBounds;
  /** By CallSid; insertion order is age. */
  readonly #calls = new Map<string, TracedCall>();
  readonly #oldestCall = oldestFirst(this.#calls);
  readonly #strangers = new Map<string, Strand>();
  readonly #oldestStranger = oldestFirst(this.#strangers);
  readonly #sidOfCallId = new Map<string, string>();
  #bytes = 0;
  #strangerBytes = 0;
  /** New strangers since then, in windows of a second. */
  #newcomers = 0;
  #countsSinceMs = 0;
  #isStorm = false;

  constructor(clock: Clock, bounds: TraceBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  onMessage(direction: 'in' | 'out', bytes: Buffer, flow: TracedFlow, message: Message | undefined): void {
    if (!message) return;
    const { callId } = message;
    if (direction === 'out' && !this.#sidOfCallId.has(callId)) {
      const sid = message.headers.get('X-Twilio-CallSid');
      if (sid !== undefined && this.#calls.has(sid)) this.#link(callId, sid);
    }
    const strand = this.#strandOf(callId);
    this.#add(strand, {
      kind: 'sip',
      atMs: this.#clock.now(),
      wall: this.#clock.wall(),
      direction,
      callId: strand.callId,
      text: bytes.toString('latin1'),
      flow,
    });
    this.#trim();
  }

  onEvent(event: CallEvent): void {
    const call = this.#calls.get(event.callSid) ?? this.#open(event.callSid);
    this.#add(call.events, { kind: 'event', atMs: this.#clock.now(), event });
    this.#trim();
    if (event.type === 'ended') call.isOver = true;
    if (event.type !== 'created') return;
    call.accountSid = event.accountSid;
    if (event.sipCallId !== null) this.#link(event.sipCallId, event.callSid);
    if (event.parentCallSid === null) return;
    call.parent = event.parentCallSid;
    this.#calls.get(event.parentCallSid)?.children.push(event.callSid);
  }

  family(id: string): TracedFamily | undefined {
    const sid = this.#sidOfCallId.get(id) ?? id;
    const stranger = this.#calls.has(sid) ? undefined : this.#strangers.get(id);
    if (stranger) {
      const { entries, dropped } = stranger;
      return { callSids: [], accountSid: '', isOver: true, owners: new Map(), entries: [...entries], dropped };
    }
    const callSids = this.#descendants(this.rootOf(sid));
    if (callSids.length === 0) return undefined;
    const owners = new Map<string, string>();
    const entries: TraceEntry[] = [];
    let isOver = true;
    let dropped = 0;
    const gather = (strand: Strand) => {
      for (const entry of strand.entries) entries.push(entry);
      dropped += strand.dropped;
    };
    for (const callSid of callSids) {
      const call = this.#calls.get(callSid)!;
      if (!call.isOver) isOver = false;
      gather(call.events);
      for (const [callId, strand] of call.sip) {
        owners.set(callId, callSid);
        gather(strand);
      }
    }
    entries.sort((a, b) => a.atMs - b.atMs);
    return { callSids, accountSid: this.#calls.get(callSids[0]!)!.accountSid, isOver, owners, entries, dropped };
  }

  isFamilyOver(root: string): boolean {
    const family = this.#descendants(root);
    return family.length > 0 && family.every((sid) => this.#calls.get(sid)!.isOver);
  }

  rootOf(callSid: string): string {
    let sid = callSid;
    const seen = new Set<string>();
    for (;;) {
      const parent = this.#calls.get(sid)?.parent ?? null;
      if (parent === null || !this.#calls.has(parent) || seen.has(sid)) return sid;
      seen.add(sid);
      sid = parent;
    }
  }

  accountOf(callId: string): string | undefined {
    const sid = this.#sidOfCallId.get(callId);
    return sid === undefined ? undefined : this.#calls.get(sid)?.accountSid;
  }

  counts() {
    return { tracedCalls: this.#calls.size, bytes: this.#bytes };
  }

  /** The call and all below it; those that the ring still has. */
  #descendants(root: string): string[] {
    const found: string[] = [];
    const waiting = [root];
    for (let sid = waiting.shift(); sid !== undefined; sid = waiting.shift()) {
      const call = this.#calls.get(sid);
      if (!call || found.includes(sid)) continue;
      found.push(sid);
      waiting.push(...call.children);
    }
    return found;
  }

  #open(callSid: string): TracedCall {
    const call: TracedCall = {
      events: newStrand(),
      sip: new Map(),
      children: [],
      parent: null,
      accountSid: '',
      isOver: false,
    };
    this.#calls.set(callSid, call);
    this.#trim();
    return call;
  }

  #strandOf(callId: string): Strand {
    const sid = this.#sidOfCallId.get(callId);
    const known =
      (sid === undefined ? undefined : this.#calls.get(sid)?.sip.get(callId)) ?? this.#strangers.get(callId);
    if (known) return known;
    const strand = newStrand(Buffer.from(callId).toString(), true);
    this.#strangers.set(strand.callId, strand);
    this.#noticeStorm();
    return strand;
  }

  /** From here on the Call-ID belongs to the call, with what came before. */
  #link(callId: string, callSid: string): void {
    if (this.#sidOfCallId.has(callId)) return;
    const call = this.#calls.get(callSid);
    if (!call) return;
    const strand = this.#strangers.get(callId) ?? newStrand(Buffer.from(callId).toString());
    this.#sidOfCallId.set(strand.callId, callSid);
    if (strand.isStranger) this.#strangerBytes -= strand.bytes;
    strand.isStranger = false;
    call.sip.set(strand.callId, strand);
    this.#strangers.delete(callId);
  }

  #add(strand: Strand, entry: TraceEntry): void {
    if (strand.entries.length >= limits.traceEntriesPerCall) {
      // Keep how it began and how it ends: drop from the middle.
      const [gone] = strand.entries.splice(limits.traceEntriesPerCall >> 1, 1);
      this.#count(strand, -sizeOf(gone!));
      strand.dropped++;
    }
    strand.entries.push(entry);
    this.#count(strand, sizeOf(entry));
  }

  #count(strand: Strand, bytes: number): void {
    strand.bytes += bytes;
    this.#bytes += bytes;
    if (strand.isStranger) this.#strangerBytes += bytes;
  }

  /**
   * Half a second of what was said in a storm of registrations is of no use, and dear: what is kept for two collections of the young
   * generation moves to the old one, and its collection makes all wait.
   */
  #noticeStorm(): void {
    const nowMs = this.#clock.now();
    const lastedMs = nowMs - this.#countsSinceMs;
    if (lastedMs >= 1_000) {
      // A second that nobody came in was no storm, whatever was before it.
      this.#isStorm = this.#newcomers >= limits.strangersOfAStorm && lastedMs < 2_000;
      this.#newcomers = 0;
      this.#countsSinceMs = nowMs;
    }
    this.#newcomers += 1;
    if (this.#newcomers >= limits.strangersOfAStorm) this.#isStorm = true;
  }

  #trim(): void {
    const { strangers: bound } = this.#bounds;
    const strangers = this.#isStorm ? Math.min(bound, limits.tracedStrangersInStorm) : bound;
    while (this.#strangers.size > strangers) this.#forgetStranger();
    while (this.#calls.size > this.#bounds.calls) this.#forgetCall();
    // Strangers have a share: less, and the first message of a call would be lost before it is known to be one.
    const share = this.#bounds.bytes / STRANGER_SHARE;
    while (this.#strangerBytes > share && this.#strangers.size > 1) this.#forgetStranger();
    while (this.#bytes > this.#bounds.bytes && this.#calls.size > 1) this.#forgetCall();
  }

  #forgetStranger(): void {
    const [callId, strand] = this.#oldestStranger()!;
    this.#bytes -= strand.bytes;
    this.#strangerBytes -= strand.bytes;
    this.#strangers.delete(callId);
  }

  #forgetCall(): void {
    const [callSid, call] = this.#oldestCall()!;
    this.#calls.delete(callSid);
    for (const [callId, strand] of call.sip) {
      this.#bytes -= strand.bytes;
      this.#sidOfCallId.delete(callId);
    }
    this.#bytes -= call.events.bytes;
  }
}

const newStrand = (callId = '', isStranger = false): Strand => ({
  callId,
  entries: [],
  isStranger,
  bytes: 0,
  dropped: 0,
});

/** What an entry costs, about; an event is a small object. */
const sizeOf = (entry: TraceEntry): number => (entry.kind === 'sip' ? entry.text.length : 0) + 256;
