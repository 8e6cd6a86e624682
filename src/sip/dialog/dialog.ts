// A dialog as data (RFC 3261 12): a readonly, versioned record of plain values, which survives JSON, and pure updates of it.
// sip/ua keeps the records; nothing here sends, waits or remembers.
//
//   UAC  INVITE ─▶ 1xx with To tag  dialogFromResponse (early) ─▶ 2xx  withFinalResponse (confirmed) ─▶ ackFor2xx, nextRequest
//   UAS  INVITE ─▶ dialogFromRequest (early) ─▶ our 2xx  withConfirmed ─▶ withRemoteSequence for each request, nextRequest

import { strict as assert } from 'node:assert';
import { ownText } from '../../base/own-text.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { createRequest } from '../grammar/build.ts';
import { type HeaderField, HeaderList, type Message, type Request, type Response } from '../grammar/message.ts';
import { type NameAddr, nameAddr, parseNameAddr, serializeNameAddr, withParam } from '../grammar/name-addr.ts';
import { splitList } from '../grammar/params.ts';
import { isSipUri, serializeUri, type Uri } from '../grammar/uri.ts';
import type { Via } from '../grammar/via.ts';
import { type RouteSet, recordedRoutes, routing } from './route-set.ts';

export interface Dialog {
  readonly version: 1;
  readonly role: 'uac' | 'uas';
  readonly state: 'early' | 'confirmed';
  readonly callId: string;
  readonly localTag: string;
  /** Undefined for an RFC 2543 peer, which has no tag (12.1.1, 12.1.2). */
  readonly remoteTag: string | undefined;
  /** Name-addr without parameters, as text: RFC 2543 peers compare the display name too. */
  readonly localUri: string;
  readonly remoteUri: string;
  /** URI of the peer's Contact. */
  readonly remoteTarget: string;
  /** URI of our Contact. */
  readonly localTarget: string;
  /** Route values, first hop first. */
  readonly routeSet: RouteSet;
  /** CSeq number of our last request; undefined before the first one of a UAS. */
  readonly localSequence: number | undefined;
  readonly remoteSequence: number | undefined;
  /** 12.1.1: made by a request to a SIPS URI over TLS. */
  readonly secure: boolean;
}

const NO_BODY = Buffer.alloc(0);

/** How to answer a request that cannot be served. */
export interface Refusal {
  readonly status: number;
  readonly reason: string;
}

/** The Contact of a message where there is exactly one readable SIP URI; the commas and `*` of REGISTER are not for dialogs. */
function contactUri(headers: HeaderList): string | undefined {
  const values = headers.getAll('contact').flatMap((line) => splitList(line));
  const parsed = values.length === 1 ? parseNameAddr(values[0]!) : undefined;
  return parsed?.ok && isSipUri(parsed.value.uri) ? ownText(serializeUri(parsed.value.uri)) : undefined;
}

const withoutParams = (value: NameAddr): string => ownText(serializeNameAddr(nameAddr(value.uri, value.displayName)));

/** A dialog lasts longer than the message that its tag stands in. */
const tagOf = (value: NameAddr): string | undefined => {
  const tag = value.params.get('tag');
  return tag === undefined ? undefined : ownText(tag);
};

/**
 * 12.1.2: the dialog that a 101-299 response to our INVITE (or other dialog-making request) makes. Never fails, since a 2xx must be
 * acknowledged whatever it looks like: without a usable Contact the Request-URI is the target, an unreadable Record-Route is left out.
 */
export function dialogFromResponse(request: Request, response: Response): Dialog {
  const routes = recordedRoutes(response.headers);
  const localTag = request.from.params.get('tag');
  assert(localTag !== undefined, 'our requests have a From tag');
  return {
    version: 1,
    role: 'uac',
    state: response.status < 200 ? 'early' : 'confirmed',
    callId: request.callId,
    localTag,
    remoteTag: tagOf(response.to),
    localUri: withoutParams(request.from),
    remoteUri: withoutParams(request.to),
    remoteTarget: contactUri(response.headers) ?? serializeUri(request.uri),
    localTarget: contactUri(request.headers) ?? serializeUri(request.from.uri),
    routeSet: routes.ok ? routes.value.toReversed() : [],
    localSequence: request.cseq.sequence,
    remoteSequence: undefined,
    secure: request.uri.scheme === 'sips',
  };
}

