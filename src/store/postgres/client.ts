// How we connect to PostgreSQL: limits of time on every connection, numbers as numbers, and faults without values in them.

import pg from 'pg';
import { limits } from '../../base/limits.ts';
import { StoreFault, type StoreFaultCode } from '../store.ts';

const INT8 = 20;
const JSON_TEXT = 114;

/** 64-bit numbers as numbers (ours are milliseconds and counts, below 2^53); JSON as text, which row.ts reads. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return Number;
    if (oid === JSON_TEXT) return String;
    return format === 'binary' ? pg.types.getTypeParser(oid, 'binary') : pg.types.getTypeParser(oid, 'text');
  }) as typeof pg.types.getTypeParser,
};

/** For one connection or a pool. The server ends a statement that takes too long; a server that is silent is left a second later. */
export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'hookswitch',
    connectionTimeoutMillis: limits.postgresConnectMs,
    statement_timeout: limits.postgresStatementMs,
    idle_in_transaction_session_timeout: limits.postgresStatementMs,
    query_timeout: limits.postgresStatementMs + 1_000,
    keepAlive: true,
    types,
  };
}

/** Of an upgrade: building an index on a large table takes as long as it takes. */
export function patientConfig(url: string): pg.ClientConfig {
  const { statement_timeout, query_timeout, idle_in_transaction_session_timeout, ...rest } = clientConfig(url);
  return rest;
}

// SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';
const DISK_FULL = '53100';
const QUERY_CANCELED = '57014';
/** Data, integrity, syntax and program limits: the same record will be refused again. */
const NEVER = /^(?:22|23|42|54)/;
/** Connection exceptions, and an operator who ends connections: 57P01 and its like. */
const GONE = /^(?:08|57P)/;

const stateOf = (fault: unknown): string | undefined => (fault instanceof pg.DatabaseError ? fault.code : undefined);

/** The connection cannot be used any more, or nobody knows in what state it is. */
export function isLost(fault: unknown): boolean {
  if (fault instanceof StoreFault) return false;
  const state = stateOf(fault);
  return state === undefined || GONE.test(state);
}

export const isTimeout = (fault: unknown): boolean => stateOf(fault) === QUERY_CANCELED;

/** The text of a refusal names the constraint and not the value: details of PostgreSQL's own errors hold values. */
export function storeFault(fault: unknown): StoreFault {
  if (fault instanceof StoreFault) return fault;
  const state = stateOf(fault);
  if (state === undefined) return new StoreFault('unavailable', textOf(fault));
  const constraint = fault instanceof pg.DatabaseError ? (fault.constraint ?? fault.table) : undefined;
  const place = constraint === undefined ? '' : ` at ${constraint}`;
  return new StoreFault(codeOf(state), `the database answers SQLSTATE ${state}${place}`);
}

function codeOf(state: string): StoreFaultCode {
  if (state === UNIQUE_VIOLATION) return 'duplicate';
  if (state === FOREIGN_KEY_VIOLATION) return 'missing';
  if (state === DISK_FULL) return 'full';
  return NEVER.test(state) ? 'refused' : 'unavailable';
}

/** Of a fault without SQLSTATE: of the network or of pg itself. Neither holds the password. */
export function textOf(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  // A name with several addresses: one fault for each, and none in the sum.
  const text = fault instanceof AggregateError ? fault.errors.map((one) => textOf(one)).join(', ') : fault.message;
  return text === '' ? fault.name : text;
}
