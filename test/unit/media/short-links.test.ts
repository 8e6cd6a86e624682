// Bridges between two workers whose packets go straight from the socket into the ring, on a virtual clock and network: what comes out
// and what is counted is the same as with sockets that know no such way.

import { strict as assert } from 'node:assert';
import { describe, onTestFinished, test } from 'vitest';
import type { DatagramSocket } from '../../../src/base/datagram.ts';
import { limits } from '../../../src/base/limits.ts';
import { ok } from '../../../src/base/result.ts';
import { SendQueue } from '../../../src/base/send-queue.ts';
import type { BridgeId, MediaEngine } from '../../../src/media/engine.ts';
import type { SocketFactory, SocketHandlers } from '../../../src/media/sockets.ts';
import { SrtpReceiver } from '../../../src/media/srtp.ts';
import { UdpMediaSocket } from '../../../src/media/udp.ts';
import type { MediaPlan, SrtpKeys } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  eventPayload,
  plan,
  readRtp,
  rtpPacket,
  strictSource,
  VirtualDatagrams,
  VirtualPeer,
} from '../../support/media.ts';
import { ADDRESS, linkedCores } from '../../support/mixer-world.ts';
import { seededRandom } from '../../support/network.ts';
import { protection } from '../../support/protection.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const PEER = '10.0.0.2';

/** The sockets of a real worker over the virtual network. */
class UdpLikeSockets implements SocketFactory {
  readonly byPort = new Map<number, UdpMediaSocket>();
  readonly #network: VirtualDatagrams;
  readonly #queue = new SendQueue((flush) => flush());

  constructor(network: VirtualDatagrams) {
    this.#network = network;
  }

  async bind(address: string, port: number, handlers: SocketHandlers): ReturnType<SocketFactory['bind']> {
    const socket = new UdpMediaSocket(this.#queue, handlers);
    const bound = await this.#network.bind(address, port, socket);
    if (!bound.ok) return bound;
    const { send, connect, disconnect, close } = bound.value;
    const datagrams: DatagramSocket = {
      ...{ address, port, receiveBufferBytes: 0 },
      send: (bytes, to, host) => (send(bytes, host, to) ? null : 'EIO'),
      connect: (to, host) => {
        connect(host, to);
        return null;
      },
      disconnect: () => {
        disconnect();
        return null;
      },
      close: async () => close(),
    };
    socket.socket = datagrams;
    this.byPort.set(port, socket);
    return ok(socket);
  }

  isShort(port: number): boolean {
    return this.byPort.get(port)!.relay !== null;
  }
}

interface Side {
  readonly peer: VirtualPeer;
  readonly id: string;
  readonly port: number;
  readonly ssrc: number;
  readonly protect: (packet: Buffer) => Buffer;
  sequence: number;
}

class LinkWorld {
  readonly clock = new VirtualClock();
  readonly network = new VirtualDatagrams({ clock: this.clock });
  readonly sockets = new UdpLikeSockets(this.network);
  readonly engine: MediaEngine;
  readonly events: EventLog;

  constructor(hasShort: boolean) {
    this.engine = linkedCores(this.clock, hasShort ? this.sockets : this.network, 2, 2);
    this.events = new EventLog(this.engine);
    onTestFinished(() => this.engine.stop());
  }

  async side(ssrc: number, changes: Partial<MediaPlan> = {}): Promise<Side> {
    const peer = await VirtualPeer.open(this.network, PEER, 30_000 + (ssrc & 0xff) * 10);
    const opened = await this.engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.ok(opened.ok);
    const described = plan(peer.port, { remoteAddress: PEER, ...changes });
    this.engine.configure(opened.value.id, described, strictSource);
    const { id, rtpPort } = opened.value;
    return { peer, id, port: rtpPort, ssrc, protect: protection(described.srtp), sequence: 65_500 };
  }

  async bridged(ofA: Partial<MediaPlan> = {}, ofB: Partial<MediaPlan> = {}): Promise<readonly [Side, Side, BridgeId]> {
    await this.engine.start();
    const [a, b] = [await this.side(0xaaaa0001, ofA), await this.side(0xbbbb0002, ofB)];
    const bridge = this.engine.bridge(a.id, b.id);
    await this.talk([a, b], 60);
    return [a, b, bridge];
  }

  async say(side: Side, packet: Buffer): Promise<void> {
    side.peer.sendRtp(side.protect(packet), ADDRESS, side.port);
    await this.clock.advanceAsync(20);
  }

  async talk(sides: readonly Side[], frames: number): Promise<void> {
    for (let frame = 0; frame < frames; frame++) {
      for (const side of sides) side.peer.sendRtp(side.protect(next(side)), ADDRESS, side.port);
      await this.clock.advanceAsync(20);
    }
  }

