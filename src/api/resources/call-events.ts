// Events of a call: what was asked of applications and what they answered (rest-api.md 9.4). Read only, newest first.

import type { WebhookExchange } from '../../base/voice-records.ts';
import { rfc2822 } from '../dates.ts';
import { notFound } from '../errors.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { Handler, Route } from '../request.ts';
import { findCall } from './calls.ts';

const present = (exchange: WebhookExchange) => ({
  request: { method: exchange.method, url: exchange.url, parameters: exchange.parameters },
  response: {
    response_code: exchange.responseCode,
    request_duration: exchange.durationMs,
    content_type: exchange.contentType,
    response_body: exchange.responseBody,
    date_created: rfc2822(exchange.dateCreated),
  },
});

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const call = await findCall(request, parts);
  if (!call) return notFound(`${request.path}.json`);
  const found = await parts.store.webhookExchanges.list({ accountSid: call.accountSid, callSid: call.sid }, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'events', present) };
};

export const callEventRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Calls/{CallSid}/Events', handlers: { GET: list } },
];
