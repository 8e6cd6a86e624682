// Streams that are played in, plays that follow one another, and speech activity, through the engine on a virtual clock and network.

import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { linearToMuLaw } from '../../../src/media/g711.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { readRtp, shareOf } from '../../support/media.ts';
import { ADDRESS, coded, heard, type Leg, level, MixerWorld, packetOf } from '../../support/mixer-world.ts';

let worlds: MixerWorld[] = [];
afterEach(async () => {
  const made = worlds;
  worlds = [];
  for (const here of made) await here.end();
});

function world(workers = 1): MixerWorld {
  const made = new MixerWorld(workers, 8);
  worlds.push(made);
  void made.engine.start();
  return made;
}

const muLaw = (samples: Int16Array): Uint8Array => Uint8Array.from(samples, linearToMuLaw);
const constant = (value: number, ms: number): Uint8Array => muLaw(new Int16Array(ms * 8).fill(value));

/** One SSRC, sequence numbers without a gap, and timestamps that follow the clock. */
function assertContinuous(leg: Leg): void {
  const packets = leg.peer.rtp.map(readRtp);
  for (const [index, packet] of packets.slice(1).entries()) {
    const before = packets[index]!;
    assert.equal((packet.sequence - before.sequence) & 0xffff, 1, `sequence at ${index + 1}`);
    const step = (packet.timestamp - before.timestamp) >>> 0;
    assert.ok(step >= 160 && step < 8_000, `timestamp ${step} further at ${index + 1}`);
  }
  assert.equal(new Set(packets.map(({ ssrc }) => ssrc)).size, 1);
}

/** Milliseconds between each packet's timestamp and the one before it. */
const stepsOf = (leg: Leg): number[] => {
  const packets = leg.peer.rtp.map(readRtp);
  return packets.slice(1).map(({ timestamp }, index) => ((timestamp - packets[index]!.timestamp) >>> 0) / 8);
};

const marksOf = (here: MixerWorld): string[] => here.events.ofType('markReached').map(({ name }) => name);

