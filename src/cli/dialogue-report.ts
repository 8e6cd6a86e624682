// How the result of scripted calls is printed: a transcript each, what went wrong, and one line for all.

import { clockTime, failureLines, transcript } from '../dialogue/transcript.ts';
import type { Played } from '../dialogue/virtual-run.ts';

export interface Reported extends Played {
  readonly name: string;
}

/** Prints one call. `quiet`: only its verdict, and what went wrong. */
export function reportPlayed({ name, feed, failure }: Reported, quiet: boolean): void {
  const lastMs = feed.all.at(-1)?.atMs ?? 0;
  const verdict = `${failure ? '✗' : '✓'} ${name}  (${clockTime(lastMs).trim()} of call)`;
  if (!quiet) for (const line of transcript(feed.all)) console.log(line);
  console.log(verdict);
  if (failure) for (const line of failureLines(failure)) console.log(`    ${line}`);
  if (!quiet) console.log('');
}

/** One line for all; the exit code. */
export function reportAll(played: readonly Reported[], tookMs: number): number {
  const failed = played.filter(({ failure }) => failure);
  const took = `in ${tookMs < 1_000 ? `${Math.round(tookMs)} ms` : `${(tookMs / 1_000).toFixed(1)} s`}`;
  console.log(`${played.length - failed.length} of ${played.length} scripts as expected, ${took}`);
  return failed.length === 0 ? 0 : 1;
}
