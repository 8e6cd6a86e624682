// Waiting with an AbortSignal: the one cancellation mechanism (house style 2.6).

/**
 * Why what ends in its ordinary course is aborted. Without a reason each `abort()` makes an exception with a stack of its own, which
 * costs as much as parsing a message.
 */
export const OVER: Error = new Error('it is over');
OVER.name = 'AbortError';

/** For what is told to wait and has nothing to wait for yet: one for all, as most of them are kept for the length of a call. */
export const NOTHING_TO_WAIT_FOR: Promise<void> = Promise.resolve();

/** Resolves when `signal` is aborted; at once if it already is. Leaves no listener behind when `other` settles first. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** An AbortController that is also aborted by `parent`. Call `dispose` to drop the listener on the parent. */
export function linkedController(parent: AbortSignal): { controller: AbortController; dispose: () => void } {
  const controller = new AbortController();
  if (parent.aborted) {
    controller.abort(parent.reason);
    return { controller, dispose: () => {} };
  }
  const onAbort = () => controller.abort(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  return { controller, dispose: () => parent.removeEventListener('abort', onAbort) };
}

/**
 * `promise`, or `fallback` as soon as `signal` is aborted. No async function and no race: a call waits here for as long as it lasts, and
 * those would keep four times as much for it.
 */
export function orAbort<T, F>(promise: Promise<T>, signal: AbortSignal, fallback: F): Promise<T | F> {
  if (signal.aborted) return Promise.resolve(fallback);
  return new Promise((resolve, reject) => {
    // In a turn of its own: a promise that was settled just before the abort counts.
    const onAbort = () => queueMicrotask(() => resolve(fallback));
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (fault: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(fault);
      },
    );
  });
}
