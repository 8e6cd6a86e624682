// A mixer as one worker sees it: its own members, what the other workers send, and what is played to the room. Every 20 ms all are added
// once, and each member hears the sum without itself (N-1), limited to 16 bits. mixers.ts owns it and calls tick.
//
//   members ─┐                       ┌─▶ rings to the other workers (our members and plays only)
//   plays   ─┼─▶ sum of 32 bits ─────┤
//   rings   ─┘                       ├─▶ listeners: recordings of the room
//                                    └─▶ each member: sum - own + what is said to it alone ─▶ 16 bits ─▶ its codec
//
// Who did not speak hears the same as all others who did not: it is encoded once per codec.

import type { AudioCodec } from '../sdp/plan.ts';
import type { RingSink } from './bridge.ts';
import type { Endpoint } from './endpoint.ts';
import type { PlayId, PlayOptions } from './engine-plays.ts';
import { encode, silenceOctet } from './g711.ts';
import { MixerInlet, type MixerOutlet } from './mixer-link.ts';
import { MixerSeat, type SeatOptions } from './mixer-member.ts';
import type { SourceToken } from './outgoing-stream.ts';
import { SourcePlayer } from './player.ts';
import { drop } from './statistics.ts';
import { FRAME_SAMPLES } from './tone.ts';

/** Hears the whole room, frame by frame: a recording. */
export interface MixListener {
  /** Frame number `frame`; the samples are valid during the call only. */
  mixedFrame(samples: Int16Array, nowMs: number, frame: number): void;
  /** The mixer is gone; it is not a listener any more. */
  mixerEnded(): void;
}

export interface MixerContext {
  /** Rings to the other workers, by their number. */
  readonly rings: ReadonlyMap<number, RingSink>;
  readonly outlet: MixerOutlet;
  playEnded(play: PlayId, outcome: 'finished' | 'stopped' | 'failed'): void;
}

const SILENCE: Readonly<Record<AudioCodec, Uint8Array>> = {
  PCMU: new Uint8Array(FRAME_SAMPLES).fill(silenceOctet.PCMU),
  PCMA: new Uint8Array(FRAME_SAMPLES).fill(silenceOctet.PCMA),
};

