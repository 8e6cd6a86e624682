// What stands on the arrows of a ladder. A label has several wordings, the full one first: the drawing takes the first that fits, so that
// what tells most (status, method, direction of the SDP) is the last to go. Text of peers loses its control characters. Pure.

import type { CallEvent } from '../base/events.ts';
import type { Message } from '../sip/grammar/message.ts';
import { redact } from './redact.ts';

/** Wordings of one label, the longest first; never empty. */
export type Label = readonly string[];

/** Reason phrases come from the peer and may be long. */
const REASON_CHARS = 32;
const URL_CHARS = 40;

/** The first wording of at most `room` characters, or what fits of the last. */
export const fit = (label: Label, room: number): string =>
  label.find((wording) => wording.length <= room) ?? cut(label.at(-1)!, room);

/** At most `room` characters; what is left out leaves an ellipsis. */
export const cut = (text: string, room: number): string =>
  text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`.slice(0, room);

/** Without what a terminal would obey, and without secrets. */
export const shown = (text: string): string => redact(text).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, '·');

/** `200 OK (SDP recvonly)` → `200 (SDP recvonly)` → `200 (recvonly)`: the reason goes first, the direction last. */
export function messageLabel(message: Message): Label {
  const hasSdp = message.body.length > 0 && /sdp/i.test(message.headers.get('Content-Type') ?? '');
  const direction = hasSdp ? directionOf(message.body.toString('latin1')) : '';
  const sdp = hasSdp ? ` (SDP${direction === '' ? '' : ` ${direction}`})` : '';
  const sdpShort = direction === '' ? sdp : ` (${direction})`;
  if (message.kind === 'request') return [message.method + sdp, message.method + sdpShort].map(shown);
  const method = message.cseq.method === 'INVITE' ? '' : ` ${message.cseq.method}`;
  const { status } = message;
  const reason = cut(message.reason.trim(), REASON_CHARS);
  const full = `${status}${reason === '' ? '' : ` ${reason}`}`;
  // With nothing behind it a reason may be cut short: it still says more than the number.
  if (method === '' && sdp === '') return [shown(full)];
  return [full + method + sdp, `${status}${method}${sdp}`, `${status}${method}${sdpShort}`].map(shown);
}

function directionOf(sdp: string): string {
  return /^a=(sendonly|recvonly|inactive)\r?$/m.exec(sdp)?.[1] ?? '';
}

export const requestLabel = (event: Extract<CallEvent, { type: 'webhookRequest' }>): Label => [
  shown(`${event.method} ${pathOf(event.url)}`),
];

export const responseLabel = (event: Extract<CallEvent, { type: 'webhookResponse' }>): Label =>
  event.errorCode === null ? [String(event.status)] : [`${event.status || 'no answer'} (error ${event.errorCode})`];

function pathOf(url: string): string {
  try {
    return new URL(url).pathname;
  } catch {
    return url.slice(0, URL_CHARS);
  }
}

/** What happened inside, in words; undefined for events that a ladder does not show. */
export function noteOf(event: CallEvent): string | undefined {
  const note = rawNote(event);
  return note === undefined ? undefined : shown(note);
}

function rawNote(event: CallEvent): string | undefined {
  switch (event.type) {
    case 'verbStarted':
      return `<${event.verb}> ${event.detail}`;
    case 'verbEnded':
      return `</${event.verb}> ${event.outcome}`;
    case 'media':
      return `${event.change}: ${event.detail}`;
    case 'digit':
      return `digit, ${event.durationMs} ms`;
    case 'answeredBy':
      return `answered by ${event.answeredBy}, after ${event.durationMs} ms`;
    case 'bridged':
      return `bridged with ${event.otherCallSid.slice(0, 10)}…`;
    case 'unbridged':
      return 'bridge ended';
    case 'transfer':
      return `transfer: ${event.step}`;
    case 'notification':
      return `${event.level} ${event.errorCode}: ${event.message}`;
    case 'ended':
      return `${event.status}: ${event.reason}`;
    default:
      return undefined;
  }
}
