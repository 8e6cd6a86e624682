// The store over any database: queues, groups and types. What a database does is behind `Backend`; the SQL stands in sql.ts.

import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import type { CallRecord, NotificationRecord, PhoneNumber, TrunkUsage } from '../base/records.ts';
import type { PendingCallback, Recording } from '../base/voice-records.ts';
import { searchedAddress } from './bare-address.ts';
import { BindingBatch, RecordBatch } from './batches.ts';
import { changeBy } from './directory-changes.ts';
import type { Operation } from './operations.ts';
import {
  logRepository,
  plainRepository,
  rangeConditions,
  recordRepository,
  taskRepository,
} from './record-repositories.ts';
import type { Condition } from './sql.ts';
import {
  type BindingStore,
  type CallFilter,
  type CallStore,
  type DateRange,
  type DirectoryChange,
  type MappingRepository,
  mappingKey,
  type Page,
  type PageRequest,
  type RetentionStore,
  type Store,
  type StoreHealth,
} from './store.ts';
import { allPages, sidOf } from './walk.ts';

/** A database that carries out operations. */
export interface Backend {
  /** Operations asked for in one turn of the event loop may share a transaction. Rejects with StoreFault. */
  ask(operation: Operation): Promise<unknown>;
  health(): StoreHealth;
  whileAlone: Store['whileAlone'];
  /** Changes of the directory that did not come by this backend. */
  onForeignChange(listener: (change: DirectoryChange) => void): void;
  /** Finishes what was asked, then closes. */
  close(): Promise<void>;
}

type Ask = Backend['ask'];

export function createStore(backend: Backend, clock: Clock, log: Log): Store {
  const changes = new Emitter<DirectoryChange>((fault) =>
    log.error({ fault }, 'a listener of directory changes failed'),
  );
  backend.onForeignChange((change) => changes.emit(change));
  const ask: Ask = async (operation) => {
    const value = await backend.ask(operation);
    const change = changeBy(operation, value);
    if (change) changes.emit(change);
    return value;
  };
  const records = new RecordBatch(ask, clock, log);
  const bindings = new BindingBatch((operation) => backend.ask(operation), clock);
  return {
    accounts: plainRepository(ask, 'accounts'),
    domains: plainRepository(ask, 'domains'),
    credentialLists: plainRepository(ask, 'credentialLists'),
    credentials: plainRepository(ask, 'credentials'),
    ipAccessControlLists: plainRepository(ask, 'ipAccessControlLists'),
    ipAddresses: plainRepository(ask, 'ipAddresses'),
    mappings: mappingRepository(ask),
    byocTrunks: plainRepository(ask, 'byocTrunks'),
    connectionPolicies: plainRepository(ask, 'connectionPolicies'),
    policyTargets: plainRepository(ask, 'policyTargets'),
    ipRecords: plainRepository(ask, 'ipRecords'),
    sourceIpMappings: plainRepository(ask, 'sourceIpMappings'),
    phoneNumbers: phoneNumberRepository(ask),
    applications: plainRepository(ask, 'applications'),
    keys: plainRepository(ask, 'keys'),
    outgoingCallerIds: plainRepository(ask, 'outgoingCallerIds'),
    queues: plainRepository(ask, 'queues'),
    recordings: recordRepository(ask, records, 'recordings'),
    transcriptions: recordRepository(ask, records, 'transcriptions'),
    conferences: recordRepository(ask, records, 'conferences'),
    webhookExchanges: logRepository(ask, records, 'webhookExchanges'),
    pendingCallbacks: taskRepository(ask, records, 'pendingCallbacks', byOrder),
    trunkUsage: usageStore(ask, records),
    calls: callStore(ask, records),
    bindings: bindingStore(ask, bindings),
    notifications: notificationStore(ask, records),
    retention: retentionStore(ask, records),
    health: () => backend.health(),
    whileAlone: (action) => backend.whileAlone(action),
    onDirectoryChange: (listener) => changes.on(listener),
    async close() {
      await bindings.flush();
      await records.flush();
      records.stop();
      if (records.size > 0) log.error({ records: records.size }, 'store closes with records that could not be written');
      await backend.close();
    },
  };
}

const byOrder = (one: PendingCallback, two: PendingCallback): number =>
  one.orderKey < two.orderKey ? -1 : one.orderKey > two.orderKey ? 1 : one.position - two.position;

function phoneNumberRepository(ask: Ask): Store['phoneNumbers'] {
  const table = 'phoneNumbers';
  return {
    ...plainRepository<PhoneNumber>(ask, table),
    async matching(where, pattern, page) {
      const conditions: Condition[] = [
        { column: 'phone_number', operator: 'LIKE', value: pattern.replaceAll('*', '%') },
      ];
      return (await ask({ do: 'list', table, where, conditions, page })) as Page<PhoneNumber>;
    },
  };
}

