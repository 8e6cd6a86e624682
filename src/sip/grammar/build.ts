// Building messages and changing them. Each function returns a new message whose typed fields and header list agree.
// Values handed in must be safe (isSafeHeaderValue); one that is not is a fault of ours and throws.

import { strict as assert } from 'node:assert';
import type { Result } from '../../base/result.ts';
import { isSafeHeaderValue, isToken, type SyntaxProblem } from './chars.ts';
import { parseCSeq, serializeCSeq } from './cseq.ts';
import {
  type CSeq,
  canonicalName,
  type HeaderField,
  HeaderList,
  type Message,
  type Request,
  type Response,
} from './message.ts';
import { type NameAddr, parseNameAddr, serializeNameAddr, withParam } from './name-addr.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { assertHeaderField } from './serialize.ts';
import type { Uri } from './uri.ts';
import { firstViaEnd, scanVia, serializeVia, type Via } from './via.ts';

export { reasonPhrase } from './reason-phrases.ts';

const NO_BODY = Buffer.alloc(0);

export interface RequestParts {
  readonly method: string;
  readonly uri: Uri;
  readonly via: Via;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: CSeq;
  /** Further fields, in order. A Max-Forwards among them replaces the default of 70. */
  readonly headers?: readonly HeaderField[];
  readonly body?: Buffer;
}

/** Keys of the fields that each request begins with. */
const MANDATORY = ['Via', 'Max-Forwards', 'From', 'To', 'Call-ID', 'CSeq'].map(canonicalName);

/** RFC 3261 8.1.1: a request with its mandatory headers, in the order Via, Max-Forwards, From, To, Call-ID, CSeq, the rest. */
export function createRequest(parts: RequestParts): Request {
  assert(isToken(parts.method) && parts.cseq.method === parts.method, 'method of a request');
  const fields: HeaderField[] = [
    { name: 'Via', value: serializeVia(parts.via) },
    { name: 'Max-Forwards', value: '70' },
    { name: 'From', value: serializeNameAddr(parts.from) },
    { name: 'To', value: serializeNameAddr(parts.to) },
    { name: 'Call-ID', value: parts.callId },
    { name: 'CSeq', value: serializeCSeq(parts.cseq) },
  ];
  const keys = MANDATORY.slice();
  for (const field of parts.headers ?? []) {
    const key = canonicalName(field.name);
    if (key === 'max-forwards') {
      fields[1] = { name: 'Max-Forwards', value: field.value };
      continue;
    }
    fields.push(field);
    keys.push(key);
  }
  for (const field of fields) assertHeaderField(field);
  const { method, uri, via, from, to, callId, cseq } = parts;
  const headers = new HeaderList(fields, keys);
  return { kind: 'request', method, uri, headers, body: parts.body ?? NO_BODY, via, from, to, callId, cseq };
}

export interface ResponseParts {
  /** Default: the registered phrase. */
  readonly reason?: string | undefined;
  /** Added to To unless the status is 100 or To has a tag already. */
  readonly toTag?: string | undefined;
  /** Further fields, behind the copied ones. */
  readonly headers?: readonly HeaderField[];
  readonly body?: Buffer | undefined;
  /** 12.1.1: responses that make a dialog copy Record-Route. */
  readonly recordRoute?: boolean | undefined;
}

/**
 * RFC 3261 8.2.6.2: a response to `request`: all Via values, From, To, Call-ID and CSeq as they came; Timestamp in a 100 (8.2.6.1).
 * Works on the partly understood request of a ParseFailure too.
 */
export function createResponse(request: Request, status: number, parts: ResponseParts = {}): Response {
  assert(Number.isInteger(status) && status >= 100 && status <= 699, 'status of a response');
  assert(parts.toTag === undefined || isToken(parts.toTag), 'tag');
  assert(parts.reason === undefined || isSafeHeaderValue(parts.reason), 'reason phrase');
  const needsTag = parts.toTag !== undefined && status !== 100 && !request.to.params.has('tag');
  const { headers } = request;
  const fields: HeaderField[] = [];
  const keys: string[] = [];
  copyFields(headers, 'Via', 'via', fields, keys);
  if (parts.recordRoute) copyFields(headers, 'Record-Route', 'record-route', fields, keys);
  const to = headers.get('to') ?? serializeNameAddr(request.to);
  fields.push(
    { name: 'From', value: headers.get('from') ?? serializeNameAddr(request.from) },
    { name: 'To', value: needsTag ? `${to};tag=${parts.toTag}` : to },
    { name: 'Call-ID', value: request.callId },
    { name: 'CSeq', value: headers.get('cseq') ?? serializeCSeq(request.cseq) },
  );
  keys.push('from', 'to', 'call-id', 'cseq');
  if (status === 100) copyFields(headers, 'Timestamp', 'timestamp', fields, keys);
  for (const field of parts.headers ?? []) {
    assertHeaderField(field);
    fields.push(field);
    keys.push(canonicalName(field.name));
  }
  return {
    kind: 'response',
    status,
    reason: parts.reason ?? reasonPhrase(status),
    headers: new HeaderList(fields, keys),
    body: parts.body ?? NO_BODY,
    via: request.via,
    from: request.from,
    to: needsTag ? withParam(request.to, 'tag', parts.toTag) : request.to,
    callId: request.callId,
    cseq: request.cseq,
  };
}

