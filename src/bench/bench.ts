// One run of the bench: what all cases share. Owns every process that is started, so that all of them end with it.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { realClock } from '../base/clock.ts';
import { DOMAIN, GatewayUnderTest } from './gateway.ts';
import { NATIVE_RTP_SOURCE } from './generator/native-rtp-source.ts';
import type { Answers, Place, Question } from './generator/protocol.ts';
import { Generator } from './generator.ts';
import { reservePorts } from './ports.ts';
import { findPinning, type Pinning } from './processes.ts';
import type { Machine, Report, Row } from './report.ts';

const HOST = '127.0.0.1';
/** Ports of the gateway itself, of the application, of the callee, of programs beside it. */
const OWN_PORTS = 12;
const RTP_PORTS = 32;
const NATIVE_RTP = 'generator of RTP in C';
const MEDIA_PORTS = { first: 10_000, last: 32_000 };
/** Of a quick run: enough for its few calls and the rest of ten seconds that their ports have. */
const QUICK_MEDIA_PORTS = 1_200;

export interface BenchOptions {
  readonly isQuick: boolean;
  /** Programs beside the gateway are measured too, where they are installed. */
  readonly withPeers: boolean;
  /** Where a C compiler is installed, a relay as reference and a faster generator of RTP are compiled at run time. */
  readonly withCompiler: boolean;
  /** Median of so many. */
  readonly repeats: number;
  readonly progress: (text: string) => void;
}

/** What is measured, in the eyes of those who measure. */
export interface Subject {
  readonly name: string;
  cpuSeconds(): number;
}

export interface World {
  readonly gateway: GatewayUnderTest;
  readonly generator: Generator;
}

export interface Places {
  readonly sip: number;
  readonly sips: number;
  readonly http: number;
  readonly app: number;
  readonly callee: number;
  readonly inspector: number;
  /** For programs beside the gateway: SIP or control, in turn. */
  readonly peer: number;
  readonly rtp: { readonly first: number; readonly count: number };
  /** Of the generator in C. */
  readonly nativeRtp: { readonly first: number; readonly count: number };
  readonly media: { readonly first: number; readonly last: number };
}

export class Bench {
  readonly options: BenchOptions;
  readonly pinning: Pinning | undefined = findPinning();
  readonly skipped: { what: string; why: string }[] = [];
  /** For what programs beside the gateway need on disk. */
  readonly folder = mkdtempSync(join(tmpdir(), 'hookswitch-bench-peers-'));
  readonly #began = realClock.now();
  readonly #machine: Machine = machineNow(this.pinning);
  readonly #stops = new Set<() => Promise<void>>();
  /** Most calls per second, once a case has found it: how overload is measured. */
  callsPerSecond: number | undefined;
  #places: Places | undefined;
  #world: World | undefined;
  readonly #compiled = new Map<string, { readonly program: string | undefined }>();

  constructor(options: BenchOptions) {
    this.options = options;
  }

  get isQuick(): boolean {
    return this.options.isQuick;
  }

  /** One of two values: for a quick run, or for a real one. */
  pick<T>(quick: T, real: T): T {
    return this.isQuick ? quick : real;
  }

  progress(text: string): void {
    this.options.progress(text);
  }

  skip(what: string, why: string): void {
    if (!this.skipped.some((one) => one.what === what)) this.skipped.push({ what, why });
  }

