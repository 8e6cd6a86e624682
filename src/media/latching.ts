// Whose packets are taken, and where ours go (design.md 6, "Addresses"). Pure: one Latch per endpoint, told of each packet's
// source; for SRTP only after its tag was verified. A source is latched after three packets of one SSRC; then the socket is
// connected to it, and all but the SDP's own address is refused until it was silent for two seconds or a new offer/answer comes.
//
//   source of the packet            nothing latched   latched       latched, silent 2 s
//   latched address and port        –                 accept        accept
//   as the SDP says                 candidate         candidate     candidate
//   SDP's address, other port       candidate         refuse        candidate
//   signalling address, within 5 s  candidate         refuse        candidate
//   anyone, domain with nat: true   candidate         refuse        candidate
//   anyone else                     refuse            refuse        refuse

import { limits } from '../base/limits.ts';
import type { SourceRule } from './engine.ts';

export type SourceKind = 'latched' | 'described' | 'describedHost' | 'signalling' | 'natted' | 'stranger';
export type LatchState = 'open' | 'latched' | 'quiet';
export type Verdict = 'accept' | 'candidate' | 'refuse';

export const latchTable: Readonly<Record<SourceKind, Readonly<Record<LatchState, Verdict>>>> = {
  latched: { open: 'accept', latched: 'accept', quiet: 'accept' },
  described: { open: 'candidate', latched: 'candidate', quiet: 'candidate' },
  describedHost: { open: 'candidate', latched: 'refuse', quiet: 'candidate' },
  signalling: { open: 'candidate', latched: 'refuse', quiet: 'candidate' },
  natted: { open: 'candidate', latched: 'refuse', quiet: 'candidate' },
  stranger: { open: 'refuse', latched: 'refuse', quiet: 'refuse' },
};

/** Packets of one SSRC that latch a source. */
const LATCH_PACKETS = 3;

export class Latch {
  /** The latched source; port 0 while there is none. */
  address = '';
  port = 0;
  #describedAddress = '';
  #describedPort = 0;
  #rule: SourceRule = { signallingAddress: null, nat: false };
  #changedAtMs = 0;
  #acceptedAtMs = 0;
  /** Packets of the latched source still missing after an offer/answer before others are refused again. */
  #reopenedPackets = 0;
  #candidateAddress = '';
  #candidatePort = 0;
  #candidateSsrc = -1;
  #candidatePackets = 0;
  #candidateAtMs = 0;

  /**
   * An offer/answer came: the five seconds of the signalling address begin again. Another address starts anew. The same one (hold,
   * session refresh) keeps the latched source as the target, but lets others in as if it were silent until it has sent three
   * packets more: clients behind NAT come from a new port after a re-INVITE.
   */
  describe(address: string | null, port: number, rule: SourceRule, nowMs: number): void {
    const isMoved = (address ?? '') !== this.#describedAddress || port !== this.#describedPort;
    this.#describedAddress = address ?? '';
    this.#describedPort = port;
    this.#rule = rule;
    this.#changedAtMs = nowMs;
    this.#reopenedPackets = LATCH_PACKETS;
    if (isMoved) this.unlatch();
  }

  unlatch(): void {
    this.address = '';
    this.port = 0;
    this.#candidatePackets = 0;
    this.#candidatePort = 0;
  }

  /** A fast path had a packet of the latched source then. */
  heard(atMs: number): void {
    this.#acceptedAtMs = Math.max(this.#acceptedAtMs, atMs);
  }

  get isLatched(): boolean {
    return this.port !== 0;
  }

  state(nowMs: number): LatchState {
    if (this.port === 0) return 'open';
    const isQuiet = this.#reopenedPackets > 0 || nowMs - this.#acceptedAtMs >= limits.latchSilenceMs;
    return isQuiet ? 'quiet' : 'latched';
  }

  kindOf(address: string, port: number, nowMs: number): SourceKind {
    if (port === this.port && address === this.address) return 'latched';
    if (address === this.#describedAddress) return port === this.#describedPort ? 'described' : 'describedHost';
    const isRecent = nowMs - this.#changedAtMs <= limits.latchWindowMs;
    if (isRecent && address === this.#rule.signallingAddress) return 'signalling';
    return this.#rule.nat ? 'natted' : 'stranger';
  }

  /** Whether a packet of this source may be looked at further. Changes nothing: it may still fail its tag. */
  judge(address: string, port: number, nowMs: number): Verdict {
    // Nearly every packet; the table says the same.
    if (port === this.port && address === this.address) return 'accept';
    const kind = this.kindOf(address, port, nowMs);
    const verdict = latchTable[kind][this.state(nowMs)];
    if (verdict !== 'candidate' || kind === 'described') return verdict;
    // Two sources at once: the first keeps its chance as long as it sends; the described one goes before all others.
    const isRival =
      this.#candidatePort !== 0 &&
      (port !== this.#candidatePort || address !== this.#candidateAddress) &&
      nowMs - this.#candidateAtMs < limits.latchSilenceMs;
    return isRival ? 'refuse' : 'candidate';
  }

  /** A verified packet that judge did not refuse. True when it latched its source just now. */
  accept(address: string, port: number, ssrc: number, nowMs: number): boolean {
    if (port === this.port && address === this.address) {
      this.#acceptedAtMs = nowMs;
      if (this.#reopenedPackets > 0) this.#reopenedPackets -= 1;
      return false;
    }
    const isSame = port === this.#candidatePort && address === this.#candidateAddress && ssrc === this.#candidateSsrc;
    if (!isSame) {
      this.#candidateAddress = address;
      this.#candidatePort = port;
      this.#candidateSsrc = ssrc;
      this.#candidatePackets = 0;
    }
    this.#candidateAtMs = nowMs;
    this.#candidatePackets += 1;
    if (this.#candidatePackets < LATCH_PACKETS) return false;
    this.address = address;
    this.port = port;
    this.#acceptedAtMs = nowMs;
    this.#reopenedPackets = 0;
    this.#candidatePackets = 0;
    this.#candidatePort = 0;
    return true;
  }
}
