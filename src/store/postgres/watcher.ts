// One connection of its own beside the pools: it hears what other nodes changed, knows whether the server answers, and holds the lock
// that says "a gateway uses this database". When it is lost it comes back by itself:
//
//   up ──(lost, or silent at a heartbeat)──▶ down ──(retry)──▶ up: whoever listens reads everything again

import pg from 'pg';
import { type Clock, sleep, type Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { DirectoryChange, StoreHealth } from '../store.ts';
import { clientConfig, textOf } from './client.ts';
import { CHANNEL } from './group.ts';

export interface WatcherOptions {
  readonly url: string;
  /** Changes told under this name are our own. */
  readonly nodeId: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Advisory locks (https://www.postgresql.org/docs/current/explicit-locking.html): two numbers of our own, the second one the purpose. */
const LOCKS = 0x686f6f6b;
export const UPGRADE_LOCK = [LOCKS, 1] as const;
const USE_LOCK = [LOCKS, 2] as const;

const MISSED: DirectoryChange = { table: 'accounts', action: 'unknown', sid: '', parentSid: null };

export class Watcher {
  readonly #options: WatcherOptions;
  #client: pg.Client | null = null;
  #downBecause: string | null = 'not connected yet';
  #onChange: (change: DirectoryChange) => void = () => {};
  #timer: Timer | undefined;
  #holdsUseLock = false;
  readonly #stopped = new AbortController();

  constructor(options: WatcherOptions) {
    this.#options = options;
  }

  /** Connects. The error is for the operator. */
  async start(): Promise<Result<null, string>> {
    try {
      await this.#connect();
      return ok(null);
    } catch (fault) {
      return err(textOf(fault));
    }
  }

  health(): StoreHealth {
    return { isUp: this.#downBecause === null, reason: this.#downBecause };
  }

  onForeignChange(listener: (change: DirectoryChange) => void): void {
    this.#onChange = listener;
  }

  /** Store.whileAlone. Rejects when the connection is lost before the answer is known. */
  async whileAlone(action: () => Promise<void>): Promise<boolean> {
    const isAlone = await this.#try('pg_try_advisory_lock');
    if (isAlone) await action();
    await this.#share();
    if (isAlone) await this.#client?.query('SELECT pg_advisory_unlock($1, $2)', [...USE_LOCK]);
    return isAlone;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#timer?.cancel();
    this.#downBecause = 'the store is closed';
    const client = this.#client;
    this.#client = null;
    // A server that is silent does not hold the end up.
    await client?.end().catch(() => undefined);
  }

  async #try(lock: 'pg_try_advisory_lock' | 'pg_try_advisory_lock_shared'): Promise<boolean> {
    const result = await this.#client?.query(`SELECT ${lock}($1, $2) AS taken`, [...USE_LOCK]);
    return result?.rows[0]?.taken === true;
  }

  /** Whoever is alone holds the lock for as long as its action takes. */
  async #share(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stopped.signal.aborted) {
      if (await this.#try('pg_try_advisory_lock_shared')) break;
      await sleep(clock, limits.postgresLockPollMs, this.#stopped.signal);
    }
    this.#holdsUseLock = true;
  }

  async #connect(): Promise<void> {
    const { url, nodeId } = this.#options;
    const client = new pg.Client(clientConfig(url));
    client.on('error', (fault) => this.#lose(client, textOf(fault)));
    client.on('end', () => this.#lose(client, 'the server closed the connection'));
    client.on('notification', ({ payload }) => {
      const change = foreignChange(payload, nodeId);
      if (change) this.#onChange(change);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${CHANNEL}`);
    } catch (fault) {
      client.end().catch(() => undefined);
      throw fault;
    }
    if (this.#stopped.signal.aborted) return void client.end().catch(() => undefined);
    this.#client = client;
    if (this.#holdsUseLock) await this.#share();
    this.#downBecause = null;
    this.#beatLater(client);
  }

  #beatLater(client: pg.Client): void {
    this.#timer = this.#options.clock.after(limits.postgresHeartbeatMs, () => {
      client.query('SELECT 1').then(
        () => this.#client === client && this.#beatLater(client),
        (fault: unknown) => this.#lose(client, textOf(fault)),
      );
    });
  }

  /** Told more than once for one connection. */
  #lose(client: pg.Client, reason: string): void {
    if (this.#client !== client) return;
    this.#client = null;
    this.#downBecause = reason;
    this.#timer?.cancel();
    client.end().catch(() => undefined);
    this.#options.log.error(
      { reason },
      'the database does not answer: calls go on, records wait, registrations are refused',
    );
    this.#againLater();
  }

  #againLater(): void {
    this.#timer = this.#options.clock.after(limits.storeRetryMs, () => void this.#again());
  }

  async #again(): Promise<void> {
    try {
      await this.#connect();
    } catch (fault) {
      if (this.#stopped.signal.aborted) return;
      this.#downBecause = textOf(fault);
      this.#againLater();
      return;
    }
    if (this.#downBecause !== null) return;
    this.#options.log.info({}, 'the database answers again');
    this.#onChange(MISSED);
  }
}

/** Anybody who may connect may notify: what is not of our form is nothing. */
function foreignChange(payload: string | undefined, nodeId: string): DirectoryChange | undefined {
  try {
    const { nodeId: from, change } = JSON.parse(payload ?? '') as { nodeId?: unknown; change?: DirectoryChange };
    if (from === nodeId || typeof change?.table !== 'string' || typeof change.sid !== 'string') return undefined;
    return change;
  } catch {
    return undefined;
  }
}
