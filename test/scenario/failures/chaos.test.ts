// Calls whose documents, callers, called parties, servers and REST requests are drawn by chance: whatever happens, nothing is left of it.
// A failing run prints its seed; CHAOS_SEED repeats its choices, though not their times.

import { expect, onTestFinished, test } from 'vitest';
import { Chaos } from '../../support/chaos/run.ts';

const SEED = Number(process.env.CHAOS_SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`sixty calls under chance leave nothing behind (seed ${SEED})`, { timeout: 120_000 }, async () => {
  const chaos = await Chaos.start({ seed: SEED, clockRate: 6 });
  onTestFinished(() => chaos.stop());
  // What is opened once and kept: threads, pools.
  await chaos.round({ calls: 2, callers: 2, meddleMs: 100 });
  const before = await chaos.openFiles();
  await chaos.round({ calls: 60, callers: 15, meddleMs: 30 });
  await chaos.isIdle();
  expect(chaos.faultLines().slice(0, 8).join('\n')).toBe('');
  expect(await chaos.openFiles(before)).toBeLessThanOrEqual(before);
  expect(chaos.answers.get(200)).toBeGreaterThan(10);
});
