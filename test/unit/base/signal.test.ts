// Waiting with an AbortSignal: who wins, and that nothing is left behind.

import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { OVER, orAbort } from '../../../src/base/signal.ts';

const listeners = (signal: AbortSignal) => getEventListeners(signal, 'abort').length;

test('the value of the promise, or its fault; no listener is left', async () => {
  const { signal } = new AbortController();
  expect(await orAbort(Promise.resolve(7), signal, 'over')).toBe(7);
  await expect(orAbort(Promise.reject(new Error('broken')), signal, 'over')).rejects.toThrow('broken');
  expect(listeners(signal)).toBe(0);
});

test('the fallback at the abort, and at once where it was aborted before', async () => {
  const controller = new AbortController();
  const waiting = orAbort(new Promise(() => {}), controller.signal, 'over');
  expect(listeners(controller.signal)).toBe(1);
  controller.abort(OVER);
  expect(await waiting).toBe('over');
  expect(await orAbort(Promise.resolve(7), controller.signal, 'over')).toBe('over');
});

test('what was settled just before the abort counts', async () => {
  const controller = new AbortController();
  const { promise, resolve } = Promise.withResolvers<number>();
  const waiting = orAbort(promise, controller.signal, 'over');
  resolve(7);
  controller.abort(OVER);
  expect(await waiting).toBe(7);
});

test('a fault after the abort is nobody’s', async () => {
  const controller = new AbortController();
  const { promise, reject } = Promise.withResolvers<number>();
  const waiting = orAbort(promise, controller.signal, 'over');
  controller.abort(OVER);
  reject(new Error('too late'));
  expect(await waiting).toBe('over');
});
