// Which bridges a fast path is offered, as what they are described, what its counters become, and what brings a bridge back.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { FastCount, FastCounts, FastPair, FastPath, FastRelay } from '../../../src/media/fast-path.ts';
import { muLawToALaw } from '../../../src/media/g711.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../../src/media/srtp.ts';
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
import { seededRandom } from '../../support/network.ts';
import { startedWorlds } from '../../support/started-worlds.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ADDRESS = '10.0.0.1';
const PEER = '10.0.0.2';
const SSRC = { a: 0xaaaa0001, b: 0xbbbb0002 } as const;

const noCount: FastCount = {
  ...{ received: 0, receivedBytes: 0, sent: 0, sentBytes: 0, silentMs: -1, drops: {}, numbers: null },
};

/** Takes what it is offered, and counts what the test says. */
class FakePath implements FastPath {
  readonly taken: FastPair[] = [];
  counts: FastCounts | null = [noCount, noCount];
  refuses = false;
  isShared = false;
  offers = 0;
  ended = 0;

  settle(): void {}

  take(pair: FastPair): FastRelay | null {
    this.offers += 1;
    if (this.refuses) return null;
    this.taken.push(pair);
    return {
      isShared: this.isShared,
      poll: () => this.counts,
      end: () => {
        this.ended += 1;
        return this.counts ?? [noCount, noCount];
      },
    };
  }

  get isActive(): boolean {
    return this.taken.length > this.ended;
  }
}

interface Leg {
  readonly peer: VirtualPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly plan: MediaPlan;
  readonly ssrc: number;
  sequence: number;
}

class World {
  readonly clock = new VirtualClock();
  readonly network = new VirtualDatagrams({ clock: this.clock });
  readonly path = new FakePath();
  readonly engine: MediaEngine;
  readonly events: EventLog;
  #peers = 0;

  constructor() {
    this.engine = createInlineMediaEngine({
      ...{ clock: this.clock, random: seededRandom(5).bytes, portRange: { first: 20_000, last: 20_039 } },
      ...{ sockets: this.network, fastPath: this.path },
    });
    this.events = new EventLog(this.engine);
  }

