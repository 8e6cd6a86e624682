// The native media thread on real UDP: what it relays is what TypeScript would have sent, bridges go there and come back without a gap or
// a number twice, hostile packets harm nothing, and no socket outlives its engine.

import { strict as assert } from 'node:assert';
import { readdirSync, readlinkSync } from 'node:fs';
import { afterEach, describe } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { FastCounts, FastPath } from '../../../src/media/fast-path.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import { loadAddon } from '../../../src/media/native/addon.ts';
import { NativeMedia } from '../../../src/media/native/native-path.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../../src/media/srtp.ts';
import { createWorkerMediaEngine } from '../../../src/media/workers.ts';
import type { MediaPlan, SrtpKeys, SrtpSuite } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  eventPayload,
  eventually,
  plan,
  RtpPeer,
  readRtp,
  rtpPacket,
  strictSource,
} from '../../support/media.ts';
import { nativeAddon } from '../../support/native-addon.ts';
import { seededRandom } from '../../support/network.ts';
import { mediaRange } from '../../support/ports.ts';
import { testUnless } from '../../support/skip.ts';
import { until } from '../../support/until.ts';

const LOCAL = '127.0.0.1';
const built = nativeAddon();
const test = testUnless('missing' in built ? `native media thread: ${built.missing}` : undefined);

function openNative(): NativeMedia {
  assert.ok('file' in built);
  const addon = loadAddon(built.file);
  assert.ok(addon.ok, addon.ok ? '' : addon.error);
  const media = NativeMedia.open(addon.value);
  assert.ok(media.ok);
  return media.value;
}

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

interface Leg {
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

class World {
  readonly native: NativeMedia | null;
  readonly path: WatchedPath | null;
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly peers: RtpPeer[] = [];

