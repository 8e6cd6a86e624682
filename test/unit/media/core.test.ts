// The engine on a virtual clock and network: ports, plays, digits, comfort, echo, bridge, silence, directions, hostile packets.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { EndpointInfo, MediaEngine, SourceRule } from '../../../src/media/engine.ts';
import { encode } from '../../../src/media/g711.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../../src/media/srtp.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import type { MediaPlan } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  eventPayload,
  plan,
  readRtp,
  rtpPacket,
  SkewedClock,
  shareOf,
  strictSource,
  tonePackets,
  VirtualDatagrams,
  VirtualPeer,
} from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { startedWorlds } from '../../support/started-worlds.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const ADDRESS = '10.0.0.1';
const PEER = '10.0.0.2';

class World {
  readonly clock = new VirtualClock();
  /** The engine's own: it can stand still while the network goes on. */
  readonly engineClock = new SkewedClock(this.clock);
  readonly network = new VirtualDatagrams({ clock: this.clock });
  readonly engine: MediaEngine;
  readonly events: EventLog;
  #peers = 0;

  constructor(portRange = { first: 20_000, last: 20_039 }) {
    const { network } = this;
    this.engine = createInlineMediaEngine({
      clock: this.engineClock,
      random: seededRandom(9).bytes,
      portRange,
      sockets: network,
    });
    this.events = new EventLog(this.engine);
  }

  async open(): Promise<EndpointInfo> {
    const opened = await this.engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.ok(opened.ok, JSON.stringify(opened));
    return opened.value;
  }

