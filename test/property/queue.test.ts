// A random life of a queue: callers and agents come, go, are redirected, documents end in every way. Nobody is in two bridges, nobody is
// given to two agents, everybody learns how it ended, and nothing is left.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WaitEnd } from '../../src/call/wait-document.ts';
import { settle } from '../support/virtual-clock.ts';
import { type Agent, type Caller, NAME, nothingLeft, QueueBench } from '../unit/queue/kit.ts';

const DOCUMENT = { url: 'https://app.example.test/before', method: 'POST' } as const;

const ends: readonly WaitEnd[] = [{ how: 'ended' }, { how: 'left' }, { how: 'failed', code: 11200 }];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('caller' as const), size: fc.constantFrom(1, 3, 100) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('agent' as const), hasDocument: fc.boolean(), rings: fc.boolean() }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('hangUp' as const, 'redirect' as const, 'star' as const),
      who: fc.nat(20),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('end' as const), run: fc.nat(10), how: fc.constantFrom(...ends) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('dequeue' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Life {
  readonly bench = new QueueBench();
  readonly parties: (Caller | Agent)[] = [];

  async take(one: Step): Promise<void> {
    const { bench } = this;
    switch (one.do) {
      case 'caller':
        this.parties.push(await bench.caller({ maxSize: one.size }));
        return;
      case 'agent': {
        const noun = one.hasDocument ? { document: DOCUMENT } : {};
        const options = { answerOnBridge: one.rings, hangupOnStar: true, timeLimitSeconds: 60 };
        this.parties.push(await bench.agent(options, noun, !one.rings));
        return;
      }
      case 'hangUp':
      case 'redirect':
      case 'star': {
        const party = this.parties[one.who];
        if (!party || party.call.isOver) return;
        if (one.do === 'star') party.leg.presses('*');
        // Without settling: what comes next meets it half done.
        else if (one.do === 'redirect') void party.redirect();
        else party.leg.hangsUp();
        return;
      }
      case 'end':
        bench.runs[one.run]?.end(one.how);
        return;
      case 'wait':
        return bench.clock.advanceAsync(one.seconds * 1_000);
      case 'dequeue': {
        const [queue] = bench.store.records.values();
        if (queue) bench.rest.dequeue(queue.sid, 'Front', 'https://app.example.test/desk', 'POST');
        return;
      }
    }
  }

  check(): void {
    const joined = [...this.bench.engine.bridgesNow.values()].flat();
    expect(new Set(joined).size).toBe(joined.length);
    const { waiting, reserved } = this.bench.queues.counts();
    const inQueue = this.parties.filter(({ call, outcome }) => !call.isOver && outcome === undefined).length;
    expect(waiting + reserved).toBeLessThanOrEqual(inQueue);
  }

  async end(): Promise<void> {
    for (const { call, leg } of this.parties) if (!call.isOver) leg.hangsUp();
    await settle();
    await this.bench.clock.advanceAsync(60_000);
    for (const { outcome } of this.parties) expect(outcome).toBeDefined();
    expect(this.bench.left()).toEqual(nothingLeft);
  }
}

test('nobody is given away twice, everybody learns how it ended, nothing is left', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), fc.boolean(), async (steps, isSettling) => {
      const life = new Life();
      life.bench.atOnce = undefined;
      await life.bench.rest.create(life.bench.accountSid, NAME, 100);
      for (const one of steps) {
        await life.take(one);
        if (isSettling) await settle();
        life.check();
      }
      await life.end();
    }),
    { numRuns: 150 },
  );
});
