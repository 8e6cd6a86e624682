// The mixers of one core: obeys the commands about them, ticks them, and hands them what the rings bring. core.ts owns it.

import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { RingSink } from './bridge.ts';
import type { Endpoint } from './endpoint.ts';
import type { MediaEvent, PlayId } from './engine.ts';
import type { MixerId } from './engine-audio.ts';
import { Mixer } from './mixer.ts';
import { MixerOutlet } from './mixer-link.ts';
import type { MixerCommand } from './mixer-messages.ts';
import { MixerRecordings } from './mixer-recordings.ts';
import type { SourceToken } from './outgoing-stream.ts';
import type { RecordingsHost } from './recordings.ts';

export interface MixersOptions extends RecordingsHost {
  readonly rings: ReadonlyMap<number, RingSink>;
  readonly log: Log;
  endpoint(id: string): Endpoint | undefined;
  emit(event: MediaEvent): void;
  newToken(): SourceToken;
  /** Ticks are needed from now on, until needsTicks is false. */
  wake(): void;
}

export class Mixers {
  readonly #options: MixersOptions;
  readonly #outlet = new MixerOutlet();
  readonly #mixers = new Map<number, Mixer>();
  readonly #recordings: MixerRecordings;
  readonly #faulted = new Set<number>();

  constructor(options: MixersOptions) {
    this.#options = options;
    this.#recordings = new MixerRecordings(options);
  }

  get size(): number {
    return this.#mixers.size;
  }

  get members(): number {
    let count = 0;
    for (const mixer of this.#mixers.values()) count += mixer.members;
    return count;
  }

  get plays(): number {
    let count = 0;
    for (const mixer of this.#mixers.values()) count += mixer.plays;
    return count;
  }

  get needsTicks(): boolean {
    for (const mixer of this.#mixers.values()) if (mixer.needsTicks) return true;
    return false;
  }

  handle(command: MixerCommand): void {
    const mixer = this.#mixers.get(command.mixer);
    switch (command.type) {
      case 'recordMixer':
        this.#recordings.obey(mixer, command.command);
        break;
      case 'setMixer':
        (mixer ?? this.#create(command.mixer, command.id)).connect(command.workers);
        break;
      case 'endMixer':
        mixer?.end();
        this.#mixers.delete(command.mixer);
        this.#faulted.delete(command.mixer);
        break;
      case 'seat': {
        const endpoint = this.#options.endpoint(command.endpoint);
        if (endpoint) mixer?.seat(command.seat, endpoint, command.options, this.#options.newToken);
        break;
      }
      case 'unseat': {
        const endpoint = this.#options.endpoint(command.endpoint);
        if (endpoint) mixer?.unseat(endpoint);
        break;
      }
      case 'playToMixer':
        if (mixer && mixer.plays < limits.mixerPlays) mixer.play(command.play, command.options);
        else this.#playEnded(command.id, command.play, 'failed');
        break;
      case 'stopMixerPlay':
        mixer?.stopPlay(command.play);
    }
    if (mixer?.needsTicks) this.#options.wake();
  }

  /** The endpoint is closed. */
  forget(endpoint: Endpoint): void {
    for (const mixer of this.#mixers.values()) if (mixer.unseat(endpoint)) return;
  }

  /** An entry that `worker` put into its ring for us; false when it is of no mixer here. */
  receive(worker: number, number: number, entry: Uint8Array, played: number): boolean {
    const mixer = this.#mixers.get(number);
    mixer?.receive(worker, entry, played);
    return mixer !== undefined;
  }

  /** Frame number `frame` is due, after the endpoints had their turn: where a play has just ended the mix goes on in the same frame. */
  tick(frame: number, nowMs: number): void {
    for (const [number, mixer] of this.#mixers) {
      if (!mixer.needsTicks) continue;
      // A fault of ours in one room must not take the calls of the whole worker with it.
      try {
        mixer.tick(frame, nowMs);
      } catch (fault) {
        this.#fault(number, fault);
      }
    }
  }

  end(): void {
    for (const mixer of this.#mixers.values()) mixer.end();
    this.#mixers.clear();
  }

  #create(number: number, id: MixerId): Mixer {
    const mixer = new Mixer(number, {
      rings: this.#options.rings,
      outlet: this.#outlet,
      playEnded: (play, outcome) => this.#playEnded(id, play, outcome),
    });
    this.#mixers.set(number, mixer);
    return mixer;
  }

  #playEnded(id: MixerId, play: PlayId, outcome: 'finished' | 'stopped' | 'failed'): void {
    this.#options.emit({ type: 'playEnded', endpoint: id, play, outcome });
  }

  #fault(number: number, fault: unknown): void {
    if (this.#faulted.has(number)) return;
    this.#faulted.add(number);
    const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    this.#options.log.error({ mixer: number, reason }, 'mixing failed');
  }
}
