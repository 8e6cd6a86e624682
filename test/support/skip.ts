// Tests that need something this machine may not have: skipped visibly with the reason, or failed where skips are forbidden
// (HOOKSWITCH_NO_SKIP=1, as .ci/run sets it).

import { test } from 'vitest';

/** `test`, or one that says SKIPPED and why. */
export function testUnless(missing: string | undefined): typeof test | typeof test.skip {
  if (missing === undefined) return test;
  if (process.env.HOOKSWITCH_NO_SKIP === '1') throw new Error(`skips are forbidden here: ${missing}`);
  console.log(`SKIPPED: ${missing}`);
  return test.skip;
}
