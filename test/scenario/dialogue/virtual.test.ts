// `call --virtual` as continuous integration runs it: a process, scripts in a folder, a real web application, an exit code.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { startApplication } from '../../../src/demo/application.ts';
import { signRequest } from '../../../src/webhook/signature.ts';
import { FakeApp } from '../../support/fake-app.ts';
import { run, temporaryFolder } from '../cli/kit.ts';

const TOKEN = 'a-token-of-the-tests-0123456789';

async function fakeApp(): Promise<FakeApp> {
  const app = await FakeApp.start();
  onTestFinished(() => app.stop());
  return app;
}

function scripts(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

const virtual = (url: string, path: string, ...more: readonly string[]) =>
  run(['call', '--virtual', '--url', url, '--script', path, ...more], {
    environment: { HOOKSWITCH_AUTH_TOKEN: TOKEN },
  });

test('the example application, signatures checked: the menu, a refused Dial, no input', async () => {
  const application = await startApplication({
    address: '127.0.0.1',
    port: 0,
    authToken: TOKEN,
    publicUrl: undefined,
    log: silentLog,
  });
  onTestFinished(() => application.stop());
  const folder = scripts({
    'menu.call':
      'to 700\nexpect-say "press one"\nexpect-gather\npress 1\nexpect-say "you pressed one"\npress 2\nexpect-dial bob\nbusy\nexpect-say "ended with busy"\nexpect-hangup\nexpect-status completed\n',
    'silent.call': 'to 700\nno-input\nexpect-say /no digit came/i\nexpect-hangup\n',
    'notes.txt': 'this is no script',
  });
  const { exitCode, stdout, stderr } = await virtual(`${application.url}/voice`, folder);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toContain('2 of 2 scripts as expected');
  expect(stdout).toMatch(/✓ .*menu\.call/);
});

test('a wrong token: the application refuses, the script says so with exit code 1', async () => {
  const application = await startApplication({
    address: '127.0.0.1',
    port: 0,
    authToken: 'another',
    publicUrl: undefined,
    log: silentLog,
  });
  onTestFinished(() => application.stop());
  const { exitCode, stdout } = await virtual(`${application.url}/voice`, scripts({ 'a.call': 'expect-say welcome' }));
  expect(exitCode).toBe(1);
  expect(stdout).toContain('→ 403');
});

test('what differs: line, expected, seen', async () => {
  const app = await fakeApp();
  app.on('/voice', '<Response><Say>Your account is empty</Say></Response>');
  const folder = scripts({
    'good.call': 'expect-say account\nexpect-hangup',
    'wrong.call': '# a comment\nexpect-say balance',
  });
  const { exitCode, stdout } = await virtual(app.url('/voice'), folder, '--quiet');
  expect(exitCode).toBe(1);
  expect(stdout).toMatch(/✗ .*wrong\.call/);
  expect(stdout).toContain('line 2: expect-say balance');
  expect(stdout).toContain('the call ended: the application hung up');
  expect(stdout).toContain('"Your account is empty"');
  expect(stdout).toContain('1 of 2 scripts as expected');
});

test('time-outs of ten minutes pass at once, though the application takes its time to answer', async () => {
  const app = await fakeApp();
  app.on('/voice', '<Response><Gather timeout="600"><Say>Choose</Say></Gather><Redirect>/later</Redirect></Response>');
  app.on('/later', (_request, response) => {
    setImmediate(() =>
      response
        .writeHead(200, { 'Content-Type': 'text/xml' })
        .end('<Response><Pause length="3600"/><Say>Still there</Say></Response>'),
    );
    return undefined;
  });
  const { exitCode, stdout } = await virtual(
    app.url('/voice'),
    scripts({ 'a.call': 'no-input\nexpect-say "still there" within 61m\nexpect-hangup' }),
  );
  expect(exitCode, stdout).toBe(0);
  expect(stdout).toMatch(/70:\d\d\.\d of call/);
});

test('requests are those of a gateway: signed, with cookies, the fallback for a document that fails', async () => {
  const app = await fakeApp();
  app.on('/voice', () => ({
    headers: { 'Content-Type': 'text/xml', 'Set-Cookie': 'session=1' },
    body: '<Response><Redirect>/broken</Redirect></Response>',
  }));
  app.on('/broken', { status: 500 });
  app.on('/fallback', ({ params }) => `<Response><Say>Sorry, ${params.ErrorCode}</Say></Response>`);
  const folder = scripts({ 'a.call': 'from +4930123\nexpect-say "sorry, 11217"\nexpect-hangup' });
  const { exitCode, stdout } = await virtual(
    app.url('/voice'),
    folder,
    '--fallback-url',
    app.url('/fallback'),
    '--to',
    '+4940',
    '--status-callback',
    app.url('/ended'),
  );
  expect(exitCode, stdout).toBe(0);
  const [first, second] = app.requests;
  expect(first?.params).toMatchObject({ From: '+4930123', To: '+4940', CallStatus: 'ringing', Direction: 'inbound' });
  expect(first?.headers['x-twilio-signature']).toBe(
    signRequest(TOKEN, app.url('/voice'), new URLSearchParams(first?.body)),
  );
  expect(app.requestsTo('/ended').map(({ params }) => params.CallStatus)).toEqual(['completed']);
  expect(second?.headers.cookie).toBe('session=1');
});

test('mistakes: exit code 2 and where they are', async () => {
  const folder = scripts({ 'a.call': 'press 1\ndance\n', 'b.call': 'wait soon' });
  const { exitCode, stderr } = await virtual('http://127.0.0.1:9/', folder);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/a\.call:2:1: "dance" is no step/);
  expect(stderr).toMatch(/b\.call:1:6: the time is a time/);
});
