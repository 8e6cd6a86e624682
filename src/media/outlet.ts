// The sending half of an endpoint: where packets go, how they are numbered, coded and protected. It decides nothing about what is
// sent; endpoint.ts does.
//
//   relayed packet ─┐
//   frame of audio ─┼─▶ stream: SSRC, sequence, timestamp ─▶ codec of the peer ─▶ SRTP ─▶ RTP socket
//   digit event ────┘                                         RTCP ─▶ SRTCP ─▶ RTCP socket, or with rtcp-mux the RTP socket

import type { AudioCodec, MediaPlan } from '../sdp/plan.ts';
import { sends } from './directions.ts';
import { aLawToMuLaw, encode, muLawToALaw } from './g711.ts';
import type { Latch } from './latching.ts';
import type { Listeners } from './listeners.ts';
import type { OutgoingStream, SourceToken } from './outgoing-stream.ts';
import type { PacketBuffers } from './packet-buffers.ts';
import type { PacketTap } from './packet-tap.ts';
import type { EventStep } from './player.ts';
import type { Protection } from './protection.ts';
import { Reframer } from './reframer.ts';
import { RTP_HEADER_BYTES, readMarker, readSequence, readSsrc, readTimestamp, writeHeader } from './rtp.ts';
import type { MediaSocket } from './sockets.ts';
import { drop, field, type SlotStatistics } from './statistics.ts';
import { FRAME_SAMPLES } from './tone.ts';

export interface EndpointSockets {
  readonly rtp: MediaSocket;
  readonly rtcp: MediaSocket;
}

export class Outlet {
  isConnected = false;
  tap: PacketTap | null = null;
  /** Who listens to what is sent. */
  listeners: Listeners | null = null;
  /** Where the peer's RTCP came from; 0 while none came. */
  controlPort = 0;
  readonly #stream: OutgoingStream;
  readonly #sockets: EndpointSockets;
  readonly #statistics: SlotStatistics;
  readonly #latch: Latch;
  readonly #protection: Protection;
  readonly #buffers: PacketBuffers;
  /** Of a giver whose packets are not of 20 ms. */
  #reframer: Reframer | null = null;
  #plan: MediaPlan | null = null;
  #describedAddress = '';

  constructor(
    stream: OutgoingStream,
    sockets: EndpointSockets,
    statistics: SlotStatistics,
    latch: Latch,
    protection: Protection,
    buffers: PacketBuffers,
  ) {
    this.#stream = stream;
    this.#sockets = sockets;
    this.#statistics = statistics;
    this.#latch = latch;
    this.#protection = protection;
    this.#buffers = buffers;
  }

  /** `describedAddress`: the SDP's address in normal form, empty when it has none. */
  configure(plan: MediaPlan, describedAddress: string): void {
    this.#plan = plan;
    this.#describedAddress = describedAddress;
    this.controlPort = 0;
  }

  /** Whether audio may go out: the direction allows it (RFC 3264 5.1, 8.4) and it is known where to. */
  get isOpen(): boolean {
    return this.#plan !== null && sends(this.#plan) && this.#remoteAddress() !== '';
  }

  /** Whether RTCP of this address is the peer's. */
  isPeer(address: string): boolean {
    return address === this.#remoteAddress() || address === this.#describedAddress;
  }

  /** Connects the RTP socket to the latched source. */
  connect(): void {
    this.#sockets.rtp.connect(this.#latch.address, this.#latch.port);
    this.isConnected = true;
  }

  disconnect(): void {
    if (this.isConnected) this.#sockets.rtp.disconnect();
    this.isConnected = false;
  }

  close(): void {
    this.#sockets.rtp.close();
    this.#sockets.rtcp.close();
  }

  /** See OutgoingStream.keepOwn. */
  keepOwnNumbers(): void {
    this.#stream.keepOwn();
  }

  /** What a fast path needs to send here; null while packets of the giver are cut anew, or it is not connected. */
  get steady(): { readonly stream: OutgoingStream; readonly socket: MediaSocket } | null {
    return this.isConnected && !this.#reframer ? { stream: this.#stream, socket: this.#sockets.rtp } : null;
  }

