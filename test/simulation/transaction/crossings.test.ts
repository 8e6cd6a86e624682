// Messages that cross or repeat, step by step: RFC 6026's accepted state, CANCEL against 200, absorbed retransmissions, injected faults.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import type { Message } from '../../../src/sip/grammar/message.ts';
import { settle } from '../../support/virtual-clock.ts';
import { ALL_OVER_MS, finish, world, zeroCounts } from './peers.ts';

/** Loses the first `count` messages that fit. */
function losing(count: number, fits: (message: Message) => boolean) {
  let left = count;
  return (message: Message) => fits(message) && left-- > 0;
}

const isResponse = (status: number) => (message: Message) => message.kind === 'response' && message.status === status;
const isRequest = (method: string) => (message: Message) => message.kind === 'request' && message.method === method;

describe('RFC 6026: accepted state', () => {
  test('an INVITE retransmitted after the 200 is absorbed, not a new call; the 200 comes from the user', () => {
    // 100 and 180 and three 200s are lost, so that the INVITE is repeated behind the 200.
    const drops = losing(5, (message) => message.kind === 'response');
    const run = world(
      { seed: 1, drops },
      {
        answers: [
          [100, 0],
          [180, 10],
          [200, 300],
        ],
      },
    );
    run.network.explain(() => {
      run.caller.start('INVITE');
      finish(run);
      assert.deepEqual(run.callee.requests, ['INVITE']);
      assert.deepEqual(run.caller.outcomes, ['200 callee']);
      assert.equal(run.callee.acknowledged, 1);
    });
  });

  test('a lost ACK: the repeated 200 goes up again and is ACKed again, still one outcome', () => {
    const run = world({ seed: 1, drops: losing(3, isRequest('ACK')) }, { answers: [[200, 0]] }, { byeAfterMs: 10_000 });
    run.network.explain(() => {
      run.caller.start('INVITE');
      finish(run);
      assert.deepEqual(run.caller.told, ['200 callee', '200 callee', '200 callee', '200 callee']);
      assert.equal(run.callee.acknowledged, 1);
      assert.deepEqual(run.caller.byeTold, ['200']);
    });
  });
});

describe('RFC 3261 9: CANCEL crossing with a final response', () => {
  for (const [cancelAtMs, outcome] of [
    [60, '487 callee'],
    // The 200 leaves at 105 ms, the CANCEL arrives at 106 ms.
    [101, '200 callee'],
    [109, '200 callee'],
  ] as const)
    test(`CANCEL sent at ${cancelAtMs} ms, 200 at 105 ms → ${outcome}; the CANCEL is answered 200 in each case`, () => {
      const run = world(
        { seed: 1 },
        {
          answers: [
            [100, 0],
            [200, 100],
          ],
        },
        { byeAfterMs: 100 },
      );
      run.network.explain(() => {
        run.caller.start('INVITE');
        run.clock.advance(cancelAtMs);
        run.caller.transaction!.cancel();
        finish(run);
        assert.deepEqual(run.caller.outcomes, [outcome]);
        assert.ok(run.network.sentBy('callee').includes('200 (CANCEL 1)'));
        assert.equal(run.callee.cancels.length, outcome.startsWith('487') ? 1 : 0);
        assert.deepEqual(run.caller.byeTold, outcome.startsWith('200') ? ['200'] : []);
      });
    });

  test('a CANCEL before the 100 waits for it', () => {
    const run = world(
      { seed: 1 },
      {
        answers: [
          [100, 200],
          [180, 300],
        ],
      },
    );
    run.network.explain(() => {
      run.caller.start('INVITE');
      run.clock.advance(50);
      run.caller.transaction!.cancel();
      run.clock.advance(100);
      assert.deepEqual(run.network.sentBy('caller'), ['INVITE 1']);
      finish(run);
      assert.deepEqual(run.caller.told, ['100', '487 callee']);
    });
  });

  test('a target that was given up and answers late: its 200 is stray, ACKed and BYEd', () => {
    const run = world({ seed: 1 }, { answers: [[200, 4_500]] }, { byeAfterMs: 0 });
    run.network.explain(() => {
      run.caller.start('INVITE');
      run.clock.advance(4_000);
      run.caller.transaction!.terminate();
      finish(run);
      assert.deepEqual(run.caller.told, []);
      assert.equal(run.caller.strays.length, 1);
      assert.equal(run.callee.acknowledged, 1);
      assert.deepEqual(run.caller.byeTold, ['200']);
    });
  });
});

