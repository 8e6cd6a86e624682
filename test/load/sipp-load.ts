// The two sides of the load: one SIPp that calls and some that are called. What they counted is read when they end.

import { type ChildProcess, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { linearToMuLaw } from '../../src/media/g711.ts';

const HERE = import.meta.dirname;

export interface SippCounts {
  readonly successful: number;
  readonly failed: number;
  readonly retransmissions: number;
  /** Sent by the calling side, echoed by the called side. */
  readonly rtpPackets: number;
  readonly exitCode: number | null;
  /** Response times in ms, sorted: INVITE to 200, BYE to 200. */
  readonly answerMs: readonly number[];
  readonly byeMs: readonly number[];
  readonly errors: string;
}

export class LoadSipp {
  readonly ended: Promise<SippCounts>;
  readonly #child: ChildProcess;

  private constructor(role: 'caller' | 'callee', options: readonly string[]) {
    const folder = mkdtempSync(join(tmpdir(), 'hookswitch-load-'));
    writeFileSync(join(folder, 'tone.ulaw'), toneOneSecond());
    // SIPp writes response times beside its scenario.
    copyFileSync(resolve(HERE, `${role}.xml`), join(folder, `${role}.xml`));
    const file = (name: string) => join(folder, name);
    this.#child = spawn(
      'sipp',
      [
        ...['-sf', file(`${role}.xml`), '-i', '127.0.0.1', '-mi', '127.0.0.1', '-bind_local', '-nostdin'],
        ...['-trace_stat', '-stf', file('stat.csv'), '-fd', '1', '-trace_screen', '-screen_file', file('screen.log')],
        ...['-trace_err', '-error_file', file('errors.log')],
        ...options,
      ],
      { cwd: folder, stdio: 'ignore', env: { ...process.env, TERM: 'vt100' } },
    );
    this.ended = new Promise((done, fail) => {
      this.#child.once('error', fail);
      this.#child.once('exit', (code) => {
        done(countsOf(folder, role, code));
        rmSync(folder, { recursive: true, force: true });
      });
    });
  }

  /** `calls` calls at `rate` per second, each held for `holdSeconds`. */
  static caller(options: {
    target: string;
    domain: string;
    port: number;
    calls: number;
    rate: number;
    holdSeconds: number;
  }): LoadSipp {
    const { target, domain, port, calls, rate, holdSeconds } = options;
    return new LoadSipp('caller', [
      ...[target, '-key', 'domain', domain, '-s', '1000', '-p', String(port), '-mp', String(port + 2)],
      ...['-m', String(calls), '-r', String(rate), '-l', String(calls), '-d', String(holdSeconds * 1000)],
      // One thread plays for all calls; the default is one thread for each 20.
      ...['-rtp_threadtasks', '5000', '-trace_rtt', '-rtt_freq', '1'],
      ...['-recv_timeout', '30000', '-timeout', `${Math.ceil(calls / rate) + holdSeconds + 90}s`, '-timeout_error'],
    ]);
  }

  static callee(port: number): LoadSipp {
    return new LoadSipp('callee', ['-p', String(port), '-mp', String(port + 2), '-rtp_echo']);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Has it write its screens, which are the only place with RTP counts; the ones at its end lack them. */
  writeScreens(): void {
    this.#child.kill('SIGUSR2');
  }

  /** Lets the running calls end, then leaves. */
  finish(): Promise<SippCounts> {
    this.#child.kill('SIGUSR1');
    return this.ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

function countsOf(folder: string, role: 'caller' | 'callee', exitCode: number | null): SippCounts {
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), 'utf8');
    } catch {
      return '';
    }
  };
  const rows = read('stat.csv').trim().split('\n');
  const names = rows[0]?.split(';') ?? [];
  const last = rows.at(-1)?.split(';') ?? [];
  const stat = (name: string): number => Number(last[names.indexOf(name)] ?? Number.NaN);
  const screen = read('screen.log');
  const pattern =
    role === 'caller'
      ? /(\d+) Total RTP pckts sent {3,}\d+\.\d+ kB\/s RTP OUT/g
      : /(\d+) Total echo RTP pckts 1st stream/g;
  const rtpPackets = Math.max(0, ...[...screen.matchAll(pattern)].map((match) => Number(match[1])));
  const timesFile = readdirSync(folder).find((name) => name.endsWith('_rtt.csv')) ?? '';
  const times = read(timesFile)
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.split(';'));
  const timesOf = (id: string): number[] =>
    times
      .filter((row) => row[2] === id)
      .map((row) => Number(row[1]))
      .sort((a, b) => a - b);
  return {
    successful: stat('SuccessfulCall(C)'),
    failed: stat('FailedCall(C)'),
    retransmissions: stat('Retransmissions(C)'),
    rtpPackets,
    exitCode,
    answerMs: timesOf('1'),
    byeMs: timesOf('2'),
    errors: read('errors.log').slice(0, 2_000),
  };
}

/** One second of 1 kHz at -10 dB as G.711 µ-law. */
function toneOneSecond(): Buffer {
  const bytes = Buffer.alloc(8000);
  for (let index = 0; index < bytes.length; index++) {
    bytes[index] = linearToMuLaw(Math.round(10_000 * Math.sin((2 * Math.PI * 1000 * index) / 8000)));
  }
  return bytes;
}