  /** A peer and the endpoint that talks to it. */
  async leg(changes: Partial<MediaPlan> = {}, rule: SourceRule = strictSource): Promise<Leg> {
    this.#peers += 1;
    const peer = await VirtualPeer.open(this.network, PEER, 30_000 + this.#peers * 10);
    const endpoint = await this.open();
    const leg = { peer, endpoint, id: endpoint.id, plan: plan(peer.port, { remoteAddress: PEER, ...changes }) };
    this.engine.configure(leg.id, leg.plan, rule);
    return leg;
  }

  /** The peer sends packets, one each 20 ms. */
  async send({ peer, endpoint }: Leg, packets: readonly Buffer[]): Promise<void> {
    for (const packet of packets) {
      peer.sendRtp(packet, ADDRESS, endpoint.rtpPort);
      await this.clock.advanceAsync(20);
    }
  }

  drops(leg: Leg): Readonly<Record<string, number>> {
    return this.engine.statistics(leg.id)!.drops;
  }
}

interface Leg {
  readonly peer: VirtualPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly plan: MediaPlan;
}

// House rule 7: nothing is left at the end of any test.
const started = startedWorlds<World>(async ({ engine, clock }) => {
  await engine.stop();
  // Packets on their way are timers too.
  clock.advance(1);
  const { endpoints, bridges, plays, portsInUse } = engine.counts();
  assert.deepEqual({ endpoints, bridges, plays, portsInUse }, { endpoints: 0, bridges: 0, plays: 0, portsInUse: 0 });
  assert.equal(clock.pendingTimers, 0, 'timers are left');
});
const world = (portRange?: { first: number; last: number }): Promise<World> => started(new World(portRange));

const tone = (frequency: number, durationMs: number) =>
  ({ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }) as const;

describe('ports', () => {
  test('RFC 3550 11: an endpoint has an even port and the next one', async () => {
    const endpoint = await (await world()).open();
    assert.equal(endpoint.rtpPort % 2, 0);
    assert.equal(endpoint.rtcpPort, endpoint.rtpPort + 1);
  });

  test('used up: noPorts; a closed pair rests ten seconds, then serves again', async () => {
    const { engine, clock } = await world({ first: 20_000, last: 20_003 });
    const open = () => engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    const [first, second, third] = [await open(), await open(), await open()];
    assert.ok(first.ok && second.ok);
    assert.equal(!third.ok && third.error.code, 'noPorts');
    engine.close(first.value.id);
    assert.deepEqual(engine.counts(), {
      endpoints: 1,
      bridges: 0,
      plays: 0,
      mixers: 0,
      mixerMembers: 0,
      taps: 0,
      recordings: 0,
      portsInUse: 1,
      portsResting: 1,
      portsFree: 0,
    });
    await clock.advanceAsync(limits.portRestMs - 1_000);
    assert.equal((await open()).ok, false);
    await clock.advanceAsync(1_000);
    const again = await open();
    assert.equal(again.ok && again.value.rtpPort, first.value.rtpPort);
    engine.close(again.ok ? again.value.id : '');
    engine.close(second.value.id);
    await clock.advanceAsync(limits.portRestMs + 1_000);
    assert.equal(engine.counts().portsFree, 2);
  });

  test("a port that another program holds: the next pair; the pair's other socket is not left open", async () => {
    const { engine, network } = await world({ first: 20_000, last: 20_005 });
    network.busy.add(`${ADDRESS} 20001`);
    network.busy.add(`${ADDRESS} 20002`);
    const opened = await engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.equal(opened.ok && opened.value.rtpPort, 20_004);
    assert.equal(network.openSockets, 2);
    const none = await engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.equal(!none.ok && none.error.code, 'noPorts');
  });

  test('an address that is not ours: noAddress', async () => {
    const { engine } = await world();
    const opened = await engine.open({ localAddress: '192.0.2.99', callSid: 'CA1' });
    assert.equal(!opened.ok && opened.error.code, 'noAddress');
  });

  test('after stop: stopped', async () => {
    const { engine } = await world();
    await engine.stop();
    const opened = await engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.equal(!opened.ok && opened.error.code, 'stopped');
  });

  test('close is idempotent, and commands to a closed endpoint are ignored', async () => {
    const here = await world();
    const { engine, network } = here;
    const endpoint = await here.open();
    engine.close(endpoint.id);
    engine.close(endpoint.id);
    engine.configure(endpoint.id, plan(9), strictSource);
    engine.setComfort(endpoint.id, 'silence');
    engine.tap(endpoint.id, ['inbound']);
    engine.watchSpeech(endpoint.id, true);
    assert.equal(engine.statistics(endpoint.id), undefined);
    assert.equal(network.openSockets, 0);
  });
});

describe('plays', () => {
  test('a tone is sent in frames of 20 ms: even sequence numbers and timestamps, one marker, then playEnded', async () => {
    const here = await world();
    const leg = await here.leg();
    const play = here.engine.play(leg.id, { sources: [tone(440, 1_000)], loop: 1 });
    assert.equal(here.engine.counts().plays, 1);
    await here.clock.advanceAsync(1_100);
    const sent = leg.peer.rtp.map(readRtp);
    assert.equal(sent.length, 50);
    assert.deepEqual(
      sent.map(({ marker }) => marker),
      [true, ...Array(49).fill(false)],
    );
    for (const [index, packet] of sent.entries()) {
      assert.equal(packet.sequence, (sent[0]!.sequence + index) & 0xffff);
      assert.equal(packet.timestamp, (sent[0]!.timestamp + index * 160) >>> 0);
      assert.equal(packet.ssrc, sent[0]!.ssrc);
      assert.equal(packet.payloadType, 0);
    }
    assert.ok(shareOf(leg.peer.rtp, 'PCMU', 440) > 0.99);
    assert.deepEqual(here.events.ofType('playEnded'), [
      { type: 'playEnded', endpoint: leg.id, play, outcome: 'finished' },
    ]);
  });

  test('a new play replaces the running one, which ends stopped; stopPlay of an old id changes nothing', async () => {
    const here = await world();
    const leg = await here.leg();
    const first = here.engine.play(leg.id, { sources: [tone(440, 1_000)], loop: 0 });
    await here.clock.advanceAsync(100);
    const second = here.engine.play(leg.id, { sources: [tone(660, 1_000)], loop: 0 });
    await here.clock.advanceAsync(100);
    here.engine.stopPlay(first);
    await here.clock.advanceAsync(100);
    assert.equal(leg.peer.rtp.length, 15);
    here.engine.stopPlay(second);
    await here.clock.advanceAsync(100);
    assert.equal(leg.peer.rtp.length, 15);
    assert.deepEqual(
      here.events.ofType('playEnded').map(({ play, outcome }) => [play, outcome]),
      [
        [first, 'stopped'],
        [second, 'stopped'],
      ],
    );
  });

  test('a play on an endpoint that is gone ends failed, after its id was given', async () => {
    const here = await world();
    const play = here.engine.play('0-77', { sources: [tone(440, 100)], loop: 1 });
    assert.deepEqual(here.events.events, []);
    await settle();
    assert.deepEqual(here.events.events, [{ type: 'playEnded', endpoint: '0-77', play, outcome: 'failed' }]);
  });

  test('closing an endpoint ends its play stopped', async () => {
    const here = await world();
    const leg = await here.leg();
    const play = here.engine.play(leg.id, { sources: [tone(440, 1_000)], loop: 0 });
    here.engine.close(leg.id);
    await settle();
    assert.deepEqual(here.events.ofType('playEnded'), [
      { type: 'playEnded', endpoint: leg.id, play, outcome: 'stopped' },
    ]);
  });

  test('while there is nothing to send, no timer ticks', async () => {
    const here = await world();
    const leg = await here.leg();
    here.engine.play(leg.id, { sources: [tone(440, 100)], loop: 1 });
    await here.clock.advanceAsync(200);
    // The next thing in time is housekeeping, not a frame.
    const waits = here.clock.nextAt()! - here.clock.now();
    await here.clock.advanceAsync(waits);
    assert.equal(here.clock.nextAt()! - here.clock.now(), 500);
  });

  test('a late tick makes up for up to five frames and leaves out the rest; timestamps keep real time', async () => {
    const here = await world();
    const leg = await here.leg();
    here.engine.play(leg.id, { sources: [tone(440, 60_000)], loop: 1 });
    await here.clock.advanceAsync(100);
    const before = leg.peer.rtp.length;
    // The thread stands still for 400 ms: the timer that was due in 20 ms fires after 420.
    here.engineClock.stall(400);
    await here.clock.advanceAsync(20);
    const burst = leg.peer.rtp.slice(before).map(readRtp);
    assert.equal(burst.length, limits.mediaCatchUpFrames);
    const last = readRtp(leg.peer.rtp[before - 1]!);
    assert.equal((burst[0]!.sequence - last.sequence) & 0xffff, 1);
    assert.equal((burst.at(-1)!.timestamp - last.timestamp) >>> 0, 21 * 160);
  });
});

describe('digits', () => {
  test('RFC 4733: played digits are events: one timestamp, rising duration, three end packets, then a gap', async () => {
    const here = await world();
    const leg = await here.leg({ telephoneEventSend: 96 });
    here.engine.play(leg.id, { sources: [{ kind: 'digits', digits: '5#' }], loop: 1 });
    await here.clock.advanceAsync(600);
    const events = leg.peer.rtp.map(readRtp).filter(({ payloadType }) => payloadType === 96);
    const presses = [...new Set(events.map(({ timestamp }) => timestamp))];
    assert.equal(presses.length, 2);
    assert.ok((presses[1]! - presses[0]!) >>> 0 >= (100 + 70) * 8);
    for (const [index, event] of [5, 11].entries()) {
      const press = events.filter(({ timestamp }) => timestamp === presses[index]);
      assert.deepEqual(
        press.map(({ marker }) => marker),
        [true, ...Array(press.length - 1).fill(false)],
      );
      assert.ok(press.every(({ payload }) => payload[0] === event));
      const ends = press.filter(({ payload }) => payload[1]! >= 0x80);
      assert.equal(ends.length, 3);
      for (const { payload } of ends) assert.ok(((payload[2]! << 8) | payload[3]!) >= 800);
    }
    const sequences = leg.peer.rtp.map((packet) => readRtp(packet).sequence);
    for (let index = 1; index < sequences.length; index++) {
      assert.equal((sequences[index]! - sequences[index - 1]!) & 0xffff, 1);
    }
  });

  test('a peer without telephone-event gets tones', async () => {
    const here = await world();
    const leg = await here.leg({ telephoneEventSend: null });
    here.engine.play(leg.id, { sources: [{ kind: 'digits', digits: '5' }], loop: 1 });
    await here.clock.advanceAsync(600);
    const heard = leg.peer.rtp.slice(0, 5);
    assert.ok(shareOf(heard, 'PCMU', 770) + shareOf(heard, 'PCMU', 1_336) > 0.9);
    assert.ok(leg.peer.rtp.every((packet) => readRtp(packet).payloadType === 0));
  });

  test('RFC 4733: a received press is one event, whatever its payload type; its end packets are not more', async () => {
    const here = await world();
    const leg = await here.leg({ telephoneEventReceive: 126 });
    const press = (event: number, end: boolean, duration: number, sequence: number) =>
      rtpPacket({ payloadType: 126, sequence, timestamp: 8_000, payload: eventPayload(event, end, duration) });
    await here.send(leg, [
      press(7, false, 160, 1),
      press(7, false, 320, 2),
      press(7, true, 480, 3),
      press(7, true, 480, 4),
      press(7, true, 480, 5),
    ]);
    assert.deepEqual(here.events.ofType('digit'), [{ type: 'digit', endpoint: leg.id, digit: '7', durationMs: 60 }]);
  });

  test('RFC 4733 2.6.1: all end packets lost: the digit comes when the press has been silent', async () => {
    const here = await world();
    const leg = await here.leg();
    await here.send(leg, [
      rtpPacket({ payloadType: 101, sequence: 1, timestamp: 8_000, payload: eventPayload(11, false, 160) }),
      rtpPacket({ payloadType: 101, sequence: 2, timestamp: 8_000, payload: eventPayload(11, false, 320) }),
    ]);
    assert.deepEqual(here.events.ofType('digit'), []);
    await here.clock.advanceAsync(200);
    assert.deepEqual(here.events.ofType('digit'), [{ type: 'digit', endpoint: leg.id, digit: '#', durationMs: 40 }]);
  });
});

describe('bridge', () => {
  test('relayed packets keep their spacing and get our SSRC; numbers stay continuous from play to bridge to comfort', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg()];
    here.engine.play(b.id, { sources: [tone(440, 200)], loop: 1 });
    await here.clock.advanceAsync(300);
    const bridge = here.engine.bridge(a.id, b.id);
    await here.send(a, tonePackets(1_000, 'PCMU', 10, { sequence: 65_530, ssrc: 0x99 }));
    here.engine.unbridge(bridge);
    here.engine.setComfort(b.id, 'silence');
    await here.clock.advanceAsync(1_000);
    const heard = b.peer.rtp.map(readRtp);
    assert.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1);
    assert.notEqual(heard[0]!.ssrc, 0x99);
    for (let index = 1; index < heard.length; index++) {
      assert.equal((heard[index]!.sequence - heard[index - 1]!.sequence) & 0xffff, 1, `packet ${index}`);
    }
    const markers = heard.flatMap(({ marker }, index) => (marker ? [index] : []));
    assert.deepEqual(markers, [0, 10, 20], 'play, bridge, comfort each begin with a marker');
    // Timestamps follow the clock across both changes: 100 ms pause before the bridge, some before comfort.
    const [firstRelayed, firstComfort] = [heard[10]!, heard[20]!];
    const playedMs = ((firstRelayed.timestamp - heard[0]!.timestamp) >>> 0) / 8;
    assert.ok(Math.abs(playedMs - 280) <= 20, `${playedMs}`);
    const relayedMs = ((firstComfort.timestamp - firstRelayed.timestamp) >>> 0) / 8;
    assert.ok(relayedMs >= 380 && relayedMs <= 420, `${relayedMs}`);
    assert.ok(shareOf(b.peer.rtp.slice(10, 20), 'PCMU', 1_000) > 0.95);
  });

  test('a play has precedence over the bridge towards its endpoint only', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg()];
    here.engine.bridge(a.id, b.id);
    here.engine.play(b.id, { sources: [tone(440, 10_000)], loop: 1 });
    const packets = tonePackets(1_000, 'PCMU', 50);
    for (const packet of packets) {
      a.peer.sendRtp(packet, ADDRESS, a.endpoint.rtpPort);
      b.peer.sendRtp(packet, ADDRESS, b.endpoint.rtpPort);
      await here.clock.advanceAsync(20);
    }
    assert.ok(shareOf(b.peer.rtp, 'PCMU', 440) > 0.95);
    assert.ok(shareOf(a.peer.rtp, 'PCMU', 1_000) > 0.95);
  });

  test('CSRC list, extension and padding of one side do not reach the other', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg()];
    here.engine.bridge(a.id, b.id);
    const audio = Buffer.from('0123456789abcdef'.repeat(10));
    const plain = rtpPacket({ payload: new Uint8Array(0) });
    const full = Buffer.concat([
      plain,
      Buffer.from('00000007bede000110aa0000', 'hex'),
      audio,
      Buffer.from('000003', 'hex'),
    ]);
    full[0] = 0xb1;
    await here.send(a, [full]);
    assert.equal(b.peer.rtp[0]!.subarray(12).toString(), audio.toString());
    assert.equal(b.peer.rtp[0]![0], 0x80);
  });

  test('[sip 1.6 ptime-in] packets of 30 ms are sent on as 20 ms; a press keeps one timestamp among them, and leaves no gap', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg({ telephoneEventSend: 97 })];
    here.engine.bridge(a.id, b.id);
    const audio = (sequence: number, timestamp: number) =>
      rtpPacket({ sequence, timestamp, payload: new Uint8Array(240).fill(0x55), marker: sequence === 1 });
    const event = (sequence: number, isEnd: boolean, duration: number) =>
      rtpPacket({ sequence, timestamp: 480, payloadType: 101, payload: eventPayload(5, isEnd, duration) });
    await here.send(a, [audio(1, 0), audio(2, 240), event(3, false, 160)]);
    // Some phones send their audio on while the key is pressed.
    await here.send(a, [audio(4, 480), event(5, false, 320), event(6, true, 480), audio(7, 720)]);
    const sent = b.peer.rtp.map(readRtp);
    assert.deepEqual(
      sent.map(({ payloadType }) => payloadType),
      [0, 0, 0, 97, 0, 97, 97, 0, 0],
    );
    const [first] = sent;
    assert.equal(first!.marker, true);
    for (const [index, { sequence, marker }] of sent.entries()) {
      assert.equal((sequence - first!.sequence) & 0xffff, index);
      assert.equal(marker, index === 0);
    }
    const times = (payloadType: number) =>
      sent.flatMap((packet) => (packet.payloadType === payloadType ? (packet.timestamp - first!.timestamp) >>> 0 : []));
    assert.deepEqual(times(0), [0, 160, 320, 480, 640, 800]);
    assert.deepEqual(times(97), [480, 480, 480]);
    for (const { payloadType, payload } of sent) assert.equal(payload.length, payloadType === 0 ? 160 : 4);
  });

  test('[sip 1.6 ptime-in] half a frame of one source is never sent with another: new SSRC, new bridge', async () => {
    const here = await world();
    const [a, b, c] = [await here.leg(), await here.leg(), await here.leg()];
    const first = here.engine.bridge(a.id, b.id);
    const filled = (octet: number, size: number, fields: object) =>
      rtpPacket({ payload: new Uint8Array(size).fill(octet), ...fields });
    await here.send(a, [filled(1, 80, { sequence: 1, timestamp: 0 })]);
    await here.send(a, [filled(2, 240, { sequence: 1, timestamp: 80, ssrc: 2 })]);
    here.engine.unbridge(first);
    here.engine.bridge(c.id, b.id);
    await here.send(c, [filled(3, 160, { sequence: 2, timestamp: 320, ssrc: 2 })]);
    const sent = b.peer.rtp.map(readRtp);
    assert.deepEqual(
      sent.map(({ payload, marker }) => [payload.length, new Set(payload).size, payload[0], marker]),
      [
        [160, 1, 2, true],
        [160, 1, 3, true],
      ],
    );
    assert.equal((sent[1]!.sequence - sent[0]!.sequence) & 0xffff, 1);
    assert.equal(new Set(sent.map(({ ssrc }) => ssrc)).size, 1);
  });

  test('telephone events pass with their own payload type on each side and one timestamp per press', async () => {
    const here = await world();
    const [a, b] = [await here.leg({ telephoneEventReceive: 126 }), await here.leg({ telephoneEventSend: 97 })];
    here.engine.bridge(a.id, b.id);
    await here.send(a, tonePackets(1_000, 'PCMU', 3, { sequence: 1, timestamp: 160 }));
    const press = [160, 320, 480].map((duration, index) =>
      rtpPacket({
        payloadType: 126,
        marker: index === 0,
        sequence: 4 + index,
        timestamp: 640,
        payload: eventPayload(3, index === 2, duration),
      }),
    );
    await here.send(a, press);
    const heard = b.peer.rtp.map(readRtp);
    assert.deepEqual(
      heard.map(({ payloadType }) => payloadType),
      [0, 0, 0, 97, 97, 97],
    );
    assert.deepEqual(
      heard.map(({ timestamp }) => (timestamp - heard[0]!.timestamp) >>> 0),
      [0, 160, 320, 480, 480, 480],
    );
    assert.deepEqual(
      heard.map(({ marker }) => marker),
      [true, false, false, true, false, false],
    );
    assert.equal(here.events.ofType('digit')[0]?.digit, '3');
  });

  test('towards a peer without telephone-event a digit becomes a tone', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg({ telephoneEventSend: null })];
    here.engine.bridge(a.id, b.id);
    await here.send(a, [
      rtpPacket({ payloadType: 101, sequence: 1, timestamp: 640, payload: eventPayload(5, false, 160) }),
      rtpPacket({ payloadType: 101, sequence: 2, timestamp: 640, payload: eventPayload(5, true, 320) }),
    ]);
    await here.clock.advanceAsync(400);
    const heard = b.peer.rtp.slice(0, 5);
    assert.ok(shareOf(heard, 'PCMU', 770) + shareOf(heard, 'PCMU', 1_336) > 0.9);
  });

  test('design.md 10: digits put in are RFC 4733 events to their peer alone; the bridge goes on behind them', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg({ telephoneEventSend: 96 })];
    here.engine.bridge(a.id, b.id);
    await here.send(a, tonePackets(1_000, 'PCMU', 5));
    here.engine.insertDigits(b.id, '4#');
    await here.send(a, tonePackets(1_000, 'PCMU', 40, { sequence: 105, timestamp: 5_800 }));
    const heard = b.peer.rtp.map(readRtp);
    const events = heard.filter(({ payloadType }) => payloadType === 96).map(({ payload }) => payload[0]);
    assert.deepEqual([...new Set(events)], [4, 11]);
    assert.deepEqual(
      heard.slice(-10).map(({ payloadType }) => payloadType),
      new Array(10).fill(0),
    );
    assert.ok(
      heard.every(({ sequence }, index) => index === 0 || sequence === ((heard[index - 1]!.sequence + 1) & 0xffff)),
    );
    assert.equal(a.peer.rtp.length, 0);
    assert.equal(here.engine.counts().bridges, 1);
    assert.deepEqual(here.events.ofType('digit'), []);
  });

  test('digits put in for a peer without telephone-event are tones', async () => {
    const here = await world();
    const leg = await here.leg({ telephoneEventSend: null });
    here.engine.insertDigits(leg.id, '5');
    await here.clock.advanceAsync(400);
    const heard = leg.peer.rtp.slice(0, 5);
    assert.ok(shareOf(heard, 'PCMU', 770) + shareOf(heard, 'PCMU', 1_336) > 0.9);
  });

  test('[sip 0 dtmf-inband] tones are digits only where that is switched on, until the first telephone event', async () => {
    const here = await world();
    const leg = await here.leg();
    const press = (sequence: number) => {
      const samples = Int16Array.from([...toneSamples([770, 1_336], -9, 100), ...new Int16Array(800)]);
      return Array.from({ length: 10 }, (_, index) => {
        const payload = new Uint8Array(160);
        encode('PCMU', samples.subarray(index * 160, (index + 1) * 160), payload);
        return rtpPacket({ payload, sequence: sequence + index, timestamp: (sequence + index) * 160 });
      });
    };
    const digits = () =>
      here.events
        .ofType('digit')
        .map(({ digit }) => digit)
        .join('');
    await here.send(leg, press(1));
    assert.equal(digits(), '');
    here.engine.detectInbandDigits(leg.id, true);
    await here.send(leg, press(11));
    assert.equal(digits(), '5');
    // Cut off by packets that stop: the clock ends it.
    await here.send(leg, press(21).slice(0, 5));
    await here.clock.advanceAsync(400);
    assert.equal(digits(), '55');
    await here.send(leg, [
      rtpPacket({ payloadType: 101, sequence: 31, timestamp: 9_000, payload: eventPayload(5, true, 320) }),
    ]);
    assert.equal(digits(), '555');
    await here.send(leg, press(32));
    assert.equal(digits(), '555');
  });

  test('an endpoint is in one bridge: joining it elsewhere ends the former', async () => {
    const here = await world();
    const [a, b, c] = [await here.leg(), await here.leg(), await here.leg()];
    here.engine.bridge(a.id, b.id);
    const second = here.engine.bridge(a.id, c.id);
    assert.equal(here.engine.counts().bridges, 1);
    await here.send(a, tonePackets(1_000, 'PCMU', 5));
    await here.send(b, tonePackets(500, 'PCMU', 5));
    assert.deepEqual([a.peer.rtp.length, b.peer.rtp.length, c.peer.rtp.length], [0, 0, 5]);
    here.engine.close(c.id);
    assert.equal(here.engine.counts().bridges, 0);
    here.engine.unbridge(second);
  });
});

