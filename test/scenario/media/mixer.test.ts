// Rooms over real UDP with workers: three members, each with a tone of its own, hear the tones of the others and not theirs; members
// in one worker and in two; a worker that fails takes its members only.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import type { MediaEngine } from '../../../src/media/engine.ts';
import type { MixerId, MixerMember } from '../../../src/media/engine-audio.ts';
import { createWorkerMediaEngine } from '../../../src/media/workers.ts';
import type { AudioCodec } from '../../../src/sdp/plan.ts';
import { EventLog, eventually, plan, RtpPeer, readRtp, shareOf, strictSource } from '../../support/media.ts';
import { mediaRange } from '../../support/ports.ts';
import { startedWorlds } from '../../support/started-worlds.ts';

const LOCAL = '127.0.0.1';
const MEMBER: MixerMember = { isHeard: true, hears: true, coaches: null, jitterMs: 20 };
/** Half a second: a window that tells tones 200 Hz apart well. */
const WINDOW_PACKETS = 25;

interface Leg {
  readonly peer: RtpPeer;
  readonly id: string;
  readonly codec: AudioCodec;
}

class World {
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly peers: RtpPeer[] = [];
  /** Resolves when a failed worker is there again. */
  readonly restarted: Promise<void>;

  constructor(workers: number) {
    let onRestart = () => {};
    this.restarted = new Promise((resolve) => {
      onRestart = resolve;
    });
    const log: Log = { ...silentLog, info: (_, message) => message.includes('started again') && onRestart() };
    const portRange = mediaRange(200);
    this.engine = createWorkerMediaEngine({ workers, portRange, log, clock: realClock });
    this.events = new EventLog(this.engine);
  }

  async leg(codec: AudioCodec = 'PCMU', near?: string): Promise<Leg & { readonly port: number }> {
    const peer = await RtpPeer.open();
    this.peers.push(peer);
    const opened = await this.engine.open({ localAddress: LOCAL, callSid: 'CA1', ...(near ? { near } : {}) });
    assert.ok(opened.ok, JSON.stringify(opened));
    const { id, rtpPort } = opened.value;
    this.engine.configure(id, plan(peer.port, { codec }), strictSource);
    return { peer, id, codec, port: rtpPort };
  }

  /** A member whose peer speaks a tone without end, at the pace of another endpoint of the engine, near to it. */
  async speaker(mixer: MixerId, frequency: number, codec: AudioCodec = 'PCMU', member = MEMBER): Promise<Leg> {
    const leg = await this.leg(codec);
    const voice = await this.leg(codec, leg.id);
    voice.peer.passOn(leg.peer, leg.port);
    this.engine.play(voice.id, {
      sources: [{ kind: 'tone', frequencies: [frequency], levelDb: -13, durationMs: 1_000 }],
      loop: 0,
    });
    this.engine.joinMixer(mixer, leg.id, member);
    return leg;
  }
}

/** Waits until what a leg has heard in the last half second is these tones, each about as loud, and nothing else. */
async function hears(leg: Leg, frequencies: readonly number[], silent: readonly number[]): Promise<void> {
  await leg.peer.until((packets) => {
    if (packets.length < WINDOW_PACKETS) return false;
    const last = packets.slice(-WINDOW_PACKETS);
    const shares = frequencies.map((frequency) => shareOf(last, leg.codec, frequency));
    const rest = silent.map((frequency) => shareOf(last, leg.codec, frequency));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const least = 0.6 / frequencies.length;
    return total >= 0.9 && shares.every((share) => share >= least) && rest.every((share) => share < 0.02);
  });
}

const started = startedWorlds<World>(async ({ engine, peers }) => {
  await engine.stop();
  for (const peer of peers) peer.close();
  const { endpoints, bridges, plays, mixers, mixerMembers, portsInUse } = engine.counts();
  const left = { endpoints, bridges, plays, mixers, mixerMembers, portsInUse };
  assert.deepEqual(left, { endpoints: 0, bridges: 0, plays: 0, mixers: 0, mixerMembers: 0, portsInUse: 0 });
});
const world = (workers: number): Promise<World> => started(new World(workers));

const workerOf = ({ id }: Leg): string => id.split('-')[0]!;