  areShort(...sides: readonly Side[]): readonly boolean[] {
    return sides.map(({ port }) => this.sockets.isShort(port));
  }
}

function next(side: Side, fields: Parameters<typeof rtpPacket>[0] = {}): Buffer {
  side.sequence += 1;
  const payload = new Uint8Array(160).fill(side.sequence & 0xff);
  const { ssrc, sequence } = side;
  return rtpPacket({ ssrc, sequence: sequence & 0xffff, timestamp: (sequence * 160) >>> 0, payload, ...fields });
}

function keys(seed: number): SrtpKeys {
  const { bytes } = seededRandom(seed);
  return { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: bytes(30), receiveKey: bytes(30) };
}

const hex = (packets: readonly Buffer[]): string[] => packets.map((packet) => packet.toString('hex'));

describe('a link between two workers', () => {
  test('is short both ways once both sides are heard; what it relays and counts is what the endpoints would', async () => {
    const seen = [];
    for (const hasShort of [true, false]) {
      const here = new LinkWorld(hasShort);
      const [a, b] = await here.bridged({}, { codec: 'PCMA', payloadType: 8 });
      if (hasShort) assert.deepEqual(here.areShort(a, b), [true, true]);
      // A gap, two out of order, one twice, a press of a digit.
      a.sequence += 3;
      const [first, second] = [next(a), next(a)];
      for (const packet of [second, first, first]) await here.say(a, packet);
      const press = { payloadType: 101, timestamp: (a.sequence * 160) >>> 0 };
      for (let step = 0; step < 6; step++) {
        await here.say(a, next(a, { ...press, payload: eventPayload(7, step >= 3, 160 * (step + 1)) }));
      }
      await here.talk([a, b], 50);
      if (hasShort) assert.deepEqual(here.areShort(a, b), [true, true]);
      // Given back, so that all is counted.
      for (const { id } of [a, b]) here.engine.setComfort(id, 'none');
      const [ofA, ofB] = [here.engine.statistics(a.id)!, here.engine.statistics(b.id)!];
      const digits = here.events.ofType('digit').map(({ endpoint, digit }) => [endpoint === a.id, digit]);
      seen.push({ a: hex(a.peer.rtp), b: hex(b.peer.rtp), ofA, ofB, digits });
    }
    assert.deepEqual(seen[0]!.digits, [[true, '7']]);
    assert.equal(seen[0]!.ofA.packetsReceived, 60 + 3 + 6 + 50);
    assert.deepEqual(seen[0], seen[1]);
  });

  test('SRTP: read by the same context before, meanwhile and after; a replay and a forgery are counted', async () => {
    const here = new LinkWorld(true);
    const [ofA, ofB] = [keys(1), keys(2)];
    const [a, b] = await here.bridged({ srtp: ofA }, { srtp: ofB });
    assert.deepEqual(here.areShort(a, b), [true, true]);
    const packet = a.protect(next(a));
    const forged = Buffer.from(packet);
    forged[50] = forged[50]! ^ 1;
    for (const one of [forged, Buffer.from(packet), Buffer.from(packet)]) {
      a.peer.sendRtp(one, ADDRESS, a.port);
      await here.clock.advanceAsync(20);
    }
    here.engine.setComfort(a.id, 'none');
    assert.deepEqual(here.areShort(a), [false]);
    assert.deepEqual(here.engine.statistics(a.id)!.drops, { authentication: 1, replay: 1 });
    await here.talk([a], 5);
    const receiver = new SrtpReceiver(ofB.suite, ofB.sendKey);
    const numbers = b.peer.rtp.map((heard) => {
      assert.ok(receiver.unprotect(heard, heard.length) > 0);
      return readRtp(heard).sequence;
    });
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => (numbers[0]! + index) & 0xffff),
    );
    assert.equal(numbers.length, 60 + 1 + 5);
  });

  test('a play, a stranger’s packet type, another source and silence give it back; it is short again after a rest', async () => {
    const here = new LinkWorld(true);
    const [a, b] = await here.bridged();
    const play = here.engine.play(a.id, { sources: [{ kind: 'silence', durationMs: 60 }], loop: 1 });
    assert.deepEqual(here.areShort(a, b), [false, true]);
    await here.talk([a, b], 60);
    assert.ok(here.events.ofType('playEnded').some((event) => event.play === play));
    assert.deepEqual(here.areShort(a, b), [true, true]);
    const before = b.peer.rtp.length;
    await here.say(a, next(a, { payload: new Uint8Array(240) }));
    assert.deepEqual([here.areShort(a, b), b.peer.rtp.length > before], [[false, true], true]);
    await here.talk([a, b], limits.fastPathRestMs / 20 + 50);
    assert.deepEqual(here.areShort(a, b), [true, true]);
    const { ssrc: _ssrc, ...known } = a;
    const other: Side = { ...known, ssrc: 0xcccc0003, sequence: 7 };
    await here.talk([other, b], 2);
    assert.deepEqual(here.areShort(a, b), [false, true]);
    await here.talk([other, b], limits.fastPathRestMs / 20 + 50);
    assert.deepEqual(here.areShort(a, b), [true, true]);
    await here.talk([other], limits.latchSilenceMs / 20 + 50);
    assert.deepEqual(here.areShort(a, b), [true, false]);
    assert.equal(here.engine.statistics(b.id)!.packetsLost, 0);
  });

  test('ends with its bridge, and another bridge has its own', async () => {
    const here = new LinkWorld(true);
    const [a, b, bridge] = await here.bridged();
    const c = await here.side(0xdddd0004);
    const heardBefore = b.peer.rtp.length;
    here.engine.unbridge(bridge);
    assert.deepEqual(here.areShort(a, b), [false, false]);
    here.engine.bridge(a.id, c.id);
    await here.talk([a, c], 60);
    assert.equal(b.peer.rtp.length, heardBefore);
    assert.ok(c.peer.rtp.length >= 59);
    here.engine.close(a.id);
    assert.deepEqual(here.areShort(a), [false]);
  });
});
