// Rooms on a virtual clock and network, for tests of mixers: peers send packets of one constant sample (a G.711 value), so that what
// comes back can be computed to the sample. The mix is a sum, limited to 16 bits.

import { strict as assert } from 'node:assert';
import { silentLog } from '../../src/base/log.ts';
import { ok } from '../../src/base/result.ts';
import type { RingSink } from '../../src/media/bridge.ts';
import { MediaCore } from '../../src/media/core.ts';
import { type CoreLink, MediaDispatcher } from '../../src/media/dispatcher.ts';
import type { EndpointInfo, MediaEngine } from '../../src/media/engine.ts';
import type { MixerMember } from '../../src/media/engine-audio.ts';
import { decode, encode } from '../../src/media/g711.ts';
import { pairsOf } from '../../src/media/port-pool.ts';
import { PacketRing, ringMemory } from '../../src/media/ring.ts';
import type { SocketFactory } from '../../src/media/sockets.ts';
import { StatisticsTable, statisticsMemory } from '../../src/media/statistics.ts';
import type { AudioCodec, MediaPlan } from '../../src/sdp/plan.ts';
import { EventLog, plan, readRtp, rtpPacket, strictSource, VirtualDatagrams, VirtualPeer } from './media.ts';
import { seededRandom } from './network.ts';
import { VirtualClock } from './virtual-clock.ts';

export const ADDRESS = '10.0.0.1';
const PEER = '10.0.0.2';
export const TALKER: MixerMember = { isHeard: true, hears: true, coaches: null, jitterMs: 20 };
/** Longer than a jitter buffer of 20 ms and the network need together. */
export const SETTLED_MS = 200;

/** An engine of several cores on one virtual clock. Their ticks are not at the same time, as those of threads are not. */
export function linkedCores(clock: VirtualClock, sockets: SocketFactory, workers: number, pairs: number): MediaEngine {
  const cores: MediaCore[] = [];
  const ring = (from: number, to: number): RingSink => {
    const packets = new PacketRing(ringMemory());
    const drain = () => {
      while (packets.drain((target, packet, codec) => cores[to]!.relayFromRing(from, target, packet, codec)));
    };
    return {
      push: (...entry) => {
        const isPushed = packets.push(...entry);
        if (isPushed) clock.after(0, drain);
        return isPushed;
      },
    };
  };
  const indices = Array.from({ length: workers }, (_, index) => index);
  const links = indices.map((index): CoreLink => {
    if (index > 0) clock.advance(7);
    const statistics = new StatisticsTable(statisticsMemory(pairs * 2));
    cores[index] = new MediaCore({
      clock,
      random: seededRandom(9 + index).bytes,
      sockets,
      ports: pairsOf({ first: 20_000, last: 20_000 + workers * pairs * 2 - 1 }, index, workers),
      statistics,
      log: silentLog,
      rings: new Map(indices.filter((to) => to !== index).map((to) => [to, ring(index, to)])),
      reply: (reply) => queueMicrotask(() => dispatcher.receive(index, reply)),
    });
    return { statistics, send: (command) => cores[index]!.handle(command), nowMs: () => clock.now() };
  });
  const host = { links, start: async () => ok(undefined), stop: async () => {} };
  const dispatcher: MediaDispatcher = new MediaDispatcher(host, silentLog);
  return dispatcher;
}

export interface Leg {
  readonly peer: VirtualPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly codec: AudioCodec;
  /** Packets that it has sent. */
  sent: number;
}

export class MixerWorld {
  readonly clock = new VirtualClock();
  readonly network = new VirtualDatagrams({ clock: this.clock });
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly legs: Leg[] = [];

  /** `workers`: cores that the endpoints are spread over in turn, joined by rings as threads are. */
  constructor(workers: number, pairs: number) {
    this.engine = linkedCores(this.clock, this.network, workers, pairs);
    this.events = new EventLog(this.engine);
  }

  /** Nothing is left but the ports' rest. */
  async end(): Promise<void> {
    await this.engine.stop();
    this.clock.advance(1);
    const { endpoints, bridges, plays, mixers, mixerMembers, portsInUse } = this.engine.counts();
    const left = { endpoints, bridges, plays, mixers, mixerMembers, portsInUse };
    assert.deepEqual(left, { endpoints: 0, bridges: 0, plays: 0, mixers: 0, mixerMembers: 0, portsInUse: 0 });
    assert.equal(this.clock.pendingTimers, 0, 'timers are left');
  }

  async leg(changes: Partial<MediaPlan> = {}): Promise<Leg> {
    const peer = await VirtualPeer.open(this.network, PEER, 30_000 + this.legs.length * 10);
    const opened = await this.engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.ok(opened.ok, JSON.stringify(opened));
    const endpoint = opened.value;
    const described = plan(peer.port, { remoteAddress: PEER, ...changes });
    const leg: Leg = { peer, endpoint, id: endpoint.id, codec: described.codec, sent: 0 };
    this.engine.configure(leg.id, described, strictSource);
    this.legs.push(leg);
    return leg;
  }

  async inRoom(mixer: string, changes: Partial<MixerMember> = {}, planned: Partial<MediaPlan> = {}): Promise<Leg> {
    const leg = await this.leg(planned);
    this.engine.joinMixer(mixer, leg.id, { ...TALKER, ...changes });
    return leg;
  }

  /** For `ms`, each speaker sends a constant sample of the given value, in packets of 20 ms; 0: one packet, without time. */
  async speak(speakers: ReadonlyMap<Leg, number>, ms: number): Promise<void> {
    let sentMs = 0;
    do {
      for (const [leg, value] of speakers) {
        leg.peer.sendRtp(packetOf(leg, value), ADDRESS, leg.endpoint.rtpPort);
        leg.sent += 1;
      }
      await this.clock.advanceAsync(Math.min(20, ms));
      sentMs += 20;
    } while (sentMs < ms);
  }
}

export function packetOf(leg: Leg, value: number): Buffer {
  const payload = new Uint8Array(160);
  encode(leg.codec, new Int16Array(160).fill(value), payload);
  const payloadType = leg.codec === 'PCMU' ? 0 : 8;
  return rtpPacket({ payloadType, sequence: leg.sent, timestamp: leg.sent * 160, payload });
}

/** What a value becomes in the codec of the speaker. */
export function coded(codec: AudioCodec, value: number): number {
  const [octets, samples] = [new Uint8Array(1), new Int16Array(1)];
  encode(codec, Int16Array.of(value), octets);
  decode(codec, octets, samples);
  return samples[0]!;
}

/** Samples of the last `count` packets that came to a leg. */
export function heard(leg: Leg, count = 1): Int16Array {
  const samples = new Int16Array(count * 160);
  for (const [index, packet] of leg.peer.rtp.slice(-count).entries()) {
    decode(leg.codec, readRtp(packet).payload, samples.subarray(index * 160, (index + 1) * 160));
  }
  return samples;
}

/** The one value of which the last packets consist. */
export function level(leg: Leg, count = 1): number {
  const samples = heard(leg, count);
  assert.ok(
    samples.every((sample) => sample === samples[0]),
    `not one value: ${[...new Set(samples)].join(' ')}`,
  );
  return samples[0]!;
}

export const sum = (...values: readonly number[]): number =>
  Math.max(
    -32_768,
    Math.min(
      32_767,
      values.reduce((total, value) => total + value, 0),
    ),
  );