for (const workers of [1, 2]) {
  describe(`a room, its members in ${workers === 1 ? 'one worker' : 'two workers'}`, () => {
    async function room() {
      const here = await world(workers);
      const mixer = here.engine.createMixer();
      const a = await here.speaker(mixer, 400);
      const b = await here.speaker(mixer, 1_000, 'PCMA');
      const c = await here.speaker(mixer, 1_700);
      assert.equal(new Set([a, b, c].map(workerOf)).size, workers);
      return { here, mixer, a, b, c };
    }

    test('each of three hears the tones of the two others in its codec, as one unbroken stream', async () => {
      const { here, a, b, c } = await room();
      await hears(a, [1_000, 1_700], [400]);
      await hears(b, [400, 1_700], [1_000]);
      await hears(c, [400, 1_000], [1_700]);
      for (const { peer, codec } of [a, b, c]) {
        const heard = peer.packets.map(readRtp);
        for (const [index, packet] of heard.entries()) {
          assert.equal(packet.ssrc, heard[0]!.ssrc);
          assert.equal((packet.sequence - heard[0]!.sequence) & 0xffff, index);
          assert.equal(packet.payloadType, codec === 'PCMU' ? 0 : 8);
        }
      }
      assert.equal(here.engine.counts().mixerMembers, 3);
    });

    test('muted, coaching, leaving: heard at once by those whom it concerns', async () => {
      const { here, mixer, a, b, c } = await room();
      here.engine.updateMember(mixer, c.id, { ...MEMBER, isHeard: false });
      await hears(a, [1_000], [400, 1_700]);
      here.engine.updateMember(mixer, c.id, { ...MEMBER, coaches: b.id });
      await hears(b, [400, 1_700], [1_000]);
      await hears(a, [1_000], [400, 1_700]);
      await hears(c, [400, 1_000], [1_700]);
      here.engine.leaveMixer(mixer, b.id);
      await hears(c, [400], [1_000, 1_700]);
    });

    test('a tone played to the room is heard by all, and is told when it ends; removeMixer ends what still plays', async () => {
      const { here, mixer, a, b, c } = await room();
      const beep = here.engine.playToMixer(mixer, {
        sources: [{ kind: 'tone', frequencies: [2_400], levelDb: -13, durationMs: 1_500 }],
        loop: 0,
      });
      await hears(a, [1_000, 1_700, 2_400], [400]);
      await hears(b, [400, 1_700, 2_400], [1_000]);
      await hears(c, [400, 1_000, 2_400], [1_700]);
      here.engine.stopPlay(beep);
      const stopped = await here.events.waitFor('playEnded', ({ play }) => play === beep);
      assert.deepEqual([stopped.endpoint, stopped.outcome], [mixer, 'stopped']);
      await hears(a, [1_000, 1_700], [400, 2_400]);
      const endless = here.engine.playToMixer(mixer, { sources: [{ kind: 'silence', durationMs: 500 }], loop: 0 });
      here.engine.removeMixer(mixer);
      await here.events.waitFor('playEnded', ({ play, outcome }) => play === endless && outcome === 'stopped');
      await eventually(() => {
        const { endpoints, mixers, mixerMembers } = here.engine.counts();
        return mixers === 0 && mixerMembers === 0 && endpoints === 6;
      }, 'the mixer gone from all workers, the endpoints there');
    });
  });
}

describe('a worker that fails', () => {
  for (const [victim, survivors] of [
    [1, [0, 2]],
    [0, [1]],
  ] as const) {
    const what = victim === 0 ? 'the worker that played to the room' : 'the other worker';
    test(`${what}: its members are gone, the others hear each other and whoever comes, also from it when it is back`, async () => {
      const here = await world(2);
      const mixer = here.engine.createMixer();
      const tones = [400, 1_000, 1_700];
      const legs: Leg[] = [];
      for (const tone of tones) legs.push(await here.speaker(mixer, tone));
      const play = here.engine.playToMixer(mixer, { sources: [{ kind: 'silence', durationMs: 1_000 }], loop: 0 });
      await hears(legs[0]!, [1_000, 1_700], [400]);
      killWorker(here, legs[victim]!);
      await here.events.waitFor('workerFailed');
      if (victim === 0)
        await here.events.waitFor('playEnded', (event) => event.play === play && event.outcome === 'failed');
      assert.equal(here.engine.counts().mixerMembers, survivors.length);
      assert.equal(here.engine.counts().mixers, 1);
      // Until the failed one is back, the other worker takes the newcomer.
      const newcomer = await here.speaker(mixer, 2_400);
      await hears(
        newcomer,
        survivors.map((index) => tones[index]!),
        [2_400],
      );
      await here.restarted;
      const last = await here.speaker(mixer, 2_900);
      assert.equal(workerOf(last), workerOf(legs[victim]!));
      await hears(last, [...survivors.map((index) => tones[index]!), 2_400], [2_900]);
      await hears(newcomer, [...survivors.map((index) => tones[index]!), 2_900], [2_400]);
      const beep = here.engine.playToMixer(mixer, {
        sources: [{ kind: 'tone', frequencies: [3_300], levelDb: -13, durationMs: 60_000 }],
        loop: 1,
      });
      await hears(last, [...survivors.map((index) => tones[index]!), 2_400, 3_300], [2_900]);
      here.engine.stopPlay(beep);
      await here.events.waitFor('playEnded', (event) => event.play === beep && event.outcome === 'stopped');
    }, 30_000);
  }
});

describe('the only worker fails', () => {
  test('the room is empty; when the worker is back it takes members and plays again', async () => {
    const here = await world(1);
    const mixer = here.engine.createMixer();
    const first = await here.speaker(mixer, 400);
    killWorker(here, first);
    await here.events.waitFor('workerFailed');
    assert.equal(here.engine.counts().mixerMembers, 0);
    const lost = here.engine.playToMixer(mixer, { sources: [{ kind: 'silence', durationMs: 60_000 }], loop: 1 });
    await here.events.waitFor('playEnded', ({ play, outcome }) => play === lost && outcome === 'failed');
    await here.restarted;
    const [a, b] = [await here.speaker(mixer, 1_000), await here.speaker(mixer, 1_700)];
    await hears(a, [1_700], [1_000]);
    const beep = here.engine.playToMixer(mixer, {
      sources: [{ kind: 'tone', frequencies: [2_400], levelDb: -13, durationMs: 60_000 }],
      loop: 1,
    });
    await hears(b, [1_000, 2_400], [1_700]);
    here.engine.stopPlay(beep);
    await here.events.waitFor('playEnded', ({ play, outcome }) => play === beep && outcome === 'stopped');
  });
});

/** Makes a worker throw outside of any guard: a plan that no caller can make. */
function killWorker({ engine }: World, leg: Leg): void {
  engine.configure(leg.id, { ...plan(9), receivePayloadTypes: null as never }, strictSource);
}
