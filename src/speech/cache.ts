// Keeps what was spoken, by engine, text, voice and language: applications say the same sentences all day. Least recently used goes
// first, bounded by bytes. Equal texts that are asked for at the same time are synthesized once.

import { limits } from '../base/limits.ts';
import { err, type Result } from '../base/result.ts';
import { orAbort } from '../base/signal.ts';
import type { SpeechEngine, SpeechFailure, SpeechRequest } from './engine.ts';

type Spoken = Result<Int16Array, SpeechFailure>;

interface Running {
  readonly spoken: Promise<Spoken>;
  readonly controller: AbortController;
  waiting: number;
}

export class SpeechCache {
  readonly #maxBytes: number;
  /** In the order of last use, oldest first. */
  readonly #entries = new Map<string, Int16Array>();
  readonly #running = new Map<string, Running>();
  #sizeBytes = 0;

  constructor(maxBytes: number = limits.speechCacheBytes) {
    this.#maxBytes = maxBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The same engine, asked only for what is not kept. Callers must not write into the samples. */
  wrap(engine: SpeechEngine): SpeechEngine {
    return {
      name: engine.name,
      synthesize: (request, signal) => this.#synthesize(engine, request, signal),
      close: () => engine.close(),
    };
  }

  async #synthesize(engine: SpeechEngine, request: SpeechRequest, signal: AbortSignal): Promise<Spoken> {
    if (signal.aborted) return err({ code: 'aborted', detail: 'no longer needed' });
    const { text, ssml, language, voice } = request;
    const key = JSON.stringify([engine.name, ssml, language, voice, text]);
    const kept = this.#entries.get(key);
    if (kept) {
      this.#entries.delete(key);
      this.#entries.set(key, kept);
      return { ok: true, value: kept };
    }
    const running = this.#running.get(key) ?? this.#start(engine, request, key);
    running.waiting += 1;
    const spoken = await orAbort(running.spoken, signal, undefined);
    running.waiting -= 1;
    // Nobody waits any more: the engine may stop. One that comes now starts anew.
    if (running.waiting === 0 && this.#running.get(key) === running) {
      this.#running.delete(key);
      running.controller.abort();
    }
    return spoken ?? err({ code: 'aborted', detail: 'no longer needed' });
  }

  #start(engine: SpeechEngine, request: SpeechRequest, key: string): Running {
    const controller = new AbortController();
    const spoken = engine.synthesize(request, controller.signal).then((result) => {
      if (this.#running.get(key) === running) this.#running.delete(key);
      if (result.ok) this.#keep(key, result.value);
      return result;
    });
    const running: Running = { spoken, controller, waiting: 0 };
    this.#running.set(key, running);
    return running;
  }

  #keep(key: string, samples: Int16Array): void {
    const bytes = samples.byteLength + key.length * 2;
    if (bytes > this.#maxBytes / 4 || this.#entries.has(key)) return;
    this.#entries.set(key, samples);
    this.#sizeBytes += bytes;
    for (const [oldKey, old] of this.#entries) {
      if (this.#sizeBytes <= this.#maxBytes) return;
      this.#entries.delete(oldKey);
      this.#sizeBytes -= old.byteLength + oldKey.length * 2;
    }
  }
}
