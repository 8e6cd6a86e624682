// Recording sessions for tests: none (no connector is configured), and a recording server on real sockets that takes one.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { silentLog } from '../../src/base/log.ts';
import { createResponse } from '../../src/sip/grammar/build.ts';
import type { HeaderField, Request, Response } from '../../src/sip/grammar/message.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../src/sip/grammar/serialize.ts';
import { Siprec } from '../../src/siprec/siprec.ts';
import type { SiprecControlServices } from '../../src/twiml/call-siprec.ts';
import { until } from './until.ts';
import { VirtualClock } from './virtual-clock.ts';

const unused = (): never => {
  throw new Error('nothing of this is used without a connector');
};

export const noSiprec: SiprecControlServices = {
  siprec: new Siprec({
    connectors: () => [],
    peerOf: () => undefined,
    userAgent: { invite: unused },
    engine: {
      open: unused,
      close: unused,
      configure: unused,
      expectSilence: unused,
      fork: unused,
      closeFork: unused,
    },
    router: { own: unused, forget: unused },
    callBack: unused,
    clock: new VirtualClock(),
    random: (size) => Buffer.alloc(size),
    log: silentLog,
  }),
  streams: { claimTracks: () => true, releaseTracks() {} },
};

const DEADLINE_MS = 8_000;

/** The parts of a multipart body, by media type. */
export function partsOf(request: Request): ReadonlyMap<string, string> {
  const type = request.headers.get('content-type') ?? '';
  const boundary = /boundary="?([^";]+)/i.exec(type)?.[1];
  const text = request.body.toString('utf8');
  if (boundary === undefined) return new Map([[type.split(';')[0]!.trim().toLowerCase(), text]]);
  const parts = new Map<string, string>();
  for (const piece of `\r\n${text}`.split(`\r\n--${boundary}`).slice(1)) {
    if (piece.startsWith('--')) break;
    const [head = '', ...body] = piece.split('\r\n\r\n');
    const kind = /^content-type\s*:\s*([^;\r\n]+)/im.exec(head)?.[1]?.trim().toLowerCase() ?? '';
    parts.set(kind, body.join('\r\n\r\n'));
  }
  return parts;
}

export const SDP = 'application/sdp';
export const METADATA = 'application/rs-metadata+xml';

/** What the server says to one INVITE. */
export interface RecorderAnswer {
  readonly status: number;
  readonly headers?: readonly HeaderField[];
  /** Default: takes every section. */
  readonly sdp?: (offer: string, ports: readonly number[]) => string;
}

