// The session description in a message body: alone, or as one part of a multipart (RFC 5621; carriers send ISUP or location beside
// it). Pure; what is not understood is treated as no SDP, and the request gets its 415.

import type { Message } from '../grammar/message.ts';

const SDP = 'application/sdp';
const MOST_PARTS = 8;

/** `type/subtype`, lower case, without parameters; '' when there is none. */
const mediaType = (value: string | undefined): string => (value ?? '').split(';')[0]!.trim().toLowerCase();

/** `type/subtype` of a message body. */
export const contentTypeOf = (message: Message): string => mediaType(message.headers.get('content-type'));

/** The SDP of a message as text; undefined where there is none that can be read. */
export function sdpOf(message: Message): string | undefined {
  if (message.body.length === 0) return undefined;
  const encoding = (message.headers.get('content-encoding') ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity') return undefined;
  const type = contentTypeOf(message);
  if (type === SDP) return message.body.toString('utf8');
  if (!type.startsWith('multipart/')) return undefined;
  return partOf(message.body.toString('latin1'), boundaryOf(message.headers.get('content-type')!));
}

/** True when the body has to be refused with 415: there is one, and no SDP in it. */
export const isForeignBody = (message: Message): boolean => message.body.length > 0 && sdpOf(message) === undefined;

function boundaryOf(contentType: string): string | undefined {
  const match = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^;\s"]{1,70}))/i.exec(contentType);
  return match?.[1] ?? match?.[2];
}

/** RFC 2046 5.1.1. `body` is latin1 so that offsets are bytes; the part is handed on as UTF-8. */
function partOf(body: string, boundary: string | undefined): string | undefined {
  if (boundary === undefined) return undefined;
  // The first piece is the preamble, what follows the closing delimiter begins with `--`.
  const pieces = `\r\n${body}`.split(`\r\n--${boundary}`).slice(1, MOST_PARTS + 1);
  for (const piece of pieces) {
    if (piece.startsWith('--')) return undefined;
    const blank = piece.indexOf('\r\n\r\n');
    if (blank < 0) continue;
    const type = /^content-type\s*:\s*([^\r\n]*)/im.exec(piece.slice(0, blank))?.[1];
    if (mediaType(type) === SDP) return Buffer.from(piece.slice(blank + 4), 'latin1').toString('utf8');
  }
  return undefined;
}
