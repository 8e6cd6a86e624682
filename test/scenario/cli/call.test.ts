// `call`: the scripted phone of users, against a real gateway.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { toneShare } from '../../../src/media/goertzel.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { openWavFile, readWav } from '../../../src/media/wav.ts';
import { FakeApp } from '../../support/fake-app.ts';
import { GatewayProcess, type GatewayProcessOptions } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { until } from '../../support/until.ts';
import { Command, DEADLINE_MS, run, temporaryFolder } from './kit.ts';

const DOMAIN = 'office.sip.localhost';
const PASSWORD = 'Correct-Horse-9';
const AS_ALICE = ['--user', 'alice', '--password', PASSWORD, '--domain', DOMAIN];
const ECHO = '<Response><Echo/></Response>';
const TONE_HZ = 1_000;

async function gatewayWith(
  domain: Readonly<Record<string, unknown>>,
  options: GatewayProcessOptions = {},
): Promise<GatewayProcess> {
  const gateway = await GatewayProcess.start({
    domains: [{ name: DOMAIN, credentialLists: ['phones'], ...domain }],
    credentialLists: [{ name: 'phones', users: [{ username: 'alice', password: PASSWORD }] }],
    mediaPortCount: 40,
    ...options,
    settings: { defaultDomain: DOMAIN },
  });
  onTestFinished(() => gateway.dispose());
  return gateway;
}

/** The gateway has forgotten all calls. Its transactions live on for their 32 s. */
const hasNoCalls = (gateway: GatewayProcess) =>
  until(
    async () => (await gateway.counts()).calls === 0,
    DEADLINE_MS,
    () => 'no call is left in the gateway',
  );

const target = (gateway: GatewayProcess, user = '1000') => `sip:${user}@${gateway.sipAddress}`;

function toneFile(folder: string): string {
  const file = join(folder, 'tone.wav');
  const writer = openWavFile(file);
  if (!writer.ok) throw new Error(writer.error);
  writer.value.write(toneSamples([TONE_HZ], -10, 3_000));
  writer.value.close();
  return file;
}

test('an answered call: exit code 0, the ladder up to the answer of the BYE', async () => {
  const gateway = await gatewayWith({ twiml: ECHO });
  const { exitCode, stdout, stderr } = await run(['call', target(gateway), ...AS_ALICE, '--duration', '0.5']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  for (const step of ['INVITE (SDP)', '407 Proxy Authentication Required', '200 OK (SDP)', 'ACK', 'BYE', '200 OK BYE'])
    expect(stdout).toContain(` ${step} `);
  expect(stdout).toMatch(/RTP: \d+ received/);
  await hasNoCalls(gateway);
});

test('--play and --record: the file holds the tone that the echo returned', async () => {
  const gateway = await gatewayWith({ twiml: ECHO });
  const folder = temporaryFolder();
  const heard = join(folder, 'heard.wav');
  const { exitCode, stdout } = await run([
    ...['call', target(gateway), ...AS_ALICE, '--duration', '3'],
    ...['--play', toneFile(folder), '--record', heard],
  ]);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/recorded \d\.\d s to /);
  const audio = readWav(readFileSync(heard));
  if (!audio.ok) throw new Error(audio.error.detail);
  // The middle second: after the media has found its way, before the tone ends.
  expect(toneShare(audio.value.samples.subarray(8_000, 16_000), TONE_HZ)).toBeGreaterThan(0.9);
});

test('--send-digits reach a Gather; a call that the gateway ends is a success too', async () => {
  const app = await FakeApp.start();
  onTestFinished(() => app.stop());
  app.on('/voice', '<Response><Gather numDigits="3" timeout="20" action="/digits"/></Response>');
  app.on('/digits', '<Response><Hangup/></Response>');
  const gateway = await gatewayWith({ voiceUrl: app.url('/voice') });
  const { exitCode, stdout } = await run([
    ...['call', target(gateway), ...AS_ALICE, '--duration', '0', '--send-digits', 'w4w2#'],
  ]);
  // finishOnKey is # by default: it ends the Gather and is not part of the digits.
  expect(app.requestsTo('/digits').map(({ params }) => params.Digits)).toEqual(['42']);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/◀[ ─]*BYE/);
});

test('--expect-status: exit code 0 for the refusal that is expected, 1 for another one', async () => {
  const gateway = await gatewayWith({ twiml: '<Response><Reject reason="busy"/></Response>' });
  const call = ['call', target(gateway), ...AS_ALICE];
  expect(await run([...call, '--expect-status', '486'])).toMatchObject({ exitCode: 0 });
  const other = await run([...call, '--expect-status', '200']);
  expect(other.exitCode).toBe(1);
  expect(other.stderr).toContain('expected status 200, got 486');
  const none = await run(call);
  expect(none.exitCode).toBe(1);
  expect(none.stderr).toMatch(/^not answered: 486/);
});

