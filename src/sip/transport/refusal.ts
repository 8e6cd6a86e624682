// The 503 of an overloaded gateway: stateless, made from what a first look saw (glance.ts), without parsing and without a transaction
// (RFC 3261 8.2.7, 21.5.4). The same request gets the same answer, tag and Retry-After, because both are computed from it:
//
//   INVITE ──▶ 503 ;tag=<secret of this start><hash of Call-ID, CSeq, branch>      ACK with such a tag: absorbed
//   INVITE ──▶ 503, the same                                                       its key is remembered for 32 s and more
//
// The memory keeps a retransmission that crossed our 503 from becoming a call of its own: its caller has given up already.

import { limits } from '../../base/limits.ts';
import { serializeVia } from '../grammar/via.ts';
import type { Glance } from './glance.ts';
import { viaWithSource } from './via-source.ts';

export interface RefusalSettings {
  /** Written into Server. */
  readonly serverHeader: string;
  /** Value of X-Twilio-Error in the refusal of an INVITE. */
  readonly errorValue: string;
}

/** Two independent 32-bit numbers of one request. */
export interface RequestKey {
  readonly slot: number;
  readonly print: number;
}

/** Key of a request: equal for its retransmissions, different for the next try (RFC 3261 8.1.3.5 gives that a new CSeq and branch). */
export function requestKey({ callId, cseq, via }: Glance, seed: number): RequestKey {
  const key = { slot: seed | 0, print: ~seed | 0 };
  mix(key, callId);
  mix(key, cseq);
  mix(key, via.branch ?? '');
  mix(key, via.host);
  return { slot: key.slot >>> 0, print: key.print >>> 0 };
}

/** FNV-1a and a multiplicative hash side by side: quick, and nobody outside knows the seed. The end of a text counts too. */
function mix(key: { slot: number; print: number }, text: string): void {
  let { slot, print } = key;
  for (let index = 0; index <= text.length; index++) {
    const code = index === text.length ? 0x0a : text.charCodeAt(index);
    slot = Math.imul(slot ^ code, 0x01000193);
    print = Math.imul(print + code, 0x5bd1e995) ^ (print >>> 15);
  }
  key.slot = slot;
  key.print = print;
}

/** As a mask: a remainder of a number of 32 bits is a division of two doubles. */
const PLACES = limits.refusalsRemembered - 1;

const HEX_OF_OCTET = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
const hex = (value: number): string =>
  HEX_OF_OCTET[value >>> 24]! +
  HEX_OF_OCTET[(value >>> 16) & 0xff]! +
  HEX_OF_OCTET[(value >>> 8) & 0xff]! +
  HEX_OF_OCTET[value & 0xff]!;

const END = '\r\nContent-Length: 0\r\n\r\n';

export class Refusals {
  readonly #seed: number;
  /** 19.3: at least 32 random bits; also what an ACK is known by. */
  readonly #tagPrefix: string;
  readonly #tagBytes: Buffer;
  /** Between CSeq and the seconds, and behind them for an INVITE and the rest: the same in every answer. */
  readonly #beforeSeconds: string;
  readonly #behindInvite: string;
  // A table of fixed size, each place overwritten by the next that falls on it: no growth, nothing to tidy.
  readonly #prints = new Uint32Array(limits.refusalsRemembered);
  readonly #seconds = new Uint32Array(limits.refusalsRemembered);
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(random: (sizeBytes: number) => Buffer, settings: RefusalSettings) {
    this.#seed = random(4).readUInt32BE(0);
    this.#tagPrefix = `r5${random(6).toString('hex')}`;
    this.#tagBytes = Buffer.from(`;tag=${this.#tagPrefix}`, 'latin1');
    this.#beforeSeconds = `\r\nServer: ${settings.serverHeader}\r\nRetry-After: `;
    this.#behindInvite = `\r\nX-Twilio-Error: ${settings.errorValue}${END}`;
  }

  key(seen: Glance): RequestKey {
    return requestKey(seen, this.#seed);
  }

  /** The ACK of one of our 503s: nobody waits for it. */
  isOwnAck(bytes: Buffer, nowMs: number): boolean {
    return this.#isFresh(nowMs) && bytes.includes(this.#tagBytes);
  }

  /** Whether this request was refused a moment ago. */
  isRemembered({ slot, print }: RequestKey, nowMs: number): boolean {
    if (!this.#isFresh(nowMs)) return false;
    const place = slot & PLACES;
    return (
      this.#prints[place] === print && secondsOf(nowMs) - this.#seconds[place]! <= limits.refusalRememberedMs / 1_000
    );
  }

  #isFresh(nowMs: number): boolean {
    return nowMs - this.#lastMs <= limits.refusalRememberedMs;
  }

  remember({ slot, print }: RequestKey, nowMs: number): void {
    this.#lastMs = nowMs;
    const place = slot & PLACES;
    this.#prints[place] = print;
    this.#seconds[place] = secondsOf(nowMs);
  }

  /** Seconds in Retry-After: spread by chance, so that those who were refused together do not come back together. */
  retryAfter({ slot }: RequestKey): number {
    const { retryAfterMinSeconds: min, retryAfterMaxSeconds: max } = limits;
    return min + ((slot >>> 8) % (max - min + 1));
  }

  /** The answer's bytes. `address` and `port`: where the request came from. */
  bytes(seen: Glance, key: RequestKey, address: string, port: number): Buffer {
    const via = serializeVia(viaWithSource(seen.via, address, port));
    const tag = seen.hasToTag ? '' : `;tag=${this.#tagPrefix}${hex(key.slot)}${hex(key.print)}`;
    return Buffer.from(
      `SIP/2.0 503 Service Unavailable\r\nVia: ${via}${seen.otherVias}From: ${seen.from}\r\nTo: ${seen.to}${tag}\r\n` +
        `Call-ID: ${seen.callId}\r\nCSeq: ${seen.cseq}${this.#beforeSeconds}${this.retryAfter(key)}` +
        (seen.method === 'INVITE' ? this.#behindInvite : END),
      'latin1',
    );
  }
}

/** From one on, so that an empty place is never fresh. */
const secondsOf = (nowMs: number): number => Math.floor(nowMs / 1_000) + 0x1_0000;