export class Mixer {
  readonly number: number;
  readonly #context: MixerContext;
  readonly #seats = new Map<Endpoint, MixerSeat>();
  readonly #plays = new Map<PlayId, SourcePlayer>();
  readonly #listeners = new Set<MixListener>();
  readonly #inlets = new Map<number, MixerInlet>();
  #rings: readonly RingSink[] = [];
  readonly #sum = new Int32Array(FRAME_SAMPLES);
  readonly #own = new Int32Array(FRAME_SAMPLES);
  readonly #limited = new Int16Array(FRAME_SAMPLES);
  readonly #payload = new Uint8Array(FRAME_SAMPLES);
  /** What those hear who did not speak; null while nobody has asked for it in this frame. */
  readonly #shared: Record<AudioCodec, Uint8Array> = {
    PCMU: new Uint8Array(FRAME_SAMPLES),
    PCMA: new Uint8Array(FRAME_SAMPLES),
  };
  readonly #isShared: Record<AudioCodec, boolean> = { PCMU: false, PCMA: false };
  /** Who speaks in private in this frame. */
  readonly #private: MixerSeat[] = [];
  /** Voices in the sum of this frame. */
  #voices = 0;

  constructor(number: number, context: MixerContext) {
    this.number = number;
    this.#context = context;
  }

  get members(): number {
    return this.#seats.size;
  }

  get plays(): number {
    return this.#plays.size;
  }

  get needsTicks(): boolean {
    return this.#seats.size > 0 || this.#plays.size > 0 || this.#listeners.size > 0;
  }

  // --- commands

  /** The other workers of this mixer. Their audio goes on where they were known before. */
  connect(workers: readonly number[]): void {
    const { rings } = this.#context;
    const known = workers.filter((worker) => rings.has(worker));
    this.#rings = known.map((worker) => rings.get(worker)!);
    for (const worker of this.#inlets.keys()) if (!known.includes(worker)) this.#inlets.delete(worker);
    for (const worker of known) if (!this.#inlets.has(worker)) this.#inlets.set(worker, new MixerInlet());
  }

  /** Seats an endpoint, or changes what it may. */
  seat(seat: number, endpoint: Endpoint, options: SeatOptions, newToken: () => SourceToken): void {
    const known = this.#seats.get(endpoint);
    if (known?.isSeated) known.update(options);
    else this.#seats.set(endpoint, new MixerSeat(seat, endpoint, options, newToken()));
  }

  unseat(endpoint: Endpoint): boolean {
    this.#seats.get(endpoint)?.leave();
    return this.#seats.delete(endpoint);
  }

  play(play: PlayId, options: PlayOptions): void {
    this.#plays.set(play, new SourcePlayer(options, { telephoneEvents: false }));
  }

  stopPlay(play: PlayId): void {
    if (this.#plays.delete(play)) this.#context.playEnded(play, 'stopped');
  }

  listen(listener: MixListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: MixListener): void {
    this.#listeners.delete(listener);
  }

  /** An entry of the ring from `worker`; `played` is our last frame. */
  receive(worker: number, entry: Uint8Array, played: number): void {
    this.#inlets.get(worker)?.receive(entry, played);
  }

  end(): void {
    for (const seat of this.#seats.values()) seat.leave();
    this.#seats.clear();
    for (const play of [...this.#plays.keys()]) this.stopPlay(play);
    for (const listener of [...this.#listeners]) {
      this.#listeners.delete(listener);
      listener.mixerEnded();
    }
    this.#inlets.clear();
    this.#rings = [];
  }

  // --- time

  /** Frame number `frame` (20 ms each) is due. */
  tick(frame: number, nowMs: number): void {
    this.#sum.fill(0);
    this.#voices = 0;
    this.#private.length = 0;
    this.#isShared.PCMU = false;
    this.#isShared.PCMA = false;
    this.#addPlays();
    this.#addMembers(nowMs);
    if (this.#rings.length > 0) this.#exchange(frame);
    if (this.#listeners.size > 0) this.#tellListeners(nowMs, frame);
    for (const seat of this.#seats.values()) this.#giveTo(seat, frame, nowMs);
    for (const inlet of this.#inlets.values()) inlet.tidy(frame);
  }

  #addPlays(): void {
    for (const [play, player] of this.#plays) {
      const step = player.next(this.#limited);
      if (step === 'end') {
        this.#plays.delete(play);
        this.#context.playEnded(play, 'finished');
      } else if (step === 'audio') {
        this.#add(this.#limited);
      }
    }
  }

  #addMembers(nowMs: number): void {
    for (const seat of this.#seats.values()) {
      seat.next(nowMs);
      if (!seat.speaks) continue;
      if (seat.options.coaches !== null) this.#private.push(seat);
      else this.#add(seat.samples);
    }
  }

  #add(samples: Int16Array): void {
    const sum = this.#sum;
    for (let index = 0; index < FRAME_SAMPLES; index++) sum[index] = sum[index]! + samples[index]!;
    this.#voices += 1;
  }

  /** Sends what is ours, then adds what is theirs. */
  #exchange(frame: number): void {
    const { outlet } = this.#context;
    let isSent = true;
    if (this.#voices > 0) isSent = outlet.send(this.number, this.#rings, frame, this.#sum);
    for (const { seat, samples, options } of this.#private) {
      isSent = outlet.send(this.number, this.#rings, frame, samples, seat, options.coaches!) && isSent;
    }
    if (!isSent)
      for (const { speaks, endpoint } of this.#seats.values()) if (speaks) endpoint.statistics.add(drop.ring, 1);
    for (const inlet of this.#inlets.values()) if (inlet.addTo(this.#sum, frame)) this.#voices += 1;
  }

  #tellListeners(nowMs: number, frame: number): void {
    for (const listener of this.#listeners) {
      limit(this.#sum, this.#limited);
      listener.mixedFrame(this.#limited, nowMs, frame);
    }
  }

  #giveTo(seat: MixerSeat, frame: number, nowMs: number): void {
    const codec = seat.isSeated ? seat.endpoint.mixCodec : null;
    if (codec === null) return;
    seat.endpoint.sendMix(seat.token, this.#payloadFor(seat, codec, frame), frame, nowMs);
  }

  #payloadFor(seat: MixerSeat, codec: AudioCodec, frame: number): Uint8Array {
    if (!seat.options.hears) return SILENCE[codec];
    const isInSum = seat.speaks && seat.options.coaches === null;
    const isSpokenTo = this.#addPrivate(seat, frame);
    if (!isSpokenTo && this.#voices === (isInSum ? 1 : 0)) return SILENCE[codec];
    if (!isSpokenTo && !isInSum) return this.#sharedPayload(codec);
    const own = this.#own;
    const { samples } = seat;
    for (let index = 0; index < FRAME_SAMPLES; index++) {
      const extra = isSpokenTo ? own[index]! : 0;
      const sum = this.#sum[index]! + extra - (isInSum ? samples[index]! : 0);
      this.#limited[index] = sum > 32_767 ? 32_767 : sum < -32_768 ? -32_768 : sum;
    }
    encode(codec, this.#limited, this.#payload);
    return this.#payload;
  }

  /** Leaves in `#own` what is said to this member alone; false when nothing is. */
  #addPrivate({ seat }: MixerSeat, frame: number): boolean {
    const own = this.#own;
    let isAdded = false;
    for (const { seat: from, options, samples } of this.#private) {
      if (options.coaches !== seat || from === seat) continue;
      if (!isAdded) own.fill(0);
      isAdded = true;
      for (let index = 0; index < FRAME_SAMPLES; index++) own[index] = own[index]! + samples[index]!;
    }
    for (const inlet of this.#inlets.values()) {
      if (!inlet.hasPrivate) continue;
      if (!isAdded) own.fill(0);
      isAdded = inlet.addPrivateTo(seat, own, frame) || isAdded;
    }
    return isAdded;
  }

  #sharedPayload(codec: AudioCodec): Uint8Array {
    const payload = this.#shared[codec];
    if (!this.#isShared[codec]) {
      limit(this.#sum, this.#limited);
      encode(codec, this.#limited, payload);
      this.#isShared[codec] = true;
    }
    return payload;
  }
}

/** Limits each sample to 16 bits. */
function limit(sum: Int32Array, out: Int16Array): void {
  for (let index = 0; index < FRAME_SAMPLES; index++) {
    const sample = sum[index]!;
    out[index] = sample > 32_767 ? 32_767 : sample < -32_768 ? -32_768 : sample;
  }
}
