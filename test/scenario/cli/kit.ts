// The command line as its users meet it: `node src/main.ts …` in a process of its own, in a folder of its own, with none of our settings
// in its environment.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { stringify } from 'yaml';
import { freePorts } from '../../support/ports.ts';
import { until } from '../../support/until.ts';

const CHECKOUT = resolve(import.meta.dirname, '../../..');
const MAIN = join(CHECKOUT, 'src/main.ts');
export const DEADLINE_MS = 20_000;

export interface CommandOptions {
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** File to run in place of src/main.ts: the built package. */
  readonly main?: string;
  /** `npm start` of the checkout; the arguments go behind its `serve`. */
  readonly throughNpm?: true;
}

/** A running command. Killed, with all it started, when the test is over. */
export class Command {
  readonly #child: ChildProcess;
  readonly #exit: Promise<void>;
  #exitCode: number | null | undefined;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: CommandOptions = {}) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('HOOKSWITCH_'));
    const [program, before] = options.throughNpm
      ? (['npm', ['start', '--']] as const)
      : ([process.execPath, [options.main ?? MAIN]] as const);
    this.#child = spawn(program, [...before, ...args], {
      cwd: options.throughNpm ? CHECKOUT : (options.folder ?? temporaryFolder()),
      env: { ...Object.fromEntries(inherited), ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own shows whether it leaves anything behind.
      detached: true,
    });
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    // `close` comes when the pipes are read to their end too.
    this.#exit = new Promise((done) => {
      this.#child.once('close', (code) => {
        this.#exitCode = code;
        done();
      });
    });
    onTestFinished(async () => {
      if (this.#isGroupAlive()) process.kill(-this.#child.pid!, 'SIGKILL');
      await this.#exit;
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** To all its processes, as a terminal does with Ctrl-C. */
  signalGroup(name: NodeJS.Signals): void {
    process.kill(-this.#child.pid!, name);
  }

  get hasEnded(): boolean {
    return this.#exitCode !== undefined;
  }

  /** Waits for the end: the exit code (null when a signal ended it). */
  async exitCode(): Promise<number | null> {
    await until(
      () => this.hasEnded,
      DEADLINE_MS,
      () => `the command ends; it wrote\n${this.stdout}${this.stderr}`,
    );
    return this.#exitCode!;
  }

  /** Waits until it has written `text`. */
  async writes(text: string): Promise<void> {
    await until(
      () => {
        if (this.hasEnded && !this.stdout.includes(text) && !this.stderr.includes(text))
          throw new Error(`the command ended without "${text}":\n${this.stdout}${this.stderr}`);
        return this.stdout.includes(text) || this.stderr.includes(text);
      },
      DEADLINE_MS,
      () => `"${text}" is written; so far\n${this.stdout}${this.stderr}`,
    );
  }

  /** Waits until it has ended and with it every process that it started: the exit code. */
  async endsAltogether(): Promise<number | null> {
    const exitCode = await this.exitCode();
    await until(
      () => !this.#isGroupAlive(),
      DEADLINE_MS,
      () => 'no process of the command is left',
    );
    return exitCode;
  }

  #isGroupAlive(): boolean {
    try {
      process.kill(-this.#child.pid!, 0);
      return true;
    } catch {
      return false;
    }
  }
}

export interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const command = new Command(args, options);
  const exitCode = await command.exitCode();
  return { exitCode, stdout: command.stdout, stderr: command.stderr };
}

/** A folder that is removed when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Place {
  readonly folder: string;
  readonly file: string;
  readonly sip: number;
  readonly http: number;
  /** Arguments that make `serve`, `ladder` and `doctor` use it. */
  readonly config: readonly string[];
}

/** A folder with a hookswitch.yaml on free loopback ports; `settings` win. Its domain lets in everybody on this machine. */
export async function place(twiml: string, settings: Readonly<Record<string, unknown>> = {}): Promise<Place> {
  const folder = temporaryFolder();
  const first = await freePorts(44);
  const file = join(folder, 'hookswitch.yaml');
  const document = {
    sipListen: `127.0.0.1:${first + 40}`,
    sipsListen: '',
    httpListen: `127.0.0.1:${first + 41}`,
    mediaPorts: `${first}-${first + 39}`,
    dataDir: join(folder, 'data'),
    certDir: join(folder, 'certs'),
    defaultDomain: 'office.sip.localhost',
    domains: [{ name: 'office.sip.localhost', twiml, ipAccessControlLists: ['local'] }],
    ipAccessControlLists: [{ name: 'local', addresses: ['127.0.0.0/8'] }],
    ...settings,
  };
  writeFileSync(file, stringify(document));
  return { folder, file, sip: first + 40, http: first + 41, config: ['--config', file] };
}

/** `serve`, ready. */
export async function serve(at: Place, options: CommandOptions = {}): Promise<Command> {
  const args = options.throughNpm ? at.config : ['serve', ...at.config];
  const command = new Command(args, { folder: at.folder, ...options });
  await command.writes('Hookswitch is running.');
  return command;
}
