// How a direction is told to the addon and its counters are read back: offsets as in engine.c, numbers in the order of this machine.
//
//   direction   0 ssrc(4) │ 4 highest(2) │ 6 base(2) │ 8 sequence offset(2) │ 10 audio in, out(1,1) │ 12 event in, out(1,1) │ 14 flags(1)
//               16 timestamp offset(4) │ 20 outgoing ssrc(4) │ 24 packets per second(2) │ 26 burst(2) │ 32 translation(256)
//               288 keys of what comes │ 368 keys of what goes
//   keys        0 tag size(1) │ 1 cipher key(16) │ 17 authentication key(20) │ 37 salt(14) │ 56 highest index(8) │ 64 window low, high(4,4)

import { endianness } from 'node:os';
import { limits } from '../../base/limits.ts';
import type { FastCount, FastCrypto, FastDirection, FastReceiveCrypto } from '../fast-path.ts';
import { srtpTagBytes } from '../srtp.ts';

export const DIRECTION_BYTES = 448;
export const COUNTER_NUMBERS = 20;

const isLittle = endianness() === 'LE';
/** No payload type has this number. */
const NO_TYPE = 255;
const flag = { translates: 1, receivesSrtp: 2, sendsSrtp: 4 } as const;
const keysAt = { receive: 288, send: 368 } as const;

/** Writes a direction at `at`, over zeros. */
export function writeDirection(into: Buffer, at: number, one: FastDirection): void {
  const view = new DataView(into.buffer, into.byteOffset + at, DIRECTION_BYTES);
  view.setUint32(0, one.ssrc, isLittle);
  view.setUint16(4, one.highestSequence, isLittle);
  view.setUint16(6, one.baseSequence, isLittle);
  view.setUint16(8, one.sequenceOffset, isLittle);
  view.setUint8(10, one.audio.in);
  view.setUint8(11, one.audio.out);
  view.setUint8(12, one.telephoneEvent?.in ?? NO_TYPE);
  view.setUint8(13, one.telephoneEvent?.out ?? NO_TYPE);
  view.setUint8(
    14,
    (one.translation ? flag.translates : 0) |
      (one.receiveCrypto ? flag.receivesSrtp : 0) |
      (one.sendCrypto ? flag.sendsSrtp : 0),
  );
  view.setUint32(16, one.timestampOffset, isLittle);
  view.setUint32(20, one.outgoingSsrc, isLittle);
  view.setUint16(24, limits.mediaPacketsPerSecond, isLittle);
  view.setUint16(26, limits.mediaPacketBurst, isLittle);
  if (one.translation) into.set(one.translation, at + 32);
  if (one.receiveCrypto) writeKeys(into, at + keysAt.receive, one.receiveCrypto);
  if (one.sendCrypto) writeKeys(into, at + keysAt.send, one.sendCrypto);
}

function writeKeys(into: Buffer, at: number, crypto: FastCrypto | FastReceiveCrypto): void {
  const view = new DataView(into.buffer, into.byteOffset + at, 80);
  view.setUint8(0, srtpTagBytes(crypto.suite));
  into.set(crypto.cipherKey, at + 1);
  into.set(crypto.authKey, at + 17);
  into.set(crypto.salt, at + 37);
  view.setFloat64(56, crypto.highestIndex, isLittle);
  if (!('window' in crypto)) return;
  view.setUint32(64, crypto.window.low, isLittle);
  view.setUint32(68, crypto.window.high, isLittle);
}

const NO_DROPS: FastCount['drops'] = {};
const FIRST_DROP = 5;
const LAST_DROP = 11;

/** The counters of one direction, which begin at `at`. */
export function readCount(counters: Float64Array, at: number): FastCount {
  const value = (index: number): number => counters[at + index]!;
  return {
    received: value(0),
    receivedBytes: value(1),
    sent: value(2),
    sentBytes: value(3),
    silentMs: value(4),
    drops: readDrops(counters, at),
    numbers: {
      highestSequence: value(12),
      latestTimestamp: value(13),
      jitterUnits: value(14),
      receiveIndex: value(15),
      receiveWindow: { low: value(16), high: value(17) },
      sendIndex: value(18),
    },
  };
}

/** Mostly there are none. */
function readDrops(counters: Float64Array, at: number): FastCount['drops'] {
  let sum = 0;
  for (let index = FIRST_DROP; index <= LAST_DROP; index++) sum += counters[at + index]!;
  if (sum === 0) return NO_DROPS;
  const value = (index: number): number => counters[at + index]!;
  return {
    ...{ rate: value(5), authentication: value(6), replay: value(7), malformed: value(8), late: value(9) },
    ...{ sendFailed: value(10), socketError: value(11) },
  };
}
