// The capture of a call: SIP of all legs of its family, and RTP where the settings allow it, as a pcap. It is built from the trace while
// the call is in memory; when the whole family has ended it is written to disk (capture-files.ts), where it is kept for some days.
//
//   created ─▶ … ─▶ all ended ─▶ captureSettleMs (the last answers) ─▶ segment ─▶ sweep after captureDays, or when the folder is full
//
// Families that end within captureGatherMs are built and written together.
//
// Signalling that was encrypted is left out, as the vendor does, unless the account opted in; secrets are crossed out (mask.ts).

import type { Clock, Timer } from '../base/clock.ts';
import type { CallEvent } from '../base/events.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { CaptureFiles, FamilyCapture } from './capture-files.ts';
import { maskText } from './mask.ts';
import type { Payload } from './packet-headers.ts';
import type { CapturedPayload } from './pcap.ts';
import { writePcap } from './pcap.ts';
import { RtpLog, type RtpPacket } from './rtp-log.ts';
import type { Trace, TracedFamily, TraceEntry } from './trace.ts';

export interface CapturePolicy {
  /** The account wants what was encrypted on the wire in its captures, in clear. */
  readonly isDecrypted: (accountSid: string) => boolean;
  /** Digits and credentials stay in clear. */
  readonly withSecrets: () => boolean;
}

export interface CaptureParts {
  readonly trace: Trace;
  readonly policy: CapturePolicy;
  /** Undefined: captures live in memory only. */
  readonly files: CaptureFiles | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

export interface CaptureCounts {
  readonly rtpBytes: number;
  readonly rtpDropped: number;
  /** Captures that are still to be written. */
  readonly pending: number;
  readonly writesDropped: number;
}

export class Captures {
  readonly #parts: CaptureParts;
  readonly #rtp = new RtpLog(limits.captureRtpBytesPerCall, limits.captureRtpBytes);
  /** When each is built, by its root; in order of time, since each waits equally long. */
  readonly #settling = new Map<string, number>();
  #timer: Timer | undefined;
  readonly #writing = new Map<string, Promise<void>>();
  #writesDropped = 0;

  constructor(parts: CaptureParts) {
    this.#parts = parts;
  }

  /** After the trace has seen the event. */
  onEvent(event: CallEvent): void {
    if (event.type !== 'ended') return;
    const { trace, clock } = this.#parts;
    const root = trace.rootOf(event.callSid);
    if (!trace.isFamilyOver(root)) return;
    this.#settling.delete(root);
    this.#settling.set(root, clock.now() + limits.captureSettleMs);
    this.#timer ??= clock.after(limits.captureSettleMs, () => this.#settleDue());
  }

  /** Packets of one leg. */
  onRtp(callSid: string, packets: readonly RtpPacket[], dropped: number): void {
    this.#rtp.add(this.#parts.trace.rootOf(callSid), packets, dropped);
  }

