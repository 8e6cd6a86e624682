// Part of the composition root: a status callback that failed is a warning in REST like any other (rest-api.md 16). Said of its first
// attempt and of its last: what lies between are repetitions of one and the same. Told to nobody else: a debugger webhook or a conference
// has no call that the notification could stand at, and a debugger webhook that fails must not tell itself.

import type { Clock } from './base/clock.ts';
import { newSid, type RandomSource } from './base/ids.ts';
import type { NotificationRecord } from './base/records.ts';
import type { PendingCallback } from './base/voice-records.ts';
import { type WebhookFailure, withoutSecrets } from './webhook/webhook.ts';

const ERROR_STATUS = 15003;

interface FailedCallbackServices {
  readonly store: { readonly notifications: { put(record: NotificationRecord): void } };
  readonly clock: Pick<Clock, 'wall'>;
  readonly random: RandomSource;
}

/** A listener for CallbackQueueOptions.onFailed. */
export const noteFailedCallbacks =
  ({ store, clock, random }: FailedCallbackServices) =>
  ({ accountSid, callSid, url, attempts }: PendingCallback, failure: WebhookFailure, retryMs: number | undefined) => {
    const isRepetition = attempts > 0 && retryMs !== undefined;
    if (!callSid.startsWith('CA') || isRepetition) return;
    const next = failure.status !== undefined ? '' : retryMs === undefined ? ', given up' : ', will be tried again';
    store.notifications.put({
      sid: newSid('NO', random),
      accountSid,
      callSid,
      level: 'warning',
      errorCode: failure.status === undefined ? failure.errorCode : ERROR_STATUS,
      message: `status callback: ${failure.detail}${next}`,
      requestUrl: withoutSecrets(url),
      date: clock.wall(),
    });
  };
