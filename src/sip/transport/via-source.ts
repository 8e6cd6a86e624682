// What the receiving side writes into the top Via of a request, so that the answer finds its way back.
//
//   Via: SIP/2.0/UDP pbx.lan:5060;branch=…;rport          from 203.0.113.9:41000 becomes
//   Via: SIP/2.0/UDP pbx.lan:5060;branch=…;received=203.0.113.9;rport=41000

import { withTopVia } from '../grammar/build.ts';
import { comparableHost } from '../grammar/host.ts';
import type { Request } from '../grammar/message.ts';
import type { Via } from '../grammar/via.ts';

/** RFC 3261 18.2.1 and RFC 3581 4: `received` where sent-by is not the source or rport is asked for; rport filled in. */
export function withSource(request: Request, address: string, port: number): Request {
  const via = viaWithSource(request.via, address, port);
  return via === request.via ? request : withTopVia(request, via);
}

/** The same for a Via alone. */
export function viaWithSource(via: Via, address: string, port: number): Via {
  if (via.rport !== undefined) return { ...via, received: address, rport: port };
  // A `received` that the peer wrote itself is never believed.
  if (comparableHost(via.host) !== comparableHost(address)) return { ...via, received: address };
  return via.received === undefined ? via : { ...via, received: undefined };
}
