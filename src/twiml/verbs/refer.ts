// Refer: asks the caller's phone (or PBX) to call somebody else by itself (twiml.md 5.10, sip-interface.md 5.1). An unanswered leg is
// answered first. Without action and with nothing behind it the leg ends, as at the end of any document.

import { limits } from '../../base/limits.ts';
import type { HttpMethod } from '../../base/records.ts';
import { isReferTarget } from '../../call/refer.ts';
import type { WebhookParams } from '../../webhook/webhook.ts';
import { AttributeReader } from '../attributes.ts';
import type { ReferOutcome } from '../call-control.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';
import { childElements, textOf } from '../xml.ts';

export interface Refer {
  readonly action: string | undefined;
  readonly method: HttpMethod;
  /** Goes into Refer-To as written; undefined: there is none that could. */
  readonly target: string | undefined;
}

export const refer: Verb<Refer> = {
  name: 'Refer',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const nouns = childElements(element).filter(({ name }) => name === 'Sip');
    if (nouns.length > 1) read.warn(12200, 'Refer has more than one Sip; the first counts');
    const target = nouns[0] && withScheme(textOf(nouns[0]).trim());
    if (target === undefined) read.warn(13243, 'Refer without a Sip noun');
    else if (!isUsable(target)) read.warn(13243, 'invalid SIP URI');
    return read.finish({
      action: read.url('action'),
      method: read.method('method', 12200),
      target: target !== undefined && isUsable(target) ? target : undefined,
    });
  },
  // Headers may carry private data.
  describe: ({ target }) => (target ?? 'nobody').replace(/\?.*$/s, ''),
  async run({ action, method, target }, context, signal) {
    const { control } = context;
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const outcome = target === undefined ? NOT_SENT : await control.refer(target, signal);
    if (!outcome.isPossible) {
      context.notify({ level: 'error', code: 13801, message: 'Refer on a call that is no SIP call' });
    }
    const params = actionParams(outcome);
    const word = outcome.status ?? 'unknown';
    if (control.callSignal.aborted || signal.aborted) {
      // twiml.md 4.2 point 5: the application still hears of it; what it answers is ignored.
      if (action !== undefined) await context.requestIgnored(action, method, params);
      return endOfCall(word);
    }
    const waited = outcome.status !== 'failed';
    if (action === undefined) return nextVerb(word, waited);
    return { kind: 'redirect', url: action, method, params, purpose: 'action', outcome: word, waited };
  },
};

const NOT_SENT: ReferOutcome = {
  status: 'failed',
  sipResponseCode: undefined,
  notifyResponseCode: undefined,
  isPossible: true,
};

const withScheme = (text: string): string => (/^sips?:/i.test(text) ? text : `sip:${text}`);

const isUsable = (target: string): boolean =>
  target.length <= limits.sipNounUriChars + limits.sipNounHeaderChars && isReferTarget(target);

/** twiml.md 5.10: what is not known is left out. */
export function actionParams(outcome: ReferOutcome): WebhookParams {
  const params = new Map<string, string>();
  if (outcome.status !== undefined) params.set('ReferCallStatus', outcome.status);
  if (outcome.sipResponseCode !== undefined) params.set('ReferSipResponseCode', String(outcome.sipResponseCode));
  if (outcome.notifyResponseCode !== undefined) params.set('NotifySipResponseCode', String(outcome.notifyResponseCode));
  return params;
}