  /** Sends another endpoint's packet on, as frames of 20 ms; rewrites the buffer. False when it came too late to have a number. */
  relay(
    token: SourceToken,
    packet: Buffer,
    start: number,
    end: number,
    codec: AudioCodec | null,
    nowMs: number,
  ): boolean {
    const isFrame = codec === null || end - start === FRAME_SAMPLES;
    if (this.#reframer === null && isFrame) return this.#pass(token, packet, start, end, codec, nowMs);
    if (this.#reframer === null || !this.#reframer.isOf(token, packet)) {
      this.#reframer = isFrame ? null : new Reframer(token, packet);
    }
    const reframer = this.#reframer;
    if (reframer === null || codec === null) {
      reframer?.renumber(packet);
      return this.#pass(token, packet, start, end, codec, nowMs);
    }
    if (!reframer.take(packet, start, end, codec)) {
      this.#statistics.add(drop.late, 1);
      return false;
    }
    const frameEnd = RTP_HEADER_BYTES + FRAME_SAMPLES;
    for (let frame = this.#buffers.next(); reframer.next(frame); frame = this.#buffers.next()) {
      this.#pass(token, frame, RTP_HEADER_BYTES, frameEnd, codec, nowMs);
    }
    return true;
  }

  #pass(
    token: SourceToken,
    packet: Buffer,
    start: number,
    end: number,
    codec: AudioCodec | null,
    nowMs: number,
  ): boolean {
    const plan = this.#plan!;
    // RFC 3711 3.3.1: a stream under SRTP begins with a number of the lower half, which theirs need not be.
    if (this.#protection.sender) this.#stream.keepOwn();
    const isTaken = this.#stream.relayed(
      token,
      readSsrc(packet),
      readSequence(packet),
      readTimestamp(packet),
      readMarker(packet),
      nowMs,
    );
    if (!isTaken) {
      this.#statistics.add(drop.late, 1);
      return false;
    }
    if (codec !== null && codec !== plan.codec) transcode(packet, start, end, plan.codec);
    // CSRC list, extension and padding are between the peer and us; the new header goes right before the payload.
    const headerAt = start - RTP_HEADER_BYTES;
    this.#writeHeader(packet, headerAt, codec === null ? plan.telephoneEventSend! : plan.payloadType);
    this.#transmit(packet, headerAt, end, false, nowMs);
    return true;
  }

  /** One frame of 160 samples. */
  sendAudio(token: SourceToken, samples: Int16Array, frame: number, nowMs: number): void {
    if (!this.isOpen) return;
    const plan = this.#plan!;
    const packet = this.#buffers.next();
    this.#stream.generated(token, frame, nowMs);
    this.#writeHeader(packet, 0, plan.payloadType);
    encode(plan.codec, samples, packet.subarray(RTP_HEADER_BYTES));
    this.#transmit(packet, 0, RTP_HEADER_BYTES + FRAME_SAMPLES, true, nowMs);
  }

  /** One frame that is coded already: 160 octets. */
  sendPayload(token: SourceToken, payload: Uint8Array, frame: number, nowMs: number): void {
    if (!this.isOpen) return;
    const packet = this.#buffers.next();
    this.#stream.generated(token, frame, nowMs);
    this.#writeHeader(packet, 0, this.#plan!.payloadType);
    packet.set(payload, RTP_HEADER_BYTES);
    this.#transmit(packet, 0, RTP_HEADER_BYTES + FRAME_SAMPLES, true, nowMs);
  }

  sendEvent(token: SourceToken, step: EventStep, frame: number, nowMs: number): void {
    const payloadType = this.#plan?.telephoneEventSend ?? null;
    if (!this.isOpen || payloadType === null) return;
    const packet = this.#buffers.next();
    this.#stream.generatedEvent(token, step.startOfEvent, frame, nowMs);
    this.#writeHeader(packet, 0, payloadType);
    packet.set(step.payload, RTP_HEADER_BYTES);
    this.#transmit(packet, 0, RTP_HEADER_BYTES + step.payload.length, true, nowMs);
  }

