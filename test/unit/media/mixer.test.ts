// Mixers on a virtual clock and network: who hears whom, sums to the sample, joins and leaves in mid-speech, plays, numbering.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silenceOctet } from '../../../src/media/g711.ts';
import { eventPayload, plan, readRtp, rtpPacket, strictSource } from '../../support/media.ts';
import {
  ADDRESS,
  coded,
  heard,
  type Leg,
  level,
  MixerWorld,
  packetOf,
  SETTLED_MS,
  sum,
  TALKER,
} from '../../support/mixer-world.ts';
import { startedWorlds } from '../../support/started-worlds.ts';

const started = startedWorlds<MixerWorld>((each) => each.end());
const openWorld = (workers: number, pairs = 20): Promise<MixerWorld> => started(new MixerWorld(workers, pairs));

/** The bytes of the last packets that came to a leg are all silence of its codec. */
function hearsSilence(leg: Leg, count = 1): boolean {
  const packets = leg.peer.rtp.slice(-count).map(readRtp);
  assert.equal(packets.length, count);
  return packets.every(({ payload }) => payload.every((octet) => octet === silenceOctet[leg.codec]));
}

/** SSRC, sequence numbers without a gap, timestamps as the frames go. */
function isContinuous(leg: Leg): void {
  const packets = leg.peer.rtp.map(readRtp);
  for (const [index, packet] of packets.entries()) {
    assert.equal(packet.ssrc, packets[0]!.ssrc);
    assert.equal(packet.sequence, (packets[0]!.sequence + index) & 0xffff, `packet ${index}`);
    assert.equal(packet.timestamp, (packets[0]!.timestamp + index * 160) >>> 0, `packet ${index}`);
  }
}

const tone = (frequency: number, durationMs: number) =>
  ({ kind: 'tone', frequencies: [frequency], levelDb: -10, durationMs }) as const;
const constant = (value: number, ms: number) =>
  ({ kind: 'samples', samples: new Int16Array(ms * 8).fill(value) }) as const;