describe('comfort and echo', () => {
  test('RFC 6263: a held side gets silence in 20 ms frames; the bridge goes before it', async () => {
    const here = await world();
    const [a, b] = [await here.leg(), await here.leg({ codec: 'PCMA' })];
    here.engine.setComfort(b.id, 'silence');
    await here.clock.advanceAsync(200);
    assert.equal(b.peer.rtp.length, 10);
    assert.ok(b.peer.rtp.every((packet) => packet.subarray(12).every((octet) => octet === 0xd5)));
    here.engine.bridge(a.id, b.id);
    const before = b.peer.rtp.length;
    await here.send(a, tonePackets(1_000, 'PCMU', 20));
    assert.equal(b.peer.rtp.length, before + 20);
    here.engine.setComfort(b.id, 'none');
    await here.clock.advanceAsync(1_000);
    assert.equal(b.peer.rtp.length, before + 20);
  });

  test('music is audible and goes on', async () => {
    const here = await world();
    const leg = await here.leg();
    here.engine.setComfort(leg.id, 'music');
    await here.clock.advanceAsync(20_000);
    assert.equal(leg.peer.rtp.length, 1_000);
    const loud = leg.peer.rtp.filter((packet) => packet.subarray(12).some((octet) => (octet & 0x7f) < 0x60));
    assert.ok(loud.length > 800, `${loud.length}`);
  });

  test('music of the caller: its samples, round and round, each hold from the start', async () => {
    const here = await world();
    const leg = await here.leg();
    const tune = toneSamples([700], -10, 300);
    for (const round of [1, 2]) {
      here.engine.setComfort(leg.id, 'music', tune);
      await here.clock.advanceAsync(2_000);
      here.engine.setComfort(leg.id, 'none');
      assert.equal(leg.peer.rtp.length, round * 100);
    }
    assert.ok(shareOf(leg.peer.rtp, 'PCMU', 700) > 0.95);
    assert.deepEqual(leg.peer.rtp[100]!.subarray(12), leg.peer.rtp[0]!.subarray(12));
  });

  for (const codec of ['PCMU', 'PCMA'] as const) {
    test(`what is played is heard by a leg of ${codec} [twiml 5.2 transcoded]`, async () => {
      const here = await world();
      const leg = await here.leg({ codec });
      here.engine.play(leg.id, { sources: [{ kind: 'samples', samples: toneSamples([700], -10, 1_000) }], loop: 1 });
      await here.clock.advanceAsync(1_100);
      assert.equal(leg.peer.rtp.length, 50);
      assert.ok(shareOf(leg.peer.rtp, codec, 700) > 0.95);
    });
  }

  test('echo gives the peer its own audio, in the codec that it wants', async () => {
    const here = await world();
    const leg = await here.leg({ codec: 'PCMA' });
    here.engine.setEcho(leg.id, true);
    await here.send(leg, tonePackets(1_000, 'PCMU', 20));
    assert.equal(leg.peer.rtp.length, 20);
    assert.ok(leg.peer.rtp.every((packet) => readRtp(packet).payloadType === 8));
    assert.ok(shareOf(leg.peer.rtp, 'PCMA', 1_000) > 0.95);
    here.engine.setEcho(leg.id, false);
    await here.send(leg, tonePackets(1_000, 'PCMU', 2, { sequence: 200 }));
    assert.equal(leg.peer.rtp.length, 20);
  });
});

