// The media engine of one thread: endpoints, bridges, the 20 ms clock and the port pool. Commands go in, replies come out; time,
// randomness and sockets are given, so that the same code runs in a worker on real UDP and in a simulation on a virtual network.
// It sets no timer while there is nothing to do.
//
//   ticks   epoch + n · 20 ms, absolute: lateness never adds up; up to limits.mediaCatchUpFrames missed ones are made up for,
//           beyond that they are left out and timestamps jump by as much.

import type { Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Result } from '../base/result.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import type { ForkCommand } from './audio-messages.ts';
import { joinBridge, linkBridge } from './bridge.ts';
import { CoreBridges } from './core-bridges.ts';
import type { CoreOptions } from './core-options.ts';
import { Endpoint } from './endpoint.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { EndpointId, MediaEvent } from './engine.ts';
import { FastRelays } from './fast-relays.ts';
import { Fork } from './fork.ts';
import { forkInlet, forkTo, forkToRing } from './fork-ends.ts';
import type { CoreCommand, OpenFailure } from './messages.ts';
import type { MixerCommand } from './mixer-messages.ts';
import { Mixers } from './mixers.ts';
import type { SourceToken } from './outgoing-stream.ts';
import type { EndpointSockets } from './outlet.ts';
import { PacketBuffers } from './packet-buffers.ts';
import { type CaptureOptions, PacketTap, type TappedBatch } from './packet-tap.ts';
import { withSharedTypes } from './payload-types.ts';
import { openPortPair } from './port-pair.ts';
import { PortPool } from './port-pool.ts';
import { Receiver } from './receiver.ts';
import { Round, turnsFor } from './round.ts';
import { ShortLinks } from './short-links.ts';
import { drop } from './statistics.ts';

const FRAME_MS = 20;
/** A timer may fire a little before its time. */
const FRAME_TOLERANCE = 0.05;
const HOUSEKEEPING_MS = 500;

interface OpenEndpoint {
  readonly callSid: string;
  readonly endpoint: Endpoint;
  readonly localAddress: string;
  readonly rtpPort: number;
}

type OpenCommand = CoreCommand & { readonly type: 'open' };

export class MediaCore {
  readonly #options: CoreOptions;
  readonly #pool: PortPool;
  readonly #context: EndpointContext<Endpoint>;
  readonly #endpoints = new Map<EndpointId, OpenEndpoint>();
  readonly #round = new Round(this.#endpoints);
  readonly #bridges = new CoreBridges();
  readonly #fast: FastRelays;
  readonly #links: ShortLinks;
  readonly #mixers: Mixers;
  readonly #ticking = new Set<Endpoint>();
  readonly #epochMs: number;
  #frame = 0;
  #ticker: Timer | null = null;
  #housekeeper: Timer | null = null;
  #tokens: SourceToken = 1;
  #isStopped = false;
  /** Events of the tick that is running. */
  #tickEvents: MediaEvent[] | null = null;
  /** Recordings that are being completed. */
  readonly #finishing = new Set<Promise<void>>();
  readonly #onFault = (endpoint: Endpoint, fault: unknown): void => this.#faulted(endpoint, fault);