describe('retransmissions', () => {
  test('17.2.1: a lost 486 is repeated until its ACK; the caller is told once', () => {
    const run = world({ seed: 1, drops: losing(3, isResponse(486)) }, { answers: [[486, 0]] });
    run.network.explain(() => {
      run.caller.start('INVITE');
      finish(run);
      assert.deepEqual(run.caller.told, ['486 callee']);
      assert.deepEqual(run.callee.failures, []);
    });
  });

  test('17.1.1.3: a lost ACK of a 486 is sent again for each repeated 486', () => {
    const run = world({ seed: 1, drops: losing(2, isRequest('ACK')) }, { answers: [[486, 0]] });
    run.network.explain(() => {
      run.caller.start('INVITE');
      finish(run);
      assert.deepEqual(run.caller.told, ['486 callee']);
      assert.equal(run.network.sentBy('caller').filter((line) => line === 'ACK 1').length, 3);
    });
  });

  test('17.2.1: an ACK that never comes ends with timer H at the callee', () => {
    const run = world({ seed: 1, drops: isRequest('ACK') }, { answers: [[486, 0]] });
    run.network.explain(() => {
      run.caller.start('INVITE');
      finish(run);
      assert.deepEqual(run.callee.failures, ['noAck']);
      assert.deepEqual(run.caller.told, ['486 callee']);
    });
  });

  test('RFC 4320: a callee that would answer 408 stays silent; the caller times out by itself', () => {
    const run = world({ seed: 1 }, { answers: [[408, 31_000]] });
    run.network.explain(() => {
      run.caller.start('OPTIONS');
      finish(run);
      assert.deepEqual(run.caller.told, ['timeout']);
      assert.deepEqual(run.network.sentBy('callee'), []);
    });
  });

  test('a reliable flow: nothing is repeated by the layer, all is over with the last message', () => {
    const run = world(
      { seed: 1 },
      {
        answers: [
          [100, 0],
          [180, 10],
          [486, 100],
        ],
      },
      { isReliable: true },
    );
    run.network.explain(() => {
      run.caller.start('INVITE');
      run.clock.advance(1_000);
      assert.deepEqual(run.network.sentBy('caller'), ['INVITE 1', 'ACK 1']);
      assert.deepEqual(run.caller.counts, zeroCounts);
      assert.deepEqual(run.callee.counts, zeroCounts);
    });
  });
});

describe('failure injection: the n-th send fails', () => {
  const scripts = [
    [
      'INVITE answered 200, BYE',
      [
        [100, 0],
        [180, 50],
        [200, 1_000],
      ],
    ],
    [
      'INVITE answered 486',
      [
        [100, 0],
        [180, 50],
        [486, 1_000],
      ],
    ],
  ] as const;
  for (const [title, answers] of scripts)
    for (const side of ['caller', 'callee'] as const)
      for (let index = 0; index < 6; index++)
        test(`${title}: send ${index} of the ${side}`, async () => {
          const run = world({ seed: 1 }, { answers }, { byeAfterMs: 1_000 });
          run[side].endpoint.failSend(index);
          await run.network.explain(async () => {
            run.caller.start('INVITE');
            await run.clock.advanceAsync(ALL_OVER_MS);
            await settle();
            finish(run);
            assert.equal(run.caller.outcomes.length, 1, run.caller.told.join());
            if (side === 'caller' && index === 0) assert.deepEqual(run.caller.told, ['transport error']);
            assert.ok(run.callee.requests.length <= 2);
          });
        });
});
