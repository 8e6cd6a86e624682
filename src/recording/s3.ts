// The store of objects over the S3 protocol, with the client library of its vendor: Amazon's, or any server that speaks it. An object goes
// up in one request, so that it is there completely or not at all, and with its MD5, so that the server refuses what was changed on the
// way: the local file goes afterwards. Checksum trailers, which not every server knows, are left out.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { ObjectBroken, type ObjectFault, type ObjectPart, type ObjectStore } from './object-store.ts';
import { explain } from './s3-faults.ts';
import { StallWatch } from './stall-watch.ts';

export interface S3Options {
  readonly bucket: string;
  /** Null: Amazon's of the region. */
  readonly endpoint: string | null;
  readonly region: string;
  /** The bucket is in the path, not in the host name. */
  readonly isPathStyle: boolean;
  /** Null: where the client library looks for them (environment, profile, role of the machine). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
  /** Before each name. */
  readonly prefix: string;
  /** Authorities that are trusted, all of them; undefined: those of Node.js. */
  readonly ca: readonly string[] | undefined;
  readonly clock: Clock;
}

const PROBE_NAME = 'hookswitch-check';
const contentTypes: Readonly<Record<string, string>> = { wav: 'audio/x-wav', mp3: 'audio/mpeg' };
const never = new AbortController().signal;

export class S3Store implements ObjectStore {
  readonly place: string;
  readonly #options: S3Options;
  readonly #client: S3Client;

