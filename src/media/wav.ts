// RIFF/WAVE files: reading whatever an application serves for <Play> into mono 8,000 Hz, and writing recordings.
// Hostile headers are bounded: chunk count, rate, channels, length of the result; nothing is allocated by what a header claims.
//
//   "RIFF" size "WAVE" │ "fmt " 16..40 tag channels rate … bits │ (other chunks) │ "data" size samples …

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { aLawToLinear, muLawToLinear } from './g711.ts';
import { joinSamples, RATE_MAX, RATE_MIN, Resampler } from './resample.ts';
import { SAMPLE_RATE } from './tone.ts';

export { openWavFile, type WavSink, WavWriter } from './wav-writer.ts';

export interface AudioFailure {
  readonly code: 'notAudio' | 'unsupported' | 'empty' | 'busy';
  readonly detail: string;
}

/** Mono samples at 8,000 Hz. */
export interface AudioContent {
  readonly samples: Int16Array;
  /** Of the file, before conversion. */
  readonly sampleRate: number;
  readonly channels: number;
  /** The file ended early, or was cut at limits.mediaDecodedSeconds. */
  readonly isTruncated: boolean;
}

type Encoding = 'unsigned8' | 'signed16' | 'signed24' | 'signed32' | 'float32' | 'aLaw' | 'muLaw';

/** What the header says, checked. */
export interface WavLayout {
  readonly encoding: Encoding;
  readonly sampleRate: number;
  readonly channels: number;
  /** Where the samples are. */
  readonly dataStart: number;
  readonly frameBytes: number;
  readonly frames: number;
  readonly isTruncated: boolean;
}

const MAX_CHUNKS = 1_000;
const MAX_CHANNELS = 32;
/** Frames converted in one go: some milliseconds of work. */
const SLICE_FRAMES = 32_768;
const TAG_EXTENSIBLE = 0xfffe;
/** Bytes 2 to 15 of KSDATAFORMAT_SUBTYPE_*: the first two are the format tag. */
const SUBTYPE_TAIL = '000000001000800000aa00389b71';

/** Key: format tag and bits of the container. */
const ENCODINGS: Readonly<Record<string, Encoding>> = {
  '1/8': 'unsigned8',
  '1/16': 'signed16',
  '1/24': 'signed24',
  '1/32': 'signed32',
  '3/32': 'float32',
  '6/8': 'aLaw',
  '7/8': 'muLaw',
};

const SAMPLE_READERS: Readonly<Record<Encoding, (view: DataView, offset: number) => number>> = {
  unsigned8: (view, offset) => (view.getUint8(offset) - 128) / 128,
  signed16: (view, offset) => view.getInt16(offset, true) / 32_768,
  signed24: (view, offset) => (view.getUint16(offset, true) + view.getInt8(offset + 2) * 65_536) / 8_388_608,
  signed32: (view, offset) => view.getInt32(offset, true) / 2_147_483_648,
  float32: (view, offset) => {
    const value = view.getFloat32(offset, true);
    return Number.isFinite(value) ? value : 0;
  },
  aLaw: (view, offset) => aLawToLinear[view.getUint8(offset)]! / 32_768,
  muLaw: (view, offset) => muLawToLinear[view.getUint8(offset)]! / 32_768,
};

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const nameAt = (bytes: Uint8Array, offset: number): string =>
  Buffer.from(bytes.subarray(offset, offset + 4)).toString('latin1');

/** Whether the bytes start like a WAVE file. */
export const isWav = (bytes: Uint8Array): boolean =>
  bytes.length >= 12 && ['RIFF', 'RF64'].includes(nameAt(bytes, 0)) && nameAt(bytes, 8) === 'WAVE';

interface Chunks {
  format: number | undefined;
  formatBytes: number;
  data: number | undefined;
  dataBytes: number;
}

function findChunks(bytes: Uint8Array, view: DataView): Chunks {
  const chunks: Chunks = { format: undefined, formatBytes: 0, data: undefined, dataBytes: 0 };
  let offset = 12;
  for (let count = 0; count < MAX_CHUNKS && offset + 8 <= bytes.length; count++) {
    const name = nameAt(bytes, offset);
    const size = view.getUint32(offset + 4, true);
    if (name === 'fmt ' && chunks.format === undefined) {
      chunks.format = offset + 8;
      chunks.formatBytes = Math.min(size, bytes.length - offset - 8);
    }
    if (name === 'data') {
      chunks.data = offset + 8;
      chunks.dataBytes = size;
      if (chunks.format !== undefined) break;
    }
    offset += 8 + size + (size & 1);
  }
  return chunks;
}

