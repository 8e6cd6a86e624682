// Offer and answer (RFC 3264) for one audio stream: what the other side wrote × what we want → MediaPlan, or the SIP status to
// refuse with. Called by call/ for every INVITE, re-INVITE, UPDATE and their answers. Pure: keys and versions come from the caller.
//
//   offer  m=video …            answer  m=video 0 …          every section is answered, in place (RFC 3264 6)
//          m=audio … 9 8 0 101          m=audio … 8 101      the first section we can take, one codec: the peer cannot switch

import { err, ok, type Result } from '../base/result.ts';
import {
  type AudioSection,
  directionOf,
  notAcceptable,
  readAudio,
  receives,
  refuse,
  remoteOf,
  sends,
} from './audio-section.ts';
import type { CryptoLine } from './crypto.ts';
import { hasAttribute, type MediaSection, parseSdp, type SdpFault, type SessionDescription } from './parse.ts';
import { type CodecPayload, sharedCodecs, staticPayloadType } from './payloads.ts';
import type {
  Answered,
  LocalMedia,
  MediaDirection,
  MediaPlan,
  NegotiationFailure,
  OfferOptions,
  SdpNegotiation,
  SecurityPolicy,
  SrtpKeys,
} from './plan.ts';
import { type AudioLines, serializeSdp } from './serialize.ts';

/** Payload type of telephone-event in our offers. */
const TELEPHONE_EVENT_TYPE = 101;

export const broken = (text: string, fault: SdpFault): NegotiationFailure => ({
  status: 400,
  reason: 'Bad Request',
  errorCode: text.trim() === '' ? 32_103 : 32_102,
  detail: fault.line > 0 ? `SDP line ${fault.line}: ${fault.detail}` : `SDP: ${fault.detail}`,
});

/** Our offer (SdpNegotiation.createOffer). Throws only on a SAVP offer without a key: our own mistake. */
export function createOffer(local: LocalMedia, options: OfferOptions, version: number): string {
  const { masterKey, profile } = options;
  if (profile === 'savp' && !masterKey) throw new TypeError('a SAVP offer needs a master key');
  const parsed = options.previous ? parseSdp(options.previous) : undefined;
  const previous = parsed?.ok ? parsed.value : undefined;
  const index = previous ? activeIndex(previous) : -1;
  const before = previous && index >= 0 ? readAudio(previous.media[index]!, previous) : undefined;
  // RFC 3264 8.3.2: a number keeps its meaning; RFC 4568 7.1.4: so does the suite of a running stream.
  const eventType = (before?.ok && before.value.payloads.telephoneEvent?.payloadType) || TELEPHONE_EVENT_TYPE;
  const suite = (before?.ok && before.value.cryptos[0]?.suite) || 'AES_CM_128_HMAC_SHA1_80';
  const audio: AudioLines = {
    protocol: profile === 'savp' ? 'RTP/SAVP' : 'RTP/AVP',
    codecs: local.codecs.map((codec) => ({ payloadType: staticPayloadType(codec), codec })),
    telephoneEvent: { payloadType: eventType, hasFlash: true },
    direction: options.direction,
    rtcpMux: false,
    crypto: profile === 'savp' && masterKey ? { tag: '1', suite, masterKey } : null,
  };
  const sections =
    previous && index >= 0 ? previous.media.map((section, at) => (at === index ? audio : section)) : [audio];
  return serializeSdp(local, version, previous?.timing ?? '0 0', sections);
}

/** Which section of a description of ours is the audio: the only one with a port. */
const activeIndex = (description: SessionDescription): number =>
  description.media.findIndex((section) => section.kind === 'audio' && section.port !== 0);

/** An endpoint has one socket: the peer's address must be of the same family. Hold without an address fits any. */
function fitsFamily(audio: AudioSection, localAddress: string): boolean {
  return audio.connection.kind !== 'address' || audio.connection.address.includes(':') === localAddress.includes(':');
}

export interface Acceptable {
  readonly audio: AudioSection;
  /** Ours among the offered ones, in the offerer's order (RFC 3264 6.1). */
  readonly codecs: readonly CodecPayload[];
  readonly crypto: CryptoLine | null;
}

