import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { createLog, type Log, silentLog } from '../../../src/base/log.ts';
import { createDirectory } from '../../../src/store/directory.ts';
import { migrations as sqliteMigrations } from '../../../src/store/migrations/index.ts';
import { migrations } from '../../../src/store/postgres/migrations/index.ts';
import { openPostgresStore } from '../../../src/store/postgres.ts';
import { columnsOf } from '../../../src/store/sql.ts';
import type { DirectoryChange, Store } from '../../../src/store/store.ts';
import { columnOf, tables } from '../../../src/store/tables.ts';
import { DATABASE_PASSWORD, PostgresServer } from '../../support/postgres.ts';
import { aBinding, aCall, aCredential, aCredentialList, aDomain, anAccount } from '../../support/store-records.ts';
import { storeSuite } from '../../support/store-suite.ts';
import { until } from '../../support/until.ts';
import { aKey, aQueue } from '../../support/voice-record-makers.ts';

const secretKey = Buffer.alloc(32, 7);
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
}, 60_000);
afterAll(() => server.dispose(), 60_000);

async function open(database: string, log: Log = silentLog): Promise<Store> {
  const store = await openPostgresStore({ url: server.url(database), secretKey, clock: realClock, log });
  if (!store.ok) throw new Error(store.error);
  return store.value;
}

let shared: string | undefined;
storeSuite('PostgreSQL store', () => ({
  async open() {
    shared ??= await server.newDatabase();
    return open(shared);
  },
  discard: () => server.empty(shared ?? ''),
}));

const ended: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0)) await end();
});

/** A store that is closed when the test ends. */
async function opened(database: string, log?: Log): Promise<Store> {
  const store = await open(database, log);
  ended.push(() => store.close());
  return store;
}

const tryOpen = (url: string, over: { secretKey?: Buffer; migrations?: readonly string[] } = {}) =>
  openPostgresStore({ url, secretKey, clock: realClock, log: silentLog, ...over });

describe('opening (design.md 7)', () => {
  test('gateways that start at once on an empty database bring it up to date once', async () => {
    const database = await server.newDatabase();
    const stores = await Promise.all(Array.from({ length: 4 }, () => opened(database)));
    for (const store of stores) await store.accounts.insert(anAccount());
    expect(await stores[0]!.accounts.count({})).toBe(4);
  });

  test('the columns of every table literal are those of the migrated schema, in types of their kinds', async () => {
    const database = await server.newDatabase();
    await opened(database);
    const { rows } = await server.query(
      database,
      "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'",
    );
    const types = { text: 'text', integer: 'bigint', boolean: 'boolean', json: 'json', secret: 'text' };
    for (const table of Object.values(tables)) {
      const present = rows.filter((row) => row.table_name === table.name);
      expect(present.map((row) => row.column_name).sort(), table.name).toEqual([...columnsOf(table), 'seq'].sort());
      for (const [field, kind] of Object.entries(table.columns)) {
        const column = present.find((row) => row.column_name === columnOf(field));
        expect(column?.data_type, `${table.name}.${field}`).toBe(types[kind]);
      }
    }
  });

  test('indexes are those of the SQLite schema', async () => {
    const database = await server.newDatabase();
    await opened(database);
    const { rows } = await server.query(database, "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'");
    const names = rows.map((row) => row.indexname);
    const sqlite = new DatabaseSync(':memory:');
    for (const migration of sqliteMigrations) sqlite.exec(migration);
    const wanted = sqlite.prepare("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL").all();
    sqlite.close();
    expect(names).toEqual(expect.arrayContaining(wanted.map((row) => row.name)));
  });

  test('a newer schema is refused with what to do', async () => {
    const database = await server.newDatabase();
    await (await open(database)).close();
    expect(await tryOpen(server.url(database), { migrations: migrations.slice(0, 1) })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/written by a newer version \(schema \d+, this version knows 1\)/),
    });
  });

  test('a migration that fails leaves the database as it was, and the next start goes on from there', async () => {
    const database = await server.newDatabase();
    const broken = [migrations[0]!, 'CREATE TABLE half (a BIGINT); SELECT nothing FROM nowhere'];
    const failed = await tryOpen(server.url(database), { migrations: broken });
    expect(failed).toMatchObject({ ok: false, error: expect.stringMatching(/upgrade to schema 2 failed/) });
    const { rows } = await server.query(database, "SELECT to_regclass('half') AS half, to_regclass('calls') AS calls");
    expect(rows).toEqual([{ half: null, calls: 'calls' }]);
    const store = await opened(database);
    await store.accounts.insert(anAccount());
    expect(await store.accounts.count({})).toBe(1);
  });

  test('another secret key is refused; secrets are not in the tables in clear', async () => {
    const database = await server.newDatabase();
    const store = await opened(database);
    const account = anAccount({ authToken: 'planted-secret-0123456789' });
    await store.accounts.insert(account);
    await store.keys.insert(aKey(account.sid, { secret: 'planted-secret-of-a-key' }));
    expect(await tryOpen(server.url(database), { secretKey: Buffer.alloc(32, 8) })).toMatchObject({
      ok: false,
      error: expect.stringMatching(/secret key .* same secret\.key/),
    });
    for (const table of ['accounts', 'api_keys']) {
      const { rows } = await server.query(database, `SELECT * FROM ${table}`);
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).not.toContain('planted-secret');
    }
  });

  test.each([
    [
      'no server',
      () => 'postgres://gateway:planted-db-password@127.0.0.1:1/x',
      /database x at 127\.0\.0\.1:1: .*ECONNREFUSED.*HOOKSWITCH_DATABASE_URL/,
    ],
    ['a wrong password', () => server.url('postgres', 'planted-db-password-2'), /password authentication failed/],
    ['no such database', () => server.url('nowhere'), /"nowhere" does not exist/],
    ['no URL', () => 'postgres://gateway:planted-db-password@host:port:5/%', /should be postgres:\/\//],
  ])('%s: an error with what to look at, and no password in it', async (_, url, expected) => {
    const store = await tryOpen(url());
    expect(store).toMatchObject({ ok: false, error: expect.stringMatching(expected) });
    expect(JSON.stringify(store)).not.toContain('planted');
  });
});

