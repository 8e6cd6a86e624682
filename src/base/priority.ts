// Which of our threads go first on a core that is busy: those of the media, since a packet that waits is audio that comes late, and a
// signalling message is not.

import { readlinkSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { limits } from './limits.ts';

/** Linux has a "nice" for each thread. Undefined where a thread has no number. */
function threadNumber(): number | undefined {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return undefined;
  }
}

/** Lets the calling thread go before others. False where it is not allowed (CAP_SYS_NICE, RLIMIT_NICE) or not known. */
export function raisePriority(nice: number = limits.mediaNice): boolean {
  const thread = threadNumber();
  if (thread === undefined) return false;
  try {
    setPriority(thread, nice);
    return true;
  } catch {
    return false;
  }
}

/** Whether this process may raise priorities; tries it, and takes it back. */
export function mayRaisePriority(): boolean {
  const thread = threadNumber();
  if (thread === undefined) return false;
  const before = getPriority(thread);
  const isRaised = raisePriority(Math.min(before - 1, limits.mediaNice));
  if (isRaised) setPriority(thread, before);
  return isRaised;
}
