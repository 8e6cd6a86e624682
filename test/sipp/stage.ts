// What each file of SIPp scenarios has: a gateway of its own, and the check that nothing is open when its scenarios are over.

import { afterAll, beforeAll } from 'vitest';
import { isSippHere, scenario, World } from './world.ts';

/** Transactions live 32 s after their answer over UDP (RFC 3261 17), ports rest 10 s. */
const IDLE_DEADLINE_MS = 70_000;

/** Sets a gateway up for the file. Returns it for scenarios: there is none before they run. `settings`: further keys of hookswitch.yaml. */
export function stage(settings: Readonly<Record<string, unknown>> = {}): () => World {
  let world: World | undefined;
  beforeAll(async () => {
    if (isSippHere) world = await World.start(settings);
  });
  afterAll(async () => {
    await world?.stop();
  });
  return () => world!;
}

/** To be the last one of those it is about. */
export function leavesNothingOpen(world: () => World): void {
  scenario('afterwards nothing is open: no call, transaction, dialog, endpoint, timer', world, async () => {
    await world().gateway.isIdle(IDLE_DEADLINE_MS);
  });
}
