// The worker thread in which one MP3 file is decoded, with the WASM build of mpg123 (npm mpg123-decoder). A thread of its own because
// decoding takes seconds, the decoder prints its complaints to the console, and its read loop has no end if an error persists.
//
//   workerData: the file ──▶ worker ── 'progress' … ──▶ { samples } or { failure }

import { parentPort, workerData } from 'node:worker_threads';
import { MPEGDecoder } from 'mpg123-decoder';
import { limits } from '../base/limits.ts';
import { joinSamples, RATE_MAX, RATE_MIN, Resampler } from './resample.ts';
import { SAMPLE_RATE } from './tone.ts';

export type Mp3Reply =
  | 'progress'
  | { readonly samples: Int16Array }
  | { readonly failure: { readonly code: 'notAudio' | 'unsupported'; readonly detail: string } };

/** One second of a 128 kbit/s file: a few milliseconds of work. */
const SLICE_BYTES = 16_384;

function downmix(channels: readonly Float32Array[], count: number): Float32Array {
  const mono = new Float32Array(count);
  for (const channel of channels) {
    for (let index = 0; index < count; index++) mono[index]! += channel[index]! / channels.length;
  }
  return mono;
}

async function decodeFile(bytes: Uint8Array, progress: () => void): Promise<Mp3Reply> {
  const decoder = new MPEGDecoder();
  await decoder.ready;
  const parts: Int16Array[] = [];
  const allowed = limits.mediaDecodedSeconds * SAMPLE_RATE;
  let resampler: Resampler | undefined;
  let rate = 0;
  let count = 0;
  for (let start = 0; start < bytes.length && count < allowed; start += SLICE_BYTES) {
    const audio = decoder.decode(bytes.subarray(start, start + SLICE_BYTES));
    progress();
    if (audio.samplesDecoded === 0) continue;
    if (audio.sampleRate < RATE_MIN || audio.sampleRate > RATE_MAX) {
      return { failure: { code: 'unsupported', detail: `${audio.sampleRate} Hz` } };
    }
    if (!resampler || audio.sampleRate !== rate) {
      if (resampler) parts.push(resampler.finish());
      rate = audio.sampleRate;
      resampler = new Resampler(rate);
    }
    const part = resampler.push(downmix(audio.channelData, audio.samplesDecoded));
    parts.push(part);
    count += part.length;
  }
  if (!resampler) return { failure: { code: 'notAudio', detail: 'no MPEG audio frame found' } };
  parts.push(resampler.finish());
  return { samples: joinSamples(parts).subarray(0, allowed) };
}

// Only as a worker: type imports must not start anything.
if (parentPort && workerData instanceof Uint8Array) {
  const port = parentPort;
  const reply = await decodeFile(workerData, () => port.postMessage('progress' satisfies Mp3Reply)).catch(
    (cause): Mp3Reply => ({ failure: { code: 'notAudio', detail: `MP3 decoder: ${String(cause)}` } }),
  );
  port.postMessage(reply);
}
