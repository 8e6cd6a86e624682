// The short path through JavaScript: the suite of fast paths, what it leaves to the core, and how many packets a source may send.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { ShortPath } from '../../../src/media/short-path.ts';
import { udpSockets } from '../../../src/media/udp.ts';
import { eventually, rtpPacket } from '../../support/media.ts';
import { fastPathSuite, keys, world } from './fast-path-suite.ts';
import { nextPackets, type PathUnderTest } from './fast-path-world.ts';

const openPath = (): PathUnderTest => ({ sockets: udpSockets, path: new ShortPath(realClock), close: () => {} });

fastPathSuite({
  test,
  open: openPath,
  suites: [
    ['AES_CM_128_HMAC_SHA1_80', null],
    ['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'],
    ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
  ],
});

test('packets of other than 20 ms, and those with padding, are for the core, which has the bridge from then on', async () => {
  const here = await world(openPath());
  const [a, b] = await here.bridged();
  a.sequence += 1;
  const padded = rtpPacket({
    ssrc: a.ssrc,
    sequence: a.sequence,
    timestamp: a.sequence * 160,
    payload: Buffer.alloc(164, 4),
  });
  padded[0] = 0xa0;
  here.send(a, padded);
  await b.peer.until((packets) => packets.length >= a.sent.length);
  assert.equal(here.path!.isActive, false);
  assert.equal(b.peer.packets.at(-1)!.length, 172);
});

for (const srtp of [null, keys('AES_CM_128_HMAC_SHA1_80', 1)]) {
  test(`a digit of thousands of octets ${srtp ? 'under SRTP' : 'in clear'} is dropped and counted, and the call goes on`, async () => {
    const here = await world(openPath());
    const [a, b] = await here.bridged({ srtp });
    const before = b.peer.packets.length;
    const long = { ssrc: a.ssrc, sequence: a.sequence + 1, payloadType: 101, payload: Buffer.alloc(4_000) };
    // Nobody needs a key to send it.
    a.peer.send([rtpPacket(long)], a.endpoint.rtpPort);
    await eventually(() => here.engine.statistics(a.id)!.drops.oversized === 1, 'it is counted');
    assert.equal(here.path!.isActive, true);
    await here.relay(a, b, nextPackets(a, 3));
    assert.equal(b.peer.packets.length, before + 3);
  });
}

test('a source that sends too many packets is counted, the other one is heard', async () => {
  const here = await world(openPath());
  const [a, b] = await here.bridged();
  for (let burst = 0; burst < 20; burst++) {
    for (const packet of nextPackets(a, 40)) here.send(a, packet);
    await here.relay(b, a, nextPackets(b, 1));
  }
  assert.equal(here.path!.isActive, true);
  await eventually(() => (here.engine.statistics(a.id)!.drops.rate ?? 0) > 0, 'what was too much is counted');
  assert.ok(b.peer.packets.length < a.sent.length);
});

test('jitter goes on from what the core had measured', async () => {
  const here = await world(openPath());
  const [a] = await here.bridged();
  const { jitterMs } = here.engine.statistics(a.id)!;
  assert.ok(jitterMs > 0);
  here.say(a);
  await eventually(() => here.engine.statistics(a.id)!.packetsReceived === a.sent.length, 'the packet is counted');
  assert.ok(here.engine.statistics(a.id)!.jitterMs > jitterMs / 2);
});
