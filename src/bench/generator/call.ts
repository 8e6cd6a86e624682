// One call of the generator, seen from the caller: INVITE, ACK, media, BYE. Over UDP requests are sent again until they are answered
// (RFC 3261 17.1.1, 17.1.2); an answer that comes again is acknowledged again.
//
//   caller ──INVITE──▶ gateway     calling ──200──▶ talking ──hold──▶ leaving ──200──▶ over
//          ◀──200────               └─ refused, timeout ─────────────────────────────▶ over
//          ──ACK──▶

import { randomBytes } from 'node:crypto';
import { realClock, type Timer } from '../../base/clock.ts';
import { SRTP_MASTER_BYTES } from '../../media/srtp.ts';
import { type Kind, rtpOf } from './kinds.ts';
import type { KindName, Place } from './protocol.ts';
import { LONGEST_NON_INVITE_MS, type Repeats } from './repeats.ts';
import type { Rtp, RtpSocket } from './rtp.ts';
import {
  audioPort,
  audioSdp,
  bodyOf,
  CRLF,
  cseqMethod,
  field,
  methodOf,
  response,
  routeLines,
  statusOf,
  uriIn,
} from './sip-text.ts';
import { FRAME_MS, type Stream } from './stream.ts';
import type { Wire } from './wire.ts';

const DIGIT = 5;
const DIGIT_PACKETS = 9;

export type CallState = 'calling' | 'talking' | 'leaving' | 'over';
/** How a call ended: as it should, refused for load, or why not. */
export type Verdict = 'completed' | 'refused' | { readonly failed: string };

export interface CallServices {
  readonly wire: Wire;
  readonly target: Place;
  readonly domain: string;
  readonly repeats: Repeats;
  readonly rtp: Rtp;
  onAnswered(call: Call): void;
  onOver(call: Call, verdict: Verdict, retryAfterSeconds: number | undefined): void;
}

export class Call {
  readonly index: number;
  readonly kindName: KindName;
  readonly kind: Kind;
  readonly withMedia: boolean;
  readonly callId: string;
  state: CallState = 'calling';
  stream: Stream | undefined;
  begunAt = 0;
  answeredAt = 0;
  digitAt = 0;
  readonly #services: CallServices;
  readonly #socket: RtpSocket;
  readonly #key: Buffer | undefined;
  readonly #invite: string;
  readonly #tag: string;
  #timers: Timer[] = [];
  #provisional = false;
  #ack = '';
  #bye = '';

  constructor(
    index: number,
    runId: string,
    kindName: KindName,
    kind: Kind,
    withMedia: boolean,
    services: CallServices,
  ) {
    this.index = index;
    this.kindName = kindName;
    this.kind = kind;
    this.#services = services;
    this.withMedia = withMedia;
    this.#socket = services.rtp.nextSocket(rtpOf(kind));
    this.callId = `${index}-${runId}`;
    this.#tag = `c${this.callId}`;
    this.#key = kind.isSecure ? randomBytes(SRTP_MASTER_BYTES) : undefined;
    const sdp = audioSdp('127.0.0.1', this.#socket.port, 0, this.#key?.toString('base64'));
    const contact = `Contact: <sip:load@127.0.0.1:${services.wire.port}${this.#isTls ? ';transport=tls' : ''}>${CRLF}`;
    this.#invite =
      this.#request('INVITE', this.#uri, 1, `<${this.#uri}>`, contact) +
      `Content-Type: application/sdp${CRLF}Content-Length: ${sdp.length}${CRLF}${CRLF}${sdp}`;
  }

  get #isTls(): boolean {
    return this.#services.wire.transport === 'TLS';
  }

