// Where an in-dialog request goes. The flow that the dialog lives on is right nearly always: it passes NAT, and a connection that
// is open needs no dialling (design.md 5.3). The exception is an UDP peer that shows that it listens elsewhere. Pure.
//
//   next hop (first Route, else Contact)      UDP peer asked for rport   otherwise
//   ─────────────────────────────────────     ────────────────────────   ─────────────────────────
//   host name                                 flow                       flow
//   address and port of the flow              flow                       flow
//   flow's address, another port              flow                       next hop
//   private address, flow's is public (NAT)   flow                       flow
//   another address                           flow                       next hop (RFC 3261 12.2.1.1)

import ipaddr from 'ipaddr.js';
import { remembered } from '../../base/remembered.ts';
import { isSipUri, type Uri } from '../grammar/uri.ts';
import type { Destination } from '../transport/transport.ts';

export interface HopFlow {
  readonly transport: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** RFC 6890: what kind of address it is; empty: a host name. Each in-dialog request asks for the same few. */
const rangeOf = remembered(1_024, (text) => (ipaddr.isValid(text) ? ipaddr.process(text).range() : ''));

/** No address of a private network, of this machine or of many (RFC 6890). */
export const isPublic = (address: string): boolean => rangeOf(address) === 'unicast';

/** The destination that beats the dialog's flow, or undefined: stay on the flow. */
export function hopBesideFlow(nextHop: Uri, flow: HopFlow, isPeerSymmetric: boolean): Destination | undefined {
  if (flow.transport !== 'udp' || isPeerSymmetric || !isSipUri(nextHop)) return undefined;
  const range = rangeOf(nextHop.host);
  if (range === '' || range === 'unspecified') return undefined;
  const transport = nextHop.params.get('transport')?.toLowerCase() ?? (nextHop.scheme === 'sips' ? 'tls' : 'udp');
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  const port = nextHop.port ?? (transport === 'tls' ? 5061 : 5060);
  if (transport === 'udp' && nextHop.host === flow.remoteAddress && port === flow.remotePort) return undefined;
  if (!isPublic(nextHop.host) && isPublic(flow.remoteAddress)) return undefined;
  return { transport, address: nextHop.host, port, serverName: nextHop.host };
}
