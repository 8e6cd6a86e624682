// Playing to one call and waiting for the end, with the one way to stop it: the signal.

import type { MediaEngine, PlayOptions } from '../media/engine.ts';
import type { Call } from './call.ts';

/**
 * Plays to the peer of `call`; resolves when it ended. `aborted` when `signal` fired (the play is stopped then), `failed` when the call
 * has no media or the engine gave up.
 */
export function playToEnd(
  engine: MediaEngine,
  call: Call,
  options: PlayOptions,
  signal: AbortSignal,
): Promise<'finished' | 'failed' | 'aborted'> {
  const endpoint = call.leg.endpoint;
  if (signal.aborted) return Promise.resolve('aborted');
  if (endpoint === undefined) return Promise.resolve('failed');
  return new Promise((resolve) => {
    const finish = (outcome: 'finished' | 'failed' | 'aborted') => {
      unsubscribe();
      signal.removeEventListener('abort', onAbort);
      call.signal.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    const onAbort = () => {
      engine.stopPlay(play);
      finish('aborted');
    };
    const unsubscribe = call.onLegEvent((event) => {
      if (event.type !== 'playEnded' || event.play !== play) return;
      finish(event.outcome === 'finished' ? 'finished' : event.outcome === 'stopped' ? 'aborted' : 'failed');
    });
    signal.addEventListener('abort', onAbort, { once: true });
    call.signal.addEventListener('abort', onAbort, { once: true });
    const play = engine.play(endpoint, options);
    if (call.isOver) onAbort();
  });
}
