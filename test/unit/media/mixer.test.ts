// Mixers on a virtual clock and network: who hears whom, sums to the sample, joins and leaves in mid-speech, plays, numbering. Peers
// send exact samples (G.711 values), so that what comes back can be computed: the mix is a sum, limited to 16 bits.

import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'vitest';
import type { EndpointInfo, MediaEngine } from '../../../src/media/engine.ts';
import type { MixerMember } from '../../../src/media/engine-audio.ts';
import { decode, encode } from '../../../src/media/g711.ts';
import { createInlineMediaEngine } from '../../../src/media/inline.ts';
import type { AudioCodec, MediaPlan } from '../../../src/sdp/plan.ts';
import {
  EventLog,
  plan,
  readRtp,
  rtpPacket,
  strictSource,
  VirtualDatagrams,
  VirtualPeer,
} from '../../support/media.ts';
import { seededRandom } from '../../support/network.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const ADDRESS = '10.0.0.1';
const PEER = '10.0.0.2';
const TALKER: MixerMember = { isHeard: true, hears: true, coaches: null, jitterMs: 20 };
/** Longer than jitter buffer and network need together. */
const SETTLED_MS = 200;

interface Leg {
  readonly peer: VirtualPeer;
  readonly endpoint: EndpointInfo;
  readonly id: string;
  readonly codec: AudioCodec;
  /** Packets that it has sent. */
  sent: number;
}

class World {
  readonly clock = new VirtualClock();
  readonly network = new VirtualDatagrams({ clock: this.clock });
  readonly engine: MediaEngine;
  readonly events: EventLog;
  readonly legs: Leg[] = [];

  constructor(pairs: number) {
    this.engine = createInlineMediaEngine({
      clock: this.clock,
      random: seededRandom(9).bytes,
      portRange: { first: 20_000, last: 20_000 + pairs * 2 - 1 },
      sockets: this.network,
    });
    this.events = new EventLog(this.engine);
  }

  async leg(changes: Partial<MediaPlan> = {}): Promise<Leg> {
    const peer = await VirtualPeer.open(this.network, PEER, 30_000 + this.legs.length * 10);
    const opened = await this.engine.open({ localAddress: ADDRESS, callSid: 'CA1' });
    assert.ok(opened.ok, JSON.stringify(opened));
    const endpoint = opened.value;
    const described = plan(peer.port, { remoteAddress: PEER, ...changes });
    const leg: Leg = { peer, endpoint, id: endpoint.id, codec: described.codec, sent: 0 };
    this.engine.configure(leg.id, described, strictSource);
    this.legs.push(leg);
    return leg;
  }

  async inRoom(mixer: string, changes: Partial<MixerMember> = {}, planned: Partial<MediaPlan> = {}): Promise<Leg> {
    const leg = await this.leg(planned);
    this.engine.joinMixer(mixer, leg.id, { ...TALKER, ...changes });
    return leg;
  }

  /** For `ms`, each speaker sends a constant sample of the given value, in packets of 20 ms. */
  async speak(speakers: ReadonlyMap<Leg, number>, ms: number): Promise<void> {
    for (let sentMs = 0; sentMs < ms; sentMs += 20) {
      for (const [leg, value] of speakers) {
        leg.peer.sendRtp(packetOf(leg, value), ADDRESS, leg.endpoint.rtpPort);
        leg.sent += 1;
      }
      await this.clock.advanceAsync(20);
    }
  }
}

function packetOf(leg: Leg, value: number): Buffer {
  const payload = new Uint8Array(160);
  encode(leg.codec, new Int16Array(160).fill(value), payload);
  const payloadType = leg.codec === 'PCMU' ? 0 : 8;
  return rtpPacket({ payloadType, sequence: leg.sent, timestamp: leg.sent * 160, payload });
}

/** What a value becomes in the codec of the speaker. */
function coded(codec: AudioCodec, value: number): number {
  const [octets, samples] = [new Uint8Array(1), new Int16Array(1)];
  encode(codec, Int16Array.of(value), octets);
  decode(codec, octets, samples);
  return samples[0]!;
}

/** Samples of the last `count` packets that came to a leg. */
function heard(leg: Leg, count = 1): Int16Array {
  const samples = new Int16Array(count * 160);
  for (const [index, packet] of leg.peer.rtp.slice(-count).entries()) {
    decode(leg.codec, readRtp(packet).payload, samples.subarray(index * 160, (index + 1) * 160));
  }
  return samples;
}

/** The one value of which the last packets consist. */
function level(leg: Leg, count = 1): number {
  const samples = heard(leg, count);
  assert.ok(
    samples.every((sample) => sample === samples[0]),
    `not one value: ${[...new Set(samples)].join(' ')}`,
  );
  return samples[0]!;
}

const sum = (...values: readonly number[]): number =>
  Math.max(
    -32_768,
    Math.min(
      32_767,
      values.reduce((total, value) => total + value, 0),
    ),
  );

let worlds: World[] = [];
async function world(pairs = 20): Promise<World> {
  const made = new World(pairs);
  worlds.push(made);
  assert.ok((await made.engine.start()).ok);
  return made;
}

afterEach(async () => {
  const made = worlds;
  worlds = [];
  for (const { engine, clock } of made) {
    await engine.stop();
    clock.advance(1);
    const { endpoints, bridges, plays, mixers, mixerMembers, portsInUse } = engine.counts();
    const left = { endpoints, bridges, plays, mixers, mixerMembers, portsInUse };
    assert.deepEqual(left, { endpoints: 0, bridges: 0, plays: 0, mixers: 0, mixerMembers: 0, portsInUse: 0 });
    assert.equal(clock.pendingTimers, 0, 'timers are left');
  }
});

describe('who hears whom', () => {
  test('three members: each hears the other two and not itself, to the sample', async () => {
    const here = await world();
    const mixer = here.engine.createMixer();
    const [a, b, c] = [
      await here.inRoom(mixer),
      await here.inRoom(mixer, {}, { codec: 'PCMA' }),
      await here.inRoom(mixer),
    ];
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
});
