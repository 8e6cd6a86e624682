// Small readers and writers of header fields that several files of this folder need. Pure.

import type { HeaderField, HeaderList, Message, Request } from '../grammar/message.ts';
import { type NameAddr, parseNameAddrList, serializeNameAddr } from '../grammar/name-addr.ts';
import { makeSipUri, type SipUri } from '../grammar/uri.ts';
import type { Via } from '../grammar/via.ts';
import type { Flow } from '../transport/transport.ts';

/** All values of a comma-separated token header, lower case. */
export function tokens(headers: HeaderList, name: string): string[] {
  return headers
    .getAll(name)
    .flatMap((value) => value.split(','))
    .map((token) => token.trim().toLowerCase())
    .filter((token) => token !== '');
}

export const sdpHeader: HeaderField = { name: 'Content-Type', value: 'application/sdp' };

/** UTF-8 in a buffer of its own: a small one from Node's pool keeps 8 kB as long as the call has the message that it is the body of. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Body and headers of a message that carries `sdp`, or nothing. */
export function sdpParts(sdp: string | undefined): {
  readonly headers: readonly HeaderField[];
  readonly body?: Buffer;
} {
  return sdp === undefined ? { headers: [] } : { headers: [sdpHeader], body: ownBytes(sdp) };
}

/** The first Contact; undefined where there is none or it cannot be read. */
export function contactOf(message: Message): NameAddr | undefined {
  const value = message.headers.get('contact');
  if (value === undefined) return undefined;
  const parsed = parseNameAddrList(value);
  return parsed.ok ? parsed.value[0] : undefined;
}

export const tagOf = (nameAddr: NameAddr): string | undefined => nameAddr.params.get('tag');

/** A Via of ours by which answers come back to `flow` (RFC 3261 18.1.1, RFC 3581). */
export function viaFor(flow: Flow, branch: string): Via {
  return {
    transport: flow.transport,
    host: flow.advertisedHost,
    port: flow.advertisedPort,
    branch,
    received: undefined,
    rport: null,
    params: new Map(),
  };
}

/** Our Contact towards the peer of `flow`: where in-dialog requests find this node. */
export function contactUriFor(flow: Flow, user: string): SipUri {
  return makeSipUri({
    user,
    host: flow.advertisedHost,
    port: flow.advertisedPort,
    params: { transport: flow.transport === 'wss' ? 'ws' : flow.transport },
  });
}

/** `feature`: a feature tag of ours (RFC 3840), such as `+sip.src`. */
export function contactField(flow: Flow, user: string, feature?: string): HeaderField {
  const uri = contactUriFor(flow, user);
  const value = serializeNameAddr({ displayName: undefined, uri, params: new Map() });
  return { name: 'Contact', value: feature === undefined ? value : `${value};${feature}` };
}

/** Max-Forwards of a request; 70 where it is absent or unreadable (RFC 3261 16.6 3). */
export function maxForwardsOf(request: Request): number {
  const text = request.headers.get('max-forwards')?.trim();
  return text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : 70;
}
