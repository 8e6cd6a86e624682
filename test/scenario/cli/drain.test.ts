// SIGTERM (design.md 4): the gateway takes no new calls, lets running ones finish, and leaves nothing behind.

import { expect, test } from 'vitest';
import { freePorts } from '../../support/ports.ts';
import { plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { until } from '../../support/until.ts';
import { type Command, DEADLINE_MS, type Place, place, serve } from './kit.ts';

const TALK = '<Response><Echo/></Response>';

async function talking(at: Place): Promise<RawPhone> {
  const phone = await RawPhone.open(at.sip);
  const invite = phone.send('INVITE', { sdp: plainSdp(await freePorts(2)) });
  const answer = await phone.final('INVITE');
  expect(answer.status).toBe(200);
  phone.acknowledge(invite, answer);
  return phone;
}

/** What follows a signal at once counts as the same one: so it is sent until the gateway takes it for another. */
const signalsAgain = (gateway: Command) =>
  until(
    () => {
      if (gateway.stdout.includes('ending the running calls')) return true;
      gateway.signal('SIGTERM');
      return false;
    },
    DEADLINE_MS,
    () => 'the gateway ends its calls',
  );

async function expectCleanEnd(gateway: Command): Promise<void> {
  expect(await gateway.endsAltogether()).toBe(0);
  expect(gateway.stderr).toBe('');
}

test('design.md 4: while it drains a new INVITE gets 503 with Retry-After, the running call ends by itself, exit code 0', async () => {
  const at = await place(TALK, { drainSeconds: 60 });
  const gateway = await serve(at);
  const running = await talking(at);
  gateway.signal('SIGTERM');
  await gateway.writes('draining');

  const late = await RawPhone.open(at.sip);
  late.send('INVITE', { sdp: plainSdp(await freePorts(2)) });
  const refusal = await late.final('INVITE');
  expect(refusal.status).toBe(503);
  expect(Number(refusal.headers.get('Retry-After'))).toBeGreaterThan(0);
  const ready = await fetch(`http://127.0.0.1:${at.http}/readyz`);
  expect(ready.status).toBe(503);
  // The running call is still there: it answers requests in its dialog.
  running.send('OPTIONS');
  expect((await running.final('OPTIONS')).status).toBe(200);
  expect(gateway.hasEnded).toBe(false);

  running.send('BYE');
  expect((await running.final('BYE')).status).toBe(200);
  await expectCleanEnd(gateway);
  late.close();
  running.close();
});

test('design.md 4: a second SIGTERM ends the running call with BYE', async () => {
  const at = await place(TALK, { drainSeconds: 60 });
  const gateway = await serve(at);
  const running = await talking(at);
  gateway.signal('SIGTERM');
  await gateway.writes('draining');
  await signalsAgain(gateway);
  running.accept(await running.request('BYE'));
  await expectCleanEnd(gateway);
  running.close();
});

test('design.md 4: the wait for running calls is bounded by drainSeconds, then they get BYE', async () => {
  const at = await place(TALK, { drainSeconds: 1 });
  const gateway = await serve(at);
  const running = await talking(at);
  gateway.signal('SIGINT');
  running.accept(await running.request('BYE'));
  await expectCleanEnd(gateway);
  running.close();
});

test('design.md 4: without calls SIGTERM ends at once, and the same ports and folders serve the next start', async () => {
  const at = await place(TALK, { drainSeconds: 600 });
  const first = await serve(at);
  first.signal('SIGTERM');
  await expectCleanEnd(first);
  const second = await serve(at);
  second.signal('SIGTERM');
  await expectCleanEnd(second);
});

test('design.md 4: npm start passes SIGTERM on: whoever stops npm stops the gateway', async () => {
  const at = await place(TALK, { drainSeconds: 60 });
  const npm = await serve(at, { throughNpm: true });
  npm.signal('SIGTERM');
  expect(await npm.endsAltogether()).toBe(0);
  expect(npm.stdout).toContain('draining');
});

test('design.md 4: Ctrl-C on npm start reaches the gateway twice and still is one: the running call may finish', async () => {
  const at = await place(TALK, { drainSeconds: 60 });
  const npm = await serve(at, { throughNpm: true });
  const running = await talking(at);
  npm.signalGroup('SIGINT');
  await npm.writes('draining');
  running.send('BYE');
  expect((await running.final('BYE')).status).toBe(200);
  expect(await npm.endsAltogether()).toBe(0);
  expect(npm.stdout).not.toContain('ending the running calls');
  running.close();
});
