// SRTP and SRTCP with AES-CM and HMAC-SHA1 (RFC 3711), one context per direction and master key. Packets are worked on in place:
// the sender needs room for the tag behind the packet, the receiver gives the length of the plain packet. The key stream comes
// from one AES-ECB object for the life of the key (a cipher object per packet costs more than the encryption).
//
//   SRTP    │ header │ payload, encrypted │ (MKI) │ tag 10 or 4 │               tag over header, payload, roll-over counter
//   SRTCP   │ 8 octets │ rest, encrypted │E│ index(31) │ (MKI) │ tag 10 │       tag over all before the MKI
//
// A key identifier (MKI, 3.1) is in packets of peers whose key lines have one; we write none.
//
// Roll-over counter, highest sequence number and replay window change only after the tag was verified (3.3, 3.4).

import { type Cipheriv, createCipheriv } from 'node:crypto';
import type { IdentifiedKey, SrtpSuite } from '../sdp/plan.ts';
import { HmacSha1 } from './hmac-sha1.ts';
import { type ReceiveProgress, ReplayWindow } from './replay-window.ts';
import { payloadStart, readSequence, readSsrc, readUint32, writeUint16, writeUint32 } from './rtp.ts';

export const SRTP_KEY_BYTES = 16;
export const SRTP_SALT_BYTES = 14;
export const SRTP_MASTER_BYTES = SRTP_KEY_BYTES + SRTP_SALT_BYTES;
const AUTH_KEY_BYTES = 20;
/** RFC 3711 4.2.1, RFC 4568 6.2: the short tag is for SRTP only, SRTCP always has 80 bits. */
const RTCP_TAG_BYTES = 10;
const ROLL_OVER_BYTES = 4;
/** Room that protecting adds at most: E bit and index (4), tag (10). */
export const SRTP_TRAILER_BYTES = 14;
const BLOCK_BYTES = 16;
/** Streams (SSRCs) that one receiving context follows, all of them verified; beyond it the first one is forgotten. */
const SSRC_MAX = 8;

export const srtpTagBytes = (suite: SrtpSuite): number => (suite === 'AES_CM_128_HMAC_SHA1_32' ? 4 : 10);

/** Length of the plain packet, or why it is none (negative codes, so that no object is made per packet). */
export const SRTP_SHORT = -1;
export const SRTP_UNAUTHENTICATED = -2;
export const SRTP_REPLAYED = -3;

/** RFC 3711 4.1.1: XORs bytes with the AES-CM key stream; 2^16 blocks at most per packet. */
export class KeyStream {
  readonly #cipher: Cipheriv;
  #counters = new Uint8Array(BLOCK_BYTES * 12);

  constructor(key: Uint8Array) {
    this.#cipher = createCipheriv('aes-128-ecb', key, null);
    this.#cipher.setAutoPadding(false);
  }

  /** `iv`: 16 octets whose last two are the block counter, zero. */
  apply(iv: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    const blocks = Math.ceil((end - start) / BLOCK_BYTES);
    if (blocks <= 0) return;
    const size = blocks * BLOCK_BYTES;
    if (this.#counters.length < size) this.#counters = new Uint8Array(size);
    const counters = this.#counters;
    for (let block = 0, at = 0; block < blocks; block++, at += BLOCK_BYTES) {
      for (let index = 0; index < 14; index++) counters[at + index] = iv[index]!;
      counters[at + 14] = block >> 8;
      counters[at + 15] = block;
    }
    const stream = this.#cipher.update(counters.length === size ? counters : counters.subarray(0, size));
    for (let index = start, at = 0; index < end; index++, at++) bytes[index] = bytes[index]! ^ stream[at]!;
  }
}

/**
 * RFC 3711 4.3.1: derives a session key of `sizeBytes` for `label` (key derivation rate 0, so the index does not enter).
 * Labels: 0 RTP key, 1 RTP authentication, 2 RTP salt, 3 to 5 the same for RTCP.
 */
export function deriveKey(master: Uint8Array, salt: Uint8Array, label: number, sizeBytes: number): Uint8Array {
  const iv = new Uint8Array(BLOCK_BYTES);
  iv.set(salt.subarray(0, SRTP_SALT_BYTES));
  iv[7] = iv[7]! ^ label;
  const key = new Uint8Array(sizeBytes);
  new KeyStream(master).apply(iv, key, 0, sizeBytes);
  return key;
}

/** The RTP session keys of a master key of 30 octets. */
export function deriveSessionKeys(masterKey: Uint8Array): SessionKeys {
  const master = masterKey.subarray(0, SRTP_KEY_BYTES);
  const salt = masterKey.subarray(SRTP_KEY_BYTES, SRTP_MASTER_BYTES);
  return {
    cipherKey: deriveKey(master, salt, 0, SRTP_KEY_BYTES),
    authKey: deriveKey(master, salt, 1, AUTH_KEY_BYTES),
    salt: deriveKey(master, salt, 2, SRTP_SALT_BYTES),
  };
}

interface SessionKeys {
  readonly cipherKey: Uint8Array;
  readonly authKey: Uint8Array;
  readonly salt: Uint8Array;
}

/** Session keys of one direction for RTP or RTCP, with what they need per packet. */
class Session {
  readonly #stream: KeyStream;
  readonly #salt: Uint8Array;
  readonly #hmac: HmacSha1;
  readonly #iv = new Uint8Array(BLOCK_BYTES);