/** Whether we can take this section: protocol, security policy, codec, keys. */
export function judge(
  section: MediaSection,
  session: SessionDescription,
  local: Pick<LocalMedia, 'address' | 'codecs'>,
  security: SecurityPolicy,
): Result<Acceptable, NegotiationFailure> {
  const read = readAudio(section, session);
  if (!read.ok) return read;
  const audio = read.value;
  if (!fitsFamily(audio, local.address)) return err(notAcceptable('c= is of another address family than our socket'));
  const isSecure = audio.protocol === 'RTP/SAVP';
  if (isSecure && !security.srtpAllowed) {
    return err(refuse(488, 'Secure media not accepted', 'RTP/SAVP offered, SRTP is off', 32_207));
  }
  if (!isSecure && security.srtpRequired) {
    return err(refuse(488, 'Secure media required', 'RTP/AVP offered, SRTP is required', 32_208));
  }
  const common = audio.payloads.codecs.filter(({ codec }) => local.codecs.includes(codec));
  if (common.length === 0) return err(refuse(415, 'Unsupported media type', 'no PCMU or PCMA offered'));
  // RFC 4568 5.1.2: the offerer's order of preference; lines that we cannot use were left out.
  const crypto = isSecure ? audio.cryptos[0] : null;
  if (crypto === undefined) return err(notAcceptable('RTP/SAVP without a usable a=crypto line'));
  return ok({ audio, codecs: common, crypto });
}

/** Of several refused sections the reason that tells the most: policy, then codec, then anything. */
const weight = (failure: NegotiationFailure): number =>
  failure.errorCode !== undefined ? 2 : failure.status === 415 ? 1 : 0;

/** Our answer to an offer (SdpNegotiation.answerOffer). */
export function answerOffer(
  offer: string,
  local: LocalMedia,
  options: Parameters<SdpNegotiation['answerOffer']>[2],
): Result<Answered, NegotiationFailure> {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return err(broken(offer, parsed.error));
  const session = parsed.value;
  let failure = notAcceptable('no media section');
  let taken: Acceptable | undefined;
  let takenIndex = -1;
  for (const [index, section] of session.media.entries()) {
    const judged = judge(section, session, local, options.security);
    if (judged.ok) {
      taken = judged.value;
      takenIndex = index;
      break;
    }
    if (index === 0 || weight(judged.error) > weight(failure)) failure = judged.error;
  }
  if (!taken) return err(failure);
  const { lines, plan } = takeSection(taken, options.direction, options);
  const sections = session.media.map((section, index) => (index === takenIndex ? lines : section));
  return ok({
    sdp: serializeSdp(local, options.version, session.timing, sections),
    offeredDirection: taken.audio.direction,
    plan,
  });
}

/** Our answer to one section and what it leads to; `most`: the widest direction that we agree to. `key`: asked only where SRTP is. */
export function takeSection(
  { audio, codecs, crypto }: Acceptable,
  most: MediaDirection,
  key: { readonly masterKey: Uint8Array },
): { readonly lines: AudioLines; readonly plan: MediaPlan } {
  // RFC 3264 6.1: we send only if the offerer receives, and the other way round.
  const direction = directionOf(sends(most) && receives(audio.direction), receives(most) && sends(audio.direction));
  const remote = remoteOf(audio, true);
  const { telephoneEvent } = audio.payloads;
  const masterKey = crypto ? key.masterKey : null;
  const ours = crypto && masterKey ? { tag: crypto.tag, suite: crypto.suite, masterKey } : null;
  const lines: AudioLines = {
    protocol: audio.protocol,
    codecs: [codecs[0]!],
    telephoneEvent,
    direction,
    rtcpMux: remote.rtcpMux,
    crypto: ours,
  };
  const plan: MediaPlan = {
    ...remote,
    direction,
    codec: codecs[0]!.codec,
    payloadType: codecs[0]!.payloadType,
    receivePayloadTypes: sharedCodecs(codecs),
    telephoneEventSend: telephoneEvent?.payloadType ?? null,
    telephoneEventReceive: telephoneEvent?.payloadType ?? null,
    srtp: crypto && masterKey ? keysOf(crypto, masterKey) : null,
  };
  return { lines, plan };
}

/** The keys of a stream whose peer wrote `theirs`. */
const keysOf = (theirs: CryptoLine, sendKey: Uint8Array): SrtpKeys => ({
  suite: theirs.suite,
  sendKey,
  receiveKey: theirs.masterKey,
  ...(theirs.identifiedKeys && { identifiedKeys: theirs.identifiedKeys }),
});

