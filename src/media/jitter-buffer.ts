// A jitter buffer for G.711 streams: puts packets in order, drops duplicates, waits 20-100 ms (as much as the network's jitter
// asks for) and says when each is to be played. Used where audio is decoded: mixer, recorder, transcoding to a shared clock.
// Pure: time is a parameter. It knows sequence numbers and timestamps (8,000 units per second), not the SSRC.
//
//   arrival    0 1   2 4 3      5  (times uneven, order wrong)
//   ring       ├─0─┼─1─┼─2─┼─3─┼─4─┼─5─┤   slot = sequence mod 64
//   due        base + (timestamp - base timestamp)
//   pull            0   1   2   3   4   5   one per 20 ms
//
// The base is the only thing that adapts: a packet that comes after it was due moves the base later (more delay); a stretch of
// packets that all came far too early moves it earlier by one packet (less delay; this is also how a faster clock of the
// sender is absorbed).

const SLOTS = 64;
const UNITS_PER_MS = 8;
/** What fits most networks. */
const USUAL_DEPTH: JitterDepth = { startMs: 40, minMs: 20, maxMs: 100 };
/** A packet counts as due when its time is nearer than half a frame: the caller's tick is not exact either. */
const SLACK_MS = 10;
/** Beyond this distance between arrival and due time the sender has started a new timeline. */
const JUMP_MS = 1_000;
/** Packets over which jitter and spare delay are measured. */
const WINDOW_PACKETS = 100;
/** What the buffer may hold beyond the largest target before packets are left out: the frame being played, and some jitter. */
const SPARE_FRAMES = 3;
const DEFAULT_FRAME_UNITS = 160;
/** Larger payloads than any G.711 packet of up to 180 ms are not kept. */
const MAX_PAYLOAD_BYTES = 1_440;

