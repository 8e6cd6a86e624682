// A call as webhook parameters (twiml.md 3.1, 3.2; sip-interface.md 1.3).

import type { Domain } from '../base/records.ts';
import type { Request } from '../sip/grammar/message.ts';
import type { Call } from './call.ts';
import { webhookHeaders } from './relay-headers.ts';

/** Standard parameters as of now, then those of the leg. */
export function callParams(call: Call): Map<string, string> {
  const { accountSid, direction, from, to, parentCallSid, sipParams } = call.options;
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
  for (const [name, value] of sipParams) params.set(name, value);
  return params;
}

/** The SIP parameters of an inbound INVITE. Headers of one name are joined with commas (RFC 3261 7.3.1). */
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
  if (domain.byocTrunkSid !== null) return params;
  for (const [name, value] of webhookHeaders(request)) {
    const key = `SipHeader_${name}`;
    const before = params.get(key);
    params.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return params;
}
