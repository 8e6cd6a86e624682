// SRTP as a peer of ours puts it on what it sends.

import { SRTP_TRAILER_BYTES, SrtpSender } from '../../src/media/srtp.ts';
import type { SrtpKeys } from '../../src/sdp/plan.ts';

/** Makes packets of the peer whose plan has these keys; null: as they are. */
export function protection(srtp: SrtpKeys | null): (packet: Buffer) => Buffer {
  if (!srtp) return (packet) => packet;
  const sender = new SrtpSender(srtp.suite, srtp.receiveKey);
  return (packet) => {
    const buffer = Buffer.concat([packet, Buffer.alloc(SRTP_TRAILER_BYTES)]);
    return buffer.subarray(0, sender.protect(buffer, packet.length));
  };
}