  async leg(ssrc: number, changes: Partial<MediaPlan> = {}): Promise<Leg> {
    this.#peers += 1;
    const peer = await VirtualPeer.open(this.network, PEER, 30_000 + this.#peers * 10);
    const opened = await this.engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.ok(opened.ok);
    const endpoint = opened.value;
    const made = plan(peer.port, { remoteAddress: PEER, ...changes });
    this.engine.configure(endpoint.id, made, strictSource);
    return { peer, endpoint, id: endpoint.id, plan: made, ssrc, sequence: 1_000 };
  }

  /** Audio of 20 ms from both sides at once. */
  async talk(a: Leg, b: Leg, frames: number): Promise<void> {
    for (let frame = 0; frame < frames; frame++) {
      for (const leg of [a, b]) this.say(leg);
      await this.clock.advanceAsync(20);
    }
  }

  /** The same until the path is offered the bridge: what comes after that would end it. */
  async talkUntilOffered(a: Leg, b: Leg): Promise<void> {
    const { offers } = this.path;
    for (let frame = 0; frame < 200 && this.path.offers === offers; frame++) await this.talk(a, b, 1);
    assert.equal(this.path.offers, offers + 1);
  }

  say(leg: Leg, changes: Parameters<typeof rtpPacket>[0] = {}): void {
    leg.sequence += 1;
    const { sequence, ssrc } = leg;
    const packet = rtpPacket({
      ssrc,
      sequence,
      timestamp: sequence * 160,
      payloadType: leg.plan.payloadType,
      ...changes,
    });
    leg.peer.sendRtp(packet, ADDRESS, leg.endpoint.rtpPort);
  }

  /** Two legs that have talked for a second, with the path holding the bridge. */
  async bridged(ofA: Partial<MediaPlan> = {}, ofB: Partial<MediaPlan> = {}): Promise<readonly [Leg, Leg, string]> {
    const a = await this.leg(SSRC.a, ofA);
    const b = await this.leg(SSRC.b, ofB);
    const bridge = this.engine.bridge(a.id, b.id);
    await this.talkUntilOffered(a, b);
    return [a, b, bridge];
  }
}

const started = startedWorlds<World>(async ({ engine, clock, path }) => {
  await engine.stop();
  clock.advance(1);
  assert.equal(path.isActive, false, 'a bridge is left with the path');
  assert.equal(clock.pendingTimers, 0);
});
const world = (): Promise<World> => started(new World());

/** Counters of `packets` packets, 160 octets each, after `sequence` of the source. */
function countOf(packets: number, sequence: number): FastCount {
  const numbers = {
    ...{ highestSequence: (sequence + packets) & 0xffff, latestTimestamp: (sequence + packets) * 160, jitterUnits: 16 },
    ...{ receiveIndex: 0, receiveWindow: { low: 0, high: 0 }, sendIndex: 0 },
  };
  const bytes = packets * 160;
  return { received: packets, receivedBytes: bytes, sent: packets, sentBytes: bytes, silentMs: 20, drops: {}, numbers };
}

describe('offer', () => {
  test('a bridge with both sides latched and heard, as what it is: addresses, payload types, numbers unchanged', async () => {
    const made = await world();
    const { path } = made;
    const [a, b] = await made.bridged();
    assert.equal(path.taken.length, 1);
    const [pair] = path.taken;
    assert.equal(pair!.isUnchanged, true);
    const [there, back] = pair!.directions;
    assert.deepEqual(
      [there.from.localPort, there.from.remotePort, there.to.localPort, there.to.remotePort],
      [a.endpoint.rtpPort, a.peer.port, b.endpoint.rtpPort, b.peer.port],
    );
    assert.deepEqual([there.from.localAddress, there.from.remoteAddress], [ADDRESS, PEER]);
    assert.deepEqual([there.ssrc, back.ssrc, there.outgoingSsrc, back.outgoingSsrc], [SSRC.a, SSRC.b, SSRC.a, SSRC.b]);
    assert.deepEqual(
      [there.audio, there.telephoneEvent],
      [
        { in: 0, out: 0 },
        { in: 101, out: 101 },
      ],
    );
    assert.deepEqual([there.sequenceOffset, there.timestampOffset, there.translation], [0, 0, null]);
    assert.deepEqual([there.receiveCrypto, there.sendCrypto], [null, null]);
  });

  test('other codec and payload types on the other side: table and types; not unchanged', async () => {
    const made = await world();
    await made.bridged({}, { codec: 'PCMA', payloadType: 8, telephoneEventSend: 97, telephoneEventReceive: 96 });
    const [pair] = made.path.taken;
    assert.equal(pair!.isUnchanged, false);
    assert.deepEqual(pair!.directions[0].audio, { in: 0, out: 8 });
    assert.equal(pair!.directions[0].translation, muLawToALaw);
    assert.deepEqual(pair!.directions[0].telephoneEvent, { in: 101, out: 97 });
    assert.deepEqual(pair!.directions[1].telephoneEvent, { in: 96, out: 101 });
  });

  test('a leg that heard a play before keeps its numbers: offsets, not unchanged', async () => {
    const made = await world();
    const a = await made.leg(SSRC.a);
    const b = await made.leg(SSRC.b);
    made.engine.play(b.id, { sources: [{ kind: 'silence', durationMs: 40 }], loop: 1 });
    await made.clock.advanceAsync(100);
    made.engine.bridge(a.id, b.id);
    await made.talkUntilOffered(a, b);
    const [there, back] = made.path.taken[0]!.directions;
    assert.equal(made.path.taken[0]!.isUnchanged, false);
    assert.notEqual(there.outgoingSsrc, SSRC.a);
    const last = readRtp(b.peer.rtp.at(-1)!);
    assert.equal(last.ssrc, there.outgoingSsrc);
    assert.equal((a.sequence + there.sequenceOffset) & 0xffff, last.sequence);
    assert.equal((a.sequence * 160 + there.timestampOffset) >>> 0, last.timestamp);
    assert.equal(back.outgoingSsrc, SSRC.b);
  });

  test('a peer without telephone-event: presses stay with the core', async () => {
    const made = await world();
    await made.bridged({}, { telephoneEventSend: null, telephoneEventReceive: null });
    assert.equal(made.path.taken[0]!.directions[0].telephoneEvent, null);
  });

  const busy: [string, (made: World, leg: Leg) => void][] = [
    ['a play', ({ engine }, { id }) => engine.play(id, { sources: [{ kind: 'silence', durationMs: 9_000 }], loop: 1 })],
    ['comfort', ({ engine }, { id }) => engine.setComfort(id, 'silence')],
    ['a tap', ({ engine }, { id }) => engine.tap(id, ['inbound'])],
    ['echo', ({ engine }, { id }) => engine.setEcho(id, true)],
    ['in-band detection', ({ engine }, { id }) => engine.detectInbandDigits(id, true)],
    ['a capture', ({ engine }, { id }) => engine.capture(id, { decrypted: false, digits: false })],
    ['hold', ({ engine }, leg) => engine.configure(leg.id, { ...leg.plan, direction: 'sendonly' }, strictSource)],
  ];
  for (const [name, begin] of busy) {
    test(`${name} brings the bridge back and keeps it`, async () => {
      const made = await world();
      const [a, b] = await made.bridged();
      assert.equal(made.path.isActive, true);
      begin(made, b);
      assert.equal(made.path.isActive, false);
      await made.talk(a, b, 200);
      assert.equal(made.path.taken.length, 1);
    });
  }

  test('a refused bridge rests before it is offered again', async () => {
    const made = await world();
    made.path.refuses = true;
    const [a, b] = await made.bridged();
    assert.equal(made.path.offers, 1);
    await made.talk(a, b, (limits.fastPathRestMs - 500) / 20);
    assert.equal(made.path.offers, 1);
    await made.talk(a, b, 75);
    assert.equal(made.path.offers, 2);
  });

  test('who is not heard is not offered', async () => {
    const made = await world();
    const a = await made.leg(SSRC.a);
    const b = await made.leg(SSRC.b);
    made.engine.bridge(a.id, b.id);
    for (let frame = 0; frame < 100; frame++) {
      made.say(a);
      await made.clock.advanceAsync(20);
    }
    assert.equal(made.path.offers, 0);
  });
});

describe('while it is away', () => {
  test('its counters are the statistics; a silence that they show is none of the endpoints', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    const before = made.engine.statistics(a.id)!;
    const sentBefore = made.engine.statistics(b.id)!.packetsSent;
    for (let total = 25; total <= 3_500; total += 25) {
      made.path.counts = [
        { ...countOf(total, a.sequence), drops: { late: 2, rate: 3 } },
        { ...countOf(total, b.sequence), silentMs: 10 },
      ];
      await made.clock.advanceAsync(500);
    }
    const now = made.engine.statistics(a.id)!;
    assert.equal(now.packetsReceived, before.packetsReceived + 3_500);
    assert.equal(now.bytesReceived, before.bytesReceived + 3_500 * 160);
    assert.equal(made.engine.statistics(b.id)!.packetsSent, sentBefore + 3_500);
    assert.deepEqual([now.packetsLost, now.jitterMs, now.silentMs], [0, 2, 20]);
    assert.deepEqual([now.drops.rate, made.engine.statistics(b.id)!.drops.late], [3, 2]);
    assert.deepEqual(made.events.ofType('rtpTimeout'), []);
    assert.equal(made.path.isActive, true);
  });

  test('two seconds of silence bring it back; 60 s are an RTP timeout, counted from the last packet', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    const startMs = made.clock.now();
    for (const [index, silentMs] of [20, 20, 20, 20, 520, 1_020, 1_520, 2_020].entries()) {
      assert.equal(made.path.isActive, true);
      const total = 25 * Math.min(4, index + 1);
      made.path.counts = [
        { ...countOf(total, a.sequence), silentMs },
        { ...countOf(total, b.sequence), silentMs },
      ];
      await made.clock.advanceAsync(500);
    }
    assert.equal(made.path.isActive, false);
    while (made.events.ofType('rtpTimeout').length === 0) await made.clock.advanceAsync(100);
    const elapsedMs = made.clock.now() - startMs;
    assert.ok(elapsedMs > 61_000 && elapsedMs <= 62_500, `${elapsedMs}`);
  });

