// A SIP peer on a UDP socket that sends exactly what a test says: for what a proper phone does not do (late offers, odd codes), and to read
// the responses whole. Its domain lets it in by address; it knows no digest.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { newBranch, newCallId, newTag } from '../../src/base/ids.ts';
import { createRequest } from '../../src/sip/grammar/build.ts';
import type { HeaderField, Message, Request, Response } from '../../src/sip/grammar/message.ts';
import { type NameAddr, nameAddr, withParam } from '../../src/sip/grammar/name-addr.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../src/sip/grammar/serialize.ts';
import { isSipUri, makeSipUri, parseUri, type SipUri } from '../../src/sip/grammar/uri.ts';
import type { Via } from '../../src/sip/grammar/via.ts';
import { until } from './until.ts';
import { DEADLINE_MS } from './world.ts';

/** Settings of a world whose domain lets in everybody on this machine. */
export const openWorld = {
  settings: { ipAccessControlLists: [{ name: 'local', addresses: ['127.0.0.0/8'] }] },
  domain: { credentialLists: [], ipAccessControlLists: ['local'] },
};

export interface RequestOptions {
  readonly sdp?: string;
  readonly headers?: readonly HeaderField[];
  readonly contentType?: string;
  readonly body?: string;
  /** Request-URI; the dialled one, or the remote target of the dialog, by default. */
  readonly uri?: SipUri;
  /** Of the ACK and CANCEL: that of the INVITE. */
  readonly sequence?: number;
  readonly branch?: string;
}

export class RawPhone {
  readonly received: Message[] = [];
  readonly callId = newCallId();
  readonly #socket: Socket;
  readonly #gatewayPort: number;
  /** Undefined for a peer of RFC 2543, which has neither tags nor branches. */
  readonly #fromTag: string | undefined;
  #target: SipUri;
  #toTag: string | undefined;
  #sequence = 0;

