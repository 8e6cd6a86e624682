// Forks on a virtual clock and network, from an endpoint to another in one core and across two: what the recorded side hears, to the sample.

import { strict as assert } from 'node:assert';
import { afterEach, describe, test } from 'vitest';
import { eventPayload, readRtp, rtpPacket } from '../../support/media.ts';
import { ADDRESS, coded, heard, type Leg, level, MixerWorld, SETTLED_MS } from '../../support/mixer-world.ts';

let worlds: MixerWorld[] = [];
afterEach(async () => {
  const made = worlds;
  worlds = [];
  for (const here of made) {
    await here.end();
    assert.equal(here.engine.counts().taps, 0);
  }
});

/** A caller, its partner in a bridge, and the two endpoints of a recording server; `workers`: how many cores they are spread over. */
async function recorded(workers: number) {
  const here = new MixerWorld(workers, 8);
  worlds.push(here);
  void here.engine.start();
  const caller = await here.leg();
  const first = await here.leg({ direction: 'sendonly' });
  const callee = await here.leg({
    codec: 'PCMA',
    payloadType: 8,
    receivePayloadTypes: [{ payloadType: 8, codec: 'PCMA' }],
  });
  const second = await here.leg({ direction: 'sendonly', codec: 'PCMA', payloadType: 8 });
  here.engine.bridge(caller.id, callee.id);
  return { here, caller, callee, first, second };
}

const sequences = (leg: Leg): number[] => leg.peer.rtp.map((packet) => readRtp(packet).sequence);

describe.each([1, 2, 3])('forks over %i cores', (workers) => {
  test('each track goes to its endpoint, in the codec of that', async () => {
    const { here, caller, callee, first, second } = await recorded(workers);
    here.engine.fork(caller.id, 'inbound', first.id);
    here.engine.fork(caller.id, 'outbound', second.id);
    await here.speak(
      new Map([
        [caller, 8_000],
        [callee, -4_000],
      ]),
      2 * SETTLED_MS,
    );
    assert.equal(level(first, 3), coded('PCMU', 8_000));
    // PCMA at the callee, PCMU on the way to the caller, PCMA again.
    const twice = coded('PCMA', coded('PCMU', coded('PCMA', -4_000)));
    assert.equal(level(second, 3), twice);
    assert.equal(level(caller, 1), coded('PCMU', coded('PCMA', -4_000)), 'the bridge goes on beside it');
  });

  test('a packet every 20 ms without a gap, silence while nobody speaks', async () => {
    const { here, caller, first } = await recorded(workers);
    here.engine.fork(caller.id, 'inbound', first.id);
    await here.speak(new Map([[caller, 8_000]]), SETTLED_MS);
    await here.clock.advanceAsync(SETTLED_MS);
    assert.equal(level(first, 2), coded('PCMU', 0));
    const numbers = sequences(first);
    assert.ok(numbers.length >= 18, `${numbers.length} packets in 400 ms`);
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => (numbers[0]! + index) & 0xffff),
    );
    const times = first.peer.rtp.map((packet) => readRtp(packet).timestamp);
    assert.deepEqual([...new Set(times.slice(1).map((time, index) => (time - times[index]!) >>> 0))], [160]);
  });

  test('telephone events are not forked', async () => {
    const { here, caller, first } = await recorded(workers);
    here.engine.fork(caller.id, 'inbound', first.id);
    for (let index = 0; index < 10; index++) {
      const payload = eventPayload(5, index > 6, (index + 1) * 160);
      const packet = rtpPacket({ payloadType: 101, sequence: index, timestamp: 0, marker: index === 0, payload });
      caller.peer.sendRtp(packet, ADDRESS, caller.endpoint.rtpPort);
      await here.clock.advanceAsync(20);
    }
    await here.clock.advanceAsync(SETTLED_MS);
    assert.ok(first.peer.rtp.length > 0);
    assert.deepEqual([...new Set(first.peer.rtp.map((packet) => readRtp(packet).payloadType))], [0]);
    assert.ok(heard(first, first.peer.rtp.length).every((sample) => Math.abs(sample) <= 8));
  });

  test.each([
    ['it is closed', (w: Awaited<ReturnType<typeof recorded>>, fork: string) => w.here.engine.closeFork(fork)],
    ['the forked endpoint is closed', (w: Awaited<ReturnType<typeof recorded>>) => w.here.engine.close(w.caller.id)],
  ] as const)('ends when %s', async (_name, end) => {
    const world = await recorded(workers);
    const { here, caller, first } = world;
    const fork = here.engine.fork(caller.id, 'inbound', first.id);
    await here.speak(new Map([[caller, 8_000]]), SETTLED_MS);
    assert.equal(here.engine.counts().taps, 1);
    end(world, fork);
    await here.clock.advanceAsync(40);
    const before = first.peer.rtp.length;
    assert.ok(before > 0);
    await here.clock.advanceAsync(SETTLED_MS);
    assert.equal(first.peer.rtp.length, before);
    assert.equal(here.engine.counts().taps, 0);
    here.engine.closeFork(fork);
  });

  test('ends when the endpoint that it leads to is closed; the call goes on', async () => {
    const { here, caller, callee, first } = await recorded(workers);
    here.engine.fork(caller.id, 'inbound', first.id);
    await here.speak(new Map([[caller, 8_000]]), SETTLED_MS);
    here.engine.close(first.id);
    assert.equal(here.engine.counts().taps, 0);
    await here.speak(new Map([[caller, 8_000]]), SETTLED_MS);
    assert.equal(level(callee), coded('PCMA', coded('PCMU', 8_000)));
  });
});

test('forks of endpoints that are not there are nothing', async () => {
  const { here, caller } = await recorded(1);
  here.engine.closeFork(here.engine.fork('0-99', 'inbound', caller.id));
  here.engine.closeFork(here.engine.fork(caller.id, 'inbound', '0-99'));
  assert.equal(here.engine.counts().taps, 0);
});