  /** Called when the bench ends, however it ends. */
  onStop(stop: () => Promise<void>): () => Promise<void> {
    const once = async () => {
      if (this.#stops.delete(once)) await stop();
    };
    this.#stops.add(once);
    return once;
  }

  async places(): Promise<Places> {
    if (this.#places) return this.#places;
    const first = await reservePorts(OWN_PORTS);
    const media = this.isQuick
      ? { first: await quickMediaPort(), last: 0 }
      : { first: MEDIA_PORTS.first, last: MEDIA_PORTS.last };
    this.#places = {
      ...{ sip: first, sips: first + 1, http: first + 2, app: first + 3, callee: first + 4, inspector: first + 5 },
      ...{ peer: first + 6, rtp: { first: await reservePorts(RTP_PORTS), count: RTP_PORTS } },
      nativeRtp: { first: await reservePorts(RTP_PORTS), count: RTP_PORTS },
      media: this.isQuick ? { first: media.first, last: media.first + QUICK_MEDIA_PORTS - 1 } : media,
    };
    return this.#places;
  }

  /** A gateway and a generator that is told of it. A real run has new ones for each case, a quick one has the same for all. */
  async world(): Promise<World> {
    if (this.#world && this.isQuick) return this.#world;
    await this.endWorld();
    const generator = await this.generator();
    const gateway = await this.gateway();
    this.progress('starting the gateway');
    await gateway.start();
    this.#world = { gateway, generator };
    const { sip, sips } = await this.places();
    await this.open(generator, { host: HOST, port: sip }, { host: HOST, port: sips });
    return this.#world;
  }

  async endWorld(): Promise<void> {
    const world = this.#world;
    this.#world = undefined;
    if (!world) return;
    await world.generator.stop();
    await world.gateway.dispose();
  }

  /** A gateway that is not started yet. All have the same ports: only one of them may run. */
  async gateway(
    nodeOptions: readonly string[] = [],
    users = this.pick(40, 5_000),
    mediaEngine: 'workers' | 'native' = 'workers',
    callTrace = true,
  ): Promise<GatewayUnderTest> {
    const { pinning } = this;
    const places = await this.places();
    const gateway = new GatewayUnderTest({ places, pinning, users, nodeOptions, mediaEngine, callTrace });
    this.onStop(() => gateway.dispose());
    return gateway;
  }

  /**
   * A program in C, compiled once into a temporary folder; `more`: arguments of the compiler. Undefined, and said so, where that cannot
   * be done.
   */
  compiled(name: string, source: string, more: readonly string[] = []): string | undefined {
    if (!this.options.withCompiler) return undefined;
    const known = this.#compiled.get(name);
    if (known !== undefined) return known.program;
    const file = join(this.folder, `program-${this.#compiled.size}`);
    writeFileSync(`${file}.c`, source);
    const { status, error, stderr } = spawnSync('cc', ['-O2', '-o', file, `${file}.c`, ...more], { encoding: 'utf8' });
    if (status !== 0) this.skip(name, error ? 'no C compiler (cc) is installed' : `cc: ${stderr.slice(0, 200)}`);
    const program = status === 0 ? file : undefined;
    this.#compiled.set(name, { program });
    return program;
  }

  /** Whether plain RTP is sent and received by the generator in C. */
  get hasNativeRtp(): boolean {
    return this.#nativeRtp() !== undefined;
  }

  #nativeRtp(): string | undefined {
    const engine = fileURLToPath(new URL('../media/native', import.meta.url));
    return this.compiled(NATIVE_RTP, NATIVE_RTP_SOURCE, [`-I${engine}`, join(engine, 'srtp.c'), '-ldl', '-lpthread']);
  }

  async generator(): Promise<Generator> {
    const generator = new Generator(this.pinning);
    this.onStop(() => generator.stop());
    return generator;
  }

  /** Tells a generator whom it calls. */
  async open(generator: Generator, sip: Place, sips?: Place): Promise<void> {
    const { app, callee, rtp, nativeRtp } = await this.places();
    const program = this.#nativeRtp();
    await generator.ask({
      ...{ ask: 'open', sip, sips, domain: DOMAIN, appPort: app, calleePort: callee },
      rtpPorts: rtp,
      nativeRtp: program === undefined ? undefined : { program, ...nativeRtp },
    });
  }

  /** Asks, and measures the CPU time of the subject between the edges that the generator tells. */
  async measured<Q extends Question>(
    generator: Generator,
    subject: Subject,
    question: Q,
    atMostMs: number,
  ): Promise<{ answer: Answers[Q['ask']]; cpuSeconds: number; wallSeconds: number }> {
    let begin = { cpu: 0, wall: 0 };
    let ended = { cpu: 0, wall: 0 };
    const answer = await generator.ask(question, atMostMs, (edge) => {
      const now = { cpu: subject.cpuSeconds(), wall: realClock.now() };
      if (edge === 'begin') begin = now;
      else ended = now;
    });
    return { answer, cpuSeconds: ended.cpu - begin.cpu, wallSeconds: (ended.wall - begin.wall) / 1_000 };
  }

  report(rows: readonly Row[]): Report {
    return {
      machine: this.#machine,
      isQuick: this.isQuick,
      seconds: (realClock.now() - this.#began) / 1_000,
      rows,
      skipped: this.skipped,
    };
  }

  /** Ends every process that was started. */
  async stop(): Promise<void> {
    await this.endWorld();
    await Promise.allSettled([...this.#stops].map((stop) => stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Somewhere in the range: several quick runs may go on at once, and the gateway passes by ports that are taken. */
async function quickMediaPort(): Promise<number> {
  const room = MEDIA_PORTS.last - MEDIA_PORTS.first - QUICK_MEDIA_PORTS;
  return MEDIA_PORTS.first + 2 * Math.floor((Math.random() * room) / 2);
}

function machineNow(pinning: Pinning | undefined): Machine {
  const [first] = cpus();
  return {
    processor: first?.model.trim() || processorName(),
    cores: cpus().length,
    kernel: release(),
    node: process.versions.node,
    pinning: pinning ?? null,
    loadBefore: loadavg()[0] ?? 0,
  };
}

function processorName(): string {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'an unnamed processor';
  } catch {
    return 'an unnamed processor';
  }
}
