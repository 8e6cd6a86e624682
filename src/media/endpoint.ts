// One endpoint: a UDP port pair, one peer. Receives (source rule, SRTP, statistics, digits, taps), hands packets to whoever is joined
// to it, and sends as one unbroken stream what play, bridge, echo or comfort give. core.ts owns it and calls tick and housekeep.
// One piece, because every packet crosses all of it: what is not on that path stands in files of its own.
//
//   socket ─▶ size ─▶ source ─▶ SRTP ─▶ header, payload type ─▶ latch, counters ─┬─▶ digits ─┐
//                                                                              ├─▶ listeners
//                                                        sink: other endpoint ◀┴────────────┘
//   relay (from the other), play, comfort ─▶ outlet.ts ─▶ socket
//
// Everything from the network is counted and dropped, never thrown.

import { limits } from '../base/limits.ts';
import type { AudioCodec, MediaPlan } from '../sdp/plan.ts';
import { plainAddress } from './address.ts';
import type { ListenCommand, StreamCommand } from './audio-messages.ts';
import { ControlSession } from './control.ts';
import { receives } from './directions.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { EndpointId, PlayId, PlayOptions, SourceRule } from './engine.ts';
import type { FastHold, SteadyEndpoint } from './fast-relays.ts';
import type { Fork } from './fork.ts';
import { Latch } from './latching.ts';
import { Listeners } from './listeners.ts';
import { OutgoingStream, type SourceToken } from './outgoing-stream.ts';
import { type EndpointSockets, Outlet } from './outlet.ts';
import { PacketBudget } from './packet-budget.ts';
import type { PacketTap } from './packet-tap.ts';
import { codecOf, PayloadTypes, payloadKind } from './payload-types.ts';
import { type ComfortMode, Playback } from './playback.ts';
import { Presses, type PressesHost } from './presses.ts';
import { Protection } from './protection.ts';
import { Reception } from './reception.ts';
import type { RelaySink } from './relay-sink.ts';
import { isRtcp, mayBeRtp, payloadEnd, payloadStart, readSequence, readSsrc, readTimestamp } from './rtp.ts';
import { Silence } from './silence.ts';
import { drop, field, type SlotStatistics } from './statistics.ts';
import { obeyStream, StreamPlayer } from './stream-player.ts';
import type { DigitEvent } from './telephone-event.ts';
import { FRAME_SAMPLES } from './tone.ts';

/** Without a relayed packet for so long, comfort goes on. */
const RELAY_PAUSE_MS = 200;
const COMFORT_TOKEN = 0;

/** A frame between its source and the packet that it is coded into; never kept. */
const samples = new Int16Array(FRAME_SAMPLES);

