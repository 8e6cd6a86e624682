// The real gateway as a process of its own: `node src/main.ts serve --config FILE` on free loopback ports, with folders of its own.
// For tests whose peers are other programs (SIPp, phones) and for those that kill it. Each start reads the same file and folders.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { freePorts } from './ports.ts';
import { until } from './until.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 15_000;
const EXIT_DEADLINE_MS = 5_000;
const LOG_DEADLINE_MS = 5_000;
const LOG_CHARS = 4_000_000;

export interface DeclaredDomain {
  readonly name: string;
  readonly voiceUrl?: string;
  readonly voiceMethod?: 'GET' | 'POST';
  readonly voiceFallbackUrl?: string;
  readonly voiceStatusCallbackUrl?: string;
  readonly twiml?: string;
  readonly sipRegistration?: boolean;
  readonly secure?: boolean;
  readonly nat?: boolean;
  readonly mediaEncryption?: 'optional' | 'vendor';
  readonly digestSha256?: boolean;
  readonly attendedTransfer?: boolean;
  readonly musicOnHold?: string;
  readonly dtmfInband?: boolean;
  readonly ipAccessControlLists?: readonly string[];
  readonly credentialLists?: readonly string[];
  readonly registrationCredentialLists?: readonly string[];
  readonly byocTrunk?: string;
  readonly sourceAddresses?: readonly string[];
  readonly emergencyCallingEnabled?: boolean;
  readonly emergencyCallerId?: string;
  readonly emergencyAddress?: Readonly<Record<string, string>>;
}

/** What goes into hookswitch.yaml. The list `loopback` (127.0.0.1/32) is always declared. */
export interface GatewayFile {
  readonly domains?: readonly DeclaredDomain[];
  readonly credentialLists?: readonly {
    readonly name: string;
    readonly users: readonly { readonly username: string; readonly password: string }[];
  }[];
  readonly ipAccessControlLists?: readonly { readonly name: string; readonly addresses: readonly string[] }[];
  readonly trunks?: readonly Readonly<Record<string, unknown>>[];
  /** Any other key of hookswitch.yaml; wins over what the kit chooses. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface GatewayProcessOptions extends GatewayFile {
  /** Ports for RTP and RTCP, four for each bridged call. */
  readonly mediaPortCount?: number;
  /** Also opens SIP over TLS (makes certificates, which takes a second). */
  readonly tls?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node itself, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  /** Another program that takes the same arguments. */
  readonly main?: string;
}

export type Counts = Readonly<Record<string, unknown>>;

export interface GatewayPorts {
  readonly sip: number;
  readonly sips: number;
  readonly http: number;
  readonly media: { readonly first: number; readonly last: number };
}

/** What a gateway at rest may still show: things that were counted or are kept on purpose, not things that are open. */
const KEPT_COUNTS = ['userAgent.registrations', 'media.portsFree', 'flows', 'access', 'trace', 'sinceStart'];

export class GatewayProcess {
  readonly ports: GatewayPorts;
  readonly accountSid = `AC${'5a'.repeat(16)}`;
  readonly authToken = 'a-token-of-the-tests-0123456789';
  readonly folder: string;
  readonly #options: GatewayProcessOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #log: string[] = [];
  #logChars = 0;
  #onLog: (text: string) => void = () => {};

  private constructor(options: GatewayProcessOptions, ports: GatewayPorts) {
    this.#options = options;
    this.ports = ports;
    this.folder = mkdtempSync(join(tmpdir(), 'hookswitch-test-'));
    this.configure(options);
  }

  /** Starts a gateway and waits until it is ready. Rejects with its log when it does not become so. */
  static async start(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
    const mediaCount = options.mediaPortCount ?? 200;
    const first = await freePorts(mediaCount + 4);
    const media = { first, last: first + mediaCount - 1 };
    const after = media.last + 1;
    const gateway = new GatewayProcess(options, { sip: after, sips: after + 1, http: after + 2, media });
    await gateway.#start();
    return gateway;
  }