  constructor(masterKey: Uint8Array, firstLabel: number) {
    const master = masterKey.subarray(0, SRTP_KEY_BYTES);
    const salt = masterKey.subarray(SRTP_KEY_BYTES, SRTP_MASTER_BYTES);
    this.#stream = new KeyStream(deriveKey(master, salt, firstLabel, SRTP_KEY_BYTES));
    this.#hmac = new HmacSha1(deriveKey(master, salt, firstLabel + 1, AUTH_KEY_BYTES));
    this.#salt = deriveKey(master, salt, firstLabel + 2, SRTP_SALT_BYTES);
  }

  /** 4.1.1: IV = salt·2^16 ^ SSRC·2^64 ^ index·2^16; `high` and `low` are the index's upper 32 and lower 16 bits. */
  crypt(packet: Uint8Array, start: number, end: number, ssrc: number, high: number, low: number): void {
    const iv = this.#iv;
    const salt = this.#salt;
    for (let index = 0; index < SRTP_SALT_BYTES; index++) iv[index] = salt[index]!;
    for (let index = 0; index < 4; index++) {
      iv[4 + index] = iv[4 + index]! ^ (ssrc >>> (24 - 8 * index));
      iv[8 + index] = iv[8 + index]! ^ (high >>> (24 - 8 * index));
    }
    iv[12] = iv[12]! ^ (low >>> 8);
    iv[13] = iv[13]! ^ low;
    this.#stream.apply(iv, packet, start, end);
  }

  /** 4.2: HMAC of packet[0..end): for SRTP the caller has put the roll-over counter behind the packet. Valid until the next one. */
  tag(packet: Uint8Array, end: number): Uint8Array {
    return this.#hmac.of(packet, end);
  }
}

/** Compares without leaving early, so that the time tells nothing about the tag. */
function isTagEqual(bytes: Uint8Array, at: number, tag: Uint8Array, sizeBytes: number): boolean {
  let difference = 0;
  for (let index = 0; index < sizeBytes; index++) difference |= bytes[at + index]! ^ tag[index]!;
  return difference === 0;
}

/** Protects what we send with one master key. One SSRC (ours). */
export class SrtpSender {
  readonly tagBytes: number;
  readonly #rtp: Session;
  readonly #rtcp: Session;
  /** Highest packet index sent: roll-over counter · 2^16 + sequence number; -1 before the first. */
  #highest = -1;
  #rtcpIndex = 0;

  /** `masterKey`: 30 octets, 16 key and 14 salt. */
  constructor(suite: SrtpSuite, masterKey: Uint8Array) {
    this.#rtp = new Session(masterKey, 0);
    this.#rtcp = new Session(masterKey, 3);
    this.tagBytes = srtpTagBytes(suite);
  }

