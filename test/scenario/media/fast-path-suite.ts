// What a fast path owes, on real UDP: what it relays is what the core would have sent, bridges go there and come back without a gap or a
// number twice, and hostile packets harm nothing.

import { strict as assert } from 'node:assert';
import { describe, type test as vitestTest } from 'vitest';
import { SrtpReceiver } from '../../../src/media/srtp.ts';
import type { SrtpKeys, SrtpSuite } from '../../../src/sdp/plan.ts';
import { eventPayload, eventually, readRtp, rtpPacket } from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { startedWorlds } from '../../support/started-worlds.ts';
import { until } from '../../support/until.ts';
import { FastPathWorld, type Leg, nextPackets, type PathUnderTest } from './fast-path-world.ts';

export interface FastPathSubject {
  readonly test: typeof vitestTest | typeof vitestTest.skip;
  readonly open: () => PathUnderTest;
  /** SRTP of the two legs that it relays. */
  readonly suites: readonly (readonly [SrtpSuite, SrtpSuite | null])[];
}

const started = startedWorlds<FastPathWorld>((made) => made.stop());
export const world = (under: PathUnderTest | null): Promise<FastPathWorld> => started(new FastPathWorld(under));

const numbersOf = (packets: readonly Buffer[]): number[] => packets.map((packet) => readRtp(packet).sequence);
/** `count` numbers from `first` on. */
const run = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => (first + index) & 0xffff);

export function fastPathSuite(subject: FastPathSubject): void {
  const { test } = subject;

  describe('relay', () => {
    test('both ways: nothing lost, no header changed, counted as if the core had relayed it', async () => {
      const here = await world(subject.open());
      const [a, b] = await here.bridged();
      await Promise.all([here.relay(a, b, nextPackets(a, 100)), here.relay(b, a, nextPackets(b, 100))]);
      const heard = b.peer.packets;
      assert.equal(here.path!.isActive, true);
      assert.deepEqual(heard.slice(1).map(String), a.sent.slice(1).map(String));
      here.engine.setComfort(a.id, 'none');
      const { packetsReceived, packetsSent, bytesSent, packetsLost, drops } = here.engine.statistics(a.id)!;
      assert.deepEqual([packetsReceived, packetsSent], [a.sent.length, b.sent.length]);
      assert.deepEqual([bytesSent, packetsLost, drops], [b.sent.length * 160, 0, {}]);
      // What was said just before it was taken may be among them.
      assert.ok(here.path!.ended[0]![0].received >= 100);
    });

    for (const codec of ['PCMU', 'PCMA'] as const) {
      test(`what TypeScript would have sent, octet for octet, towards ${codec}: CSRC lists, extensions, digits, disorder, roll-over`, async () => {
        const there = { codec, telephoneEventSend: 97 } as const;
        const [native, plain] = [await world(subject.open()), await world(null)];
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

    for (const [suiteA, suiteB] of subject.suites) {
      test(`SRTP ${suiteA} and ${suiteB ?? 'plain'}, over a roll-over and back; replays and forgeries are counted`, async () => {
        const here = await world(subject.open());
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
        // The last of them may come after the hand-over.
        await eventually(() => {
          const { authentication, replay } = here.engine.statistics(a.id)!.drops;
          return authentication === 1 && replay === 1;
        }, 'the forgery and the replay are counted');
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
      const here = await world(subject.open());
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
          await eventually(() => here.path!.isActive, 'the path has the bridge again');
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
      const here = await world(subject.open());
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
      const here = await world(subject.open());
      const [a, b] = await here.bridged();
      b.peer.close();
      here.peers.splice(here.peers.indexOf(b.peer), 1);
      for (let count = 0; count < 20; count++) here.say(a);
      await eventually(() => {
        here.under!.path.settle();
        return here.path!.isActive;
      }, 'the bridge stays');
      here.engine.setEcho(a.id, true);
      here.say(a);
      await a.peer.until((packets) => packets.length > b.sent.length);
    });
  });
}

const hex = (packet: Buffer): string => packet.toString('hex');

export function keys(suite: SrtpSuite | null, seed: number): SrtpKeys | null {
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