  /** Host and port of SIP over UDP and TCP. */
  get sipAddress(): string {
    return `127.0.0.1:${this.ports.sip}`;
  }
  get httpOrigin(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }
  get dataDir(): string {
    return join(this.folder, 'data');
  }
  get certDir(): string {
    return join(this.folder, 'certs');
  }
  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the gateway does not run');
    return pid;
  }
  /** All that it wrote, over all starts; the oldest part is dropped when it is much. */
  get logText(): string {
    return this.#log.join('');
  }
  /** Waits until the log has `text`: lines are gathered for some milliseconds before they leave the process. */
  async logs(text: string): Promise<void> {
    await until(
      () => this.logText.includes(text),
      LOG_DEADLINE_MS,
      () => `the log has ${text}; its end:\n${this.logText.slice(-2_000)}`,
    );
  }
  /** Told of all that the gateway writes from now on, in pieces as they come. */
  onLog(listener: (text: string) => void): void {
    this.#onLog = listener;
  }

  #keepLog(text: string): void {
    this.#log.push(text);
    this.#logChars += text.length;
    while (this.#logChars > LOG_CHARS) this.#logChars -= this.#log.shift()?.length ?? 0;
    this.#onLog(text);
  }

  /** Writes hookswitch.yaml anew; a running gateway takes the change over by itself. */
  configure(file: GatewayFile): void {
    const { domains = [], credentialLists = [], ipAccessControlLists = [], trunks = [], settings = {} } = file;
    const { sip, sips, http, media } = this.ports;
    const document = {
      sipListen: `127.0.0.1:${sip}`,
      sipsListen: this.#options.tls ? `127.0.0.1:${sips}` : '',
      httpListen: `127.0.0.1:${http}`,
      mediaPorts: `${media.first}-${media.last}`,
      drainSeconds: 1,
      demo: false,
      ...settings,
      domains,
      credentialLists,
      ipAccessControlLists: [{ name: 'loopback', addresses: ['127.0.0.1/32'] }, ...ipAccessControlLists],
      trunks,
    };
    writeFileSync(join(this.folder, 'hookswitch.yaml'), stringify(document));
  }

  async #start(): Promise<void> {
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
    const { nodeOptions = [], environment = {}, main = MAIN } = this.#options;
    const child = spawn(
      process.execPath,
      [...nodeOptions, main, 'serve', '--config', join(this.folder, 'hookswitch.yaml')],
      {
        cwd: this.folder,
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...Object.fromEntries(own),
          HOOKSWITCH_DATA_DIR: this.dataDir,
          HOOKSWITCH_CERT_DIR: this.certDir,
          HOOKSWITCH_ACCOUNT_SID: this.accountSid,
          HOOKSWITCH_AUTH_TOKEN: this.authToken,
          ...environment,
        },
      },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.#keepLog(text));
    }
    this.#exited = new Promise((done) => {
      child.once('exit', () => {
        if (this.#child === child) this.#child = undefined;
        done();
      });
    });
    try {
      await until(
        () => {
          if (!this.#child) throw new Error('the gateway ended while it started');
          return this.#isReady();
        },
        START_DEADLINE_MS,
        () => 'the gateway is ready',
      );
    } catch (cause) {
      await this.kill9();
      throw new Error(`the gateway did not start; its log:\n${this.logText}`, { cause });
    }
  }

  async #isReady(): Promise<boolean> {
    const answer = await fetch(`${this.httpOrigin}/readyz`).catch(() => undefined);
    return answer?.status === 200;
  }

  /** GET /debug/counts. */
  async counts(): Promise<Counts> {
    const answer = await fetch(`${this.httpOrigin}/debug/counts`);
    return (await answer.json()) as Counts;
  }

  /** Counts that are not zero though nothing goes on: `transactions.timers: 3`. Empty when the gateway is at rest. */
  async busyCounts(): Promise<string[]> {
    return nonZero(await this.counts());
  }

  /** Waits until nothing is open any more. */
  async isIdle(deadlineMs: number): Promise<void> {
    let busy: readonly string[] = [];
    await until(
      async () => {
        busy = await this.busyCounts();
        return busy.length === 0;
      },
      deadlineMs,
      () => `nothing is open in the gateway; open are ${busy.join(', ')}`,
    );
  }

  /** The ladder of a call by CallSid or Call-ID; undefined when the gateway knows no such call (or does not run). */
  async ladder(id: string): Promise<string | undefined> {
    const answer = await fetch(`${this.httpOrigin}/debug/ladder/${encodeURIComponent(id)}`).catch(() => undefined);
    return answer?.status === 200 ? answer.text() : undefined;
  }

  /** For the message of a failing test: the last lines of the log and the ladders of these calls. */
  async report(callIds: readonly string[]): Promise<string> {
    const ladders = await Promise.all(callIds.map((id) => this.ladder(id)));
    const drawn = [...new Set(ladders.filter((ladder) => ladder !== undefined))];
    return [...drawn, '--- end of the gateway log', ...this.logText.trimEnd().split('\n').slice(-40)].join('\n');
  }

  /** SIGTERM; SIGKILL when that does not end it. The folders stay for `restart`. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM', STOP_DEADLINE_MS);
    if (this.#child) await this.kill9();
  }

  /** SIGKILL: what a power failure does. */
  async kill9(): Promise<void> {
    await this.#end('SIGKILL', EXIT_DEADLINE_MS);
  }

  async #end(signal: NodeJS.Signals, deadlineMs: number): Promise<void> {
    if (!this.#child) return;
    this.#child.kill(signal);
    const deadline = Promise.withResolvers<void>();
    const timer = setTimeout(deadline.resolve, deadlineMs);
    await Promise.race([this.#exited, deadline.promise]);
    clearTimeout(timer);
  }

  /** Stops (if it runs) and starts on the same ports with the same folders. */
  async restart(): Promise<void> {
    await this.stop();
    await this.#start();
  }

  /** Stops and removes the folders. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Paths and values of all counts that are not zero, but for what a gateway at rest may show. */
export function nonZero(value: unknown, path = ''): string[] {
  if (KEPT_COUNTS.includes(path)) return [];
  if (typeof value === 'number') return value === 0 ? [] : [`${path}: ${value}`];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => nonZero(part, path === '' ? key : `${path}.${key}`));
}