  constructor(isNative = true) {
    this.native = isNative ? openNative() : null;
    this.path = this.native && new WatchedPath(this.native);
    this.engine = createInlineMediaEngine({
      ...{ clock: realClock, random: cryptoRandom, portRange: mediaRange(40) },
      ...(this.native && this.path ? { sockets: this.native, fastPath: this.path } : {}),
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

  /** Both sides talk until the media thread has their bridge. */
  async talkUntilTaken(a: Leg, b: Leg): Promise<void> {
    const path = this.path!;
    const before = path.taken;
    const look = () => {
      if (path.taken > before) return true;
      this.say(a);
      this.say(b);
      return false;
    };
    await until(look, 8_000, () => `the media thread had ${path.taken} bridges`);
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
    this.native?.close();
    for (const peer of this.peers) peer.close();
  }
}

function protection(srtp: SrtpKeys | null): (packet: Buffer) => Buffer {
  if (!srtp) return (packet) => packet;
  const sender = new SrtpSender(srtp.suite, srtp.receiveKey);
  return (packet) => {
    const buffer = Buffer.concat([packet, Buffer.alloc(SRTP_TRAILER_BYTES)]);
    return buffer.subarray(0, sender.protect(buffer, packet.length));
  };
}

let worlds: World[] = [];
async function world(isNative = true): Promise<World> {
  const made = new World(isNative);
  worlds.push(made);
  assert.ok((await made.engine.start()).ok);
  return made;
}

afterEach(async () => {
  const made = worlds;
  worlds = [];
  for (const one of made) await one.stop();
});

const numbersOf = (packets: readonly Buffer[]): number[] => packets.map((packet) => readRtp(packet).sequence);
/** `count` numbers from `first` on. */
const run = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => (first + index) & 0xffff);

describe('relay', () => {
  test('both ways: nothing lost, no header changed, counted as if the core had relayed it', async () => {
    const here = await world();
    const [a, b] = await here.bridged();
    await Promise.all([here.relay(a, b, nextPackets(a, 100)), here.relay(b, a, nextPackets(b, 100))]);
    const heard = b.peer.packets;
    assert.equal(here.path!.isActive, true);
    assert.deepEqual(heard.slice(1).map(String), a.sent.slice(1).map(String));
    here.engine.setComfort(a.id, 'none');
    const { packetsReceived, packetsSent, bytesSent, packetsLost, drops } = here.engine.statistics(a.id)!;
    assert.deepEqual([packetsReceived, packetsSent], [a.sent.length, b.sent.length]);
    assert.deepEqual([bytesSent, packetsLost, drops], [b.sent.length * 160, 0, {}]);
    assert.equal(here.path!.ended[0]![0].received, 100);
  });

  for (const codec of ['PCMU', 'PCMA'] as const) {
    test(`what TypeScript would have sent, octet for octet, towards ${codec}: CSRC lists, extensions, digits, disorder, roll-over`, async () => {
      const there = { codec, telephoneEventSend: 97 } as const;
      const [native, plain] = [await world(), await world(false)];
      const [a, b] = await native.bridged({}, there);
      const first = await plain.leg(a.ssrc);
      const second = await plain.leg(b.ssrc, there);
      plain.engine.bridge(first.id, second.id);
      const early = [...a.sent];
      const odd = oddPackets(a);
      await native.relay(a, b, odd);
      await plain.relay(first, second, [...early, ...odd]);
      assert.deepEqual(b.peer.packets.map(hex), second.peer.packets.map(hex));
      assert.equal(native.path!.isActive, true);
      native.engine.setComfort(a.id, 'none');
      for (const field of ['packetsReceived', 'bytesReceived', 'packetsLost'] as const) {
        assert.equal(native.engine.statistics(a.id)![field], plain.engine.statistics(first.id)![field], field);
      }
      assert.deepEqual(native.engine.statistics(b.id)!.drops, plain.engine.statistics(second.id)!.drops);
      await native.events.waitFor('digit', ({ endpoint, digit }) => endpoint === a.id && digit === '5');
    });
  }

  for (const [suiteA, suiteB] of [
    ['AES_CM_128_HMAC_SHA1_80', null],
    ['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'],
  ] as const) {
    test(`SRTP ${suiteA} and ${suiteB ?? 'plain'}, over a roll-over and back; replays and forgeries are counted`, async () => {
      const here = await world();
      const [a, b] = await here.bridged({ srtp: keys(suiteA, 1) }, { srtp: keys(suiteB, 2) });
      await here.relay(a, b, nextPackets(a, 160));
      const replayed = a.protect(rtpPacket({ ssrc: a.ssrc, sequence: ++a.sequence, payload: new Uint8Array(160) }));
      const forged = Buffer.from(replayed);
      forged[40] = forged[40]! ^ 1;
      a.peer.send([forged, replayed, replayed], a.endpoint.rtpPort);
      await b.peer.until((packets) => packets.length >= a.sent.length + 1);
      assert.equal(here.path!.isActive, true);
      here.engine.setComfort(a.id, 'none');
      assert.equal(here.path!.isActive, false);
      const { authentication, replay } = here.engine.statistics(a.id)!.drops;
      assert.deepEqual([authentication, replay], [1, 1]);
      // TypeScript goes on with the same counters.
      for (let count = 0; count < 5; count++) here.say(a);
      const heard = opened(b.plan.srtp, await b.peer.until((packets) => packets.length >= a.sent.length + 1));
      const [start] = numbersOf(heard);
      assert.deepEqual(numbersOf(heard), run(start!, a.sent.length + 1));
      assert.deepEqual(
        heard.map((packet) => packet[12]),
        [...a.sent.slice(0, -5), rtpPacket({ payload: new Uint8Array(160) }), ...a.sent.slice(-5)].map(
          (packet) => packet[12],
        ),
      );
    });
  }
});

describe('hand-over', () => {
  test('while both sides talk without a pause: play, back again, another SSRC: no number twice, none left out', async () => {
    const here = await world();
    const [a, b] = await here.bridged();
    const talk = setInterval(() => {
      here.say(a);
      here.say(b);
    }, 5);
    try {
      for (let round = 0; round < 2; round++) {
        const play = here.engine.play(b.id, { sources: [{ kind: 'silence', durationMs: 60 }], loop: 1 });
        assert.equal(here.path!.isActive, false);
        await here.events.waitFor('playEnded', (event) => event.play === play);
        await eventually(() => here.path!.isActive, 'the media thread has the bridge again');
      }
    } finally {
      clearInterval(talk);
    }
    const other = { ...a, ssrc: 0xcccc0003, sequence: 7 };
    for (let count = 0; count < 5; count++) here.say(other);
    await eventually(() => !here.path!.isActive, 'another source is for the core');
    const { packetsSent } = here.engine.statistics(b.id)!;
    const heard = await b.peer.until((packets) => packets.length >= packetsSent);
    const numbers = numbersOf(heard);
    assert.deepEqual(numbers, run(numbers[0]!, heard.length));
    assert.equal(new Set(heard.map((packet) => readRtp(packet).ssrc)).size, 1);
    assert.equal(here.path!.taken, 3);
  });

  test('what it does not know comes to the core: strangers, RTCP, keep-alives, broken packets; noise harms nothing', async () => {
    const here = await world();
    const [a, b] = await here.bridged();
    const random = seededRandom(3);
    a.peer.send([Buffer.alloc(0), Buffer.of(0x80), Buffer.alloc(1_800, 0x80)], a.endpoint.rtpPort);
    here.send(a, rtpPacket({ ssrc: a.ssrc, sequence: a.sequence, payloadType: 20 }));
    here.send(a, Buffer.from('81c90007000000010000000200000000000000000000000000000000', 'hex'));
    await eventually(
      () => {
        const { malformed, oversized, payloadType, rtcp } = here.engine.statistics(a.id)!.drops;
        return malformed === 2 && oversized === 1 && payloadType === 1 && rtcp === 1;
      },
      `each is counted: ${JSON.stringify(here.engine.statistics(a.id)!.drops)}`,
    );
    assert.equal(here.path!.isActive, true);
    for (let count = 0; count < 300; count++) {
      const packet = random.bytes(1 + (random.bytes(2).readUInt16BE(0) % 400));
      // Half of them look like packets of the stream.
      if (count % 2 === 0 && packet.length >= 12) {
        rtpPacket({ ssrc: a.ssrc, sequence: a.sequence + count, payload: new Uint8Array(0) }).copy(packet, 1, 1);
        packet[0] = 0x80 | (packet[0]! & 0x3f);
      }
      here.send(a, packet);
      // No more at a time than the buffers of sockets hold.
      if (count % 40 === 39) await here.relay(b, a, nextPackets(b, 1));
    }
    // A source with another SSRC is heard after all that.
    const [spoken] = nextPackets({ ...a, ssrc: 0xdddd0004, sequence: 1 }, 1);
    const isSpoken = (packet: Buffer) => packet.subarray(12).equals(spoken!.subarray(12));
    const look = () => {
      a.sequence += 1;
      here.send(a, rtpPacket({ ...readRtp(spoken!), sequence: a.sequence }));
      return b.peer.packets.some(isSpoken);
    };
    await until(look, 8_000, () => `b heard ${b.peer.packets.length} packets`);
  });

  test('a peer whose port is closed costs only its own packets', async () => {
    const here = await world();
    const [a, b] = await here.bridged();
    b.peer.close();
    here.peers.splice(here.peers.indexOf(b.peer), 1);
    for (let count = 0; count < 20; count++) here.say(a);
    await eventually(() => {
      here.native!.settle();
      return here.path!.isActive;
    }, 'the bridge stays');
    here.engine.setEcho(a.id, true);
    here.say(a);
    await a.peer.until((packets) => packets.length > b.sent.length);
  });
});

describe('life', () => {
  const sockets = (): number =>
    readdirSync('/proc/self/fd').filter((name) => {
      try {
        return readlinkSync(`/proc/self/fd/${name}`).startsWith('socket:');
      } catch {
        return false;
      }
    }).length;

  test('no socket is left after close, in whatever state its bridge is', async () => {
    const before = sockets();
    const here = await world();
    const [a, b] = await here.bridged();
    assert.equal(sockets(), before + 6);
    here.engine.close(a.id);
    assert.equal(here.path!.isActive, false);
    here.say(b);
    here.native!.close();
    here.native!.close();
    assert.equal(sockets(), before + 2);
    assert.equal((await here.native!.bind(LOCAL, 0, { packet: () => {}, error: () => {} })).ok, false);
  });

  test('a worker that ends while both sides talk: its thread and its sockets end with it', async () => {
    assert.ok('file' in built);
    const before = sockets();
    const [peerA, peerB] = [await RtpPeer.open(), await RtpPeer.open()];
    const options = { workers: 1, portRange: mediaRange(40), log: silentLog, clock: realClock };
    const engine = createWorkerMediaEngine({ ...options, native: { addon: built.file, dscp: 34 } });
    assert.ok((await engine.start()).ok);
    const legs: { peer: RtpPeer; port: number; id: string }[] = [];
    for (const peer of [peerA, peerB]) {
      const opened = await engine.open({ localAddress: LOCAL, callSid: 'CA1' });
      assert.ok(opened.ok);
      engine.configure(opened.value.id, plan(peer.port), strictSource);
      legs.push({ peer, port: opened.value.rtpPort, id: opened.value.id });
    }
    engine.bridge(legs[0]!.id, legs[1]!.id);
    let sequence = 0;
    const talk = setInterval(() => {
      sequence += 1;
      const packets = [1, 2].map((ssrc) => rtpPacket({ ssrc, sequence, timestamp: sequence * 160 }));
      for (const [index, { peer, port }] of legs.entries()) peer.send([packets[index]!], port);
    }, 5);
    try {
      await peerB.until(({ length }) => length > 200);
      assert.equal(sockets(), before + 6);
      await engine.stop();
      assert.equal(sockets(), before + 2);
    } finally {
      clearInterval(talk);
      for (const { peer } of legs) peer.close();
    }
  });

  test('errors of bind are those of node:dgram', async () => {
    const native = openNative();
    const handlers = { packet: () => {}, error: () => {} };
    const bind = async (address: string, port: number) => {
      const bound = await native.bind(address, port, handlers);
      return bound.ok ? 'bound' : bound.error.code;
    };
    const peer = await RtpPeer.open();
    assert.deepEqual(
      [await bind(LOCAL, peer.port), await bind('192.0.2.1', 40_000), await bind('nonsense', 40_000)],
      ['inUse', 'noAddress', 'noAddress'],
    );
    peer.close();
    native.close();
  });

  test('a file that is no addon is an error with words', () => {
    const loaded = loadAddon(import.meta.filename);
    assert.ok(!loaded.ok);
    assert.match(loaded.error, /^it cannot be loaded|^it is of another version/);
    const none = loadAddon('/nonexistent/media.node');
    assert.match(none.ok ? '' : none.error, /npm run build:native/);
  });
});

function nextPackets(leg: Leg, count: number): Buffer[] {
  return Array.from({ length: count }, () => {
    leg.sequence += 1;
    const { sequence, ssrc } = leg;
    const payload = new Uint8Array(160).fill(sequence & 0xff);
    return rtpPacket({ ssrc, sequence, timestamp: sequence * 160, payloadType: leg.plan.payloadType, payload });
  });
}

const hex = (packet: Buffer): string => packet.toString('hex');

function keys(suite: SrtpSuite | null, seed: number): SrtpKeys | null {
  const random = seededRandom(seed).bytes;
  return suite && { suite, sendKey: random(30), receiveKey: random(30) };
}

function opened(srtp: SrtpKeys | null, packets: readonly Buffer[]): Buffer[] {
  if (!srtp) return [...packets];
  const receiver = new SrtpReceiver(srtp.suite, srtp.sendKey);
  return packets.map((packet, index) => {
    const end = receiver.unprotect(packet, packet.length);
    assert.ok(end > 0, `packet ${index}: SRTP ${end}`);
    return packet.subarray(0, end);
  });
}

/** 200 packets of a source as networks and phones make them, and a press in their middle. */
function oddPackets(leg: Leg): Buffer[] {
  const random = seededRandom(11).bytes;
  const packets: Buffer[] = [];
  const press = (leg.sequence + 100) * 160;
  for (let count = 0; count < 200; count++) {
    leg.sequence += count % 17 === 16 ? 3 : 1;
    const isEvent = count >= 100 && count < 108;
    const fields = isEvent
      ? {
          payloadType: 101,
          timestamp: press,
          payload: eventPayload(5, count >= 105, (count - 99) * 160),
          marker: count === 100,
        }
      : { payloadType: 0, timestamp: leg.sequence * 160, payload: random(160), marker: count % 50 === 0 };
    packets.push(withExtras(rtpPacket({ ...fields, ssrc: leg.ssrc, sequence: leg.sequence }), count));
  }
  for (let at = 10; at < 90; at += 9) packets.splice(at, 2, packets[at + 1]!, packets[at]!);
  packets.splice(60, 0, packets[58]!);
  packets.push(packets[150]!);
  return packets;
}

/** With a CSRC list, a header extension, both, or as it is. */
function withExtras(packet: Buffer, count: number): Buffer {
  const csrc = count % 5 === 0 ? Buffer.alloc(4 * (count % 3), 7) : Buffer.alloc(0);
  const extension = count % 7 === 0 ? Buffer.from('bede000150aabbcc', 'hex') : Buffer.alloc(0);
  const made = Buffer.concat([packet.subarray(0, 12), csrc, extension, packet.subarray(12)]);
  made[0] = 0x80 | (extension.length > 0 ? 0x10 : 0) | (csrc.length / 4);
  return made;
}
