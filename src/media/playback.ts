// What an endpoint sends by itself, frame by frame: a play, digits put in for a peer without telephone-event, or comfort. Pure.
// Precedence towards the peer: play, then digits put in, then the bridge (endpoint.ts), then comfort.

import type { PlayId, PlayOptions } from './engine.ts';
import { holdMusic } from './hold-music.ts';
import { type PlayStep, SourcePlayer } from './player.ts';
import { StreamPlayer } from './stream-player.ts';

export type ComfortMode = 'none' | 'silence' | 'music';

/** Digits waiting to be put in as tones; a peer that sends more in one go loses the rest. */
const INSERTED_MAX = 32;

interface RunningPlay {
  readonly play: PlayId;
  /** Options become a player at the first frame: only then is it known what the peer can take. */
  player: PlayOptions | SourcePlayer | StreamPlayer;
}

export class Playback {
  #comfort: ComfortMode = 'none';
  /** Null: the built-in tune. */
  #tune: Int16Array | null = null;
  #running: RunningPlay | null = null;
  #inserted: SourcePlayer | null = null;
  #waiting = '';
  #music: SourcePlayer | null = null;

  /** Whether the peer hears a play or digits now: then nothing else is sent to it. */
  get isPlaying(): boolean {
    return this.#running !== null || this.#inserted !== null || this.#waiting !== '';
  }

  get needsTicks(): boolean {
    return this.isPlaying || this.#comfort !== 'none';
  }

  get comfort(): ComfortMode {
    return this.#comfort;
  }

  /** Music begins at its start each time that it is switched on. */
  setComfort(mode: ComfortMode, tune: Int16Array | null): void {
    if (mode === this.#comfort && tune === this.#tune) return;
    this.#comfort = mode;
    this.#tune = tune;
    this.#music = null;
  }

  /** Begins a play; returns the one that it replaces. */
  start(play: PlayId, player: PlayOptions | StreamPlayer): PlayId | null {
    const replaced = this.stop(null);
    this.#running = { play, player };
    return replaced;
  }

  /** The stream of this name, while it runs. */
  stream(play: PlayId): StreamPlayer | null {
    const running = this.#running;
    return running?.play === play && running.player instanceof StreamPlayer ? running.player : null;
  }

  /** Ends `play`, or whichever runs when null is given; returns its id, or null when it does not run. */
  stop(play: PlayId | null): PlayId | null {
    const running = this.#running;
    if (!running || (play !== null && running.play !== play)) return null;
    this.#running = null;
    // Who waits for marks is not left waiting.
    if (running.player instanceof StreamPlayer) running.player.clear();
    return running.play;
  }

  /** Puts a digit in, after those that wait. */
  insert(digit: string): void {
    if (this.#waiting.length < INSERTED_MAX) this.#waiting += digit;
  }

  /** The last frame of the play was given: its end is told at once, so that the next one can follow without a gap. */
  get isPlayedOut(): boolean {
    return this.#running?.player instanceof SourcePlayer && this.#running.player.isEnded;
  }

  /** The next frame of a play or of digits put in. `end`: it is over. */
  next(frame: Int16Array, telephoneEvents: boolean): PlayStep {
    const running = this.#running;
    if (running) {
      if (!('next' in running.player)) running.player = new SourcePlayer(running.player, { telephoneEvents });
      return running.player.next(frame);
    }
    return this.#nextInserted(frame, telephoneEvents);
  }

  /** Silence or music into `frame`. */
  nextComfort(frame: Int16Array): void {
    if (this.#comfort === 'silence') {
      frame.fill(0);
      return;
    }
    this.#music ??= new SourcePlayer(
      { sources: [{ kind: 'samples', samples: this.#tune ?? holdMusic() }], loop: 0 },
      { telephoneEvents: false },
    );
    this.#music.next(frame);
  }

  #nextInserted(frame: Int16Array, telephoneEvents: boolean): PlayStep {
    if (!this.#inserted) {
      if (this.#waiting === '') return 'end';
      this.#inserted = new SourcePlayer(
        { sources: [{ kind: 'digits', digits: this.#waiting }], loop: 1 },
        { telephoneEvents },
      );
      this.#waiting = '';
    }
    const step = this.#inserted.next(frame);
    if (step !== 'end') return step;
    this.#inserted = null;
    return this.#nextInserted(frame, telephoneEvents);
  }
}
