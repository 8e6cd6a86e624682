// G.711: A-law and µ-law against 16-bit linear samples, as look-up tables that are computed once from the definition.
// Pure; used by the bridge (transcoding), players, recorders and mixers. One byte is one sample at 8,000 Hz.
//
//   µ-law octet, all bits inverted        A-law octet, even bits inverted (XOR 0x55)
//   ┌─┬─────┬───────┐                     ┌─┬─────┬───────┐
//   │S│ SEG │ STEP  │ S=0: positive       │S│ SEG │ STEP  │ S=1: positive
//   └─┴─────┴───────┘ (after inversion)   └─┴─────┴───────┘ (after XOR)

import type { AudioCodec } from '../sdp/plan.ts';

/** G.711 table 2: the first decision values are shifted by this bias (33 in 14-bit units) to make segments powers of two. */
const MU_LAW_BIAS = 0x84;
/** Largest magnitude that still fits the last µ-law segment. */
const MU_LAW_CLIP = 0x7fff - MU_LAW_BIAS;

/** Octet that stands for zero in each codec. */
export const silenceOctet: Readonly<Record<AudioCodec, number>> = { PCMU: 0xff, PCMA: 0xd5 };

function expandMuLaw(octet: number): number {
  const bits = ~octet & 0xff;
  const magnitude = ((((bits & 0x0f) << 3) + MU_LAW_BIAS) << ((bits >> 4) & 7)) - MU_LAW_BIAS;
  return bits & 0x80 ? -magnitude : magnitude;
}

function compressMuLaw(sample: number): number {
  const biased = Math.min(Math.abs(sample), MU_LAW_CLIP) + MU_LAW_BIAS;
  const segment = 24 - Math.clz32(biased);
  const step = (biased >> (segment + 3)) & 0x0f;
  return ~((sample < 0 ? 0x80 : 0) | (segment << 4) | step) & 0xff;
}

function expandALaw(octet: number): number {
  const bits = octet ^ 0x55;
  const segment = (bits >> 4) & 7;
  const step = (bits & 0x0f) << 4;
  // The first two segments have the same step size; the value is the middle of its interval.
  const magnitude = segment === 0 ? step + 8 : (step + 0x108) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

function compressALaw(sample: number): number {
  // One's complement, so that the two halves are symmetric around the decision value between +0 and -0.
  const magnitude = sample < 0 ? ~sample : sample;
  const segment = magnitude < 0x100 ? 0 : 24 - Math.clz32(magnitude);
  const step = (magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f;
  return ((sample < 0 ? 0 : 0x80) | (segment << 4) | step) ^ 0x55;
}

const octets = Array.from({ length: 256 }, (_, octet) => octet);
/** Index: µ-law octet. */
export const muLawToLinear: Int16Array = Int16Array.from(octets, expandMuLaw);
/** Index: A-law octet. */
export const aLawToLinear: Int16Array = Int16Array.from(octets, expandALaw);

/** 65,536 entries, index: the sample as an unsigned 16-bit number. */
function compressionTable(compress: (sample: number) => number): Uint8Array {
  const table = new Uint8Array(65_536);
  for (let sample = -32_768; sample <= 32_767; sample++) table[sample & 0xffff] = compress(sample);
  return table;
}

const muLawTable = compressionTable(compressMuLaw);
const aLawTable = compressionTable(compressALaw);

/** Compresses one sample (-32,768 to 32,767) to a µ-law octet. */
export const linearToMuLaw = (sample: number): number => muLawTable[sample & 0xffff]!;
/** Compresses one sample (-32,768 to 32,767) to an A-law octet. */
export const linearToALaw = (sample: number): number => aLawTable[sample & 0xffff]!;

/** Index: µ-law octet, value: A-law octet (through the linear value). */
export const muLawToALaw: Uint8Array = Uint8Array.from(octets, (octet) => linearToALaw(expandMuLaw(octet)));
/** Index: A-law octet, value: µ-law octet. */
export const aLawToMuLaw: Uint8Array = Uint8Array.from(octets, (octet) => linearToMuLaw(expandALaw(octet)));

/** Compresses all of `samples` into the first octets of `out`, which must be long enough. */
export function encode(codec: AudioCodec, samples: Int16Array, out: Uint8Array): void {
  const table = codec === 'PCMU' ? muLawTable : aLawTable;
  for (let index = 0; index < samples.length; index++) out[index] = table[samples[index]! & 0xffff]!;
}

/** Expands `bytes` into `out`; returns the number of samples written: the smaller of the two lengths. */
export function decode(codec: AudioCodec, bytes: Uint8Array, out: Int16Array): number {
  const table = codec === 'PCMU' ? muLawToLinear : aLawToLinear;
  const count = Math.min(bytes.length, out.length);
  for (let index = 0; index < count; index++) out[index] = table[bytes[index]!]!;
  return count;
}
