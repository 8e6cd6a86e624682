// MP3s of recordings: each rendered once, in a worker thread under a watchdog, a few at a time; who asks meanwhile for the same one waits
// for the same work.

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../base/clock.ts';
import { Gate } from '../base/gate.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Mp3Task, Mp3TaskReply } from './mp3-worker.ts';

export type RenderFailure = { readonly code: 'busy' | 'failed'; readonly detail: string };
type Rendered = Result<void, RenderFailure>;

const never = new AbortController().signal;

export class Mp3Renderer {
  readonly #clock: Clock;
  readonly #gate = new Gate(limits.recordingRenders, limits.recordingRenderQueue);
  readonly #running = new Map<string, Promise<Rendered>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#running.size;
  }

  /** Resolves when `task.target` is complete. Never rejects. */
  render(task: Mp3Task): Promise<Rendered> {
    const running = this.#running.get(task.target);
    if (running) return running;
    const work = this.#inTurn(task).finally(() => this.#running.delete(task.target));
    this.#running.set(task.target, work);
    return work;
  }

  async #inTurn(task: Mp3Task): Promise<Rendered> {
    if ((await this.#gate.enter(never)) !== 'entered')
      return err({ code: 'busy', detail: 'too many recordings are being rendered' });
    try {
      return await this.#run(task);
    } finally {
      this.#gate.leave();
    }
  }

  #run(task: Mp3Task): Promise<Rendered> {
    return new Promise((resolve) => {
      // Source runs as .ts, the built package as .js.
      const file = new URL(`./mp3-worker${extname(new URL(import.meta.url).pathname)}`, import.meta.url);
      const worker = new Worker(file, { workerData: task, env: {}, stdout: true, stderr: true });
      worker.stdout.resume();
      worker.stderr.resume();
      const finish = (result: Rendered) => {
        watchdog.cancel();
        void worker.terminate();
        resolve(result);
      };
      const failed = (detail: string) => finish(err({ code: 'failed', detail }));
      const watch = () => this.#clock.after(limits.mp3StallMs, () => failed('the encoder hangs'));
      let watchdog = watch();
      worker.on('message', (reply: Mp3TaskReply) => {
        if (reply === 'done') return finish(ok(undefined));
        if (reply !== 'progress') return failed(reply.failure);
        watchdog.cancel();
        watchdog = watch();
      });
      worker.on('error', (fault) => failed(String(fault)));
      worker.on('exit', (status) => failed(`the encoder ended with ${status}`));
    });
  }
}
