// Which operations change what DirectoryTable names, and how that is told.

import type { Operation } from './operations.ts';
import { type DirectoryChange, type DirectoryTable, mappingKey } from './store.ts';
import type { TableName } from './tables.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Each table of the directory, with the field that names the record it belongs to. */
const parents: Readonly<Record<DirectoryTable, string | null>> = {
  accounts: null,
  domains: null,
  credentialLists: null,
  credentials: 'credentialListSid',
  ipAccessControlLists: null,
  ipAddresses: 'ipAccessControlListSid',
  mappings: 'domainSid',
  byocTrunks: null,
  connectionPolicies: null,
  policyTargets: 'connectionPolicySid',
  ipRecords: null,
  sourceIpMappings: null,
  phoneNumbers: null,
  applications: null,
  keys: null,
  outgoingCallerIds: null,
};

const isDirectoryTable = (table: TableName): table is DirectoryTable => Object.hasOwn(parents, table);

const actions = { insert: 'inserted', update: 'updated', remove: 'removed' } as const;

/** What an operation changed, from the value that it gave; undefined when nothing of the directory. */
export function changeBy(operation: Operation, value: unknown): DirectoryChange | undefined {
  if (operation.do !== 'insert' && operation.do !== 'update' && operation.do !== 'remove') return undefined;
  const { table } = operation;
  if (!isDirectoryTable(table) || !value) return undefined;
  const record = ('record' in operation ? operation.record : value) as Fields;
  const sid = table === 'mappings' ? mappingKey(record as Parameters<typeof mappingKey>[0]) : String(record.sid);
  const parent = parents[table];
  return { table, action: actions[operation.do], sid, parentSid: parent === null ? null : String(record[parent]) };
}
