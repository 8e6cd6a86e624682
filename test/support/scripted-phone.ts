// A scripted SIP peer on the simulated network: it keeps what it received and sends exactly what a test says, without transactions
// or dialogs of its own, so that it can also do what no proper phone does.

import { newBranch, newCallId, newTag, type RandomSource } from '../../src/base/ids.ts';
import { createRequest, createResponse, type ResponseParts } from '../../src/sip/grammar/build.ts';
import type { HeaderField, Message, Request, Response } from '../../src/sip/grammar/message.ts';
import { nameAddr, withParam } from '../../src/sip/grammar/name-addr.ts';
import { makeSipUri, parseUri, type SipUri } from '../../src/sip/grammar/uri.ts';
import type { Endpoint } from './network.ts';
import { viaOf } from './requests.ts';

export interface PhoneCall {
  readonly to: string;
  readonly user: string;
  readonly host: string;
  readonly callId: string;
  readonly fromTag: string;
  sequence: number;
  toTag: string | undefined;
  remoteTarget: SipUri | undefined;
}

export class ScriptedPhone {
  readonly endpoint: Endpoint;
  readonly received: Message[] = [];
  readonly #random: RandomSource;
  /** Answers a request at once, in place of the test. Returns true when it did. */
  react: (message: Message) => boolean = () => false;
  isReliable = false;

  constructor(endpoint: Endpoint, random: RandomSource) {
    this.endpoint = endpoint;
    this.#random = random;
    endpoint.onMessage((message) => {
      this.received.push(message);
      this.react(message);
    });
  }

  get address(): string {
    return this.endpoint.address;
  }

  send(message: Message, to: string): void {
    void this.endpoint.send(message, this.endpoint.flowTo(to, this.isReliable));
  }

  // ---------------------------------------------------------------- what came

  requests(method: string): Request[] {
    return this.received.filter(
      (message): message is Request => message.kind === 'request' && message.method === method,
    );
  }
  request(method: string): Request {
    const found = this.requests(method).at(-1);
    if (!found) throw new Error(`${this.endpoint.name} received no ${method}; it received ${this.summary()}`);
    return found;
  }
  responses(status: number, method?: string): Response[] {
    return this.received.filter(
      (message): message is Response =>
        message.kind === 'response' &&
        message.status === status &&
        (method ?? message.cseq.method) === message.cseq.method,
    );
  }
  response(status: number, method?: string): Response {
    const found = this.responses(status, method).at(-1);
    if (!found) throw new Error(`${this.endpoint.name} received no ${status}; it received ${this.summary()}`);
    return found;
  }
  summary(): string {
    return this.received
      .map((message) => (message.kind === 'request' ? message.method : `${message.status} (${message.cseq.method})`))
      .join(', ');
  }

  // ---------------------------------------------------------------- as a server

  /** Answers a request; `tag` is this phone's To tag. */
  answer(
    request: Request,
    status: number,
    parts: { tag?: string; sdp?: string; headers?: readonly HeaderField[]; contact?: string } = {},
    to = this.#senderOf(request),
  ): Response {
    const isDialog = request.method === 'INVITE' && status > 100 && status < 300;
    const headers: HeaderField[] = [...(parts.headers ?? [])];
    if (isDialog)
      headers.push({ name: 'Contact', value: parts.contact ?? `<sip:${this.endpoint.name}@${this.address}>` });
    if (parts.sdp !== undefined) headers.push({ name: 'Content-Type', value: 'application/sdp' });
    const responseParts: ResponseParts = {
      toTag: parts.tag ?? this.endpoint.name,
      headers,
      ...(parts.sdp === undefined ? {} : { body: Buffer.from(parts.sdp) }),
    };
    const response = createResponse(request, status, responseParts);
    this.send(response, to);
    return response;
  }

  #peers = new Map<string, string>();
  /** Tells the phone the name behind an address. */
  knows(address: string, name: string): void {
    this.#peers.set(address, name);
  }
  #senderOf(request: Request): string {
    const name = this.#peers.get(request.via.host);
    if (name === undefined) throw new Error(`${this.endpoint.name} does not know ${request.via.host}`);
    return name;
  }

  // ---------------------------------------------------------------- as a client

  call(to: string, user: string, host: string): PhoneCall {
    this.sequence += 100;
    return {
      to,
      user,
      host,
      callId: newCallId(this.#random),
      fromTag: newTag(this.#random),
      sequence: this.sequence,
      toTag: undefined,
      remoteTarget: undefined,
    };
  }
  sequence = 0;

  /** A request of a call, with the next CSeq number unless `parts.sequence` says otherwise. */
  build(
    call: PhoneCall,
    method: string,
    parts: { sdp?: string; headers?: readonly HeaderField[]; sequence?: number; branch?: string } = {},
  ): Request {
    const sequence = parts.sequence ?? (method === 'ACK' || method === 'CANCEL' ? call.sequence : ++call.sequence);
    const domain = makeSipUri({ user: call.user, host: call.host });
    const to = nameAddr(domain);
    const headers: HeaderField[] = [
      { name: 'Contact', value: `<sip:${this.endpoint.name}@${this.address}>` },
      ...(parts.headers ?? []),
    ];
    if (parts.sdp !== undefined) headers.push({ name: 'Content-Type', value: 'application/sdp' });
    return createRequest({
      method,
      uri: call.remoteTarget ?? domain,
      via: {
        ...viaOf(this.address, parts.branch ?? newBranch(this.#random), this.isReliable ? 'tcp' : 'udp'),
        rport: null,
      },
      from: withParam(nameAddr(makeSipUri({ user: this.endpoint.name, host: call.host })), 'tag', call.fromTag),
      to: call.toTag === undefined ? to : withParam(to, 'tag', call.toTag),
      callId: call.callId,
      cseq: { sequence, method },
      headers,
      ...(parts.sdp === undefined ? {} : { body: Buffer.from(parts.sdp) }),
    });
  }

  /** Builds and sends. */
  do(call: PhoneCall, method: string, parts: Parameters<ScriptedPhone['build']>[2] = {}): Request {
    const request = this.build(call, method, parts);
    this.send(request, call.to);
    return request;
  }

  /** Takes tag and Contact of a response for later requests of the call. */
  follow(call: PhoneCall, response: Response): void {
    call.toTag = response.to.params.get('tag');
    const contact = /<([^>]+)>/.exec(response.headers.get('contact') ?? '')?.[1];
    const uri = contact === undefined ? undefined : parseUri(contact);
    if (uri?.ok) call.remoteTarget = uri.value as SipUri;
  }
}
