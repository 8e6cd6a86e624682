// Writes 16-bit PCM WAVE files of 8,000 Hz: recordings, dumps of the scripted phone. The header goes first with sizes of zero (readers
// take it as "to the end") and is patched with each second of audio, so that a file of a process that died is whole up to there.
// Failures (full disk) are remembered, never thrown: a recording that cannot be written must not end the call.

import { closeSync, openSync, writeSync } from 'node:fs';
import { err, ok, type Result } from '../base/result.ts';
import { SAMPLE_RATE } from './tone.ts';

/** Where the bytes go. Each function may throw; the writer catches it. */
export interface WavSink {
  append(bytes: Uint8Array): void;
  /** Overwrites at a position that was appended before. */
  patch(bytes: Uint8Array, position: number): void;
  close(): void;
}

export const WAV_HEADER_BYTES = 44;
const SAMPLE_BYTES = 2;
/** So much is collected before it is written and the sizes in the header are brought up to date. */
export const WAV_PATCH_MS = 1_000;
const BUFFER_SAMPLES = (SAMPLE_RATE * WAV_PATCH_MS) / 1_000;
/** RIFF sizes are 32 bits. */
const MAX_DATA_BYTES = 0xffff_ffff - WAV_HEADER_BYTES;

/** The header of a file with `dataBytes` of samples; 0: to the end. */
export function wavHeader(channels: number, dataBytes: number): Uint8Array {
  const bytes = Buffer.alloc(WAV_HEADER_BYTES);
  const frameBytes = channels * SAMPLE_BYTES;
  bytes.write('RIFF', 0, 'latin1');
  bytes.writeUInt32LE(dataBytes === 0 ? 0 : dataBytes + WAV_HEADER_BYTES - 8, 4);
  bytes.write('WAVEfmt ', 8, 'latin1');
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(channels, 22);
  bytes.writeUInt32LE(SAMPLE_RATE, 24);
  bytes.writeUInt32LE(SAMPLE_RATE * frameBytes, 28);
  bytes.writeUInt16LE(frameBytes, 32);
  bytes.writeUInt16LE(SAMPLE_BYTES * 8, 34);
  bytes.write('data', 36, 'latin1');
  bytes.writeUInt32LE(dataBytes, 40);
  return bytes;
}

function fileSink(path: string): WavSink {
  const descriptor = openSync(path, 'w', 0o600);
  const writeAll = (bytes: Uint8Array, position: number | null) => {
    let written = 0;
    while (written < bytes.length) {
      const at = position === null ? null : position + written;
      written += writeSync(descriptor, bytes, written, bytes.length - written, at);
    }
  };
  return {
    append: (bytes) => writeAll(bytes, null),
    patch: writeAll,
    close: () => closeSync(descriptor),
  };
}

/** Opens a file for writing, readable by its owner only. */
export function openWavFile(path: string, channels: 1 | 2 = 1): Result<WavWriter, string> {
  try {
    return ok(new WavWriter(fileSink(path), channels));
  } catch (fault) {
    return err(fault instanceof Error ? fault.message : String(fault));
  }
}

export class WavWriter {
  readonly #sink: WavSink;
  readonly #channels: 1 | 2;
  readonly #buffer: Uint8Array;
  readonly #view: DataView;
  #buffered = 0;
  #dataBytes = 0;
  #failure: string | null = null;
  #isClosed = false;

  constructor(sink: WavSink, channels: 1 | 2 = 1) {
    this.#sink = sink;
    this.#channels = channels;
    this.#buffer = new Uint8Array(BUFFER_SAMPLES * SAMPLE_BYTES * channels);
    this.#view = new DataView(this.#buffer.buffer);
    this.#try(() => sink.append(wavHeader(channels, 0)));
  }

  /** Length so far, in milliseconds. */
  get durationMs(): number {
    return ((this.#dataBytes + this.#buffered) / (SAMPLE_BYTES * this.#channels) / SAMPLE_RATE) * 1_000;
  }

  /** The first error of the sink; what comes after it is dropped. */
  get failure(): string | null {
    return this.#failure;
  }

  /** Appends samples; two channels are interleaved, left first. */
  write(samples: Int16Array): void {
    if (this.#isClosed || this.#failure !== null) return;
    const most = MAX_DATA_BYTES - this.#dataBytes - this.#buffered;
    const count = Math.min(samples.length, Math.floor(most / SAMPLE_BYTES));
    for (let at = 0; at < count; ) {
      const room = (this.#buffer.length - this.#buffered) / SAMPLE_BYTES;
      const end = Math.min(count, at + room);
      this.#put(samples, at, end);
      at = end;
      if (this.#buffered === this.#buffer.length) this.#flush();
    }
  }

  #put(samples: Int16Array, start: number, end: number): void {
    const view = this.#view;
    let position = this.#buffered;
    for (let index = start; index < end; index++, position += SAMPLE_BYTES) {
      view.setInt16(position, samples[index]!, true);
    }
    this.#buffered = position;
  }

  /** Writes what is left and the sizes, and closes the sink. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#isClosed = true;
    this.#try(() => this.#sink.close());
  }

  #flush(): void {
    if (this.#buffered === 0) return;
    const bytes = this.#buffer.subarray(0, this.#buffered);
    if (this.#failure === null && this.#try(() => this.#sink.append(bytes))) this.#dataBytes += this.#buffered;
    this.#buffered = 0;
    this.#try(() => this.#sink.patch(wavHeader(this.#channels, this.#dataBytes), 0));
  }

  #try(action: () => void): boolean {
    try {
      action();
      return true;
    } catch (fault) {
      this.#failure ??= fault instanceof Error ? fault.message : String(fault);
      return false;
    }
  }
}
