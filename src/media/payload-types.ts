// What the payload types of a media plan mean (RFC 3551 6): one look into a table for each packet that endpoint.ts receives.

import { remembered } from '../base/remembered.ts';
import { sharedCodecs } from '../sdp/payloads.ts';
import type { AudioCodec, MediaPlan } from '../sdp/plan.ts';
import { readPayloadType } from './rtp.ts';

/** Small numbers, because they stand in a table of octets. */
export const payloadKind = { other: 0, PCMU: 1, PCMA: 2, telephoneEvent: 3 } as const;

const NOTHING = new Uint8Array(128);

/** Calls have the same few plans; a table of each endpoint's own would cost four times its octets. */
const kindsOf = remembered(64, (text): Uint8Array => {
  const kinds = new Uint8Array(128);
  for (const entry of text.split(',')) {
    const [payloadType, kind] = entry.split(' ');
    if (kind !== undefined) kinds[Number(payloadType)] = payloadKind[kind as keyof typeof payloadKind];
  }
  return kinds;
});

export class PayloadTypes {
  /** Index: payload type, value: its kind. Shared with all whose plans say the same, and never written to. */
  #kinds: Uint8Array = NOTHING;

  /** Takes over what the plan says that the peer may send. */
  configure({ receivePayloadTypes, telephoneEventReceive }: MediaPlan): void {
    const events = telephoneEventReceive === null ? '' : `${telephoneEventReceive & 0x7f} telephoneEvent`;
    const audio = receivePayloadTypes.map(({ payloadType, codec }) => `${payloadType & 0x7f} ${codec}`);
    this.#kinds = kindsOf([...audio, events].join());
  }

  /** The kind of an RTP packet. */
  kindOf(packet: Uint8Array): number {
    return this.#kinds[readPayloadType(packet)]!;
  }

  /** The kind of a payload type of 7 bits. */
  kind(payloadType: number): number {
    return this.#kinds[payloadType]!;
  }
}

/** A plan that comes from another thread is a copy of all it has. */
export const withSharedTypes = (plan: MediaPlan): MediaPlan => ({
  ...plan,
  receivePayloadTypes: sharedCodecs(plan.receivePayloadTypes),
});

/** Codec of audio with this payload type; null: it is none of the plan's audio. */
export const codecOfType = (plan: MediaPlan, type: number): AudioCodec | null =>
  plan.receivePayloadTypes.find(({ payloadType }) => payloadType === type)?.codec ?? null;

/** Codec of a kind that is not `other`; null for telephone events. */
export function codecOf(kind: number): AudioCodec | null {
  if (kind === payloadKind.telephoneEvent) return null;
  return kind === payloadKind.PCMU ? 'PCMU' : 'PCMA';
}