describe('directions (RFC 3264 5.1)', () => {
  for (const [direction, hears, isHeard] of [
    ['sendrecv', true, true],
    ['sendonly', true, false],
    ['recvonly', false, true],
    ['inactive', false, false],
  ] as const) {
    test(`${direction}: peer ${hears ? 'hears' : 'does not hear'} us, is ${isHeard ? '' : 'not '}heard`, async () => {
      const here = await world();
      const [a, b] = [await here.leg({ direction }), await here.leg()];
      here.engine.bridge(a.id, b.id);
      here.engine.setComfort(a.id, 'silence');
      await here.send(a, tonePackets(1_000, 'PCMU', 5));
      await here.send(b, tonePackets(1_000, 'PCMU', 5));
      assert.equal(a.peer.rtp.length > 0, hears);
      assert.equal(b.peer.rtp.length > 0, isHeard);
    });
  }

  test('RFC 3264 8.4: an SDP with 0.0.0.0 gives no target', async () => {
    const here = await world();
    const leg = await here.leg({ remoteAddress: '0.0.0.0' });
    here.engine.play(leg.id, { sources: [tone(440, 200)], loop: 1 });
    await here.clock.advanceAsync(400);
    assert.equal(leg.peer.rtp.length, 0);
    assert.equal(here.events.ofType('playEnded')[0]?.outcome, 'finished', 'time passes all the same');
  });
});

