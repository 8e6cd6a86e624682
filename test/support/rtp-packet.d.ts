// Types of what the tests use of the npm package rtp-packet, the oracle of the differential tests. It brings none of its own.

declare module 'rtp-packet' {
  export class SrtpSession {
    constructor(masterKey: Buffer, masterSalt: Buffer);
    encryptRtp(packet: Buffer): Buffer | null;
    decryptRtp(packet: Buffer): Buffer | null;
    encryptRtcp(packet: Buffer): Buffer | null;
    decryptRtcp(packet: Buffer): Buffer | null;
  }
  export interface ParsedRtcp {
    readonly name?: string;
    readonly ssrc?: number;
    readonly ssrcs?: readonly number[];
    readonly cname?: string;
    readonly rtpTimestamp?: number;
    readonly packetCount?: number;
    readonly octetCount?: number;
    readonly ntpTimestampMsw?: number;
    readonly reports?: readonly {
      readonly mediaSsrc: number;
      readonly fractionLost: number;
      readonly totalLost: number;
      readonly highestSeq: number;
      readonly jitter: number;
      readonly lastSR: number;
      readonly delaySinceLastSR: number;
    }[];
  }
  export function parseRTCPCompound(packet: Buffer): ParsedRtcp[];
}
