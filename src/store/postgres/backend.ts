// PostgreSQL behind the store's ports: reads go by one pool at the same time, writes by lanes, each in its own order. While the server
// does not answer, everything is refused at once; the queues of batches.ts keep the records and try again.
//
//   get, list ─────────────────────────────▶ readers (pool)
//   bindings ──▶ lane ─┐
//   records  ──▶ lane ─┼▶ one transaction per group ─▶ writers (pool)
//   directory ─▶ lane ─┘                                      watcher: LISTEN, heartbeat, lock

import pg from 'pg';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import type { Backend } from '../facade.ts';
import { isWrite, type Operation, type Outcome } from '../operations.ts';
import { planOf } from '../plan.ts';
import { type DirectoryChange, StoreFault, type StoreHealth } from '../store.ts';
import { clientConfig, storeFault, textOf } from './client.ts';
import { execute, type GroupContext, runGroup } from './group.ts';
import { Lane } from './lane.ts';
import type { Watcher } from './watcher.ts';

export interface PostgresBackendOptions {
  readonly url: string;
  readonly context: GroupContext;
  readonly watcher: Watcher;
  readonly log: Log;
}

export class PostgresBackend implements Backend {
  readonly #context: GroupContext;
  readonly #watcher: Watcher;
  readonly #readers: pg.Pool;
  readonly #writers: pg.Pool;
  readonly #bindings: Lane;
  readonly #records: Lane;
  readonly #directory: Lane;
  #closing: Promise<void> | null = null;

  constructor({ url, context, watcher, log }: PostgresBackendOptions) {
    this.#context = context;
    this.#watcher = watcher;
    const pool = (max: number): pg.Pool => {
      const made = new pg.Pool({ ...clientConfig(url), max, idleTimeoutMillis: limits.postgresIdleMs });
      // Of a connection that rests in the pool; the pool drops it.
      made.on('error', (fault) => log.debug({ reason: textOf(fault) }, 'a database connection ended'));
      return made;
    };
    this.#readers = pool(limits.postgresReaders);
    this.#writers = pool(limits.postgresWriters);
    const transact = (operations: readonly Operation[]): Promise<readonly Outcome[]> => this.#transact(operations);
    this.#bindings = new Lane(transact);
    this.#records = new Lane(transact);
    this.#directory = new Lane(transact);
  }

  health(): StoreHealth {
    return this.#watcher.health();
  }

  whileAlone(action: () => Promise<void>): Promise<boolean> {
    return this.#watcher.whileAlone(action);
  }

  onForeignChange(listener: (change: DirectoryChange) => void): void {
    this.#watcher.onForeignChange(listener);
  }

  async ask(operation: Operation): Promise<unknown> {
    if (this.#closing) throw new StoreFault('unavailable', 'the store is closed');
    const { isUp, reason } = this.#watcher.health();
    if (!isUp) throw new StoreFault('unavailable', reason ?? 'the database does not answer');
    return isWrite(operation) ? this.#laneOf(operation).ask(operation) : this.#read(operation);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const lane of [this.#bindings, this.#records, this.#directory]) await lane.idle();
    await this.#watcher.stop();
    await this.#readers.end();
    await this.#writers.end();
  }

  #laneOf(operation: Operation): Lane {
    if (operation.do === 'saveBindings') return this.#bindings;
    const isBatched = operation.do === 'put' || operation.do === 'erase';
    return isBatched ? this.#records : this.#directory;
  }

  async #read(operation: Operation): Promise<unknown> {
    try {
      const plan = planOf(operation, this.#context.secretKey);
      const [statement] = plan.statements;
      if (!statement) throw new StoreFault('unavailable', 'nothing is asked for');
      return plan.value(await execute(this.#readers, statement));
    } catch (fault) {
      throw storeFault(fault);
    }
  }

  async #transact(operations: readonly Operation[]): Promise<readonly Outcome[]> {
    const client = await this.#writers.connect();
    try {
      const outcomes = await runGroup(client, operations, this.#context);
      client.release();
      return outcomes;
    } catch (fault) {
      // Closed rather than rolled back: nobody knows what the server did with it.
      client.release(true);
      throw fault;
    }
  }
}