  test('a telephone event that was relayed is a digit', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    for (const end of [false, true, true]) {
      made.network
        .handlersOf(ADDRESS, a.endpoint.rtpPort)
        .copied?.(rtpPacket({ ssrc: SSRC.a, payloadType: 101, timestamp: 7, payload: eventPayload(5, end, 800) }));
    }
    await made.clock.advanceAsync(20);
    assert.deepEqual(
      made.events.ofType('digit').map(({ endpoint, digit, durationMs }) => [endpoint, digit, durationMs]),
      [[a.id, '5', 100]],
    );
    assert.equal(made.path.isActive, true);
    assert.equal(
      b.peer.rtp.some((packet) => readRtp(packet).payloadType === 101),
      false,
    );
  });

  test('packets that need nobody leave it away: strangers, keep-alives, RTCP', async () => {
    const made = await world();
    const [a] = await made.bridged();
    const stranger = await VirtualPeer.open(made.network, '10.0.0.9', 40_000);
    stranger.sendRtp(rtpPacket({ ssrc: 5 }), ADDRESS, a.endpoint.rtpPort);
    made.say(a, { payloadType: 20 });
    a.peer.sendRtcp(Buffer.of(0x80, 201, 0, 1, 0, 0, 0, 1), ADDRESS, a.endpoint.rtcpPort);
    await made.clock.advanceAsync(20);
    assert.equal(made.path.isActive, true);
  });

  test('a relay that fails is ended, and offered again', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    made.path.counts = null;
    await made.clock.advanceAsync(500);
    assert.equal(made.path.ended, 1);
    made.path.counts = [noCount, noCount];
    await made.talkUntilOffered(a, b);
    assert.equal(made.path.taken.length, 2);
  });
});

