// A real S3 server for tests: OpenStack Swift with its S3 API (s3-server.py), in a temporary folder on a loopback port. It can be halted
// and started again with what it holds.

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';

/** Debian's interpreter: the package is not in that of a version manager. */
const PYTHON = '/usr/bin/python3';
const SCRIPT = join(import.meta.dirname, 's3-server.py');

export const S3_ACCESS_KEY = 'gateway:recordings';
export const S3_SECRET_KEY = 'planted-s3-secret';
export const S3_BUCKET = 'call-recordings';

/** Why there can be none here. */
export function s3Missing(): string | undefined {
  const found = existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import swift.common.middleware.s3api']).status === 0;
  return found ? undefined : 'the package python3-swift is not installed';
}

export class S3Server {
  readonly #folder = mkdtempSync(join(tmpdir(), 's3-'));
  #child: ChildProcess | undefined;
  #port = 0;
  #tlsPort = 0;

  private constructor() {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
        ...['-subj', '/CN=store', '-addext', 'subjectAltName=IP:127.0.0.1'],
        ...['-keyout', this.#keyFile, '-out', this.certificateFile],
      ],
      { stdio: 'ignore' },
    );
  }

  /** With an empty bucket. */
  static async start(): Promise<S3Server> {
    const server = new S3Server();
    await server.run();
    const client = server.client();
    await client.send(new CreateBucketCommand({ Bucket: S3_BUCKET }));
    client.destroy();
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }
  /** Over TLS with a certificate that nobody knows; another one after `run`. */
  get secureEndpoint(): string {
    return `https://127.0.0.1:${this.#tlsPort}`;
  }
  get certificateFile(): string {
    return join(this.#folder, 'certificate.pem');
  }
  get #keyFile(): string {
    return join(this.#folder, 'key.pem');
  }

  /** Settings of a gateway whose recordings go here. */
  get settings(): Readonly<Record<string, unknown>> {
    return {
      s3Bucket: S3_BUCKET,
      s3Endpoint: this.endpoint,
      s3AccessKeyId: S3_ACCESS_KEY,
      s3SecretAccessKey: S3_SECRET_KEY,
    };
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** Starts it, again after `halt`, on the same port with the same objects. */
  async run(): Promise<void> {
    const given = [SCRIPT, this.#folder, String(this.#port), S3_ACCESS_KEY, S3_SECRET_KEY];
    const child = spawn(PYTHON, ['-B', ...given, this.certificateFile, this.#keyFile], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(-10_000);
    });
    const line = await Promise.race([
      once(child.stdout, 'data').then(([bytes]) => String(bytes)),
      once(child, 'exit').then(() => {
        throw new Error(`the S3 server ended: ${said}`);
      }),
    ]);
    const { port, tlsPort } = JSON.parse(line) as { port: number; tlsPort: number };
    this.#port = port;
    this.#tlsPort = tlsPort;
  }

  async halt(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
    this.#child = undefined;
  }

  client(): S3Client {
    return new S3Client({
      endpoint: this.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: S3_ACCESS_KEY, secretAccessKey: S3_SECRET_KEY },
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
  }

  /** Names and sizes of all that the bucket holds, by name. */
  async objects(): Promise<ReadonlyMap<string, number>> {
    const client = this.client();
    try {
      const { Contents: contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: S3_BUCKET }));
      return new Map(contents.map(({ Key: key = '', Size: size = -1 }) => [key, size]));
    } finally {
      client.destroy();
    }
  }

  async object(name: string): Promise<Buffer> {
    const client = this.client();
    try {
      const { Body: body } = await client.send(new GetObjectCommand({ Bucket: S3_BUCKET, Key: name }));
      return Buffer.from((await body?.transformToByteArray()) ?? []);
    } finally {
      client.destroy();
    }
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const client = this.client();
    try {
      await client.send(new PutObjectCommand({ Bucket: S3_BUCKET, Key: name, Body: bytes }));
    } finally {
      client.destroy();
    }
  }

  async dispose(): Promise<void> {
    await this.halt();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
