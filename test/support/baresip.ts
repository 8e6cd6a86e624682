// A headless baresip as a phone that we did not write: configuration folder, start, control, and what it heard.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { toneShare } from '../../src/media/goertzel.ts';
import { openWavFile, readWav } from '../../src/media/wav.ts';
import { until } from './until.ts';

const MODULES = [
  '/usr/lib/baresip/modules',
  '/usr/lib/x86_64-linux-gnu/baresip/modules',
  '/usr/lib/aarch64-linux-gnu/baresip/modules',
];

/** Why baresip cannot be used here, or undefined when it can. */
export function baresipMissing(): string | undefined {
  return spawnSync('baresip', ['-h']).error === undefined && MODULES.some((path) => existsSync(path))
    ? undefined
    : 'baresip is not installed (apt-get install baresip-core)';
}

export interface BaresipOptions {
  readonly folder: string;
  readonly user: string;
  readonly password: string;
  readonly domain: string;
  readonly proxy: string;
  readonly transport: 'udp' | 'tcp' | 'tls';
  readonly localAddress: string;
  readonly sipPort: number;
  readonly controlPort: number;
  readonly rtpPorts: string;
  /** Hz of the tone it sends. */
  readonly tone: number;
  readonly autoAnswer: boolean;
  readonly secureMedia: boolean;
  readonly caFile: string | null;
  /** Command in front of it, for example `ip netns exec NAME`. */
  readonly prefix: readonly string[];
}

/** How long it may take to answer a command. */
const COMMAND_MS = 5_000;
const SAMPLE_RATE = 8000;
const TONE_SECONDS = 120;

export class Baresip {
  readonly #options: BaresipOptions;
  readonly #process: ChildProcess;
  #log = '';

  private constructor(options: BaresipOptions, process: ChildProcess) {
    this.#options = options;
    this.#process = process;
    process.stdout?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
    process.stderr?.on('data', (chunk: Buffer) => {
      this.#log += chunk.toString();
    });
  }

  /** Writes its configuration and starts it. It registers by itself. */
  static start(options: BaresipOptions): Baresip {
    mkdirSync(join(options.folder, 'heard'), { recursive: true });
    writeTone(join(options.folder, 'tone.wav'), options.tone);
    writeFileSync(join(options.folder, 'config'), configOf(options));
    writeFileSync(join(options.folder, 'accounts'), `${accountOf(options)}\n`);
    const [command, ...args] = [...options.prefix, 'baresip', '-f', options.folder, '-s'];
    return new Baresip(options, spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
  }

  get log(): string {
    return this.#log;
  }

  /** Resolves when the log matches; rejects with the log's tail after the deadline. */
  async logged(pattern: RegExp, deadlineMs: number): Promise<void> {
    const { user } = this.#options;
    await until(
      () => pattern.test(this.#log),
      deadlineMs,
      () => `${user} never said ${pattern}:\n${this.#log.slice(-3000)}`,
    );
  }

  /** Sends a command (`dial`, `hangup`, `hold`, `resume`, `sndcode`) to its control port. Same namespace only. */
  async command(command: string, params = ''): Promise<void> {
    const message = JSON.stringify({ command, params });
    const text = `${Buffer.byteLength(message)}:${message},`;
    if (this.#options.prefix.length > 0) return this.#commandInNamespace(text);
    await new Promise<void>((resolve, reject) => {
      // It drops a command whose connection is closed before the answer: wait for that.
      const socket = connect(this.#options.controlPort, '127.0.0.1', () => socket.write(text));
      socket.setTimeout(COMMAND_MS, () => socket.destroy(new Error(`baresip did not answer ${command}`)));
      socket.once('error', reject);
      socket.on('data', (chunk) => chunk.includes('"response":true') && socket.end());
      socket.once('close', () => resolve());
    });
  }

  #commandInNamespace(text: string): void {
    const script = `const socket = require('node:net').connect(${this.#options.controlPort}, '127.0.0.1', () => socket.write(${JSON.stringify(text)}));
      socket.on('data', (chunk) => chunk.includes('"response":true') && socket.end()).on('close', () => process.exit(0));`;
    const [command, ...args] = [...this.#options.prefix, process.execPath, '-e', script];
    const result = spawnSync(command!, args, { timeout: COMMAND_MS });
    if (result.status !== 0) throw new Error(`control of baresip failed: ${result.stderr}`);
  }

  /** Share of the energy of `frequency` in what this phone heard, 0 to 1, and how long that was. The beginning is left out. */
  heard(frequency: number): { readonly share: number; readonly seconds: number } {
    const samples = this.#heardSamples();
    const from = Math.min(SAMPLE_RATE / 2, samples.length);
    return { share: toneShare(samples.subarray(from), frequency, SAMPLE_RATE), seconds: samples.length / SAMPLE_RATE };
  }

  /** Share of `frequency` in the last `seconds` of what it heard; 0 while it has not heard as much. */
  heardLately(frequency: number, seconds: number): number {
    const samples = this.#heardSamples();
    const count = Math.round(seconds * SAMPLE_RATE);
    return samples.length < count ? 0 : toneShare(samples.subarray(samples.length - count), frequency, SAMPLE_RATE);
  }

  #heardSamples(): Int16Array {
    const folder = join(this.#options.folder, 'heard');
    const files = readdirSync(folder)
      .filter((name) => name.endsWith('-dec.wav'))
      .sort();
    const last = files.at(-1);
    if (last === undefined) return new Int16Array();
    const wav = readWav(readFileSync(join(folder, last)));
    return wav.ok ? wav.value.samples : new Int16Array();
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    const gone = new Promise<void>((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.kill('SIGTERM');
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), 3_000);
    await gone;
    clearTimeout(timer);
  }
}

function writeTone(file: string, frequency: number): void {
  const samples = new Int16Array(SAMPLE_RATE * TONE_SECONDS);
  for (let index = 0; index < samples.length; index++) {
    samples[index] = Math.round(12_000 * Math.sin((2 * Math.PI * frequency * index) / SAMPLE_RATE));
  }
  const opened = openWavFile(file);
  if (!opened.ok) throw new Error(opened.error);
  opened.value.write(samples);
  opened.value.close();
}

function configOf(options: BaresipOptions): string {
  return `module_path ${MODULES.find((path) => existsSync(path))}
sip_listen ${options.localAddress}:${options.sipPort}
${options.caFile === null ? '' : `sip_cafile ${options.caFile}`}
audio_player aubridge,nil1
audio_source aufile,${join(options.folder, 'tone.wav')}
audio_alert aubridge,nil2
ausrc_srate 8000
auplay_srate 8000
rtp_ports ${options.rtpPorts}
snd_path ${join(options.folder, 'heard')}
ctrl_tcp_listen 127.0.0.1:${options.controlPort}
module g711.so
module aubridge.so
module aufile.so
module sndfile.so
module srtp.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
`;
}

function accountOf(options: BaresipOptions): string {
  const { user, domain, password, proxy, transport, autoAnswer, secureMedia } = options;
  return (
    `<sip:${user}@${domain}>;auth_user=${user};auth_pass=${password};outbound="sip:${proxy};transport=${transport}";regint=600` +
    `;answermode=${autoAnswer ? 'auto' : 'manual'};audio_codecs=pcmu,pcma${secureMedia ? ';mediaenc=srtp-mand' : ''}`
  );
}
