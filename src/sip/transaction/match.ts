// Which transaction a message belongs to: keys for the maps of layer.ts (RFC 3261 17.1.3 and 17.2.3).
//
//   branch starts with z9hG4bK   branch + sent-by + method; ACK and CANCEL carry the branch of their INVITE
//   any other branch, or none    RFC 2543: Request-URI, To tag, From tag, Call-ID, CSeq and top Via

import { comparableHost } from '../grammar/host.ts';
import type { Request, Response } from '../grammar/message.ts';
import { serializeUri } from '../grammar/uri.ts';
import type { Via } from '../grammar/via.ts';

const COOKIE = 'z9hG4bK';

/** True where the branch is unique by RFC 3261 8.1.1.7. The bare cookie is none (RFC 4475 3.2.1). */
export const hasMagicCookie = (via: Via): boolean =>
  via.branch !== undefined && via.branch.length > COOKIE.length && via.branch.startsWith(COOKIE);

// A peer may leave the default port out in one message and write it in the next.
const DEFAULT_PORTS: Readonly<Record<string, number>> = { tls: 5061, ws: 80, wss: 443 };

const sentBy = (via: Via): string => `${comparableHost(via.host)}\n${via.port ?? DEFAULT_PORTS[via.transport] ?? 5060}`;

/** Key of a request whose branch has the magic cookie. */
export const branchKey = (via: Via, method: string): string => `${via.branch}\n${sentBy(via)}\n${method}`;

/** Key of a client transaction, from its request. */
export const clientKey = (request: Request): string => branchKey(request.via, request.method);

/** 17.1.3: key of the client transaction that a response belongs to. With sent-by: a response that is not for us matches none. */
export const clientKeyOfResponse = (response: Response): string => branchKey(response.via, response.cseq.method);

/** Key of the server transaction that a request opens or repeats. Not for ACK. */
export const serverKey = (request: Request): string =>
  hasMagicCookie(request.via)
    ? branchKey(request.via, request.method)
    : oldKey(request, request.method, request.to.params.get('tag'));

/** Key of the INVITE transaction that a CANCEL asks to end (9.2). */
export const inviteKeyOfCancel = (cancel: Request): string =>
  hasMagicCookie(cancel.via) ? branchKey(cancel.via, 'INVITE') : oldKey(cancel, 'INVITE', cancel.to.params.get('tag'));

/**
 * Key by which an ACK finds its INVITE transaction. An RFC 2543 ACK has the To tag of the response, which the INVITE had not:
 * there the transaction is entered a second time, under `ackKeyOfInvite`, when it has sent its final response.
 */
export const inviteKeyOfAck = (ack: Request): string =>
  hasMagicCookie(ack.via) ? branchKey(ack.via, 'INVITE') : oldKey(ack, 'ACK', ack.to.params.get('tag'));

/** The second key of an RFC 2543 INVITE transaction, or undefined where the first one serves ACKs too. */
export const ackKeyOfInvite = (invite: Request, response: Response): string | undefined =>
  hasMagicCookie(invite.via) ? undefined : oldKey(invite, 'ACK', response.to.params.get('tag'));

function oldKey(request: Request, method: string, toTag: string | undefined): string {
  const { via, from, callId, cseq, uri } = request;
  const params = [...via.params].map(([name, value]) => `${name}=${value ?? ''}`).join(';');
  return [
    'RFC 2543',
    method,
    serializeUri(uri),
    toTag ?? '',
    from.params.get('tag') ?? '',
    callId,
    cseq.sequence,
    via.transport,
    sentBy(via),
    via.branch ?? '',
    params,
  ].join('\n');
}
