// Brings the declared records of one table to what is wanted: makes what is missing, changes what differs, removes what is no longer
// declared. Records that REST made are never touched; where one has the key of a declared one, that one is reported and skipped.

import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource, type SidPrefix } from '../base/ids.ts';
import type { Log } from '../base/log.ts';

export interface ReconcileContext {
  readonly accountSid: string;
  readonly clock: Pick<Clock, 'wall'>;
  readonly random: RandomSource;
  readonly log: Log;
}

interface Declarable {
  readonly sid: string;
  readonly accountSid: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

type Stamp = 'sid' | 'accountSid' | 'dateCreated' | 'dateUpdated';

export interface ReconcileTable<T extends Declarable> {
  readonly repository: {
    insert(record: T): Promise<void>;
    update(record: T): Promise<boolean>;
    remove(sid: string): Promise<boolean>;
  };
  readonly prefix: SidPrefix;
  /** Word for the log. */
  readonly what: string;
  readonly keyOf: (record: T) => string;
  readonly isDeclared: (record: T) => boolean;
}

export class Reconciler {
  readonly #context: ReconcileContext;
  readonly counts = { created: 0, updated: 0, removed: 0, unchanged: 0 };

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  /** The records by key as they are afterwards, without those that REST has taken the key of. */
  async bring<T extends Declarable>(
    table: ReconcileTable<T>,
    present: readonly T[],
    wanted: ReadonlyMap<string, Omit<T, Stamp>>,
  ): Promise<ReadonlyMap<string, T>> {
    // Newest first: of two with one key the older one stays.
    const byKey = new Map(present.map((record) => [table.keyOf(record), record]));
    const after = new Map<string, T>();
    for (const [key, settings] of wanted) {
      const found = byKey.get(key);
      const record = found ? await this.#change(table, found, settings) : await this.#make(table, key, settings);
      if (record) after.set(key, record);
    }
    for (const record of present) {
      const isKept = after.get(table.keyOf(record))?.sid === record.sid || wanted.has(table.keyOf(record));
      if (table.isDeclared(record) && !isKept && (await table.repository.remove(record.sid))) this.counts.removed++;
    }
    return after;
  }

  async #make<T extends Declarable>(table: ReconcileTable<T>, key: string, settings: Omit<T, Stamp>) {
    const { accountSid, clock, random } = this.#context;
    const now = clock.wall();
    const stamp = { sid: newSid(table.prefix, random), accountSid, dateCreated: now, dateUpdated: now };
    const record = { ...settings, ...stamp } as unknown as T;
    try {
      await table.repository.insert(record);
    } catch (fault) {
      // Some keys are unique over all accounts: another account has it.
      if (!(fault instanceof Error && 'code' in fault && fault.code === 'duplicate')) throw fault;
      return this.#taken(table.what, key);
    }
    this.counts.created++;
    return record;
  }

  async #change<T extends Declarable>(table: ReconcileTable<T>, found: T, settings: Omit<T, Stamp>) {
    if (!table.isDeclared(found)) return this.#taken(table.what, table.keyOf(found));
    const wanted = { ...found, ...settings };
    const isSame = (Object.keys(wanted) as (keyof T)[]).every(
      (field) => JSON.stringify(wanted[field]) === JSON.stringify(found[field]),
    );
    if (isSame) {
      this.counts.unchanged++;
      return found;
    }
    const changed = { ...wanted, dateUpdated: this.#context.clock.wall() };
    if (await table.repository.update(changed)) this.counts.updated++;
    return changed;
  }

  #taken(what: string, key: string): undefined {
    this.#context.log.warn({ [what]: key }, `declared ${what} is skipped: one of that name was made over REST`);
    return undefined;
  }
}
