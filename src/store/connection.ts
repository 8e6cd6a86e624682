// The main thread's end of the database thread: operations asked for in one turn of the event loop travel as one group, and each
// promise settles with its own outcome. When the thread dies, what waits is rejected and another one is started:
//
//   open ──(thread dies)──▶ down: every operation is rejected ──(retry)──▶ open
//     └──────────────────────── close() ───────────────────────────▶ closed

import { Worker } from 'node:worker_threads';
import { type Clock, realClock, type Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Backend } from './facade.ts';
import { type GroupReply, type Operation, outcomeAt, packOperations } from './operations.ts';
import type { WorkerMessage, WorkerRequest, WorkerSettings } from './sqlite-worker.ts';
import { StoreFault, type StoreHealth } from './store.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: StoreFault) => void;
}

// Source runs as .ts, the built package as .js (design.md 2).
const WORKER_URL = new URL(`./sqlite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export interface ConnectionOptions {
  readonly settings: WorkerSettings;
  readonly log: Log;
  readonly clock?: Clock;
  /** Another thread, for tests of its failure. */
  readonly workerUrl?: URL;
}

export class Connection implements Backend {
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #inFlight = new Map<number, readonly Waiting[]>();
  #worker: Worker;
  #queued: { readonly operation: Operation; readonly waiting: Waiting }[] = [];
  #nextId = 1;
  #downBecause: string | null = null;
  #isClosed = false;
  #retry: Timer | undefined;
  #exited: Promise<void> = Promise.resolve();

  private constructor(worker: Worker, options: ConnectionOptions) {
    this.#options = options;
    this.#clock = options.clock ?? realClock;
    this.#log = options.log;
    this.#worker = worker;
    this.#adopt(worker);
  }

  static async open(options: ConnectionOptions): Promise<Result<Connection, string>> {
    const worker = await startWorker(options);
    return worker.ok ? ok(new Connection(worker.value, options)) : worker;
  }

  health(): StoreHealth {
    return { isUp: this.#downBecause === null, reason: this.#downBecause };
  }

  /** The folder lock sees to it that no other gateway has the file. */
  async whileAlone(action: () => Promise<void>): Promise<boolean> {
    await action();
    return true;
  }

  onForeignChange(): void {}

  /** Operations in one turn share a transaction. Rejects with StoreFault. */
  ask(operation: Operation): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#downBecause !== null) return reject(new StoreFault('unavailable', this.#downBecause));
      this.#queued.push({ operation, waiting: { resolve, reject } });
      if (this.#queued.length === 1) setImmediate(() => this.#send());
    });
  }

  /** Finishes what was asked, then ends the thread. */
  async close(): Promise<void> {
    this.#send();
    this.#retry?.cancel();
    const wasUp = this.#downBecause === null;
    this.#isClosed = true;
    this.#downBecause ??= 'the store is closed';
    if (wasUp) this.#post({ close: true });
    await this.#exited;
  }

  #adopt(worker: Worker): void {
    this.#worker = worker;
    this.#downBecause = null;
    worker.on('message', (message: WorkerMessage) => 'reply' in message && this.#settle(message.reply));
    worker.on('error', (fault) => this.#lose(`the database thread failed: ${fault.message}`));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#lose('the database thread ended');
        resolve();
      });
    });
  }

  #send(): void {
    const queued = this.#queued;
    if (queued.length === 0 || this.#downBecause !== null) return;
    this.#queued = [];
    const id = this.#nextId++;
    this.#inFlight.set(
      id,
      queued.map((entry) => entry.waiting),
    );
    try {
      this.#post({ group: { id, ...packOperations(queued.map((entry) => entry.operation)) } });
    } catch (fault) {
      // A record that cannot be copied to the thread (a fault of ours): its group is refused, the store goes on.
      this.#inFlight.delete(id);
      const refused = new StoreFault('unavailable', 'the record cannot be stored', { cause: fault });
      for (const entry of queued) entry.waiting.reject(refused);
    }
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }

  #settle(reply: GroupReply): void {
    const waiting = this.#inFlight.get(reply.id) ?? [];
    this.#inFlight.delete(reply.id);
    for (const [index, one] of waiting.entries()) {
      const outcome = outcomeAt(reply.outcomes, index);
      if (outcome?.ok) one.resolve(outcome.value);
      else
        one.reject(new StoreFault(outcome?.code ?? 'unavailable', outcome?.message ?? 'the database gave no answer'));
    }
  }

  /** The thread is gone: called once by its fault and once by its end. */
  #lose(reason: string): void {
    if (this.#downBecause === null) {
      this.#downBecause = reason;
      this.#log.error({ reason }, 'store lost its database thread, starts another one');
      this.#startAgainLater();
    }
    const fault = new StoreFault('unavailable', this.#downBecause);
    for (const group of this.#inFlight.values()) for (const one of group) one.reject(fault);
    this.#inFlight.clear();
    for (const entry of this.#queued) entry.waiting.reject(fault);
    this.#queued = [];
  }

  #startAgainLater(): void {
    this.#retry = this.#clock.after(limits.storeRetryMs, () => void this.#startAgain());
  }

  async #startAgain(): Promise<void> {
    // The old thread may still hold the file.
    await this.#exited;
    const worker = await startWorker(this.#options);
    if (this.#isClosed) {
      if (worker.ok) await worker.value.terminate();
      return;
    }
    if (worker.ok) {
      this.#adopt(worker.value);
      this.#log.info({}, 'store has a database thread again');
      return;
    }
    this.#downBecause = worker.error;
    this.#log.error({ reason: worker.error }, 'the database thread does not start, will try again');
    this.#startAgainLater();
  }
}

function startWorker({ settings, workerUrl = WORKER_URL }: ConnectionOptions): Promise<Result<Worker, string>> {
  return new Promise((resolve) => {
    const worker = new Worker(workerUrl, {
      workerData: settings,
      // node:sqlite still prints a notice that it may change; the version is pinned by `engines`.
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    const failed = (fault: Error): void => resolve(err(`the database thread did not start: ${fault.message}`));
    const ended = (): void => failed(new Error('it ended before the file was open'));
    worker.once('error', failed);
    worker.once('exit', ended);
    worker.once('message', (message: WorkerMessage) => {
      worker.off('error', failed);
      worker.off('exit', ended);
      if (!('opened' in message) || !message.opened.ok)
        return resolve(err('opened' in message && !message.opened.ok ? message.opened.error : 'no answer'));
      resolve(ok(worker));
    });
  });
}
