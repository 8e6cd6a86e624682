// SIPp as a child process: runs one scenario of sipp-scenarios/ to its end and tells what it saw when that went wrong.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';

export const SCENARIOS = resolve(import.meta.dirname, '../../sipp-scenarios');

const SECONDS = 30;
const RECEIVE_MS = 20_000;
const BIND_DEADLINE_MS = 5_000;

export interface SippOptions {
  /** Name of the file without `.xml`. */
  readonly scenario: string;
  /** host:port of the gateway; absent for a scenario that waits to be called. */
  readonly target?: string;
  /** Local port; a free one is taken otherwise. The media port is the second after it. */
  readonly port?: number;
  readonly transport?: 'udp' | 'tcp';
  /** User of the Request-URI, `[service]`. */
  readonly service?: string;
  /** Generic parameters such as `[domain]`. */
  readonly keys?: Readonly<Record<string, string>>;
  readonly username?: string;
  readonly password?: string;
  /** More of SIPp's options. */
  readonly flags?: readonly string[];
  /** After this SIPp gives up, and the run has failed. */
  readonly seconds?: number;
}

/** Why SIPp cannot be used here, or undefined when it can. */
export function whySippIsMissing(): string | undefined {
  const { error } = spawnSync('sipp', ['-v'], { stdio: 'ignore' });
  return error === undefined ? undefined : 'SIPp is not installed (apt-get install sip-tester)';
}

export class Sipp {
  readonly scenario: string;
  readonly port: number;
  /** Settles when the scenario is over; rejects with the errors and messages of SIPp when it failed. */
  readonly finished: Promise<void>;
  readonly #folder: string;
  readonly #child: ChildProcess;
  #isOver = false;

  private constructor(options: SippOptions, port: number) {
    this.scenario = options.scenario;
    this.port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'hookswitch-sipp-'));
    this.#child = spawn('sipp', argumentsOf(options, port, this.#folder), {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'ignore'],
      env: { ...process.env, TERM: 'vt100' },
    });
    this.finished = new Promise((done, fail) => {
      this.#child.once('error', fail);
      this.#child.once('exit', (code, signal) => {
        this.#isOver = true;
        if (code === 0) done();
        else fail(new Error(`SIPp ${this.scenario} failed (${code ?? signal})\n${this.#file('errors')}`));
      });
    });
    // It is awaited by whoever tells the story; until then a failure is no unhandled rejection.
    this.finished.catch(() => {});
  }

  static async start(options: SippOptions): Promise<Sipp> {
    const port = options.port ?? (await freePorts(6));
    const sipp = new Sipp(options, port);
    if (options.target === undefined) await sipp.#isListening(options.transport ?? 'udp');
    return sipp;
  }

  /** All SIP messages that it sent and received. */
  get messages(): string {
    return this.#file('messages');
  }

  get callIds(): string[] {
    return [...new Set([...this.messages.matchAll(/^Call-ID:\s*(\S+)/gim)].map((match) => match[1]!))];
  }

  /** Received messages that begin with `start` and have `header` in them. */
  countReceived(start: string, header: string): number {
    const received = this.messages.split(/-{40,}.*$/m).filter((part) => /message received/.test(part));
    return received.filter((part) => part.includes(`\n${start}`) && part.includes(header)).length;
  }

  async #isListening(transport: 'udp' | 'tcp'): Promise<void> {
    const hex = this.port.toString(16).toUpperCase().padStart(4, '0');
    const isBound = () => readFileSync(`/proc/net/${transport}`, 'utf8').includes(`:${hex} 00000000:0000`);
    await until(
      () => this.#isOver || isBound(),
      BIND_DEADLINE_MS,
      () => `SIPp ${this.scenario} listens`,
    );
  }

  /** Ends it if it runs, and removes its files. */
  async dispose(): Promise<void> {
    if (!this.#isOver) {
      this.#child.kill('SIGKILL');
      await this.finished.catch(() => {});
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #file(name: string): string {
    try {
      return readFileSync(join(this.#folder, `${name}.log`), 'utf8');
    } catch {
      return '';
    }
  }
}

function argumentsOf(options: SippOptions, port: number, folder: string): string[] {
  const { target, transport = 'udp', service, keys = {}, username, password, flags = [], seconds = SECONDS } = options;
  return [
    ...(target === undefined ? [] : [target]),
    ...['-sf', join(SCENARIOS, `${options.scenario}.xml`)],
    ...['-t', transport === 'udp' ? 'u1' : 't1'],
    ...['-i', '127.0.0.1', '-bind_local', '-p', String(port), '-mi', '127.0.0.1', '-mp', String(port + 2)],
    ...['-m', '1', '-l', '1', '-nostdin'],
    ...['-recv_timeout', String(RECEIVE_MS), '-timeout', `${seconds}s`, '-timeout_error'],
    ...['-trace_err', '-error_file', join(folder, 'errors.log')],
    ...['-trace_msg', '-message_file', join(folder, 'messages.log')],
    ...flags,
    ...(service === undefined ? [] : ['-s', service]),
    ...(username === undefined ? [] : ['-au', username]),
    ...(password === undefined ? [] : ['-ap', password]),
    ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
  ];
}
