// Part of the composition root: where the media of recordings is, the data directory alone or a store over S3 behind it.

import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { Clock } from './base/clock.ts';
import type { Log } from './base/log.ts';
import { err, ok, type Result } from './base/result.ts';
import type { Config } from './config.ts';
import { FolderFiles, type RecordingFiles } from './recording/files.ts';
import { MovedFiles } from './recording/moved-files.ts';
import { Mover } from './recording/mover.ts';
import { Mp3Renderer } from './recording/mp3.ts';
import type { ObjectStore } from './recording/object-store.ts';

export interface RecordingFileStack {
  readonly files: RecordingFiles;
  readonly renderer: Mp3Renderer;
  /** Recordings on their way to the store. */
  moving(): number;
  /** After what an earlier process left has been repaired. */
  start(): void;
  stop(): Promise<void>;
}

/** The error is one sentence for the operator: settings that cannot work. Whether the store answers is seen later. */
export async function buildRecordingFiles(
  config: Config,
  secretKey: Buffer,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Result<RecordingFileStack, string>> {
  const { dataDir, recordingEncryption: encrypts } = config;
  const renderer = new Mp3Renderer(clock);
  const folder = new FolderFiles({ dataDir, secretKey, encrypts, renderer });
  const store = await recordingStore(config, clock);
  if (!store.ok) return store;
  if (!store.value) return ok({ files: folder, renderer, moving: () => 0, start() {}, stop: async () => {} });
  const objects = store.value;
  const mover = new Mover({
    ...{ dataDir, store: objects, clock },
    repair: (name) => folder.repairNamed(name),
    log: log.child({ folder: 'recording' }),
  });
  let started: Promise<void> | undefined;
  return ok({
    files: new MovedFiles(folder, objects, mover),
    renderer,
    moving: () => mover.count,
    start() {
      started = mover.start();
    },
    async stop() {
      await Promise.all([mover.stop(), started]);
      objects.close();
    },
  });
}

/** Undefined when no bucket is set. The client library is loaded only then. */
export async function recordingStore(config: Config, clock: Clock): Promise<Result<ObjectStore | undefined, string>> {
  const { s3Bucket: bucket, s3Endpoint: endpoint, s3Region: region, s3Prefix, s3Ca } = config;
  const { s3AccessKeyId: accessKeyId, s3SecretAccessKey: secretAccessKey } = config;
  if (bucket === null) return ok(undefined);
  if ((accessKeyId === null) !== (secretAccessKey === null))
    return err('s3AccessKeyId and s3SecretAccessKey belong together: set both or neither');
  const ca = trusted(s3Ca);
  if (!ca.ok) return ca;
  const { S3Store } = await import('./recording/s3.ts');
  const store = new S3Store({
    ...{ bucket, endpoint, region, ca: ca.value, clock },
    isPathStyle: config.s3PathStyle ?? endpoint !== null,
    credentials: accessKeyId !== null && secretAccessKey !== null ? { accessKeyId, secretAccessKey } : null,
    prefix: s3Prefix === null ? '' : `${s3Prefix.replace(/^\/+|\/+$/g, '')}/`,
  });
  return ok(store);
}

function trusted(file: string | null): Result<readonly string[] | undefined, string> {
  if (file === null) return ok(undefined);
  try {
    const text = readFileSync(file, 'utf8');
    if (!text.includes('-----BEGIN CERTIFICATE-----')) throw new Error('there is no certificate in it');
    return ok([...rootCertificates, text]);
  } catch (fault) {
    return err(`s3Ca ${file} is no PEM certificate that can be read: ${(fault as Error).message}`);
  }
}
