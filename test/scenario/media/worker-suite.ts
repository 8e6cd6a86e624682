// The media engine in worker threads on real UDP: every bridge test runs with both ends in one worker and in two (design.md 6). One suite
// for both kinds of sockets: those of node:dgram (workers.test.ts) and those of the native media thread (native-suite.test.ts).

import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { RecordingOptions } from '../../../src/media/engine-audio.ts';
import { toneShare } from '../../../src/media/goertzel.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../../src/media/srtp.ts';
import { readWav } from '../../../src/media/wav.ts';
import { createWorkerMediaEngine } from '../../../src/media/workers.ts';
import type { AudioCodec, MediaPlan, SrtpKeys, SrtpSuite } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  eventPayload,
  eventually,
  plan,
  RtpPeer,
  readRtp,
  rtpPacket,
  shareOf,
  strictSource,
  tonePackets,
} from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { mediaRange } from '../../support/ports.ts';

const LOCAL = '127.0.0.1';

class World {
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly peers: RtpPeer[] = [];
  /** Resolves when a failed worker is there again. */
  readonly restarted: Promise<void>;

  constructor(workers: number, nativeAddon: string | null, portRange = mediaRange(200)) {
    let onRestart = () => {};
    this.restarted = new Promise((resolve) => {
      onRestart = resolve;
    });
    const log: Log = { ...silentLog, info: (_, message) => message.includes('started again') && onRestart() };
    const native = nativeAddon === null ? null : { addon: nativeAddon, dscp: null };
    this.engine = createWorkerMediaEngine({ workers, portRange, log, clock: realClock, native });
    this.events = new EventLog(this.engine);
  }

  /** Resolves when the workers of these endpoints have obeyed all commands so far: an empty play has ended. */
  async obeyed(...legs: readonly { readonly id: string }[]): Promise<void> {
    const plays = legs.map(({ id }) => this.engine.play(id, { sources: [], loop: 1 }));
    for (const play of plays) await this.events.waitFor('playEnded', (event) => event.play === play);
  }

  async open(near?: string): Promise<EndpointInfo> {
    const opened = await this.engine.open({ localAddress: LOCAL, callSid: 'CA1', ...(near ? { near } : {}) });
    assert.ok(opened.ok, JSON.stringify(opened));
    return opened.value;
  }

  async leg(near?: string, changes: Partial<MediaPlan> = {}): Promise<Leg> {
    const peer = await RtpPeer.open();
    this.peers.push(peer);
    const endpoint = await this.open(near);
    const leg = { peer, endpoint, id: endpoint.id, plan: plan(peer.port, changes) };
    this.engine.configure(leg.id, leg.plan, strictSource);
    await this.obeyed(leg);
    return leg;
  }
}

interface Leg {
  readonly peer: RtpPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly plan: MediaPlan;
}

