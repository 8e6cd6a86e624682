// `call --script` over SIP: the same scripts against a running gateway, in real time; tones are measured in what is heard.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { linearToMuLaw } from '../../../src/media/g711.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { FakeApp } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { run, temporaryFolder } from '../cli/kit.ts';
import { recogniserServer } from '../speech/kit.ts';

const DOMAIN = 'office.sip.localhost';
const SECRET_WORDS = 'your balance is seven hundred euros';

async function setup(
  settings: Readonly<Record<string, unknown>> = {},
): Promise<{ app: FakeApp; gateway: GatewayProcess }> {
  const app = await FakeApp.start();
  onTestFinished(() => app.stop());
  const gateway = await GatewayProcess.start({
    domains: [{ name: DOMAIN, voiceUrl: app.url('/voice'), ipAccessControlLists: ['loopback'] }],
    mediaPortCount: 40,
    settings: { defaultDomain: DOMAIN, speech: 'none', log: 'debug', ...settings },
  });
  onTestFinished(() => gateway.dispose());
  return { app, gateway };
}

function play(gateway: GatewayProcess, script: string, ...more: readonly string[]) {
  const file = join(temporaryFolder(), 'test.call');
  writeFileSync(file, script);
  return run(['call', `sip:1000@${gateway.sipAddress}`, '--gateway', gateway.httpOrigin, '--script', file, ...more]);
}

const response = (verbs: string) => `<Response>${verbs}</Response>`;

test('keys, words, a tone, the end; no word of it in log or ladder', async () => {
  const { app, gateway } = await setup();
  const tone = Buffer.from(Array.from(toneSamples([1_000], -10, 3_000), linearToMuLaw));
  app.on('/tone', { headers: { 'Content-Type': 'audio/basic' }, body: tone });
  app.on('/voice', response('<Gather numDigits="2" action="/choice"><Say>Press two keys</Say></Gather>'));
  app.on('/choice', ({ params }) =>
    response(`<Say>Thank you, ${SECRET_WORDS}, ${params.Digits}</Say><Play>/tone</Play><Hangup/>`),
  );
  const script =
    'to 700\nexpect-say "two keys"\nexpect-gather\npress 42\nexpect-say "thank you"\nexpect-tone 1000\nexpect-hangup\nexpect-status completed\n';
  const { exitCode, stdout, stderr } = await play(gateway, script);
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
  expect(app.requestsTo('/choice').map(({ params }) => params.Digits)).toEqual(['42']);
  expect(app.requestsTo('/voice')[0]?.params.To).toContain('sip:700@');
  const { CallSid = '' } = app.requestsTo('/voice')[0]?.params ?? {};
  const ladder = await gateway.ladder(CallSid);
  expect(ladder).toContain('Gather');
  for (const text of [ladder, gateway.logText]) expect(text).not.toContain(SECRET_WORDS);
});

test('what differs: exit code 1 and what was seen; the caller hangs up', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Gather timeout="20"><Say>Press a key</Say></Gather>'));
  const { exitCode, stdout } = await play(gateway, 'expect-say balance within 1s');
  expect(exitCode).toBe(1);
  expect(stdout).toContain('not within 1 s');
  expect(stdout).toContain('"Press a key"');
});

test('a call that is rejected, and one that nobody watches any more', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Reject reason="busy"/>'));
  const { exitCode, stdout } = await play(gateway, 'expect-reject busy\nexpect-status busy');
  expect(exitCode, stdout).toBe(0);
  const counts = (await gateway.counts()) as { trace: { watched: number } };
  expect(counts.trace.watched).toBe(0);
});

test('Echo returns what the caller sends, and not another tone', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Echo/>'));
  const good = await play(
    gateway,
    'expect-verb Echo\nsay-tone 800 for 5s\nexpect-tone 800\nhang-up\nexpect-status completed',
  );
  expect(good.exitCode, good.stdout).toBe(0);
  const other = await play(gateway, 'expect-verb Echo\nsay-tone 800 for 2s\nexpect-tone 1200 within 2s');
  expect(other.exitCode).toBe(1);
});

test('what really comes of a Dial must be what the script says', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Dial action="/after"><Client>nobody</Client></Dial>'));
  app.on('/after', ({ params }) => response(`<Say>It ${params.DialCallStatus}</Say>`));
  const good = await play(gateway, 'expect-dial nobody\nfailed\nexpect-say "it failed"\nexpect-hangup');
  expect(good.exitCode, good.stdout).toBe(0);
  const other = await play(gateway, 'expect-dial nobody\nanswer');
  expect(other.exitCode).toBe(1);
  expect(other.stdout).toContain('the Dial ended with "failed"');
});

test('what the caller says is spoken, and recognised by the gateway', async () => {
  const recogniser = await recogniserServer('i need help with my bill');
  const { app, gateway } = await setup({ recogniserUrl: recogniser.url });
  app.on(
    '/voice',
    response('<Gather input="speech" speechTimeout="1" action="/said"><Say>What can we do</Say></Gather>'),
  );
  app.on('/said', ({ params }) => response(`<Say>You said ${params.SpeechResult}</Say>`));
  const script =
    'expect-say "what can we do"\nspeak "I need help with my bill"\nexpect-say "you said i need help"\nexpect-hangup';
  const { exitCode, stdout } = await play(gateway, script);
  expect(exitCode, stdout).toBe(0);
  expect(recogniser.utterances.length).toBeGreaterThan(0);
});

test('a message is as long as the caller talks', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Record action="/done" timeout="2" finishOnKey="#"/>'));
  app.on('/done', ({ params }) => response(`<Say>Got ${params.RecordingDuration}</Say>`));
  const { exitCode, stdout } = await play(
    gateway,
    'expect-record for 3s\npress #\nexpect-say /got [23]/i\nexpect-hangup',
  );
  expect(exitCode, stdout).toBe(0);
});

test('behind what the caller says there is silence, which ends a message', async () => {
  const { app, gateway } = await setup();
  app.on('/voice', response('<Record action="/done" timeout="1"/>'));
  app.on('/done', ({ params }) => response(`<Say>Got ${params.RecordingDuration}</Say>`));
  const { exitCode, stdout } = await play(
    gateway,
    'expect-record\nleave-message 2s\nexpect-say /got [2-4]/i within 10s\nexpect-hangup',
  );
  expect(exitCode, stdout).toBe(0);
});

test('a gateway that does not run, and one that is not asked from its own machine', async () => {
  const { gateway } = await setup();
  const file = join(temporaryFolder(), 'test.call');
  writeFileSync(file, 'expect-hangup');
  const { exitCode, stderr } = await run([
    'call',
    `sip:1@${gateway.sipAddress}`,
    '--gateway',
    'http://127.0.0.1:9',
    '--script',
    file,
  ]);
  expect(exitCode).toBe(1);
  expect(stderr).toContain('No gateway answers at http://127.0.0.1:9');
  const forwarded = await fetch(`${gateway.httpOrigin}/debug/watch/x`, {
    method: 'PUT',
    headers: { 'X-Forwarded-For': '192.0.2.1' },
  });
  expect(forwarded.status).toBe(403);
  for (const path of ['/debug/watch/x', '/debug/recorded/CA1'])
    expect((await fetch(gateway.httpOrigin + path, { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status).toBe(403);
  expect((await fetch(`${gateway.httpOrigin}/debug/watch/x`)).status).toBe(404);
  expect((await fetch(`${gateway.httpOrigin}/debug/recorded/CA1`)).status).toBe(404);
});
