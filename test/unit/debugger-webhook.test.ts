// What the debugger webhook is told, in which order, and what happens when its database or its queue does not keep up.

import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import type { NotificationRecord } from '../../src/base/records.ts';
import type { WebhookExchange } from '../../src/base/voice-records.ts';
import { createDebuggerWebhook, withNotifications } from '../../src/debugger-webhook.ts';
import type { Store } from '../../src/store/store.ts';
import type { StatusCallbackRequest } from '../../src/webhook/status-callbacks.ts';
import { aNotification, anAccount } from '../support/store-records.ts';
import { openTempStore } from '../support/temp-store.ts';
import { aWebhookExchange } from '../support/voice-record-makers.ts';

const parent = anAccount();
const child = anAccount({ ownerAccountSid: parent.sid, authToken: 'c'.repeat(32) });
const URL = 'https://ops.example.com/debugger';

function setUp(find: () => Promise<readonly WebhookExchange[]> = async () => []) {
  const sent: StatusCallbackRequest[] = [];
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) };
  const state: { url: string | null } = { url: URL };
  const exchanges = {
    list: async () => ({ records: await find(), hasMore: false }),
  } as unknown as Store['webhookExchanges'];
  const webhook = createDebuggerWebhook({
    url: () => state.url,
    callbacks: { send: (request) => void sent.push(request) },
    exchanges,
    accountOf: (sid) => [parent, child].find((account) => account.sid === sid),
    log,
  });
  const told = async (...records: NotificationRecord[]) => {
    for (const record of records) webhook.notify(record);
    await webhook.settled();
    return sent.map(({ params }) => Object.fromEntries(params));
  };
  return { sent, warnings, state, told };
}

describe('rest-api.md 16', () => {
  test('of a subaccount: its token, its own queue, and its parent by name [rest 16 debugger-webhook]', async () => {
    const { told, sent } = setUp();
    const record = aNotification(child.sid, { level: 'warning', callSid: null, requestUrl: null, errorCode: 13214 });
    const [params] = await told(record);
    expect(params).toMatchObject({ AccountSid: child.sid, ParentAccountSid: parent.sid, Level: 'Warning' });
    expect(JSON.parse(params!.Payload!)).toEqual({
      resource_sid: null,
      service_sid: null,
      error_code: '13214',
      more_info: { Msg: record.message, ErrorCode: '13214', LogLevel: 'WARN' },
    });
    expect(sent[0]).toMatchObject({ url: URL, method: 'POST', authToken: child.authToken, callSid: child.sid });
  });

  test('in order, though a request is looked for; without it where the database is away', async () => {
    let call = 0;
    const { told, warnings } = setUp(async () => {
      if (call++ === 1) throw new Error('away');
      return [aWebhookExchange(parent.sid, { responseCode: 503 })];
    });
    const about = { requestUrl: 'https://app.example.com/voice', callSid: `CA${'1'.repeat(32)}` };
    const records = [
      aNotification(parent.sid, about),
      aNotification(parent.sid, about),
      aNotification(parent.sid, { requestUrl: null }),
    ];
    const params = await told(...records);
    expect(params.map(({ Sid }) => Sid)).toEqual(records.map(({ sid }) => sid));
    const statuses = params.map(({ Payload }) => JSON.parse(Payload!).webhook?.response.status_code);
    expect(statuses).toEqual([503, undefined, undefined]);
    expect(warnings).toEqual(['debugger webhook without its request: the store cannot be read']);
  });

  test('bounded; nothing without a URL or for an account that is gone', async () => {
    const { told, warnings, state } = setUp();
    const many = Array.from({ length: limits.debuggerNoticesQueued + 2 }, () => aNotification(parent.sid));
    expect(await told(...many)).toHaveLength(limits.debuggerNoticesQueued);
    expect(warnings).toEqual(Array(2).fill('debugger webhook dropped: queue full'));
    state.url = null;
    await told(aNotification(parent.sid));
    state.url = URL;
    expect(await told(aNotification(anAccount().sid))).toHaveLength(limits.debuggerNoticesQueued);
  });
});

test('the store keeps what it is given, and somebody hears of it', async () => {
  const { store, discard } = await openTempStore();
  const heard: string[] = [];
  const watched = withNotifications(store, ({ sid }) => heard.push(sid));
  const record = aNotification(parent.sid);
  watched.notifications.put(record);
  const page = { size: 10, cursor: null, page: 0 };
  expect((await watched.notifications.list({ accountSid: parent.sid }, page)).records).toEqual([record]);
  expect(heard).toEqual([record.sid]);
  await discard();
});
