// More calls at once than may wait for their turn: a caller not written by us sees clean refusals, and everything is over soon.

import { describe, expect } from 'vitest';
import { until } from '../../support/until.ts';
import { scenario, type World } from '../world.ts';

const CALLS = 300;
const DEADLINE_MS = 15_000;

export function overloadCases(world: () => World): void {
  describe('overload', () => {
    scenario('too many calls: 503 with Retry-After, nobody is left without an answer', world, async (story) => {
      story.answers('<Response><Reject/></Response>');
      const flags = ['-m', String(CALLS), '-l', String(CALLS), '-r', '3000'];
      const sipp = await story.calls('uac-too-many-calls-expect-503-with-retry-after', { flags });
      const refused = sipp.countReceived('SIP/2.0 503', 'Retry-After: ');
      const taken = sipp.countReceived('SIP/2.0 404', '');
      expect(refused).toBeGreaterThan(CALLS / 4);
      expect(taken).toBeGreaterThan(0);
      const value = async (series: string) => {
        const text = await (await fetch(`${world().gateway.httpOrigin}/metrics`)).text();
        return Number(
          text
            .split('\n')
            .find((line) => line.startsWith(`${series} `))
            ?.slice(series.length),
        );
      };
      expect(await value('hookswitch_refusals_total{cause="overloadInvite"}')).toBeGreaterThanOrEqual(CALLS / 4);
      await until(
        async () => (await value('hookswitch_overload_messages_total{kind="acks"}')) > refused / 2,
        DEADLINE_MS,
        () => 'the ACKs of the refusals',
      );
      await until(
        async () => (await value('hookswitch_overloaded')) === 0,
        DEADLINE_MS,
        () => 'the end of the overload',
      );
      // Afterwards a call is taken as ever.
      await story.calls('uac-rejected-expect-404');
    });
  });
}
