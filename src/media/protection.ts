// The SRTP contexts of one endpoint: kept while the keys stay the same (a re-offer must not reset the roll-over counter), made
// anew when an offer/answer brings other keys. Without keys everything passes as it is.

import type { IdentifiedKey, SrtpKeys } from '../sdp/plan.ts';
import type { FastCrypto, FastReceiveCrypto } from './fast-path.ts';
import { deriveSessionKeys, SRTP_REPLAYED, SRTP_UNAUTHENTICATED, SrtpReceiver, SrtpSender } from './srtp.ts';
import { drop, type SlotStatistics } from './statistics.ts';

/** Counter for a negative result of unprotecting. */
const srtpDrop = (code: number): number => {
  if (code === SRTP_REPLAYED) return drop.replay;
  return code === SRTP_UNAUTHENTICATED ? drop.authentication : drop.malformed;
};

function counted(end: number, statistics: SlotStatistics): number {
  if (end < 0) statistics.add(srtpDrop(end), 1);
  return end;
}

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** Whether the peer's packets are read with the same keys, told apart in the same way. */
function isSameReceive(former: SrtpKeys, keys: SrtpKeys): boolean {
  const [before = [], now = []] = [former.identifiedKeys, keys.identifiedKeys];
  return (
    isEqual(former.receiveKey, keys.receiveKey) &&
    before.length === now.length &&
    before.every((key, index) => isSameKey(key, now[index]!))
  );
}

const isSameKey = (a: IdentifiedKey, b: IdentifiedKey): boolean =>
  isEqual(a.masterKey, b.masterKey) && isEqual(a.identifier, b.identifier);

export class Protection {
  sender: SrtpSender | null = null;
  receiver: SrtpReceiver | null = null;
  #keys: SrtpKeys | null = null;

  /** Takes SRTP off in place: end of the plain packet, or below 0 when it is dropped, which is counted. */
  unprotect(packet: Buffer, statistics: SlotStatistics): number {
    return this.receiver ? counted(this.receiver.unprotect(packet, packet.length), statistics) : packet.length;
  }

  /** The same for SRTCP. */
  unprotectControl(packet: Buffer, statistics: SlotStatistics): number {
    return this.receiver ? counted(this.receiver.unprotectRtcp(packet, packet.length), statistics) : packet.length;
  }

  /** Whether a fast path could do this: packets of several keys are told apart here only. */
  get isSimple(): boolean {
    return !this.#keys?.identifiedKeys;
  }

  /** What a fast path needs to send with these keys; null: nothing is protected. */
  sending(): FastCrypto | null {
    if (!this.#keys || !this.sender) return null;
    const { suite, sendKey } = this.#keys;
    return { suite, ...deriveSessionKeys(sendKey), highestIndex: this.sender.highestIndex };
  }

  /** The same for what comes of one stream. */
  receiving(ssrc: number): FastReceiveCrypto | null {
    const progress = this.receiver?.progress(ssrc);
    if (!this.#keys || !progress) return null;
    const { suite, receiveKey } = this.#keys;
    const { highest, low, high } = progress;
    return { suite, ...deriveSessionKeys(receiveKey), highestIndex: highest, window: { low, high } };
  }

  /** Applies what an offer/answer decided; each direction changes only with its own key. */
  apply(keys: SrtpKeys | null): void {
    const former = this.#keys;
    this.#keys = keys;
    if (!keys) {
      this.sender = null;
      this.receiver = null;
      return;
    }
    const isSameSuite = former?.suite === keys.suite;
    if (!isSameSuite || !isEqual(former.sendKey, keys.sendKey)) this.sender = new SrtpSender(keys.suite, keys.sendKey);
    if (!isSameSuite || !isSameReceive(former, keys)) {
      this.receiver = new SrtpReceiver(keys.suite, keys.identifiedKeys ?? keys.receiveKey, this.receiver ?? undefined);
    }
  }
}