/** The keys that our offer and an answer make; null for plain RTP. */
function agreedKeys(
  sent: AudioSection,
  answered: AudioSection,
  masterKey: Uint8Array | null,
): Result<SrtpKeys | null, NegotiationFailure> {
  if (sent.protocol !== answered.protocol) {
    return err(notAcceptable(`offered ${sent.protocol}, answered ${answered.protocol}`));
  }
  const ours = sent.cryptos[0];
  if (!ours) return ok(null);
  // RFC 4568 5.1.3: exactly one line, with a tag and suite of the offer.
  const [theirs, ...others] = answered.cryptos;
  if (!theirs || others.length > 0)
    return err(notAcceptable('RTP/SAVP answer without exactly one usable a=crypto line'));
  if (theirs.tag !== ours.tag || theirs.suite !== ours.suite) {
    return err(notAcceptable(`a=crypto ${theirs.tag} ${theirs.suite} was not offered`));
  }
  return ok(keysOf(theirs, masterKey ?? ours.masterKey));
}

/** The peer's answer to our offer `sent` (SdpNegotiation.acceptAnswer). */
export function acceptAnswer(
  sent: string,
  answer: string,
  options: { readonly masterKey: Uint8Array | null },
): Result<MediaPlan, NegotiationFailure> {
  const ourDescription = parseSdp(sent);
  if (!ourDescription.ok) return err(broken(sent, ourDescription.error));
  const description = parseSdp(answer);
  if (!description.ok) return err(broken(answer, description.error));
  const index = activeIndex(ourDescription.value);
  return acceptSection(ourDescription.value, description.value, index, options.masterKey);
}

/** What the answer to section number `index` of our description leads to. */
export function acceptSection(
  ourDescription: SessionDescription,
  description: SessionDescription,
  index: number,
  masterKey: Uint8Array | null,
): Result<MediaPlan, NegotiationFailure> {
  const ourSection = ourDescription.media[index];
  const section = description.media[index];
  if (!ourSection || !section) return err(notAcceptable('no media section'));
  const ours = readAudio(ourSection, ourDescription);
  if (!ours.ok) return ours;
  const theirs = readAudio(section, description);
  if (!theirs.ok) return theirs;
  const ourAddress = ours.value.connection.kind === 'address' ? ours.value.connection.address : '0.0.0.0';
  if (!fitsFamily(theirs.value, ourAddress)) return err(notAcceptable('c= of another address family than our offer'));
  const keys = agreedKeys(ours.value, theirs.value, masterKey);
  if (!keys.ok) return keys;
  const offered = ours.value.payloads.codecs;
  const codecs = theirs.value.payloads.codecs.filter(({ codec }) => offered.some((entry) => entry.codec === codec));
  const chosen = codecs[0];
  if (!chosen) return err(notAcceptable('the answer has none of the offered codecs'));
  // RFC 3264 6.1: we send with the numbers of the answer and receive with those of our offer; peers that use their own
  // numbers towards us are understood as well.
  const foreign = codecs.filter(({ payloadType }) => !offered.some((entry) => entry.payloadType === payloadType));
  const ourEvent = ours.value.payloads.telephoneEvent?.payloadType ?? null;
  const theirEvent = theirs.value.payloads.telephoneEvent?.payloadType ?? null;
  return ok({
    ...remoteOf(theirs.value, hasAttribute(ours.value.section.attributes, 'rtcp-mux')),
    // An answer cannot make us do more than we offered.
    direction: directionOf(
      sends(ours.value.direction) && receives(theirs.value.direction),
      receives(ours.value.direction) && sends(theirs.value.direction),
    ),
    codec: chosen.codec,
    payloadType: chosen.payloadType,
    receivePayloadTypes: sharedCodecs([...offered, ...foreign]),
    telephoneEventSend: theirEvent,
    // Some peers leave it out of the answer and send it all the same.
    telephoneEventReceive: ourEvent,
    srtp: keys.value,
  });
}

/**
 * What a description asks of us before anything is negotiated, as seen from the peer: `sendonly` and `inactive` are a hold.
 * Undefined where there is no audio that we could take, or the description is broken.
 */
export function holdDirection(description: string): MediaDirection | undefined {
  const parsed = parseSdp(description);
  if (!parsed.ok) return undefined;
  for (const section of parsed.value.media) {
    const audio = readAudio(section, parsed.value);
    if (audio.ok) return audio.value.direction;
  }
  return undefined;
}

/** The port's implementation, for gateway.ts to hand to call/. */
export const sdpNegotiation: SdpNegotiation = { createOffer, answerOffer, acceptAnswer };