/** Takes every section of an offer, on a port of its own. */
export function takeAll(offer: string, ports: readonly number[]): string {
  let section = 0;
  const media = offer.split('\r\n').flatMap((line) => {
    if (!line.startsWith('m=')) return [];
    const [, , protocol, type] = line.slice(2).split(' ');
    const port = ports[section] ?? 0;
    const label = /a=label:(\S+)/.exec(offer.split('\r\nm=')[section + 1] ?? '')?.[1];
    section++;
    return [`m=audio ${port} ${protocol} ${type}`, 'a=recvonly', ...(label === undefined ? [] : [`a=label:${label}`])];
  });
  return ['v=0', 'o=srs 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...media, ''].join('\r\n');
}

/** A recording server (SRS) on UDP, with two RTP sockets; keeps all that it was sent. */
export class RawRecorder {
  readonly requests: Request[] = [];
  readonly responses: Response[] = [];
  /** RTP packets by socket: the first takes the first section. */
  readonly rtp: readonly Buffer[][] = [[], []];
  /** Consulted for each INVITE, with its number from 1. Undefined: no answer at all. */
  onInvite: (nth: number, request: Request) => RecorderAnswer | undefined = () => ({ status: 200 });
  /** Status of its answers to other requests. */
  statusOf: (request: Request) => number = () => 200;
  readonly #socket: Socket;
  readonly #media: readonly Socket[];
  #peer: { port: number; address: string } | undefined;
  #dialog: { invite: Request; sequence: number } | undefined;

  private constructor(socket: Socket, media: readonly Socket[]) {
    this.#socket = socket;
    this.#media = media;
    for (const [index, one] of media.entries()) one.on('message', (packet) => this.rtp[index]!.push(packet));
    socket.on('message', (bytes, source) => {
      const parsed = parseMessage(bytes);
      if (!parsed.ok) return;
      this.#peer = source;
      if (parsed.value.kind === 'response') return void this.responses.push(parsed.value);
      this.#receive(parsed.value);
    });
  }

  static async open(): Promise<RawRecorder> {
    const sockets = [0, 1, 2].map(() => createSocket('udp4').bind(0, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'listening')));
    return new RawRecorder(sockets[0]!, sockets.slice(1));
  }

  get uri(): string {
    return `sip:srs@127.0.0.1:${this.#socket.address().port}`;
  }
  get ports(): readonly number[] {
    return this.#media.map((socket) => socket.address().port);
  }

  close(): void {
    for (const socket of [this.#socket, ...this.#media]) socket.close();
  }

  #receive(request: Request): void {
    // Repetitions are answered like the first.
    const isNew = !this.requests.some(
      ({ via, method }) => via.branch === request.via.branch && method === request.method && method !== 'ACK',
    );
    if (isNew) this.requests.push(request);
    if (request.method === 'ACK') return;
    const response =
      request.method === 'INVITE' ? this.#answer(request) : this.#respond(request, this.statusOf(request));
    if (response) this.#send(response);
  }

  #answer(request: Request): Response | undefined {
    const invites = this.requests.filter(({ method }) => method === 'INVITE');
    const answer = this.onInvite(invites.length, request);
    if (!answer) return undefined;
    const { status, headers = [], sdp = takeAll } = answer;
    if (status >= 300) return this.#respond(request, status, headers);
    this.#dialog = { invite: request, sequence: 1 };
    const body = sdp(partsOf(request).get(SDP) ?? '', this.ports);
    return this.#respond(request, status, [...headers, { name: 'Content-Type', value: SDP }], body);
  }

  #respond(request: Request, status: number, headers: readonly HeaderField[] = [], body?: string): Response {
    return createResponse(request, status, {
      toTag: 'srs',
      headers: [{ name: 'Contact', value: `<${this.uri}>` }, ...headers],
      ...(body === undefined ? {} : { body: Buffer.from(body) }),
    });
  }

  #send(message: Parameters<typeof serializeMessage>[0]): void {
    const { port, address } = this.#peer!;
    this.#socket.send(serializeMessage(message), port, address);
  }

  /** A request of the server in the dialog; resolves with the final response. */
  async request(method: string, contentType?: string, body = ''): Promise<Response> {
    const { invite } = this.#dialog!;
    const sequence = this.#dialog!.sequence++;
    const contact = /<([^>]+)>/.exec(invite.headers.get('contact') ?? '')![1]!;
    const from = invite.headers.get('from')!;
    const text = [
      `${method} ${contact} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${this.#socket.address().port};branch=z9hG4bKsrs${method}${sequence}`,
      'Max-Forwards: 70',
      `From: ${invite.headers.get('to')};tag=srs`,
      `To: ${from}`,
      `Call-ID: ${invite.callId}`,
      `CSeq: ${sequence} ${method}`,
      `Contact: <${this.uri}>`,
      ...(contentType === undefined ? [] : [`Content-Type: ${contentType}`, 'Content-Disposition: recording-session']),
      `Content-Length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n');
    this.#socket.send(text, this.#peer!.port, this.#peer!.address);
    const response = await until(
      () =>
        this.responses.find(
          ({ status, cseq }) => status >= 200 && cseq.sequence === sequence && cseq.method === method,
        ),
      DEADLINE_MS,
      () => `answer to ${method}; got ${this.responses.map(({ status }) => status).join(' ')}`,
    );
    if (method === 'INVITE' && response.status < 300) {
      const ack = text
        .replace(/^INVITE/, 'ACK')
        .replace(`CSeq: ${sequence} INVITE`, `CSeq: ${sequence} ACK`)
        .replace(`${method}${sequence}\r\n`, `ACK${sequence}\r\n`)
        .replace(/To: .*/, `To: ${response.headers.get('to')}`);
      this.#socket.send(ack, this.#peer!.port, this.#peer!.address);
    }
    return response;
  }

  /** The `nth` request of a method (from 1), once it is there. */
  received(method: string, nth = 1): Promise<Request> {
    return until(
      () => this.requests.filter((request) => request.method === method)[nth - 1],
      DEADLINE_MS,
      () => `${method} ${nth}; got ${this.requests.map((request) => request.method).join(' ')}`,
    );
  }
}
