// The MediaEngine port: what call/ sees of the media plane (design.md 6). Commands and events are plain messages, so that the
// engine can live in worker threads (workers.ts), in the calling thread (inline.ts) and later in a native thread or in rtpengine.
//
//        call/ ──command──▶ engine ──▶ endpoint (one UDP port pair) ◀──RTP──▶ peer
//              ◀──event────         └─▶ bridge: two endpoints hear each other

import type { Result } from '../base/result.ts';
import type { MediaPlan } from '../sdp/plan.ts';
import type { AudioEngine, AudioEvent, MixerEngine, MixerId } from './engine-audio.ts';
import type { BridgeId, EndpointId, PlayId, PlayOptions } from './engine-plays.ts';
import type { CaptureOptions, TappedBatch } from './packet-tap.ts';

export type { BridgeId, EndpointId, PlayId, PlayOptions, PlaySource } from './engine-plays.ts';

/** Who else than the SDP's address may send us media (design.md 6, "Addresses"). */
export interface SourceRule {
  /** Source of the peer's signalling: may send from any port within 5 s of an SDP change. */
  readonly signallingAddress: string | null;
  /** Domain with `nat: true`: any source, any time (locked after 3 packets of one SSRC). */
  readonly nat: boolean;
}

export interface EndpointOptions {
  /** Local address to bind (v4 or v6), as text. */
  readonly localAddress: string;
  /** Open it in the worker of this endpoint, if possible (a Dial's child near its parent). */
  readonly near?: EndpointId;
  /** For log lines. */
  readonly callSid: string;
}

export interface EndpointInfo {
  readonly id: EndpointId;
  readonly localAddress: string;
  /** Even; RTCP is on the next port. */
  readonly rtpPort: number;
  readonly rtcpPort: number;
}

export interface EndpointStatistics {
  readonly packetsReceived: number;
  readonly packetsSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** RFC 3550 A.3: expected minus received, not below 0. */
  readonly packetsLost: number;
  /** RFC 3550 A.8, in milliseconds. */
  readonly jitterMs: number;
  /** Reported by the peer's RTCP; -1 when it sends none. */
  readonly remotePacketsLost: number;
  readonly roundTripMs: number;
  /** Packets not used, by reason. */
  readonly drops: Readonly<Record<string, number>>;
  /** Milliseconds since the last accepted RTP packet; -1 when none came. */
  readonly silentMs: number;
}

export type MediaEvent =
  | { readonly type: 'digit'; readonly endpoint: EndpointId; readonly digit: string; readonly durationMs: number }
  | {
      readonly type: 'playEnded';
      /** What it was played to. */
      readonly endpoint: EndpointId | MixerId;
      readonly play: PlayId;
      readonly outcome: 'finished' | 'stopped' | 'failed';
    }
  /** First RTP packet accepted after a plan change. */
  | {
      readonly type: 'mediaStarted';
      readonly endpoint: EndpointId;
      readonly remoteAddress: string;
      readonly remotePort: number;
    }
  | {
      readonly type: 'latched';
      readonly endpoint: EndpointId;
      readonly remoteAddress: string;
      readonly remotePort: number;
    }
  /** No RTP for limits.rtpSilenceMs on a leg that should receive. Once per silence. */
  | { readonly type: 'rtpTimeout'; readonly endpoint: EndpointId }
  | AudioEvent
  /** Packets of an endpoint under capture. The last batch comes after its `close`. */
  | { readonly type: 'captured'; readonly endpoint: EndpointId; readonly batch: TappedBatch }
  /** The endpoint was closed: what it counted in its life. */
  | { readonly type: 'closed'; readonly endpoint: EndpointId; readonly statistics: EndpointStatistics }
  | { readonly type: 'workerFailed'; readonly endpoints: readonly EndpointId[] };

export interface MediaCounts {
  readonly endpoints: number;
  readonly bridges: number;
  readonly plays: number;
  readonly mixers: number;
  readonly mixerMembers: number;
  /** Forks too. */
  readonly taps: number;
  /** Those whose file is still being completed too. */
  readonly recordings: number;
  readonly portsInUse: number;
  readonly portsResting: number;
  readonly portsFree: number;
}

export interface MediaEngine extends AudioEngine, MixerEngine {
  start(): Promise<Result<void, string>>;
  stop(): Promise<void>;
  /** Takes the next free even/odd port pair. `noPorts` when the range is used up (the caller answers 503). */
  open(
    options: EndpointOptions,
  ): Promise<Result<EndpointInfo, { readonly code: 'noPorts' | 'noAddress' | 'stopped'; readonly detail: string }>>;
  /** Applies the outcome of an offer/answer. Sequence, timestamp and SSRC towards the peer stay continuous. */
  configure(endpoint: EndpointId, plan: MediaPlan, source: SourceRule): void;
  /** Frees the ports (they rest 10 s). Ends plays, bridge membership and recordings of it. Idempotent. */
  close(endpoint: EndpointId): void;
  /**
   * Joins two endpoints: each hears the other. Transcodes where codecs differ, re-numbers payload types, passes telephone events.
   * An endpoint is in at most one bridge; a running play on an endpoint has precedence over the bridge towards it.
   */
  bridge(a: EndpointId, b: EndpointId): BridgeId;
  unbridge(bridge: BridgeId): void;
  /** Starts playing to the endpoint's peer; replaces a running play (which ends 'stopped'). */
  play(endpoint: EndpointId, options: PlayOptions): PlayId;
  stopPlay(play: PlayId): void;
  /**
   * Sends what the endpoint's peer is to hear when nothing else is there: silence packets keep NAT pinholes open (held sides).
   * `music`: samples for `music`, played round and round; the built-in tune without.
   */
  setComfort(endpoint: EndpointId, mode: 'none' | 'silence' | 'music', music?: Int16Array): void;
  /** Sends digits to the endpoint's peer without ending its bridge: RFC 4733 events, or tones where it has no telephone-event. */
  insertDigits(endpoint: EndpointId, digits: string): void;
  /** Also finds digits in the peer's audio (ITU-T Q.24), until it sends its first telephone event. */
  detectInbandDigits(endpoint: EndpointId, on: boolean): void;
  /** Loops the peer's audio back to it. */
  setEcho(endpoint: EndpointId, on: boolean): void;
  /** Exempts a held leg from the RTP timeout. */
  expectSilence(endpoint: EndpointId, silent: boolean): void;
  /** Copies what the endpoint receives and sends into `captured` events; null ends it. Costs nothing while it is off. */
  capture(endpoint: EndpointId, options: CaptureOptions | null): void;
  statistics(endpoint: EndpointId): EndpointStatistics | undefined;
  /** Final statistics ride on close: asked just before it. Returns what ends the subscription. */
  onEvent(listener: (event: MediaEvent) => void): () => void;
  counts(): MediaCounts;
}
