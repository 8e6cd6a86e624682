// Music on hold: silence, the built-in tune, a file; a file that comes late, or never.

import { expect, test } from 'vitest';
import { HoldMusic, type HoldMusicServices } from '../../../src/call/hold-music.ts';
import { CallBench } from '../../support/call-fakes.ts';
import { testDomain } from '../../support/sip-world.ts';
import { settle } from '../../support/virtual-clock.ts';

type Loaded = Awaited<ReturnType<HoldMusicServices['load']>>;

function held(musicOnHold: string, load: HoldMusicServices['load'] = () => new Promise(() => {})) {
  const bench = new CallBench();
  const { call } = bench.inbound({ domain: { ...testDomain, musicOnHold } });
  const music = new HoldMusic({ engine: bench.engine, load });
  const comforts = () =>
    bench.engine.done.filter((line) => line.startsWith('comfort')).map((line) => line.split(' ')[2]);
  return { bench, call, music, comforts };
}

test.each([
  ['none', 'silence'],
  ['built-in', 'music'],
])('[sip 10 music-on-hold] %s is %s at once, however often it is said', (setting, mode) => {
  const { call, music, comforts } = held(setting);
  music.hold(call);
  music.hold(call);
  expect(comforts()).toEqual([mode]);
});

test('[sip 10 music-on-hold] a file: silence until it is there', async () => {
  const { call, music, comforts } = held('https://example.net/tune.mp3', async () => ({ samples: new Int16Array(8) }));
  music.hold(call);
  await settle();
  expect(comforts()).toEqual(['silence', 'music']);
});

test('[sip 10 music-on-hold] a file that cannot be had: the built-in tune, and a warning', async () => {
  const failure = { errorCode: 11200, detail: 'HTTP status 404' };
  const { bench, call, music, comforts } = held('https://example.net/tune.mp3', async () => failure);
  music.hold(call);
  await settle();
  expect(comforts()).toEqual(['silence', 'music']);
  expect(bench.events.filter((event) => event.type === 'notification')).toMatchObject([{ errorCode: 11200 }]);
});

test('a file that comes after the resume, or after the end, is not played', async () => {
  const pending: ((loaded: Loaded) => void)[] = [];
  const { call, music, comforts } = held('./tune.wav', () => new Promise((resolve) => pending.push(resolve)));
  music.hold(call);
  music.release(call);
  pending[0]!({ samples: new Int16Array(8) });
  await settle();
  expect(comforts()).toEqual(['silence']);
  music.hold(call);
  call.hangUp('test');
  pending[1]!({ samples: new Int16Array(8) });
  await settle();
  expect(comforts()).toEqual(['silence', 'silence']);
});