  constructor(options: CoreOptions) {
    this.#options = options;
    this.#pool = new PortPool(options.ports, options.random);
    this.#fast = new FastRelays(options.fastPath ?? null, options.clock);
    this.#links = new ShortLinks(options.clock);
    this.#epochMs = options.clock.now();
    this.#context = {
      clock: options.clock,
      random: options.random,
      buffers: new PacketBuffers(),
      followsSources: options.fastPath?.needsUnchanged ?? false,
      emit: (event: MediaEvent) => this.#emit(event),
      finish: (closing) => this.#finish(closing),
      wake: (endpoint: Endpoint) => this.#wake(endpoint),
      newToken: () => this.#tokens++,
    };
    this.#mixers = new Mixers({
      rings: options.rings,
      log: options.log,
      endpoint: (id) => this.#endpoints.get(id)?.endpoint,
      emit: this.#context.emit,
      finish: this.#context.finish,
      newToken: this.#context.newToken,
      wake: () => this.#startTicker(),
    });
    this.#count();
  }

  /** Obeys a command. Those about an endpoint that is gone are ignored: commands and closing cross each other. */
  handle(command: CoreCommand): void {
    if ('mixer' in command) {
      this.#mixers.handle(command);
      this.#count();
      return;
    }
    switch (command.type) {
      case 'open':
        void this.#open(command);
        return;
      case 'join':
        return this.#join(command.bridge, command.a, command.b);
      case 'link':
        return this.#link(command.bridge, command.endpoint, command.worker);
      case 'unjoin':
        return this.#unjoin(command.bridge);
      case 'close':
        return this.#close(command.endpoint);
      case 'stop':
        return this.#stop();
      default:
        this.#handleEndpoint(command);
    }
  }

  #handleEndpoint(
    command: Exclude<CoreCommand, MixerCommand | { type: 'open' | 'join' | 'link' | 'unjoin' | 'close' | 'stop' }>,
  ): void {
    const endpoint = this.#endpoints.get(command.endpoint)?.endpoint;
    if (!endpoint) return;
    endpoint.fast?.takeBack();
    switch (command.type) {
      case 'configure':
        endpoint.configure(withSharedTypes(command.plan), command.source);
        break;
      case 'play':
        endpoint.play(command.play, command.options);
        break;
      case 'stopPlay':
        endpoint.stopPlay(command.play);
        break;
      case 'setComfort':
        endpoint.setComfort(command.mode, command.music);
        break;
      case 'insertDigits':
        endpoint.insertDigits(command.digits);
        break;
      case 'detectInbandDigits':
        endpoint.detectInbandDigits(command.on);
        break;
      case 'setEcho':
        this.#setEcho(endpoint, command.on);
        break;
      case 'openStream':
      case 'feedStream':
      case 'markStream':
      case 'clearStream':
        endpoint.stream(command);
        break;
      case 'capture':
        endpoint.tapPackets(command.options && this.#newTap(command.endpoint, command.options));
        break;
      case 'expectSilence':
        endpoint.expectSilence(command.silent);
        break;
      case 'fork':
        endpoint.listen(command, this.#newFork(endpoint, command));
        break;
      case 'forkInlet':
        this.#bridges.set(command.fork, forkInlet(endpoint, this.#context.newToken()), endpoint);
        break;
      default:
        endpoint.listen(command);
    }
    this.#count();
  }

  /** An entry of the ring from the core of `worker`: a packet of a bridge, or a frame of a mixer. */
  relayFromRing(worker: number, target: number, packet: Buffer, codec: AudioCodec | null): void {
    const bridge = this.#bridges.get(target);
    if (bridge) bridge.relayFromRing(packet, codec, this.#options.clock.now());
    else this.#mixers.receive(worker, target, packet, this.#frame);
  }

  // --- endpoints

  async #open(command: OpenCommand): Promise<void> {
    const result = await this.#openEndpoint(command);
    this.#count();
    this.#keepHouse();
    this.#options.reply({ type: 'opened', request: command.request, result });
  }

  #openEndpoint(command: OpenCommand): Promise<Result<{ rtpPort: number; rtcpPort: number }, OpenFailure>> {
    const { localAddress } = command;
    const { sockets, clock } = this.#options;
    const onRtp = new Receiver(false, this.#onFault);
    const onRtcp = new Receiver(true, this.#onFault);
    const isStopped = () => this.#isStopped;
    const onOpen = (rtpPort: number, opened: EndpointSockets) => {
      const statistics = this.#options.statistics.claim(command.slot);
      const endpoint = new Endpoint(command.endpoint, this.#context, opened, statistics);
      onRtp.endpoint = onRtcp.endpoint = endpoint;
      this.#endpoints.set(command.endpoint, { endpoint, callSid: command.callSid, localAddress, rtpPort });
    };
    return openPortPair(localAddress, { pool: this.#pool, sockets, clock, onRtp, onRtcp, isStopped, onOpen });
  }

  #faulted(endpoint: Endpoint, fault: unknown): void {
    endpoint.statistics.add(drop.fault, 1);
    if (endpoint.statistics.get(drop.fault) > 1) return;
    const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    const callSid = this.#endpoints.get(endpoint.id)?.callSid;
    this.#options.log.error({ callSid, endpoint: endpoint.id, reason }, 'media of an endpoint failed');
  }

  #close(id: EndpointId): void {
    const entry = this.#endpoints.get(id);
    if (!entry) return;
    this.#endpoints.delete(id);
    for (const number of this.#bridges.of(entry.endpoint)) this.#unjoin(number);
    this.#mixers.forget(entry.endpoint);
    this.#ticking.delete(entry.endpoint);
    entry.endpoint.close();
    this.#pool.release(entry.localAddress, entry.rtpPort, this.#options.clock.now());
    this.#count();
  }

  #setEcho(endpoint: Endpoint, on: boolean): void {
    const token = this.#context.newToken();
    endpoint.echo = on
      ? {
          relay: (packet, start, end, codec, nowMs) => endpoint.relay(token, packet, start, end, codec, nowMs),
        }
      : null;
  }

  #newTap(endpoint: EndpointId, options: CaptureOptions): PacketTap {
    const emit = (batch: TappedBatch) => this.#context.emit({ type: 'captured', endpoint, batch });
    return new PacketTap(options, this.#options.clock, emit);
  }

  /** Null: the endpoint or core that it leads to is gone. */
  #newFork(from: Endpoint, { fork, track, to, worker }: ForkCommand): Fork | null {
    const target = this.#endpoints.get(to)?.endpoint;
    const ring = worker === null ? undefined : this.#options.rings.get(worker);
    const sink = ring ? forkToRing(ring, fork, from.statistics) : target && forkTo(target, this.#context.newToken());
    return sink ? new Fork(fork, track, sink, this.#context.buffers) : null;
  }

  // --- bridges

  #join(number: number, a: EndpointId, b: EndpointId): void {
    const first = this.#endpoints.get(a);
    const second = this.#endpoints.get(b);
    if (!first || !second) return;
    for (const { endpoint } of [first, second]) endpoint.fast?.takeBack();
    const token = this.#context.newToken();
    const bridge = joinBridge(first.endpoint, second.endpoint, token);
    this.#bridges.set(number, bridge, first.endpoint, second.endpoint);
    this.#fast.joined(number, first, second, token);
  }

  #link(number: number, id: EndpointId, worker: number): void {
    const endpoint = this.#endpoints.get(id)?.endpoint;
    const ring = this.#options.rings.get(worker);
    if (!endpoint || !ring) return;
    endpoint.fast?.takeBack();
    this.#bridges.set(number, linkBridge(endpoint, number, ring, this.#context.newToken()), endpoint);
    this.#links.linked(number, endpoint);
  }

  #unjoin(number: number): void {
    this.#fast.left(number);
    this.#links.left(number);
    this.#bridges.end(number);
  }

  // --- time

  #wake(endpoint: Endpoint): void {
    this.#ticking.add(endpoint);
    this.#startTicker();
  }

  #startTicker(): void {
    if (this.#ticker || this.#isStopped) return;
    this.#frame = this.#frameAt(this.#options.clock.now());
    this.#armTicker();
  }

  #frameAt(nowMs: number): number {
    return Math.floor((nowMs - this.#epochMs) / FRAME_MS + FRAME_TOLERANCE);
  }

  #armTicker(): void {
    const { clock } = this.#options;
    const dueMs = this.#epochMs + (this.#frame + 1) * FRAME_MS;
    this.#ticker = clock.after(Math.max(0, dueMs - clock.now()), () => this.#tick());
  }

  /** What happens in a tick is told in one message. */
  #emit(event: MediaEvent): void {
    if (this.#tickEvents) this.#tickEvents.push(event);
    else this.#options.reply({ type: 'event', event });
  }

  #finish(closing: Promise<void>): void {
    this.#finishing.add(closing);
    void closing.finally(() => this.#finishing.delete(closing));
  }

  #tick(): void {
    this.#ticker = null;
    const events: MediaEvent[] = [];
    this.#tickEvents = events;
    try {
      this.#tickFrames();
    } finally {
      this.#tickEvents = null;
    }
    if (events.length > 0) this.#options.reply({ type: 'events', events });
  }

  #tickEndpoint(endpoint: Endpoint, frame: number, nowMs: number): void {
    // As for packets: a fault of ours in one call must not take the others with it.
    try {
      endpoint.tick(frame, nowMs);
    } catch (fault) {
      this.#faulted(endpoint, fault);
      // What failed once fails with each tick: who waits for its end is told.
      endpoint.stopPlay(null);
    }
  }

  #tickFrames(): void {
    const nowMs = this.#options.clock.now();
    const due = this.#frameAt(nowMs);
    const first = Math.max(this.#frame + 1, due - limits.mediaCatchUpFrames + 1);
    for (let frame = first; frame <= due; frame++) {
      for (const endpoint of this.#ticking) this.#tickEndpoint(endpoint, frame, nowMs);
      this.#mixers.tick(frame, nowMs);
    }
    this.#frame = Math.max(this.#frame, due);
    let ended = false;
    for (const endpoint of this.#ticking) {
      if (endpoint.needsTicks(nowMs)) continue;
      this.#ticking.delete(endpoint);
      ended = true;
    }
    if (ended) this.#count();
    if ((this.#ticking.size > 0 || this.#mixers.needsTicks) && !this.#isStopped) this.#armTicker();
  }

  #keepHouse(): void {
    if (this.#housekeeper || this.#isStopped) return;
    const turns = turnsFor(this.#endpoints.size);
    this.#housekeeper = this.#options.clock.after(HOUSEKEEPING_MS / turns, () => {
      this.#housekeeper = null;
      const { clock } = this.#options;
      this.#fast.housekeep(turns);
      this.#links.housekeep(turns);
      this.#round.visit(turns, ({ endpoint }) => endpoint.housekeep(clock.now(), clock.wall()));
      const resting = this.#count();
      if (this.#endpoints.size > 0 || resting > 0) this.#keepHouse();
    });
  }

  /** Writes the head of the statistics table; returns the pairs that rest. */
  #count(): number {
    const { statistics, clock } = this.#options;
    const ports = this.#pool.counts(clock.now());
    let plays = 0;
    for (const endpoint of this.#ticking) if (endpoint.isPlaying) plays += 1;
    statistics.setHead('endpoints', this.#endpoints.size);
    statistics.setHead('plays', plays + this.#mixers.plays);
    statistics.setHead('mixers', this.#mixers.size);
    statistics.setHead('mixerMembers', this.#mixers.members);
    statistics.setHead('inUse', ports.inUse);
    statistics.setHead('resting', ports.resting);
    statistics.setHead('free', ports.free);
    return ports.resting;
  }

  #stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#mixers.end();
    for (const id of [...this.#endpoints.keys()]) this.#close(id);
    this.#ticker?.cancel();
    this.#housekeeper?.cancel();
    this.#count();
    void Promise.all(this.#finishing).then(() => this.#options.reply({ type: 'stopped' }));
  }
}
