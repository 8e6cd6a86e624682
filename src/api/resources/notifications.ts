// Notifications: errors and warnings raised while a call or request was handled (rest-api.md 16). Read only; under the account and under
// a call.

import type { NotificationRecord } from '../../base/records.ts';
import type { WebhookExchange } from '../../base/voice-records.ts';
import { timeRange } from '../dates.ts';
import { notFound } from '../errors.ts';
import { lastOf } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { ApiStore } from '../ports.ts';
import { presentNotification, presentNotificationInstance } from '../present.ts';
import type { ApiRequest, Handler, Route } from '../request.ts';
import { isListMissing } from './parents.ts';

/** rest-api.md 7.3: `Log` is 0 for errors, 1 for warnings. */
const levels: Readonly<Record<string, NotificationRecord['level']>> = { '0': 'error', '1': 'warning' };

const whereOf = (request: ApiRequest): Partial<NotificationRecord> => ({
  accountSid: request.account.sid,
  ...(request.params.CallSid === undefined ? {} : { callSid: request.params.CallSid }),
});

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const asked = lastOf(request.query, 'Log');
  const level = asked === undefined ? undefined : levels[asked];
  const range = timeRange(request.query, 'MessageDate');
  const isNothing = range === 'none' || (asked !== undefined && level === undefined);
  const where = { ...whereOf(request), ...(level === undefined ? {} : { level }) };
  const found = isNothing
    ? { records: [], hasMore: false }
    : await parts.store.notifications.list(where, page.value, range);
  if (await isListMissing(found, page.value, request, parts)) return notFound(`${request.path}.json`);
  const present = (record: NotificationRecord) => presentNotification(record, request.path);
  return { status: 200, body: pageBody(request, page.value, found, 'notifications', present) };
};

const fetch: Handler = async (request, { store }) => {
  const where = { ...whereOf(request), sid: request.params.Sid ?? '' };
  const found = await store.notifications.list(where, { size: 1, cursor: null, page: 0 });
  const record = found.records[0];
  if (!record) return notFound(`${request.path}.json`);
  const exchange = await exchangeOf(record, store);
  return {
    status: 200,
    body: presentNotificationInstance(record, request.path.slice(0, request.path.lastIndexOf('/')), exchange),
  };
};

/** The request that the notification is about: the last one to its URL before it was raised. */
async function exchangeOf(
  { accountSid, callSid, requestUrl, date }: NotificationRecord,
  store: ApiStore,
): Promise<WebhookExchange | undefined> {
  if (callSid === null || requestUrl === null) return undefined;
  const where = { accountSid, callSid, url: requestUrl };
  const found = await store.webhookExchanges.list(where, { size: 1, cursor: null, page: 0 }, { to: date });
  return found.records[0];
}

export const notificationRoutes: readonly Route[] = ['', '/Calls/{CallSid}'].flatMap((parent) => [
  { path: `/Accounts/{AccountSid}${parent}/Notifications`, handlers: { GET: list } },
  { path: `/Accounts/{AccountSid}${parent}/Notifications/{Sid}`, handlers: { GET: fetch } },
]);
