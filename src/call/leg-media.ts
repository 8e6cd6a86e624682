// The media of one leg: its endpoint and the state of its session description. Knows offers and answers, not SIP.
//
//   incoming: open → answer(offer) → sdp for 183 and 200           late offer: open → offer → accept(answer in ACK)
//   outgoing: open → offer → accept(answer in 18x), accept(answer in 200)
//   later:    answer(re-offer of the peer)  |  offer(direction) → accept(answer)

import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { EndpointId, MediaEngine, MediaEvent, SourceRule } from '../media/engine.ts';
import type {
  AudioCodec,
  LocalMedia,
  MediaDirection,
  MediaPlan,
  NegotiationFailure,
  SdpNegotiation,
  SecurityPolicy,
} from '../sdp/plan.ts';
import type { MediaRouter } from './media-router.ts';

export interface LegMediaServices {
  readonly engine: MediaEngine;
  readonly router: MediaRouter;
  readonly sdp: SdpNegotiation;
  readonly random: RandomSource;
  readonly log: Log;
  /** Told of each endpoint of a leg, for captures. */
  readonly onEndpoint?: (opened: OpenedEndpoint) => void;
}

export interface OpenedEndpoint {
  readonly endpoint: EndpointId;
  readonly callSid: string;
  /** As the session description says it. */
  readonly address: string;
  readonly rtpPort: number;
}

export interface LegMediaOptions {
  readonly callSid: string;
  readonly security: SecurityPolicy;
  /** Profile of our own offers. */
  readonly profile: 'avp' | 'savp';
  /** The domain's `nat` flag (design.md 6). */
  readonly nat: boolean;
  /** Digits are looked for in the peer's audio too (domain setting dtmf_inband). */
  readonly dtmfInband?: boolean;
  /** Preference order; default PCMU, PCMA. */
  readonly codecs?: readonly AudioCodec[];
}

/** Where the peer is, as its flow tells. */
export interface MediaPeer {
  readonly localAddress: string;
  readonly advertisedHost: string;
  readonly remoteAddress: string;
}

export interface MediaFailure {
  readonly status: number;
  readonly reason: string;
  readonly errorCode: number | undefined;
}

export class LegMedia {
  readonly #services: LegMediaServices;
  readonly #options: LegMediaOptions;
  #endpoint: EndpointId | undefined;
  #local: LocalMedia | undefined;
  #source: SourceRule = { signallingAddress: null, nat: false };
  #version = 0;
  #lastSent = '';
  /** What we had last sent when an answer was agreed on. */
  #agreed = '';
  #masterKey: Uint8Array | null = null;
  #closed = false;
  #plan: MediaPlan | undefined;

  constructor(services: LegMediaServices, options: LegMediaOptions) {
    this.#services = services;
    this.#options = options;
  }

  get endpoint(): EndpointId | undefined {
    return this.#closed ? undefined : this.#endpoint;
  }

  get plan(): MediaPlan | undefined {
    return this.#plan;
  }