test('--register: with the right password before the call, with a wrong one no call at all', async () => {
  const gateway = await gatewayWith({
    twiml: ECHO,
    sipRegistration: true,
    registrationCredentialLists: ['phones'],
  });
  const good = await run(['call', target(gateway), ...AS_ALICE, '--register', '--duration', '0.2']);
  expect(good.exitCode).toBe(0);
  expect(good.stdout).toContain('REGISTER → 200');
  const wrong = ['--user', 'alice', '--password', 'wrong', '--domain', DOMAIN];
  const bad = await run(['call', target(gateway), ...wrong, '--register']);
  expect(bad.exitCode).toBe(1);
  expect(bad.stderr).toMatch(/^not registered: 403/);
  expect(bad.stdout).not.toContain('calling');
});

test('TLS with the root of the gateway, and SRTP; with another root the call fails', async () => {
  const gateway = await gatewayWith({ twiml: ECHO }, { tls: true });
  const secure = `sip:1000@127.0.0.1:${gateway.ports.sips};transport=tls`;
  const root = join(gateway.certDir, 'ca.pem');
  const folder = temporaryFolder();
  const heard = join(folder, 'heard.wav');
  const { exitCode, stdout } = await run([
    ...['call', secure, ...AS_ALICE, '--ca', root, '--srtp', '--duration', '3'],
    ...['--play', toneFile(folder), '--record', heard],
  ]);
  expect(exitCode, stdout).toBe(0);
  const audio = readWav(readFileSync(heard));
  if (!audio.ok) throw new Error(audio.error.detail);
  expect(toneShare(audio.value.samples.subarray(8_000, 16_000), TONE_HZ)).toBeGreaterThan(0.9);

  const other = await gatewayWith({ twiml: ECHO }, { tls: true });
  const untrusted = await run(['call', secure, ...AS_ALICE, '--ca', join(other.certDir, 'ca.pem')]);
  expect(untrusted.exitCode).toBe(1);
  expect(untrusted.stderr).toMatch(/^not answered: 503 .*certificate/);
});

test('a target that nobody listens at fails at once over TCP, exit code 1', async () => {
  const port = await freePorts(2);
  const { exitCode, stderr } = await run(['call', `sip:x@127.0.0.1:${port};transport=tcp`]);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^not answered: 503 .*ECONNREFUSED/);
});

test('Ctrl-C hangs up: BYE, ladder, exit code', async () => {
  const gateway = await gatewayWith({ twiml: ECHO });
  const call = new Command(['call', target(gateway), ...AS_ALICE, '--duration', '0']);
  await call.writes('answered');
  call.signal('SIGINT');
  expect(await call.exitCode()).toBe(0);
  expect(call.stdout).toContain(' 200 OK BYE ');
  await hasNoCalls(gateway);
});

test('what --record and --play name is checked before anything is sent', async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'text.txt'), 'this is no audio');
  const noAudio = await run(['call', 'sip:x@127.0.0.1:9', '--play', 'text.txt'], { folder });
  expect(noAudio.exitCode).toBe(2);
  expect(noAudio.stderr).toMatch(/^--play text\.txt cannot be played: /);
  const noFolder = await run(['call', 'sip:x@127.0.0.1:9', '--record', 'missing/out.wav'], { folder });
  expect(noFolder.exitCode).toBe(2);
  expect(noFolder.stderr).toMatch(/^--record missing\/out\.wav cannot be written: no such file or directory\.\n/);
  expect(existsSync(join(folder, 'out.wav'))).toBe(false);
});

test('ladder draws the call by its CallSid as the gateway saw it', async () => {
  const gateway = await gatewayWith({ twiml: ECHO });
  expect((await run(['call', target(gateway), ...AS_ALICE, '--duration', '0.3'])).exitCode).toBe(0);
  const callSid = /CA[0-9a-f]{32}/.exec(gateway.logText)?.[0] ?? '';
  const { exitCode, stdout, stderr } = await run(['ladder', callSid, '--gateway', gateway.httpOrigin]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^ +t\(ms\) +alice 127\.0\.0\.1:\d+ +gateway\n/);
  expect(stdout).toMatch(/│◀[ ─]*200 OK \(SDP\) ──│/);
  expect(stdout).toContain('<Echo>');
});