function usageStore(ask: Ask, records: RecordBatch): Store['trunkUsage'] {
  return {
    put: (record) => records.put('trunkUsage', record),
    async ofDay(day) {
      await records.flush();
      const list = async (page: PageRequest) =>
        (await ask({ do: 'list', table: 'trunkUsage', where: { day }, conditions: [], page })) as Page<TrunkUsage>;
      return allPages(list, sidOf);
    },
  };
}

function mappingRepository(ask: Ask): MappingRepository {
  const table = 'mappings';
  return {
    get: async (domainSid, kind, listSid) =>
      (await ask({ do: 'get', table, key: mappingKey({ domainSid, kind, listSid }) })) as Awaited<
        ReturnType<MappingRepository['get']>
      >,
    async insert(mapping) {
      await ask({ do: 'insert', table, record: mapping });
    },
    async remove(domainSid, kind, listSid) {
      const removed = await ask({ do: 'remove', table, key: mappingKey({ domainSid, kind, listSid }) });
      return removed !== undefined;
    },
    list: async (where, page) =>
      (await ask({ do: 'list', table, where, conditions: [], page })) as Awaited<ReturnType<MappingRepository['list']>>,
  };
}

function callStore(ask: Ask, records: RecordBatch): CallStore {
  return {
    put: (record) => records.put('calls', record),
    async get(sid) {
      await records.flush();
      return (await ask({ do: 'get', table: 'calls', key: sid })) as CallRecord | undefined;
    },
    async list(filter, page) {
      await records.flush();
      const where = equalities(filter);
      return (await ask({
        do: 'list',
        table: 'calls',
        where,
        conditions: callConditions(filter),
        page,
      })) as Page<CallRecord>;
    },
    async remove(sid) {
      await records.flush();
      return (await ask({ do: 'remove', table: 'calls', key: sid })) !== undefined;
    },
  };
}

function notificationStore(ask: Ask, records: RecordBatch): Store['notifications'] {
  return {
    put: (record) => records.put('notifications', record),
    async list(where: Partial<NotificationRecord>, page: PageRequest, range: DateRange = {}) {
      await records.flush();
      const conditions = rangeConditions('date', range.from, range.to);
      return (await ask({ do: 'list', table: 'notifications', where, conditions, page })) as Page<NotificationRecord>;
    },
  };
}

function bindingStore(ask: Ask, bindings: BindingBatch): BindingStore {
  return {
    async all() {
      await bindings.flush();
      return (await ask({ do: 'allBindings' })) as Awaited<ReturnType<BindingStore['all']>>;
    },
    save: (change) => bindings.save(change),
  };
}

/** The column of each kind that says how old a record is; migrations/ has an index for each. */
const ages = {
  calls: ['calls', 'date_created'],
  conferences: ['conferences', 'date_created'],
  transcriptions: ['transcriptions', 'date_created'],
  webhookExchanges: ['webhookExchanges', 'date_created'],
  notifications: ['notifications', 'date'],
  trunkUsage: ['trunkUsage', 'day'],
  deletedRecordings: ['recordings', 'date_deleted'],
} as const;

function retentionStore(ask: Ask, records: RecordBatch): RetentionStore {
  return {
    async prune(kind, before, size) {
      await records.flush();
      const [table, column] = ages[kind];
      const limit = kind === 'trunkUsage' ? new Date(before).toISOString().slice(0, 10) : before;
      // Keys first: a deletion of what a query finds makes PostgreSQL read the whole table.
      const keys = (await ask({ do: 'oldestKeys', table, column, before: limit, size })) as readonly string[];
      await Promise.all(keys.map((key) => ask({ do: 'erase', table, key })));
      return keys.length;
    },
    async oldestRecordings(before, size) {
      await records.flush();
      const oldest = { do: 'oldest', table: 'recordings', column: 'date_created', before, size } as const;
      return (await ask(oldest)) as readonly Recording[];
    },
  };
}

const equalities = (filter: CallFilter): Partial<CallRecord> => ({
  accountSid: filter.accountSid,
  ...(filter.parentCallSid === undefined ? {} : { parentCallSid: filter.parentCallSid }),
  ...(filter.status === undefined ? {} : { status: filter.status }),
});

function callConditions(filter: CallFilter): Condition[] {
  const conditions: Condition[] = [
    ...rangeConditions('start_time', filter.startTimeFrom, filter.startTimeTo),
    ...rangeConditions('end_time', filter.endTimeFrom, filter.endTimeTo),
  ];
  if (filter.to !== undefined)
    conditions.push({ column: 'to_address', operator: '=', value: searchedAddress(filter.to) });
  if (filter.from !== undefined)
    conditions.push({ column: 'from_address', operator: '=', value: searchedAddress(filter.from) });
  return conditions;
}