  private constructor(socket: Socket, gatewayPort: number, user: string, isOld: boolean) {
    this.#socket = socket;
    this.#fromTag = isOld ? undefined : newTag();
    this.#gatewayPort = gatewayPort;
    this.#target = makeSipUri({ user, host: '127.0.0.1', port: gatewayPort });
    socket.on('message', (bytes) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) return;
      this.received.push(parsed.value);
      this.#acknowledgeFailure(parsed.value);
    });
  }

  /** A peer that will call `user` at the gateway. `isOld`: by RFC 2543. */
  static async open(gatewayPort: number, user = '1000', isOld = false): Promise<RawPhone> {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new RawPhone(socket, gatewayPort, user, isOld);
  }

  close(): void {
    this.#socket.close();
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(method: string, options: RequestOptions = {}): Request {
    const sequence = options.sequence ?? ++this.#sequence;
    const from = nameAddr(makeSipUri({ user: 'raw', host: '127.0.0.1' }));
    const to = nameAddr(makeSipUri({ user: '1000', host: '127.0.0.1' }));
    const body = options.sdp ?? options.body;
    const contentType = options.sdp === undefined ? options.contentType : 'application/sdp';
    const request = createRequest({
      method,
      uri: options.uri ?? this.#target,
      via: this.#via(options.branch ?? newBranch()),
      from: this.#tagged(from),
      to: this.#toTag === undefined ? to : withParam(to, 'tag', this.#toTag),
      callId: this.callId,
      cseq: { sequence, method },
      headers: [
        { name: 'Max-Forwards', value: '70' },
        { name: 'Contact', value: `<sip:raw@127.0.0.1:${this.port}>` },
        ...(options.headers ?? []),
        ...(contentType === undefined ? [] : [{ name: 'Content-Type', value: contentType }]),
      ],
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
    this.#socket.send(serializeMessage(request), this.#gatewayPort, '127.0.0.1');
    return request;
  }

  #tagged(party: NameAddr): NameAddr {
    return this.#fromTag === undefined ? party : withParam(party, 'tag', this.#fromTag);
  }

  #via(newest: string): Via {
    const { port } = this;
    const branch = this.#fromTag === undefined ? undefined : newest;
    return { transport: 'udp', host: '127.0.0.1', port, branch, received: undefined, rport: null, params: new Map() };
  }

  /** RFC 3261 17.1.1.3: the ACK of a failure belongs to the INVITE's transaction. */
  #acknowledgeFailure(message: Message): void {
    if (message.kind !== 'response' || message.status < 300 || message.cseq.method !== 'INVITE') return;
    const toTag = this.#toTag;
    this.#toTag = message.to.params.get('tag');
    const { branch } = message.via;
    this.send('ACK', { sequence: message.cseq.sequence, ...(branch === undefined ? {} : { branch }) });
    this.#toTag = toTag;
  }

  /** The final response to the last request of this method. */
  final(method: string): Promise<Response> {
    return this.#response(
      (response) => response.cseq.method === method && response.status >= 200,
      `final of ${method}`,
    );
  }

  /** The final response to the request of this method with this CSeq number. */
  finalOf(method: string, sequence: number): Promise<Response> {
    const find = () =>
      this.received.findLast(
        (message): message is Response =>
          message.kind === 'response' &&
          message.cseq.method === method &&
          message.cseq.sequence === sequence &&
          message.status >= 200,
      );
    return until(find, DEADLINE_MS, () => `final of ${method}; got ${this.received.map(nameOf).join(', ')}`);
  }

  /** What follows is sent as if no dialog stood; `returnToDialog` takes what this gives. */
  leaveDialog(): { readonly toTag: string | undefined; readonly target: SipUri } {
    const left = { toTag: this.#toTag, target: this.#target };
    this.#toTag = undefined;
    this.#target = makeSipUri({ user: '1000', host: '127.0.0.1', port: this.#gatewayPort });
    return left;
  }

  returnToDialog({ toTag, target }: ReturnType<RawPhone['leaveDialog']>): void {
    this.#toTag = toTag;
    this.#target = target;
  }

  provisional(status: number): Promise<Response> {
    return this.#response((response) => response.status === status, `a ${status}`);
  }

  #response(fits: (response: Response) => boolean, what: string): Promise<Response> {
    const find = () =>
      this.received.findLast(
        (message): message is Response =>
          message.kind === 'response' && message.cseq.sequence === this.#sequence && fits(message),
      );
    return until(find, DEADLINE_MS, () => `${what}; got ${this.received.map(nameOf).join(', ')}`);
  }

  /** A request of the gateway. */
  request(method: string): Promise<Request> {
    const find = () =>
      this.received.find((message): message is Request => message.kind === 'request' && message.method === method);
    return until(find, DEADLINE_MS, () => `a ${method}; got ${this.received.map(nameOf).join(', ')}`);
  }

  /** Takes over the dialog of a 2xx and acknowledges it. */
  acknowledge(invite: Request, response: Response, sdp?: string): void {
    this.#toTag = response.to.params.get('tag');
    const contact = /<([^>]+)>/.exec(response.headers.get('contact') ?? '')?.[1] ?? '';
    const uri = parseUri(contact);
    if (uri.ok && isSipUri(uri.value)) this.#target = uri.value;
    this.send('ACK', { sequence: invite.cseq.sequence, ...(sdp === undefined ? {} : { sdp }) });
  }

  /** BYE of the callee: in the dialog of an INVITE that `accept` took. */
  hangUp(invite: Request, headers: readonly HeaderField[]): void {
    const contact = /<([^>]+)>/.exec(invite.headers.get('contact') ?? '')?.[1] ?? '';
    const target = parseUri(contact);
    if (!target.ok || !isSipUri(target.value)) throw new Error(`no SIP URI in Contact: ${contact}`);
    const bye = createRequest({
      method: 'BYE',
      uri: target.value,
      via: this.#via(newBranch()),
      from: this.#tagged(invite.to),
      to: invite.from,
      callId: invite.callId,
      cseq: { sequence: 1, method: 'BYE' },
      headers: [{ name: 'Max-Forwards', value: '70' }, ...headers],
    });
    this.#socket.send(serializeMessage(bye), this.#gatewayPort, '127.0.0.1');
  }

  /** Answers a request of the gateway with 200: empty, or with `sdp` and what an answer to an INVITE needs. */
  accept(request: Request, sdp?: string): void {
    const copied = ['via', 'from', 'to', 'call-id', 'cseq'].flatMap((name) =>
      [...request.headers].filter((field) => field.name.toLowerCase() === name),
    );
    const lines = copied.map(({ name, value }) => `${name}: ${value}`);
    if (sdp !== undefined) {
      const to = lines.findIndex((line) => /^to:/i.test(line));
      if (this.#fromTag !== undefined) lines[to] += `;tag=${this.#fromTag}`;
      lines.push(`Contact: <sip:raw@127.0.0.1:${this.port}>`, 'Content-Type: application/sdp');
    }
    const body = sdp ?? '';
    const text = `SIP/2.0 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
    this.#socket.send(text, this.#gatewayPort, '127.0.0.1');
  }
}

const nameOf = (message: Message): string =>
  message.kind === 'request' ? message.method : `${message.status} ${message.cseq.method}`;

/** A plain G.711 description. */
export const plainSdp = (port: number, direction = 'sendrecv'): string =>
  [
    'v=0',
    'o=raw 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0 101`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    '',
  ].join('\r\n');