describe('RTP timeout', () => {
  test('60 s without RTP: one event per silence', async () => {
    const here = await world();
    const leg = await here.leg();
    await here.send(leg, tonePackets(1_000, 'PCMU', 3));
    await here.clock.advanceAsync(limits.rtpSilenceMs - 2_000);
    assert.equal(here.events.ofType('rtpTimeout').length, 0);
    await here.clock.advanceAsync(200_000);
    assert.equal(here.events.ofType('rtpTimeout').length, 1);
    await here.send(leg, tonePackets(1_000, 'PCMU', 1, { sequence: 110 }));
    await here.clock.advanceAsync(limits.rtpSilenceMs + 1_000);
    assert.equal(here.events.ofType('rtpTimeout').length, 2);
  });

  test('never where silence is expected, nor where we do not receive; the time begins when that ends', async () => {
    const here = await world();
    const expecting = await here.leg();
    const sending = await here.leg({ direction: 'sendonly' });
    here.engine.expectSilence(expecting.id, true);
    await here.clock.advanceAsync(limits.rtpSilenceMs * 3);
    assert.deepEqual(here.events.ofType('rtpTimeout'), []);
    here.engine.expectSilence(expecting.id, false);
    here.engine.configure(sending.id, { ...sending.plan, direction: 'sendrecv' }, strictSource);
    await here.clock.advanceAsync(limits.rtpSilenceMs - 1_000);
    assert.deepEqual(here.events.ofType('rtpTimeout'), []);
    await here.clock.advanceAsync(2_000);
    assert.deepEqual(
      here.events.ofType('rtpTimeout').map(({ endpoint }) => endpoint),
      [expecting.id, sending.id],
    );
  });

  test('RFC 6263 4.6: packets of an unknown payload type are a sign of life and nothing else', async () => {
    const here = await world();
    const leg = await here.leg();
    for (let second = 0; second < 100; second++) {
      leg.peer.sendRtp(rtpPacket({ payloadType: 77, sequence: second }), ADDRESS, leg.endpoint.rtpPort);
      await here.clock.advanceAsync(1_000);
    }
    assert.deepEqual(here.events.events, []);
    assert.equal(here.drops(leg).payloadType, 100);
  });
});

