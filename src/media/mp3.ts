// MP3 files for <Play>: decoded in a short-lived worker thread (mp3-worker.ts) under a watchdog, a few at a time.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { type Clock, realClock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Mp3Reply } from './mp3-worker.ts';
import type { AudioFailure } from './wav.ts';

/** Whether the bytes start like an MP3 file: an ID3 tag, or a frame of MPEG audio layer III. */
export function isMp3(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  if (bytes[0] === 0x49 && bytes[1] === 0x44 && bytes[2] === 0x33) return true;
  const isSync = bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0;
  const isLayer3 = (bytes[1]! & 0x06) === 0x02 && (bytes[1]! & 0x18) !== 0x08;
  return isSync && isLayer3 && (bytes[2]! & 0xf0) !== 0xf0 && (bytes[2]! & 0x0c) !== 0x0c;
}

const gate = new Gate(limits.mp3Decoders, limits.mp3DecodeQueue);
const never = new AbortController().signal;

/** Decodes to mono samples at 8,000 Hz. Channels are averaged; damaged frames are left out. Never rejects. */
export async function decodeMp3(
  bytes: Uint8Array,
  clock: Clock = realClock,
): Promise<Result<Int16Array, AudioFailure>> {
  if ((await gate.enter(never)) !== 'entered') return err({ code: 'busy', detail: 'too many files to decode' });
  try {
    return await runWorker(bytes, clock);
  } finally {
    gate.leave();
  }
}

function runWorker(bytes: Uint8Array, clock: Clock): Promise<Result<Int16Array, AudioFailure>> {
  return new Promise((resolve) => {
    // Source runs as .ts, the built package as .js.
    const file = new URL(`./mp3-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
    const worker = new Worker(file, { workerData: Uint8Array.from(bytes), env: {}, stdout: true, stderr: true });
    worker.stdout.resume();
    worker.stderr.resume();
    const finish = (result: Result<Int16Array, AudioFailure>) => {
      watchdog.cancel();
      void worker.terminate();
      resolve(result);
    };
    const watch = () =>
      clock.after(limits.mp3StallMs, () => finish(err({ code: 'notAudio', detail: 'MP3 decoder hangs' })));
    let watchdog = watch();
    worker.on('message', (reply: Mp3Reply) => {
      if (reply === 'progress') {
        watchdog.cancel();
        watchdog = watch();
      } else {
        finish('samples' in reply ? ok(reply.samples) : err(reply.failure));
      }
    });
    worker.on('error', (fault) => finish(err({ code: 'notAudio', detail: `MP3 decoder: ${String(fault)}` })));
    worker.on('exit', (status) => finish(err({ code: 'notAudio', detail: `MP3 decoder ended with ${status}` })));
  });
}
