import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { Connection } from '../../../src/store/connection.ts';

const settings = { file: ':memory:', secretKey: Buffer.alloc(32), maxFileBytes: null };
const thread = (source: string) => new URL(`data:text/javascript,${encodeURIComponent(source)}`);
const port = "import { parentPort } from 'node:worker_threads';";

async function open(source?: string): Promise<Connection> {
  const connection = await Connection.open(settings, silentLog, source === undefined ? undefined : thread(source));
  if (!connection.ok) throw new Error(connection.error);
  return connection.value;
}

describe('a database thread that fails', () => {
  test('at work: what waits and what comes later is rejected, the process lives', async () => {
    const connection = await open(
      `${port} parentPort.postMessage({ opened: { ok: true } }); parentPort.on('message', () => { throw new Error('gone'); });`,
    );
    await expect(connection.ask({ do: 'allBindings' })).rejects.toMatchObject({ code: 'unavailable' });
    expect(connection.isOpen).toBe(false);
    await expect(connection.ask({ do: 'allBindings' })).rejects.toThrow(/gone/);
    await connection.close();
  });

  test.each([
    ['with a fault', "throw new Error('no such module')"],
    ['without a word', ''],
    ['by leaving', 'process.exit(3)'],
  ])('at the start, %s: an error, no hang', async (_, source) => {
    const connection = await Connection.open(settings, silentLog, thread(source));
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
