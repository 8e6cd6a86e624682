import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Connection } from '../../../src/store/connection.ts';
import { until } from '../../support/until.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const settings = { file: ':memory:', secretKey: Buffer.alloc(32), maxFileBytes: null };
const thread = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);
const port = "import { parentPort } from 'node:worker_threads';";

async function open(source?: string): Promise<Connection> {
  const connection = await Connection.open({
    settings,
    log: silentLog,
    ...(source === undefined ? {} : { workerUrl: thread(source) }),
  });
  if (!connection.ok) throw new Error(connection.error);
  return connection.value;
}

describe('a database thread that fails', () => {
  test('at work: what waits and what comes later is rejected, the process lives', async () => {
    const connection = await open(
      `${port} parentPort.postMessage({ opened: { ok: true } }); parentPort.on('message', () => { throw new Error('gone'); });`,
    );
    await expect(connection.ask({ do: 'allBindings' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(connection.health()).toEqual({ isUp: false, reason: 'the database thread failed: gone' });
    await expect(connection.ask({ do: 'allBindings' })).rejects.toThrow(/gone/);
    await connection.close();
  });

  test('another one is started: the store can be used again', async () => {
    // The first thread of the file dies at work; the next one finds the mark and answers.
    const dir = mkdtempSync(join(tmpdir(), 'store-'));
    const clock = new VirtualClock();
    const mark = JSON.stringify(join(dir, 'second'));
    const source = `${port} import { existsSync, writeFileSync } from 'node:fs';
      const isSecond = existsSync(${mark}); writeFileSync(${mark}, '');
      parentPort.postMessage({ opened: { ok: true } });
      parentPort.on('message', (message) => {
        if (message.close) return parentPort.close();
        if (!isSecond) throw new Error('gone');
        parentPort.postMessage({ reply: { id: message.group.id, outcomes: [{ ok: true, value: 7 }] } });
      });`;
    const opened = await Connection.open({ settings, log: silentLog, clock, workerUrl: thread(source) });
    if (!opened.ok) throw new Error(opened.error);
    const connection = opened.value;
    await expect(connection.ask({ do: 'allBindings' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(connection.health().isUp).toBe(false);
    await clock.advanceAsync(limits.storeRetryMs);
    await until(
      () => connection.health().isUp,
      5_000,
      () => 'the thread runs again',
    );
    expect(await connection.ask({ do: 'allBindings' })).toBe(7);
    await connection.close();
    expect(connection.health()).toEqual({ isUp: false, reason: 'the store is closed' });
    rmSync(dir, { recursive: true });
  });

  test('closed while it is down: no timer stays, later calls are rejected', async () => {
    const clock = new VirtualClock();
    const source = `${port} parentPort.postMessage({ opened: { ok: true } }); parentPort.on('message', () => process.exit(1));`;
    const opened = await Connection.open({ settings, log: silentLog, clock, workerUrl: thread(source) });
    if (!opened.ok) throw new Error(opened.error);
    await expect(opened.value.ask({ do: 'allBindings' })).rejects.toMatchObject({ code: 'unavailable' });
    await opened.value.close();
    expect(clock.pendingTimers).toBe(0);
    await expect(opened.value.ask({ do: 'allBindings' })).rejects.toMatchObject({ code: 'unavailable' });
  });

  test.each([
    ['with a fault', "throw new Error('no such module')"],
    ['without a word', ''],
    ['by leaving', 'process.exit(3)'],
  ])('at the start, %s: an error, no hang', async (_, source) => {
    const connection = await Connection.open({ settings, log: silentLog, workerUrl: thread(source) });
    expect(connection).toMatchObject({ ok: false, error: expect.stringContaining('did not start') });
  });
});

test('a record that cannot be copied to the thread is refused, the store goes on', async () => {
  const connection = await open();
  const record = { sid: () => 'AC1' };
  await expect(connection.ask({ do: 'insert', table: 'accounts', record })).rejects.toMatchObject({
    code: 'unavailable',
  });
  expect(await connection.ask({ do: 'count', table: 'accounts', where: {} })).toBe(0);
  await connection.close();
  await connection.close();
});