export class Endpoint implements PressesHost {
  readonly id: EndpointId;
  readonly statistics: SlotStatistics;
  /** Who hears this endpoint's peer. */
  sink: RelaySink | null = null;
  echo: RelaySink | null = null;
  /** While a fast path has the bridge: called before anything here changes. */
  fast: FastHold | null = null;
  /** Hears a mixer, which then sends in each frame where nothing else does (mixer.ts): no comfort is needed. */
  isMixed = false;
  isClosed = false;
  readonly #context: EndpointContext<Endpoint>;
  readonly #latch = new Latch();
  readonly #protection = new Protection();
  readonly #reception = new Reception();
  readonly #outlet: Outlet;
  readonly #control: ControlSession;
  readonly #budget = new PacketBudget();
  readonly #playback = new Playback();
  readonly #presses: Presses;
  readonly #payloadTypes = new PayloadTypes();
  #plan: MediaPlan | null = null;
  /** Null while nobody listens to its audio. */
  #listeners: Listeners | null = null;
  #tap: PacketTap | null = null;
  #playToken: SourceToken = COMFORT_TOKEN;
  #hasStarted = false;
  readonly #silence = new Silence();
  #relayedAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    id: EndpointId,
    context: EndpointContext<Endpoint>,
    sockets: EndpointSockets,
    statistics: SlotStatistics,
  ) {
    this.id = id;
    this.#context = context;
    this.statistics = statistics;
    const stream = new OutgoingStream(context.random, context.followsSources);
    this.#outlet = new Outlet(stream, sockets, statistics, this.#latch, this.#protection, context.buffers);
    const nowMs = context.clock.now();
    this.#control = new ControlSession(stream, this.#reception, statistics, context.random, nowMs);
    this.#presses = new Presses(this);
  }

  // Of PressesHost, as is insertDigits.
  pressed({ digit, durationMs }: DigitEvent): void {
    this.#context.emit({ type: 'digit', endpoint: this.id, digit, durationMs });
  }

  wake(): void {
    this.#context.wake(this);
  }

  // --- commands

  configure(plan: MediaPlan, rule: SourceRule): void {
    const nowMs = this.#context.clock.now();
    const address = plan.remotePort > 0 ? plainAddress(plan.remoteAddress) : null;
    this.#plan = plan;
    this.#outlet.configure(plan, address ?? '');
    this.#protection.apply(plan.srtp);
    this.#latch.describe(
      address,
      plan.remotePort,
      { ...rule, signallingAddress: plainAddress(rule.signallingAddress) },
      nowMs,
    );
    this.#outlet.disconnect();
    this.#payloadTypes.configure(plan);
    this.#reception.audioType = -1;
    this.#hasStarted = false;
    this.#silence.restart(nowMs);
  }

  expectSilence(isExpected: boolean): void {
    this.#silence.expect(isExpected, this.#context.clock.now());
  }

  play(play: PlayId, player: PlayOptions | StreamPlayer): void {
    const replaced = this.#playback.start(play, player);
    this.#playToken = this.#context.newToken();
    if (replaced !== null) this.#playEnded(replaced, 'stopped');
    this.#context.wake(this);
  }

  /** Null: whichever runs. */
  stopPlay(play: PlayId | null): void {
    const stopped = this.#playback.stop(play);
    if (stopped !== null) this.#playEnded(stopped, 'stopped');
  }

  /** `music` null: the built-in tune. */
  setComfort(mode: ComfortMode, music: Int16Array | null): void {
    this.#playback.setComfort(mode, music);
    if (mode !== 'none') this.#context.wake(this);
  }

  insertDigits(digits: string): void {
    for (const digit of digits) this.#playback.insert(digit);
    this.#playToken = this.#context.newToken();
    this.#context.wake(this);
  }

  detectInbandDigits(isOn: boolean): void {
    this.#presses.detectInband(isOn);
  }

  /** Taps, forks, recordings, speech activity. */
  listen(command: ListenCommand, fork: Fork | null = null): void {
    const listeners = this.#listeners ?? new Listeners(this.id, this.statistics, this.#context);
    listeners.obey(command, this.#context.clock.now(), fork);
    this.#setListeners(listeners.isEmpty ? null : listeners);
    if (this.#listeners) this.#context.wake(this);
  }

  #setListeners(listeners: Listeners | null): void {
    this.#listeners = this.#outlet.listeners = listeners;
  }

  /** A play whose audio comes piece by piece. */
  stream(command: StreamCommand): void {
    const { stream: play } = command;
    if (command.type === 'openStream') {
      const onMark = (name: string) => this.#context.emit({ type: 'markReached', endpoint: this.id, play, name });
      return this.play(play, new StreamPlayer(onMark));
    }
    const player = this.#playback.stream(play);
    if (player) obeyStream(player, command, this.statistics);
  }

  /** Captures packets from now on; null ends it. */
  tapPackets(tap: PacketTap | null): void {
    this.#tap?.flush(true);
    this.#tap = tap;
    this.#outlet.tap = tap;
  }

  /** Says BYE, frees the sockets, ends what runs. */
  close(): void {
    if (this.isClosed) return;
    this.stopPlay(null);
    this.#listeners?.end();
    this.#setListeners(null);
    this.tapPackets(null);
    const packet = this.#context.buffers.next();
    const { clock } = this.#context;
    this.#outlet.sendControl(packet, this.#plan ? this.#control.bye(packet, clock.now(), clock.wall()) : 0);
    this.isClosed = true;
    this.sink = null;
    this.echo = null;
    this.#outlet.close();
  }

  // --- time

  get isPlaying(): boolean {
    return this.#playback.isPlaying;
  }

  /** Whether tick has anything to do. */
  needsTicks(nowMs: number): boolean {
    if (this.isClosed) return false;
    return this.#playback.needsTicks || this.#listeners !== null || this.#presses.needsTicks(nowMs);
  }

  /** Frame number `frame` (20 ms each) is due. */
  tick(frame: number, nowMs: number): void {
    if (this.isClosed) return;
    this.#presses.tick(nowMs);
    this.#listeners?.tick(frame, nowMs);
    if (this.#listeners?.isEmpty) this.#setListeners(null);
    if (this.#plan) this.#sendFrame(this.#plan, frame, nowMs);
  }

  #sendFrame(plan: MediaPlan, frame: number, nowMs: number): void {
    if (this.#playback.isPlaying) {
      const step = this.#playback.next(samples, plan.telephoneEventSend !== null);
      if (typeof step === 'object') this.#outlet.sendEvent(this.#playToken, step, frame, nowMs);
      else if (step !== 'end') this.#outlet.sendAudio(this.#playToken, samples, frame, nowMs);
      const finished = step === 'end' || this.#playback.isPlayedOut ? this.#playback.stop(null) : null;
      if (finished !== null) this.#playEnded(finished, 'finished');
      if (step !== 'end') return;
    }
    if (this.isMixed || this.#playback.comfort === 'none' || nowMs - this.#relayedAtMs < RELAY_PAUSE_MS) return;
    this.#playback.nextComfort(samples);
    this.#outlet.sendAudio(COMFORT_TOKEN, samples, frame, nowMs);
  }

  /** Codec of a frame that a mixer may send now; null while a play or comfort is what the peer hears, or nothing may be sent. */
  get mixCodec(): AudioCodec | null {
    if (!this.#plan || this.isClosed || this.#playback.isPlaying || !this.#outlet.isOpen) return null;
    return this.isMixed || this.#playback.comfort === 'none' ? this.#plan.codec : null;
  }

  /** Sends a frame of a mixer: 160 octets in the codec that mixCodec gave. */
  sendMix(token: SourceToken, payload: Uint8Array, frame: number, nowMs: number): void {
    this.#outlet.sendPayload(token, payload, frame, nowMs);
  }

  /** Called twice a second: silence, reports. */
  housekeep(nowMs: number, wallMs: number): void {
    const plan = this.#plan;
    if (!plan || this.isClosed) return;
    this.#tap?.flush();
    if (this.#outlet.isConnected && this.#latch.state(nowMs) === 'quiet') this.#outlet.disconnect();
    if (this.#silence.isOver(nowMs, receives(plan))) this.#context.emit({ type: 'rtpTimeout', endpoint: this.id });
    const packet = this.#context.buffers.next();
    this.#outlet.sendControl(packet, this.#control.poll(packet, nowMs, wallMs));
  }

  // --- receiving

  /** A datagram on the RTP port. */
  receive(packet: Buffer, address: string, port: number): void {
    const nowMs = this.#context.clock.now();
    const plan = this.#plan;
    if (this.isClosed) return;
    if (!plan) return this.statistics.add(drop.noPlan, 1);
    if (packet.length > limits.mediaDatagramBytes) return this.statistics.add(drop.oversized, 1);
    if (!mayBeRtp(packet)) return this.statistics.add(drop.malformed, 1);
    if (isRtcp(packet)) {
      if (plan.rtcpMux) this.receiveControl(packet, address, port);
      else this.statistics.add(drop.rtcp, 1);
      return;
    }
    if (this.#latch.judge(address, port, nowMs) === 'refuse') return this.statistics.add(drop.source, 1);
    if (!this.#budget.take(nowMs)) return this.statistics.add(drop.rate, 1);
    if (this.fast && (plan.srtp || this.#payloadTypes.kindOf(packet) !== payloadKind.other)) this.fast.packetCame();
    const end = this.#protection.unprotect(packet, this.statistics);
    if (end < 0) return;
    const start = payloadStart(packet, end);
    const payloadEndAt = start < 0 ? -1 : payloadEnd(packet, start, end);
    if (payloadEndAt < 0) return this.statistics.add(drop.malformed, 1);
    if (this.#tap && (!plan.srtp || this.#tap.options.decrypted)) {
      const isEvent = this.#payloadTypes.kindOf(packet) === payloadKind.telephoneEvent;
      this.#tap.take('in', packet, 0, end, isEvent, address, port);
    }
    this.#accept(plan, packet, start, payloadEndAt, address, port, nowMs);
  }

  #accept(
    plan: MediaPlan,
    packet: Buffer,
    start: number,
    end: number,
    address: string,
    port: number,
    nowMs: number,
  ): void {
    // RFC 6263 4.6: keep-alives come with a payload type of their own. They count as a sign of life, and for nothing else.
    this.#silence.restart(nowMs);
    this.statistics.set(field.lastPacketAtMs, nowMs);
    const kind = this.#payloadTypes.kindOf(packet);
    if (kind === payloadKind.other) return this.statistics.add(drop.payloadType, 1);
    const ssrc = readSsrc(packet);
    if (ssrc !== this.#reception.ssrc) this.#presses.restart();
    this.#reception.countPacket(packet, end - start, kind !== payloadKind.telephoneEvent, nowMs, this.statistics);
    if (this.#latch.accept(address, port, ssrc, nowMs)) this.#latched(address, port);
    else if (!this.#outlet.isConnected && this.#latch.state(nowMs) === 'latched') this.#outlet.connect();
    if (!this.#hasStarted) {
      this.#hasStarted = true;
      this.#context.emit({ type: 'mediaStarted', endpoint: this.id, remoteAddress: address, remotePort: port });
    }
    if (!receives(plan)) return this.statistics.add(drop.direction, 1);
    this.#deliver(packet, start, end, kind, ssrc, nowMs);
  }

  #deliver(packet: Buffer, start: number, end: number, kind: number, ssrc: number, nowMs: number): void {
    const codec = codecOf(kind);
    if (codec === null || this.#presses.hearsTones) {
      this.#presses.received(packet.subarray(start, end), readTimestamp(packet), codec, nowMs);
    }
    if (this.#listeners) {
      const payload = packet.subarray(start, end);
      this.#listeners.received(ssrc, readSequence(packet), readTimestamp(packet), payload, codec, nowMs);
    }
    const sink = codec !== null && this.echo ? this.echo : this.sink;
    sink?.relay(packet, start, end, codec, nowMs);
  }

  /** A datagram on the RTCP port, or RTCP on the RTP port with rtcp-mux. */
  receiveControl(packet: Buffer, address: string, port: number): void {
    const { clock } = this.#context;
    if (!this.#plan || this.isClosed) return this.statistics.add(drop.noPlan, 1);
    if (packet.length > limits.mediaDatagramBytes) return this.statistics.add(drop.oversized, 1);
    if (!this.#outlet.isPeer(address)) return this.statistics.add(drop.source, 1);
    const end = this.#protection.unprotectControl(packet, this.statistics);
    if (end < 0) return;
    if (!this.#control.receive(packet, end, clock.now(), clock.wall())) return this.statistics.add(drop.rtcp, 1);
    this.#outlet.controlPort = port;
  }

  /** A telephone event of the peer, in clear, that a fast path has relayed and counted. */
  receiveCopy(packet: Buffer): void {
    const start = payloadStart(packet, packet.length);
    const end = start < 0 ? -1 : payloadEnd(packet, start, packet.length);
    if (end < 0 || this.isClosed) return;
    this.#presses.received(packet.subarray(start, end), readTimestamp(packet), null, this.#context.clock.now());
  }

  /** What a fast path must know of this side; null while packets are needed here. */
  steady(nowMs: number): SteadyEndpoint | null {
    const plan = this.#plan;
    if (plan?.direction !== 'sendrecv' || this.isMixed || this.echo || this.#listeners || this.#tap) return null;
    if (this.#playback.needsTicks || this.#presses.hearsTones || this.#presses.needsTicks(nowMs)) return null;
    const outlet = this.#latch.state(nowMs) === 'latched' ? this.#outlet.steady : null;
    if (!outlet || this.#reception.audioType < 0 || !this.#protection.isSimple) return null;
    const own = { latch: this.#latch, protection: this.#protection, reception: this.#reception };
    return { ...outlet, ...own, plan, statistics: this.statistics };
  }

  /** A fast path had packets of the peer, or for it, the last one then. */
  passed(atMs: number, way: 'in' | 'out'): void {
    if (way === 'out') {
      this.#relayedAtMs = atMs;
      return;
    }
    this.#latch.heard(atMs);
    this.statistics.set(field.lastPacketAtMs, atMs);
    this.#silence.heardAt(atMs);
  }

  socketFailed(): void {
    this.statistics.add(drop.socketError, 1);
  }

  #latched(address: string, port: number): void {
    this.fast?.takeBack();
    this.#outlet.controlPort = 0;
    this.#outlet.connect();
    this.#context.emit({ type: 'latched', endpoint: this.id, remoteAddress: address, remotePort: port });
  }

  #playEnded(play: PlayId, outcome: 'finished' | 'stopped'): void {
    this.#context.emit({ type: 'playEnded', endpoint: this.id, play, outcome });
  }

  // --- sending

  /** Sends a packet of another endpoint (or of our own peer, for echo) to our peer. The buffer is rewritten. */
  relay(token: SourceToken, packet: Buffer, start: number, end: number, codec: AudioCodec | null, nowMs: number): void {
    const plan = this.#plan;
    if (!plan || this.isClosed || !this.#outlet.isOpen) return;
    if (codec === null && plan.telephoneEventSend === null) {
      return this.#presses.relayed(packet.subarray(start, end), readTimestamp(packet), nowMs);
    }
    if (this.#playback.isPlaying) return;
    if (this.echo) this.#outlet.keepOwnNumbers();
    if (this.#outlet.relay(token, packet, start, end, codec, nowMs)) this.#relayedAtMs = nowMs;
  }
}