  /** Opens the endpoint. 503 when no port is left (design.md: next port, then 503). */
  async open(
    peer: MediaPeer,
    listener: (event: MediaEvent) => void,
    near?: EndpointId,
  ): Promise<Result<void, MediaFailure>> {
    const opened = await this.#services.engine.open({
      localAddress: peer.localAddress,
      callSid: this.#options.callSid,
      ...(near === undefined ? {} : { near }),
    });
    if (!opened.ok) return err({ status: 503, reason: `No media port: ${opened.error.detail}`, errorCode: undefined });
    if (this.#closed) {
      this.#services.engine.close(opened.value.id);
      return err({ status: 487, reason: 'Request Terminated', errorCode: undefined });
    }
    this.#endpoint = opened.value.id;
    this.#services.router.own(opened.value.id, listener);
    if (this.#options.dtmfInband) this.#services.engine.detectInbandDigits(opened.value.id, true);
    this.#source = { signallingAddress: peer.remoteAddress, nat: this.#options.nat };
    this.#local = {
      address: peer.advertisedHost,
      port: opened.value.rtpPort,
      codecs: this.#options.codecs ?? ['PCMU', 'PCMA'],
      // RFC 4566 5.2: numeric session id, unique per leg.
      sessionId: String(this.#services.random(6).readUIntBE(0, 6)),
    };
    const { address, port: rtpPort } = this.#local;
    this.#services.onEndpoint?.({ endpoint: opened.value.id, callSid: this.#options.callSid, address, rtpPort });
    return ok(undefined);
  }

  /** Answers the peer's offer and applies it. `most` is the widest direction we agree to. */
  answer(offer: string, most: MediaDirection): Result<{ sdp: string; offered: MediaDirection }, MediaFailure> {
    const local = this.#local;
    if (!local || this.#closed) return err({ status: 488, reason: 'No media', errorCode: undefined });
    const key = () => this.#key();
    const answered = this.#services.sdp.answerOffer(offer, local, {
      security: this.#options.security,
      direction: most,
      // Drawn, and kept for the length of the leg, where the peer's offer has SRTP only.
      get masterKey() {
        return key();
      },
      version: this.#version + 1,
    });
    if (!answered.ok) return err(failureOf(answered.error));
    this.#version++;
    this.#lastSent = answered.value.sdp;
    this.#apply(answered.value.plan);
    return ok({ sdp: answered.value.sdp, offered: answered.value.offeredDirection });
  }

  /** Our offer. Its answer goes to `accept`. */
  offer(direction: MediaDirection): string | undefined {
    const local = this.#local;
    if (!local || this.#closed) return undefined;
    const profile = this.#plan ? (this.#plan.srtp ? 'savp' : 'avp') : this.#options.profile;
    this.#version++;
    this.#lastSent = this.#services.sdp.createOffer(
      local,
      // RFC 3264 8: a re-offer keeps the m-lines and payload types of what stands.
      {
        direction,
        profile,
        masterKey: profile === 'savp' ? this.#key() : null,
        ...(this.#plan ? { previous: this.#lastSent } : {}),
      },
      this.#version,
    );
    return this.#lastSent;
  }

  /** Applies the answer to our last offer; gives the direction the peer took, as seen from the peer. */
  accept(answer: string): Result<MediaDirection, MediaFailure> {
    const accepted = this.#services.sdp.acceptAnswer(this.#lastSent, answer, { masterKey: this.#masterKey });
    if (!accepted.ok) return err(failureOf(accepted.error));
    this.#apply(accepted.value);
    return ok(mirror(accepted.value.direction));
  }

  /** Our offer was refused: what was agreed before stays in force (RFC 3261 14.1). */
  withdraw(): void {
    this.#lastSent = this.#agreed;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#endpoint === undefined) return;
    this.#logStatistics(this.#endpoint);
    this.#services.router.forget(this.#endpoint);
    this.#services.engine.close(this.#endpoint);
  }

  /** The last word about the quality of the leg: one line for whoever has to explain a call without sound. */
  #logStatistics(endpoint: EndpointId): void {
    const statistics = this.#services.engine.statistics(endpoint);
    if (!statistics) return;
    const { packetsReceived, packetsSent, packetsLost, jitterMs, remotePacketsLost, drops } = statistics;
    this.#services.log.info(
      {
        callSid: this.#options.callSid,
        packetsReceived,
        packetsSent,
        packetsLost,
        jitterMs: Math.round(jitterMs * 10) / 10,
        remotePacketsLost,
        drops,
      },
      'media of a leg',
    );
  }

  #apply(plan: MediaPlan): void {
    if (this.#endpoint === undefined || this.#closed) return;
    this.#plan = plan;
    this.#agreed = this.#lastSent;
    this.#services.engine.configure(this.#endpoint, plan, this.#source);
    // design.md 5.4: only a sendrecv leg must send. A peer that holds (`sendonly`) may send music or nothing at all.
    const mustSend = plan.direction === 'sendrecv' && plan.remoteAddress !== null;
    this.#services.engine.expectSilence(this.#endpoint, !mustSend);
  }

  #key(): Uint8Array {
    // A copy: the random pool is shared, and the key lives as long as the leg.
    this.#masterKey ??= Uint8Array.from(this.#services.random(30));
    return this.#masterKey;
  }
}

/** The same direction seen from the other end. */
export function mirror(direction: MediaDirection): MediaDirection {
  if (direction === 'sendonly') return 'recvonly';
  if (direction === 'recvonly') return 'sendonly';
  return direction;
}

function failureOf(failure: NegotiationFailure): MediaFailure {
  return { status: failure.status, reason: failure.reason, errorCode: failure.errorCode };
}