for (const workers of [1, 2]) {
  describe(workers === 1 ? 'members in one worker' : 'members in two workers', () => {
    const world = (pairs?: number) => openWorld(workers, pairs);
    describe('who hears whom', () => {
      test('three members: each hears the other two and not itself, to the sample, in its own codec', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const a = await here.inRoom(mixer);
        const b = await here.inRoom(mixer, {}, { codec: 'PCMA' });
        const c = await here.inRoom(mixer);
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 4_000],
            [c, -300],
          ]),
          SETTLED_MS,
        );
        const [fromA, fromB, fromC] = [coded('PCMU', 1_000), coded('PCMA', 4_000), coded('PCMU', -300)];
        assert.equal(level(a, 3), coded('PCMU', sum(fromB, fromC)));
        assert.equal(level(b, 3), coded('PCMA', sum(fromA, fromC)));
        assert.equal(level(c, 3), coded('PCMU', sum(fromA, fromB)));
      });

      test('the sum is limited, not wrapped, and what is subtracted is taken from the sum before it is limited', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const legs = [await here.inRoom(mixer), await here.inRoom(mixer), await here.inRoom(mixer)];
        const listener = await here.inRoom(mixer);
        const [a, b, c] = legs as [Leg, Leg, Leg];
        await here.speak(
          new Map([
            [a, 30_000],
            [b, 30_000],
            [c, -30_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(a, 3), 0);
        assert.equal(level(c, 3), coded('PCMU', 32_767));
        assert.equal(level(listener, 3), coded('PCMU', coded('PCMU', 30_000)));
        await here.speak(
          new Map([
            [a, -30_000],
            [b, -30_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(listener, 3), coded('PCMU', -32_768));
      });

      test('one who only listens, one who sends silence and one who sends nothing hear the same octets', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [talker, quiet, mute] = [await here.inRoom(mixer), await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(
          new Map([
            [talker, 5_000],
            [quiet, 8],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(quiet, 3), coded('PCMU', 5_000));
        assert.deepEqual(heard(quiet, 3), heard(mute, 3));
        // Below the level of silence nothing is added: the talker hears silence, not the hum.
        assert.ok(hearsSilence(talker, 3));
      });

      test('the soft end of a word is still speech; silence after it is not', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [talker, listener] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(new Map([[talker, 5_000]]), SETTLED_MS);
        await here.speak(new Map([[talker, 16]]), SETTLED_MS);
        assert.equal(level(listener, 3), coded('PCMU', 16));
        await here.speak(new Map([[talker, 16]]), 400);
        assert.ok(hearsSilence(listener, 3));
      });

      test('a muted member is not heard and hears; heard again, nothing of what it said meanwhile comes', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 2_000],
          ]),
          SETTLED_MS,
        );
        here.engine.updateMember(mixer, a.id, { ...TALKER, isHeard: false });
        const before = b.peer.rtp.length;
        await here.speak(
          new Map([
            [a, 7_000],
            [b, 2_000],
          ]),
          SETTLED_MS,
        );
        assert.ok(hearsSilence(b, b.peer.rtp.length - before - 1));
        assert.equal(level(a, 3), coded('PCMU', 2_000));
        here.engine.updateMember(mixer, a.id, TALKER);
        const unmutedAt = b.peer.rtp.length;
        await here.speak(new Map([[a, 3_000]]), SETTLED_MS);
        const after = heard(b, b.peer.rtp.length - unmutedAt);
        assert.deepEqual(
          [...new Set(after)].filter((value) => value !== 0),
          [coded('PCMU', 3_000)],
        );
      });

      test('a member that does not hear gets silence, and is heard; plays to its endpoint it does hear', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const held = await here.inRoom(mixer, { hears: false });
        const other = await here.inRoom(mixer);
        await here.speak(
          new Map([
            [held, 1_000],
            [other, 2_000],
          ]),
          SETTLED_MS,
        );
        assert.ok(hearsSilence(held, held.peer.rtp.length));
        assert.equal(level(other, 3), coded('PCMU', 1_000));
        here.engine.setComfort(held.id, 'music', new Int16Array(8_000).fill(600));
        await here.speak(new Map([[other, 2_000]]), SETTLED_MS);
        assert.equal(level(held, 3), coded('PCMU', 600));
        isContinuous(held);
        here.engine.updateMember(mixer, held.id, TALKER);
        await here.speak(new Map([[other, 2_000]]), SETTLED_MS);
        assert.equal(level(held, 3), coded('PCMU', 2_000));
        isContinuous(held);
      });

      test('coaching: only the coached member hears the coach, who hears all', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const agent = await here.inRoom(mixer);
        // In the other worker, if there is one.
        const coach = await here.inRoom(mixer, { coaches: agent.id });
        const customer = await here.inRoom(mixer);
        await here.speak(
          new Map([
            [agent, 1_000],
            [customer, 2_000],
            [coach, 4_000],
          ]),
          SETTLED_MS,
        );
        const [fromAgent, fromCustomer, fromCoach] = [1_000, 2_000, 4_000].map((value) => coded('PCMU', value)) as [
          number,
          number,
          number,
        ];
        assert.equal(level(agent, 3), coded('PCMU', fromCustomer + fromCoach));
        assert.equal(level(customer, 3), coded('PCMU', fromAgent));
        assert.equal(level(coach, 3), coded('PCMU', fromAgent + fromCustomer));
        here.engine.updateMember(mixer, coach.id, TALKER);
        await here.speak(
          new Map([
            [agent, 1_000],
            [customer, 2_000],
            [coach, 4_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(customer, 3), coded('PCMU', fromAgent + fromCoach));
      });

      test('rooms do not hear each other', async () => {
        const here = await world();
        const rooms = [here.engine.createMixer(), here.engine.createMixer()] as const;
        const [a, b] = [await here.inRoom(rooms[0]), await here.inRoom(rooms[0])];
        const [c, d] = [await here.inRoom(rooms[1]), await here.inRoom(rooms[1])];
        await here.speak(
          new Map([
            [a, 1_000],
            [c, 3_000],
          ]),
          SETTLED_MS,
        );
        assert.deepEqual([level(b, 3), level(d, 3)], [coded('PCMU', 1_000), coded('PCMU', 3_000)]);
        assert.equal(here.engine.counts().mixers, 2);
      });

      test('a coach of somebody who is not in the room is heard by nobody', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, elsewhere] = [await here.inRoom(mixer), await here.leg()];
        const coach = await here.inRoom(mixer, { coaches: elsewhere.id });
        const lost = await here.inRoom(mixer, { coaches: 'nobody' });
        await here.speak(
          new Map([
            [coach, 4_000],
            [lost, 4_000],
          ]),
          SETTLED_MS,
        );
        assert.ok(hearsSilence(a, 3));
      });
    });

    describe('members come and go', () => {
      test('a join in mid-speech: heard at once by those who are there, and they by it; a leave takes only its own voice', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 2_000],
          ]),
          SETTLED_MS,
        );
        const c = await here.inRoom(mixer);
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 2_000],
            [c, 3_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(a, 3), coded('PCMU', coded('PCMU', 2_000) + coded('PCMU', 3_000)));
        here.engine.leaveMixer(mixer, b.id);
        const left = b.peer.rtp.length;
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 2_000],
            [c, 3_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(a, 3), coded('PCMU', 3_000));
        assert.equal(b.peer.rtp.length, left);
        assert.deepEqual(here.engine.counts().mixerMembers, 2);
        for (const leg of [a, b, c]) isContinuous(leg);
      });

      test('close of an endpoint takes it out; the room goes on', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(
          new Map([
            [a, 1_000],
            [b, 2_000],
          ]),
          SETTLED_MS,
        );
        here.engine.close(a.id);
        assert.equal(here.engine.counts().mixerMembers, 1);
        await here.speak(new Map([[b, 2_000]]), SETTLED_MS);
        assert.ok(hearsSilence(b, 3));
      });

      test('removeMixer leaves its members alive and unjoined, ends its plays, and may come twice', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        const play = here.engine.playToMixer(mixer, { sources: [tone(440, 60_000)], loop: 0 });
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        here.engine.removeMixer(mixer);
        here.engine.removeMixer(mixer);
        const ended = await here.events.waitFor('playEnded');
        assert.deepEqual(ended, { type: 'playEnded', endpoint: mixer, play, outcome: 'stopped' });
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        assert.equal(here.events.ofType('playEnded').length, 1);
        const { endpoints, mixers, mixerMembers, plays } = here.engine.counts();
        assert.deepEqual([endpoints, mixers, mixerMembers, plays], [2, 0, 0, 0]);
        const count = b.peer.rtp.length;
        here.engine.bridge(a.id, b.id);
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        assert.equal(b.peer.rtp.length, count + SETTLED_MS / 20);
      });

      test('an endpoint is in one bridge or mixer: the later one takes it over', async () => {
        const here = await world();
        const [a, b, c] = [await here.leg(), await here.leg(), await here.leg()];
        const bridge = here.engine.bridge(a.id, b.id);
        const [first, second] = [here.engine.createMixer(), here.engine.createMixer(a.id)];
        here.engine.joinMixer(first, a.id, TALKER);
        assert.equal(here.engine.counts().bridges, 0);
        here.engine.unbridge(bridge);
        here.engine.joinMixer(first, c.id, TALKER);
        here.engine.joinMixer(second, a.id, TALKER);
        here.engine.joinMixer(second, b.id, TALKER);
        // The first has nothing to do with them any more.
        here.engine.leaveMixer(first, a.id);
        here.engine.updateMember(first, a.id, { ...TALKER, isHeard: false });
        await here.speak(
          new Map([
            [a, 1_000],
            [c, 3_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(b, 3), coded('PCMU', 1_000));
        assert.ok(hearsSilence(a, 3));
        here.engine.bridge(a.id, c.id);
        assert.equal(here.engine.counts().mixerMembers, 1);
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        assert.equal(level(c, 3), coded('PCMU', 1_000));
        assert.ok(hearsSilence(b, 3));
        // Comfort is given again where no mixer sends.
        here.engine.setComfort(a.id, 'music', new Int16Array(8_000).fill(600));
        await here.clock.advanceAsync(400);
        assert.equal(level(a, 3), coded('PCMU', 600));
        here.engine.setComfort(a.id, 'none');
      });

      test('commands about mixers and endpoints that are not there do nothing; such a play has failed', async () => {
        const here = await world();
        const leg = await here.leg();
        const mixer = here.engine.createMixer();
        here.engine.joinMixer('mixer-none', leg.id, TALKER);
        here.engine.joinMixer(mixer, 'nobody', TALKER);
        here.engine.updateMember(mixer, leg.id, TALKER);
        here.engine.leaveMixer(mixer, leg.id);
        here.engine.removeMixer('mixer-none');
        const play = here.engine.playToMixer('mixer-none', { sources: [tone(440, 100)], loop: 1 });
        const ended = await here.events.waitFor('playEnded');
        assert.deepEqual(ended, { type: 'playEnded', endpoint: 'mixer-none', play, outcome: 'failed' });
        assert.equal(here.engine.counts().mixerMembers, 0);
        assert.equal(here.clock.pendingTimers, 1, 'an empty room keeps no clock running');
      });
    });

    describe('plays', () => {
      test('a play to the room is heard by all who hear, added to what is said, by the member that speaks too', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        const held = await here.inRoom(mixer, { hears: false });
        const play = here.engine.playToMixer(mixer, { sources: [constant(500, 400)], loop: 1 });
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        assert.equal(level(a, 3), coded('PCMU', 500));
        assert.equal(level(b, 3), coded('PCMU', coded('PCMU', 1_000) + 500));
        assert.ok(hearsSilence(held, 3));
        assert.equal(here.engine.counts().plays, 1);
        await here.clock.advanceAsync(400);
        assert.deepEqual(here.events.ofType('playEnded'), [
          { type: 'playEnded', endpoint: mixer, play, outcome: 'finished' },
        ]);
        assert.ok(hearsSilence(b, 3));
      });

      test('several at once are added; stopPlay stops one of them, an endless loop goes on', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const a = await here.inRoom(mixer);
        const endless = here.engine.playToMixer(mixer, { sources: [constant(500, 20)], loop: 0 });
        const beep = here.engine.playToMixer(mixer, { sources: [constant(3_000, 10_000)], loop: 1 });
        await here.clock.advanceAsync(100);
        assert.equal(level(a, 2), coded('PCMU', 3_500));
        here.engine.stopPlay(beep);
        await here.clock.advanceAsync(100);
        assert.equal(level(a, 2), coded('PCMU', 500));
        assert.deepEqual(
          here.events.ofType('playEnded').map(({ play, outcome }) => [play, outcome]),
          [[beep, 'stopped']],
        );
        here.engine.stopPlay(endless);
        await here.clock.advanceAsync(40);
        assert.ok(hearsSilence(a));
      });

      test('a play to an empty room ends in its time', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        here.engine.playToMixer(mixer, { sources: [tone(440, 200)], loop: 1 });
        await here.clock.advanceAsync(300);
        assert.equal(here.events.ofType('playEnded')[0]!.outcome, 'finished');
      });

      test('beyond limits.mixerPlays a play fails, the others go on', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        for (let count = 0; count < limits.mixerPlays; count++) {
          here.engine.playToMixer(mixer, { sources: [tone(440, 60_000)], loop: 1 });
        }
        const beyond = here.engine.playToMixer(mixer, { sources: [tone(440, 100)], loop: 1 });
        await here.clock.advanceAsync(40);
        assert.deepEqual(
          here.events.ofType('playEnded').map(({ play, outcome }) => [play, outcome]),
          [[beyond, 'failed']],
        );
        assert.equal(here.engine.counts().plays, limits.mixerPlays);
      });

      test('a play on an endpoint has precedence over the mix towards it, which then goes on as one stream', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        here.engine.setComfort(b.id, 'silence');
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        here.engine.play(b.id, { sources: [constant(6_000, 100)], loop: 1 });
        const before = b.peer.rtp.length;
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        const values = Array.from(
          { length: b.peer.rtp.length - before },
          (_, index) => heard(b, b.peer.rtp.length - before)[index * 160],
        );
        const [talk, play] = [coded('PCMU', 1_000), coded('PCMU', 6_000)];
        assert.deepEqual(values.slice(0, 5), Array(5).fill(play));
        assert.ok(values.length > 8 && values.slice(5).every((value) => value === talk));
        isContinuous(b);
        const markers = b.peer.rtp.map(readRtp).flatMap(({ marker }, index) => (marker ? [index] : []));
        // RFC 3551 4.1: at each change of the giver.
        assert.deepEqual(markers.slice(-2), [before, before + 5]);
      });
    });

    test('a fault of ours in one room is of that room alone: the others go on, and it can be removed', async () => {
      const here = await world();
      const rooms = [here.engine.createMixer(), here.engine.createMixer()] as const;
      const [a, b] = [await here.inRoom(rooms[0]), await here.inRoom(rooms[0])];
      const [c, d] = [await here.inRoom(rooms[1]), await here.inRoom(rooms[1])];
      here.engine.playToMixer(rooms[0], { sources: [{ kind: 'no such kind' } as never], loop: 1 });
      const said = new Map([
        [a, 1_000],
        [c, 3_000],
      ]);
      await here.speak(said, SETTLED_MS);
      assert.equal(level(d, 3), coded('PCMU', 3_000));
      here.engine.removeMixer(rooms[0]);
      const again = here.engine.createMixer();
      for (const { id } of [a, b]) here.engine.joinMixer(again, id, TALKER);
      await here.speak(said, SETTLED_MS);
      assert.equal(level(b, 3), coded('PCMU', 1_000));
      assert.equal(here.engine.counts().plays, 0);
    });

    describe('what a peer sends', () => {
      test('telephone events are reported, and the room hears neither them nor a tone that comes along', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        for (const [index, duration] of [160, 320, 480, 480, 480].entries()) {
          const payload = eventPayload(9, index >= 2, duration);
          a.peer.sendRtp(
            rtpPacket({ payloadType: 101, sequence: a.sent, timestamp: a.sent * 160, payload }),
            ADDRESS,
            a.endpoint.rtpPort,
          );
          a.sent += 1;
          a.peer.sendRtp(packetOf(a, 9_000), ADDRESS, a.endpoint.rtpPort);
          a.sent += 1;
          await here.clock.advanceAsync(20);
        }
        assert.equal(here.events.ofType('digit')[0]?.digit, '9');
        const values = new Set(heard(b, b.peer.rtp.length));
        assert.deepEqual(
          [...values].sort((x, y) => x - y),
          [0, coded('PCMU', 1_000)],
        );
        assert.ok(b.peer.rtp.map(readRtp).every(({ payloadType }) => payloadType === 0));
        isContinuous(b);
        await here.speak(new Map([[a, 1_000]]), 2 * SETTLED_MS);
        assert.equal(level(b, 3), coded('PCMU', 1_000));
      });

      for (const packetMs of [10, 30, 60]) {
        test(`[sip 1.6 ptime-in] packets of ${packetMs} ms are mixed in frames of 20 ms`, async () => {
          const here = await world();
          const mixer = here.engine.createMixer();
          const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
          const octets = packetOf(a, 1_000).subarray(12, 13);
          for (let index = 0; index * packetMs < 600; index++) {
            const payload = new Uint8Array(packetMs * 8).fill(octets[0]!);
            const packet = rtpPacket({ sequence: index, timestamp: index * packetMs * 8, payload });
            a.peer.sendRtp(packet, ADDRESS, a.endpoint.rtpPort);
            await here.clock.advanceAsync(packetMs);
          }
          assert.equal(level(b, 15), coded('PCMU', 1_000));
        });
      }

      for (const jitterMs of [0, 20, 40, 60]) {
        // The next tick after it is due; a tick of the other worker, and a frame of slack for the threads, come to it.
        const latestMs = jitterMs + 20 + (workers - 1) * 40;
        test(`a jitter buffer of ${jitterMs} ms: a packet is mixed ${jitterMs} to ${latestMs} ms after it came`, async () => {
          const here = await world();
          const mixer = here.engine.createMixer();
          const [a, b] = [await here.inRoom(mixer, { jitterMs }), await here.inRoom(mixer)];
          await here.clock.advanceAsync(113);
          const start = here.clock.now();
          const isHeard = () => readRtp(b.peer.rtp.at(-1)!).payload[0] !== silenceOctet.PCMU;
          for (let ms = 0; !isHeard() && ms < 300; ms++) {
            if (ms % 20 === 0) await here.speak(new Map([[a, 1_000]]), 0);
            await here.clock.advanceAsync(1);
          }
          const delayMs = here.clock.now() - start;
          // A packet counts as due half a frame before its time: the tick is not exact either.
          assert.ok(delayMs >= jitterMs - 10 && delayMs <= latestMs, `${delayMs} ms`);
        });
      }

      test('a peer on hold (sendonly from us) is not heard, one that only listens is not sent less', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const listener = await here.inRoom(mixer, {}, { direction: 'sendonly' });
        const speaker = await here.inRoom(mixer, {}, { direction: 'recvonly' });
        const other = await here.inRoom(mixer);
        await here.speak(
          new Map([
            [listener, 4_000],
            [speaker, 1_000],
          ]),
          SETTLED_MS,
        );
        assert.equal(level(other, 3), coded('PCMU', 1_000));
        assert.equal(level(listener, 3), coded('PCMU', 1_000));
        assert.equal(speaker.peer.rtp.length, 0);
      });

      test('a change of codec on the way (re-offer) changes what the member hears, without a break', async () => {
        const here = await world();
        const mixer = here.engine.createMixer();
        const [a, b] = [await here.inRoom(mixer), await here.inRoom(mixer)];
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        here.engine.configure(b.id, plan(b.peer.port, { remoteAddress: b.peer.address, codec: 'PCMA' }), strictSource);
        await here.speak(new Map([[a, 1_000]]), SETTLED_MS);
        assert.equal(level({ ...b, codec: 'PCMA' }, 3), coded('PCMA', coded('PCMU', 1_000)));
        isContinuous(b);
      });
    });

    describe('a large room', () => {
      test('250 members, half of them silent: each hears the sum of the others', async () => {
        const here = await world(250);
        const mixer = here.engine.createMixer();
        const legs: Leg[] = [];
        for (let index = 0; index < 250; index++)
          legs.push(await here.inRoom(mixer, {}, { codec: index % 2 ? 'PCMA' : 'PCMU' }));
        const said = new Map<Leg, number>();
        for (const [index, leg] of legs.entries())
          if (index % 4 < 2) said.set(leg, (index % 8 < 4 ? 1 : -1) * (100 + index * 4));
        await here.speak(said, SETTLED_MS);
        const own = (leg: Leg) => (said.has(leg) ? coded(leg.codec, said.get(leg)!) : 0);
        const total = legs.reduce((all, leg) => all + own(leg), 0);
        for (const leg of legs) assert.equal(level(leg, 2), coded(leg.codec, sum(total - own(leg))), leg.id);
        assert.equal(here.engine.counts().mixerMembers, 250);
        const shared = legs.filter((leg) => !said.has(leg) && leg.codec === 'PCMU');
        assert.ok(shared.length > 50 && new Set(shared.map((leg) => level(leg, 2))).size === 1);
        here.engine.removeMixer(mixer);
        assert.equal(here.engine.counts().mixerMembers, 0);
      }, 30_000);
    });
  });
}