/** `nativeAddon`: file of the addon, or null; `counts`: numbers of workers that bridges are tried with. */
export function workerSuite(nativeAddon: string | null, counts: readonly number[]): void {
  let worlds: World[] = [];
  async function world(workers: number, portRange?: { first: number; last: number }): Promise<World> {
    const made = new World(workers, nativeAddon, portRange);
    worlds.push(made);
    const started = await made.engine.start();
    assert.ok(started.ok);
    return made;
  }

  afterEach(async () => {
    const made = worlds;
    worlds = [];
    for (const { engine, peers } of made) {
      await engine.stop();
      for (const peer of peers) peer.close();
      const { endpoints, bridges, plays, portsInUse } = engine.counts();
      assert.deepEqual(
        { endpoints, bridges, plays, portsInUse },
        { endpoints: 0, bridges: 0, plays: 0, portsInUse: 0 },
      );
    }
  });

  const INBOUND = (file: string): RecordingOptions => ({ file, channels: 1, track: 'inbound', maxDurationMs: 60_000 });

  const workerOf = (id: string): string => id.split('-')[0]!;
  const payloadTypeOf: Readonly<Record<AudioCodec, number>> = { PCMU: 0, PCMA: 8 };

  for (const workers of counts) {
    describe(`bridge, both ends in ${workers === 1 ? 'one worker' : 'two workers'}`, () => {
      async function legs(changesA: Partial<MediaPlan> = {}, changesB: Partial<MediaPlan> = {}) {
        const here = await world(workers);
        const a = await here.leg(undefined, changesA);
        const b = await here.leg(undefined, changesB);
        assert.equal(workerOf(a.id) === workerOf(b.id), workers === 1);
        return { here, a, b };
      }

      for (const [from, to] of [
        ['PCMU', 'PCMU'],
        ['PCMU', 'PCMA'],
        ['PCMA', 'PCMU'],
        ['PCMA', 'PCMA'],
      ] as const) {
        test(`a tone sent in ${from} is heard in ${to} with its share of at least 0.95, both ways`, async () => {
          const { here, a, b } = await legs({ codec: from }, { codec: to });
          here.engine.bridge(a.id, b.id);
          await here.obeyed(a, b);
          a.peer.send(tonePackets(1_000, from, 60), a.endpoint.rtpPort);
          b.peer.send(tonePackets(440, to, 60), b.endpoint.rtpPort);
          const heardByB = await b.peer.until((packets) => packets.length >= 60);
          const heardByA = await a.peer.until((packets) => packets.length >= 60);
          assert.ok(shareOf(heardByB, to, 1_000) >= 0.95, `${shareOf(heardByB, to, 1_000)}`);
          assert.ok(shareOf(heardByA, from, 440) >= 0.95, `${shareOf(heardByA, from, 440)}`);
          assert.ok(heardByB.every((packet) => readRtp(packet).payloadType === payloadTypeOf[to]));
          const [first, ...rest] = heardByB.map(readRtp);
          assert.equal(first!.marker, true);
          for (const [index, packet] of rest.entries()) {
            assert.equal((packet.sequence - first!.sequence) & 0xffff, index + 1);
            assert.equal((packet.timestamp - first!.timestamp) >>> 0, (index + 1) * 160);
            assert.equal(packet.ssrc, first!.ssrc);
          }
        });
      }

      test('RFC 4733: digits pass with the payload type of each side, and are reported once', async () => {
        const { here, a, b } = await legs({ telephoneEventReceive: 126 }, { telephoneEventSend: 97 });
        here.engine.bridge(a.id, b.id);
        await here.obeyed(a, b);
        const press = [160, 320, 480, 480, 480].map((duration, index) =>
          rtpPacket({
            payloadType: 126,
            sequence: index,
            timestamp: 640,
            marker: index === 0,
            payload: eventPayload(9, index >= 2, duration),
          }),
        );
        a.peer.send(press, a.endpoint.rtpPort);
        const heard = (await b.peer.until((packets) => packets.length >= 5)).map(readRtp);
        assert.ok(heard.every(({ payloadType, timestamp }) => payloadType === 97 && timestamp === heard[0]!.timestamp));
        assert.deepEqual(
          heard.map(({ payload }) => Buffer.from(payload).toString('hex')),
          press.map((packet) => packet.subarray(12).toString('hex')),
        );
        await here.events.waitFor('digit');
        assert.deepEqual(here.events.ofType('digit'), [{ type: 'digit', endpoint: a.id, digit: '9', durationMs: 60 }]);
      });

      test('play → bridge → silence: one SSRC, no gap in the sequence, timestamps that follow the clock', async () => {
        const { here, a, b } = await legs();
        const play = here.engine.play(b.id, {
          sources: [{ kind: 'tone', frequencies: [440], levelDb: -10, durationMs: 100 }],
          loop: 1,
        });
        await here.events.waitFor('playEnded', (event) => event.play === play);
        here.engine.bridge(a.id, b.id);
        await here.obeyed(a, b);
        a.peer.send(tonePackets(1_000, 'PCMU', 20, { sequence: 65_530, timestamp: 0xffff_ff00 }), a.endpoint.rtpPort);
        await b.peer.until((packets) => packets.length >= 25);
        here.engine.setComfort(b.id, 'silence');
        const heard = (await b.peer.until((packets) => packets.length >= 30)).map(readRtp);
        for (let index = 1; index < heard.length; index++) {
          assert.equal((heard[index]!.sequence - heard[index - 1]!.sequence) & 0xffff, 1, `packet ${index}`);
          const step = (heard[index]!.timestamp - heard[index - 1]!.timestamp) >>> 0;
          assert.ok(step >= 160 && step < 10 * 8_000, `timestamp step ${step} at packet ${index}`);
        }
        assert.equal(new Set(heard.map(({ ssrc }) => ssrc)).size, 1);
        assert.deepEqual(
          heard.slice(0, 26).flatMap(({ marker }, index) => (marker ? [index] : [])),
          [0, 5, 25],
        );
      });

      test('after unbridge nothing passes; a new bridge joins them again', async () => {
        const { here, a, b } = await legs();
        const bridge = here.engine.bridge(a.id, b.id);
        await here.obeyed(a, b);
        a.peer.send(tonePackets(1_000, 'PCMU', 5), a.endpoint.rtpPort);
        await b.peer.until((packets) => packets.length >= 5);
        here.engine.unbridge(bridge);
        // The echo shows that the endpoint has taken the packets; what is not at b by then never left.
        here.engine.setEcho(a.id, true);
        await here.obeyed(a, b);
        a.peer.send(tonePackets(1_000, 'PCMU', 5, { sequence: 200 }), a.endpoint.rtpPort);
        await a.peer.until((packets) => packets.length >= 5);
        assert.equal(b.peer.packets.length, 5);
        here.engine.setEcho(a.id, false);
        here.engine.bridge(b.id, a.id);
        await here.obeyed(a, b);
        a.peer.send(tonePackets(1_000, 'PCMU', 5, { sequence: 300 }), a.endpoint.rtpPort);
        await b.peer.until((packets) => packets.length >= 10);
      });

      for (const packetMs of [10, 30, 60]) {
        for (const suite of [null, 'AES_CM_128_HMAC_SHA1_80'] as const) {
          test(`[sip 1.6 ptime-in] packets of ${packetMs} ms come as frames of 20 ms, ${suite ?? 'plain'}`, async () => {
            const [keysA, keysB] = [keys(suite, 1), keys(suite, 2)];
            const { here, a, b } = await legs({ srtp: keysA }, { srtp: keysB, codec: 'PCMA' });
            here.engine.bridge(a.id, b.id);
            await here.obeyed(a, b);
            a.peer.send(protectedBy(keysA, cutAs(tonePackets(1_000, 'PCMU', 60), packetMs)), a.endpoint.rtpPort);
            const heard = openedBy(keysB, await b.peer.until((packets) => packets.length >= 60));
            const [first] = heard.map(readRtp);
            assert.equal(first!.marker, true);
            for (const [index, packet] of heard.map(readRtp).entries()) {
              assert.equal(packet.payload.length, 160);
              assert.equal(packet.payloadType, 8);
              assert.equal((packet.sequence - first!.sequence) & 0xffff, index);
              assert.equal((packet.timestamp - first!.timestamp) >>> 0, index * 160);
            }
            assert.ok(shareOf(heard, 'PCMA', 1_000) >= 0.95);
            assert.deepEqual(here.engine.statistics(b.id)!.drops, {});
          });
        }
      }

      for (const [suiteA, suiteB] of [
        ['AES_CM_128_HMAC_SHA1_80', null],
        [null, 'AES_CM_128_HMAC_SHA1_32'],
        ['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'],
      ] as const) {
        test(`SRTP of each side on its own: ${suiteA ?? 'plain'} and ${suiteB ?? 'plain'}`, async () => {
          const [keysA, keysB] = [keys(suiteA, 1), keys(suiteB, 2)];
          const { here, a, b } = await legs({ srtp: keysA }, { srtp: keysB, codec: 'PCMA' });
          here.engine.bridge(a.id, b.id);
          await here.obeyed(a, b);
          a.peer.send(protectedBy(keysA, tonePackets(1_000, 'PCMU', 60)), a.endpoint.rtpPort);
          const heard = openedBy(keysB, await b.peer.until((packets) => packets.length >= 60));
          assert.ok(shareOf(heard, 'PCMA', 1_000) >= 0.95);
          b.peer.send(protectedBy(keysB, tonePackets(440, 'PCMA', 60)), b.endpoint.rtpPort);
          const heardByA = openedBy(keysA, await a.peer.until((packets) => packets.length >= 60));
          assert.ok(shareOf(heardByA, 'PCMU', 440) >= 0.95);
          assert.deepEqual(here.engine.statistics(a.id)!.drops, {});
        });
      }
    });
  }

  function keys(suite: SrtpSuite | null, seed: number): SrtpKeys | null {
    const random = seededRandom(seed).bytes;
    return suite && { suite, sendKey: random(30), receiveKey: random(30) };
  }

  /** The audio of packets of 20 ms in packets of another size. */
  function cutAs(packets: readonly Buffer[], packetMs: number): Buffer[] {
    const audio = Buffer.concat(packets.map((packet) => packet.subarray(12)));
    const size = packetMs * 8;
    return Array.from({ length: audio.length / size }, (_, index) =>
      rtpPacket({
        sequence: index,
        timestamp: index * size,
        payload: audio.subarray(index * size, (index + 1) * size),
      }),
    );
  }

  /** As the peer protects: its sending key is our receiving key. */
  function protectedBy(srtp: SrtpKeys | null, packets: readonly Buffer[]): Buffer[] {
    if (!srtp) return [...packets];
    const sender = new SrtpSender(srtp.suite, srtp.receiveKey);
    return packets.map((packet) => {
      const buffer = Buffer.concat([packet, Buffer.alloc(SRTP_TRAILER_BYTES)]);
      return buffer.subarray(0, sender.protect(buffer, packet.length));
    });
  }

  function openedBy(srtp: SrtpKeys | null, packets: readonly Buffer[]): Buffer[] {
    if (!srtp) return [...packets];
    const receiver = new SrtpReceiver(srtp.suite, srtp.sendKey);
    return packets.map((packet) => {
      const end = receiver.unprotect(packet, packet.length);
      assert.ok(end > 0, `SRTP ${end}`);
      return packet.subarray(0, end);
    });
  }

  describe('endpoints and workers', () => {
    test('SRTP latches only after a tag verified: forged packets of the described source count for nothing', async () => {
      const here = await world(1);
      const srtp = keys('AES_CM_128_HMAC_SHA1_80', 3)!;
      const leg = await here.leg(undefined, { srtp });
      leg.peer.send(tonePackets(1_000, 'PCMU', 10), leg.endpoint.rtpPort);
      await eventually(() => here.engine.statistics(leg.id)!.drops.authentication === 10, 'ten forged packets counted');
      assert.deepEqual([...here.events.ofType('mediaStarted'), ...here.events.ofType('latched')], []);
      leg.peer.send(protectedBy(srtp, tonePackets(1_000, 'PCMU', 3)), leg.endpoint.rtpPort);
      await here.events.waitFor('latched');
      assert.equal(here.engine.statistics(leg.id)!.packetsReceived, 3);
    });

    test('a re-offer with the same keys keeps the SRTP state: a replay is still one; with new keys it starts anew', async () => {
      const here = await world(1);
      const srtp = keys('AES_CM_128_HMAC_SHA1_80', 4)!;
      const leg = await here.leg(undefined, { srtp });
      const sent = protectedBy(srtp, tonePackets(1_000, 'PCMU', 3));
      leg.peer.send(sent, leg.endpoint.rtpPort);
      await here.events.waitFor('latched');
      here.engine.configure(leg.id, leg.plan, strictSource);
      await here.obeyed(leg);
      leg.peer.send(sent, leg.endpoint.rtpPort);
      await eventually(() => here.engine.statistics(leg.id)!.drops.replay === 3, 'three replays counted');
      const fresh = keys('AES_CM_128_HMAC_SHA1_32', 5)!;
      here.engine.configure(leg.id, { ...leg.plan, srtp: fresh }, strictSource);
      await here.obeyed(leg);
      leg.peer.send(protectedBy(fresh, tonePackets(1_000, 'PCMU', 3)), leg.endpoint.rtpPort);
      await eventually(() => here.engine.statistics(leg.id)!.packetsReceived === 6, 'three packets of the new key');
    });

    test('an endpoint is placed near another one; without a hint the load is shared', async () => {
      const here = await world(2);
      const first = await here.open();
      const second = await here.open();
      assert.notEqual(workerOf(first.id), workerOf(second.id));
      for (let count = 0; count < 4; count++) {
        assert.equal(workerOf((await here.open(first.id)).id), workerOf(first.id));
      }
    });

    test('a worker without ports lets the other open; noPorts only when both have none', async () => {
      const range = mediaRange(8);
      const here = await world(2, range);
      const first = await here.open();
      const others = [await here.open(first.id), await here.open(first.id), await here.open(first.id)];
      const ports = [first, ...others].map(({ rtpPort }) => rtpPort);
      const even = [0, 2, 4, 6].map((offset) => range.first + offset);
      assert.deepEqual([...ports].sort(), even);
      const none = await here.engine.open({ localAddress: LOCAL, callSid: 'CA1' });
      assert.equal(!none.ok && none.error.code, 'noPorts');
      for (const { id } of [first, ...others]) here.engine.close(id);
      await eventually(() => here.engine.counts().portsResting === 4, 'all pairs rest');
      assert.equal((await here.engine.open({ localAddress: LOCAL, callSid: 'CA1' })).ok, false);
    });

    const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));
    test.skipIf(!hasIpv6)('IPv6: a leg on ::1 and one on 127.0.0.1 hear each other', async () => {
      const here = await world(2);
      const b = await here.leg();
      const peer = await RtpPeer.open('::1');
      here.peers.push(peer);
      const opened = await here.engine.open({ localAddress: '::1', callSid: 'CA1' });
      assert.ok(opened.ok, JSON.stringify(opened));
      const { id, rtpPort } = opened.value;
      // An SDP may write the address in any of its forms.
      here.engine.configure(id, plan(peer.port, { remoteAddress: '0:0:0:0:0:0:0:1' }), strictSource);
      here.engine.bridge(id, b.id);
      await here.obeyed({ id }, b);
      peer.send(tonePackets(1_000, 'PCMU', 20), rtpPort);
      b.peer.send(tonePackets(440, 'PCMU', 20), b.endpoint.rtpPort);
      assert.ok(shareOf(await peer.until((packets) => packets.length >= 20), 'PCMU', 440) >= 0.95);
      assert.ok(shareOf(await b.peer.until((packets) => packets.length >= 20), 'PCMU', 1_000) >= 0.95);
    });

    test('an address that is not ours: noAddress', async () => {
      const here = await world(2);
      const opened = await here.engine.open({ localAddress: '192.0.2.1', callSid: 'CA1' });
      assert.equal(!opened.ok && opened.error.code, 'noAddress');
    });

    test('statistics are read without a message: silence by the clock of this thread', async () => {
      const here = await world(2);
      const leg = await here.leg();
      leg.peer.send(tonePackets(1_000, 'PCMU', 5), leg.endpoint.rtpPort);
      await eventually(() => here.engine.statistics(leg.id)!.packetsReceived === 5, 'five packets counted');
      const { silentMs, bytesReceived } = here.engine.statistics(leg.id)!;
      assert.equal(bytesReceived, 800);
      assert.ok(silentMs >= 0 && silentMs < 8_000, `${silentMs}`);
    });

    test('a connected socket stays on its port and goes on receiving after a plan change', async () => {
      const here = await world(1);
      const leg = await here.leg();
      here.engine.setEcho(leg.id, true);
      await here.obeyed(leg);
      for (let round = 0; round < 3; round++) {
        leg.peer.send(tonePackets(1_000, 'PCMU', 4, { sequence: round * 10 }), leg.endpoint.rtpPort);
        await leg.peer.until((packets) => packets.length >= (round + 1) * 4);
        here.engine.configure(leg.id, leg.plan, strictSource);
        await here.obeyed(leg);
      }
    });

    test('a peer whose port is closed costs nothing but its own packets', async () => {
      const here = await world(1);
      const [gone, alive] = [await here.leg(), await here.leg()];
      gone.peer.send(tonePackets(1_000, 'PCMU', 3), gone.endpoint.rtpPort);
      await here.events.waitFor('latched');
      gone.peer.close();
      here.peers.splice(here.peers.indexOf(gone.peer), 1);
      here.engine.bridge(alive.id, gone.id);
      await here.obeyed(alive);
      alive.peer.send(tonePackets(1_000, 'PCMU', 20), alive.endpoint.rtpPort);
      await eventually(() => here.engine.statistics(alive.id)!.packetsReceived === 20, 'twenty packets relayed');
      here.engine.setEcho(alive.id, true);
      await here.obeyed(alive);
      alive.peer.send(tonePackets(1_000, 'PCMU', 5, { sequence: 120 }), alive.endpoint.rtpPort);
      await alive.peer.until((packets) => packets.length >= 5);
    });

    test('what a peer says is recorded to a WAV file', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'hookswitch-media-'));
      try {
        const here = await world(1);
        const [talker, recorded] = [await here.leg(), await here.leg()];
        const file = join(folder, 'heard.wav');
        // The talker's endpoint plays in real time; its peer's packets are handed on to the recorded endpoint.
        const recording = here.engine.startRecording(recorded.id, INBOUND(file));
        const play = here.engine.play(talker.id, {
          sources: [{ kind: 'tone', frequencies: [1_000], levelDb: -10, durationMs: 600 }],
          loop: 1,
        });
        let passed = 0;
        await talker.peer.until((packets) => {
          recorded.peer.send(packets.slice(passed), recorded.endpoint.rtpPort);
          passed = packets.length;
          return passed >= 30;
        });
        await here.events.waitFor('playEnded', (event) => event.play === play);
        await eventually(() => here.engine.statistics(recorded.id)!.packetsReceived === 30, 'all packets received');
        // As long again as the jitter buffer may hold back, by the engine's own clock.
        const pause = here.engine.play(recorded.id, { sources: [{ kind: 'silence', durationMs: 300 }], loop: 1 });
        await here.events.waitFor('playEnded', (event) => event.play === pause);
        here.engine.stopRecording(recording);
        const { result } = await here.events.waitFor('recordingEnded');
        assert.equal(result.file, file);
        const wav = readWav(await readFile(file));
        assert.ok(wav.ok);
        assert.equal((wav.value.samples.length / 8_000) * 1_000, result.durationMs);
        const { samples } = wav.value;
        const isSound = (sample: number) => Math.abs(sample) > 0;
        const sounding = samples.subarray(samples.findIndex(isSound), samples.findLastIndex(isSound) + 1);
        // A busy machine may delay packets beyond the buffer, which then leaves out frames or has gaps: 20 ms are whole periods of
        // this tone, so that it stays the only sound all the same.
        assert.ok(sounding.length >= 8_000 * 0.3, `${sounding.length} samples`);
        assert.ok(toneShare(sounding, 1_000) > 0.5, `${toneShare(sounding, 1_000)}`);
      } finally {
        await rm(folder, { recursive: true });
      }
    });

    test('a recording that cannot be written ends at once, the call goes on', async () => {
      const here = await world(1);
      const leg = await here.leg();
      here.engine.startRecording(leg.id, INBOUND('/nonexistent/heard.wav'));
      const { result } = await here.events.waitFor('recordingEnded');
      assert.equal(result.durationMs, 0);
      assert.match(result.failure ?? '', /ENOENT/);
      here.engine.setEcho(leg.id, true);
      await here.obeyed(leg);
      leg.peer.send(tonePackets(1_000, 'PCMU', 2), leg.endpoint.rtpPort);
      await leg.peer.until((packets) => packets.length >= 2);
    });
  });

  describe('a worker that fails', () => {
    test('its endpoints are reported and gone, the others live on, and it is started again', async () => {
      const here = await world(2);
      const [a, b] = [await here.leg(), await here.leg()];
      here.engine.bridge(a.id, b.id);
      const play = here.engine.play(a.id, { sources: [{ kind: 'silence', durationMs: 60_000 }], loop: 0 });
      killWorker(here, a);
      const failed = await here.events.waitFor('workerFailed');
      assert.deepEqual(failed.endpoints, [a.id]);
      assert.equal(here.events.ofType('playEnded').find((event) => event.play === play)?.outcome, 'failed');
      assert.equal(here.engine.statistics(a.id), undefined);
      assert.equal(here.engine.counts().bridges, 0);
      here.engine.setEcho(b.id, true);
      await here.obeyed(b);
      b.peer.send(tonePackets(1_000, 'PCMU', 3), b.endpoint.rtpPort);
      await b.peer.until((packets) => packets.length >= 3);
      // Until it is back, the other worker opens; then it takes its share again.
      const meanwhile = await here.open();
      assert.equal(workerOf(meanwhile.id), workerOf(b.id));
      await here.restarted;
      const again = await here.open();
      assert.equal(workerOf(again.id), workerOf(a.id));
      const bridged = await here.leg(again.id);
      here.engine.setEcho(b.id, false);
      here.engine.bridge(bridged.id, b.id);
      await here.obeyed(bridged, b);
      bridged.peer.send(tonePackets(1_000, 'PCMU', 3), bridged.endpoint.rtpPort);
      await b.peer.until((packets) => packets.length >= 6);
    });
  });

  /** Makes a worker throw outside of any guard: a plan that no caller can make. */
  function killWorker({ engine }: World, leg: Leg): void {
    engine.configure(leg.id, { ...leg.plan, receivePayloadTypes: null as never }, strictSource);
  }
}