  constructor(options: S3Options) {
    const { bucket, endpoint, region, isPathStyle, credentials, ca } = options;
    this.#options = options;
    this.place = `bucket ${bucket}${endpoint === null ? '' : ` at ${new URL(endpoint).host}`}`;
    const sockets = { keepAlive: true, maxSockets: limits.objectStoreSockets };
    this.#client = new S3Client({
      region,
      forcePathStyle: isPathStyle,
      ...(endpoint === null ? {} : { endpoint }),
      ...(credentials === null ? {} : { credentials }),
      requestHandler: {
        httpAgent: new HttpAgent(sockets),
        httpsAgent: new HttpsAgent(ca ? { ...sockets, ca: [...ca] } : sockets),
        connectionTimeout: limits.objectStoreConnectMs,
        requestTimeout: 0,
      },
      maxAttempts: limits.objectStoreAttempts,
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // What goes wrong is said in the results; the library would write to the console.
      logger: silent,
    });
  }

  async put(name: string, file: string, signal: AbortSignal): Promise<Result<void, ObjectFault>> {
    const measured = await measure(file);
    if (!measured.ok) return measured;
    const { sizeBytes, md5 } = measured.value;
    const sent = await this.#ask(signal, async (watch, { key, bucket }) => {
      const body = Readable.from(watch.sending(createReadStream(file, { end: Math.max(0, sizeBytes - 1) })));
      const command = new PutObjectCommand({
        ...{ Bucket: bucket, Key: key(name), Body: body, ContentLength: sizeBytes, ContentMD5: md5 },
        ContentType: contentTypes[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
      });
      try {
        await this.#client.send(command, { abortSignal: watch.signal });
      } finally {
        body.destroy();
      }
    });
    return sent.ok ? this.#confirm(name, sizeBytes) : sent;
  }

  // The local file goes next: not every server that answers 200 has kept what it was sent.
  async #confirm(name: string, sizeBytes: number): Promise<Result<void, ObjectFault>> {
    const kept = await this.sizeOf(name);
    if (!kept.ok) return kept;
    if (kept.value === sizeBytes) return ok(undefined);
    return err({ code: 'refused', detail: `${this.place} does not keep what it is sent` });
  }

  async read(name: string, start: number, end: number): Promise<Result<ObjectPart, ObjectFault>> {
    const watch = new StallWatch(this.#options.clock, limits.objectStoreStallMs, never);
    const opened = await this.#answer(watch, async ({ key, bucket }) => {
      const command = new GetObjectCommand({ Bucket: bucket, Key: key(name), Range: `bytes=${start}-${end - 1}` });
      return this.#client.send(command, { abortSignal: watch.signal });
    });
    watch.rest();
    if (!opened.ok) return opened;
    const { Body: body, ContentRange: range, ContentLength: length } = opened.value;
    // A store that does not know ranges gives the whole object.
    const found = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range ?? '');
    const [first, last, sizeBytes] = found ? found.slice(1).map(Number) : [0, (length ?? 0) - 1, length];
    if (!(body instanceof Readable) || first !== start || last === undefined || sizeBytes === undefined) {
      if (body instanceof Readable) body.destroy();
      return err({ code: 'refused', detail: `${this.place} does not answer requests for a range` });
    }
    const wanted = Math.min(end, sizeBytes) - start;
    return ok({ sizeBytes, content: partOf(body, watch, wanted, this.place) });
  }

  async sizeOf(name: string): Promise<Result<number | null, ObjectFault>> {
    const found = await this.#ask(never, (watch, { key, bucket }) =>
      this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: key(name) }), { abortSignal: watch.signal }),
    );
    if (found.ok) return ok(found.value.ContentLength ?? null);
    return found.error.code === 'missing' ? ok(null) : found;
  }

  async remove(name: string, signal: AbortSignal): Promise<Result<void, ObjectFault>> {
    const removed = await this.#ask(signal, (watch, { key, bucket }) =>
      this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key(name) }), { abortSignal: watch.signal }),
    );
    return removed.ok || removed.error.code === 'missing' ? ok(undefined) : removed;
  }

  async probe(signal: AbortSignal): Promise<Result<void, ObjectFault>> {
    const written = await this.#ask(signal, (watch, { key, bucket }) =>
      this.#client.send(new PutObjectCommand({ Bucket: bucket, Key: key(PROBE_NAME), Body: PROBE_NAME }), {
        abortSignal: watch.signal,
      }),
    );
    if (!written.ok) return written;
    const read = await this.read(PROBE_NAME, 0, PROBE_NAME.length);
    if (!read.ok) return read;
    let text = '';
    try {
      for await (const bytes of read.value.content) text += bytes.toString('latin1');
    } catch (fault) {
      return err({ code: 'unavailable', detail: (fault as Error).message });
    }
    if (text !== PROBE_NAME) return err({ code: 'refused', detail: `${this.place} gives back other bytes` });
    return this.remove(PROBE_NAME, signal);
  }

  close(): void {
    this.#client.destroy();
  }

  async #ask<T>(
    signal: AbortSignal,
    send: (watch: StallWatch, names: Names) => Promise<T>,
  ): Promise<Result<T, ObjectFault>> {
    const watch = new StallWatch(this.#options.clock, limits.objectStoreStallMs, signal);
    try {
      return await this.#answer(watch, (names) => send(watch, names));
    } finally {
      watch.end();
    }
  }

  async #answer<T>(watch: StallWatch, send: (names: Names) => Promise<T>): Promise<Result<T, ObjectFault>> {
    const { bucket, prefix } = this.#options;
    try {
      return ok(await send({ bucket, key: (name) => prefix + name }));
    } catch (fault) {
      watch.end();
      if (watch.isStalled) return err({ code: 'unavailable', detail: `${this.place} is silent` });
      return err(explain(fault, this.place));
    }
  }
}

interface Names {
  readonly bucket: string;
  key(name: string): string;
}

const nothing = () => {};
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };

/** What must be known of a file before it is sent. */
async function measure(file: string): Promise<Result<{ sizeBytes: number; md5: string }, ObjectFault>> {
  try {
    const { size } = await stat(file);
    const hash = createHash('md5');
    if (size > 0) for await (const bytes of createReadStream(file, { end: size - 1 })) hash.update(bytes as Buffer);
    return ok({ sizeBytes: size, md5: hash.digest('base64') });
  } catch (fault) {
    return err({ code: 'local', detail: (fault as Error).message });
  }
}

async function* partOf(body: Readable, watch: StallWatch, wanted: number, place: string): AsyncIterable<Buffer> {
  let left = wanted;
  try {
    for await (const bytes of watch.passing(body)) {
      const part = bytes.subarray(0, left);
      left -= part.length;
      yield part;
      if (left === 0) break;
    }
  } catch (fault) {
    throw new ObjectBroken(`${place}: ${watch.isStalled ? 'silent' : (fault as Error).message}`);
  } finally {
    watch.end();
    body.destroy();
  }
  if (left > 0) throw new ObjectBroken(`${place}: the object ends early`);
}
