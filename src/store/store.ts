// The store ports. sqlite.ts implements them in a worker thread (node:sqlite is synchronous), postgres.ts with the same tests.
// Every method returns a promise that settles when the write is durable, but for `records.put`, which is batched (design.md 7).

import type { RecordStore } from '../base/record-store.ts';
import type { Binding, DomainMapping, TrunkUsage } from '../base/records.ts';
import type { TaskRepository } from '../base/repository.ts';
import type { PendingCallback, Recording } from '../base/voice-records.ts';

export type { CallFilter, CallStore, MappingRepository } from '../base/record-store.ts';
export type { DateRange, Page, PageRequest, Repository } from '../base/repository.ts';

/**
 * Why a store refused. `duplicate`: a unique name or key is taken. `missing`: the record that it belongs to is gone. `full`: no room on
 * disk. `refused`: the database cannot hold such a record; trying again is of no use. `unavailable`: any other fault of the database, or
 * it is closed. The text holds no value of a record.
 */
export type StoreFaultCode = 'duplicate' | 'missing' | 'full' | 'refused' | 'unavailable';

/** What the promises of a store reject with. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault';
  readonly code: StoreFaultCode;
  constructor(code: StoreFaultCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The key of a mapping in cursors. */
export const mappingKey = (mapping: Pick<DomainMapping, 'domainSid' | 'kind' | 'listSid'>): string =>
  `${mapping.domainSid}/${mapping.kind}/${mapping.listSid}`;

export interface BindingChange {
  readonly aor: string;
  /** The whole set of bindings of the AOR after the change; empty = unregistered. */
  readonly bindings: readonly Binding[];
}

export interface BindingStore {
  all(): Promise<readonly Binding[]>;
  /** Durable when it resolves (group commit within 20 ms): the REGISTER's 200 waits for it. */
  save(change: BindingChange): Promise<void>;
}

export type DirectoryTable =
  | 'accounts'
  | 'domains'
  | 'credentialLists'
  | 'credentials'
  | 'ipAccessControlLists'
  | 'ipAddresses'
  | 'mappings'
  | 'byocTrunks'
  | 'connectionPolicies'
  | 'policyTargets'
  | 'ipRecords'
  | 'sourceIpMappings'
  | 'phoneNumbers'
  | 'applications'
  | 'keys'
  | 'outgoingCallerIds';

export interface TrunkUsageStore {
  /** Inserts or replaces; batched like calls. */
  put(record: TrunkUsage): void;
  /** What was talked on one UTC day (`2026-01-31`). */
  ofDay(day: string): Promise<readonly TrunkUsage[]>;
}

/** What changed, so that a reader can renew only that. What a removal takes along (members, mappings) is not reported for each. */
export interface DirectoryChange {
  readonly table: DirectoryTable;
  /** `unknown`: changes may have been missed (another node wrote while we had no connection): everything is to be read again. */
  readonly action: 'inserted' | 'updated' | 'removed' | 'unknown';
  /** The record; of a mapping its key. */
  readonly sid: string;
  /** The list of a credential or address, the domain of a mapping; null for the others. */
  readonly parentSid: string | null;
}

/** Deletes by age, a few records at a time: `before` is in wall milliseconds, exclusive. */
export interface RetentionStore {
  /**
   * Removes at most `size` records that are older; resolves with how many it were. `deletedRecordings`: the records of recordings that
   * were deleted before that time.
   */
  prune(
    table:
      | 'calls'
      | 'conferences'
      | 'transcriptions'
      | 'webhookExchanges'
      | 'notifications'
      | 'trunkUsage'
      | 'deletedRecordings',
    before: number,
    size: number,
  ): Promise<number>;
  /** Recordings have media beside them: whoever removes that removes the record after it. */
  oldestRecordings(before: number, size: number): Promise<readonly Recording[]>;
}

/** `reason` is for the operator; null when the database answers. */
export interface StoreHealth {
  readonly isUp: boolean;
  readonly reason: string | null;
}

export interface Store extends RecordStore {
  /** In the order of `orderKey`, then `position`. */
  readonly pendingCallbacks: TaskRepository<PendingCallback>;
  readonly trunkUsage: TrunkUsageStore;
  readonly bindings: BindingStore;
  readonly retention: RetentionStore;
  /** Whether the database can be used now. It heals by itself. */
  health(): StoreHealth;
  /**
   * Carries out what only one gateway may do, at start, when no other one uses the database. False when another one does. Whoever
   * starts meanwhile waits.
   */
  whileAlone(action: () => Promise<void>): Promise<boolean>;
  /** Called after any change of what DirectoryTable names. */
  onDirectoryChange(listener: (change: DirectoryChange) => void): () => void;
  /** Writes everything that is batched, then closes. */
  close(): Promise<void>;
}
