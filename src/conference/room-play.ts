// Plays to whole rooms and waits for their end. The engine reports a play of a mixer with the mixer's id in place of an endpoint.

import type { MediaEngine, MediaEvent, PlayId, PlayOptions } from '../media/engine.ts';
import type { MixerId } from '../media/engine-audio.ts';

export type RoomPlayOutcome = 'finished' | 'failed' | 'aborted';
export type PlayToRoom = (mixer: MixerId, options: PlayOptions, signal: AbortSignal) => Promise<RoomPlayOutcome>;

export class RoomPlays {
  readonly #engine: Pick<MediaEngine, 'playToMixer' | 'stopPlay'>;
  readonly #waiting = new Map<PlayId, (outcome: RoomPlayOutcome) => void>();

  constructor(engine: Pick<MediaEngine, 'playToMixer' | 'stopPlay'>) {
    this.#engine = engine;
  }

  readonly play: PlayToRoom = (mixer, options, signal) => {
    if (signal.aborted) return Promise.resolve('aborted');
    return new Promise((resolve) => {
      const play = this.#engine.playToMixer(mixer, options);
      const onAbort = () => {
        this.#engine.stopPlay(play);
        finish('aborted');
      };
      const finish = (outcome: RoomPlayOutcome) => {
        this.#waiting.delete(play);
        signal.removeEventListener('abort', onAbort);
        resolve(outcome);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiting.set(play, finish);
    });
  };

  onMediaEvent(event: Extract<MediaEvent, { type: 'playEnded' }>): void {
    const { play, outcome } = event;
    this.#waiting.get(play)?.(outcome === 'stopped' ? 'aborted' : outcome);
  }

  get size(): number {
    return this.#waiting.size;
  }
}