/** How long packets are held back: at first, and between which bounds it adapts. */
export interface JitterDepth {
  readonly startMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

interface Slot {
  sequence: number;
  timestamp: number;
  length: number;
  isFilled: boolean;
  /** It was reported lost; should it still come, the delay was too short. */
  wasLost: boolean;
  bytes: Uint8Array;
}

export type Pulled =
  /** `payload` is valid until the next push. */
  | { readonly kind: 'packet'; readonly payload: Uint8Array; readonly timestamp: number }
  /** One packet's worth is missing: conceal it. */
  | { readonly kind: 'lost' }
  /** Nothing is due: not started, underrun, or the sender pauses. */
  | { readonly kind: 'empty' };

export interface JitterStatistics {
  readonly late: number;
  readonly duplicates: number;
  readonly lost: number;
  readonly resyncs: number;
  /** Packets left out to get the delay down. */
  readonly skipped: number;
}

const EMPTY: Pulled = { kind: 'empty' };
const LOST: Pulled = { kind: 'lost' };

/** Distance of two 16-bit sequence numbers, -32,768 to 32,767. */
const sequenceDistance = (from: number, to: number): number => ((to - from) << 16) >> 16;

export class JitterBuffer {
  readonly #slots: Slot[] = Array.from({ length: SLOTS }, () => ({
    sequence: 0,
    timestamp: 0,
    length: 0,
    isFilled: false,
    wasLost: false,
    bytes: new Uint8Array(0),
  }));
  #isStarted = false;
  /** Sequence number that is to be pulled next; highest that was pushed. */
  #expected = 0;
  #highest = 0;
  #filled = 0;
  #baseTimestamp = 0;
  #baseMs = 0;
  #frameUnits = DEFAULT_FRAME_UNITS;
  readonly #depth: JitterDepth;
  #targetMs: number;
  /** First packet of a suspected new sequence range (RFC 3550 A.1: two in a row make a jump). */
  #suspect = -1;
  /** Smallest and largest earliness (due time minus arrival) of the running window. */
  #windowCount = 0;
  #windowMin = Number.POSITIVE_INFINITY;
  #windowMax = Number.NEGATIVE_INFINITY;
  #late = 0;
  #duplicates = 0;
  #lost = 0;
  #resyncs = 0;
  #skipped = 0;

  constructor(depth: JitterDepth = USUAL_DEPTH) {
    this.#depth = depth;
    this.#targetMs = depth.startMs;
  }

  /** Packets held now, at most 64. */
  get length(): number {
    return this.#filled;
  }

  /** Delay that the present jitter asks for, in milliseconds. */
  get targetMs(): number {
    return this.#targetMs;
  }

  get statistics(): JitterStatistics {
    return {
      late: this.#late,
      duplicates: this.#duplicates,
      lost: this.#lost,
      resyncs: this.#resyncs,
      skipped: this.#skipped,
    };
  }

  /** Forgets everything but the learned target: the stream has a new SSRC. */
  reset(): void {
    for (const slot of this.#slots) {
      slot.isFilled = false;
      slot.wasLost = false;
    }
    this.#filled = 0;
    this.#isStarted = false;
    this.#suspect = -1;
    this.#restartWindow();
  }

  /**
   * Takes a packet; the payload is copied. A packet without audio (a telephone event) is pushed with an empty payload, so that
   * its sequence number does not count as lost.
   */
  push(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    if (payload.length > MAX_PAYLOAD_BYTES) return;
    const ahead = sequenceDistance(this.#expected, sequence);
    if (!this.#isStarted) {
      if (payload.length > 0) this.#start(sequence, timestamp, payload, nowMs);
    } else if (ahead >= SLOTS || ahead < -SLOTS) {
      this.#pushFarAway(sequence, timestamp, payload, nowMs);
    } else if (ahead < 0) {
      this.#pushLate(sequence, timestamp, nowMs);
    } else {
      this.#pushInOrder(sequence, timestamp, payload, nowMs);
    }
  }

  /**
   * What is to be played now. Call it once per 20 ms; where packets are shorter than that, again until it says `empty`.
   */
  pull(nowMs: number): Pulled {
    while (this.#isStarted && this.#filled > 0) {
      const slot = this.#slots[this.#expected % SLOTS]!;
      if (!slot.isFilled) return this.#pullGap(nowMs);
      if (slot.length === 0) {
        this.#discard(slot);
        continue;
      }
      if (this.#dueMs(slot.timestamp) - nowMs > SLACK_MS) return EMPTY;
      this.#discard(slot);
      return { kind: 'packet', payload: slot.bytes.subarray(0, slot.length), timestamp: slot.timestamp };
    }
    return EMPTY;
  }

  /** The expected packet is missing and later ones are here: it is lost once its own time has come. */
  #pullGap(nowMs: number): Pulled {
    let missing = 1;
    let slot = this.#slots[(this.#expected + missing) % SLOTS]!;
    while (!slot.isFilled) {
      missing += 1;
      slot = this.#slots[(this.#expected + missing) % SLOTS]!;
    }
    const nextDueMs = slot.length > 0 ? this.#dueMs(slot.timestamp) : nowMs;
    if (nextDueMs - (missing * this.#frameUnits) / UNITS_PER_MS - nowMs > SLACK_MS) return EMPTY;
    const lost = this.#slots[this.#expected % SLOTS]!;
    lost.sequence = this.#expected;
    lost.wasLost = true;
    this.#expected = (this.#expected + 1) & 0xffff;
    this.#lost += 1;
    return LOST;
  }

  #start(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    this.#isStarted = true;
    this.#expected = sequence;
    this.#highest = sequence;
    this.#baseTimestamp = timestamp;
    this.#baseMs = nowMs + this.#targetMs;
    this.#frameUnits = payload.length;
    this.#restartWindow();
    this.#store(this.#slots[sequence % SLOTS]!, sequence, timestamp, payload);
  }

  #resync(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    this.reset();
    this.#resyncs += 1;
    this.#start(sequence, timestamp, payload, nowMs);
  }

  #pushInOrder(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    this.#suspect = -1;
    const slot = this.#slots[sequence % SLOTS]!;
    if (slot.isFilled) {
      this.#duplicates += 1;
      return;
    }
    if (payload.length > 0) {
      const earlyMs = this.#dueMs(timestamp) - nowMs;
      if (Math.abs(earlyMs) > JUMP_MS) {
        this.#resync(sequence, timestamp, payload, nowMs);
        return;
      }
      this.#adapt(earlyMs);
    }
    this.#store(slot, sequence, timestamp, payload);
    if (sequenceDistance(this.#highest, sequence) > 0) this.#highest = sequence;
    this.#shorten();
  }

  /** Its time is over. If it was missed (and is no copy of one that was played), the delay was too short. */
  #pushLate(sequence: number, timestamp: number, nowMs: number): void {
    this.#suspect = -1;
    this.#late += 1;
    const slot = this.#slots[sequence % SLOTS]!;
    if (!slot.wasLost || slot.sequence !== sequence) return;
    slot.wasLost = false;
    const earlyMs = this.#dueMs(timestamp) - nowMs;
    if (earlyMs < SLACK_MS && earlyMs > -this.#depth.maxMs) this.#adapt(earlyMs);
  }

  /** RFC 3550 A.1: one stray packet is dropped, two in sequence are the stream's new place. */
  #pushFarAway(sequence: number, timestamp: number, payload: Uint8Array, nowMs: number): void {
    if (sequence === this.#suspect && payload.length > 0) {
      this.#resync(sequence, timestamp, payload, nowMs);
      return;
    }
    this.#suspect = (sequence + 1) & 0xffff;
    this.#late += 1;
  }

  #store(slot: Slot, sequence: number, timestamp: number, payload: Uint8Array): void {
    if (slot.bytes.length < payload.length) slot.bytes = new Uint8Array(Math.max(payload.length, DEFAULT_FRAME_UNITS));
    slot.bytes.set(payload);
    slot.length = payload.length;
    slot.sequence = sequence;
    slot.timestamp = timestamp;
    slot.isFilled = true;
    slot.wasLost = false;
    this.#filled += 1;
    if (payload.length > 0) this.#frameUnits = payload.length;
  }

  #discard(slot: Slot): void {
    slot.isFilled = false;
    this.#filled -= 1;
    this.#expected = (this.#expected + 1) & 0xffff;
  }

  #dueMs(timestamp: number): number {
    return this.#baseMs + ((timestamp - this.#baseTimestamp) | 0) / UNITS_PER_MS;
  }

  /** Learns from how early (or, negative, how late) a packet came. */
  #adapt(earlyMs: number): void {
    // A tick may take, or give up, a packet SLACK_MS before its time: whatever comes later than that is too late, and from now on
    // everything is played later by as much.
    const missingMs = Math.max(0, SLACK_MS - earlyMs);
    this.#baseMs += missingMs;
    this.#windowMin = Math.min(this.#windowMin, earlyMs) + missingMs;
    this.#windowMax = Math.max(this.#windowMax, earlyMs) + missingMs;
    this.#windowCount += 1;
    if (this.#windowCount < WINDOW_PACKETS) return;
    const spreadMs = this.#windowMax - this.#windowMin;
    this.#targetMs = Math.min(this.#depth.maxMs, Math.max(this.#depth.minMs, spreadMs + SLACK_MS));
    const frameMs = this.#frameUnits / UNITS_PER_MS;
    // Even the latest packet of the window had more than a frame to spare, and so has the average of what the jitter needs.
    if (this.#windowMin > frameMs + SLACK_MS && this.#windowMax - frameMs >= this.#targetMs) this.#skipOne();
    this.#restartWindow();
  }

  #restartWindow(): void {
    this.#windowCount = 0;
    this.#windowMin = Number.POSITIVE_INFINITY;
    this.#windowMax = Number.NEGATIVE_INFINITY;
  }

  /** After a burst the buffer may hold more than any delay we want: leave out the oldest. */
  #shorten(): void {
    const frameMs = this.#frameUnits / UNITS_PER_MS;
    for (;;) {
      const held = sequenceDistance(this.#expected, this.#highest) + 1;
      if (this.#filled === 0 || held * frameMs <= this.#depth.maxMs + SPARE_FRAMES * frameMs) return;
      this.#skipOne();
    }
  }

  /** Leaves out the next packet (or gap) and moves the timeline earlier by its length. */
  #skipOne(): void {
    const slot = this.#slots[this.#expected % SLOTS]!;
    if (slot.isFilled) this.#discard(slot);
    else this.#expected = (this.#expected + 1) & 0xffff;
    this.#baseMs -= this.#frameUnits / UNITS_PER_MS;
    this.#skipped += 1;
  }
}