/**
 * 12.1.1: the dialog that a request makes when we answer it with `localTag`. 400 for an unusable Contact or Record-Route (8.1.1.8).
 * `isSecureFlow`: it came over TLS or WSS.
 */
export function dialogFromRequest(
  request: Request,
  localTag: string,
  localContact: Uri,
  isSecureFlow = false,
): Result<Dialog, Refusal> {
  const routes = recordedRoutes(request.headers);
  if (!routes.ok) return err({ status: 400, reason: routes.error });
  const remoteTarget = contactUri(request.headers);
  if (remoteTarget === undefined) {
    return err({ status: 400, reason: request.headers.has('contact') ? 'Bad Contact' : 'Missing Contact' });
  }
  return ok({
    version: 1,
    role: 'uas',
    state: 'early',
    callId: ownText(request.callId),
    localTag,
    remoteTag: tagOf(request.from),
    localUri: withoutParams(request.to),
    remoteUri: withoutParams(request.from),
    remoteTarget,
    localTarget: ownText(serializeUri(localContact)),
    routeSet: routes.value,
    localSequence: undefined,
    remoteSequence: request.cseq.sequence,
    secure: isSecureFlow && request.uri.scheme === 'sips',
  });
}

/** UAS: our 2xx was sent. */
export const withConfirmed = (dialog: Dialog): Dialog => ({ ...dialog, state: 'confirmed' });

/** UAC, 13.2.2.4: the 2xx of an early dialog confirms it; route set and remote target are taken anew from the 2xx. */
export function withFinalResponse(dialog: Dialog, response: Response): Dialog {
  const routes = recordedRoutes(response.headers);
  const routeSet = routes.ok ? routes.value.toReversed() : dialog.routeSet;
  return { ...withRemoteTarget(dialog, response), state: 'confirmed', routeSet };
}

/** 12.2.1.2, 12.2.2: a target refresh (re-INVITE, UPDATE and their 2xx) replaces the remote target by its Contact, if it has one. */
export function withRemoteTarget(dialog: Dialog, message: Message): Dialog {
  const remoteTarget = contactUri(message.headers);
  return remoteTarget === undefined ? dialog : { ...dialog, remoteTarget };
}

/** Our own Contact changed (another address, another flow): the next target refresh tells the peer. */
export const withLocalTarget = (dialog: Dialog, contact: Uri): Dialog => ({
  ...dialog,
  localTarget: serializeUri(contact),
});

/** 12.2.2: a CSeq lower than the last one is out of order, 500. ACK and CANCEL have the number of their INVITE and count not. */
export function withRemoteSequence(dialog: Dialog, request: Request): Result<Dialog, Refusal> {
  if (request.method === 'ACK' || request.method === 'CANCEL') return ok(dialog);
  const { sequence } = request.cseq;
  if (dialog.remoteSequence !== undefined && sequence < dialog.remoteSequence) {
    return err({ status: 500, reason: 'CSeq Out Of Order' });
  }
  return ok({ ...dialog, remoteSequence: sequence });
}

export interface RequestOptions {
  /** With a fresh branch. */
  readonly via: Via;
  /** Further fields; a Contact among them replaces our local target. */
  readonly headers?: readonly HeaderField[];
  readonly body?: Buffer;
}

// RFC 3261 12.2, RFC 3311, RFC 6665, RFC 3515: these carry our Contact and refresh the peer's idea of our target.
const TARGET_REFRESH: ReadonlySet<string> = new Set(['INVITE', 'UPDATE', 'SUBSCRIBE', 'NOTIFY', 'REFER']);

