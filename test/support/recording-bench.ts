// Recordings on a virtual clock: a fake engine that ends them when the test says so, media in a folder of its own.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { realClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import type { RecordingRequest } from '../../src/base/recordings-api.ts';
import type { Recording } from '../../src/base/voice-records.ts';
import { wavHeader } from '../../src/media/wav-writer.ts';
import { FolderFiles } from '../../src/recording/files.ts';
import { Mp3Renderer } from '../../src/recording/mp3.ts';
import { type CallbackRequest, Recordings } from '../../src/recording/recordings.ts';
import { CallBench } from './call-fakes.ts';
import { seededRandom } from './network.ts';

export const aRequest = (over: Partial<RecordingRequest> = {}): RecordingRequest => ({
  channels: 1,
  track: 'both',
  trim: false,
  source: 'StartCallRecordingAPI',
  callback: { url: 'https://app.example/recorded', method: 'POST', events: ['in-progress', 'completed', 'absent'] },
  ...over,
});

/** A WAVE file as the recorder writes it; `samples` are interleaved. */
export function wavOf(samples: Int16Array, channels: 1 | 2 = 1): Buffer {
  const body = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) body.writeInt16LE(sample, index * 2);
  return Buffer.concat([wavHeader(channels, body.length), body]);
}

export class RecordingBench extends CallBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'hookswitch-recordings-'));
  readonly files: FolderFiles;
  /** Each state that was put, in order. */
  readonly puts: Recording[] = [];
  readonly callbacks: CallbackRequest[] = [];
  readonly recordings: Recordings;

  constructor(encrypts = false) {
    super();
    const renderer = new Mp3Renderer(realClock);
    this.files = new FolderFiles({ dataDir: this.folder, secretKey: Buffer.alloc(32, 5), encrypts, renderer });
    this.recordings = new Recordings({
      engine: this.engine,
      files: this.files,
      isEncrypted: encrypts,
      put: (record) => this.puts.push(record),
      callBack: (request) => this.callbacks.push(request),
      findCall: (sid) => this.calls.find(sid),
      origin: () => 'https://gw.example',
      clock: this.clock,
      random: seededRandom(3).bytes,
      log: silentLog,
    });
  }

  /** An answered call and its recording. */
  started(request: RecordingRequest = aRequest()) {
    const { call, leg } = this.inbound();
    const started = this.recordings.start(call, request);
    if (!started.ok) throw new Error(started.error.message);
    return { call, leg, live: started.value };
  }

  /** Writes what the engine would have written. */
  write(recording: Pick<Recording, 'media'>, bytes: Uint8Array): void {
    const path = join(this.folder, recording.media ?? '');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, bytes);
  }

  discard(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
