// The media of one recording session: an endpoint per track towards the server, the session description of all, and the forks that feed
// them. Knows offers and answers, not SIP.

import type { RandomSource } from '../base/ids.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { MediaRouter } from '../call/media-router.ts';
import type { EndpointId, MediaEngine, SourceRule } from '../media/engine.ts';
import type { AudioTrack, ForkId } from '../media/engine-audio.ts';
import type { NegotiationFailure } from '../sdp/plan.ts';
import {
  acceptRecordingAnswer,
  answerRecordingOffer,
  createRecordingOffer,
  type RecordingMedia,
  type RecordingPlans,
} from '../sdp/recording-session.ts';
import type { PeerFlow } from '../sip/ua/ua.ts';

export interface SiprecMediaServices {
  readonly engine: Pick<MediaEngine, 'open' | 'close' | 'configure' | 'expectSilence' | 'fork' | 'closeFork'>;
  readonly router: Pick<MediaRouter, 'own' | 'forget'>;
  readonly random: RandomSource;
}

interface RecordedTrack {
  readonly track: AudioTrack;
  readonly endpoint: EndpointId;
  fork: ForkId | undefined;
}

/** The label of a track, in the SDP and in the metadata. */
export const labelOf: Readonly<Record<AudioTrack, string>> = { inbound: '1', outbound: '2' };

export class SiprecMedia {
  readonly #services: SiprecMediaServices;
  readonly #callSid: string;
  /** The endpoint of the call. */
  readonly #recorded: EndpointId;
  readonly #wanted: readonly AudioTrack[];
  readonly #profile: RecordingMedia['profile'];
  readonly #onLost: () => void;
  #tracks: RecordedTrack[] = [];
  #media: RecordingMedia | undefined;
  #source: SourceRule = { signallingAddress: null, nat: false };
  #version = 0;
  #lastSent = '';
  #isClosed = false;

  /** `onLost`: the worker of an endpoint failed. */
  constructor(
    services: SiprecMediaServices,
    of: { readonly callSid: string; readonly endpoint: EndpointId; readonly tracks: readonly AudioTrack[] },
    profile: RecordingMedia['profile'],
    onLost: () => void,
  ) {
    this.#services = services;
    this.#callSid = of.callSid;
    this.#recorded = of.endpoint;
    this.#wanted = of.tracks;
    this.#profile = profile;
    this.#onLost = onLost;
  }

  /** Opens the endpoints for the server of `flow` and makes the offer. Another flow than before: anew. Undefined: no port, or closed. */
  async offerTo(flow: PeerFlow): Promise<string | undefined> {
    this.#release();
    this.#source = { signallingAddress: flow.remoteAddress, nat: false };
    const streams: RecordingMedia['streams'][number][] = [];
    for (const track of this.#wanted) {
      const opened = await this.#services.engine.open({
        localAddress: flow.localAddress,
        callSid: this.#callSid,
        near: this.#recorded,
      });
      if (!opened.ok) return undefined;
      const { id: endpoint, rtpPort: port } = opened.value;
      this.#tracks.push({ track, endpoint, fork: undefined });
      if (this.#isClosed) {
        this.#release();
        return undefined;
      }
      this.#services.router.own(endpoint, (event) => event.type === 'rtpTimeout' && this.#onLost());
      // A copy: the random pool is shared, and the key lives as long as the session.
      streams.push({ port, label: labelOf[track], masterKey: Uint8Array.from(this.#services.random(30)) });
    }
    this.#media = {
      address: flow.advertisedHost,
      sessionId: String(this.#services.random(6).readUIntBE(0, 6)),
      codecs: ['PCMU', 'PCMA'],
      profile: this.#profile,
      streams,
    };
    return this.offer();
  }

  /** Our offer again, such as a server that asks for one gets. */
  offer(): string | undefined {
    if (!this.#media) return undefined;
    this.#lastSent = createRecordingOffer(this.#media, ++this.#version);
    return this.#lastSent;
  }

  /** The answer to our last offer: sending begins. */
  accept(answer: string): Result<void, NegotiationFailure> {
    if (!this.#media) return err(NO_MEDIA);
    const accepted = acceptRecordingAnswer(this.#lastSent, answer, this.#media);
    if (!accepted.ok) return accepted;
    this.#apply(accepted.value);
    return ok(undefined);
  }

  /** Our answer to an offer of the server. */
  answer(offer: string): Result<string, NegotiationFailure> {
    if (!this.#media) return err(NO_MEDIA);
    const answered = answerRecordingOffer(offer, this.#media, this.#version + 1);
    if (!answered.ok) return answered;
    this.#version++;
    this.#lastSent = answered.value.sdp;
    this.#apply(answered.value.plans);
    return ok(answered.value.sdp);
  }

  #apply(plans: RecordingPlans): void {
    const { engine } = this.#services;
    for (const [index, track] of this.#tracks.entries()) {
      const plan = plans[index];
      if (plan) {
        engine.configure(track.endpoint, plan, this.#source);
        // The server sends nothing.
        engine.expectSilence(track.endpoint, true);
        track.fork ??= engine.fork(this.#recorded, track.track, track.endpoint);
      } else if (track.fork !== undefined) {
        engine.closeFork(track.fork);
        track.fork = undefined;
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#release();
  }

  #release(): void {
    const { engine, router } = this.#services;
    for (const { endpoint, fork } of this.#tracks) {
      if (fork !== undefined) engine.closeFork(fork);
      router.forget(endpoint);
      engine.close(endpoint);
    }
    this.#tracks = [];
    this.#media = undefined;
  }
}

const NO_MEDIA: NegotiationFailure = { status: 488, reason: 'No media', errorCode: undefined };
