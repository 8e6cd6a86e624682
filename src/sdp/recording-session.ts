// Session descriptions of a recording session (RFC 7866 7.1): several audio sections, each sent only and labelled, one port each. The rules
// of one section are those of negotiate.ts. Pure.
//
//   m=audio 20000 RTP/AVP 0 8          m=audio 20002 RTP/AVP 0 8
//   a=sendonly  a=label:1              a=sendonly  a=label:2           answered in place; port 0: this one is not recorded

import { err, ok, type Result } from '../base/result.ts';
import { notAcceptable } from './audio-section.ts';
import { acceptSection, broken, judge, takeSection } from './negotiate.ts';
import { parseSdp } from './parse.ts';
import { staticPayloadType } from './payloads.ts';
import type { AudioCodec, MediaPlan, NegotiationFailure } from './plan.ts';
import { type AudioLines, type RefusedSection, serializeSdp } from './serialize.ts';

export interface RecordedStream {
  readonly port: number;
  /** RFC 4574: names the stream in the metadata. */
  readonly label: string;
  /** 30 bytes; of a section of its own. */
  readonly masterKey: Uint8Array;
}

export interface RecordingMedia {
  readonly address: string;
  readonly sessionId: string;
  readonly codecs: readonly AudioCodec[];
  readonly profile: 'avp' | 'savp';
  readonly streams: readonly RecordedStream[];
}

/** A stream that the recording server does not take has no plan. */
export type RecordingPlans = readonly (MediaPlan | undefined)[];

/** Our offer, of all streams. */
export function createRecordingOffer(media: RecordingMedia, version: number): string {
  return serialize(
    media,
    version,
    '0 0',
    media.streams.map(
      ({ port, label, masterKey }): AudioLines => ({
        protocol: media.profile === 'savp' ? 'RTP/SAVP' : 'RTP/AVP',
        codecs: media.codecs.map((codec) => ({ payloadType: staticPayloadType(codec), codec })),
        // twiml.md 10.2: digits are not forwarded.
        telephoneEvent: null,
        direction: 'sendonly',
        rtcpMux: false,
        crypto: media.profile === 'savp' ? { tag: '1', suite: 'AES_CM_128_HMAC_SHA1_80', masterKey } : null,
        port,
        label,
      }),
    ),
  );
}

/** The answer to our offer `sent`. An error where nothing of it is taken, or what is taken cannot be sent. */
export function acceptRecordingAnswer(
  sent: string,
  answer: string,
  media: RecordingMedia,
): Result<RecordingPlans, NegotiationFailure> {
  const ours = parseSdp(sent);
  if (!ours.ok) return err(broken(sent, ours.error));
  const theirs = parseSdp(answer);
  if (!theirs.ok) return err(broken(answer, theirs.error));
  const plans: (MediaPlan | undefined)[] = [];
  for (const [index, stream] of media.streams.entries()) {
    const isRefused = theirs.value.media[index]?.port === 0;
    if (isRefused) {
      plans.push(undefined);
      continue;
    }
    const key = media.profile === 'savp' ? stream.masterKey : null;
    const accepted = acceptSection(ours.value, theirs.value, index, key);
    if (!accepted.ok) return accepted;
    plans.push(accepted.value);
  }
  return plans.every((plan) => plan === undefined) ? err(notAcceptable('no stream is taken')) : ok(plans);
}

/** Our answer to an offer that the recording server makes within the session: it may hold streams, move them or drop them. */
export function answerRecordingOffer(
  offer: string,
  media: RecordingMedia,
  version: number,
): Result<{ readonly sdp: string; readonly plans: RecordingPlans }, NegotiationFailure> {
  const parsed = parseSdp(offer);
  if (!parsed.ok) return err(broken(offer, parsed.error));
  const isSecure = media.profile === 'savp';
  const plans: (MediaPlan | undefined)[] = [];
  const sections: (AudioLines | RefusedSection)[] = [];
  for (const [index, section] of parsed.value.media.entries()) {
    const stream = media.streams[index];
    // RFC 3264 8: what is ours stands in its old place; what is new is not wanted.
    if (!stream || section.port === 0) {
      sections.push(section);
      continue;
    }
    const judged = judge(section, parsed.value, media, { srtpAllowed: isSecure, srtpRequired: isSecure });
    if (!judged.ok) return judged;
    const { lines, plan } = takeSection(judged.value, 'sendonly', stream);
    plans[index] = { ...plan, telephoneEventSend: null, telephoneEventReceive: null };
    sections.push({ ...lines, telephoneEvent: null, port: stream.port, label: stream.label });
  }
  if (parsed.value.media.length < media.streams.length) return err(notAcceptable('a media section is missing'));
  const all = media.streams.map((_, index) => plans[index]);
  return ok({ sdp: serialize(media, version, parsed.value.timing, sections), plans: all });
}

const serialize = (
  { address, sessionId, codecs }: RecordingMedia,
  version: number,
  timing: string,
  sections: readonly (AudioLines | RefusedSection)[],
): string => serializeSdp({ address, port: 0, codecs, sessionId }, version, timing, sections);
