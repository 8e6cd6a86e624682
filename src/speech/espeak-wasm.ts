// Speech where espeak-ng is not installed: its WASM build, an optional npm dependency, in a child process (espeak-wasm-runner.ts).
// The child is started with the first text and ends after limits.speechIdleMs without one.

import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AudioDecoder, SpeechEngine, SpeechFailure, SpeechRequest } from './engine.ts';
import { decodeSpeech } from './espeak.ts';
import { espeakVoice } from './espeak-voices.ts';
import type { RunnerReply, RunnerRequest } from './espeak-wasm-runner.ts';
import { plainText, safeSsml, stripSsml } from './text.ts';

const PACKAGE = 'espeak-ng';

export interface EspeakWasmOptions {
  readonly clock: Clock;
  readonly decode: AudioDecoder;
}

type Spoken = Result<Uint8Array, SpeechFailure>;

export function createEspeakWasm(options: EspeakWasmOptions): SpeechEngine {
  const runner = new Runner(options.clock);
  return {
    name: `${PACKAGE} (wasm)`,
    async synthesize(request, signal) {
      if (!isInstalled()) return err({ code: 'unavailable', detail: `npm package ${PACKAGE} is not installed` });
      if ((request.ssml ? stripSsml(request.text) : plainText(request.text)) === '') {
        return err({ code: 'empty', detail: 'no text' });
      }
      const audio = await runner.speak(request, signal);
      return audio.ok ? decodeSpeech(options.decode, audio.value, 'audio/wav') : audio;
    },
    close: () => runner.close(),
  };
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(PACKAGE);
    return true;
  } catch {
    return false;
  }
}

/** Owner of the child process. */
class Runner {
  readonly #clock: Clock;
  readonly #pending = new Map<number, (spoken: Spoken) => void>();
  #child: ChildProcess | undefined;
  #idleTimer: Timer | undefined;
  #nextId = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  speak(request: SpeechRequest, signal: AbortSignal): Promise<Spoken> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve(err({ code: 'aborted', detail: 'no longer needed' }));
      if (this.#pending.size >= limits.speechQueue)
        return resolve(err({ code: 'busy', detail: 'speech queue is full' }));
      this.#idleTimer?.cancel();
      const id = this.#nextId++;
      const finish = (spoken: Spoken) => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        this.#pending.delete(id);
        if (this.#pending.size === 0) this.#becomeIdle();
        resolve(spoken);
      };
      // The child finishes what it is at; its answer then finds nobody.
      const onAbort = () => finish(err({ code: 'aborted', detail: 'no longer needed' }));
      const timer = this.#clock.after(limits.speechTimeoutMs, () => {
        this.#endChild('stuck');
        finish(err({ code: 'timeout', detail: `no speech after ${limits.speechTimeoutMs} ms` }));
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#pending.set(id, finish);
      const text = request.ssml ? safeSsml(request.text) : plainText(request.text);
      const voice = espeakVoice(request.language, request.voice);
      const child = this.#startedChild();
      child.ref();
      child.channel?.ref();
      child.send({ id, text, voice, ssml: request.ssml } satisfies RunnerRequest, (fault) => {
        if (fault) finish(err({ code: 'failed', detail: `speech process: ${fault.message}` }));
      });
    });
  }

  close(): void {
    this.#idleTimer?.cancel();
    this.#endChild('closed');
  }

  #startedChild(): ChildProcess {
    if (this.#child) return this.#child;
    // Source runs as .ts, the built package as .js.
    const file = new URL(`./espeak-wasm-runner${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
    const child = fork(file, [], {
      env: {},
      execArgv: ['--max-old-space-size=256'],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#child = child;
    child.on('message', (reply: RunnerReply) => {
      const finish = this.#pending.get(reply.id);
      if ('audio' in reply) finish?.(ok(reply.audio));
      else finish?.(err({ code: 'failed', detail: reply.failure }));
    });
    const onGone = (why: string) => {
      if (this.#child === child) this.#endChild(why);
    };
    child.on('error', (fault) => onGone(fault.message));
    child.on('exit', (status, name) => onGone(`ended with ${status ?? name}`));
    return child;
  }

  #becomeIdle(): void {
    // An idle child does not keep our process alive.
    this.#child?.unref();
    this.#child?.channel?.unref();
    this.#idleTimer?.cancel();
    this.#idleTimer = this.#clock.after(limits.speechIdleMs, () => this.#endChild('idle'));
  }

  #endChild(why: string): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    for (const finish of [...this.#pending.values()]) finish(err({ code: 'failed', detail: `speech process ${why}` }));
    this.#idleTimer?.cancel();
  }
}
