// Where an outgoing INVITE goes, and the INVITE itself (RFC 3261 8.1.1, RFC 3263). The course of the call is in uac-invite.ts.

import { newBranch } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Binding } from '../../base/records.ts';
import { err, ok, type Result } from '../../base/result.ts';
import { createRequest } from '../grammar/build.ts';
import type { HeaderField, Request } from '../grammar/message.ts';
import { type NameAddr, nameAddr } from '../grammar/name-addr.ts';
import { makeSipUri, type SipUri, serializeUri, withoutUriHeaders, withUriParam } from '../grammar/uri.ts';
import type { Destination, Flow } from '../transport/transport.ts';
import { contactUri, isDialable } from './bindings.ts';
import { allowField, type UaContext } from './context.ts';
import { contactField, sdpHeader, sdpParts, viaFor } from './header-fields.ts';
import { mixedBody } from './multipart.ts';
import { isPublic } from './next-hop.ts';
import type { InviteTarget, OutgoingInviteOptions } from './ua.ts';

/** One place to try. */
export interface Hop {
  readonly requestUri: SipUri;
  readonly routes: readonly string[];
  /** A registered phone: it listens where it sends from, whatever its Contact says. */
  readonly isSymmetric: boolean;
  /** Its certificate is verified, where the setting says so. */
  readonly verifies: boolean;
  /** Address, for the log. */
  readonly name: string;
  open(signal: AbortSignal): Promise<Result<Flow, { readonly detail: string }>>;
}

/** sip-interface.md 0: `sips:` is not carried end to end, it means TLS on our hop. */
export const withoutSips = (uri: SipUri): SipUri =>
  uri.scheme === 'sips' ? withUriParam({ ...uri, scheme: 'sip' }, 'transport', 'tls') : uri;

/** The places to try, best first. An error when the name leads nowhere. */
export async function hopsFor(context: UaContext, target: InviteTarget): Promise<Result<Hop[], { detail: string }>> {
  if (target.kind === 'binding') {
    const hop = bindingHop(context, target.binding);
    return hop ? ok([hop]) : err({ detail: `binding ${target.binding.contact} cannot be reached` });
  }
  const requestUri = withoutUriHeaders(withoutSips(target.uri));
  const verifies = target.tlsVerify !== false;
  const next = target.nextHop ? withoutSips(target.nextHop) : requestUri;
  const resolved = await context.resolveTargets(next);
  if (!resolved.ok) return resolved;
  if (resolved.value.length === 0) return err({ detail: `no address for ${next.host}` });
  const allowed = target.publicOnly ? resolved.value.filter(({ address }) => isPublic(address)) : resolved.value;
  if (allowed.length === 0) return err({ detail: `${next.host} leads to a private address` });
  return ok(
    allowed.slice(0, limits.dialTargets).map((destination) => ({
      requestUri,
      routes: [],
      isSymmetric: false,
      name: nameOf(destination),
      verifies,
      open: (signal) => context.transport.connect(verifies ? destination : { ...destination, verify: false }, signal),
    })),
  );
}

const nameOf = ({ transport, address, port }: Destination): string => `${transport}:${address}:${port}`;

function bindingHop(context: UaContext, binding: Binding): Hop | undefined {
  const contact = contactUri(binding);
  if (!contact) return undefined;
  const { transport } = binding;
  const source = { transport, address: binding.sourceAddress, port: binding.sourcePort, serverName: contact.host };
  const dialled = { ...source, address: contact.host, port: contact.port ?? (transport === 'tls' ? 5061 : 5060) };
  return {
    requestUri: withoutUriHeaders(contact),
    routes: binding.path,
    isSymmetric: true,
    verifies: true,
    name: nameOf(source),
    async open(signal) {
      const flow = context.registry.flowOf(binding);
      if (flow) return ok(flow);
      // The socket of a UDP binding may be another one since a restart; a lost connection is dialled where that can work.
      if (transport === 'udp') return context.transport.connect(source, signal);
      if (isDialable(binding)) return context.transport.connect(dialled, signal);
      return err({ detail: 'the connection of the registration is gone' });
    },
  };
}

export interface InviteParts {
  readonly flow: Flow;
  readonly hop: Hop;
  readonly options: OutgoingInviteOptions;
  readonly sdp: string | undefined;
  readonly callId: string;
  readonly localTag: string;
  readonly sequence: number;
  readonly contactUser: string;
  readonly authorization: readonly HeaderField[];
  readonly sessionTimer: readonly HeaderField[];
}

/** RFC 3261 8.1.1, 13.2.1. */
export function buildInvite(context: UaContext, parts: InviteParts): Request {
  const { flow, hop, options } = parts;
  const from: NameAddr = {
    displayName: options.from.displayName,
    uri: makeSipUri({ user: options.from.user, host: options.from.host ?? flow.advertisedHost }),
    params: new Map([['tag', parts.localTag]]),
  };
  const to = nameAddr(options.to ?? hop.requestUri);
  const { headers, body } = inviteBody(context, parts);
  return createRequest({
    method: 'INVITE',
    uri: hop.requestUri,
    via: viaFor(flow, newBranch(context.random)),
    from,
    to,
    callId: parts.callId,
    cseq: { sequence: parts.sequence, method: 'INVITE' },
    headers: [
      ...hop.routes.map((value) => ({ name: 'Route', value })),
      { name: 'Max-Forwards', value: String(options.maxForwards) },
      contactField(flow, parts.contactUser, options.isRecording ? '+sip.src' : undefined),
      ...parts.authorization,
      allowField,
      ...parts.sessionTimer,
      { name: 'User-Agent', value: context.settings.serverHeader },
      ...options.headers,
      ...headers,
    ],
    ...(body ? { body } : {}),
  });
}

/** The session description alone, or with a part beside it. */
function inviteBody(context: UaContext, { sdp, options }: InviteParts): ReturnType<typeof sdpParts> {
  const { bodyPart } = options;
  if (!bodyPart) return sdpParts(sdp);
  const description = sdp === undefined ? [] : [{ headers: [sdpHeader], body: Buffer.from(sdp, 'utf8') }];
  return mixedBody([...description, bodyPart], context.random(16).toString('hex'));
}

/** For log lines: the target without headers or passwords. */
export const describeTarget = (target: InviteTarget): string =>
  target.kind === 'binding'
    ? target.binding.aor
    : serializeUri({ ...withoutUriHeaders(target.uri), password: undefined });
