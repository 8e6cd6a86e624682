// Speech by the program espeak-ng (Debian package of the same name), one short process per text. GPL: it stays a process of its own.
// The text goes through standard input; the only argument that depends on the request is a voice name out of our table.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Clock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type AudioDecoder, SPEECH_SAMPLE_RATE, type SpeechEngine, type SpeechFailure } from './engine.ts';
import { espeakVoice } from './espeak-voices.ts';
import { plainText, safeSsml, stripSsml } from './text.ts';

const PROGRAM = 'espeak-ng';
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin';

export interface EspeakOptions {
  readonly clock: Clock;
  readonly decode: AudioDecoder;
  /** Folders to search for the program, as in $PATH. */
  readonly path?: string | undefined;
}

/** The process sees nothing of our environment but the search path. */
export function createEspeak(options: EspeakOptions): SpeechEngine {
  const gate = new Gate(limits.speechProcesses, limits.speechQueue);
  const environment = { PATH: options.path || DEFAULT_PATH, LC_ALL: 'C.UTF-8' };
  return {
    name: PROGRAM,
    async synthesize(request, signal) {
      if ((request.ssml ? stripSsml(request.text) : plainText(request.text)) === '') {
        return err({ code: 'empty', detail: 'no text' });
      }
      const place = await gate.enter(signal, { clock: options.clock, ms: limits.speechQueueMs });
      if (place !== 'entered') return err({ code: place, detail: 'waiting for a speech process' });
      try {
        const text = request.ssml ? safeSsml(request.text) : plainText(request.text);
        const voice = espeakVoice(request.language, request.voice);
        const audio = await runEspeak({ text, voice, ssml: request.ssml, environment, clock: options.clock }, signal);
        return audio.ok ? await decodeSpeech(options.decode, audio.value, 'audio/wav') : audio;
      } finally {
        gate.leave();
      }
    },
    close() {},
  };
}

interface Run {
  readonly text: string;
  readonly voice: string;
  readonly ssml: boolean;
  readonly environment: Record<string, string>;
  readonly clock: Clock;
}

/** Runs the program once: bounded in time, and in size (what was spoken up to there is kept). */
function runEspeak(run: Run, signal: AbortSignal): Promise<Result<Uint8Array, SpeechFailure>> {
  const childArguments = ['-v', run.voice, '-b', '1', '--stdin', '--stdout', ...(run.ssml ? ['-m'] : [])];
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(err({ code: 'aborted', detail: 'no longer needed' }));
    let child: ChildProcessWithoutNullStreams;
    try {
      child = spawn(PROGRAM, childArguments, { env: run.environment, stdio: 'pipe', windowsHide: true });
    } catch (cause) {
      return resolve(err({ code: 'failed', detail: `${PROGRAM}: ${String(cause)}` }));
    }
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    let complaint = '';
    const finish = (result: Result<Uint8Array, SpeechFailure>) => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      child.kill('SIGKILL');
      resolve(result);
    };
    const onAbort = () => finish(err({ code: 'aborted', detail: 'no longer needed' }));
    const timer = run.clock.after(limits.speechTimeoutMs, () =>
      finish(err({ code: 'timeout', detail: `${PROGRAM} took longer than ${limits.speechTimeoutMs} ms` })),
    );
    signal.addEventListener('abort', onAbort, { once: true });
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      sizeBytes += chunk.length;
      if (sizeBytes >= limits.speechBytes) finish(ok(Buffer.concat(chunks)));
    });
    child.stderr.on('data', (chunk: Buffer) => {
      complaint = (complaint + chunk.toString('latin1')).slice(0, 200);
    });
    child.on('error', (cause: NodeJS.ErrnoException) => {
      const isMissing = cause.code === 'ENOENT' || cause.code === 'EACCES';
      finish(err({ code: isMissing ? 'unavailable' : 'failed', detail: `${PROGRAM}: ${cause.message}` }));
    });
    child.on('close', (status) => {
      if (status === 0 && sizeBytes > 0) finish(ok(Buffer.concat(chunks)));
      else finish(err({ code: 'failed', detail: `${PROGRAM} ended with ${status}: ${complaint.trim()}` }));
    });
    // A program that ends early breaks the pipe; its exit status tells why.
    child.stdin.on('error', () => {});
    child.stdin.end(run.text, 'utf8');
  });
}

/** Samples of a synthesized file, cut at the longest that we play. */
export async function decodeSpeech(
  decode: AudioDecoder,
  bytes: Uint8Array,
  contentType: string | null,
): Promise<Result<Int16Array, SpeechFailure>> {
  const audio = await decode(bytes, contentType);
  if (!audio.ok) return err({ code: 'failed', detail: `audio of the engine: ${audio.error.detail}` });
  return ok(audio.value.subarray(0, limits.speechSeconds * SPEECH_SAMPLE_RATE));
}