describe('coming back', () => {
  test('the next packet goes on behind what the path relayed: no gap, no number twice, no marker', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    const [there] = made.path.taken[0]!.directions;
    made.path.counts = [countOf(40_000, a.sequence), countOf(40_000, b.sequence)];
    // More than half the number space: polls keep pace.
    for (let total = 10_000; total <= 40_000; total += 10_000) {
      made.path.counts = [countOf(total, a.sequence), countOf(total, b.sequence)];
      await made.clock.advanceAsync(500);
    }
    a.sequence += 40_000;
    b.sequence += 40_000;
    const from = b.peer.rtp.length;
    await made.talk(a, b, 3);
    assert.equal(made.path.isActive, false);
    const heard = b.peer.rtp.slice(from).map(readRtp);
    assert.deepEqual(
      heard.map(({ sequence, marker, ssrc }) => [sequence, marker, ssrc]),
      [1, 2, 3].map((step) => [(a.sequence - 3 + step + there.sequenceOffset) & 0xffff, false, there.outgoingSsrc]),
    );
    assert.equal(made.engine.statistics(a.id)!.packetsLost, 0);
  });

  test('a play after it has the next number', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    made.path.counts = [countOf(300, a.sequence), countOf(300, b.sequence)];
    made.engine.play(b.id, { sources: [{ kind: 'silence', durationMs: 40 }], loop: 1 });
    const from = b.peer.rtp.length;
    await made.clock.advanceAsync(60);
    const first = readRtp(b.peer.rtp[from]!);
    assert.equal(first.sequence, (a.sequence + 301) & 0xffff);
    assert.ok(((first.timestamp - (a.sequence + 300) * 160) | 0) >= 160);
  });

  test('comfort that is switched on then waits for a pause of the peer, as in a bridge of the core', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    made.path.counts = [countOf(25, a.sequence), countOf(25, b.sequence)];
    await made.clock.advanceAsync(500);
    made.path.counts = [countOf(50, a.sequence), countOf(50, b.sequence)];
    made.engine.setComfort(b.id, 'silence');
    const from = b.peer.rtp.length;
    await made.clock.advanceAsync(160);
    assert.equal(b.peer.rtp.length, from);
    await made.clock.advanceAsync(100);
    assert.ok(b.peer.rtp.length > from);
  });

  test('a path that sees no numbers: the source goes on unchanged however far it is, a play goes beyond it', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    const unseen = (total: number): FastCount => ({ ...countOf(total, 0), numbers: null });
    for (let total = 25; total <= 5_000; total += 25) {
      made.path.counts = [unseen(total), unseen(total)];
      await made.clock.advanceAsync(500);
    }
    assert.equal(made.engine.statistics(a.id)!.packetsLost, 0);
    // Five more than the path counted: they were lost before it.
    a.sequence += 5_005;
    b.sequence += 5_005;
    const from = b.peer.rtp.length;
    await made.talk(a, b, 2);
    assert.equal(made.path.isActive, false);
    const heard = b.peer.rtp.slice(from).map(readRtp);
    assert.deepEqual(
      heard.map(({ sequence, timestamp, ssrc, marker }) => [sequence, timestamp, ssrc, marker]),
      [a.sequence - 1, a.sequence].map((number) => [number & 0xffff, number * 160, SSRC.a, false]),
    );
    assert.equal(made.engine.statistics(a.id)!.packetsLost, 5);
    made.engine.play(b.id, { sources: [{ kind: 'silence', durationMs: 40 }], loop: 1 });
    await made.clock.advanceAsync(60);
    assert.equal(readRtp(b.peer.rtp[from + 2]!).sequence, (a.sequence + 1) & 0xffff);
  });

  test('a shared path: packets that come to the core are relayed there, and it keeps the bridge', async () => {
    const made = await world();
    made.path.isShared = true;
    const [a, b] = await made.bridged();
    const from = b.peer.rtp.length;
    await made.talk(a, b, 5);
    assert.equal(made.path.isActive, true);
    assert.equal(b.peer.rtp.length, from + 5);
    assert.equal(readRtp(b.peer.rtp.at(-1)!).sequence, a.sequence);
  });

  test('another SSRC ends it, and it rests; then the new stream is offered', async () => {
    const made = await world();
    const [a, b] = await made.bridged();
    const other = { ...a, ssrc: 0xcccc0003 };
    await made.talk(other, b, 10);
    assert.equal(made.path.ended, 1);
    await made.talkUntilOffered(other, b);
    assert.equal(made.path.taken.length, 2);
    assert.equal(made.path.taken[1]!.directions[0].ssrc, 0xcccc0003);
    assert.equal(made.path.taken[1]!.directions[0].outgoingSsrc, SSRC.a);
  });

  test('unbridge, close and another bridge end it', async () => {
    const made = await world();
    const [a, b, bridge] = await made.bridged();
    made.engine.unbridge(bridge);
    assert.equal(made.path.ended, 1);
    made.engine.bridge(a.id, b.id);
    await made.talkUntilOffered(a, b);
    assert.equal(made.path.taken.length, 2);
    const c = await made.leg(0xdddd0004);
    made.engine.bridge(a.id, c.id);
    assert.equal(made.path.ended, 2);
    await made.talkUntilOffered(a, c);
    assert.equal(made.path.taken.length, 3);
    made.engine.close(c.id);
    assert.equal(made.path.ended, 3);
  });
});

