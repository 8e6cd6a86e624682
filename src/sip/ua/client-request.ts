// Requests of ours outside any dialog: REGISTER with a carrier, OPTIONS to see whether one answers (RFC 3261 8.1, 10.2, 11.1). One
// target after the other where the name has several, digest rounds, and one outcome.

import { newBranch } from '../../base/ids.ts';
import { createRequest } from '../grammar/build.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import { makeSipUri, type SipUri } from '../grammar/uri.ts';
import type { Flow } from '../transport/transport.ts';
import type { AuthClient } from './auth-client.ts';
import type { UaContext } from './context.ts';
import { contactField, viaFor } from './header-fields.ts';
import { type Hop, hopsFor } from './outgoing.ts';

export interface OutsideRequest {
  readonly method: string;
  /** Request-URI, and where it goes. */
  readonly target: SipUri;
  readonly from: SipUri | undefined;
  readonly to: SipUri | undefined;
  readonly localTag: string;
  readonly callId: string;
  /** The number of the next request, counted up by each one that is sent. */
  readonly sequence: { next: number };
  /** User part of our Contact; undefined = none is sent. */
  readonly contactUser: string | undefined;
  readonly contactParams?: string;
  readonly headers: readonly HeaderField[];
  readonly auth: AuthClient;
}

export interface OutsideReply {
  /** 408 without an answer, 503 where it could not be sent. */
  readonly status: number;
  readonly response: Response | undefined;
  readonly flow: Flow | undefined;
  /** Every address that the target's name stands for. */
  readonly addresses: readonly string[];
}

/** Challenges answered for one request: a wrong password is not tried again, a stale nonce once. */
const DIGEST_ROUNDS = 3;

export async function sendOutside(
  context: UaContext,
  options: OutsideRequest,
  signal: AbortSignal,
): Promise<OutsideReply> {
  const hops = await hopsFor(context, { kind: 'uri', uri: options.target });
  if (!hops.ok) return { status: 503, response: undefined, flow: undefined, addresses: [] };
  const addresses = hops.value.map(addressOf);
  let last: OutsideReply = { status: 503, response: undefined, flow: undefined, addresses };
  for (const hop of hops.value) {
    if (signal.aborted) break;
    const opened = await hop.open(signal);
    if (!opened.ok) continue;
    last = { ...(await sendOn(context, opened.value, hop, options)), flow: opened.value, addresses };
    // RFC 3263 4.3: silence and 503 say that another place may be better.
    if (last.status !== 408 && last.status !== 503) return last;
  }
  return last;
}

type Answer = Pick<OutsideReply, 'status' | 'response'>;

async function sendOn(context: UaContext, flow: Flow, hop: Hop, options: OutsideRequest): Promise<Answer> {
  for (let round = 1; ; round++) {
    const answer = await transact(context, flow, build(context, flow, hop, options));
    const isChallenge = answer.status === 401 || answer.status === 407;
    if (!isChallenge || !answer.response || round === DIGEST_ROUNDS) return answer;
    if (!options.auth.challenged(answer.response)) return answer;
  }
}

function build(context: UaContext, flow: Flow, hop: Hop, options: OutsideRequest): Request {
  const { method, contactUser, auth } = options;
  const own = makeSipUri({ host: flow.advertisedHost, port: flow.advertisedPort });
  const contact = contactUser === undefined ? [] : [withParams(contactField(flow, contactUser), options.contactParams)];
  return createRequest({
    method,
    uri: hop.requestUri,
    via: viaFor(flow, newBranch(context.random)),
    from: { displayName: undefined, uri: options.from ?? own, params: new Map([['tag', options.localTag]]) },
    to: { displayName: undefined, uri: options.to ?? hop.requestUri, params: new Map() },
    callId: options.callId,
    cseq: { sequence: options.sequence.next++, method },
    headers: [
      { name: 'Max-Forwards', value: '70' },
      ...contact,
      ...auth.headersFor(method, hop.requestUri),
      { name: 'User-Agent', value: context.settings.serverHeader },
      ...options.headers,
    ],
  });
}

const withParams = ({ name, value }: HeaderField, params = ''): HeaderField => ({ name, value: value + params });

function transact(context: UaContext, flow: Flow, request: Request): Promise<Answer> {
  return new Promise((resolve) => {
    context.watch(flow);
    context.transactions.request(request, flow, {
      onResponse(response) {
        if (response.status >= 200) resolve({ status: response.status, response });
      },
      onTimeout: () => resolve({ status: 408, response: undefined }),
      onTransportError: () => resolve({ status: 503, response: undefined }),
    });
  });
}

/** `udp:192.0.2.1:5060` → `192.0.2.1`. */
const addressOf = ({ name }: Hop): string => name.slice(name.indexOf(':') + 1, name.lastIndexOf(':'));
