// The two requests that belong to the hop of an INVITE and carry its branch: the ACK of a non-2xx final response and the CANCEL.
// Both are copied from the INVITE field by field; neither is made anew by the user agent.

import { type HeaderField, HeaderList, type Request, type Response } from '../grammar/message.ts';
import { assertHeaderField } from '../grammar/serialize.ts';
import { serializeVia } from '../grammar/via.ts';

const NO_BODY = Buffer.alloc(0);

/** RFC 3261 17.1.1.3: To from the response (it brings the tag), all else, Route too, from the INVITE; the top Via alone. */
export const ackForFailure = (invite: Request, response: Response): Request => ({
  ...hopRequest(invite, 'ACK', response.headers.get('to') ?? '', []),
  to: response.to,
});

/** RFC 3261 9.1: Request-URI, Call-ID, From, To, CSeq number and Route of the INVITE. `headers`: e.g. Reason (RFC 3326). */
export function cancelFor(invite: Request, headers: readonly HeaderField[]): Request {
  for (const field of headers) assertHeaderField(field);
  return hopRequest(invite, 'CANCEL', invite.headers.get('to') ?? '', headers);
}

function hopRequest(invite: Request, method: string, to: string, added: readonly HeaderField[]): Request {
  const { uri, via, from, callId, cseq } = invite;
  const headers = new HeaderList([
    { name: 'Via', value: serializeVia(via) },
    ...invite.headers.getAll('route').map((value) => ({ name: 'Route', value })),
    { name: 'Max-Forwards', value: '70' },
    { name: 'From', value: invite.headers.get('from') ?? '' },
    { name: 'To', value: to },
    { name: 'Call-ID', value: callId },
    { name: 'CSeq', value: `${cseq.sequence} ${method}` },
    ...added,
  ]);
  const typed = { uri, via, from, to: invite.to, callId, cseq: { sequence: cseq.sequence, method } };
  return { kind: 'request', method, headers, body: NO_BODY, ...typed };
}
