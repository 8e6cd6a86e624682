// The audio of one utterance: PCMU pieces collected up to a limit, read as linear samples or as a WAV file. Pure.

import { limits } from '../base/limits.ts';
import type { RecogniserFailure, Utterance } from '../base/recogniser.ts';
import { err } from '../base/result.ts';

const SAMPLE_RATE = 8_000;
const WAV_HEADER_BYTES = 44;

/** ITU-T G.711: linear value of each mu-law octet. speech/ imports base only, so it has a table of its own. */
const LINEAR = Int16Array.from({ length: 256 }, (_, octet) => {
  const value = ~octet & 0xff;
  const magnitude = (((value & 0x0f) << 3) + 0x84) << ((value >> 4) & 0x07);
  return value & 0x80 ? 0x84 - magnitude : magnitude - 0x84;
});

/** 16-bit little-endian samples of PCMU octets. */
export function linearBytes(audio: Uint8Array): Buffer {
  const bytes = Buffer.alloc(audio.length * 2);
  for (let index = 0; index < audio.length; index++) bytes.writeInt16LE(LINEAR[audio[index]!]!, index * 2);
  return bytes;
}

export class UtteranceAudio {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;

  /** Milliseconds so far. */
  get durationMs(): number {
    return (this.#length / SAMPLE_RATE) * 1_000;
  }

  /** Takes a copy of what still fits; false when it is full. */
  push(audio: Uint8Array): boolean {
    const room = (limits.utteranceMs * SAMPLE_RATE) / 1_000 - this.#length;
    const taken = audio.slice(0, Math.max(0, room));
    if (taken.length > 0) this.#pieces.push(taken);
    this.#length += taken.length;
    return taken.length === audio.length;
  }

  /** RIFF WAVE, 16-bit linear, mono, 8,000 Hz. */
  wav(): Buffer {
    const data = linearBytes(Buffer.concat(this.#pieces, this.#length));
    const header = Buffer.alloc(WAV_HEADER_BYTES);
    header.write('RIFF', 0, 'latin1');
    header.writeUInt32LE(WAV_HEADER_BYTES - 8 + data.length, 4);
    header.write('WAVEfmt ', 8, 'latin1');
    header.writeUInt32LE(16, 16);
    header.writeUInt16LE(1, 20);
    header.writeUInt16LE(1, 22);
    header.writeUInt32LE(SAMPLE_RATE, 24);
    header.writeUInt32LE(SAMPLE_RATE * 2, 28);
    header.writeUInt16LE(2, 32);
    header.writeUInt16LE(16, 34);
    header.write('data', 36, 'latin1');
    header.writeUInt32LE(data.length, 40);
    return Buffer.concat([header, data]);
  }
}

/** What an engine gives that cannot listen now. */
export const failedUtterance = (failure: RecogniserFailure): Utterance => ({
  push() {},
  finish: async () => err(failure),
  abandon() {},
});
