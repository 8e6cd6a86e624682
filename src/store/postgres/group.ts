// One group of operations as one transaction. First all at once, with operations of a kind in one statement; when the server refuses
// something, again one by one, each in a savepoint, so that one refusal leaves the others alone.
//
//   BEGIN ─▶ all ─▶ COMMIT                             the rule
//        └▶ refused ─▶ ROLLBACK ─▶ BEGIN ─▶ (SAVEPOINT ─▶ one ─▶ RELEASE | ROLLBACK TO)* ─▶ COMMIT

import type { ClientBase } from 'pg';
import { changeBy } from '../directory-changes.ts';
import type { Operation, Outcome } from '../operations.ts';
import { type Answer, planOf, prepared } from '../plan.ts';
import { storable } from '../row.ts';
import { numbered, type Statement } from '../sql.ts';
import { type Bulk, bulksOf } from './bulk.ts';
import { isLost, isTimeout, storeFault } from './client.ts';

export interface GroupContext {
  readonly secretKey: Buffer;
  /** Told with what changes the directory, so that a node knows its own changes. */
  readonly nodeId: string;
}

export const CHANNEL = 'hookswitch_directory';

/** Rejects when the connection is lost or the server takes too long: then nobody knows, and the connection is not to be used again. */
export async function runGroup(
  client: ClientBase,
  operations: readonly Operation[],
  context: GroupContext,
): Promise<readonly Outcome[]> {
  try {
    return await atOnce(client, operations, context);
  } catch (fault) {
    if (isLost(fault) || isTimeout(fault)) throw fault;
    await client.query('ROLLBACK');
  }
  return oneByOne(client, operations, context);
}

async function atOnce(client: ClientBase, operations: readonly Operation[], context: GroupContext): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  await client.query('BEGIN');
  for (const bulk of prepared(() => bulksOf(operations, context.secretKey)))
    outcomes.push(...(await runBulk(client, bulk, context)));
  await client.query('COMMIT');
  return outcomes;
}

async function runBulk(client: ClientBase, bulk: Bulk, context: GroupContext): Promise<readonly Outcome[]> {
  if (bulk.statements === null) {
    const [operation] = bulk.operations;
    return operation ? [{ ok: true, value: await perform(client, operation, context) }] : [];
  }
  for (const { text, values } of bulk.statements)
    await client.query(
      text,
      values.map((column) => column.map(storable)),
    );
  return bulk.operations.map((operation) => ({
    ok: true,
    value: operation.do === 'saveBindings' ? undefined : true,
  }));
}

async function oneByOne(
  client: ClientBase,
  operations: readonly Operation[],
  context: GroupContext,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  await client.query('BEGIN');
  for (const operation of operations) outcomes.push(await guarded(client, operation, context));
  await client.query('COMMIT');
  return outcomes;
}

async function guarded(client: ClientBase, operation: Operation, context: GroupContext): Promise<Outcome> {
  await client.query('SAVEPOINT operation');
  try {
    const value = await perform(client, operation, context);
    await client.query('RELEASE operation');
    return { ok: true, value };
  } catch (fault) {
    if (isLost(fault) || isTimeout(fault)) throw fault;
    await client.query('ROLLBACK TO operation');
    await client.query('RELEASE operation');
    const { code, message } = storeFault(fault);
    return { ok: false, code, message };
  }
}

/** The other nodes are told when the transaction is committed, and only then. */
async function perform(client: ClientBase, operation: Operation, context: GroupContext): Promise<unknown> {
  const plan = prepared(() => planOf(operation, context.secretKey));
  let answer: Answer = { rows: [], changes: 0 };
  for (const statement of plan.statements) answer = await execute(client, statement);
  const value = plan.value(answer);
  const change = changeBy(operation, value);
  if (change) {
    const payload = JSON.stringify({ nodeId: context.nodeId, change });
    await client.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]);
  }
  return value;
}

/** Of a connection or a pool. */
export async function execute(client: Pick<ClientBase, 'query'>, statement: Statement): Promise<Answer> {
  const result = await client.query(numbered(statement.text), statement.values.map(storable));
  return { rows: result.rows, changes: result.rowCount ?? 0 };
}