describe('streams', () => {
  test.each(['PCMU', 'PCMA'] as const)(
    'what is fed is sent in %s, in order, silence before and behind it',
    async (codec) => {
      const here = world();
      const leg = await here.leg({ codec });
      const stream = here.engine.openStream(leg.id);
      assert.equal(here.engine.counts().plays, 1);
      await here.clock.advanceAsync(100);
      here.engine.feedStream(stream, muLaw(toneSamples([700], -10, 1_000)));
      await here.clock.advanceAsync(1_200);
      assert.equal(leg.peer.rtp.length, 65);
      assert.ok(shareOf(leg.peer.rtp.slice(5, 55), codec, 700) > 0.98);
      assert.ok(heard(leg, 10).every((sample) => Math.abs(sample) <= 8));
      assert.ok(stepsOf(leg).every((step) => step === 20));
      assertContinuous(leg);
      here.engine.stopPlay(stream);
      assert.equal((await here.events.waitFor('playEnded')).outcome, 'stopped');
      assert.equal(here.engine.counts().plays, 0);
    },
  );

  test('pieces of any size that come in real time join without a gap', async () => {
    const here = world();
    const leg = await here.leg();
    const stream = here.engine.openStream(leg.id);
    const tone = muLaw(toneSamples([700], -10, 2_000));
    for (let at = 0, turn = 0; at < tone.length; turn++) {
      // 20 ms each tick on average, in pieces of 50 to 270 octets.
      const length = [50, 270, 110, 210, 160][turn % 5]!;
      here.engine.feedStream(stream, tone.subarray(at, at + length));
      at += length;
      await here.clock.advanceAsync(20);
    }
    await here.clock.advanceAsync(200);
    const samples = heard(leg, leg.peer.rtp.length);
    const first = samples.findIndex((sample) => sample !== 0);
    const sent = Array.from(samples.subarray(first - 1, first - 1 + tone.length), linearToMuLaw);
    assert.deepEqual(Buffer.from(sent).equals(Buffer.from(tone)), true);
  });

  test('marks come in order, each after its audio; clearing reaches them at once', async () => {
    const here = world();
    const leg = await here.leg();
    const stream = here.engine.openStream(leg.id);
    here.engine.markStream(stream, 'empty');
    here.engine.feedStream(stream, constant(1_000, 200));
    here.engine.markStream(stream, 'a');
    here.engine.feedStream(stream, constant(2_000, 200));
    here.engine.markStream(stream, 'b');
    here.engine.markStream(stream, 'c');
    await here.clock.advanceAsync(199);
    assert.deepEqual(marksOf(here), ['empty']);
    await here.clock.advanceAsync(1);
    assert.deepEqual(marksOf(here), ['empty', 'a']);
    await here.clock.advanceAsync(200);
    assert.deepEqual(marksOf(here), ['empty', 'a', 'b', 'c']);
    here.engine.feedStream(stream, constant(3_000, 10_000));
    here.engine.markStream(stream, 'd');
    here.engine.markStream(stream, 'e');
    await here.clock.advanceAsync(100);
    here.engine.clearStream(stream);
    here.engine.feedStream(stream, constant(4_000, 100));
    await here.clock.advanceAsync(20);
    assert.deepEqual(marksOf(here), ['empty', 'a', 'b', 'c', 'd', 'e']);
    assert.equal(level(leg), coded('PCMU', 4_000));
    assert.ok(here.events.ofType('markReached').every(({ endpoint, play }) => endpoint === leg.id && play === stream));
    assertContinuous(leg);
  });

  test('its end reaches the marks that wait, before playEnded: stopped, replaced, endpoint closed', async () => {
    const here = world();
    const leg = await here.leg();
    const open = (name: string): string => {
      const stream = here.engine.openStream(leg.id);
      here.engine.feedStream(stream, constant(1_000, 5_000));
      here.engine.markStream(stream, name);
      return stream;
    };
    here.engine.stopPlay(open('stopped'));
    open('replaced');
    open('closed');
    await here.clock.advanceAsync(100);
    here.engine.close(leg.id);
    await here.clock.advanceAsync(0);
    const told = here.events.events.flatMap((event) =>
      event.type === 'markReached' ? [event.name] : event.type === 'playEnded' ? [event.outcome] : [],
    );
    assert.deepEqual(told, ['stopped', 'stopped', 'replaced', 'stopped', 'closed', 'stopped']);
  });

  test('play → stream → bridge → hold music: one continuous stream towards the peer', async () => {
    const here = world(2);
    const [leg, other] = [await here.leg(), await here.leg()];
    here.engine.play(leg.id, { sources: [{ kind: 'silence', durationMs: 200 }], loop: 1 });
    await here.clock.advanceAsync(300);
    const stream = here.engine.openStream(leg.id);
    here.engine.feedStream(stream, constant(5_000, 300));
    await here.clock.advanceAsync(400);
    here.engine.bridge(leg.id, other.id);
    await here.speak(new Map([[other, 7_000]]), 200);
    // A play has precedence over the bridge.
    assert.equal(level(leg), 0);
    here.engine.stopPlay(stream);
    await here.speak(new Map([[other, 7_000]]), 200);
    assert.equal(level(leg), coded('PCMU', 7_000));
    here.engine.setComfort(leg.id, 'silence');
    await here.clock.advanceAsync(600);
    assertContinuous(leg);
  });

  test('what was not described yet, and a stream that is over, is ignored; of an endpoint that is gone it fails', async () => {
    const here = world();
    const leg = await here.leg();
    const stream = here.engine.openStream(leg.id);
    here.engine.stopPlay(stream);
    await here.clock.advanceAsync(0);
    here.engine.feedStream(stream, constant(1_000, 100));
    here.engine.markStream(stream, 'late');
    here.engine.clearStream(stream);
    const play = here.engine.play(leg.id, { sources: [{ kind: 'silence', durationMs: 60 }], loop: 1 });
    here.engine.feedStream(play, constant(1_000, 100));
    here.engine.clearStream(play);
    await here.clock.advanceAsync(100);
    assert.deepEqual(marksOf(here), []);
    assert.ok(heard(leg, leg.peer.rtp.length).every((sample) => sample === 0));
    const failed = here.engine.openStream('nobody');
    const { outcome } = await here.events.waitFor('playEnded', (event) => event.play === failed);
    assert.equal(outcome, 'failed');
    here.engine.feedStream(failed, constant(1_000, 100));
  });

  test('what does not fit is dropped and counted in frames; so are marks too many', async () => {
    const here = world();
    const leg = await here.leg();
    const stream = here.engine.openStream(leg.id);
    here.engine.feedStream(stream, new Uint8Array(limits.streamBufferMs * 8 + 1_600).fill(0x90));
    assert.deepEqual(here.engine.statistics(leg.id)!.drops, { stream: 10 });
    here.engine.feedStream(stream, new Uint8Array(170));
    assert.deepEqual(here.engine.statistics(leg.id)!.drops, { stream: 12 });
    for (let count = 0; count <= limits.streamMarks; count++) here.engine.markStream(stream, 'm');
    assert.deepEqual(here.engine.statistics(leg.id)!.drops, { stream: 13 });
  });
});

