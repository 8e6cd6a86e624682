// The worker thread in which one recording is made an MP3, with the WASM build of LAME (npm wasm-media-encoders): an hour of sound is
// seconds of work, which must delay no call. A second of sound is in memory at a time. The result replaces `target` when it is complete.
//
//   workerData: Mp3Task ──▶ worker ── 'progress' … ──▶ 'done' or { failure }

import { parentPort, workerData } from 'node:worker_threads';
import { createMp3Encoder } from 'wasm-media-encoders';
import { WAV_HEADER_BYTES } from '../media/wav-writer.ts';
import { openStoredFile, type StoredFile, StoredWriter } from './stored-file.ts';
import { monoOf } from './wav-content.ts';

export interface Mp3Task {
  readonly source: string;
  readonly target: string;
  readonly key: Uint8Array;
  /** Whether the target is encrypted too. */
  readonly encrypts: boolean;
  /** Of the source. */
  readonly channels: 1 | 2;
  /** Of the target: 1 of two is their mean. */
  readonly asChannels: 1 | 2;
}

export type Mp3TaskReply = 'progress' | 'done' | { readonly failure: string };

const SAMPLE_RATE = 8_000;
const PIECE_BYTES = 16_000;
/** kbit/s: plain for speech at 8 kHz. */
const BITRATES = { 1: 32, 2: 64 } as const;

async function render(task: Mp3Task, progress: () => void): Promise<void> {
  const stored = await openStoredFile(task.source, task.key);
  if (!stored) throw new Error('the recording is gone');
  const source = task.asChannels < task.channels ? monoOf(stored) : stored;
  const writer = await StoredWriter.create(task.target, task.encrypts ? task.key : undefined, {
    headBytes: 0,
    pieceBytes: PIECE_BYTES,
  });
  try {
    const encoder = await createMp3Encoder();
    const channels = task.asChannels;
    encoder.configure({
      channels,
      sampleRate: SAMPLE_RATE,
      outputSampleRate: SAMPLE_RATE,
      bitrate: BITRATES[channels],
    });
    for await (const samples of samplesOf(source, channels)) {
      // What the encoder gives is a view of its memory, which the next call overwrites.
      await writer.append(Buffer.from(encoder.encode(samples)));
      progress();
    }
    await writer.append(Buffer.from(encoder.finalize()));
    await writer.commit(new Uint8Array(0));
  } catch (cause) {
    await writer.discard();
    throw cause;
  } finally {
    await source.close();
  }
}

async function* samplesOf(source: StoredFile, channels: 1 | 2): AsyncIterable<Float32Array[]> {
  const frame = 2 * channels;
  let rest: Buffer = Buffer.alloc(0);
  for await (const bytes of source.read(WAV_HEADER_BYTES, source.sizeBytes)) {
    const all = rest.length > 0 ? Buffer.concat([rest, bytes]) : bytes;
    const count = Math.floor(all.length / frame);
    yield Array.from({ length: channels }, (_, channel) =>
      Float32Array.from({ length: count }, (_, index) => all.readInt16LE(index * frame + channel * 2) / 32_768),
    );
    rest = all.subarray(count * frame);
  }
}

// Only as a worker: type imports must not start anything.
if (parentPort && workerData !== null) {
  const port = parentPort;
  const reply = await render(workerData as Mp3Task, () => port.postMessage('progress' satisfies Mp3TaskReply)).then(
    (): Mp3TaskReply => 'done',
    (cause): Mp3TaskReply => ({ failure: cause instanceof Error ? cause.message : String(cause) }),
  );
  port.postMessage(reply);
}
