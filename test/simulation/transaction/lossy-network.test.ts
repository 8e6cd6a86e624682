// Two transaction layers over a bad network: whatever is lost, doubled or overtaken, each user gets one outcome and nothing is left.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { finish, world } from './peers.ts';

const SEEDS = 200;
const seeds = Array.from({ length: SEEDS }, (_, index) => index + 1);
const bad = { loss: 0.2, duplication: 0.1, minDelayMs: 5, maxDelayMs: 400 };

/** 7 sends of an INVITE at 20 % loss all fail about once in 78,000 runs; a timeout would still be one outcome. */
const ringThenAnswer = {
  answers: [
    [100, 0],
    [180, 50],
    [200, 2_000],
  ] as const,
};

describe(`20 % loss, 10 % duplication, reordering, ${SEEDS} seeds`, () => {
  test('INVITE, 200, ACK, BYE: one outcome each, every counter back to zero', () => {
    let answered = 0;
    for (const seed of seeds) {
      const run = world({ seed, ...bad }, ringThenAnswer, { byeAfterMs: 5_000 });
      const { caller, callee, network } = run;
      network.explain(() => {
        caller.start('INVITE');
        finish(run);
        assert.equal(caller.outcomes.length, 1, caller.told.join());
        assert.ok(callee.requests.filter((method) => method === 'INVITE').length <= 1);
        assert.ok(callee.requests.filter((method) => method === 'BYE').length <= 1);
        if (caller.outcomes[0] === '200 callee') {
          answered++;
          assert.ok(callee.acknowledged >= 1);
          assert.equal(caller.byeTold.length, 1);
        }
      });
    }
    assert.ok(answered >= SEEDS - 2, `${answered} of ${SEEDS} calls answered`);
  });

  for (const status of [302, 486, 503, 603])
    test(`INVITE answered ${status}: passed up exactly once, ACKed by the layer`, () => {
      for (const seed of seeds) {
        const run = world(
          { seed, ...bad },
          {
            answers: [
              [100, 0],
              [180, 50],
              [status, 700],
            ],
          },
        );
        const { caller, callee, network } = run;
        network.explain(() => {
          caller.start('INVITE');
          finish(run);
          assert.deepEqual(
            caller.told.filter((line) => !line.startsWith('1')),
            [`${status} callee`],
          );
          assert.deepEqual(callee.requests, ['INVITE']);
          assert.deepEqual(callee.failures, [], 'an ACK came in time');
          assert.equal(callee.acknowledged, 0, 'the ACK does not reach the user');
        });
      }
    });

  test('non-INVITE: the request reaches its user once, the final response once', () => {
    for (const seed of seeds) {
      const run = world({ seed, ...bad }, { answers: [[200, 300]] });
      const { caller, callee, network } = run;
      network.explain(() => {
        caller.start('OPTIONS');
        finish(run);
        assert.deepEqual(caller.told, ['200 callee']);
        assert.deepEqual(callee.requests, ['OPTIONS']);
      });
    }
  });

  test('CANCEL at any moment: one outcome, 487 or the 200 that crossed it', () => {
    const outcomes = new Map<string, number>();
    for (const seed of seeds) {
      const run = world({ seed, ...bad }, ringThenAnswer, { byeAfterMs: 1_000 });
      const { caller, callee, network, clock } = run;
      network.explain(() => {
        caller.start('INVITE');
        clock.advance((seed * 37) % 3_000);
        caller.transaction!.cancel();
        finish(run);
        assert.equal(caller.outcomes.length, 1, caller.told.join());
        assert.ok(callee.cancels.length <= 1);
        const [outcome] = caller.outcomes;
        outcomes.set(outcome!, (outcomes.get(outcome!) ?? 0) + 1);
        if (outcome === '200 callee') assert.equal(caller.byeTold.length, 1);
      });
    }
    assert.ok(
      (outcomes.get('487 callee') ?? 0) > 20 && (outcomes.get('200 callee') ?? 0) > 20,
      [...outcomes].join(' '),
    );
  });
});

test('a dead network: a timeout for each method, nothing left', () => {
  for (const method of ['INVITE', 'OPTIONS']) {
    const run = world({ seed: 1, loss: 1 }, { answers: [] });
    run.network.explain(() => {
      run.caller.start(method);
      finish(run);
      assert.deepEqual(run.caller.told, ['timeout']);
      assert.deepEqual(run.callee.requests, []);
    });
  }
});

test('the same seed gives the same run', () => {
  const ladderOf = () => {
    const run = world({ seed: 42, ...bad }, ringThenAnswer, { byeAfterMs: 500 });
    run.caller.start('INVITE');
    finish(run);
    return run.network.ladder();
  };
  assert.equal(ladderOf(), ladderOf());
});

test('a failing run names its seed and shows its ladder', () => {
  const run = world({ seed: 77, drops: (message) => message.kind === 'response' }, { answers: [[486, 0]] });
  assert.throws(
    () =>
      run.network.explain(() => {
        run.caller.start('INVITE');
        run.clock.advance(100);
        assert.fail('as asked');
      }),
    (fault: Error) =>
      /as asked/.test(fault.message) && /seed 77/.test(fault.message) && /486 \(INVITE 1\).*lost/.test(fault.message),
  );
});