describe('plays that follow one another', () => {
  for (const workers of [1, 2]) {
    test(`the next play, begun when playEnded is heard, follows without a frame between them, ${workers} core(s)`, async () => {
      const here = world(workers);
      const leg = await here.leg();
      const play = (value: number) =>
        here.engine.play(leg.id, {
          sources: [{ kind: 'samples', samples: new Int16Array(1_600).fill(value) }],
          loop: 1,
        });
      const values = [2_000, 3_000, 4_000];
      here.engine.onEvent((event) => {
        const next = event.type === 'playEnded' ? values.shift() : undefined;
        if (next !== undefined) play(next);
      });
      play(1_000);
      await here.clock.advanceAsync(1_000);
      const samples = heard(leg, leg.peer.rtp.length);
      const expected = [1_000, 2_000, 3_000, 4_000].flatMap((value) => Array(1_600).fill(coded('PCMU', value)));
      assert.deepEqual([...samples], expected);
      assert.ok(stepsOf(leg).every((step) => step === 20));
      assertContinuous(leg);
    });
  }

  test('comfort in between is not heard: not even one frame of it', async () => {
    const here = world();
    const leg = await here.leg();
    here.engine.setComfort(leg.id, 'music', new Int16Array(1_600).fill(9_000));
    await here.clock.advanceAsync(100);
    const sources = [{ kind: 'samples', samples: new Int16Array(800).fill(1_000) }] as const;
    here.engine.onEvent((event) => {
      if (event.type === 'playEnded' && here.events.ofType('playEnded').length === 1) {
        here.engine.play(leg.id, { sources, loop: 1 });
      }
    });
    const before = leg.peer.rtp.length;
    here.engine.play(leg.id, { sources, loop: 1 });
    await here.clock.advanceAsync(200);
    const values = heard(leg, leg.peer.rtp.length - before).subarray(0, 1_600);
    assert.deepEqual(new Set(values), new Set([coded('PCMU', 1_000)]));
  });
});

describe('speech activity of an endpoint', () => {
  const speechOf = (here: MixerWorld): boolean[] => here.events.ofType('speech').map(({ isSpeaking }) => isSpeaking);

  for (const workers of [1, 2]) {
    test(`begins and ends with the peer's voice, on a bridged endpoint, ${workers} core(s)`, async () => {
      const here = world(workers);
      const [leg, other] = [await here.leg({ codec: 'PCMA' }), await here.leg()];
      here.engine.bridge(leg.id, other.id);
      here.engine.watchSpeech(leg.id, true);
      here.engine.watchSpeech(leg.id, true);
      await here.speak(
        new Map([
          [leg, 0],
          [other, 9_000],
        ]),
        1_000,
      );
      assert.deepEqual(speechOf(here), []);
      await here.speak(new Map([[leg, 5_000]]), 500);
      assert.deepEqual(speechOf(here), [true]);
      await here.speak(new Map([[leg, 0]]), 500);
      assert.deepEqual(speechOf(here), [true, false]);
      here.engine.watchSpeech(leg.id, false);
      await here.speak(new Map([[leg, 5_000]]), 500);
      assert.deepEqual(speechOf(here), [true, false]);
    });
  }

  test('lost packets end no sentence', async () => {
    const here = world();
    const leg = await here.leg();
    here.engine.watchSpeech(leg.id, true);
    await here.speak(new Map([[leg, 5_000]]), 500);
    // 600 ms are lost on the way.
    for (let lost = 0; lost < 30; lost++) {
      packetOf(leg, 5_000);
      leg.sent += 1;
      await here.clock.advanceAsync(20);
    }
    await here.speak(new Map([[leg, 5_000]]), 500);
    assert.deepEqual(speechOf(here), [true]);
    // One of two is lost.
    for (let pair = 0; pair < 50; pair++) {
      leg.peer.sendRtp(packetOf(leg, 5_000), ADDRESS, leg.endpoint.rtpPort);
      leg.sent += 2;
      await here.clock.advanceAsync(40);
    }
    assert.deepEqual(speechOf(here), [true]);
  });

  test('a peer that sends nothing any more has stopped to speak', async () => {
    const here = world();
    const leg = await here.leg();
    here.engine.watchSpeech(leg.id, true);
    await here.speak(new Map([[leg, 5_000]]), 500);
    await here.clock.advanceAsync(2_000);
    assert.deepEqual(speechOf(here), [true, false]);
  });
});