  /**
   * The pcap of the family of `callSid`; undefined when nothing is kept of it. `rootSid` names the family when it is no longer in
   * memory (the caller knows parents from the store).
   */
  async read(callSid: string, rootSid: string): Promise<Buffer | undefined> {
    const { trace, files } = this.#parts;
    const family = trace.family(callSid);
    const root = family?.callSids[0] ?? rootSid;
    await this.#writing.get(root);
    const isWritten = !family || (family.isOver && !this.#settling.has(root));
    const stored = isWritten ? await files?.read(root) : undefined;
    return stored ?? (family && this.#build(family));
  }

  counts(): CaptureCounts {
    return {
      rtpBytes: this.#rtp.bytes,
      rtpDropped: this.#rtp.dropped,
      pending: this.#settling.size + this.#writing.size,
      writesDropped: this.#writesDropped,
    };
  }

  /** Writes what has ended and waits for it. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    while (this.#settling.size > 0) this.#settle([...this.#settling.keys()].slice(0, limits.capturesAtOnce));
    await Promise.all(this.#writing.values());
  }

  #settleDue(): void {
    const { clock } = this.#parts;
    const now = clock.now();
    const due: string[] = [];
    let next: number | undefined;
    for (const [root, dueAt] of this.#settling) {
      if (dueAt > now || due.length === limits.capturesAtOnce) {
        next = dueAt;
        break;
      }
      due.push(root);
    }
    this.#settle(due);
    // Those that come next wait for one another, but not when these were too many for one turn.
    const wait = due.length === limits.capturesAtOnce ? 0 : limits.captureGatherMs;
    this.#timer = next === undefined ? undefined : clock.after(Math.max(wait, next - now), () => this.#settleDue());
  }

  #settle(roots: readonly string[]): void {
    const { trace, files, log } = this.#parts;
    const group: FamilyCapture[] = [];
    for (const root of roots) {
      this.#settling.delete(root);
      this.#rtp.ended(root);
      const family = files && trace.family(root);
      if (!family) continue;
      if (this.#writing.size + group.length < limits.captureWritesInFlight)
        group.push({ rootSid: root, capture: this.#build(family) });
      else this.#writesDropped++;
    }
    if (!files || group.length === 0) return;
    const written = files
      .write(group)
      .then(() => {
        for (const { rootSid } of group) this.#rtp.forget(rootSid);
      })
      .catch((fault: Error) => {
        this.#writesDropped += group.length;
        log.warn({ captures: group.length, reason: fault.message }, 'captures of calls could not be written');
      })
      .finally(() => {
        for (const { rootSid } of group) if (this.#writing.get(rootSid) === written) this.#writing.delete(rootSid);
      });
    for (const { rootSid } of group) this.#writing.set(rootSid, written);
  }

  #build(family: TracedFamily): Buffer {
    const { policy } = this.#parts;
    const settings = { isDecrypted: policy.isDecrypted(family.accountSid), withSecrets: policy.withSecrets() };
    return captureOf(family, this.#rtp.of(family.callSids[0] ?? ''), settings);
  }
}

/** A pcap of the family's SIP and of `rtp`, in order of time. Pure. */
export function captureOf(
  family: TracedFamily,
  rtp: readonly RtpPacket[],
  settings: { readonly isDecrypted: boolean; readonly withSecrets: boolean },
): Buffer {
  const payloads: CapturedPayload<Payload>[] = [];
  for (const entry of family.entries) {
    if (entry.kind !== 'sip' || (isEncrypted(entry.flow.transport) && !settings.isDecrypted)) continue;
    const shown = settings.withSecrets ? entry.text : maskText(entry.text);
    payloads.push(sipPayload(entry, settings.isDecrypted && rtp.length > 0 ? withPlainMedia(shown) : shown));
  }
  // Of the messages alone the family has the order already.
  if (rtp.length === 0) return writePcap(payloads);
  for (const packet of rtp) payloads.push(rtpPayload(packet));
  return writePcap(payloads.sort((a, b) => a.wallMs - b.wallMs));
}

/**
 * The RTP of a decrypted capture is in clear, so its session descriptions must not announce SRTP, or an analyser takes the end of each
 * packet for a tag. A zero before the port keeps the length.
 */
const withPlainMedia = (message: string): string =>
  message.replace(/^(m=\w+ )(\d+ RTP\/)SAVP/gm, (_, kind: string, place: string) => `${kind}0${place}AVP`);

export const isEncrypted = (transport: string): boolean => transport === 'tls' || transport === 'wss';

/** A message between its two ends; `payload` is what is shown of it. */
export function sipPayload<P extends Payload>(
  { flow, wall, direction }: Pick<Extract<TraceEntry, { kind: 'sip' }>, 'flow' | 'wall' | 'direction'>,
  payload: P,
): CapturedPayload<P> {
  const isHidden = isEncrypted(flow.transport);
  const local = { address: flow.localAddress, port: isHidden ? plainPort(flow.localPort) : flow.localPort };
  const remote = { address: flow.remoteAddress, port: isHidden ? plainPort(flow.remotePort) : flow.remotePort };
  const isIn = direction === 'in';
  return {
    wallMs: wall,
    protocol: flow.transport === 'udp' ? 'udp' : 'tcp',
    source: isIn ? remote : local,
    destination: isIn ? local : remote,
    payload,
  };
}

/** What is in clear must not look like TLS to an analyser, which goes by the port. */
const plainPort = (port: number): number => (port === 5061 || port === 443 ? 5060 : port);

function rtpPayload(packet: RtpPacket): CapturedPayload {
  const { local, remote, wallMs, payload } = packet;
  const [source, destination] = packet.direction === 'in' ? [remote, local] : [local, remote];
  return { wallMs, protocol: 'udp', source, destination, payload };
}