describe('SRTP', () => {
  const sendKey = new Uint8Array(30).fill(1);
  const receiveKey = new Uint8Array(30).fill(2);
  const srtp: SrtpKeys = { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey, receiveKey };

  test('keys and counters go with the bridge and come back with it', async () => {
    const made = await world();
    const a = await made.leg(SSRC.a, { srtp });
    const b = await made.leg(SSRC.b);
    made.engine.bridge(a.id, b.id);
    const phone = new SrtpSender(srtp.suite, receiveKey);
    const ear = new SrtpReceiver(srtp.suite, sendKey);
    const sayProtected = () => {
      a.sequence += 1;
      const plain = rtpPacket({ ssrc: SSRC.a, sequence: a.sequence, timestamp: a.sequence * 160 });
      const packet = Buffer.concat([plain, Buffer.alloc(SRTP_TRAILER_BYTES)]);
      return packet.subarray(0, phone.protect(packet, plain.length));
    };
    const round = async (frames: number) => {
      for (let frame = 0; frame < frames; frame++) {
        a.peer.sendRtp(sayProtected(), ADDRESS, a.endpoint.rtpPort);
        made.say(b);
        await made.clock.advanceAsync(20);
      }
    };
    for (let frame = 0; frame < 50 && !made.path.isActive; frame++) await round(1);
    const [there, back] = made.path.taken[0]!.directions;
    assert.equal(there.receiveCrypto!.highestIndex, a.sequence);
    assert.ok(there.receiveCrypto!.window.low !== 0);
    assert.deepEqual([there.sendCrypto, back.receiveCrypto], [null, null]);
    assert.equal(back.sendCrypto!.highestIndex, readRtp(a.peer.rtp.at(-1)!).sequence);
    assert.notEqual(back.outgoingSsrc, SSRC.b);

    // The path goes on over a roll-over of both; then the core must know the new counters.
    const step = 30_000;
    const numbers = (index: number, sequence: number) => ({
      ...{ highestSequence: sequence & 0xffff, latestTimestamp: (sequence * 160) >>> 0, jitterUnits: 0 },
      ...{ receiveIndex: index, receiveWindow: { low: -1, high: -1 }, sendIndex: back.sendCrypto!.highestIndex },
    });
    const sent = back.sendCrypto!.highestIndex;
    for (let total = step; total <= 3 * step; total += step) {
      made.path.counts = [
        { ...countOf(total, 0), numbers: numbers(a.sequence + total, a.sequence + total) },
        { ...countOf(total, 0), numbers: { ...numbers(0, b.sequence + total), sendIndex: sent + total } },
      ];
      await made.clock.advanceAsync(500);
    }
    // The phone's own context moves on too.
    for (let index = 0; index < 3 * step; index++) sayProtected();
    b.sequence += 3 * step;
    const before = made.engine.statistics(a.id)!.packetsReceived;
    const from = a.peer.rtp.length;
    await round(3);
    assert.equal(made.engine.statistics(a.id)!.packetsReceived, before + 3);
    assert.deepEqual(made.engine.statistics(a.id)!.drops, {});
    const heard = a.peer.rtp.slice(from);
    assert.equal(heard.length, 3);
    for (const packet of a.peer.rtp.slice(0, 3)) assert.ok(ear.unprotect(Buffer.from(packet), packet.length) > 0);
    // The peer heard the path's packets, which carried its context over the roll-over.
    ear.resume(back.outgoingSsrc, { highest: sent + 3 * step, low: -1, high: -1 });
    for (const packet of heard) assert.ok(ear.unprotect(packet, packet.length) > 0);
  });
});
