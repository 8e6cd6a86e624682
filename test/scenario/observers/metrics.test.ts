// GET /metrics of a running gateway: who may read it, and that what happened is in it.

import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { ACCOUNT_SID, AUTH_TOKEN, bridged, expectEvent, hearsPackets, world } from '../../support/world.ts';

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

test('[design 4 metrics] a call, its messages, webhooks, media and registrations are counted', async () => {
  const w = await world();
  const { alice, caller, callee } = await bridged(w);
  void caller.play([{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 10_000 }], 10_000);
  await hearsPackets(callee, 20);
  callee.leg.hangUp();
  await expectEvent(alice, caller, 'ended');
  await w.isIdle();
  const response = await fetch(`${w.gateway.info.apiUrl}/metrics`);
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await response.text();
  const value = (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );
  expect(value('hookswitch_calls_total{direction="inbound"}')).toBe(1);
  expect(value('hookswitch_calls_ended_total{direction="outbound-dial",status="completed"}')).toBe(1);
  expect(value('hookswitch_calls')).toBe(0);
  expect(value('hookswitch_registrations_total{event="registered",cause=""}')).toBe(2);
  expect(value('hookswitch_bindings')).toBe(2);
  expect(value('hookswitch_sip_messages_total{direction="in",transport="udp",method="BYE",status=""}')).toBe(1);
  expect(value('hookswitch_webhook_requests_total{purpose="document",outcome="2xx"}')).toBe(1);
  expect(value('hookswitch_webhook_requests_total{purpose="action",outcome="2xx"}')).toBe(1);
  // The completed callback goes out after the call is forgotten, and counts all the same.
  expect(value('hookswitch_webhook_requests_total{purpose="statusCallback",outcome="2xx"}')).toBe(1);
  expect(value('hookswitch_media_packets_total{direction="in"}')).toBeGreaterThanOrEqual(20);
  expect(value('hookswitch_media_port_pairs{state="in_use"}')).toBe(0);
});

test('[design 5.4 refusals-counted] a refused INVITE is counted by its cause', async () => {
  const w = await world();
  const alice = await w.phone('alice', { registered: false, password: 'wrong-password-1' });
  const call = alice.dial(w.uri('1000'), []);
  if (!call.ok) throw new Error(call.error);
  await expectEvent(alice, call.value, 'failed');
  const text = await (await fetch(`${w.gateway.info.apiUrl}/metrics`)).text();
  expect(text).toMatch(/^hookswitch_refusals_total\{cause="digest"\} 1$/m);
});

const outside = Object.values(networkInterfaces())
  .flat()
  .find((one) => one && !one.internal && one.family === 'IPv4')?.address;

test('[design 4 metrics-access] from elsewhere only with the credentials of the operator', async () => {
  const w = await world({ settings: { httpListen: '0.0.0.0:0' } });
  const { port } = new URL(w.gateway.info.apiUrl);
  const get = async (headers: Record<string, string>) =>
    (await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { 'x-forwarded-for': '192.0.2.1', ...headers } }))
      .status;
  expect(await get({})).toBe(401);
  expect(await get({ authorization: basic(ACCOUNT_SID, 'wrong') })).toBe(401);
  expect(await get({ authorization: basic(ACCOUNT_SID, AUTH_TOKEN) })).toBe(200);
  const sub = await w.rest('/../../Accounts.json', { FriendlyName: 'tenant' });
  expect(await get({ authorization: basic(String(sub.body.sid), String(sub.body.auth_token)) })).toBe(401);
  if (outside !== undefined) expect((await fetch(`http://${outside}:${port}/metrics`)).status).toBe(401);
});
