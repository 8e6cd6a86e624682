// Keeps what was asked of applications and what they answered, for REST (Calls/{}/Events, notifications) and for whoever looks for a
// fault. Part of the composition root: from the webhook client's reports to records of the store.

import type { Clock } from './base/clock.ts';
import { newSid, type RandomSource } from './base/ids.ts';
import { limits } from './base/limits.ts';
import type { WebhookExchange } from './base/voice-records.ts';
import type { WebhookReport } from './webhook/webhook.ts';

interface WebhookLogServices {
  readonly store: { readonly webhookExchanges: { put(record: WebhookExchange): void } };
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** A listener for WebhookClientOptions.onExchange. */
export function createWebhookLog({ store, clock, random }: WebhookLogServices): (report: WebhookReport) => void {
  return ({ params, status, headers, body, ...report }) =>
    store.webhookExchanges.put({
      ...report,
      sid: newSid('WX', random),
      parameters: Object.fromEntries(params),
      responseCode: status,
      contentType: headers['content-type'] ?? null,
      responseHeaders: headers,
      responseBody: status === 0 ? null : textOf(body),
      dateCreated: clock.wall(),
    });
}

/** The begin of a body. NUL cannot be stored in every database. */
const textOf = (body: Buffer): string =>
  body.toString('utf8', 0, limits.webhookLogBodyBytes).replaceAll('\0', '\uFFFD');
