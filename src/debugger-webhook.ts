// Part of the composition root: tells one URL of each notification, as the vendor's debugger does (rest-api.md 16). An account after the
// other, its notifications in their order; what cannot be delivered waits in the queue of the status callbacks.
//
//   notification ─▶ store ─▶ webhook it is about ─▶ Sid, Level, Payload … ─▶ callback queue

import { limits } from './base/limits.ts';
import type { Log } from './base/log.ts';
import type { Account, NotificationRecord } from './base/records.ts';
import type { WebhookExchange } from './base/voice-records.ts';
import type { Store } from './store/store.ts';
import { buildParams } from './webhook/params.ts';
import type { StatusCallbacks } from './webhook/status-callbacks.ts';

export interface DebuggerServices {
  /** The URL; null: nobody wants to know. */
  readonly url: () => string | null;
  readonly callbacks: Pick<StatusCallbacks, 'send'>;
  readonly exchanges: Store['webhookExchanges'];
  readonly accountOf: (sid: string) => Account | undefined;
  readonly log: Log;
}

export interface DebuggerWebhook {
  notify(notification: NotificationRecord): void;
  /** Resolves when everything until now is in the queue of the callbacks. */
  settled(): Promise<void>;
}

/** The store, whose notifications somebody hears of too. */
export const withNotifications = (store: Store, onNotification: (record: NotificationRecord) => void): Store => ({
  ...store,
  notifications: {
    ...store.notifications,
    put(record) {
      store.notifications.put(record);
      onNotification(record);
    },
  },
});

export function createDebuggerWebhook(services: DebuggerServices): DebuggerWebhook {
  let last: Promise<void> = Promise.resolve();
  let waiting = 0;
  return {
    notify(notification) {
      if (services.url() === null) return;
      if (waiting >= limits.debuggerNoticesQueued) {
        services.log.warn({ errorCode: notification.errorCode }, 'debugger webhook dropped: queue full');
        return;
      }
      waiting++;
      last = last.then(async () => {
        await tell(notification, services);
        waiting--;
      });
    },
    settled: () => last,
  };
}

async function tell(notification: NotificationRecord, services: DebuggerServices): Promise<void> {
  const { url, callbacks, accountOf } = services;
  const account = accountOf(notification.accountSid);
  const to = url();
  if (!account || to === null) return;
  const exchange = await exchangeOf(notification, services);
  const isSubaccount = account.ownerAccountSid !== account.sid;
  callbacks.send({
    url: to,
    method: 'POST',
    params: buildParams([
      ['Sid', notification.sid],
      ['AccountSid', account.sid],
      ['ParentAccountSid', isSubaccount ? account.ownerAccountSid : undefined],
      ['Timestamp', new Date(notification.date).toISOString()],
      ['Level', notification.level === 'error' ? 'Error' : 'Warning'],
      ['PayloadType', 'application/json'],
      ['Payload', JSON.stringify(payloadOf(notification, exchange))],
    ]),
    authToken: account.authToken,
    accountSid: account.sid,
    // Its own order: no callback of a call waits for it.
    callSid: account.sid,
    maxWaiting: limits.debuggerNoticesQueued,
  });
}

/** The request that the notification is about: the last one to its URL before it was raised. A database that is away knows none. */
async function exchangeOf(
  { accountSid, callSid, requestUrl, date }: NotificationRecord,
  { exchanges, log }: DebuggerServices,
): Promise<WebhookExchange | undefined> {
  if (callSid === null || requestUrl === null) return undefined;
  try {
    const where = { accountSid, callSid, url: requestUrl };
    return (await exchanges.list(where, { size: 1, cursor: null, page: 0 }, { to: date })).records[0];
  } catch (error) {
    log.warn({ reason: String(error) }, 'debugger webhook without its request: the store cannot be read');
    return undefined;
  }
}

function payloadOf({ callSid, errorCode, message, level }: NotificationRecord, exchange: WebhookExchange | undefined) {
  return {
    resource_sid: callSid,
    service_sid: null,
    error_code: String(errorCode),
    more_info: { Msg: message, ErrorCode: String(errorCode), LogLevel: level === 'error' ? 'ERROR' : 'WARN' },
    ...(exchange ? { webhook: webhookOf(exchange) } : {}),
  };
}

const webhookOf = (exchange: WebhookExchange) => ({
  type: 'application/json',
  request: { url: exchange.url, method: exchange.method, headers: {}, parameters: exchange.parameters },
  response: {
    status_code: exchange.responseCode,
    headers: exchange.responseHeaders,
    body: exchange.responseBody,
  },
});