describe('sources', () => {
  test('mediaStarted at the first packet after each plan change, latched at the third; then the socket is connected', async () => {
    const here = await world();
    const leg = await here.leg();
    await here.send(leg, tonePackets(1_000, 'PCMU', 1));
    const at = { endpoint: leg.id, remoteAddress: PEER, remotePort: leg.peer.port };
    assert.deepEqual(here.events.events, [{ type: 'mediaStarted', ...at }]);
    assert.equal(here.network.isConnected(ADDRESS, leg.endpoint.rtpPort), false);
    await here.send(leg, tonePackets(1_000, 'PCMU', 2, { sequence: 101 }));
    assert.deepEqual(here.events.events[1], { type: 'latched', ...at });
    assert.equal(here.network.isConnected(ADDRESS, leg.endpoint.rtpPort), true);
    here.engine.configure(leg.id, leg.plan, strictSource);
    assert.equal(here.network.isConnected(ADDRESS, leg.endpoint.rtpPort), false);
    await here.send(leg, tonePackets(1_000, 'PCMU', 4, { sequence: 103 }));
    assert.equal(here.events.ofType('mediaStarted').length, 2);
    assert.equal(here.network.isConnected(ADDRESS, leg.endpoint.rtpPort), true);
    await here.clock.advanceAsync(limits.latchSilenceMs + 600);
    assert.equal(here.network.isConnected(ADDRESS, leg.endpoint.rtpPort), false, 'silent for two seconds');
  });

  test('a stranger is neither heard nor sent to', async () => {
    const here = await world();
    const [leg, other] = [await here.leg(), await here.leg()];
    here.engine.bridge(leg.id, other.id);
    const stranger = await VirtualPeer.open(here.network, '10.0.0.66', 5_000);
    for (const packet of tonePackets(1_000, 'PCMU', 5)) stranger.sendRtp(packet, ADDRESS, leg.endpoint.rtpPort);
    await here.clock.advanceAsync(100);
    assert.deepEqual(here.drops(leg), { source: 5 });
    assert.equal(other.peer.rtp.length, 0);
  });

  test('domain with nat: true: after three packets we send where they came from', async () => {
    const here = await world();
    const leg = await here.leg({ remoteAddress: '192.168.1.5' }, { signallingAddress: null, nat: true });
    const mapped = await VirtualPeer.open(here.network, '10.0.0.66', 5_000);
    for (const packet of tonePackets(1_000, 'PCMU', 3)) mapped.sendRtp(packet, ADDRESS, leg.endpoint.rtpPort);
    await here.clock.advanceAsync(1);
    here.engine.play(leg.id, { sources: [tone(440, 100)], loop: 1 });
    await here.clock.advanceAsync(200);
    assert.equal(mapped.rtp.length, 5);
  });

  test('the signalling address may send from any port within five seconds of the SDP, not later', async () => {
    const here = await world();
    const rule = { signallingAddress: '10.0.0.66', nat: false };
    const leg = await here.leg({ remoteAddress: '192.168.1.5' }, rule);
    const mapped = await VirtualPeer.open(here.network, '10.0.0.66', 5_000);
    await here.clock.advanceAsync(limits.latchWindowMs + 1);
    mapped.sendRtp(rtpPacket(), ADDRESS, leg.endpoint.rtpPort);
    await here.clock.advanceAsync(1);
    assert.deepEqual(here.drops(leg), { source: 1 });
    here.engine.configure(leg.id, leg.plan, rule);
    mapped.sendRtp(rtpPacket(), ADDRESS, leg.endpoint.rtpPort);
    await here.clock.advanceAsync(1);
    assert.equal(here.events.ofType('mediaStarted')[0]?.remotePort, 5_000);
  });
});

