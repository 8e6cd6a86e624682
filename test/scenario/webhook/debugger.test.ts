// Errors and warnings told to one URL as they happen (rest-api.md 16), by a gateway with calls.

import twilio from 'twilio';
import { expect, test } from 'vitest';
import { ACCOUNT_SID, AUTH_TOKEN, dials, expectEvent, world } from '../../support/world.ts';

interface Payload {
  readonly resource_sid: string;
  readonly error_code: string;
  readonly webhook?: {
    readonly request: { readonly url: string; readonly method: string; readonly parameters: Record<string, string> };
    readonly response: { readonly status_code: number; readonly body: string };
  };
}

test('an error of the application: signed, with the request it is about and its answer [rest 16 debugger-webhook]', async () => {
  const w = await world();
  const url = w.app.url('/debugger');
  w.app.on('/debugger', { status: 204 });
  w.app.on('/voice', { status: 500, body: 'Oops' });
  await w.gateway.applySettings({ ...w.config, debuggerWebhook: url });
  const alice = await w.phone('alice');
  const caller = dials(alice, w.uri('1000'));
  await expectEvent(alice, caller, 'ended');
  const { params, headers } = await w.asked('/debugger');
  expect(twilio.validateRequest(AUTH_TOKEN, String(headers['x-twilio-signature']), url, params)).toBe(true);
  const [notification] = (await w.rest('/Notifications.json')).body.notifications as { sid: string }[];
  expect(params).toMatchObject({
    Sid: notification!.sid,
    AccountSid: ACCOUNT_SID,
    Level: 'Error',
    PayloadType: 'application/json',
    Timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
  });
  expect(params).not.toHaveProperty('ParentAccountSid');
  const { CallSid } = w.app.requestsTo('/voice')[0]!.params;
  const payload = JSON.parse(params.Payload!) as Payload;
  expect(payload).toMatchObject({
    resource_sid: CallSid,
    error_code: '11217',
    webhook: {
      request: { url: w.app.url('/voice'), method: 'POST', parameters: { CallSid, To: expect.any(String) } },
      response: { status_code: 500, body: 'Oops' },
    },
  });
  await w.isIdle();
});

test('a warning about a request over REST; nobody is told when the setting is empty [rest 16 debugger-webhook]', async () => {
  const w = await world();
  w.app.on('/debugger', { status: 204 });
  const form = { To: 'client:nobody', From: 'x', Twiml: '<Response/>', StatusCallbackEvent: 'answred' };
  await w.rest('/Calls.json', form);
  await w.gateway.applySettings({ ...w.config, debuggerWebhook: w.app.url('/debugger') });
  const made = await w.rest('/Calls.json', form);
  // Nobody of that name is registered: the call has a warning of its own.
  await w.asked('/debugger', 2);
  await w.isIdle();
  const told = w.app.requestsTo('/debugger').map(({ params }) => {
    const { resource_sid: callSid, error_code: code } = JSON.parse(params.Payload!) as Payload;
    return [callSid, code, params.Level];
  });
  expect(told.sort()).toEqual([
    [made.body.sid, '21626', 'Warning'],
    [made.body.sid, '32009', 'Warning'],
  ]);
});

test('a status callback that is answered with an error: once, as a warning; the debugger that fails is not told of itself [rest 16 failed-callback]', async () => {
  const w = await world();
  w.app.on('/debugger', { status: 500 });
  w.app.on('/status', { status: 503, body: 'busy' });
  await w.gateway.applySettings({ ...w.config, debuggerWebhook: w.app.url('/debugger') });
  const form = { To: 'client:nobody', From: 'x', Twiml: '<Response/>', StatusCallback: w.app.url('/status') };
  const { sid } = (await w.rest('/Calls.json', form)).body as { sid: string };
  // 32009: nobody of that name is registered.
  await w.asked('/debugger', 2);
  await w.isIdle();
  const payloads = w.app.requestsTo('/debugger').map(({ params }) => JSON.parse(params.Payload!) as Payload);
  expect(payloads.map(({ error_code }) => error_code).sort()).toEqual(['15003', '32009']);
  const about = payloads.find(({ error_code }) => error_code === '15003')!;
  expect(about).toMatchObject({ resource_sid: sid, webhook: { response: { status_code: 503, body: 'busy' } } });
  expect(w.app.requestsTo('/status')).toHaveLength(1);
});
