// rtpengine in user space as a subject, on the same core as the gateway, told of each call by offer and answer.

import type { ChildProcess } from 'node:child_process';
import { realClock, sleep } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import { audioPort, audioSdp } from '../generator/sip-text.ts';
import type { Generator } from '../generator.ts';
import { cpuSeconds, end, isInstalled, start } from '../processes.ts';
import { NgClient } from './ng.ts';
import { HOST, type MediaSubject, sideOf, usePairs } from './subject.ts';

const READY_MS = 10_000;
/** So many commands are on their way at once. */
const AT_ONCE = 8;

/** Undefined, and said so, where it is not installed. */
export async function rtpengine(bench: Bench, generator: Generator): Promise<MediaSubject | undefined> {
  if (!isInstalled('rtpengine')) {
    bench.skip('rtpengine', 'not installed (Debian: rtpengine-daemon)');
    return undefined;
  }
  const { peer, media } = await bench.places();
  const child = start(
    'rtpengine',
    [
      ...['--foreground', '--log-stderr', '--log-level=2', '--table=-1', `--interface=${HOST}`],
      ...[`--listen-ng=${HOST}:${peer}`, `--port-min=${media.first}`, `--port-max=${media.last}`],
      // One core: more threads would only be in one another's way.
      ...['--num-threads=1', '--timeout=3600', '--config-file=none'],
    ],
    { cores: bench.pinning?.subject, stdio: 'ignore' },
  );
  const subject = new Rtpengine(bench, generator, child, await NgClient.open(peer));
  bench.onStop(() => subject.stop());
  if (await subject.isReady()) return subject;
  bench.skip('rtpengine', 'it does not start here');
  await subject.stop();
  return undefined;
}

class Rtpengine implements MediaSubject {
  readonly name = 'rtpengine';
  readonly #bench: Bench;
  readonly #generator: Generator;
  readonly #child: ChildProcess;
  readonly #ng: NgClient;
  readonly #calls: { readonly a: number; readonly b: number }[] = [];
  #isOpen = true;

  constructor(bench: Bench, generator: Generator, child: ChildProcess, ng: NgClient) {
    this.#bench = bench;
    this.#generator = generator;
    this.#child = child;
    this.#ng = ng;
    child.on('error', () => {});
  }

  async isReady(): Promise<boolean> {
    const deadline = realClock.now() + READY_MS;
    while (realClock.now() < deadline && this.#child.exitCode === null) {
      if ((await this.#ng.command({ command: 'ping' })).result === 'pong') return true;
      await sleep(realClock, 100);
    }
    return false;
  }

  cpuSeconds(): number {
    return this.#child.pid ? cpuSeconds(this.#child.pid) : 0;
  }

  async hold(calls: number): Promise<string | undefined> {
    while (this.#calls.length > calls) await this.#end(this.#calls.length - 1);
    while (this.#calls.length < calls) {
      const first = this.#calls.length;
      const count = Math.min(AT_ONCE, calls - first);
      const made = await Promise.all(Array.from({ length: count }, (_, index) => this.#begin(first + index)));
      for (const call of made) {
        if (!call) return 'rtpengine refused a call';
        this.#calls.push(call);
      }
    }
    await usePairs(this.#generator, this.#calls);
    return undefined;
  }

  async #begin(call: number): Promise<{ a: number; b: number } | undefined> {
    const tags = { 'call-id': `bench-${call}`, 'from-tag': `a${call}` };
    const offered = await this.#ng.command({
      ...tags,
      command: 'offer',
      sdp: audioSdp(HOST, await sideOf(this.#bench, call, 0), 0, undefined),
    });
    const answered = await this.#ng.command({
      ...tags,
      command: 'answer',
      'to-tag': `b${call}`,
      sdp: audioSdp(HOST, await sideOf(this.#bench, call, 1), 0, undefined),
    });
    // The offer's SDP goes to B, so its port is where B sends to.
    const [b, a] = [audioPort(offered.sdp ?? ''), audioPort(answered.sdp ?? '')];
    return a === 0 || b === 0 ? undefined : { a, b };
  }

  async #end(call: number): Promise<void> {
    this.#calls.length = call;
    await this.#ng.command({
      command: 'delete',
      'call-id': `bench-${call}`,
      'from-tag': `a${call}`,
      'delete-delay': '0',
    });
  }

  async release(): Promise<void> {
    await this.#generator.ask({ ask: 'release', deadlineMs: 0 });
    while (this.#calls.length > 0) await this.#end(this.#calls.length - 1);
  }

  async stop(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#ng.close();
    await end(this.#child);
  }
}
