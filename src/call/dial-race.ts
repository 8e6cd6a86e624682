// Ring many, keep one: starts the children, waits for the first answer, cancels the others.

import type { Clock } from '../base/clock.ts';
import type { Call } from './call.ts';

/** Port: lets another phone answer in the place of a child that rings. Returns how to end that. */
export interface PickUps {
  ring(child: Call, take: (substitute: Call) => void): () => void;
}

export type RaceResult =
  /** `instead`: the child whose place another phone took by picking up (RFC 3891). */
  | { readonly kind: 'answered'; readonly child: Call; readonly instead?: Call }
  /** All children ended without an answer. */
  | { readonly kind: 'failed' }
  | { readonly kind: 'timeout' }
  /** The caller hung up, pressed star, or its document was replaced. */
  | { readonly kind: 'aborted' };

/**
 * Starts all `children` and resolves with the first that answers. The losers, or after a time-out or abort all of them, are cancelled
 * before this resolves. `onRinging` is told of each child that rings.
 */
export async function race(
  children: readonly Call[],
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal,
  onRinging: (child: Call, hasEarlyMedia: boolean) => void,
  pickUps?: PickUps,
): Promise<RaceResult> {
  if (signal.aborted) {
    // Made, but never started: they end too, or nobody ever would.
    for (const child of children) child.hangUp('dial aborted');
    return { kind: 'aborted' };
  }
  if (children.length === 0) return { kind: 'failed' };
  const cleanups: (() => void)[] = [];
  const result = await new Promise<RaceResult>((resolve) => {
    let living = children.length;
    const onAbort = () => resolve({ kind: 'aborted' });
    const timer = clock.after(timeoutMs, () => resolve({ kind: 'timeout' }));
    signal.addEventListener('abort', onAbort, { once: true });
    cleanups.push(
      () => timer.cancel(),
      () => signal.removeEventListener('abort', onAbort),
    );
    for (const child of children) {
      cleanups.push(
        child.onLegEvent((event) => {
          if (event.type === 'ringing') onRinging(child, event.earlyMedia);
          else if (event.type === 'answered') resolve({ kind: 'answered', child });
        }),
      );
      const onEnd = () => {
        if (--living === 0) resolve({ kind: 'failed' });
      };
      if (child.isOver) {
        onEnd();
        continue;
      }
      child.signal.addEventListener('abort', onEnd, { once: true });
      cleanups.push(() => child.signal.removeEventListener('abort', onEnd));
      const take = (substitute: Call) => resolve({ kind: 'answered', child: substitute, instead: child });
      if (pickUps) cleanups.push(pickUps.ring(child, take));
      child.start();
    }
  });
  for (const cleanup of cleanups) cleanup();
  const cause = result.kind === 'timeout' ? 'timeout' : 'request';
  for (const child of children) {
    if (result.kind === 'answered' && child === result.child) continue;
    if (result.kind === 'answered') child.hangUp('another leg answered', 'elsewhere');
    else child.hangUp(`dial ${result.kind}`, cause);
  }
  return result;
}
