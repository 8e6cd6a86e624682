// Status callbacks and the record of webhooks in a real process: an application that is away, a restart, a kill.

import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { signRequest } from '../../../src/webhook/signature.ts';
import { FakeApp } from '../../support/fake-app.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { until } from '../../support/until.ts';

const DEADLINE_MS = 15_000;
const MAIN = resolve(import.meta.dirname, '../../../src/main.ts');
const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function setUp(): Promise<{ gateway: GatewayProcess; app: FakeApp; callbackPort: number }> {
  const app = await FakeApp.start();
  cleanups.push(() => app.stop());
  app.on('/voice', '<Response><Say>Hello</Say></Response>');
  const callbackPort = await freePorts(1);
  const gateway = await GatewayProcess.start({
    domains: [
      {
        name: 'office',
        voiceUrl: `${app.url('/voice')}?shop=a%20b`,
        voiceStatusCallbackUrl: `http://127.0.0.1:${callbackPort}/status`,
        ipAccessControlLists: ['loopback'],
      },
    ],
    settings: { defaultDomain: 'office', speech: 'none' },
  });
  cleanups.push(() => gateway.dispose());
  return { gateway, app, callbackPort };
}

/** Calls, hears the answer and hangs up; the CallSid is what the application was told. */
async function callOnce(gateway: GatewayProcess, app: FakeApp): Promise<string> {
  const phone = await RawPhone.open(gateway.ports.sip);
  const invite = phone.send('INVITE', { sdp: plainSdp(await freePorts(2)) });
  const answer = await phone.final('INVITE');
  expect(answer.status).toBe(200);
  phone.acknowledge(invite, answer);
  phone.send('BYE');
  await phone.final('BYE');
  phone.close();
  return app.requestsTo('/voice').at(-1)!.params.CallSid!;
}

const failures = (gateway: GatewayProcess): number => gateway.logText.split('status callback failed').length - 1;

/** The first attempt failed and so did another, a second later: what is written within 100 ms is on disk. */
const isKept = (gateway: GatewayProcess) =>
  until(
    () => failures(gateway) >= 2,
    DEADLINE_MS,
    () => 'the callback was tried twice',
  );

const isDelivered = (gateway: GatewayProcess) =>
  until(
    async () => {
      const { statusCallbacks, statusCallbacksWaiting } = await gateway.counts();
      return statusCallbacks === 0 && statusCallbacksWaiting === 0;
    },
    DEADLINE_MS,
    () => 'no callback is left',
  );

test.each(['a restart', 'kill -9'])(
  'a status callback that nobody took is sent after %s, with the same idempotency token [twiml 8.2 callback-outlives-restart] [rest 21 restart] [rest 20 idempotency-token] [twiml 8.1 signed]',
  async (how) => {
    const { gateway, app, callbackPort } = await setUp();
    const callSid = await callOnce(gateway, app);
    await isKept(gateway);
    if (how === 'kill -9') await gateway.kill9();
    else await gateway.stop();

    const receiver = await FakeApp.start(undefined, callbackPort);
    cleanups.push(() => receiver.stop());
    receiver.on('/status', { status: 204 });
    const arrived = receiver.next('/status');
    await gateway.restart();
    const request = await arrived;
    expect(request.params).toMatchObject({ CallSid: callSid, CallStatus: 'completed' });
    expect(request.headers['i-twilio-idempotency-token']).toMatch(/^[0-9a-f-]{36}$/);
    expect(request.headers['x-twilio-signature']).toBe(
      signRequest(gateway.authToken, receiver.url('/status'), Object.entries(request.params)),
    );
    await isDelivered(gateway);
    // Delivered once: the next start finds nothing to do.
    await gateway.restart();
    await isDelivered(gateway);
    expect(receiver.requestsTo('/status')).toHaveLength(1);
  },
);

test('while the receiver is away a callback is tried again and gets through [twiml 8.2 callback-retried] [rest 21 final]', async () => {
  const { gateway, app, callbackPort } = await setUp();
  await callOnce(gateway, app);
  await isKept(gateway);
  const receiver = await FakeApp.start(undefined, callbackPort);
  cleanups.push(() => receiver.stop());
  receiver.on('/status', { status: 500 });
  await until(
    () => receiver.requestsTo('/status').length > 0,
    DEADLINE_MS,
    () => 'the callback arrives',
  );
  await isDelivered(gateway);
  // 500 is an answer: logged, not repeated.
  expect(receiver.requestsTo('/status')).toHaveLength(1);
  await gateway.logs('"status":500');
});

test('the signature command tells which mistake of a proxy gives what the application computed [rest 21 explain]', async () => {
  const { gateway, app } = await setUp();
  const callSid = await callOnce(gateway, app);
  const { params } = app.requestsTo('/voice')[0]!;
  // As an application behind a proxy that ends TLS elsewhere and loses the query.
  const computed = signRequest(gateway.authToken, `http://127.0.0.1:${app.port}/voice`, Object.entries(params));
  const ask = (...args: string[]) =>
    execFileSync(
      process.execPath,
      [MAIN, 'signature', callSid, '--config', join(gateway.folder, 'hookswitch.yaml'), ...args],
      { encoding: 'utf8' },
    );
  await until(
    () => {
      try {
        return ask().includes(`CallSid = ${callSid}`);
      } catch {
        return false;
      }
    },
    DEADLINE_MS,
    () => 'the exchange is in the store',
  );
  const told = ask('--computed', computed);
  expect(told).toContain(`signed URL   http://127.0.0.1:${app.port}/voice?shop=a%20b`);
  expect(told).toContain('- the query is left out');
});