/** 12.2.1.1: the next request of the dialog, and the dialog with its new local sequence number. Not for ACK and CANCEL. */
export function nextRequest(
  dialog: Dialog,
  method: string,
  options: RequestOptions,
): { readonly dialog: Dialog; readonly request: Request } {
  assert(method !== 'ACK' && method !== 'CANCEL', 'ACK and CANCEL do not take a number of their own');
  const localSequence = (dialog.localSequence ?? 0) + 1;
  const headers = options.headers ?? [];
  const hasContact = headers.some((field) => field.name.toLowerCase() === 'contact');
  const contact =
    TARGET_REFRESH.has(method) && !hasContact ? [{ name: 'Contact', value: `<${dialog.localTarget}>` }] : [];
  return {
    dialog: { ...dialog, localSequence },
    request: requestIn(dialog, method, localSequence, { ...options, headers: [...contact, ...headers] }),
  };
}

/** 13.2.2.4: the ACK of a 2xx: CSeq number and credentials (22.1) of the INVITE, routed like any request of the dialog. */
export function ackFor2xx(dialog: Dialog, invite: Request, options: RequestOptions): Request {
  const credentials = [...invite.headers].filter((field) => /^(proxy-)?authorization$/i.test(field.name));
  const headers = [...credentials, ...(options.headers ?? [])];
  return requestIn(dialog, 'ACK', invite.cseq.sequence, { ...options, headers });
}

/**
 * Of an INVITE of ours that was accepted, what further 2xx need: dialogFromResponse and ackFor2xx work on it as on the whole one, which
 * costs several times as much. `also`: another field to be kept, in lower case.
 */
export function acceptedInvite(invite: Request, also: string): Request {
  const kept = [...invite.headers].filter(
    ({ name }) => /^((proxy-)?authorization|contact)$/i.test(name) || name.toLowerCase() === also,
  );
  return { ...invite, headers: new HeaderList(kept), body: NO_BODY };
}

function requestIn(dialog: Dialog, method: string, sequence: number, options: RequestOptions): Request {
  const { requestUri, routes } = routing(dialog.routeSet, dialog.remoteTarget);
  return createRequest({
    method,
    uri: requestUri,
    via: options.via,
    from: withTag(dialog.localUri, dialog.localTag),
    to: withTag(dialog.remoteUri, dialog.remoteTag),
    callId: dialog.callId,
    cseq: { sequence, method },
    headers: [...routes.map((value) => ({ name: 'Route', value })), ...(options.headers ?? [])],
    ...(options.body ? { body: options.body } : {}),
  });
}

function withTag(text: string, tag: string | undefined): NameAddr {
  const parsed = parseNameAddr(text);
  assert(parsed.ok, 'a stored name-addr');
  return tag === undefined ? parsed.value : withParam(parsed.value, 'tag', tag);
}

/** Where the next request of the dialog goes, for RFC 3263: the first route, else the remote target. */
export const nextHop = (dialog: Dialog): Uri => routing(dialog.routeSet, dialog.remoteTarget).nextHop;

// A tag is a token, so a blank separates; Call-IDs have none either.
const idOf = (callId: string, localTag: string | undefined, remoteTag: string | undefined): string =>
  `${callId} ${localTag ?? ''} ${remoteTag ?? ''}`;

/** Map key of a dialog: Call-ID and both tags (RFC 3261 12). */
export const dialogId = (dialog: Dialog): string => idOf(dialog.callId, dialog.localTag, dialog.remoteTag);

/** The key of the dialog that a received message belongs to: local is To of a request, From of a response to us (12.2.2). */
export function dialogIdOf(message: Message): string {
  const from = message.from.params.get('tag');
  const to = message.to.params.get('tag');
  return message.kind === 'request' ? idOf(message.callId, to, from) : idOf(message.callId, from, to);
}

/** True when a received message belongs to the dialog. A peer without a tag matches a missing tag only. */
export const matches = (dialog: Dialog, message: Message): boolean => dialogId(dialog) === dialogIdOf(message);
