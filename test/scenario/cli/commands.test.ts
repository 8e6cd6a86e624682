// Every subcommand: help, mistakes in its options, exit codes (design.md 2 and 4).

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../../support/ports.ts';
import { Command, place, run, serve, temporaryFolder } from './kit.ts';

const TWIML = '<Response><Hangup/></Response>';
const commands = ['serve', 'call', 'ladder', 'capture', 'signature', 'replay', 'doctor', 'bench', 'app'];

describe('help', () => {
  test.each(commands)('%s --help prints its usage, exit code 0', async (command) => {
    const { exitCode, stdout, stderr } = await run([command, '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm (start|run \w+) --/);
  });

  test('--help names every subcommand', async () => {
    const { exitCode, stdout } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const command of commands.filter((name) => name !== 'serve'))
      expect(stdout).toContain(`npm run ${command} --`);
    expect(stdout).toContain('npm start');
  });

  test('--version prints the version of the package', async () => {
    const { exitCode, stdout } = await run(['--version']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('mistakes: one line, the usage, exit code 2', () => {
  test.each(commands)('%s --no-such-option', async (command) => {
    const { exitCode, stdout, stderr } = await run([command, '--no-such-option']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^Unknown option '--no-such-option'\.\n\nUsage: npm /);
  });

  test('an unknown command names those that there are', async () => {
    const { exitCode, stderr } = await run(['frobnicate']);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^Unknown command "frobnicate"\. There is: serve, app, call, ladder/);
  });
});

test('serve --print-config: the settings in force without secrets, and nothing is started', async () => {
  const at = await place(TWIML, {
    credentialLists: [{ name: 'phones', users: [{ username: 'alice', password: 'phone-secret-1' }] }],
    trunks: [{ name: 'carrier', host: 'carrier.example', username: 'us', password: 'trunk-secret-2' }],
  });
  const { exitCode, stdout } = await run(['serve', ...at.config, '--print-config'], {
    environment: { HOOKSWITCH_AUTH_TOKEN: 'token-secret-3-0123456789', HOOKSWITCH_SECRET_KEY: 'ab'.repeat(32) },
  });
  expect(exitCode).toBe(0);
  expect(stdout).not.toMatch(/secret-\d|abab/);
  expect(JSON.parse(stdout)).toMatchObject({
    httpListen: { address: '127.0.0.1', port: at.http },
    authToken: '[hidden]',
  });
});

describe('doctor', () => {
  test('exit code 0 when nothing is wrong, also beside a running gateway', async () => {
    const at = await place(TWIML);
    const before = await run(['doctor', ...at.config]);
    expect(before).toMatchObject({ exitCode: 0, stderr: '' });
    expect(before.stdout).toContain(`ok      127.0.0.1:${at.sip}/udp can be opened`);
    expect(before.stdout).toMatch(/^ok {6}kernel relay: (not )?possible/m);
    expect(before.stdout).toMatch(/^ok {6}DSCP: packets (can|cannot) be marked/m);
    const gateway = await serve(at);
    const beside = await run(['doctor', ...at.config]);
    expect(beside.exitCode).toBe(0);
    expect(beside.stdout).toContain(`127.0.0.1:${at.http}/tcp is in use: by a running gateway?`);
    gateway.signal('SIGTERM');
    expect(await gateway.exitCode()).toBe(0);
  });

  test('exit code 1 when something would not work, with the setting', async () => {
    const at = await place(TWIML, { sipListen: '203.0.113.7:5060' });
    const { exitCode, stdout } = await run(['doctor', ...at.config], {
      environment: { HOOKSWITCH_DATA_DIR: join(at.file, 'data') },
    });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/WARNING 203\.0\.113\.7:5060\/udp \(HOOKSWITCH_SIP_LISTEN\) cannot be opened/);
    expect(stdout).toMatch(/WARNING data folder .* \(HOOKSWITCH_DATA_DIR\)/);
  });

  test('exit code 2 for mistakes in the settings', async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'hookswitch.yaml'), 'drainSeconds: soon\n');
    const { exitCode, stderr } = await run(['doctor'], { folder });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('drainSeconds = soon');
  });
});

describe('ladder', () => {
  test('without a running gateway it says so, exit code 1', async () => {
    const at = await place(TWIML);
    const { exitCode, stderr } = await run(['ladder', `CA${'0'.repeat(32)}`, ...at.config]);
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      `No gateway answers at http://127.0.0.1:${at.http} (ECONNREFUSED). Is it running? "npm start" starts it.\n`,
    );
  });

  test('a call that the gateway does not know, exit code 1', async () => {
    const at = await place(TWIML);
    await serve(at);
    const { exitCode, stderr } = await run(['ladder', `CA${'0'.repeat(32)}`, ...at.config]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^No call CA0+ is in the trace/);
  });
});

describe('app', () => {
  test('answers the gateway until SIGTERM, and an address in use is one line', async () => {
    const at = await place(TWIML);
    await serve(at);
    const { exitCode, stderr } = await run(['app', '--listen', `127.0.0.1:${at.http}`]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^The example application cannot listen at 127\.0\.0\.1:\d+: .*EADDRINUSE.*\n$/);
    const free = await freePorts(2);
    const application = new Command(['app', '--listen', `127.0.0.1:${free}`]);
    await application.writes(`http://127.0.0.1:${free}/voice`);
    const answer = await fetch(`http://127.0.0.1:${free}/voice`, {
      method: 'POST',
      body: new URLSearchParams({ To: 'sip:600@demo' }),
    });
    expect(await answer.text()).toContain('<Echo/>');
    application.signal('SIGTERM');
    expect(await application.exitCode()).toBe(0);
  });
});