describe('several nodes on one database (design.md 8)', () => {
  test('a change of the directory is told to the other node once, and to its own once', async () => {
    const database = await server.newDatabase();
    const [one, two] = [await opened(database), await opened(database)];
    const seen: string[] = [];
    one.onDirectoryChange((change) => seen.push(`one ${change.table} ${change.action} ${change.parentSid}`));
    two.onDirectoryChange((change) => seen.push(`two ${change.table} ${change.action} ${change.parentSid}`));
    const account = anAccount();
    const list = aCredentialList(account.sid);
    await one.accounts.insert(account);
    await one.credentialLists.insert(list);
    const credential = aCredential(list);
    await one.credentials.insert(credential);
    await one.credentials.remove(credential.sid);
    await expect(one.credentialLists.insert(aCredentialList(account.sid))).rejects.toMatchObject({ code: 'duplicate' });
    await two.accounts.update({ ...account, friendlyName: 'New' });
    await until(
      () => seen.length === 10,
      5_000,
      () => seen.join('\n'),
    );
    expect(seen.toSorted()).toEqual([
      'one accounts inserted null',
      'one accounts updated null',
      'one credentialLists inserted null',
      `one credentials inserted ${list.sid}`,
      `one credentials removed ${list.sid}`,
      'two accounts inserted null',
      'two accounts updated null',
      'two credentialLists inserted null',
      `two credentials inserted ${list.sid}`,
      `two credentials removed ${list.sid}`,
    ]);
  });

  test('a directory in memory follows what another node writes', async () => {
    const database = await server.newDatabase();
    const [one, two] = [await opened(database), await opened(database)];
    const directory = await createDirectory(two, { clock: realClock, log: silentLog });
    ended.unshift(async () => directory.stop());
    const account = anAccount();
    await one.accounts.insert(account);
    await one.domains.insert(aDomain(account.sid));
    await until(
      () => directory.domainByName('office.sip.localhost') !== undefined,
      5_000,
      () => `domains ${directory.domainNames().join()}`,
    );
  });

  test('what is not of our form on the channel is nothing', async () => {
    const database = await server.newDatabase();
    const store = await opened(database);
    const seen: DirectoryChange[] = [];
    store.onDirectoryChange((change) => seen.push(change));
    for (const payload of ['', 'null', '{', '{"change":{}}', '{"nodeId":"x","change":{"table":3,"sid":"a"}}'])
      await server.query(database, 'SELECT pg_notify($1, $2)', ['hookswitch_directory', payload]);
    const account = anAccount();
    await store.accounts.insert(account);
    expect(seen.map((change) => change.sid)).toEqual([account.sid]);
  });

  test('only the first one is alone; who starts meanwhile waits until it is done', async () => {
    const database = await server.newDatabase();
    const [one, two, three] = [await opened(database), await opened(database), await opened(database)];
    const order: string[] = [];
    const action = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = one.whileAlone(async () => {
      order.push('one begins');
      begun.resolve();
      await action.promise;
      order.push('one is done');
    });
    await begun.promise;
    const second = two.whileAlone(async () => void order.push('two')).then((alone) => order.push(`two alone ${alone}`));
    action.resolve();
    expect(await first).toBe(true);
    await second;
    expect(order).toEqual(['one begins', 'one is done', 'two alone false']);
    expect(await three.whileAlone(async () => {})).toBe(false);
    for (const store of [one, two, three]) await store.close();
    expect(await (await opened(database)).whileAlone(async () => {})).toBe(true);
  });

  test('saves of bindings and records of many turns keep their order', async () => {
    const database = await server.newDatabase();
    const store = await opened(database);
    const saves: Promise<void>[] = [];
    const call = aCall('AC1', { status: 'ringing' });
    for (let round = 0; round < 30; round++) {
      for (const aor of ['a@x', 'b@x']) {
        const binding = aBinding({ aor, cseq: round });
        saves.push(store.bindings.save({ aor, bindings: [binding] }));
      }
      store.calls.put({ ...call, durationSeconds: round });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(saves);
    expect((await store.bindings.all()).map((binding) => binding.cseq)).toEqual([29, 29]);
    expect((await store.calls.get(call.sid))?.durationSeconds).toBe(29);
  });
});

describe('a server that goes away', () => {
  test('reads and registrations are refused at once, records wait, and all goes on when it is back', async () => {
    const lines: string[] = [];
    const log = createLog(
      { level: 'trace', folders: {}, pretty: false },
      { write: (line: string) => void lines.push(line) },
    );
    const database = await server.newDatabase();
    const store = await opened(database, log);
    const account = anAccount();
    await store.accounts.insert(account);
    const changes: string[] = [];
    store.onDirectoryChange((change) => changes.push(change.action));
    await server.halt();
    await until(
      () => !store.health().isUp,
      5_000,
      () => 'the store notices',
    );
    await expect(store.bindings.save({ aor: 'a@x', bindings: [] })).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.accounts.get(account.sid)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(store.queues.insert(aQueue(account.sid))).rejects.toMatchObject({ code: 'unavailable' });
    const call = aCall(account.sid);
    store.calls.put(call);
    await expect(store.calls.get(call.sid)).rejects.toMatchObject({ code: 'unavailable' });
    await server.run();
    await until(
      () => store.health().isUp,
      10_000,
      () => `the store is back: ${store.health().reason}`,
    );
    expect(changes).toEqual(['unknown']);
    expect(await store.calls.get(call.sid)).toEqual(call);
    await store.bindings.save({ aor: 'a@x', bindings: [aBinding({ aor: 'a@x' })] });
    expect(lines.join('\n')).toMatch(/the database answers again/);
    expect(lines.join('\n')).not.toContain(DATABASE_PASSWORD);
  });

  test('closed while the server is away: it ends, and says how many records are lost', async () => {
    const lines: string[] = [];
    const log = createLog(
      { level: 'info', folders: {}, pretty: false },
      { write: (line: string) => void lines.push(line) },
    );
    const store = await open(await server.newDatabase(), log);
    await server.halt();
    store.calls.put(aCall('AC1'));
    await store.close();
    await server.run();
    expect(lines.join('\n')).toMatch(/store closes with records that could not be written/);
  });
});
