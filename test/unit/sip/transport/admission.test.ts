// The controller on times that the test hands in: bursts pass, a queue that stays long is overload, and the way back needs calm.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { Admission } from '../../../../src/sip/transport/admission.ts';

const TARGET_MS = 100;

function controller() {
  const changes: boolean[] = [];
  return { admission: new Admission(TARGET_MS, (isOverloaded) => changes.push(isOverloaded)), changes };
}

/** Serves one every `everyMs`, each after `waitedMs`, while others wait. Gives the time after. */
function serve(admission: Admission, from: number, forMs: number, everyMs: number, waitedMs: number): number {
  let now = from;
  for (; now < from + forMs; now += everyMs) admission.serves(waitedMs, 1, now);
  return now;
}

describe('admission', () => {
  test('the expected wait is what is before one, times the pace', () => {
    const { admission } = controller();
    const now = serve(admission, 0, 1_000, 4, 1);
    expect(admission.perSecond).toBeCloseTo(250, 0);
    const most = (TARGET_MS * limits.overloadBurstFactor) / 4;
    expect(admission.admits(Math.floor(most) - 1, now)).toBe(true);
    expect(admission.admits(Math.ceil(most) + 1, now)).toBe(false);
  });

  test('nobody before one: always admitted', () => {
    const { admission } = controller();
    serve(admission, 0, 5_000, 400, 450);
    expect(admission.isOverloaded).toBe(true);
    expect(admission.admits(0, 6_000)).toBe(true);
  });

  test('a burst that is over soon is none of its business', () => {
    const { admission, changes } = controller();
    let now = serve(admission, 0, limits.overloadPatienceMs - 50, 10, 2 * TARGET_MS);
    now = serve(admission, now, 10, 10, TARGET_MS / 4);
    serve(admission, now, limits.overloadPatienceMs - 50, 10, 2 * TARGET_MS);
    expect(changes).toEqual([]);
  });

  test('a wait that stays above the target is overload, and the bound is the target from then on', () => {
    const { admission, changes } = controller();
    const now = serve(admission, 0, limits.overloadPatienceMs + 50, 10, TARGET_MS + 1);
    expect(changes).toEqual([true]);
    expect(admission.admits(TARGET_MS / 10 - 1, now)).toBe(true);
    expect(admission.admits(TARGET_MS / 10 + 1, now)).toBe(false);
  });

  test('while overloaded, what waited so long that it is sent again is not served; later on, not what waited twice the target', () => {
    const { admission } = controller();
    admission.admits(1_000_000, 0);
    expect(admission.serves(limits.overloadStaleMs, 1, 0)).toBe(true);
    expect(admission.serves(limits.overloadStaleMs + 1, 1, 1)).toBe(false);
    expect(admission.serves(2 * TARGET_MS, 1, limits.overloadStaleMs + 2)).toBe(true);
    expect(admission.serves(2 * TARGET_MS + 1, 1, limits.overloadStaleMs + 3)).toBe(false);
  });

  test('a machine that stood still refuses nobody for that', () => {
    const { admission, changes } = controller();
    for (let now = 0; now < 20_000; now += 400) expect(admission.serves(5_000, 0, now)).toBe(true);
    expect(admission.serves(5_000, 3, 20_000)).toBe(true);
    expect(changes).toEqual([]);
  });

  test('it is over when nothing was refused and nobody waited half the target for a while', () => {
    const { admission, changes } = controller();
    admission.admits(1_000_000, 0);
    admission.look(limits.overloadCalmMs - 1);
    admission.admits(1_000_000, limits.overloadCalmMs - 1);
    admission.look(limits.overloadCalmMs + 1);
    admission.serves(TARGET_MS, 0, limits.overloadCalmMs + 500);
    admission.look(2 * limits.overloadCalmMs);
    expect(changes).toEqual([true]);
    admission.serves(TARGET_MS / 4, 0, 2 * limits.overloadCalmMs + 400);
    admission.look(2 * limits.overloadCalmMs + 501);
    expect(changes).toEqual([true, false]);
    admission.look(10 * limits.overloadCalmMs);
    expect(changes).toEqual([true, false]);
  });

  test('time without a queue does not count as pace', () => {
    const { admission } = controller();
    serve(admission, 0, 1_000, 4, 1);
    admission.serves(1, 0, 1_000);
    admission.serves(1, 1, 60_000);
    expect(admission.perSecond).toBeCloseTo(250, 0);
  });
});
