// `replay`: a call that a real phone made is played once more against a changed application; the verbs of both side by side.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FakeApp } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, run, temporaryFolder } from '../cli/kit.ts';

const DOMAIN = 'office.sip.localhost';
const response = (verbs: string) => `<Response>${verbs}</Response>`;

async function fakeApp(): Promise<FakeApp> {
  const app = await FakeApp.start();
  onTestFinished(() => app.stop());
  return app;
}

/** An application with a menu; `words` is what it says at the end. */
function menu(app: FakeApp, words: string, dial = '+4930'): void {
  app.on(
    '/voice',
    response(
      '<Gather numDigits="1" timeout="1" action="/choice"><Say>Press one</Say></Gather><Redirect>/voice</Redirect>',
    ),
  );
  app.on('/choice', ({ params }) =>
    response(`<Say>You pressed ${params.Digits}</Say><Dial action="/after" timeout="5">${dial}</Dial>`),
  );
  app.on('/after', ({ params }) => response(`<Say>${words}, ${params.DialCallStatus}</Say>`));
}

async function recordedCall(script: string): Promise<{ app: FakeApp; gateway: GatewayProcess; callSid: string }> {
  const app = await fakeApp();
  menu(app, 'Goodbye');
  const gateway = await GatewayProcess.start({
    domains: [{ name: DOMAIN, voiceUrl: app.url('/voice'), ipAccessControlLists: ['loopback'] }],
    mediaPortCount: 40,
    settings: { defaultDomain: DOMAIN, speech: 'none' },
  });
  onTestFinished(() => gateway.dispose());
  const file = join(temporaryFolder(), 'test.call');
  writeFileSync(file, script);
  const played = await run([
    'call',
    `sip:1000@${gateway.sipAddress}`,
    '--gateway',
    gateway.httpOrigin,
    '--script',
    file,
  ]);
  expect(played.exitCode, played.stdout).toBe(0);
  const callSid = app.requestsTo('/voice')[0]?.params.CallSid ?? '';
  // The records of requests are written behind the call.
  await until(
    async () => {
      const answer = await fetch(`${gateway.httpOrigin}/debug/recorded/${callSid}`);
      const { exchanges = [], events = [] } =
        answer.status === 200 ? ((await answer.json()) as { exchanges: object[]; events: { type: string }[] }) : {};
      return exchanges.length >= app.requests.length && events.some(({ type }) => type === 'ended');
    },
    DEADLINE_MS,
    () => 'the requests of the call are recorded',
  );
  return { app, gateway, callSid };
}

const PRESSED = 'no-input\npress 7\nexpect-say "pressed 7"\nexpect-dial\nexpect-say goodbye\nexpect-hangup';

test('the same application: the same verbs, exit code 0; another one: what differs, exit code 1', async () => {
  const { gateway, callSid } = await recordedCall(PRESSED);
  const replay = (url: string, ...more: readonly string[]) =>
    run(['replay', callSid, '--url', url, '--gateway', gateway.httpOrigin, ...more], {
      environment: { HOOKSWITCH_AUTH_TOKEN: gateway.authToken },
    });

  const same = await fakeApp();
  menu(same, 'Goodbye');
  const script = join(temporaryFolder(), 'saved.call');
  const equal = await replay(same.url('/voice'), '--save', script);
  expect({ exitCode: equal.exitCode, stderr: equal.stderr }, equal.stdout).toEqual({ exitCode: 0, stderr: '' });
  expect(equal.stdout).toMatch(/The same \d verbs\./);
  // A new call with the parameters of the old one and its keys.
  expect(same.requestsTo('/choice').map(({ params }) => params.Digits)).toEqual(['7']);
  expect(same.requests[0]?.params.From).toBe('sip:caller@127.0.0.1');
  expect(same.requests[0]?.params.CallSid).not.toBe(callSid);
  expect(readFileSync(script, 'utf8')).toMatch(/^no-input\npress 7\nfailed$/m);

  const changed = await fakeApp();
  menu(changed, 'See you', '+4940');
  const other = await replay(changed.url('/voice'));
  expect(other.exitCode).toBe(1);
  expect(other.stdout).toMatch(/Dial \+4930 +≠ Dial \+4940/);
  expect(other.stdout).toMatch(/Say "Goodbye, failed" +≠ Say "See you, failed"/);
  expect(other.stdout).toMatch(/Say "You pressed 7" +Say "You pressed 7"/);
  expect(other.stdout).toContain('2 of ');
});

test('a caller who hung up hangs up again; a call that is not known', async () => {
  const { gateway, callSid } = await recordedCall('press 3\nexpect-say "pressed 3"\nhang-up');
  const same = await fakeApp();
  same.on('/voice', response('<Gather numDigits="1" action="/choice"/>'));
  same.on('/choice', response('<Pause length="3000"/><Say>never</Say>'));
  const replay = (sid: string) =>
    run(['replay', sid, '--url', same.url('/voice'), '--gateway', gateway.httpOrigin, '--verbose']);
  const again = await replay(callSid);
  expect(again.exitCode).toBe(1);
  expect(again.stdout).toContain('the caller hung up');
  expect(again.stdout).not.toContain('never');
  const none = await replay(`CA${'0'.repeat(32)}`);
  expect(none.exitCode).toBe(1);
  expect(none.stderr).toContain('keeps no call');
});
