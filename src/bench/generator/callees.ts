// The called side: rings, answers, sends back audio of its own, answers BYE. The number of the call stands in the Request-URI, so that
// both sides of a call are known to belong together.

import { realClock } from '../../base/clock.ts';
import { type Kind, rtpOf } from './kinds.ts';
import type { Place } from './protocol.ts';
import type { Repeats } from './repeats.ts';
import type { Rtp } from './rtp.ts';
import { audioPort, audioSdp, bodyOf, CRLF, field, methodOf, response, statusOf } from './sip-text.ts';
import type { Stream } from './stream.ts';
import { udpWire, type Wire } from './wire.ts';

/** How long a call is remembered after its BYE, for requests that come again. */
const LINGER_MS = 5_000;

/** What a callee asks of the rest. */
export interface CalleeHost {
  /** The kind of a call that is on; undefined = no such call. */
  kindOf(index: number): { readonly kind: Kind; readonly withMedia: boolean } | undefined;
  /** A callee's stream is there (or gone). */
  onStream(index: number, stream: Stream | undefined): void;
}

interface CalledLeg {
  readonly index: number;
  /** The last answer to INVITE, for an INVITE that comes again. */
  readonly answer: string;
  readonly from: Place;
  stream: Stream | undefined;
  isAcknowledged: boolean;
}

export class Callees {
  readonly #legs = new Map<string, CalledLeg>();
  readonly #ended: { readonly callId: string; readonly at: number }[] = [];
  readonly #host: CalleeHost;
  readonly #rtp: Rtp;
  readonly #repeats: Repeats;
  #wire: Wire | undefined;

  constructor(host: CalleeHost, rtp: Rtp, repeats: Repeats) {
    this.#host = host;
    this.#rtp = rtp;
    this.#repeats = repeats;
  }

  async open(port: number): Promise<void> {
    this.#wire = await udpWire(port, (text, from) => this.#take(text, from));
  }

  get count(): number {
    return this.#legs.size;
  }

  #send(text: string, to: Place): void {
    this.#wire?.send(text, to);
  }

  #take(text: string, from: Place): void {
    if (statusOf(text) !== 0) return;
    const method = methodOf(text);
    const callId = field(text, 'Call-ID');
    const leg = this.#legs.get(callId);
    if (method === 'INVITE') {
      if (leg) this.#send(leg.answer, from);
      else this.#onInvite(text, callId, from);
    } else if (method === 'ACK') {
      if (leg) leg.isAcknowledged = true;
    } else {
      if (method === 'BYE' || method === 'CANCEL') this.#end(callId, leg);
      this.#send(response(text, '200 OK', tagOf(callId), ''), from);
    }
  }

  #onInvite(text: string, callId: string, from: Place): void {
    const index = Number.parseInt(text.slice(text.indexOf('-') + 1, text.indexOf('@')), 10);
    const call = this.#host.kindOf(index);
    const callee = call?.kind.callee;
    if (!call || !callee) {
      this.#send(response(text, '404 Not Found', tagOf(callId), ''), from);
      return;
    }
    const socket = this.#rtp.nextSocket(rtpOf(call.kind));
    const contact = `Contact: <sip:b-${index}@127.0.0.1:${this.#wire?.port}>${CRLF}`;
    const sdp = audioSdp('127.0.0.1', socket.port, callee.codec === 'PCMU' ? 0 : 8, undefined);
    const type = `Content-Type: application/sdp${CRLF}`;
    this.#send(response(text, '100 Trying', '', ''), from);
    this.#send(response(text, '180 Ringing', tagOf(callId), contact), from);
    const answer = response(text, '200 OK', tagOf(callId), contact + type, sdp);
    const leg: CalledLeg = { index, answer, from, stream: undefined, isAcknowledged: false };
    this.#legs.set(callId, leg);
    this.#send(answer, from);
    // RFC 3261 13.3.1.4: the 200 is sent again until its ACK comes.
    this.#repeats.add(
      {
        longestMs: 4_000,
        repeat: () => {
          if (leg.isAcknowledged || !this.#legs.has(callId)) return false;
          this.#send(answer, from);
          return true;
        },
        giveUp: () => this.#end(callId, leg),
      },
      realClock.now(),
    );
    const remotePort = audioPort(bodyOf(text));
    if (!call.withMedia || remotePort === 0) return;
    const remote = { host: '127.0.0.1', port: remotePort };
    leg.stream = this.#rtp.add({ socket, remote, codec: callee.codec, voice: callee.voice });
    this.#host.onStream(index, leg.stream);
  }

  #end(callId: string, leg: CalledLeg | undefined): void {
    if (!leg) return;
    leg.isAcknowledged = true;
    if (leg.stream) {
      this.#rtp.remove(leg.stream);
      this.#host.onStream(leg.index, undefined);
      leg.stream = undefined;
    }
    this.#ended.push({ callId, at: realClock.now() });
  }

  /** Forgets what ended a while ago. */
  tick(now: number): void {
    let gone = 0;
    while (gone < this.#ended.length && this.#ended[gone]!.at + LINGER_MS < now) {
      this.#legs.delete(this.#ended[gone++]!.callId);
    }
    if (gone > 0) this.#ended.splice(0, gone);
  }

  close(): void {
    this.#wire?.close();
  }
}

const tagOf = (callId: string): string => `b${callId.slice(0, 20)}`;