  get #uri(): string {
    return `sip:${this.kindName}-${this.index}@${this.#services.domain}`;
  }

  /** Start line and fields up to the body's own. */
  #request(method: string, uri: string, sequence: number, to: string, extra: string): string {
    const { wire, domain } = this.#services;
    return [
      `${method} ${uri} SIP/2.0${CRLF}`,
      `Via: SIP/2.0/${wire.transport} 127.0.0.1:${wire.port};branch=z9hG4bK${method[0]}${this.callId}${CRLF}`,
      `Max-Forwards: 70${CRLF}From: <sip:load@${domain}>;tag=${this.#tag}${CRLF}To: ${to}${CRLF}`,
      `Call-ID: ${this.callId}${CRLF}CSeq: ${sequence} ${method}${CRLF}${extra}`,
    ].join('');
  }

  #send(text: string): void {
    this.#services.wire.send(text, this.#services.target);
  }

  start(now: number): void {
    this.begunAt = now;
    this.#send(this.#invite);
    if (this.#services.wire.isReliable) return;
    this.#services.repeats.add(
      {
        repeat: () => {
          if (this.state !== 'calling' || this.#provisional) return false;
          this.#send(this.#invite);
          return true;
        },
        giveUp: () => this.state === 'calling' && this.#end({ failed: 'no answer' }),
      },
      now,
    );
  }

  /** Nobody waits for the answer any longer. */
  abandon(why: string): void {
    if (this.state !== 'over') this.#end({ failed: why });
  }

  take(text: string): void {
    const status = statusOf(text);
    if (status === 0) this.#onRequest(text);
    else if (cseqMethod(text) === 'INVITE') this.#onInviteResponse(text, status);
    else if (cseqMethod(text) === 'BYE' && this.state === 'leaving' && status >= 200) this.#end('completed');
  }

  #onInviteResponse(text: string, status: number): void {
    if (status < 200) {
      this.#provisional = true;
      return;
    }
    if (status >= 300) this.#onRefusal(text, status);
    else if (this.state === 'calling') this.#onAnswer(text);
    else if (this.#ack !== '') this.#send(this.#ack);
  }

  // RFC 3261 17.1.1.3: the ACK of a refusal goes to where the INVITE went, in its transaction.
  #onRefusal(text: string, status: number): void {
    const to = field(text, 'To');
    const ack = this.#request('ACK', this.#uri, 1, to, '').replace('branch=z9hG4bKA', 'branch=z9hG4bKI');
    this.#send(`${ack}Content-Length: 0${CRLF}${CRLF}`);
    if (this.state !== 'calling') return;
    const retryAfter = Number.parseInt(field(text, 'Retry-After'), 10);
    const verdict = status === 503 ? ('refused' as const) : { failed: String(status) };
    this.#end(verdict, Number.isNaN(retryAfter) ? undefined : retryAfter);
  }

  #onAnswer(text: string): void {
    this.state = 'talking';
    this.answeredAt = realClock.now();
    const to = field(text, 'To');
    const target = uriIn(field(text, 'Contact')) || this.#uri;
    const routes = routeLines(text);
    const none = `Content-Length: 0${CRLF}${CRLF}`;
    this.#ack = this.#request('ACK', target, 1, to, routes) + none;
    this.#bye = this.#request('BYE', target, 2, to, routes) + none;
    this.#send(this.#ack);
    if (this.withMedia) this.#startMedia(bodyOf(text));
    this.#services.onAnswered(this);
  }

  #startMedia(sdp: string): void {
    const port = audioPort(sdp);
    if (port === 0) return;
    const theirs = /^a=crypto:\d+ \S+ inline:([^|\s]+)/m.exec(sdp)?.[1];
    if (this.#key && !theirs) return this.#end({ failed: 'no key' });
    this.stream = this.#services.rtp.add({
      socket: this.#socket,
      remote: { host: '127.0.0.1', port },
      codec: 'PCMU',
      voice: this.kind.callerVoice(this.index),
      isPlayedTo: this.kind.isPlayedTo === true,
      keys: this.#key && theirs !== undefined ? { ours: this.#key, theirs: Buffer.from(theirs, 'base64') } : undefined,
    });
    if (this.kind.digitMs !== undefined) this.#dialDigit(this.kind.digitMs);
  }

  #dialDigit(waitMs: number): void {
    for (let packet = 0; packet < DIGIT_PACKETS; packet++) {
      this.#after(waitMs + packet * FRAME_MS, () => {
        if (packet === 0) this.digitAt = realClock.now();
        this.stream?.sendDigit(DIGIT, packet);
      });
    }
  }

  #after(delayMs: number, what: () => void): void {
    this.#timers.push(realClock.after(delayMs, () => this.state === 'talking' && what()));
  }

  /** Hangs up. `inMs` from now. */
  leave(inMs = 0): void {
    if (inMs > 0) {
      this.#after(inMs, () => this.leave());
      return;
    }
    if (this.state !== 'talking') return;
    this.state = 'leaving';
    this.#stopMedia();
    this.#send(this.#bye);
    if (this.#services.wire.isReliable) return;
    this.#services.repeats.add(
      {
        longestMs: LONGEST_NON_INVITE_MS,
        repeat: () => {
          if (this.state !== 'leaving') return false;
          this.#send(this.#bye);
          return true;
        },
        giveUp: () => this.state === 'leaving' && this.#end({ failed: 'BYE without answer' }),
      },
      realClock.now(),
    );
  }

  #onRequest(text: string): void {
    const method = methodOf(text);
    if (method === 'ACK') return;
    const isKnown = method === 'BYE' || method === 'OPTIONS' || method === 'INFO';
    this.#send(response(text, isKnown ? '200 OK' : '488 Not Acceptable Here', this.#tag, ''));
    if (method !== 'BYE' || this.state === 'over') return;
    // Of an IVR call the gateway hangs up; of others it should not.
    const isWanted = this.kind.digitMs !== undefined || this.state === 'leaving';
    this.#end(isWanted ? 'completed' : { failed: 'hung up by the gateway' });
  }

  #stopMedia(): void {
    if (this.stream) this.#services.rtp.remove(this.stream);
  }

  #end(verdict: Verdict, retryAfterSeconds?: number): void {
    if (this.state === 'over') return;
    this.state = 'over';
    for (const timer of this.#timers) timer.cancel();
    this.#timers = [];
    this.#stopMedia();
    this.#services.onOver(this, verdict, retryAfterSeconds);
  }
}
