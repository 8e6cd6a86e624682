// What a recording of a room hears, at the mixer itself: the whole mix, limited, in each tick, also of an empty room.

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { Mixer } from '../../../src/media/mixer.ts';
import { MixerOutlet } from '../../../src/media/mixer-link.ts';

test('a listener hears every frame of the room until it goes or the mixer ends', () => {
  const ended: string[] = [];
  const playEnded = (play: string, outcome: string) => ended.push(`${play} ${outcome}`);
  const mixer = new Mixer(1, { rings: new Map(), outlet: new MixerOutlet(), playEnded });
  const heard: number[] = [];
  const listener = {
    mixedFrame: (samples: Int16Array, nowMs: number) => heard.push(samples[0]!, nowMs),
    mixerEnded: () => ended.push('listener'),
  };
  assert.equal(mixer.needsTicks, false);
  mixer.listen(listener);
  assert.equal(mixer.needsTicks, true);
  mixer.tick(1, 20);
  for (const play of ['a', 'b']) {
    mixer.play(play, { sources: [{ kind: 'samples', samples: new Int16Array(160).fill(20_000) }], loop: 1 });
  }
  mixer.tick(2, 40);
  mixer.tick(3, 60);
  assert.deepEqual(heard, [0, 20, 32_767, 40, 0, 60]);
  assert.deepEqual(ended, ['a finished', 'b finished']);
  mixer.unlisten(listener);
  mixer.tick(4, 80);
  assert.equal(heard.length, 6);
  mixer.listen(listener);
  mixer.end();
  assert.deepEqual(ended.slice(2), ['listener']);
  assert.equal(mixer.needsTicks, false);
});