/** Fields of one name as they came, spelled as we do. No closures: each message has one of these. */
function copyFields(from: HeaderList, name: string, key: string, fields: HeaderField[], keys: string[]): void {
  for (let index = 0; index < from.length; index++) {
    if (from.keyAt(index) !== key) continue;
    const field = from.at(index)!;
    fields.push(field.name === name ? field : { name, value: field.value });
    keys.push(key);
  }
}

/** Replaces the topmost Via value (to add `received` and `rport`); further values on its line stay. */
export function withTopVia<M extends Message>(message: M, via: Via): M {
  const line = message.headers.get('via') ?? '';
  const rest = line.includes(',') ? line.slice(firstViaEnd(line)) : '';
  return { ...message, via, headers: message.headers.withFirst('Via', serializeVia(via) + rest) };
}

/** Removes the topmost Via value; undefined when there is no readable Via behind it (RFC 3261 16.7 3). */
export function withoutTopVia<M extends Message>(message: M): M | undefined {
  const line = message.headers.get('via') ?? '';
  const rest = line.slice(firstViaEnd(line) + 1).trimStart();
  const headers = rest === '' ? message.headers.withoutFirst('via') : message.headers.withFirst('via', rest);
  const next = scanVia(headers.get('via') ?? '', 0);
  return next.ok ? { ...message, via: next.value.via, headers } : undefined;
}

/** Puts a Via on top of the others. */
export function withPushedVia(request: Request, via: Via): Request {
  return { ...request, via, headers: request.headers.withAdded('Via', serializeVia(via), 'first') };
}

/** Sets a header to one field, in the place of the first old one or at the end; the typed views follow. */
export function withHeader<M extends Message>(message: M, name: string, value: string): M {
  assertHeaderField({ name, value });
  return { ...message, ...typedView(canonicalName(name), value), headers: message.headers.with(name, value) };
}

/** Adds a field behind the others. Not for the five typed headers, which come once. */
export function withAddedHeader<M extends Message>(message: M, name: string, value: string): M {
  assertHeaderField({ name, value });
  assert(!TYPED.has(canonicalName(name)), `${name} comes once`);
  return { ...message, headers: message.headers.withAdded(name, value) };
}

/** Removes all fields of that name. The five mandatory headers cannot be removed. */
export function withoutHeader<M extends Message>(message: M, name: string): M {
  assert(!TYPED.has(canonicalName(name)), `${name} is mandatory`);
  return { ...message, headers: message.headers.without(name) };
}

export const withUri = (request: Request, uri: Uri): Request => ({ ...request, uri });

/** Sets the body and its type; an empty body removes both. Content-Length is written by serializeMessage. */
export function withBody<M extends Message>(message: M, contentType: string, body: Buffer): M {
  if (body.length === 0) return { ...message, body: NO_BODY, headers: message.headers.without('content-type') };
  return { ...withHeader(message, 'Content-Type', contentType), body };
}

const TYPED: ReadonlySet<string> = new Set(['via', 'from', 'to', 'call-id', 'cseq']);

type TypedView = Partial<Pick<Message, 'via' | 'from' | 'to' | 'callId' | 'cseq'>>;

function typedView(key: string, value: string): TypedView {
  switch (key) {
    case 'via': {
      const { via } = mustParse(scanVia(value, 0));
      return { via };
    }
    case 'from':
      return { from: mustParse(parseNameAddr(value)) };
    case 'to':
      return { to: mustParse(parseNameAddr(value)) };
    case 'call-id':
      return { callId: value };
    case 'cseq':
      return { cseq: mustParse(parseCSeq(value)) };
    default:
      return {};
  }
}

function mustParse<T>(result: Result<T, SyntaxProblem>): T {
  assert(result.ok, 'value of a typed header');
  return result.value;
}
