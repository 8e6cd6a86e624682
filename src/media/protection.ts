// The SRTP contexts of one endpoint: kept while the keys stay the same (a re-offer must not reset the roll-over counter), made
// anew when an offer/answer brings other keys. Without keys everything passes as it is.

import type { SrtpKeys } from '../sdp/plan.ts';
import { SrtpReceiver, SrtpSender } from './srtp.ts';

const isEqual = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export class Protection {
  sender: SrtpSender | null = null;
  receiver: SrtpReceiver | null = null;
  #keys: SrtpKeys | null = null;

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
    if (!isSameSuite || !isEqual(former.receiveKey, keys.receiveKey)) {
      this.receiver = new SrtpReceiver(keys.suite, keys.receiveKey);
    }
  }
}
