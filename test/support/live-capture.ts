// tshark listening on loopback while a test runs: what a bystander sees of the gateway on the wire.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tsharkMissing } from './tshark.ts';
import { until } from './until.ts';

const LOOPBACK = 'lo';
const DEADLINE_MS = 10_000;
/** Of a capture file without packets: section and interface blocks are shorter. */
const EMPTY_FILE_BYTES = 512;

/** Why nothing can be listened to here, or undefined. */
export function liveCaptureMissing(): string | undefined {
  const missing = tsharkMissing();
  if (missing !== undefined) return missing;
  try {
    const interfaces = execFileSync('tshark', ['-D'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return new RegExp(`^\\d+\\. ${LOOPBACK}\\b`, 'm').test(interfaces) ? undefined : 'tshark may not listen here';
  } catch {
    return 'tshark may not listen here';
  }
}

export class LiveCapture {
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(process: ChildProcess, folder: string) {
    this.#process = process;
    this.#folder = folder;
  }

  /** Listens to what fits `filter`; resolves when it hears, which datagrams to `probePort` show. */
  static async start(filter: string, probePort: number): Promise<LiveCapture> {
    const folder = mkdtempSync(join(tmpdir(), 'hookswitch-live-'));
    const file = join(folder, 'live.pcapng');
    const args = ['-i', LOOPBACK, '-q', '-w', file, '-f', filter];
    const process = spawn('tshark', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    process.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    const capture = new LiveCapture(process, folder);
    const probe = createSocket('udp4');
    try {
      await until(
        () => {
          // RFC 5626 3.5.1: a keep-alive that nobody answers over UDP.
          probe.send('\r\n\r\n', probePort, '127.0.0.1');
          return (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > EMPTY_FILE_BYTES;
        },
        DEADLINE_MS,
        () => `tshark hears nothing: ${said}`,
      );
    } catch (fault) {
      await capture.stop();
      throw fault;
    } finally {
      probe.close();
    }
    return capture;
  }

  /** Ends it; the file, empty where nothing was written. */
  async stop(): Promise<Buffer> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGINT');
      await gone;
    }
    try {
      return readFileSync(join(this.#folder, 'live.pcapng'));
    } finally {
      rmSync(this.#folder, { recursive: true, force: true });
    }
  }
}
