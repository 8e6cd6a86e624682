// A call as webhook parameters (twiml.md 3.1, 3.2; sip-interface.md 1.3).

import { ownText } from '../base/own-text.ts';
import type { Domain } from '../base/records.ts';
import { nameAddrsOf } from '../sip/grammar/fields.ts';
import type { Request } from '../sip/grammar/message.ts';
import { isSipUri, parseUri } from '../sip/grammar/uri.ts';
import type { Call } from './call.ts';
import type { HeaderPair } from './leg-driver.ts';
import { webhookHeaders } from './relay-headers.ts';
import { shownUri } from './shown-uri.ts';
import { stirParams } from './stir.ts';

/** Standard parameters as of now, then those of the leg. */
export function callParams(call: Call): Map<string, string> {
  const { accountSid, direction, from, to, parentCallSid, sipParams, applicationSid } = call.options;
  const params = new Map<string, string>([
    ['CallSid', call.sid],
    ['AccountSid', accountSid],
    ['ApiVersion', '2010-04-01'],
    ['CallStatus', call.status],
    ['Direction', direction],
    ['From', from],
    ['To', to],
    ['Caller', from],
    ['Called', to],
  ]);
  if (parentCallSid !== null) params.set('ParentCallSid', parentCallSid);
  if (applicationSid !== undefined) params.set('ApplicationSid', applicationSid);
  if (call.answeredBy !== undefined) params.set('AnsweredBy', call.answeredBy);
  for (const [name, value] of sipParams) params.set(name, value);
  return params;
}

/** What a document request sends. A leg that we called adds how it was reached and the X-headers of its answer (sip-interface.md 2.5). */
export function documentParams(call: Call): Map<string, string> {
  const params = callParams(call);
  if (call.options.direction === 'inbound') return params;
  const { signallingId, remoteAddress } = call.leg;
  const { domain, to } = call.options;
  if (signallingId === undefined) return params;
  params.set('SipCallId', signallingId);
  if (remoteAddress !== undefined) params.set('SipSourceIp', remoteAddress);
  const dialled = parseUri(to);
  if (dialled.ok && isSipUri(dialled.value)) {
    params.set('SipDomain', dialled.value.host);
    if (domain?.domainName === dialled.value.host) params.set('SipDomainSid', domain.sid);
  }
  addSipHeaders(params, call.lastHeaders);
  return params;
}

/** Headers of one name are joined with commas (RFC 3261 7.3.1). */
function addSipHeaders(params: Map<string, string>, headers: readonly HeaderPair[]): void {
  for (const [name, value] of headers) {
    const key = `SipHeader_${name}`;
    const before = params.get(key);
    params.set(key, before === undefined ? value : `${before}, ${value}`);
  }
}

/** The SIP parameters of an inbound INVITE. */
export function inboundSipParams(
  request: Request,
  domain: Domain,
  sourceAddress: string,
  username: string | undefined,
): Map<string, string> {
  const params = new Map<string, string>([
    ['SipDomain', domain.domainName],
    ['SipDomainSid', domain.sid],
    ['SipCallId', request.callId],
    ['SipSourceIp', sourceAddress],
  ]);
  if (username !== undefined) params.set('SipUsername', username);
  const forwardedFrom = divertedFrom(request);
  if (forwardedFrom !== undefined) params.set('ForwardedFrom', forwardedFrom);
  if (domain.byocTrunkSid !== null) for (const [name, value] of stirParams(request)) params.set(name, value);
  else addSipHeaders(params, webhookHeaders(request));
  // They last as long as the call: no value may keep the whole INVITE that it was cut from.
  for (const [name, value] of params) params.set(name, ownText(value));
  return params;
}

/** Who forwarded the call: the last diversion stands first (RFC 5806 4). Its number or user where it has one, else the URI. */
function divertedFrom(request: Request): string | undefined {
  const read = nameAddrsOf(request, 'Diversion');
  const last = read.ok ? read.value[0] : undefined;
  if (!last) return undefined;
  const user = isSipUri(last.uri) ? last.uri.user : /^tel:([^;]+)/i.exec(shownUri(last.uri))?.[1];
  return user ?? shownUri(last.uri);
}
