// The gateway as a subject of the media cases: calls of one kind through SIP, webhook and verb.

import type { Bench, World } from '../bench.ts';
import type { KindName } from '../generator/protocol.ts';
import type { MediaSubject } from '../peers/subject.ts';

/** Calls are made so fast; what is measured begins when all are up. */
const RAMP_PER_SECOND = 50;
const END_MS = 10_000;
const SETTLE_MS = 15_000;
/** A gateway that is full for a moment refuses calls; those are made once more. */
const ATTEMPTS = 3;

export function gatewayMedia(bench: Bench, { gateway, generator }: World, kind: KindName): MediaSubject {
  return {
    name: gateway.name,
    cpuSeconds: () => gateway.cpuSeconds(),
    hold: async (calls) => {
      bench.progress(`${kind}: ${calls} calls`);
      const question = {
        ask: 'hold',
        kind,
        withMedia: true,
        calls,
        perSecond: RAMP_PER_SECOND,
        deadlineMs: SETTLE_MS,
      } as const;
      for (let attempt = 1; ; attempt++) {
        const { held, failed } = await generator.ask(question, (calls / RAMP_PER_SECOND) * 1_000 + SETTLE_MS);
        if (held === calls) return undefined;
        if (attempt === ATTEMPTS) return `${held} of ${calls} calls: ${JSON.stringify(failed)}`;
      }
    },
    release: async () => {
      await generator.ask({ ask: 'release', deadlineMs: END_MS }, END_MS);
    },
    stop: async () => {},
  };
}
