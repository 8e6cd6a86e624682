// Which engine speaks: the configured service first, then espeak-ng as a program, then its WASM build, and a tone when there is
// nothing at all. An engine that is unavailable is not asked again; one that failed is only passed over for this text.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, type Result } from '../base/result.ts';
import { SpeechCache } from './cache.ts';
import type { AudioDecoder, SpeechEngine, SpeechFailure, SpeechRequest } from './engine.ts';
import { createEspeak } from './espeak.ts';
import { createEspeakWasm } from './espeak-wasm.ts';
import { createHttpSpeech, type HttpSpeechSettings } from './http-engines.ts';
import { createNoSpeech } from './none.ts';

export interface SpeechSettings {
  /** `auto`: service if configured, program, WASM, tone. The others: this one, then the tone. */
  readonly engine: 'auto' | 'espeak' | 'wasm' | 'http' | 'none';
  readonly http: HttpSpeechSettings | null;
  /** $PATH, for finding espeak-ng; null = the usual folders. */
  readonly path: string | null;
}

export interface SpeechParts {
  readonly config: SpeechSettings;
  readonly log: Log;
  readonly clock: Clock;
  /** media/audio-file.ts `decodeAudio`. */
  readonly decode: AudioDecoder;
}

/** The speech engine of the gateway. Starts nothing before the first text. */
export function createSpeech(parts: SpeechParts): SpeechEngine {
  const { config, clock, decode } = parts;
  const log = parts.log.child({ folder: 'speech' });
  const cache = new SpeechCache();
  const wants = (engine: SpeechSettings['engine']) => config.engine === engine || config.engine === 'auto';
  const engines: SpeechEngine[] = [];
  if (config.http && wants('http')) engines.push(cache.wrap(createHttpSpeech(config.http, { clock, decode })));
  if (wants('espeak')) engines.push(cache.wrap(createEspeak({ clock, decode, path: config.path ?? undefined })));
  if (wants('wasm')) engines.push(cache.wrap(createEspeakWasm({ clock, decode })));
  engines.push(createNoSpeech(log, config.http && config.engine === 'http' ? 'service' : 'missing'));
  return firstThatSpeaks(engines, log, clock);
}

/**
 * Asks the engines in turn. `empty` and `aborted` end the search: no other engine would do better. One that hangs is left out for a while,
 * so that not every call has to wait for it in silence.
 */
export function firstThatSpeaks(engines: readonly SpeechEngine[], log: Log, clock: Clock): SpeechEngine {
  const unavailable = new Set<SpeechEngine>();
  const restingUntil = new Map<SpeechEngine, number>();
  async function synthesize(request: SpeechRequest, signal: AbortSignal): Promise<Result<Int16Array, SpeechFailure>> {
    let last: SpeechFailure = { code: 'unavailable', detail: 'no speech engine' };
    for (const engine of engines) {
      if (unavailable.has(engine)) continue;
      if ((restingUntil.get(engine) ?? 0) > clock.now()) {
        request.onPassedOver?.(`${engine.name} gave no answer a moment ago and rests`);
        continue;
      }
      const spoken = await engine.synthesize(request, signal);
      if (spoken.ok || spoken.error.code === 'empty' || spoken.error.code === 'aborted') return spoken;
      last = spoken.error;
      if (last.code === 'timeout') restingUntil.set(engine, clock.now() + limits.speechRestMs);
      if (last.code === 'unavailable') {
        unavailable.add(engine);
        log.info({ engine: engine.name, detail: last.detail }, 'speech engine not available');
      } else {
        log.warn({ engine: engine.name, code: last.code, detail: last.detail }, 'speech engine failed');
        request.onPassedOver?.(last.detail);
      }
    }
    return err(last);
  }
  return {
    get name() {
      return engines.find((engine) => !unavailable.has(engine))?.name ?? 'none';
    },
    synthesize,
    close() {
      for (const engine of engines) engine.close();
    },
  };
}