  /**
   * Encrypts packet[0..end) in place and appends the tag; the buffer has SRTP_TRAILER_BYTES of room. Returns the new end, or
   * SRTP_SHORT for a packet whose sequence number lies before the first one sent under this key: it has no index.
   */
  protect(packet: Uint8Array, end: number): number {
    const start = payloadStart(packet, end);
    const sequence = readSequence(packet);
    const index = this.#highest < 0 ? sequence : estimateIndex(this.#highest, sequence);
    if (start < 0 || index < 0) return SRTP_SHORT;
    if (index > this.#highest) this.#highest = index;
    const rollOver = Math.floor(index / 0x10000) >>> 0;
    this.#rtp.crypt(packet, start, end, readSsrc(packet), rollOver, sequence);
    writeUint32(packet, end, rollOver);
    const tag = this.#rtp.tag(packet, end + ROLL_OVER_BYTES);
    for (let at = 0; at < this.tagBytes; at++) packet[end + at] = tag[at]!;
    return end + this.tagBytes;
  }

  /** Highest packet index sent, -1 before the first; set when a fast path went on with these keys. */
  get highestIndex(): number {
    return this.#highest;
  }

  set highestIndex(index: number) {
    this.#highest = Math.max(this.#highest, index);
  }

  /** The same for a compound RTCP packet. */
  protectRtcp(packet: Uint8Array, end: number): number {
    // 3.4: the index is counted per context, from 1; it must not repeat under one key (2^31 packets are 340 years at one per 5 s).
    this.#rtcpIndex = (this.#rtcpIndex + 1) & 0x7fffffff;
    const index = this.#rtcpIndex;
    this.#rtcp.crypt(packet, 8, end, readUint32(packet, 4), index >>> 16, index & 0xffff);
    writeUint16(packet, end, 0x8000 | (index >>> 16));
    writeUint16(packet, end + 2, index);
    const tag = this.#rtcp.tag(packet, end + 4);
    for (let at = 0; at < RTCP_TAG_BYTES; at++) packet[end + 4 + at] = tag[at]!;
    return end + 4 + RTCP_TAG_BYTES;
  }
}

const NO_IDENTIFIER = new Uint8Array(0);

/** Sessions of one master key of the peer, and what its packets call it. */
class ReceiveKey {
  readonly rtp: Session;
  readonly rtcp: Session;
  readonly identifier: Uint8Array;

  constructor(masterKey: Uint8Array, identifier: Uint8Array) {
    this.rtp = new Session(masterKey, 0);
    this.rtcp = new Session(masterKey, 3);
    this.identifier = identifier;
  }

  isAt(packet: Uint8Array, at: number): boolean {
    const { identifier } = this;
    for (let index = 0; index < identifier.length; index++) if (packet[at + index] !== identifier[index]) return false;
    return true;
  }
}

/** Verifies and decrypts what the peer sends with one master key, or with several that its packets tell apart. */
export class SrtpReceiver {
  readonly tagBytes: number;
  readonly #keys: readonly ReceiveKey[];
  /** Length of the key identifier in packets, 0 where the peer writes none. */
  readonly #identifierBytes: number;
  readonly #streams = new Map<number, ReplayWindow>();
  readonly #rtcpStreams = new Map<number, ReplayWindow>();
  /** The tag of the packet in hand. */
  readonly #received = new Uint8Array(RTCP_TAG_BYTES);
  /** Roll-over counters that streams had under the key before this one. */
  readonly #earlier: ReadonlyMap<number, number>;

  /**
   * `key`: the peer's one key, or all its keys with the identifiers that its packets carry. `former`: the context of the key that
   * this one replaces. RFC 3711 3.3.1: a new key does not reset the roll-over counter.
   */
  constructor(suite: SrtpSuite, key: Uint8Array | readonly IdentifiedKey[], former?: SrtpReceiver) {
    this.#keys =
      key instanceof Uint8Array
        ? [new ReceiveKey(key, NO_IDENTIFIER)]
        : key.map(({ masterKey, identifier }) => new ReceiveKey(masterKey, identifier));
    this.#identifierBytes = this.#keys[0]!.identifier.length;
    this.tagBytes = srtpTagBytes(suite);
    this.#earlier = new Map(former?.rollOvers());
  }

  /** What was received of a stream; null: nothing. */
  progress(ssrc: number): ReceiveProgress | null {
    return this.#streams.get(ssrc)?.progress ?? null;
  }

  /** A fast path went on with a stream. */
  resume(ssrc: number, progress: ReceiveProgress): void {
    const known = this.#streams.get(ssrc);
    if (known) known.progress = progress;
  }

