// The sdp port: what call/ needs of session descriptions (RFC 4566, RFC 3264). negotiate.ts implements it; pure code.

export type AudioCodec = 'PCMU' | 'PCMA';
/** As seen from us. `sendrecv` … `inactive` (RFC 3264 5.1). */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32';

/** A master key with the identifier that its packets carry (MKI, RFC 3711 3.1, RFC 4568 6.1). */
export interface IdentifiedKey {
  /** 30 bytes: 16 key, 14 salt. */
  readonly masterKey: Uint8Array;
  /** As it stands in the packets, 1 to 128 bytes; all keys of one peer have identifiers of one length. */
  readonly identifier: Uint8Array;
}

export interface SrtpKeys {
  readonly suite: SrtpSuite;
  /** 30 bytes: 16 key, 14 salt. */
  readonly sendKey: Uint8Array;
  readonly receiveKey: Uint8Array;
  /** Where the peer's packets say which key they have: all its keys, `receiveKey` first. We write no identifiers ourselves. */
  readonly identifiedKeys?: readonly IdentifiedKey[];
}

/** What one offer/answer decided for the audio stream of one leg (made by sdp/negotiate). */
export interface MediaPlan {
  /** Where to send RTP; null while not known or the peer gave 0.0.0.0. */
  readonly remoteAddress: string | null;
  readonly remotePort: number;
  readonly remoteRtcpPort: number;
  readonly rtcpMux: boolean;
  readonly direction: MediaDirection;
  readonly codec: AudioCodec;
  /** Payload type we send; what we accept is all of `receivePayloadTypes`. */
  readonly payloadType: number;
  readonly receivePayloadTypes: readonly { readonly payloadType: number; readonly codec: AudioCodec }[];
  /** RFC 4733 payload types, null when the peer has none. */
  readonly telephoneEventSend: number | null;
  readonly telephoneEventReceive: number | null;
  readonly packetTimeMs: number;
  readonly srtp: SrtpKeys | null;
}

/** Our side of one leg's audio stream. */
export interface LocalMedia {
  /** Address written into c= (public or local towards this peer). */
  readonly address: string;
  readonly port: number;
  /** Preference order of our codecs. */
  readonly codecs: readonly AudioCodec[];
  /** Random per leg, kept for its life; the version goes up by one with each changed description. */
  readonly sessionId: string;
}

export interface OfferOptions {
  readonly direction: MediaDirection;
  /** `savp`: RTP/SAVP with one AES_CM_128_HMAC_SHA1_80 line. `avp`: RTP/AVP. */
  readonly profile: 'avp' | 'savp';
  /** 30 fresh random bytes for SAVP, kept by the caller over re-offers of the same leg. */
  readonly masterKey: Uint8Array | null;
  /** Our last description of this session, on a re-offer: RFC 3264 8 keeps the number and order of its media sections. */
  readonly previous?: string | null;
}

export interface SecurityPolicy {
  /** Take an SAVP offer. */
  readonly srtpAllowed: boolean;
  /** Refuse a plain RTP/AVP offer. */
  readonly srtpRequired: boolean;
}

export type NegotiationFailure = {
  /** 400 broken SDP, 415/488 nothing in common, 488 policy. */
  readonly status: 400 | 415 | 488;
  /** Phrases of sip-interface.md 1.5. */
  readonly reason: string;
  /** 32102 (broken), 32103 (empty), 32207, 32208 or undefined. */
  readonly errorCode: number | undefined;
  /** For the log: which rule, which line. */
  readonly detail?: string;
};

export interface Answered {
  readonly sdp: string;
  readonly plan: MediaPlan;
  /** What the offer said, as seen from the peer: `sendonly` or `inactive` is a hold (also the old form, c=0.0.0.0). */
  readonly offeredDirection: MediaDirection;
}

/** What negotiate.ts offers to call/ (all pure; `version` is the o= version to write, random and masterKey come from the caller). */
export interface SdpNegotiation {
  /** Our offer: PCMU, PCMA, telephone-event 101 `0-16`, ptime 20 (sip-interface.md 1.6 for the shape). */
  createOffer(local: LocalMedia, options: OfferOptions, version: number): string;
  /** Our answer to an offer. `direction` is the most we want (`sendrecv` normally); RFC 3264 6.1 limits it by the offer. */
  answerOffer(
    offer: string,
    local: LocalMedia,
    options: {
      readonly security: SecurityPolicy;
      readonly direction: MediaDirection;
      readonly masterKey: Uint8Array;
      readonly version: number;
    },
  ): import('../base/result.ts').Result<Answered, NegotiationFailure>;
  /** Reads the peer's answer to our offer `sent`. */
  acceptAnswer(
    sent: string,
    answer: string,
    options: { readonly masterKey: Uint8Array | null },
  ): import('../base/result.ts').Result<MediaPlan, NegotiationFailure>;
}
