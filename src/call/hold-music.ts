// What a held call hears (domain setting music_on_hold): silence, the built-in tune, or a file. The engine plays it only while the
// holder sends nothing: a PBX with music of its own is heard as it is.

import type { MediaEngine } from '../media/engine.ts';
import type { Call } from './call.ts';

export interface HoldMusicServices {
  readonly engine: Pick<MediaEngine, 'setComfort'>;
  /** Port: samples of a URL or file at 8,000 Hz. The error is a line for the operator. Cached behind it. */
  readonly load: (
    source: string,
    callSid: string,
  ) => Promise<{ readonly samples: Int16Array } | { readonly errorCode: number; readonly detail: string }>;
}

export class HoldMusic {
  readonly #services: HoldMusicServices;
  /** The hold that each call is in; a file that comes too late for it is not played. */
  readonly #holds = new WeakMap<Call, object>();

  constructor(services: HoldMusicServices) {
    this.#services = services;
  }

  /** The far side holds `call`. */
  hold(call: Call): void {
    if (this.#holds.has(call)) return;
    const hold = {};
    this.#holds.set(call, hold);
    const source = call.options.domain?.musicOnHold ?? 'none';
    if (source === 'none' || source === 'built-in') return this.#play(call, source === 'none' ? 'silence' : 'music');
    this.#play(call, 'silence');
    void this.#services.load(source, call.sid).then((loaded) => {
      if (this.#holds.get(call) !== hold || call.isOver) return;
      if ('samples' in loaded) return this.#play(call, 'music', loaded.samples);
      call.notify('warning', loaded.errorCode, `music on hold: ${loaded.detail}; the built-in tune is played`);
      this.#play(call, 'music');
    });
  }

  /** `call` is not held any more; what it hears from now on is its owner's business. */
  release(call: Call): void {
    this.#holds.delete(call);
  }

  #play(call: Call, mode: 'silence' | 'music', samples?: Int16Array): void {
    const { endpoint } = call.leg;
    if (endpoint === undefined) return;
    if (samples) this.#services.engine.setComfort(endpoint, mode, samples);
    else this.#services.engine.setComfort(endpoint, mode);
  }
}
