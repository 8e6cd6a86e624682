// A body of several parts (RFC 2046 5.1, RFC 5621): the session description and what goes beside it, such as a location. Pure.

import type { HeaderField } from '../grammar/message.ts';

export interface BodyPart {
  /** Content-Type and whatever else describes the part. Values hold no line breaks. */
  readonly headers: readonly HeaderField[];
  readonly body: Buffer;
}

/** The parts as one body with its headers. `boundary` must occur in none of them: it is random. */
export function mixedBody(
  parts: readonly BodyPart[],
  boundary: string,
): { readonly headers: readonly HeaderField[]; readonly body: Buffer } {
  const pieces = parts.flatMap(({ headers, body }) => [
    Buffer.from(`--${boundary}\r\n${headers.map(({ name, value }) => `${name}: ${value}\r\n`).join('')}\r\n`),
    body,
    Buffer.from('\r\n'),
  ]);
  return {
    headers: [
      { name: 'MIME-Version', value: '1.0' },
      { name: 'Content-Type', value: `multipart/mixed;boundary=${boundary}` },
    ],
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
  };
}
