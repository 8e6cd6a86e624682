// Gather's waiting, on a virtual clock (twiml.md 5.4, table "Semantics").

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import type { Collected, CollectOptions } from '../../../src/twiml/call-control.ts';
import { collectDigits } from '../../../src/twiml/collect.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

async function collecting(changes: Partial<CollectOptions> = {}) {
  const clock = new VirtualClock();
  const call = new AbortController();
  const listeners = new Set<(digit: string) => void>();
  const prompt = { isStopped: false, end: () => {}, fail: (_: Error) => {} };
  let collected: Collected | undefined;
  const done = collectDigits(
    {
      prompt: [],
      timeoutMs: 5_000,
      finishOnKey: '#',
      numDigits: Number.POSITIVE_INFINITY,
      hearsDigits: true,
      speech: undefined,
      ...changes,
    },
    {
      clock,
      onDigit: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      playPrompt: (signal) =>
        new Promise<void>((resolve, reject) => {
          prompt.end = resolve;
          prompt.fail = reject;
          signal.addEventListener('abort', () => {
            prompt.isStopped = true;
            // A player needs a moment to stop.
            setImmediate(resolve);
          });
        }),
    },
    call.signal,
  ).then((value) => {
    collected = value;
  });
  await settle();
  return {
    clock,
    call,
    prompt,
    done,
    get collected() {
      return collected;
    },
    press(digits: string) {
      for (const digit of digits) for (const listener of [...listeners]) listener(digit);
    },
    async nothingIsLeft() {
      await settle();
      expect([clock.pendingTimers, listeners.size]).toEqual([0, 0]);
    },
  };
}

describe('twiml.md 5.4: collecting digits', () => {
  test('numDigits reached: at once [twiml 5.4 num-digits] [twiml 5.4 finished-by-number]', async () => {
    const it = await collecting({ numDigits: 3 });
    it.press('12');
    await settle();
    expect(it.collected).toBeUndefined();
    it.press('3');
    await it.done;
    expect(it.collected).toEqual({ digits: '123', finishedOnKey: '', reason: 'numDigits' });
    await it.nothingIsLeft();
  });

  test('finishOnKey after digits: without that key [twiml 5.4 finished-by-key]', async () => {
    const it = await collecting();
    it.press('42#');
    await it.done;
    expect(it.collected).toEqual({ digits: '42', finishedOnKey: '#', reason: 'finishKey' });
    await it.nothingIsLeft();
  });

  test('finishOnKey alone: no digits; a prompt that stops late leaves no timer behind [twiml 5.4 key-alone]', async () => {
    const it = await collecting();
    it.press('#');
    await it.done;
    expect(it.collected).toEqual({ digits: '', finishedOnKey: '#', reason: 'finishKey' });
    await it.nothingIsLeft();
  });

  test('an empty finishOnKey: every key is a digit [twiml 5.4 finish-on-key]', async () => {
    const it = await collecting({ finishOnKey: '', numDigits: 3 });
    it.press('#*1');
    await it.done;
    expect(it.collected).toEqual({ digits: '#*1', finishedOnKey: '', reason: 'numDigits' });
  });

  test('another finishOnKey: # is a digit [twiml 5.4 finish-on-key]', async () => {
    const it = await collecting({ finishOnKey: '*' });
    it.press('1#*');
    await it.done;
    expect(it.collected).toEqual({ digits: '1#', finishedOnKey: '*', reason: 'finishKey' });
  });

  // holds: [twiml 5.4 timeout] [twiml 5.4 timer] [twiml 5.4 timeout-nothing]
  test('the time begins after the prompt', async () => {
    const it = await collecting();
    await it.clock.advanceAsync(60_000);
    expect(it.collected).toBeUndefined();
    it.prompt.end();
    await it.clock.advanceAsync(4_999);
    expect(it.collected).toBeUndefined();
    await it.clock.advanceAsync(1);
    expect(it.collected).toEqual({ digits: '', finishedOnKey: '', reason: 'timeout' });
    await it.nothingIsLeft();
  });

  // holds: [twiml 5.4 prompt-stops] [twiml 5.4 timer] [twiml 5.4 timeout-some]
  test('the first key stops the prompt, and the time begins with it; every key restarts it', async () => {
    const it = await collecting();
    it.press('1');
    expect(it.prompt.isStopped).toBe(true);
    await it.clock.advanceAsync(4_999);
    it.press('2');
    await it.clock.advanceAsync(4_999);
    expect(it.collected).toBeUndefined();
    await it.clock.advanceAsync(1);
    expect(it.collected).toEqual({ digits: '12', finishedOnKey: '', reason: 'timeout' });
    await it.nothingIsLeft();
  });

  test('the call ends: aborted, the prompt stops', async () => {
    const it = await collecting();
    it.press('1');
    it.call.abort();
    await it.done;
    expect(it.collected).toMatchObject({ reason: 'aborted' });
    expect(it.prompt.isStopped).toBe(true);
    await it.nothingIsLeft();
  });

  test('a call that is over already', async () => {
    const clock = new VirtualClock();
    const services = { clock, onDigit: () => () => {}, playPrompt: () => Promise.resolve() };
    const options = { prompt: [], timeoutMs: 1, finishOnKey: '#', numDigits: 1, hearsDigits: true, speech: undefined };
    expect(await collectDigits(options, services, AbortSignal.abort())).toMatchObject({ reason: 'aborted' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('a fault of the prompt reaches the voice session, and nothing is left', async () => {
    const it = await collecting();
    const failed = it.done.then(
      () => 'collected',
      (fault: Error) => fault.message,
    );
    it.prompt.fail(new Error('a fault of ours'));
    expect(await failed).toBe('a fault of ours');
    await it.nothingIsLeft();
  });

  test('a peer that presses without end is stopped at the limit [twiml 5.4 digits-bounded]', async () => {
    const it = await collecting({ finishOnKey: '' });
    it.press('1'.repeat(limits.gatherDigits + 5));
    await it.done;
    expect(it.collected?.digits).toHaveLength(limits.gatherDigits);
  });
});
