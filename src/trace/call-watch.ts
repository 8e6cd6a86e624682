// Calls that somebody on this machine tests: what happens on them is kept, with the words that are said, until it is asked for. A watch
// is set by Call-ID before the call comes, so that of all other calls no word is kept anywhere. Never in log, ladder or capture.
//
//   watch(Call-ID) ─▶ INVITE ─▶ events, words ─▶ kept ─▶ poll(from) ─▶ … ─▶ nobody asks for watchIdleMs: forgotten

import type { Clock, Timer } from '../base/clock.ts';
import type { CallEvent } from '../base/events.ts';
import { limits } from '../base/limits.ts';

/** A CallEvent, digits crossed out, or what begins to be heard. */
export type WatchedEvent =
  | CallEvent
  | {
      readonly type: 'heard';
      readonly callSid: string;
      readonly atMs: number;
      readonly what: 'say' | 'ssml' | 'play';
      /** The text, or the URL. */
      readonly text: string;
    };

export interface WatchedPage {
  /** Undefined: no call with that Call-ID came yet. */
  readonly callSid: string | undefined;
  readonly events: readonly WatchedEvent[];
  /** Where the next page begins. */
  readonly next: number;
  /** Events that were too many to be kept. */
  readonly dropped: number;
}

interface Watch {
  readonly callId: string;
  callSid: string | undefined;
  startedMs: number;
  readonly events: WatchedEvent[];
  dropped: number;
  askedMs: number;
  readonly waiting: Set<() => void>;
}

/** So long after something has happened an answer waits for what comes with it. */
const GATHER_MS = 15;

export class CallWatches {
  readonly #clock: Clock;
  readonly #byCallId = new Map<string, Watch>();
  /** By CallSid: the call itself and those it dialled. */
  readonly #bySid = new Map<string, Watch>();
  #polls = 0;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** False: too many are watched. */
  watch(callId: string): boolean {
    this.#sweep();
    if (this.#isStopped || this.#byCallId.size >= limits.watchedCalls) return false;
    if (this.#byCallId.has(callId)) return true;
    this.#byCallId.set(callId, {
      callId,
      callSid: undefined,
      startedMs: 0,
      events: [],
      dropped: 0,
      askedMs: this.#clock.now(),
      waiting: new Set(),
    });
    return true;
  }

  /** Forgets a watch. */
  unwatch(callId: string): void {
    const watch = this.#byCallId.get(callId);
    if (!watch) return;
    this.#byCallId.delete(callId);
    for (const [sid, other] of this.#bySid) if (other === watch) this.#bySid.delete(sid);
    for (const wake of [...watch.waiting]) wake();
  }

  onEvent(event: CallEvent): void {
    if (this.#byCallId.size === 0) return;
    if (event.type === 'created') this.#onCreated(event);
    const watch = this.#bySid.get(event.callSid);
    if (watch) this.#keep(watch, event.type === 'digit' ? { ...event, digit: '' } : event);
  }

  #onCreated(event: Extract<CallEvent, { type: 'created' }>): void {
    const own = event.sipCallId === null ? undefined : this.#byCallId.get(event.sipCallId);
    if (own && own.callSid === undefined) {
      own.callSid = event.callSid;
      own.startedMs = this.#clock.now() - event.atMs;
      this.#bySid.set(event.callSid, own);
    }
    const parent = event.parentCallSid === null ? undefined : this.#bySid.get(event.parentCallSid);
    if (parent) this.#bySid.set(event.callSid, parent);
  }

  /** Something begins to be heard on a call. */
  onHeard(callSid: string, what: 'say' | 'ssml' | 'play', text: string): void {
    const watch = this.#bySid.get(callSid);
    if (!watch) return;
    this.#keep(watch, { type: 'heard', callSid, what, text, atMs: this.#clock.now() - watch.startedMs });
  }

  #keep(watch: Watch, event: WatchedEvent): void {
    if (watch.events.length >= limits.watchedEvents) watch.dropped += 1;
    else watch.events.push(event);
    for (const wake of [...watch.waiting]) wake();
  }

  /** What happened from the `from`th event on. Waits, at most limits.watchPollMs, until there is something. Undefined: not watched. */
  async poll(callId: string, from: number): Promise<WatchedPage | undefined> {
    const watch = this.#byCallId.get(callId);
    if (!watch) return undefined;
    watch.askedMs = this.#clock.now();
    if (watch.events.length <= from && this.#polls < limits.watchPolls) await this.#wait(watch);
    const events = watch.events.slice(from);
    return { callSid: watch.callSid, events, next: from + events.length, dropped: watch.dropped };
  }

  #wait(watch: Watch): Promise<void> {
    this.#polls += 1;
    return new Promise((resolve) => {
      let soon: Timer | undefined;
      const finish = () => {
        watch.waiting.delete(wake);
        late.cancel();
        soon?.cancel();
        this.#polls -= 1;
        resolve();
      };
      const wake = () => {
        if (this.#isStopped || !this.#byCallId.has(watch.callId)) return finish();
        soon ??= this.#clock.after(GATHER_MS, finish);
      };
      const late = this.#clock.after(limits.watchPollMs, finish);
      watch.waiting.add(wake);
    });
  }

  #sweep(): void {
    const oldest = this.#clock.now() - limits.watchIdleMs;
    for (const watch of [...this.#byCallId.values()]) if (watch.askedMs < oldest) this.unwatch(watch.callId);
  }

  counts(): { readonly watched: number; readonly polls: number } {
    return { watched: this.#byCallId.size, polls: this.#polls };
  }

  /** Ends all waiting polls. */
  stop(): void {
    this.#isStopped = true;
    for (const callId of [...this.#byCallId.keys()]) this.unwatch(callId);
  }
}
