// What keeps the gateway from starting is one clear line each, with exit code 1; mistakes in the settings come all at once, with 2.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, onTestFinished, test } from 'vitest';
import { type Place, place, run, serve, temporaryFolder } from './kit.ts';

const TWIML = '<Response><Hangup/></Response>';

/** The one line on stderr. */
async function refusedStart(at: Place, environment: Readonly<Record<string, string>> = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await run(['serve', ...at.config], { folder: at.folder, environment });
  expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^[^\n]+\n$/) });
  expect(stdout).not.toContain('is running');
  return stderr.trim();
}

/** A place whose data folder a gateway has filled. */
async function usedPlace(): Promise<Place> {
  const at = await place(TWIML);
  const gateway = await serve(at);
  gateway.signal('SIGTERM');
  expect(await gateway.exitCode()).toBe(0);
  return at;
}

test('a SIP port in use is named with its setting', async () => {
  const at = await place(TWIML);
  const other = createSocket('udp4').bind({ address: '127.0.0.1', port: at.sip, exclusive: true });
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  expect(await refusedStart(at)).toMatch(
    new RegExp(`^Hookswitch cannot start: .*127\\.0\\.0\\.1:${at.sip} \\(HOOKSWITCH_SIP_LISTEN\\).*another program`),
  );
});

test('an HTTP port in use is named with its setting', async () => {
  const at = await place(TWIML);
  const other = createServer().listen(at.http, '127.0.0.1');
  await once(other, 'listening');
  onTestFinished(() => void other.close());
  expect(await refusedStart(at)).toMatch(
    new RegExp(`^Hookswitch cannot start: .*127\\.0\\.0\\.1:${at.http} \\(HOOKSWITCH_HTTP_LISTEN\\).*another program`),
  );
});

test('a data folder that cannot be made is named', async () => {
  const at = await place(TWIML);
  const dataDir = join(at.file, 'data');
  expect(await refusedStart(at, { HOOKSWITCH_DATA_DIR: dataDir })).toMatch(
    /^Hookswitch cannot start: the data folder .*hookswitch\.yaml\/data cannot be made: /,
  );
});

test('design.md 7: a database of a newer version is refused and left as it is', async () => {
  const at = await usedPlace();
  const file = join(at.folder, 'data/hookswitch.sqlite');
  const database = new DatabaseSync(file);
  database.exec('PRAGMA user_version = 999');
  database.close();
  expect(await refusedStart(at)).toMatch(/^Hookswitch cannot start: .*hookswitch\.sqlite: written by a newer version/);
  const after = new DatabaseSync(file);
  expect(after.prepare('PRAGMA user_version').get()).toEqual({ user_version: 999 });
  after.close();
});

test('design.md 7: a secret key that is not the one of the database is refused', async () => {
  const at = await usedPlace();
  expect(await refusedStart(at, { HOOKSWITCH_SECRET_KEY: '0'.repeat(64) })).toMatch(
    /^Hookswitch cannot start: .*the secret key is not the one it was made with/,
  );
});

test('design.md 4: all mistakes in the settings are reported at once: key, value, what is allowed; secrets are not shown', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'hookswitch.yaml'), 'mediaPorts: 20000-10000\nnonsense: 1\n');
  const { exitCode, stdout, stderr } = await run(['serve'], {
    folder,
    environment: { HOOKSWITCH_SIP_LISTEN: 'everywhere', HOOKSWITCH_SECRET_KEY: 'hunter2', HOOKSWITCH_LOG: 'loud' },
  });
  expect(exitCode).toBe(2);
  expect(stdout).toBe('');
  for (const part of [
    'HOOKSWITCH_SIP_LISTEN = everywhere',
    'mediaPorts = 20000-10000',
    'nonsense',
    'HOOKSWITCH_LOG = loud',
  ])
    expect(stderr).toContain(part);
  expect(stderr).toMatch(/HOOKSWITCH_SECRET_KEY .*allowed: 64 hex digits/);
  expect(stderr).not.toContain('hunter2');
});

test('a settings file that is asked for and not there is a mistake', async () => {
  const { exitCode, stderr } = await run(['serve', '--config', 'missing.yaml']);
  expect(exitCode).toBe(2);
  expect(stderr).toContain('--config = missing.yaml');
});
