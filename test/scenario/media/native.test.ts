// The native media thread: the suite of fast paths, and that no socket outlives its engine.

import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { describe } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { loadAddon } from '../../../src/media/native/addon.ts';
import { NativeMedia } from '../../../src/media/native/native-path.ts';
import { createWorkerMediaEngine } from '../../../src/media/workers.ts';
import { eventually, plan, RtpPeer, rtpPacket, strictSource } from '../../support/media.ts';
import { nativeAddon } from '../../support/native-addon.ts';
import { mediaRange } from '../../support/ports.ts';
import { testUnless } from '../../support/skip.ts';
import { fastPathSuite, world } from './fast-path-suite.ts';
import { LOCAL, type PathUnderTest } from './fast-path-world.ts';

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

function openPath(): PathUnderTest {
  const native = openNative();
  return { sockets: native, path: native, close: () => native.close() };
}

fastPathSuite({
  test,
  open: openPath,
  suites: [
    ['AES_CM_128_HMAC_SHA1_80', null],
    ['AES_CM_128_HMAC_SHA1_32', 'AES_CM_128_HMAC_SHA1_80'],
  ],
});

/** Linux: SCHED_RR, and the place of the policy in a thread's stat behind its name. */
const ROUND_ROBIN = '2';
const POLICY = 38;
const CAP_SYS_NICE = 23n;

const policies = (): readonly (string | undefined)[] =>
  readdirSync('/proc/self/task').map((thread) => {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[POLICY];
  });

function hasNice(): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return ((BigInt(`0x${effective}`) >> CAP_SYS_NICE) & 1n) === 1n;
}

const missing = 'missing' in built ? `native media thread: ${built.missing}` : undefined;
const testRealTime = testUnless(missing ?? (hasNice() ? undefined : 'real-time priority: CAP_SYS_NICE is missing'));

testRealTime(
  'the thread has the lowest real-time priority, so that no other keeps a packet waiting; it goes with its engine',
  async () => {
    const media = openNative();
    await eventually(() => policies().filter((policy) => policy === ROUND_ROBIN).length === 1, 'a real-time thread');
    media.close();
    assert.equal(policies().includes(ROUND_ROBIN), false);
  },
);

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
    const here = await world(openPath());
    const [a, b] = await here.bridged();
    assert.equal(sockets(), before + 6);
    here.engine.close(a.id);
    assert.equal(here.path!.isActive, false);
    here.say(b);
    (here.under!.path as NativeMedia).close();
    (here.under!.path as NativeMedia).close();
    assert.equal(sockets(), before + 2);
    assert.equal(
      (await (here.under!.path as NativeMedia).bind(LOCAL, 0, { packet: () => {}, error: () => {} })).ok,
      false,
    );
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