describe('hostile packets', () => {
  const rows: [string, Buffer, string][] = [
    ['empty', Buffer.alloc(0), 'malformed'],
    ['of eleven octets', Buffer.alloc(11, 0x80), 'malformed'],
    ['of version 1', Buffer.alloc(172, 0x40), 'malformed'],
    ['with an extension beyond its end', Buffer.from(`90000001${'0'.repeat(16)}bedeffff`, 'hex'), 'malformed'],
    ['with more padding than payload', Buffer.from(`a0000001${'0'.repeat(16)}ff`, 'hex'), 'malformed'],
    ['larger than any audio', rtpPacket({ payload: Buffer.alloc(limits.mediaDatagramBytes) }), 'oversized'],
    ['of a payload type that was not agreed on', rtpPacket({ payloadType: 9 }), 'payloadType'],
    ['of RTCP on the RTP port without rtcp-mux', Buffer.from('80c9000111223344', 'hex'), 'rtcp'],
  ];
  for (const [name, packet, reason] of rows) {
    test(`a packet ${name} is dropped and counted as ${reason}`, async () => {
      const here = await world();
      const [a, b] = [await here.leg(), await here.leg()];
      here.engine.bridge(a.id, b.id);
      await here.send(a, [packet]);
      assert.deepEqual(here.drops(a), { [reason]: 1 });
      assert.equal(b.peer.rtp.length, 0);
    });
  }

  test('before there is a plan everything is dropped', async () => {
    const here = await world();
    const peer = await VirtualPeer.open(here.network, PEER, 30_000);
    const endpoint = await here.open();
    peer.sendRtp(rtpPacket(), ADDRESS, endpoint.rtpPort);
    peer.sendRtcp(Buffer.from('80c9000111223344', 'hex'), ADDRESS, endpoint.rtcpPort);
    await here.clock.advanceAsync(1);
    assert.deepEqual(here.engine.statistics(endpoint.id)!.drops, { noPlan: 2 });
  });

  test('a flood is cut to the rate that audio needs', async () => {
    const here = await world();
    const leg = await here.leg();
    for (let count = 0; count < limits.mediaPacketBurst + 700; count++) {
      leg.peer.sendRtp(rtpPacket({ sequence: count }), ADDRESS, leg.endpoint.rtpPort);
    }
    await here.clock.advanceAsync(1);
    assert.equal(here.drops(leg).rate, 700);
    await here.clock.advanceAsync(1_000);
    await here.send(leg, [rtpPacket({ sequence: 2_000 })]);
    assert.equal(here.drops(leg).rate, 700);
  });

  test("random datagrams from the peer's own address do no harm", async () => {
    const here = await world();
    const [a, b] = [await here.leg({ rtcpMux: true }), await here.leg()];
    here.engine.bridge(a.id, b.id);
    here.engine.setEcho(b.id, true);
    const random = seededRandom(21);
    for (let count = 0; count < 2_000; count++) {
      const packet = random.bytes(Math.floor(random.next() * 400));
      if (packet.length > 0 && random.next() < 0.9) packet[0] = 0x80 | (packet[0]! & 0x3f);
      if (packet.length > 1 && random.next() < 0.5) packet[1] = [0, 8, 101, 200, 201][count % 5]!;
      a.peer.sendRtp(packet, ADDRESS, a.endpoint.rtpPort);
      a.peer.sendRtcp(packet, ADDRESS, a.endpoint.rtcpPort);
      await here.clock.advanceAsync(5);
    }
    assert.equal(here.drops(a).fault, undefined);
    assert.equal(here.drops(b).fault, undefined);
  });
});

