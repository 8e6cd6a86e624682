// The generator's RTP in C, as a process below this one, where the bench has compiled it.

import { type ChildProcess, spawn } from 'node:child_process';
import { realClock } from '../../base/clock.ts';
import { deriveSessionKeys } from '../../media/srtp.ts';
import type { MediaAnswer, Spread } from './protocol.ts';
import type { StreamKeys } from './stream.ts';

const ANSWER_MS = 10_000;

interface Report extends Pick<MediaAnswer, 'sent' | 'lost' | 'received' | 'jitterMs' | 'worstJitterMs' | 'latencyMs'> {
  /** Of the measured time. */
  readonly cpuMs: number;
  readonly lateMs: Spread;
}

export class NativeRtp {
  readonly #child: ChildProcess;
  readonly #lines: { readonly resolve: (line: string) => void; readonly reject: (fault: Error) => void }[] = [];
  readonly #ended = Promise.withResolvers<void>();
  #rest = '';
  #hasSrtp = false;
  #count = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdin?.on('error', () => {});
    const onEnd = (why: string) => {
      for (const { reject } of this.#lines.splice(0)) reject(new Error(why));
      this.#ended.resolve();
    };
    child.on('error', (fault) => onEnd(fault.message));
    child.on('exit', () => onEnd('the RTP generator ended'));
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.#lines.shift()?.resolve(line);
    });
  }

  /** Rejects when it does not start. `ports`: of its sockets. */
  static async open(program: string, ports: readonly number[]): Promise<NativeRtp> {
    const native = new NativeRtp(spawn(program, ports.map(String), { stdio: ['pipe', 'pipe', 'inherit'] }));
    native.#hasSrtp = (await native.#line()) === 'ready srtp';
    return native;
  }

  async #line(): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#lines.push({ resolve, reject });
    const timer = realClock.after(ANSWER_MS, () => reject(new Error('the RTP generator does not answer')));
    return promise.finally(() => timer.cancel());
  }

  #tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Streams that it has. */
  get count(): number {
    return this.#count;
  }

  /** Whether it may be given keys. */
  get hasSrtp(): boolean {
    return this.#hasSrtp;
  }

  /** `socket`: index into its ports. `keys`: master keys of AES_CM_128_HMAC_SHA1_80. */
  add(stream: number, socket: number, remotePort: number, keys?: StreamKeys): void {
    this.#count++;
    const secure = keys ? ` ${sessionKeys(keys.ours)} ${sessionKeys(keys.theirs)}` : '';
    this.#tell(`add ${stream} ${socket} ${remotePort}${secure}`);
  }

  remove(stream: number): void {
    this.#count--;
    this.#tell(`del ${stream}`);
  }

  begin(): void {
    this.#tell('begin');
  }

  end(): void {
    this.#tell('end');
  }

  async report(): Promise<Report> {
    const line = this.#line();
    this.#tell('report');
    return JSON.parse(await line) as Report;
  }

  /** It ends when its input does; its ports are free then. */
  async close(): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended.promise;
  }
}

const sessionKeys = (master: Buffer): string => {
  const { cipherKey, authKey, salt } = deriveSessionKeys(master);
  return Buffer.concat([cipherKey, authKey, salt]).toString('hex');
};