  /** Sends the compound packet in packet[0..length), which has room for the SRTCP trailer; nothing when length is 0. */
  sendControl(packet: Buffer, length: number): void {
    const plan = this.#plan;
    const address = this.#remoteAddress();
    if (!plan || length === 0 || address === '') return;
    const sender = this.#protection.sender;
    const datagram = packet.subarray(0, sender ? sender.protectRtcp(packet, length) : length);
    const isSent = plan.rtcpMux
      ? this.#sockets.rtp.send(datagram, address, this.#remotePort(plan))
      : this.#sockets.rtcp.send(datagram, address, this.#remoteControlPort(plan));
    if (!isSent) this.#statistics.add(drop.sendFailed, 1);
  }

  #writeHeader(packet: Buffer, at: number, payloadType: number): void {
    const { marker, sequence, timestamp, ssrc } = this.#stream;
    writeHeader(packet, at, marker, payloadType, sequence, timestamp, ssrc);
  }

  /** `hasRoom`: the buffer is one of ours, with room for the SRTP tag behind the packet. */
  #transmit(packet: Buffer, start: number, end: number, hasRoom: boolean, nowMs: number): void {
    if (this.listeners) this.#overhear(this.listeners, packet, start, end, nowMs);
    const sender = this.#protection.sender;
    if (this.tap && (!sender || this.tap.options.decrypted)) this.#take(this.tap, packet, start, end);
    let out = packet;
    let outStart = start;
    let outEnd = end;
    if (sender) {
      if (!hasRoom) {
        out = this.#buffers.next();
        packet.copy(out, 0, start, end);
        outStart = 0;
        outEnd = end - start;
      }
      outEnd = sender.protect(out, outEnd);
      if (outEnd < 0) return this.#statistics.add(drop.late, 1);
    }
    const datagram = outStart === 0 && outEnd === out.length ? out : out.subarray(outStart, outEnd);
    if (!this.#sockets.rtp.sendSoon(datagram, this.#remoteAddress(), this.#remotePort(this.#plan!))) {
      return this.#statistics.add(drop.sendFailed, 1);
    }
    this.#statistics.add(field.packetsSent, 1);
    this.#statistics.add(field.bytesSent, end - start - RTP_HEADER_BYTES);
  }

  #overhear(listeners: Listeners, packet: Buffer, start: number, end: number, nowMs: number): void {
    const { ssrc, sequence, timestamp } = this.#stream;
    const plan = this.#plan!;
    const isEvent = (packet[start + 1]! & 0x7f) === plan.telephoneEventSend;
    const payload = packet.subarray(start + RTP_HEADER_BYTES, end);
    listeners.sent(ssrc, sequence, timestamp, payload, isEvent ? null : plan.codec, nowMs);
  }

  #take(tap: PacketTap, packet: Buffer, start: number, end: number): void {
    const isEvent = (packet[start + 1]! & 0x7f) === this.#plan?.telephoneEventSend;
    tap.take('out', packet, start, end, isEvent, this.#remoteAddress(), this.#remotePort(this.#plan!));
  }

  /** Empty while it is not known where to send. */
  #remoteAddress(): string {
    return this.#latch.isLatched ? this.#latch.address : this.#describedAddress;
  }

  #remotePort(plan: MediaPlan): number {
    return this.#latch.isLatched ? this.#latch.port : plan.remotePort;
  }

  /** Where the peer's RTCP came from; else as described; a peer that latched elsewhere has it, we hope, on the next port. */
  #remoteControlPort(plan: MediaPlan): number {
    if (this.controlPort > 0) return this.controlPort;
    const rtpPort = this.#remotePort(plan);
    const isAsDescribed = rtpPort === plan.remotePort && this.#remoteAddress() === this.#describedAddress;
    return isAsDescribed ? plan.remoteRtcpPort : rtpPort + 1;
  }
}

function transcode(packet: Uint8Array, start: number, end: number, to: AudioCodec): void {
  const table = to === 'PCMA' ? muLawToALaw : aLawToMuLaw;
  for (let index = start; index < end; index++) packet[index] = table[packet[index]!]!;
}
