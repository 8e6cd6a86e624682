// The store over any database: queues, groups and types. What a database does is behind `Backend`; the SQL stands in sql.ts.

import type { Clock } from '../base/clock.ts';
import { Emitter } from '../base/emitter.ts';
import type { Log } from '../base/log.ts';
import type { CallRecord, NotificationRecord, PhoneNumber, TrunkUsage } from '../base/records.ts';
import type { PendingCallback } from '../base/voice-records.ts';
import { bareAddress } from './bare-address.ts';
import { BindingBatch, RecordBatch } from './batches.ts';
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
  type DirectoryTable,
  type MappingRepository,
  mappingKey,
  type Page,
  type PageRequest,
  type Repository,
  type Store,
} from './store.ts';
import { allPages, sidOf } from './walk.ts';

/** A database that carries out operations. */
export interface Backend {
  /** Operations asked for in one turn of the event loop may share a transaction. Rejects with StoreFault. */
  ask(operation: Operation): Promise<unknown>;
  /** Finishes what was asked, then closes. */
  close(): Promise<void>;
}

type Ask = Backend['ask'];
type Changed = (change: DirectoryChange) => void;

export function createStore(backend: Backend, clock: Clock, log: Log): Store {
  const changes = new Emitter<DirectoryChange>((fault) =>
    log.error({ fault }, 'a listener of directory changes failed'),
  );
  const changed: Changed = (change) => changes.emit(change);
  const ask: Ask = (operation) => backend.ask(operation);
  const records = new RecordBatch(ask, clock, log);
  const bindings = new BindingBatch(ask, clock);
  return {
    accounts: repository(ask, 'accounts', changed, () => null),
    domains: repository(ask, 'domains', changed, () => null),
    credentialLists: repository(ask, 'credentialLists', changed, () => null),
    credentials: repository(ask, 'credentials', changed, (record) => record.credentialListSid),
    ipAccessControlLists: repository(ask, 'ipAccessControlLists', changed, () => null),
    ipAddresses: repository(ask, 'ipAddresses', changed, (record) => record.ipAccessControlListSid),
    mappings: mappingRepository(ask, changed),
    byocTrunks: repository(ask, 'byocTrunks', changed, () => null),
    connectionPolicies: repository(ask, 'connectionPolicies', changed, () => null),
    policyTargets: repository(ask, 'policyTargets', changed, (record) => record.connectionPolicySid),
    ipRecords: repository(ask, 'ipRecords', changed, () => null),
    sourceIpMappings: repository(ask, 'sourceIpMappings', changed, () => null),
    phoneNumbers: phoneNumberRepository(ask, changed),
    applications: repository(ask, 'applications', changed, () => null),
    keys: repository(ask, 'keys', changed, () => null),
    outgoingCallerIds: repository(ask, 'outgoingCallerIds', changed, () => null),
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

function repository<T extends { readonly sid: string }>(
  ask: Ask,
  table: Exclude<DirectoryTable, 'mappings'>,
  changed: Changed,
  parentOf: (record: T) => string | null,
): Repository<T> {
  return {
    ...plainRepository<T>(ask, table),
    async insert(record) {
      await ask({ do: 'insert', table, record });
      changed({ table, action: 'inserted', sid: record.sid, parentSid: parentOf(record) });
    },
    async update(record) {
      const found = (await ask({ do: 'update', table, record })) as boolean;
      if (found) changed({ table, action: 'updated', sid: record.sid, parentSid: parentOf(record) });
      return found;
    },
    async remove(sid) {
      const removed = (await ask({ do: 'remove', table, key: sid })) as T | undefined;
      if (removed) changed({ table, action: 'removed', sid, parentSid: parentOf(removed) });
      return removed !== undefined;
    },
  };
}

function phoneNumberRepository(ask: Ask, changed: Changed): Store['phoneNumbers'] {
  const table = 'phoneNumbers';
  return {
    ...repository<PhoneNumber>(ask, table, changed, () => null),
    async matching(where, pattern, page) {
      const conditions: Condition[] = [{ column: 'phone_number', operator: 'GLOB', value: pattern }];
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

function mappingRepository(ask: Ask, changed: Changed): MappingRepository {
  const table = 'mappings';
  return {
    get: async (domainSid, kind, listSid) =>
      (await ask({ do: 'get', table, key: mappingKey({ domainSid, kind, listSid }) })) as Awaited<
        ReturnType<MappingRepository['get']>
      >,
    async insert(mapping) {
      await ask({ do: 'insert', table, record: mapping });
      changed({ table, action: 'inserted', sid: mappingKey(mapping), parentSid: mapping.domainSid });
    },
    async remove(domainSid, kind, listSid) {
      const key = mappingKey({ domainSid, kind, listSid });
      const removed = await ask({ do: 'remove', table, key });
      if (removed) changed({ table, action: 'removed', sid: key, parentSid: domainSid });
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
  if (filter.to !== undefined) conditions.push({ column: 'to_address', operator: '=', value: bareAddress(filter.to) });
  if (filter.from !== undefined)
    conditions.push({ column: 'from_address', operator: '=', value: bareAddress(filter.from) });
  return conditions;
}
