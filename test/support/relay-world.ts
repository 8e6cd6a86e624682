// A gateway between two networks of their own, with a peer in each (relay-peer.ts), and a look at what the kernel does.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFailed, onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { createTwoNetworks, TWO_NETWORKS, type TwoNetworks } from './namespaces.ts';
import { until } from './until.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const PEER = resolve(import.meta.dirname, 'relay-peer.ts');
const DEADLINE_MS = 15_000;
export const RELAY_TABLE = 'hookswitch_media_20000';

interface Stream {
  readonly ssrc: number;
  readonly packets: number;
  readonly missing: number;
  readonly twice: number;
  readonly audio: number;
  readonly sources: readonly string[];
}

interface Report {
  readonly own: number;
  readonly streams: readonly Stream[];
}

export class RelayPeer {
  readonly #child: ChildProcess;
  readonly #events: { event: string }[] = [];

  constructor(networks: TwoNetworks, place: 'office' | 'carrier') {
    const { peer, gateway } = TWO_NETWORKS[place];
    const [command, ...prefix] = networks.inside(place);
    this.#child = spawn(command!, [...prefix, process.execPath, PEER, peer, gateway], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#events.push(JSON.parse(line)));
    onTestFinished(() => void this.#child.kill('SIGKILL'));
  }

  tell(command: { do: string; digit?: string }): void {
    this.#child.stdin!.write(`${JSON.stringify(command)}\n`);
  }

  /** Takes the first event of this name. */
  async heard<T>(name: string): Promise<T> {
    const index = await until(
      () => {
        const found = this.#events.findIndex(({ event }) => event === name);
        return found < 0 ? undefined : { found };
      },
      DEADLINE_MS,
      () => `${name} after ${JSON.stringify(this.#events)}`,
    );
    return this.#events.splice(index.found, 1)[0] as T;
  }

  report(): Promise<Report> {
    this.tell({ do: 'report' });
    return this.heard<Report>('report');
  }
}

/** A command in one of the networks; its output. It throws when the command fails. */
type Run = (...command: string[]) => string;

export interface RelayWorldOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly domain?: Readonly<Record<string, unknown>>;
  /** Runs the gateway; default: nothing else does. */
  readonly wrapper?: readonly string[];
  /** Default true: the system of the gateway forwards packets. */
  readonly forwards?: boolean;
  /** Runs in the network of the gateway, or of the office, before anything starts. */
  readonly prepare?: (run: Run) => void;
  readonly prepareOffice?: (run: Run) => void;
}

export async function relayWorld(options: RelayWorldOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-relay-'));
  const networks = createTwoNetworks();
  onTestFinished(() => {
    networks.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  const inside =
    (place: 'gateway' | 'office'): Run =>
    (...command) => {
      const [ip, ...prefix] = networks.inside(place);
      const result = spawnSync(ip!, [...prefix, ...command], { encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`${command.join(' ')}: ${result.stderr}`);
      return result.stdout;
    };
  const inGateway = inside('gateway');
  if (options.forwards ?? true) inGateway('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  options.prepare?.(inGateway);
  options.prepareOffice?.(inside('office'));
  const file = join(folder, 'hookswitch.yaml');
  writeFileSync(file, stringify(settingsOf(options)));
  let log = '';
  const startGateway = async (): Promise<ChildProcess> => {
    log = '';
    const child = spawnGateway([...networks.inside('gateway'), ...(options.wrapper ?? [])], file, folder);
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
    onTestFinished(() => ended(child, 'SIGTERM'));
    await until(
      () => log.includes('is running'),
      DEADLINE_MS,
      () => log,
    );
    return child;
  };
  onTestFailed(() => console.error(log.slice(-6_000)));
  const gateway = await startGateway();
  const [office, carrier] = [new RelayPeer(networks, 'office'), new RelayPeer(networks, 'carrier')];
  await Promise.all([office.heard('ready'), carrier.heard('ready')]);
  /** Packets that the kernel has relayed, the way with fewer of them. */
  const kernelPackets = (): number => {
    const text = inGateway('nft', 'list', 'map', 'inet', RELAY_TABLE, 'own_port4');
    const counts = [...text.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
    return counts.length === 2 ? Math.min(...counts) : 0;
  };
  return {
    ...{ networks, gateway, office, carrier, inGateway, kernelPackets, startGateway },
    log: () => log,
    tables: () => inGateway('nft', 'list', 'tables'),
    async bridge() {
      office.tell({ do: 'call' });
      await carrier.heard('called');
      await office.heard('answered');
    },
    /** How many flows the kernel has: two per call. */
    flows: () => inGateway('nft', 'list', 'map', 'inet', RELAY_TABLE, 'own_port4').split('counter packets').length - 1,
    inKernel: () =>
      until(
        () => kernelPackets() > 0,
        DEADLINE_MS,
        () => `not in the kernel\n${log.slice(-3_000)}`,
      ),
    async kernelCarries(packets: number) {
      const end = kernelPackets() + packets;
      await until(
        () => kernelPackets() >= end,
        DEADLINE_MS,
        () => `${kernelPackets()} of ${end}`,
      );
    },
    /** Datagrams that sockets of the gateway have received. */
    receivedByGateway(): number {
      const line = /^Udp: (\d+)/m.exec(inGateway('cat', '/proc/net/snmp'));
      expect(line).not.toBeNull();
      return Number(line![1]);
    },
    logged: (pattern: RegExp) =>
      until(
        () => pattern.test(log),
        DEADLINE_MS,
        () => `${pattern}\n${log.slice(-3_000)}`,
      ),
  };
}

export async function ended(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((done) => child.once('exit', () => done()));
  child.kill(signal);
  await gone;
}

function settingsOf({ settings, domain }: RelayWorldOptions): Readonly<Record<string, unknown>> {
  return {
    sipListen: '0.0.0.0:5060',
    sipsListen: '',
    httpListen: '127.0.0.1:7080',
    mediaPorts: '20000-20099',
    mediaWorkers: 1,
    drainSeconds: 0,
    kernelRelay: 'on',
    defaultDomain: 'office.sip.localhost',
    ipAccessControlLists: [{ name: 'all', addresses: ['0.0.0.0/0'] }],
    domains: [
      {
        name: 'office.sip.localhost',
        twiml: `<Response><Dial timeout="5"><Sip>sip:bob@${TWO_NETWORKS.carrier.peer}</Sip></Dial></Response>`,
        ipAccessControlLists: ['all'],
        ...domain,
      },
    ],
    ...settings,
  };
}

function spawnGateway([command, ...prefix]: readonly string[], file: string, folder: string): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
  return spawn(command!, [...prefix, process.execPath, MAIN, 'serve', '--config', file], {
    env: {
      ...Object.fromEntries(inherited),
      HOOKSWITCH_DATA_DIR: join(folder, 'data'),
      HOOKSWITCH_CERT_DIR: join(folder, 'certs'),
    },
  });
}

/** What the carrier's network gets from the gateway, as lines of tshark. Resolves when it listens. */
export async function captureAtCarrier(networks: TwoNetworks, fields: readonly string[]): Promise<readonly string[]> {
  const [command, ...prefix] = networks.inside('carrier');
  const filter = `src host ${TWO_NETWORKS.carrier.gateway}`;
  const shown = ['-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  const child = spawn(command!, [...prefix, 'tshark', '-l', '-i', 'eth0', '-f', filter, ...shown]);
  onTestFinished(() => ended(child, 'SIGKILL'));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  await until(
    () => said.includes('Capturing on'),
    DEADLINE_MS,
    () => said,
  );
  return lines;
}
