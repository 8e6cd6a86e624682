// The main thread's end of the database thread: operations asked for in one turn of the event loop travel as one group, and each
// promise settles with its own outcome. When the thread dies, what waits is rejected and later calls are too; the process lives.

import { Worker } from 'node:worker_threads';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Operation, Outcome } from './operations.ts';
import type { WorkerMessage, WorkerRequest, WorkerSettings } from './sqlite-worker.ts';
import { StoreFault } from './store.ts';

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (fault: StoreFault) => void;
}

// Source runs as .ts, the built package as .js (design.md 2).
const WORKER_URL = new URL(`./sqlite-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export class Connection {
  readonly #worker: Worker;
  readonly #log: Log;
  readonly #inFlight = new Map<number, readonly Waiting[]>();
  #queued: { readonly operation: Operation; readonly waiting: Waiting }[] = [];
  #nextId = 1;
  #closedBecause: string | undefined;
  readonly #exited: Promise<void>;

  private constructor(worker: Worker, log: Log) {
    this.#worker = worker;
    this.#log = log;
    worker.on('message', (message: WorkerMessage) => 'reply' in message && this.#settle(message.reply));
    worker.on('error', (fault) => this.#end(`the database thread failed: ${fault.message}`));
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#end('the database thread ended');
        resolve();
      });
    });
  }

  /** `workerUrl` is another thread for tests of its failure. */
  static open(settings: WorkerSettings, log: Log, workerUrl: URL = WORKER_URL): Promise<Result<Connection, string>> {
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
        resolve(ok(new Connection(worker, log)));
      });
    });
  }

  get isOpen(): boolean {
    return this.#closedBecause === undefined;
  }

  /** Operations in one turn share a transaction. Rejects with StoreFault. */
  ask(operation: Operation): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#closedBecause !== undefined) return reject(new StoreFault('unavailable', this.#closedBecause));
      this.#queued.push({ operation, waiting: { resolve, reject } });
      if (this.#queued.length === 1) queueMicrotask(() => this.#send());
    });
  }

  /** Finishes what was asked, then ends the thread. */
  async close(): Promise<void> {
    this.#send();
    if (this.#closedBecause === undefined) {
      this.#closedBecause = 'the store is closed';
      this.#post({ close: true });
    }
    await this.#exited;
  }

  #send(): void {
    const queued = this.#queued;
    if (queued.length === 0 || this.#closedBecause !== undefined) return;
    this.#queued = [];
    const id = this.#nextId++;
    this.#inFlight.set(
      id,
      queued.map((entry) => entry.waiting),
    );
    try {
      this.#post({ group: { id, operations: queued.map((entry) => entry.operation) } });
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

  #settle(reply: { readonly id: number; readonly outcomes: readonly Outcome[] }): void {
    const waiting = this.#inFlight.get(reply.id) ?? [];
    this.#inFlight.delete(reply.id);
    for (const [index, one] of waiting.entries()) {
      const outcome = reply.outcomes[index];
      if (outcome?.ok) one.resolve(outcome.value);
      else
        one.reject(new StoreFault(outcome?.code ?? 'unavailable', outcome?.message ?? 'the database gave no answer'));
    }
  }

  #end(reason: string): void {
    if (this.#closedBecause === undefined) {
      this.#closedBecause = reason;
      this.#log.error({ reason }, 'store lost its database thread');
    }
    const fault = new StoreFault('unavailable', this.#closedBecause);
    for (const group of this.#inFlight.values()) for (const one of group) one.reject(fault);
    this.#inFlight.clear();
    for (const entry of this.#queued) entry.waiting.reject(fault);
    this.#queued = [];
  }
}
