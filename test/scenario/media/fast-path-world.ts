// What tests of fast paths share: an engine on real UDP whose steady bridges go to a path that is watched, and peers that talk through it.

import { strict as assert } from 'node:assert';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { FastCounts, FastPath } from '../../../src/media/fast-path.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import type { SocketFactory } from '../../../src/media/sockets.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import { EventLog, plan, RtpPeer, rtpPacket, strictSource } from '../../support/media.ts';
import { mediaRange } from '../../support/ports.ts';
import { protection } from '../../support/protection.ts';
import { until } from '../../support/until.ts';

export const LOCAL = '127.0.0.1';

/** A path that tells what it had and what it gave back. */
class WatchedPath implements FastPath {
  taken = 0;
  readonly ended: FastCounts[] = [];
  readonly #path: FastPath;

  constructor(path: FastPath) {
    this.#path = path;
  }

  get isActive(): boolean {
    return this.taken > this.ended.length;
  }

  settle(): void {
    this.#path.settle();
  }

  take(pair: Parameters<FastPath['take']>[0]): ReturnType<FastPath['take']> {
    const relay = this.#path.take(pair);
    if (!relay) return null;
    this.taken += 1;
    const end = () => {
      const counts = relay.end();
      this.ended.push(counts);
      return counts;
    };
    return { isShared: relay.isShared, poll: () => relay.poll(), end };
  }
}

export interface Leg {
  readonly peer: RtpPeer;
  readonly id: string;
  readonly endpoint: EndpointInfo;
  readonly plan: MediaPlan;
  readonly ssrc: number;
  sequence: number;
  /** What the peer sent, in order. */
  readonly sent: Buffer[];
  /** Of what the peer sends. */
  readonly protect: (packet: Buffer) => Buffer;
}

/** What relays in place of the core, over the sockets that it can do it on. */
export interface PathUnderTest {
  readonly sockets: SocketFactory;
  readonly path: FastPath;
  readonly close: () => void;
}

/** An engine whose steady bridges go to a fast path, if it has one, and peers that talk through it. */
export class FastPathWorld {
  readonly under: PathUnderTest | null;
  readonly path: WatchedPath | null;
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly peers: RtpPeer[] = [];

  constructor(under: PathUnderTest | null) {
    this.under = under;
    this.path = under && new WatchedPath(under.path);
    this.engine = createInlineMediaEngine({
      ...{ clock: realClock, random: cryptoRandom, portRange: mediaRange(40) },
      ...(under && this.path ? { sockets: under.sockets, fastPath: this.path } : {}),
    });
    this.events = new EventLog(this.engine);
  }

  async leg(ssrc: number, changes: Partial<MediaPlan> = {}): Promise<Leg> {
    const peer = await RtpPeer.open();
    this.peers.push(peer);
    const opened = await this.engine.open({ localAddress: LOCAL, callSid: 'CA1' });
    assert.ok(opened.ok, JSON.stringify(opened));
    const endpoint = opened.value;
    const made = plan(peer.port, changes);
    this.engine.configure(endpoint.id, made, strictSource);
    return {
      peer,
      id: endpoint.id,
      endpoint,
      plan: made,
      ssrc,
      sequence: 65_400,
      sent: [],
      protect: protection(made.srtp),
    };
  }

  /** The next packet of the leg's peer. */
  say(leg: Leg): void {
    for (const packet of nextPackets(leg, 1)) this.send(leg, packet);
  }

  send(leg: Leg, packet: Buffer): void {
    leg.sent.push(packet);
    leg.peer.send([leg.protect(Buffer.from(packet))], leg.endpoint.rtpPort);
  }

  /** Packets that all come out at the other side; no more at a time than the buffers of sockets hold. */
  async relay(from: Leg, to: Leg, packets: readonly Buffer[]): Promise<void> {
    const before = to.peer.packets.length;
    for (const [index, packet] of packets.entries()) {
      this.send(from, packet);
      if (index % 40 === 39) await to.peer.until(({ length }) => length > before + index);
    }
    await to.peer.until(({ length }) => length >= before + packets.length);
  }

  /** Both sides talk until the path has their bridge. */
  async talkUntilTaken(a: Leg, b: Leg): Promise<void> {
    const path = this.path!;
    const before = path.taken;
    const look = () => {
      if (path.taken > before) return true;
      this.say(a);
      this.say(b);
      return false;
    };
    await until(look, 8_000, () => `the path had ${path.taken} bridges`);
  }

  async bridged(ofA: Partial<MediaPlan> = {}, ofB: Partial<MediaPlan> = {}): Promise<readonly [Leg, Leg]> {
    const a = await this.leg(0xaaaa0001, ofA);
    const b = await this.leg(0xbbbb0002, ofB);
    this.engine.bridge(a.id, b.id);
    await this.talkUntilTaken(a, b);
    return [a, b];
  }

  async stop(): Promise<void> {
    await this.engine.stop();
    this.under?.close();
    for (const peer of this.peers) peer.close();
  }
}

export function nextPackets(leg: Leg, count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    leg.sequence += 1;
    const { sequence, ssrc } = leg;
    const payload = new Uint8Array(160).fill(sequence & 0xff);
    return rtpPacket({ ssrc, sequence, timestamp: sequence * 160, payloadType: leg.plan.payloadType, payload });
  });
}
