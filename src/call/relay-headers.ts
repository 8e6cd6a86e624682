// Which headers cross the gateway, as named pure functions (sip-interface.md 1.3, 2.3, 2.5). Nothing else does: topology is hidden.

import { reasons } from '../sip/grammar/fields.ts';
import type { HeaderField, Message } from '../sip/grammar/message.ts';
import type { HeaderPair } from './leg-driver.ts';

const CUSTOM = /^x-/i;

/** X-* headers of a message, spelling and order kept, value whole. */
export function customHeaders(message: Message | undefined): HeaderPair[] {
  if (!message) return [];
  const pairs: HeaderPair[] = [];
  for (const field of message.headers) if (CUSTOM.test(field.name)) pairs.push([field.name, field.value]);
  return pairs;
}

/** What of an INVITE goes to the webhook as SipHeader_…: X-* and User-to-User. */
export function webhookHeaders(message: Message): HeaderPair[] {
  const pairs: HeaderPair[] = [];
  for (const field of message.headers) {
    if (CUSTOM.test(field.name) || field.name.toLowerCase() === 'user-to-user') pairs.push([field.name, field.value]);
  }
  return pairs;
}

/** The headers that name a leg to its peer: on INVITEs we send, and on 200 and BYE. */
export function legHeaders(callSid: string, accountSid: string, offersReplaces = false): HeaderField[] {
  return [
    { name: 'X-Twilio-CallSid', value: callSid },
    { name: 'X-Twilio-AccountSid', value: accountSid },
    { name: 'X-Twilio-ApiVersion', value: '2010-04-01' },
    ...(offersReplaces ? [{ name: 'Supported', value: 'replaces' }] : []),
  ];
}

/** What a BYE tells of the recording of its call. */
export interface RecordedLeg {
  readonly sid: string;
  readonly durationSeconds: number;
}

/** On a BYE of ours (sip-interface.md 2.3). */
export function byeHeaders(callSid: string, recording?: RecordedLeg): HeaderField[] {
  return [
    { name: 'Reason', value: 'Q.850;cause=16;text="Normal call clearing"' },
    { name: 'X-Twilio-CallSid', value: callSid },
    ...(recording
      ? [
          { name: 'X-Twilio-RecordingSid', value: recording.sid },
          { name: 'X-Twilio-RecordingDuration', value: String(recording.durationSeconds) },
        ]
      : []),
  ];
}

/** On a CANCEL to a phone that another one was faster than: it shows no missed call (RFC 3326 2). */
export const elsewhereHeaders: readonly HeaderField[] = [
  { name: 'Reason', value: 'SIP;cause=200;text="Call completed elsewhere"' },
];

/** The Q.850 cause that a response gives as its reason (RFC 3326). */
export const isdnCauseOf = (message: Message | undefined): number | undefined =>
  message && reasons(message).find((one) => one.protocol === 'Q.850')?.cause;

export const headerFields = (pairs: readonly HeaderPair[]): HeaderField[] =>
  pairs.map(([name, value]) => ({ name, value }));
