import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { openSqliteStore } from '../../../src/store/sqlite.ts';
import type { Store } from '../../../src/store/store.ts';
import { aBinding, aCall, anAccount } from '../../support/store-records.ts';
import { storeSuite } from '../../support/store-suite.ts';

const secretKey = Buffer.alloc(32, 7);

async function open(file: string, over: { secretKey?: Buffer; maxFileBytes?: number } = {}): Promise<Store> {
  const store = await openSqliteStore({ file, secretKey, clock: realClock, log: silentLog, ...over });
  if (!store.ok) throw new Error(store.error);
  return store.value;
}

storeSuite('SQLite store', () => {
  const dir = mkdtempSync(join(tmpdir(), 'store-'));
  return {
    open: () => open(join(dir, 'test.sqlite')),
    discard: async () => rmSync(dir, { recursive: true }),
  };
});

describe('SQLite file', () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'store-'));
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  test('auth tokens are not in the file in clear (design.md 7)', async () => {
    const file = join(dir, 'a.sqlite');
    const store = await open(file);
    const account = anAccount({ authToken: 'planted-secret-0123456789' });
    await store.accounts.insert(account);
    await store.close();
    const raw = new DatabaseSync(file);
    const row = raw.prepare('SELECT * FROM accounts').get();
    raw.close();
    expect(JSON.stringify(row)).not.toContain('planted-secret');
    expect(row?.auth_token).toMatch(/^v1\./);
  });

  test('another secret key is refused at start with what to do', async () => {
    const file = join(dir, 'a.sqlite');
    await (await open(file)).close();
    const second = await openSqliteStore({
      file,
      secretKey: Buffer.alloc(32, 8),
      clock: realClock,
      log: silentLog,
    });
    expect(second).toMatchObject({ ok: false, error: expect.stringMatching(/secret key .* restore secret\.key/) });
  });

  test('a file that is no database, and a folder that cannot be made, are errors and not crashes', async () => {
    const { writeFileSync } = await import('node:fs');
    const file = join(dir, 'broken.sqlite');
    writeFileSync(file, 'this is not a database, and long enough to be looked at as one'.repeat(40));
    for (const path of [file, join(file, 'below-a-file.sqlite')]) {
      const store = await openSqliteStore({ file: path, secretKey, clock: realClock, log: silentLog });
      expect(store).toMatchObject({ ok: false, error: expect.stringContaining(path) });
    }
  });

  test('a full disk: writes reject with `full`, reads go on, and writes work again when there is room', async () => {
    const file = join(dir, 'a.sqlite');
    const store = await open(file, { maxFileBytes: 600_000 });
    const inserted: string[] = [];
    let fault: unknown;
    for (let index = 0; index < 5_000 && fault === undefined; index++) {
      const account = anAccount({ friendlyName: 'x'.repeat(500) });
      await store.accounts.insert(account).then(
        () => inserted.push(account.sid),
        (error: unknown) => {
          fault = error;
        },
      );
    }
    expect(fault).toMatchObject({ name: 'StoreFault', code: 'full' });
    await expect(
      store.bindings.save({ aor: 'a@x', bindings: [aBinding({ userAgent: 'y'.repeat(9_000) })] }),
    ).rejects.toMatchObject({ code: 'full' });
    // Records are kept and tried again; the read in between is answered.
    store.calls.put(aCall('AC1', { callerName: 'z'.repeat(9_000) }));
    expect((await store.calls.list({ accountSid: 'AC1' }, { size: 5, cursor: null, page: 0 })).records).toEqual([]);
    for (const sid of inserted) await store.accounts.remove(sid);
    expect((await store.calls.list({ accountSid: 'AC1' }, { size: 5, cursor: null, page: 0 })).records).toHaveLength(1);
    await store.close();
  });

  test('a confirmed registration survives kill -9 of the process (design.md 7)', async () => {
    const file = join(dir, 'a.sqlite');
    const binding = aBinding();
    const source = `
      const { openSqliteStore } = await import(${JSON.stringify(new URL('../../../src/store/sqlite.ts', import.meta.url).href)});
      const { realClock } = await import(${JSON.stringify(new URL('../../../src/base/clock.ts', import.meta.url).href)});
      const { silentLog } = await import(${JSON.stringify(new URL('../../../src/base/log.ts', import.meta.url).href)});
      const store = await openSqliteStore({ file: ${JSON.stringify(file)}, secretKey: Buffer.alloc(32, 7), clock: realClock, log: silentLog });
      await store.value.bindings.save({ aor: 'alice@office.sip.localhost', bindings: [${JSON.stringify(binding)}] });
      console.log('confirmed');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface(child.stdout), 'line');
    expect(line).toBe('confirmed');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await open(file);
    expect(await store.bindings.all()).toEqual([binding]);
    await store.close();
  });

  test('two processes on one file: the second waits for the lock instead of failing', async () => {
    const file = join(dir, 'a.sqlite');
    const [one, two] = await Promise.all([open(file), open(file)]);
    await Promise.all(
      [one, two].flatMap((store) => Array.from({ length: 20 }, () => store.accounts.insert(anAccount()))),
    );
    expect(await one.accounts.count({})).toBe(40);
    await one.close();
    await two.close();
  });
});
