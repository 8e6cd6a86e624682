import { describe, expect, test } from 'vitest';
import { callStates, isTerminal, type LiveStatus, mayMove, recordStatus } from '../../../src/call/call-states.ts';

const all = Object.keys(callStates) as LiveStatus[];

// rest-api.md 9.2: every way of the table.
const ways: readonly (readonly [LiveStatus, string])[] = [
  ['queued', 'initiated ringing in-progress busy no-answer failed canceled'],
  ['initiated', 'ringing in-progress busy no-answer failed canceled'],
  ['ringing', 'in-progress busy no-answer failed canceled'],
  ['in-progress', 'completed'],
];

/** The pairs that the table ignores, so that forgetting one is seen. */
const ignored = [
  'queued → queued completed',
  'initiated → queued initiated completed',
  'ringing → queued initiated ringing completed',
  'in-progress → queued initiated ringing in-progress busy no-answer failed canceled',
  'completed → queued initiated ringing in-progress completed busy no-answer failed canceled',
  'busy → queued initiated ringing in-progress completed busy no-answer failed canceled',
  'no-answer → queued initiated ringing in-progress completed busy no-answer failed canceled',
  'failed → queued initiated ringing in-progress completed busy no-answer failed canceled',
  'canceled → queued initiated ringing in-progress completed busy no-answer failed canceled',
];

describe('rest-api.md 9.2: the life of a status [sip 8.2 rest-words]', () => {
  for (const [from, targets] of ways) {
    for (const to of targets.split(' ') as LiveStatus[]) {
      test(`${from} → ${to}`, () => expect(mayMove(from, to)).toBe(true));
    }
  }

  test('all other pairs are ignored [twiml 3.4 final] [rest 9.2 ways]', () => {
    const found = all.map((from) => `${from} → ${all.filter((to) => !mayMove(from, to)).join(' ')}`);
    expect(found).toEqual(ignored);
  });

  test('terminal are completed, busy, no-answer, failed and canceled [rest 9.2 ways]', () => {
    expect(all.filter(isTerminal)).toEqual(['completed', 'busy', 'no-answer', 'failed', 'canceled']);
  });

  test('records show initiated as queued (sip-interface.md 8.2) [sip 8.2 initiated] [rest 9.2 initiated]', () => {
    expect(all.map(recordStatus)).toEqual(all.map((status) => (status === 'initiated' ? 'queued' : status)));
  });
});