describe('RTCP', () => {
  /** Sender report with a block about `about`. */
  function senderReport(ssrc: number, about: number, lastSenderReport: number, delayUnits: number): Buffer {
    const packet = Buffer.alloc(52);
    packet.writeUInt32BE(0x81c8000c, 0);
    packet.writeUInt32BE(ssrc, 4);
    packet.writeUInt32BE(0xabcd1234, 8);
    packet.writeUInt32BE(0x56780000, 12);
    packet.writeUInt32BE(about, 28);
    packet.writeUInt32BE(25, 32);
    packet.writeUInt32BE(lastSenderReport, 44);
    packet.writeUInt32BE(delayUnits, 48);
    return packet;
  }

  test('RFC 3550 6.2: reports every 2.5 to 7.5 s, with our counts; BYE on close', async () => {
    const here = await world();
    const leg = await here.leg();
    here.engine.setComfort(leg.id, 'silence');
    await here.clock.advanceAsync(60_000);
    assert.ok(leg.peer.rtcp.length >= 8 && leg.peer.rtcp.length <= 25, `${leg.peer.rtcp.length}`);
    const report = leg.peer.rtcp.at(-1)!;
    assert.equal(report[1], 200);
    assert.equal(report.readUInt32BE(4), readRtp(leg.peer.rtp[0]!).ssrc);
    const sent = here.engine.statistics(leg.id)!.packetsSent;
    assert.equal(sent, 3_000);
    assert.ok(sent - report.readUInt32BE(20) <= 400);
    here.engine.close(leg.id);
    await here.clock.advanceAsync(1);
    assert.equal(leg.peer.rtcp.at(-1)!.at(-7), 203);
  });

  test('RFC 3550 6.4.2: who only listens sends receiver reports, with the loss it saw', async () => {
    const here = await world();
    const leg = await here.leg({ direction: 'recvonly' });
    const packets = tonePackets(1_000, 'PCMU', 400).filter((_, index) => index % 10 !== 5);
    await here.send(leg, packets);
    const report = leg.peer.rtcp.at(-1)!;
    assert.equal(report[1], 201);
    assert.equal(report.readUInt32BE(8), 0x11223344);
    assert.ok(Math.abs(report[12]! - 26) <= 3, `fraction ${report[12]}`);
    assert.equal(here.engine.statistics(leg.id)!.packetsLost, 40);
  });

  test("RFC 3550 6.4.1: the peer's report gives its loss and the round trip", async () => {
    const here = await world();
    const leg = await here.leg();
    assert.equal(here.engine.statistics(leg.id)!.roundTripMs, -1);
    here.engine.setComfort(leg.id, 'silence');
    await here.send(leg, tonePackets(1_000, 'PCMU', 5));
    while (leg.peer.rtcp.length === 0) await here.clock.advanceAsync(20);
    const ours = leg.peer.rtcp[0]!;
    const middle = ((ours.readUInt32BE(8) << 16) | (ours.readUInt32BE(12) >>> 16)) >>> 0;
    // The peer waits for 500 ms, the way takes 80 ms.
    await here.clock.advanceAsync(580);
    const sent = leg.peer.rtcp.length;
    leg.peer.sendRtcp(senderReport(0x11223344, ours.readUInt32BE(4), middle, 32_768), ADDRESS, leg.endpoint.rtcpPort);
    await here.clock.advanceAsync(10_000);
    const { remotePacketsLost, roundTripMs } = here.engine.statistics(leg.id)!;
    assert.equal(remotePacketsLost, 25);
    assert.ok(roundTripMs >= 79 && roundTripMs <= 101, `${roundTripMs}`);
    // Our next report names theirs.
    const answer = leg.peer.rtcp[sent]!;
    assert.equal(answer.readUInt32BE(28 + 16), 0x12345678);
  });

  test('RFC 5761: with rtcp-mux reports go to the RTP port and are taken from it', async () => {
    const here = await world();
    const leg = await here.leg({ rtcpMux: true });
    here.engine.setComfort(leg.id, 'silence');
    await here.send(leg, tonePackets(1_000, 'PCMU', 3));
    leg.peer.sendRtp(senderReport(0x11223344, 1, 0, 0), ADDRESS, leg.endpoint.rtpPort);
    await here.clock.advanceAsync(8_000);
    assert.equal(leg.peer.rtcp.length, 0);
    const report = leg.peer.rtp.find((packet) => packet[1] === 200);
    assert.equal(report?.readUInt32BE(28 + 16), 0x12345678);
    assert.deepEqual(here.drops(leg), {});
  });

  test('[sip 4 srtcp] reports are SRTCP of the same keys, both ways; in clear or under another key they are dropped', async () => {
    const suite = 'AES_CM_128_HMAC_SHA1_80';
    const srtp = { suite, sendKey: Buffer.alloc(30, 1), receiveKey: Buffer.alloc(30, 2) } as const;
    const here = await world();
    const leg = await here.leg({ srtp });
    here.engine.setComfort(leg.id, 'silence');
    const rtp = new SrtpSender(suite, srtp.receiveKey);
    const protectedBy = (sender: SrtpSender, packet: Buffer, isControl: boolean) => {
      const room = Buffer.concat([packet, Buffer.alloc(SRTP_TRAILER_BYTES)]);
      const end = isControl ? sender.protectRtcp(room, packet.length) : sender.protect(room, packet.length);
      return room.subarray(0, end);
    };
    await here.send(
      leg,
      tonePackets(1_000, 'PCMU', 3).map((packet) => protectedBy(rtp, packet, false)),
    );
    const report = senderReport(0x11223344, 1, 0, 0);
    for (const packet of [
      report,
      protectedBy(new SrtpSender(suite, Buffer.alloc(30, 9)), report, true),
      protectedBy(new SrtpSender(suite, srtp.receiveKey), report, true),
    ])
      leg.peer.sendRtcp(packet, ADDRESS, leg.endpoint.rtcpPort);
    while (leg.peer.rtcp.length === 0) await here.clock.advanceAsync(20);
    const ours = Buffer.from(leg.peer.rtcp[0]!);
    const end = new SrtpReceiver(suite, srtp.sendKey).unprotectRtcp(ours, ours.length);
    assert.ok(end > 0, `${end}`);
    assert.equal(ours[1], 200);
    // The last one was read: our report names it.
    assert.equal(ours.readUInt32BE(28 + 16), 0x12345678);
    assert.deepEqual(here.drops(leg), { authentication: 2 });
  });

  test('reports of strangers and broken ones are dropped', async () => {
    const here = await world();
    const leg = await here.leg();
    const stranger = await VirtualPeer.open(here.network, '10.0.0.66', 5_000);
    stranger.sendRtcp(senderReport(1, 1, 0, 0), ADDRESS, leg.endpoint.rtcpPort);
    leg.peer.sendRtcp(Buffer.from('80ca0000', 'hex'), ADDRESS, leg.endpoint.rtcpPort);
    await here.clock.advanceAsync(1);
    assert.deepEqual(here.drops(leg), { source: 1, rtcp: 1 });
  });
});

describe('statistics', () => {
  test('counts, silence, and a fresh start in a slot that is used again', async () => {
    const here = await world();
    const leg = await here.leg();
    assert.equal(here.engine.statistics(leg.id)!.silentMs, -1);
    await here.send(leg, tonePackets(1_000, 'PCMU', 10));
    const seen = here.engine.statistics(leg.id)!;
    assert.equal(seen.packetsReceived, 10);
    assert.equal(seen.bytesReceived, 1_600);
    assert.equal(seen.silentMs, 20);
    here.engine.close(leg.id);
    const next = await here.leg();
    assert.equal(here.engine.statistics(next.id)!.packetsReceived, 0);
    assert.equal(here.engine.statistics(next.id)!.silentMs, -1);
  });
});
