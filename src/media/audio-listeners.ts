// Who listens to the audio of which endpoint: brings the engine's events to each listener, and counts those who watch for speech, since the
// engine knows on and off only. One per engine.

import type { EndpointId, MediaEngine } from './engine.ts';
import type { AudioTrack, TapId } from './engine-audio.ts';

export type FrameListener = (payload: Uint8Array, timestampMs: number, track: AudioTrack) => void;
export type SpeechListener = (isSpeaking: boolean) => void;

export class AudioListeners {
  readonly #engine: Pick<MediaEngine, 'tap' | 'closeTap' | 'watchSpeech'>;
  readonly #taps = new Map<TapId, FrameListener>();
  readonly #watchers = new Map<EndpointId, Set<SpeechListener>>();

  constructor(engine: Pick<MediaEngine, 'tap' | 'closeTap' | 'watchSpeech' | 'onEvent'>) {
    this.#engine = engine;
    engine.onEvent((event) => {
      if (event.type === 'audio') this.#taps.get(event.tap)?.(event.payload, event.timestampMs, event.track);
      else if (event.type === 'speech')
        for (const tell of this.#watchers.get(event.endpoint) ?? []) tell(event.isSpeaking);
    });
  }

  /** Frames of 20 ms of PCMU. Returns what ends it; also to be called when the endpoint is gone. */
  tap(endpoint: EndpointId, tracks: readonly AudioTrack[], listener: FrameListener): () => void {
    const tap = this.#engine.tap(endpoint, tracks);
    this.#taps.set(tap, listener);
    return () => {
      if (this.#taps.delete(tap)) this.#engine.closeTap(tap);
    };
  }

  /** When the endpoint's peer begins and stops to speak. Returns what ends it. */
  speech(endpoint: EndpointId, listener: SpeechListener): () => void {
    const watchers = this.#watchers.get(endpoint) ?? new Set();
    if (watchers.size === 0) {
      this.#watchers.set(endpoint, watchers);
      this.#engine.watchSpeech(endpoint, true);
    }
    watchers.add(listener);
    return () => {
      if (!watchers.delete(listener) || watchers.size > 0) return;
      this.#watchers.delete(endpoint);
      this.#engine.watchSpeech(endpoint, false);
    };
  }

  /** Open taps and watched endpoints. */
  get size(): number {
    return this.#taps.size + this.#watchers.size;
  }
}