/** Reads and checks the header. */
export function parseWav(bytes: Uint8Array): Result<WavLayout, AudioFailure> {
  if (!isWav(bytes)) return err({ code: 'notAudio', detail: 'no RIFF/WAVE header' });
  const view = viewOf(bytes);
  const { format, formatBytes, data, dataBytes } = findChunks(bytes, view);
  if (format === undefined || formatBytes < 16) return err({ code: 'notAudio', detail: 'no fmt chunk' });
  if (data === undefined) return err({ code: 'notAudio', detail: 'no data chunk' });
  let tag = view.getUint16(format, true);
  const channels = view.getUint16(format + 2, true);
  const sampleRate = view.getUint32(format + 4, true);
  const containerBits = Math.ceil(view.getUint16(format + 14, true) / 8) * 8;
  if (tag === TAG_EXTENSIBLE && formatBytes >= 40) {
    const tail = Buffer.from(bytes.subarray(format + 26, format + 40)).toString('hex');
    if (tail === SUBTYPE_TAIL) tag = view.getUint16(format + 24, true);
  }
  const encoding = ENCODINGS[`${tag}/${containerBits}`];
  if (!encoding) return err({ code: 'unsupported', detail: `WAVE format ${tag} with ${containerBits} bits` });
  if (channels < 1 || channels > MAX_CHANNELS) return err({ code: 'unsupported', detail: `${channels} channels` });
  if (sampleRate < RATE_MIN || sampleRate > RATE_MAX) return err({ code: 'unsupported', detail: `${sampleRate} Hz` });
  const frameBytes = (channels * containerBits) / 8;
  const present = bytes.length - data;
  // Writers that stream do not know the size: 0, or the largest number. Then the data goes to the end of the file.
  const isOpen = dataBytes === 0 || dataBytes >= 0x7fff_0000;
  const claimed = isOpen ? present : dataBytes;
  const frames = Math.floor(Math.min(claimed, present) / frameBytes);
  const allowed = limits.mediaDecodedSeconds * sampleRate;
  return ok({
    encoding,
    sampleRate,
    channels,
    dataStart: data,
    frameBytes,
    frames: Math.min(frames, allowed),
    isTruncated: claimed > present || frames > allowed,
  });
}

/** Yields the converted samples slice by slice, so that a caller can let other work in between. */
export function* convertWav(bytes: Uint8Array, layout: WavLayout): Generator<Int16Array> {
  const resampler = new Resampler(layout.sampleRate);
  const read = SAMPLE_READERS[layout.encoding];
  const sampleBytes = layout.frameBytes / layout.channels;
  const view = viewOf(bytes);
  for (let start = 0; start < layout.frames; start += SLICE_FRAMES) {
    const slice = new Float32Array(Math.min(SLICE_FRAMES, layout.frames - start));
    for (let index = 0; index < slice.length; index++) {
      const offset = layout.dataStart + (start + index) * layout.frameBytes;
      let sum = 0;
      for (let channel = 0; channel < layout.channels; channel++) sum += read(view, offset + channel * sampleBytes);
      slice[index] = sum / layout.channels;
    }
    yield resampler.push(slice);
  }
  yield resampler.finish();
}

/** Decodes a whole WAVE file: PCM 8 to 32 bit, float, A-law, µ-law, any rate of 1 to 192 kHz, channels averaged. */
export function readWav(bytes: Uint8Array): Result<AudioContent, AudioFailure> {
  const layout = parseWav(bytes);
  if (!layout.ok) return layout;
  if (layout.value.frames === 0) return err({ code: 'empty', detail: 'no samples' });
  const { sampleRate, channels, isTruncated } = layout.value;
  return ok({ samples: joinSamples([...convertWav(bytes, layout.value)]), sampleRate, channels, isTruncated });
}

/** Raw µ-law octets, as `audio/basic` has them (RFC 2046 4.2), with or without the header of an .au file. */
export function readMuLaw(bytes: Uint8Array): Int16Array {
  let start = 0;
  if (bytes.length >= 24 && nameAt(bytes, 0) === '.snd') start = Math.min(viewOf(bytes).getUint32(4), bytes.length);
  const octets = bytes.subarray(start, start + limits.mediaDecodedSeconds * SAMPLE_RATE);
  return Int16Array.from(octets, (octet) => muLawToLinear[octet]!);
}
