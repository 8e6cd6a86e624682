// Worlds around a media engine: started when they are made, stopped after their test.

import { strict as assert } from 'node:assert';
import { afterEach } from 'vitest';
import type { MediaEngine } from '../../src/media/engine.ts';

/** Starts the engine of a new world and sees to its end, with `stop`; to be called once in a test file. */
export function startedWorlds<W extends { readonly engine: MediaEngine }>(
  stop: (made: W) => Promise<void>,
): (made: W) => Promise<W> {
  let worlds: W[] = [];
  afterEach(async () => {
    const made = worlds;
    worlds = [];
    for (const one of made) await stop(one);
  });
  return async (made) => {
    worlds.push(made);
    assert.ok((await made.engine.start()).ok);
    return made;
  };
}
