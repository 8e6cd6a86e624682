// One call of the scripted phone (phone.ts), as its script sees it: waits for what happens, plays, records, holds. Knows no SIP.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { LegEvent } from '../call/leg-driver.ts';
import type { SipLeg } from '../call/sip-leg.ts';
import type { MediaEngine, PlaySource } from '../media/engine.ts';
import type { RecordingId, RecordingResult } from '../media/engine-audio.ts';
import { decode } from '../media/g711.ts';
import type { MediaDirection } from '../sdp/plan.ts';

/** One call of the phone: what happened so far, and waiting for what happens next. */
export class PhoneCall {
  readonly leg: SipLeg;
  readonly events: LegEvent[] = [];
  readonly #engine: MediaEngine;
  readonly #clock: Clock;
  readonly #waiters = new Set<() => void>();
  #recording: RecordingId | undefined;
  #recorded: Promise<RecordingResult | undefined> = Promise.resolve(undefined);

  constructor(
    leg: SipLeg,
    engine: MediaEngine,
    { clock, sendsSilence = false }: { readonly clock: Clock; readonly sendsSilence?: boolean },
  ) {
    this.leg = leg;
    this.#engine = engine;
    this.#clock = clock;
    leg.onEvent((event) => {
      if (sendsSilence && event.type === 'answered' && leg.endpoint !== undefined)
        engine.setComfort(leg.endpoint, 'silence');
      this.events.push(event);
      for (const wake of [...this.#waiters]) wake();
    });
  }

  get callId(): string {
    return this.leg.signallingId ?? '';
  }

  /** The first event, past or coming, of one of `types`; undefined when none came within `deadlineMs`. */
  async waitFor<T extends LegEvent['type']>(
    deadlineMs: number,
    ...types: T[]
  ): Promise<Extract<LegEvent, { type: T }> | undefined> {
    const find = () =>
      this.events.find((event): event is Extract<LegEvent, { type: T }> => types.includes(event.type as T));
    const found = find();
    if (found) return found;
    return new Promise((resolve) => {
      const finish = (event: Extract<LegEvent, { type: T }> | undefined) => {
        timer.cancel();
        this.#waiters.delete(wake);
        resolve(event);
      };
      const wake = () => {
        const event = find();
        if (event) finish(event);
      };
      const timer = this.#clock.after(deadlineMs, () => finish(undefined));
      this.#waiters.add(wake);
    });
  }

  get isOver(): boolean {
    return this.events.some((event) => event.type === 'ended' || event.type === 'failed' || event.type === 'canceled');
  }

  /** Plays to the other side; resolves when it ended or after `deadlineMs`. */
  async play(sources: readonly PlaySource[], deadlineMs: number): Promise<void> {
    const { endpoint } = this.leg;
    if (endpoint === undefined) return;
    const play = this.#engine.play(endpoint, { sources, loop: 1 });
    const before = this.events.length;
    const end = this.#clock.now() + deadlineMs;
    while (this.#clock.now() < end) {
      if (this.isOver || this.events.slice(before).some((event) => event.type === 'playEnded' && event.play === play))
        return;
      await this.#nextEvent(end - this.#clock.now());
    }
  }

  #nextEvent(deadlineMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        this.#waiters.delete(finish);
        resolve();
      };
      const timer = this.#clock.after(deadlineMs, finish);
      this.#waiters.add(finish);
    });
  }

  /** Gives `listener` what the other side says, 20 ms at a time. Returns what ends that. */
  listen(listener: (samples: Int16Array) => void): () => void {
    const { endpoint } = this.leg;
    if (endpoint === undefined) return () => {};
    const tap = this.#engine.tap(endpoint, ['inbound']);
    const unsubscribe = this.#engine.onEvent((event) => {
      if (event.type !== 'audio' || event.tap !== tap) return;
      const samples = new Int16Array(event.payload.length);
      decode('PCMU', event.payload, samples);
      listener(samples);
    });
    return () => {
      unsubscribe();
      this.#engine.closeTap(tap);
    };
  }

  /** Records what the other side says to a WAV file, until `stopRecord` or the end of the call. */
  record(file: string): void {
    const { endpoint } = this.leg;
    if (endpoint === undefined) return;
    const options = { file, channels: 1, track: 'inbound', maxDurationMs: limits.recordingMs } as const;
    const recording = this.#engine.startRecording(endpoint, options);
    this.#recording = recording;
    this.#recorded = new Promise((resolve) => {
      const unsubscribe = this.#engine.onEvent((event) => {
        if (event.type !== 'recordingEnded' || event.recording !== recording) return;
        unsubscribe();
        resolve(event.result);
      });
    });
  }

  /** Resolves when the file is complete; undefined when nothing was recorded. */
  async stopRecord(): Promise<RecordingResult | undefined> {
    if (this.#recording !== undefined) this.#engine.stopRecording(this.#recording);
    return this.#recorded;
  }

  statistics() {
    return this.leg.endpoint === undefined ? undefined : this.#engine.statistics(this.leg.endpoint);
  }

  /** Hold (`sendonly`, `inactive`) or resume (`sendrecv`) by re-INVITE. */
  offer(direction: MediaDirection): Promise<boolean> {
    return this.leg.offerDirection(direction);
  }
}
