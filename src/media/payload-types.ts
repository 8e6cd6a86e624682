// What the payload types of a media plan mean (RFC 3551 6): one look into a table for each packet that endpoint.ts receives.

import type { AudioCodec, MediaPlan } from '../sdp/plan.ts';
import { readPayloadType } from './rtp.ts';

/** Small numbers, because they stand in a table of octets. */
export const payloadKind = { other: 0, PCMU: 1, PCMA: 2, telephoneEvent: 3 } as const;

export class PayloadTypes {
  /** Index: payload type, value: its kind. */
  readonly #kinds = new Uint8Array(128);

  /** Takes over what the plan says that the peer may send. */
  configure(plan: MediaPlan): void {
    this.#kinds.fill(payloadKind.other);
    for (const { payloadType, codec } of plan.receivePayloadTypes) this.#kinds[payloadType & 0x7f] = payloadKind[codec];
    if (plan.telephoneEventReceive !== null) {
      this.#kinds[plan.telephoneEventReceive & 0x7f] = payloadKind.telephoneEvent;
    }
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

/** Codec of audio with this payload type; null: it is none of the plan's audio. */
export const codecOfType = (plan: MediaPlan, type: number): AudioCodec | null =>
  plan.receivePayloadTypes.find(({ payloadType }) => payloadType === type)?.codec ?? null;

/** Codec of a kind that is not `other`; null for telephone events. */
export function codecOf(kind: number): AudioCodec | null {
  if (kind === payloadKind.telephoneEvent) return null;
  return kind === payloadKind.PCMU ? 'PCMU' : 'PCMA';
}