  rollOvers(): [ssrc: number, rollOver: number][] {
    return [...this.#streams].map(([ssrc, { highest }]) => [ssrc, Math.floor(highest / 0x10000)]);
  }

  /** Decrypts packet[0..end) in place, whatever was refused may be changed behind its payload. Returns the end of the plain packet, or SRTP_SHORT, SRTP_UNAUTHENTICATED, SRTP_REPLAYED. */
  unprotect(packet: Uint8Array, end: number): number {
    const tagAt = end - this.tagBytes;
    const plainEnd = tagAt - this.#identifierBytes;
    const start = payloadStart(packet, plainEnd);
    if (start < 0) return SRTP_SHORT;
    const key = this.#keyAt(packet, plainEnd);
    if (!key) return SRTP_UNAUTHENTICATED;
    const ssrc = readSsrc(packet);
    const sequence = readSequence(packet);
    const known = this.#streams.get(ssrc);
    let index = known ? estimateIndex(known.highest, sequence) : sequence;
    if (index < 0 || known?.isFresh(index) === false) return SRTP_REPLAYED;
    const received = this.#received;
    for (let at = 0; at < this.tagBytes; at++) received[at] = packet[tagAt + at]!;
    if (!this.#isAuthentic(key, packet, plainEnd, Math.floor(index / 0x10000))) {
      const rollOver = known ? -1 : this.#lateRollOver(key, packet, plainEnd, ssrc, sequence);
      if (rollOver < 0) return SRTP_UNAUTHENTICATED;
      index = rollOver * 0x10000 + sequence;
    }
    const rollOver = Math.floor(index / 0x10000) >>> 0;
    commit(this.#streams, ssrc, known, index);
    key.rtp.crypt(packet, start, plainEnd, ssrc, rollOver, sequence);
    return plainEnd;
  }

  /** The key whose identifier stands in the packet (RFC 3711 3.3: it selects the master key); the only one where there are none. */
  #keyAt(packet: Uint8Array, at: number): ReceiveKey | undefined {
    for (const key of this.#keys) if (key.isAt(packet, at)) return key;
    return undefined;
  }

  #isAuthentic(key: ReceiveKey, packet: Uint8Array, plainEnd: number, rollOver: number): boolean {
    // The counter takes the place of identifier and tag, which are at least as long. 4.2: the identifier is not in what the tag covers.
    writeUint32(packet, plainEnd, rollOver >>> 0);
    return isTagEqual(this.#received, 0, key.rtp.tag(packet, plainEnd + ROLL_OVER_BYTES), this.tagBytes);
  }

  /**
   * The first packet of a stream that has rolled over before we heard it: what it had under a former key, the round after that, or the
   * first roll-over (its packets before it were lost). The tag tells; below 0 when none fits.
   */
  #lateRollOver(key: ReceiveKey, packet: Uint8Array, plainEnd: number, ssrc: number, sequence: number): number {
    const earlier = this.#earlier.get(ssrc) ?? 0;
    if (earlier > 0 && this.#isAuthentic(key, packet, plainEnd, earlier)) return earlier;
    // Only just behind a roll-over: strangers' packets shall not cost more tags than they must.
    return sequence < 0x8000 && this.#isAuthentic(key, packet, plainEnd, earlier + 1) ? earlier + 1 : -1;
  }

  /** The same for SRTCP. A packet without the E bit is authenticated only. */
  unprotectRtcp(packet: Uint8Array, end: number): number {
    const tagAt = end - RTCP_TAG_BYTES;
    const identifierAt = tagAt - this.#identifierBytes;
    const indexAt = identifierAt - 4;
    if (indexAt < 8) return SRTP_SHORT;
    const key = this.#keyAt(packet, identifierAt);
    if (!key) return SRTP_UNAUTHENTICATED;
    const ssrc = readUint32(packet, 4);
    const word = readUint32(packet, indexAt);
    const index = word & 0x7fffffff;
    const known = this.#rtcpStreams.get(ssrc);
    if (known?.isFresh(index) === false) return SRTP_REPLAYED;
    if (!isTagEqual(packet, tagAt, key.rtcp.tag(packet, identifierAt), RTCP_TAG_BYTES)) return SRTP_UNAUTHENTICATED;
    commit(this.#rtcpStreams, ssrc, known, index);
    if (word >>> 31 === 1) key.rtcp.crypt(packet, 8, indexAt, ssrc, index >>> 16, index & 0xffff);
    return indexAt;
  }
}

/** RFC 3711 appendix A: the 48-bit index nearest to the highest one seen. Below 0 when it would lie before the first roll-over. */
export function estimateIndex(highest: number, sequence: number): number {
  const rollOver = Math.floor(highest / 0x10000);
  const last = highest % 0x10000;
  if (last < 0x8000) return (sequence - last > 0x8000 ? rollOver - 1 : rollOver) * 0x10000 + sequence;
  return (last - 0x8000 > sequence ? rollOver + 1 : rollOver) * 0x10000 + sequence;
}

function commit(
  streams: Map<number, ReplayWindow>,
  ssrc: number,
  known: ReplayWindow | undefined,
  index: number,
): void {
  if (known) return known.commit(index);
  if (streams.size >= SSRC_MAX) {
    const oldest = streams.keys().next().value;
    if (oldest !== undefined) streams.delete(oldest);
  }
  const window = new ReplayWindow();
  window.commit(index);
  streams.set(ssrc, window);
}
