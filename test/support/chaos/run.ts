// Calls under chance against a gateway process, and what is left afterwards: nothing (design.md 5.4). Used by the scenario and, longer, by
// the load proof.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Phone } from '../../../src/demo/phone.ts';
import { GatewayProcess } from '../gateway-process.ts';
import { freePorts } from '../ports.ts';
import { until } from '../until.ts';
import { behaveAsCallee, DOMAIN, makeCall, PASSWORD, startPhone } from './actors.ts';
import { Draw, pause } from './draw.ts';
import { Meddler } from './meddler.ts';
import { type ChaosServers, startServers } from './servers.ts';

export interface ChaosOptions {
  readonly seed: number;
  readonly clockRate: number;
  readonly mediaPorts?: number;
  /** Media ports of each phone. */
  readonly phonePorts?: number;
  readonly nodeOptions?: readonly string[];
}

export interface RoundOptions {
  readonly calls: number;
  /** Callers at once. */
  readonly callers: number;
  /** An act over REST every so often, on average. */
  readonly meddleMs: number;
}

const MAIN = join(import.meta.dirname, 'gateway.ts');
/** Sockets of pooled connections close some seconds after their last use. */
const IDLE_DEADLINE_MS = 40_000;

export class Chaos {
  readonly gateway: GatewayProcess;
  readonly servers: ChaosServers;
  readonly #draw: Draw;
  readonly #phones: readonly Phone[];
  /** Answers over REST, by status. */
  readonly answers = new Map<number, number>();
  readonly faults: string[] = [];
  /** How calls ended, as the caller saw it. */
  readonly ends = new Map<string, number>();

  private constructor(gateway: GatewayProcess, servers: ChaosServers, draw: Draw, phones: readonly Phone[]) {
    this.gateway = gateway;
    this.servers = servers;
    this.#draw = draw;
    this.#phones = phones;
  }

  static async start({
    seed,
    clockRate,
    mediaPorts = 400,
    phonePorts = 160,
    nodeOptions = [],
  }: ChaosOptions): Promise<Chaos> {
    const servers = await startServers(seed, await freePorts(2));
    const users = ['bob', 'carol'].map((username) => ({ username, password: PASSWORD }));
    const gateway = await GatewayProcess.start({
      main: MAIN,
      nodeOptions,
      mediaPortCount: mediaPorts,
      environment: { CHAOS_CLOCK_RATE: String(clockRate), HOOKSWITCH_LOG: 'warn' },
      settings: {
        ...{ defaultDomain: DOMAIN, speech: 'none', recogniserUrl: servers.recogniser, mediaWorkers: 2 },
        // Its milliseconds are those of a clock that runs faster than the machine.
        overloadControl: clockRate === 1,
      },
      credentialLists: [{ name: 'users', users }],
      domains: [
        {
          name: DOMAIN,
          voiceUrl: servers.app.url('/voice'),
          voiceFallbackUrl: servers.app.url('/fallback'),
          voiceStatusCallbackUrl: servers.app.url('/told'),
          sipRegistration: true,
          ipAccessControlLists: ['loopback'],
          registrationCredentialLists: ['users'],
        },
      ],
    });
    const draw = new Draw(seed);
    const phones = [];
    for (const user of ['bob', 'carol', 'alice']) phones.push(await startPhone(gateway, user, phonePorts));
    for (const phone of phones.slice(0, 2)) {
      const status = await phone.register();
      if (status !== 200) throw new Error(`could not register: ${status}`);
      behaveAsCallee(phone, draw);
    }
    return new Chaos(gateway, servers, draw, phones);
  }

  /** Makes the calls; resolves when all are over. */
  async round({ calls, callers, meddleMs }: RoundOptions): Promise<void> {
    const alice = this.#phones[2]!;
    const meddler = new Meddler(this.gateway, this.servers, this.#draw);
    const stopped = new AbortController();
    const meddling = meddler.run(meddleMs, stopped.signal);
    let made = 0;
    const caller = async () => {
      while (made < calls) {
        made++;
        const end = await makeCall(alice, `sip:1000@127.0.0.1:${this.gateway.ports.sip}`, this.#draw);
        this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
        await pause(this.#draw.whole(0, 100));
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    stopped.abort();
    await meddling;
    await meddler.endAll();
    for (const [status, count] of meddler.answers) this.answers.set(status, (this.answers.get(status) ?? 0) + count);
    this.faults.push(...meddler.faults);
    await until(
      async () => (await this.gateway.busyCounts()).every((line) => !line.startsWith('calls:')),
      IDLE_DEADLINE_MS,
      () => 'calls are left',
    );
  }

  /** Resolves when nothing is left in the gateway. */
  isIdle(): Promise<void> {
    return this.gateway.isIdle(IDLE_DEADLINE_MS);
  }

  /** What the gateway has open, but for connections of REST clients, once it is no more than `most`; what it has after a while otherwise. */
  async openFiles(most = 0): Promise<number> {
    const now = () => {
      const http = this.#httpSockets();
      return linksOf(this.gateway.pid).filter((link) => !http.has(link)).length;
    };
    await until(
      () => now() <= most,
      most === 0 ? 0 : IDLE_DEADLINE_MS,
      () => '',
    ).catch(() => {});
    return now();
  }

  /** Links of sockets at the port of the REST API. */
  #httpSockets(): ReadonlySet<string> {
    const port = this.gateway.ports.http.toString(16).toUpperCase().padStart(4, '0');
    const rows = readFileSync('/proc/net/tcp', 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/));
    return new Set(rows.filter((row) => row[1]?.endsWith(`:${port}`)).map((row) => `socket:[${row[9]}]`));
  }

  /** Lines of the log that are faults: errors without a number of the catalogue, and what no line may hold. */
  faultLines(): string[] {
    const lines = this.gateway.logText.split('\n');
    const isFault = (line: string) =>
      (/"level":"(error|fatal)"/.test(line) && !/"errorCode":\d/.test(line)) ||
      /TypeError|RangeError|ReferenceError|unhandled|MaxListeners|Warning:/i.test(line);
    return [...this.faults, ...lines.filter(isFault)];
  }

  async stop(): Promise<void> {
    for (const phone of this.#phones) await phone.stop();
    await this.gateway.dispose();
    await this.servers.stop();
  }
}

/** What the file descriptors of a process lead to. */
function linksOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((name) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${name}`)];
    } catch {
      // Closed meanwhile.
      return [];
    }
  });
}
