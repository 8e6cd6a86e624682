// What a developer reads over REST about the webhooks of a call: Calls/{}/Events, and the request behind a notification.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiWorld, apiWorld } from '../support/api-world.ts';
import { aNotification } from '../support/store-records.ts';
import { aWebhookExchange } from '../support/voice-record-makers.ts';

let world: ApiWorld;
beforeAll(async () => {
  world = await apiWorld();
});
afterAll(() => world.stop());

const aCall = () =>
  world.client.calls.create({ to: 'sip:a@b.example.test', from: 'x', twiml: '<Response/>' }).then(({ sid }) => sid);

describe('events of a call', () => {
  test('request and answer of each webhook, newest first, paged [rest 9.4 events]', async () => {
    const callSid = await aCall();
    for (const second of [1, 2, 3])
      world.store.webhookExchanges.put(
        aWebhookExchange(world.account.sid, {
          callSid,
          durationMs: second,
          dateCreated: Date.UTC(2026, 0, 1, 12, 0, second),
        }),
      );
    const events = await world.client.calls(callSid).events.list({ pageSize: 2 });
    expect(events.map(({ response }) => response.request_duration)).toEqual([3, 2, 1]);
    expect(events[0]?.toJSON()).toEqual({
      request: {
        method: 'POST',
        url: 'https://app.example.com/voice',
        parameters: { Digits: '12', From: '+4930123456' },
      },
      response: {
        response_code: 200,
        request_duration: 3,
        content_type: 'text/xml',
        response_body: '<Response/>',
        date_created: 'Thu, 01 Jan 2026 12:00:03 +0000',
      },
    });
  });

  test('of a call that does not exist: 404, 20404 [rest 9.4 events-unknown-call]', async () => {
    await expect(world.client.calls(`CA${'0'.repeat(32)}`).events.list()).rejects.toMatchObject({
      status: 404,
      code: 20404,
    });
  });
});

describe('the request behind a notification', () => {
  test('the instance tells variables, headers and body of the last request to its URL before it; the list does not [rest 16 instance-fields] [twiml 14 fields]', async () => {
    const callSid = await aCall();
    const date = Date.UTC(2026, 0, 2);
    const url = 'https://app.example.com/voice';
    const exchange = { callSid, url, responseCode: 500, responseBody: 'Oops' };
    world.store.webhookExchanges.put(aWebhookExchange(world.account.sid, { ...exchange, dateCreated: date - 5 }));
    world.store.webhookExchanges.put(
      aWebhookExchange(world.account.sid, { ...exchange, responseBody: 'later', dateCreated: date + 5 }),
    );
    const notification = aNotification(world.account.sid, { callSid, requestUrl: url, date });
    world.store.notifications.put(notification);
    const fetched = await world.client.calls(callSid).notifications(notification.sid).fetch();
    expect(fetched).toMatchObject({
      requestMethod: 'POST',
      requestVariables: 'Digits=12&From=%2B4930123456',
      responseHeaders: 'content-type=text%2Fxml',
      responseBody: 'Oops',
    });
    const answer = await world.fetch(`/2010-04-01/Accounts/${world.account.sid}/Calls/${callSid}/Notifications.json`);
    const [listed] = ((await answer.json()) as { notifications: object[] }).notifications;
    for (const field of ['request_variables', 'response_headers', 'response_body'])
      expect(listed).not.toHaveProperty(field);
  });
});
