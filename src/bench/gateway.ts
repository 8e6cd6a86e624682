// The gateway that is measured: `serve` as a process of its own with its defaults, as far as a bench lets them be (own ports, one media
// worker for its one core, room for as many calls as its limits know). Its log goes to a file, as a service's does.

import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { realClock, sleep } from '../base/clock.ts';
import { cpuSeconds, end, type Pinning, residentKb, start } from './processes.ts';

const MAIN = fileURLToPath(new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
const HOST = '127.0.0.1';
const START_MS = 60_000;
const POLL_MS = 10;

export const DOMAIN = 'bench.sip.localhost';
export const PASSWORD = 'Bench-Phone-77';

export interface GatewayPlaces {
  readonly sip: number;
  readonly sips: number;
  readonly http: number;
  readonly app: number;
  readonly inspector: number;
  readonly media: { readonly first: number; readonly last: number };
}

export interface GatewayOptions {
  readonly places: GatewayPlaces;
  readonly pinning: Pinning | undefined;
  /** Phones that may register: u0, u1, … */
  readonly users: number;
  readonly nodeOptions?: readonly string[];
  readonly mediaEngine?: 'workers' | 'native';
  /** False: without ladders and captures. */
  readonly callTrace?: boolean;
}

/** What a gateway at rest may still show: what is kept on purpose. */
const KEPT = [
  'userAgent.registrations',
  'media.portsFree',
  'media.portsResting',
  'flows',
  'access',
  'trace',
  'sinceStart',
];

export class GatewayUnderTest {
  readonly name: string;
  readonly folder = mkdtempSync(join(tmpdir(), 'hookswitch-bench-'));
  readonly #options: GatewayOptions;
  #child: ChildProcess | undefined;
  #log = -1;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.name = options.mediaEngine === 'native' ? 'hookswitch native' : 'hookswitch';
    writeFileSync(join(this.folder, 'hookswitch.yaml'), stringify(settingsOf(options)));
  }

  get child(): ChildProcess | undefined {
    return this.#child;
  }
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** Starts it and waits until it is ready. Gives the milliseconds from the start of its process. */
  async start(): Promise<number> {
    this.#log = openSync(join(this.folder, 'gateway.log'), 'a');
    const began = realClock.now();
    const child = start(
      process.execPath,
      [...(this.#options.nodeOptions ?? []), MAIN, 'serve', '--config', join(this.folder, 'hookswitch.yaml')],
      { cwd: this.folder, cores: this.#options.pinning?.subject, stdio: ['ignore', this.#log, this.#log] },
    );
    this.#child = child;
    while (realClock.now() - began < START_MS) {
      if (child.exitCode !== null) break;
      if (await this.#isReady()) return realClock.now() - began;
      await sleep(realClock, POLL_MS);
    }
    await this.dispose(`the gateway did not start:\n${this.logEnd()}`);
    return 0;
  }

  async #isReady(): Promise<boolean> {
    const answer = await fetch(`http://${HOST}:${this.#options.places.http}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  }

  logEnd(): string {
    return readFileSync(join(this.folder, 'gateway.log'), 'utf8').slice(-3_000);
  }

  cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }
  residentKb(): number {
    return residentKb(this.pid);
  }

  /** What is open, as `transactions: 3`. */
  async busy(): Promise<string[]> {
    const answer = await fetch(`http://${HOST}:${this.#options.places.http}/debug/counts`);
    return nonZero(await answer.json(), '');
  }

  /** Waits until nothing is open; gives what is at the deadline. */
  async untilIdle(deadlineMs: number): Promise<string[]> {
    const deadline = realClock.now() + deadlineMs;
    for (;;) {
      const busy = await this.busy();
      if (busy.length === 0 || realClock.now() > deadline) return busy;
      await sleep(realClock, 100);
    }
  }

  async stop(): Promise<void> {
    if (this.#child) await end(this.#child);
    this.#child = undefined;
    if (this.#log >= 0) closeSync(this.#log);
    this.#log = -1;
  }

  /** Stops and removes its folder; then throws, when there is something to say. */
  async dispose(complaint?: string): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
    if (complaint !== undefined) throw new Error(complaint);
  }
}

function settingsOf({
  places,
  users,
  mediaEngine = 'workers',
  callTrace = true,
}: GatewayOptions): Record<string, unknown> {
  return {
    sipListen: `${HOST}:${places.sip}`,
    sipsListen: `${HOST}:${places.sips}`,
    httpListen: `${HOST}:${places.http}`,
    mediaPorts: `${places.media.first}-${places.media.last}`,
    mediaWorkers: 1,
    mediaEngine,
    callTrace,
    maxCalls: 10_000,
    drainSeconds: 1,
    demo: false,
    dataDir: './data',
    certDir: './certs',
    domains: [
      {
        name: DOMAIN,
        voiceUrl: `http://${HOST}:${places.app}/voice`,
        ipAccessControlLists: ['loopback'],
        sipRegistration: true,
        registrationCredentialLists: ['phones'],
      },
    ],
    ipAccessControlLists: [{ name: 'loopback', addresses: ['127.0.0.1/32'] }],
    credentialLists: [
      {
        name: 'phones',
        users: Array.from({ length: users }, (_, index) => ({ username: `u${index}`, password: PASSWORD })),
      },
    ],
  };
}

function nonZero(value: unknown, path: string): string[] {
  if (KEPT.includes(path)) return [];
  if (typeof value === 'number') return value === 0 ? [] : [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => nonZero(part, path === '' ? key : `${path}.${key}`));
}
