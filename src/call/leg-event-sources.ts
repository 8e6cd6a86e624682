// What a SIP leg tells its call of what its session and its media tell it. Pure: nothing of the leg is known here.

import type { MediaEvent } from '../media/engine.ts';
import type { SessionEvent } from '../sip/ua/ua.ts';
import type { LegEvent } from './leg-driver.ts';
import { redirectOf } from './redirects.ts';
import { customHeaders, isdnCauseOf } from './relay-headers.ts';

/** An INVITE of ours that was refused, or met nobody. */
export const failureOf = (event: Extract<SessionEvent, { type: 'rejected' }>): LegEvent => ({
  type: 'failed',
  status: event.status,
  cause: event.cause,
  detail: event.detail,
  headers: customHeaders(event.response),
  redirect: redirectOf(event.response),
  isdnCause: isdnCauseOf(event.response),
});

/** Undefined: nothing that a call wants to know. Digits are not for this: presses are told once, whichever way they came. */
export function ofMedia(event: MediaEvent): LegEvent | undefined {
  switch (event.type) {
    case 'rtpTimeout':
      return { type: 'mediaTimeout' };
    case 'playEnded':
      return { type: 'playEnded', play: event.play, outcome: event.outcome };
    case 'mediaStarted':
    case 'latched': {
      const change = event.type === 'latched' ? 'media source learned' : 'media flows';
      return { type: 'media', change, detail: `${event.remoteAddress}:${event.remotePort}` };
    }
    default:
      return undefined;
  }
}
