// Who is kept alive gets one beat in each period, whoever else came and went meanwhile.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Beat, createKeepAlive } from '../../../../src/sip/ua/keep-alive.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const PERIOD_MS = 25_000;

test('[sip 3 keep-alive] one beat each 25 s for each that is there', () => {
  const step = fc.record({ isAdded: fc.boolean(), slot: fc.nat(255), which: fc.nat(1_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const clock = new VirtualClock();
      let slot = 0;
      const keepAlive = createKeepAlive(clock, () => Buffer.of(slot), PERIOD_MS);
      const beaten = new Map<Beat, number>();
      for (const { isAdded, slot: wanted, which } of steps) {
        slot = wanted;
        const there = [...beaten.keys()];
        if (isAdded || there.length === 0) {
          const beat: Beat = keepAlive.add(() => ({ keepAlive: () => beaten.set(beat, beaten.get(beat)! + 1) }));
          beaten.set(beat, 0);
        } else {
          const gone = there[which % there.length]!;
          keepAlive.remove(gone);
          beaten.delete(gone);
        }
      }
      expect(keepAlive.size).toBe(beaten.size);
      clock.advance(PERIOD_MS);
      expect([...beaten.values()].every((beats) => beats === 1)).toBe(true);
      keepAlive.stop();
      expect(keepAlive.size).toBe(0);
      expect(clock.pendingTimers).toBe(0);
    }),
  );
});
