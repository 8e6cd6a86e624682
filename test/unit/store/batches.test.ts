import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { BindingBatch, RecordBatch } from '../../../src/store/batches.ts';
import type { Operation } from '../../../src/store/operations.ts';
import { aBinding, aCall } from '../../support/store-records.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { aWebhookExchange } from '../../support/voice-record-makers.ts';

/** A database that keeps what it is asked and fails as long as `failing` says. */
function fakeDatabase() {
  const asked: Operation[] = [];
  const database = {
    asked,
    failing: false,
    ask: (operation: Operation): Promise<unknown> => {
      asked.push(operation);
      return database.failing ? Promise.reject(new Error('disk full')) : Promise.resolve(true);
    },
    statuses: () =>
      asked.map((operation) =>
        operation.do === 'put' ? (operation.record as { status: string }).status : operation.do,
      ),
  };
  return database;
}

describe('record batch (design.md 7: within 100 ms)', () => {
  test('the latest record of each sid is written once, when the window ends', async () => {
    const clock = new VirtualClock();
    const database = fakeDatabase();
    const batch = new RecordBatch(database.ask, clock, silentLog);
    const call = aCall('AC1', { status: 'ringing' });
    batch.put('calls', call);
    batch.put('calls', { ...call, status: 'in-progress' } as typeof call);
    await clock.advanceAsync(limits.storeBatchMs - 1);
    expect(database.asked).toEqual([]);
    await clock.advanceAsync(1);
    expect(database.statuses()).toEqual(['in-progress']);
    expect(clock.pendingTimers).toBe(0);
    expect(limits.storeBatchMs).toBeLessThanOrEqual(100);
  });

  test('a failed write is kept and tried again, and never overwrites a later one', async () => {
    const clock = new VirtualClock();
    const database = fakeDatabase();
    const batch = new RecordBatch(database.ask, clock, silentLog);
    const call = aCall('AC1', { status: 'ringing' });
    const other = aCall('AC1', { status: 'busy' });
    database.failing = true;
    batch.put('calls', call);
    batch.put('calls', other);
    await batch.flush();
    database.asked.length = 0;
    database.failing = false;
    batch.put('calls', { ...call, status: 'completed' } as typeof call);
    await clock.advanceAsync(limits.storeRetryMs);
    expect(database.statuses().sort()).toEqual(['busy', 'completed']);
    expect(batch.size).toBe(0);
  });

  test('the queue is bounded: the oldest go first', async () => {
    const database = fakeDatabase();
    const batch = new RecordBatch(database.ask, new VirtualClock(), silentLog);
    const call = aCall('AC1');
    for (let index = 0; index <= limits.storeQueuedRecords; index++) batch.put('calls', { ...call, sid: `CA${index}` });
    expect(batch.size).toBe(limits.storeQueuedRecords);
    await batch.flush();
    expect(database.asked[0]).toMatchObject({ record: { sid: 'CA1' } });
  });
});

describe('what waits while the database is away', () => {
  test('is bounded in bytes too: long bodies of webhooks go, the oldest first', async () => {
    const database = fakeDatabase();
    const batch = new RecordBatch(database.ask, new VirtualClock(), silentLog);
    const responseBody = 'x'.repeat(1024 * 1024);
    const most = Math.floor(limits.storeQueuedBytes / (2 * responseBody.length));
    const exchanges = Array.from({ length: most + 20 }, () => aWebhookExchange('AC1', { responseBody }));
    for (const exchange of exchanges) batch.put('webhookExchanges', exchange);
    expect(batch.size).toBeLessThanOrEqual(most);
    expect(batch.size).toBeGreaterThan(most - 3);
    await batch.flush();
    expect(database.asked.at(-1)).toMatchObject({ record: { sid: exchanges.at(-1)!.sid } });
  });

  test('keeps its order over a failed write: the oldest are still the first to go', async () => {
    const database = fakeDatabase();
    const batch = new RecordBatch(database.ask, new VirtualClock(), silentLog);
    const call = aCall('AC1');
    database.failing = true;
    for (const sid of ['CA1', 'CA2', 'CA3']) batch.put('calls', { ...call, sid });
    await batch.flush();
    batch.put('calls', { ...call, sid: 'CA4' });
    batch.put('calls', { ...call, sid: 'CA2' });
    await batch.flush();
    database.failing = false;
    database.asked.length = 0;
    await batch.flush();
    expect(
      database.asked.map((operation) => 'record' in operation && (operation.record as { sid: string }).sid),
    ).toEqual(['CA1', 'CA3', 'CA4', 'CA2']);
  });
});

describe('binding batch (design.md 7: group commit within 20 ms)', () => {
  test('saves of a window are asked for together; a save of one AOR replaces an earlier one and both resolve', async () => {
    const clock = new VirtualClock();
    const database = fakeDatabase();
    const batch = new BindingBatch(database.ask, clock);
    const change = (cseq: number, aor = 'a@x') => ({ aor, bindings: [aBinding({ aor, cseq })] });
    const done: number[] = [];
    const changes = [change(1), change(2), change(3, 'b@x')];
    for (const [index, save] of changes.entries()) void batch.save(save).then(() => done.push(index));
    expect(database.asked).toEqual([]);
    await clock.advanceAsync(limits.storeBindingCommitMs);
    expect(database.asked).toEqual([
      { do: 'saveBindings', change: changes[1] },
      { do: 'saveBindings', change: changes[2] },
    ]);
    expect(done.sort()).toEqual([0, 1, 2]);
    expect(limits.storeBindingCommitMs).toBeLessThanOrEqual(20);
  });

  test('a save that cannot be committed rejects, the next window is tried anew', async () => {
    const clock = new VirtualClock();
    const database = fakeDatabase();
    const batch = new BindingBatch(database.ask, clock);
    database.failing = true;
    const failed = expect(batch.save({ aor: 'a@x', bindings: [] })).rejects.toThrow('disk full');
    await clock.advanceAsync(limits.storeBindingCommitMs);
    await failed;
    database.failing = false;
    const saved = batch.save({ aor: 'a@x', bindings: [] });
    await clock.advanceAsync(limits.storeBindingCommitMs);
    await saved;
    await settle();
    expect(clock.pendingTimers).toBe(0);
  });
});
