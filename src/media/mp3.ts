// MP3 files for <Play>, through the WASM build of mpg123 (npm mpg123-decoder). Decoded in small pieces with a breath in between, so
// that a long file does not stop the signalling thread; the result is bounded by limits.mediaDecodedSeconds.

import { setImmediate as breathe } from 'node:timers/promises';
import { MPEGDecoder } from 'mpg123-decoder';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { joinSamples, RATE_MAX, RATE_MIN, Resampler } from './resample.ts';
import { SAMPLE_RATE } from './tone.ts';
import type { AudioFailure } from './wav.ts';

/** One second of a 128 kbit/s file: a few milliseconds of work. */
const SLICE_BYTES = 16_384;

/** Whether the bytes start like an MP3 file: an ID3 tag, or a frame of MPEG audio layer III. */
export function isMp3(bytes: Uint8Array): boolean {
  if (bytes.length < 4) return false;
  if (bytes[0] === 0x49 && bytes[1] === 0x44 && bytes[2] === 0x33) return true;
  const isSync = bytes[0] === 0xff && (bytes[1]! & 0xe0) === 0xe0;
  const isLayer3 = (bytes[1]! & 0x06) === 0x02 && (bytes[1]! & 0x18) !== 0x08;
  return isSync && isLayer3 && (bytes[2]! & 0xf0) !== 0xf0 && (bytes[2]! & 0x0c) !== 0x0c;
}

/** Decodes to mono samples at 8,000 Hz. Channels are averaged; damaged frames are left out. */
export async function decodeMp3(bytes: Uint8Array): Promise<Result<Int16Array, AudioFailure>> {
  const decoder = new MPEGDecoder();
  try {
    await decoder.ready;
    return await decodeSlices(decoder, bytes);
  } catch (cause) {
    return err({ code: 'notAudio', detail: `MP3 decoder: ${cause instanceof Error ? cause.message : String(cause)}` });
  } finally {
    decoder.free();
  }
}

async function decodeSlices(decoder: MPEGDecoder, bytes: Uint8Array): Promise<Result<Int16Array, AudioFailure>> {
  const parts: Int16Array[] = [];
  const allowed = limits.mediaDecodedSeconds * SAMPLE_RATE;
  let resampler: Resampler | undefined;
  let rate = 0;
  let count = 0;
  for (let start = 0; start < bytes.length && count < allowed; start += SLICE_BYTES) {
    const audio = decoder.decode(bytes.subarray(start, start + SLICE_BYTES));
    if (audio.samplesDecoded > 0) {
      if (audio.sampleRate < RATE_MIN || audio.sampleRate > RATE_MAX) {
        return err({ code: 'unsupported', detail: `${audio.sampleRate} Hz` });
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
    await breathe();
  }
  if (!resampler) return err({ code: 'notAudio', detail: 'no MPEG audio frame found' });
  parts.push(resampler.finish());
  return ok(joinSamples(parts).subarray(0, allowed));
}

function downmix(channels: readonly Float32Array[], count: number): Float32Array {
  const mono = new Float32Array(count);
  for (const channel of channels) {
    for (let index = 0; index < count; index++) mono[index]! += channel[index]! / channels.length;
  }
  return mono;
}
