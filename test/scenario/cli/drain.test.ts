// SIGTERM (design.md 4): the gateway takes no new calls, lets running ones finish, and leaves nothing behind.

import { expect, test } from 'vitest';
import { freePorts } from '../../support/ports.ts';
import { plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { type Command, type Place, place, serve } from './kit.ts';

const TALK = '<Response><Echo/></Response>';

async function talking(at: Place): Promise<RawPhone> {
  const phone = await RawPhone.open(at.sip);
  const invite = phone.send('INVITE', { sdp: plainSdp(await freePorts(2)) });
  const answer = await phone.final('INVITE');
  expect(answer.status).toBe(200);
  phone.acknowledge(invite, answer);
  return phone;
}

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
  gateway.signal('SIGTERM');
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
