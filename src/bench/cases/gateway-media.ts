// The gateway as a subject of the media cases: calls of one kind through SIP, webhook and verb.

import { realClock, sleep } from '../../base/clock.ts';
import type { Bench, World } from '../bench.ts';
import type { KindName } from '../generator/protocol.ts';
import type { MediaSubject } from '../peers/subject.ts';

/** Calls are made so fast; what is measured begins when all are up. */
const RAMP_PER_SECOND = 50;
const END_MS = 10_000;
const SETTLE_MS = 15_000;
/** A gateway that is full for a moment refuses calls (503, Retry-After of 2 s and more); those are made again, more slowly. */
const ATTEMPTS = 3;
const PAUSE_MS = 3_000;
const AGAIN_PER_SECOND = 20;

export function gatewayMedia(bench: Bench, { gateway, generator }: World, kind: KindName): MediaSubject {
  return {
    name: gateway.name,
    cpuSeconds: () => gateway.cpuSeconds(),
    hold: async (calls) => {
      bench.progress(`${kind}: ${calls} calls`);
      const ask = (perSecond: number) =>
        generator.ask(
          { ask: 'hold', kind, withMedia: true, calls, perSecond, deadlineMs: SETTLE_MS },
          (calls / perSecond) * 1_000 + SETTLE_MS,
        );
      let { held, failed } = await ask(RAMP_PER_SECOND);
      for (let attempt = 2; attempt <= ATTEMPTS && held < calls; attempt++) {
        await sleep(realClock, bench.pick(0, PAUSE_MS));
        ({ held, failed } = await ask(AGAIN_PER_SECOND));
      }
      return held === calls ? undefined : `${held} of ${calls} calls: ${JSON.stringify(failed)}`;
    },
    release: async () => {
      await generator.ask({ ask: 'release', deadlineMs: END_MS }, END_MS);
    },
    stop: async () => {},
  };
}
