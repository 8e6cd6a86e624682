// A player: turns a list of sources (samples, silence, tones, digits) into one frame per 20 ms. Pure; the engine calls next() on
// its tick and sends what comes out. Sources follow one another without a gap: a frame may hold the end of one and the start of
// the next. Digits towards a peer with telephone-event are RFC 4733 packets in place of audio, aligned to frames:
//
//   in-band   tone 100 ms │ silence 100 ms │ next digit
//   RFC 4733  ● ● ● ● E E E │ 3 frames silent │ next digit       (7 packets, 20 ms apart, see telephone-event.ts)

import { DIGIT_TONE_LEVEL_DB, digitTone } from './dtmf-tones.ts';
import type { PlayOptions, PlaySource } from './engine.ts';
import { type TelephoneEventPacket, telephoneEventPackets } from './telephone-event.ts';
import { FRAME_SAMPLES, SAMPLE_RATE, ToneGenerator } from './tone.ts';

const DIGIT_MS = 100;
const DIGIT_GAP_MS = 100;
const FRAME_MS = 20;
/** `w` and `W` in a string of digits. */
const PAUSES_MS: Readonly<Record<string, number>> = { w: 500, W: 1_000 };

export interface EventStep {
  readonly kind: 'event';
  readonly digit: string;
  readonly payload: Uint8Array;
  readonly marker: boolean;
  /** First packet of a press: the engine takes the current timestamp for it and all that follow. */
  readonly startOfEvent: boolean;
}

/** What one frame is: samples in `out`, all zero (`out` is zeroed too), a telephone-event packet, or nothing any more. */
export type PlayStep = 'audio' | 'silence' | 'end' | EventStep;

/** One piece of a round: what is left of it is counted in samples, or in packets for an event. */
type Piece =
  | { readonly kind: 'samples'; readonly samples: Int16Array; position: number }
  | { readonly kind: 'silence'; remaining: number }
  | { readonly kind: 'tone'; readonly generator: ToneGenerator; remaining: number }
  | { readonly kind: 'event'; readonly digit: string; readonly packets: readonly TelephoneEventPacket[]; next: number };

const samplesOf = (durationMs: number): number =>
  Number.isFinite(durationMs) ? Math.max(0, Math.round((durationMs * SAMPLE_RATE) / 1_000)) : 0;

export class SourcePlayer {
  readonly #options: PlayOptions;
  readonly #telephoneEvents: boolean;
  #pieces: Piece[] = [];
  #piece: Piece | undefined;
  #sourceIndex = 0;
  #roundsLeft: number;
  /** Whether the current round has given anything: an endless loop over nothing ends. */
  #roundHasContent = false;
  #isEnded = false;

  constructor(options: PlayOptions, capabilities: { readonly telephoneEvents: boolean }) {
    this.#options = options;
    this.#telephoneEvents = capabilities.telephoneEvents;
    this.#roundsLeft = options.loop > 0 ? options.loop : Number.POSITIVE_INFINITY;
  }

  /** Fills `out` (160 samples) with the next 20 ms. */
  next(out: Int16Array): PlayStep {
    let position = 0;
    let isAudible = false;
    while (position < out.length) {
      const piece = this.#current();
      if (!piece) break;
      if (piece.kind === 'event') {
        // RFC 4733 packets start on a frame of their own.
        if (position > 0) break;
        out.fill(0);
        return this.#eventStep(piece);
      }
      const end = fill(piece, out, position);
      if (piece.kind !== 'silence') isAudible = true;
      position = end;
    }
    out.fill(0, position);
    if (position === 0) return 'end';
    return isAudible ? 'audio' : 'silence';
  }

  /** All rounds are over: the next step is `end`. */
  get isEnded(): boolean {
    return this.#current() === undefined;
  }

  #eventStep(piece: Piece & { kind: 'event' }): EventStep {
    const packet = piece.packets[piece.next]!;
    piece.next += 1;
    const { payload, marker } = packet;
    return { kind: 'event', digit: piece.digit, payload, marker, startOfEvent: piece.next === 1 };
  }

  /** The piece that is being played, or undefined when all rounds are over. */
  #current(): Piece | undefined {
    while (!this.#isEnded) {
      if (this.#piece && !isUsedUp(this.#piece)) return this.#piece;
      this.#piece = this.#pieces.shift();
      if (this.#piece) {
        if (!isUsedUp(this.#piece)) this.#roundHasContent = true;
        continue;
      }
      const source = this.#options.sources[this.#sourceIndex];
      if (source) {
        this.#sourceIndex += 1;
        this.#pieces = this.#piecesOf(source);
      } else {
        this.#endRound();
      }
    }
    return undefined;
  }

  #endRound(): void {
    this.#roundsLeft -= 1;
    if (this.#roundsLeft <= 0 || !this.#roundHasContent) this.#isEnded = true;
    this.#roundHasContent = false;
    this.#sourceIndex = 0;
  }

  #piecesOf(source: PlaySource): Piece[] {
    switch (source.kind) {
      case 'samples':
        return [{ kind: 'samples', samples: source.samples, position: 0 }];
      case 'silence':
        return [{ kind: 'silence', remaining: samplesOf(source.durationMs) }];
      case 'tone':
        return [tone(source.frequencies, source.levelDb, source.durationMs)];
      case 'digits':
        return [...source.digits].flatMap((digit) => this.#digitPieces(digit));
    }
  }

  #digitPieces(digit: string): Piece[] {
    const pauseMs = PAUSES_MS[digit];
    if (pauseMs !== undefined) return [{ kind: 'silence', remaining: samplesOf(pauseMs) }];
    const frequencies = digitTone(digit);
    if (!frequencies) return [];
    if (!this.#telephoneEvents) {
      return [
        tone(frequencies, DIGIT_TONE_LEVEL_DB, DIGIT_MS),
        { kind: 'silence', remaining: samplesOf(DIGIT_GAP_MS) },
      ];
    }
    const packets = telephoneEventPackets(digit, {
      durationMs: DIGIT_MS,
      packetTimeMs: FRAME_MS,
      volumeDb: DIGIT_TONE_LEVEL_DB,
    });
    const silentFrames = Math.max(1, (DIGIT_MS + DIGIT_GAP_MS) / FRAME_MS - packets.length);
    return [
      { kind: 'event', digit: digit.toUpperCase(), packets, next: 0 },
      { kind: 'silence', remaining: silentFrames * FRAME_SAMPLES },
    ];
  }
}

const tone = (frequencies: readonly number[], levelDb: number, durationMs: number): Piece => ({
  kind: 'tone',
  generator: new ToneGenerator(frequencies, levelDb),
  remaining: samplesOf(durationMs),
});

function isUsedUp(piece: Piece): boolean {
  switch (piece.kind) {
    case 'samples':
      return piece.position >= piece.samples.length;
    case 'event':
      return piece.next >= piece.packets.length;
    default:
      return piece.remaining <= 0;
  }
}

/** Writes as much of `piece` as fits from `position` on; returns where it ended. */
function fill(piece: Exclude<Piece, { kind: 'event' }>, out: Int16Array, position: number): number {
  const room = out.length - position;
  if (piece.kind === 'samples') {
    const count = Math.min(room, piece.samples.length - piece.position);
    out.set(piece.samples.subarray(piece.position, piece.position + count), position);
    piece.position += count;
    return position + count;
  }
  const count = Math.min(room, piece.remaining);
  if (piece.kind === 'tone') piece.generator.fill(out, position, position + count);
  else out.fill(0, position, position + count);
  piece.remaining -= count;
  return position + count;
}
