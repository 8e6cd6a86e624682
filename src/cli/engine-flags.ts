// How V8 is set for a gateway, before any code of it has run often. V8 compiles a function well when it has run some thousand times. Most
// of ours run a few times for each call, so that a gateway would be at its full speed after thousands of calls only: at that point work
// that was put off comes in the busiest hour. The flags are those of the process: its threads have them too. main.ts sets them, for all
// commands alike, so that all share what Node keeps of the compiled code.

import { availableParallelism } from 'node:os';
import { setFlagsFromString } from 'node:v8';

/** V8's own: 400 and 3,000. About 0.9 of the CPU of a call around the 4,000th one: compiling is done with by then. A start takes longer. */
const EARLY = ['--invocation-count-for-maglev=100', '--invocation-count-for-turbofan=300'];

/** Helpers that collect garbage beside the thread which waits for them only get in its way where all share one core. */
const ONE_CORE = ['--no-parallel-scavenge'];

/** The flags for a machine with so many cores for us. A name that V8 does not know is passed over by it. */
export const engineFlags = (cores: number): readonly string[] => (cores === 1 ? [...EARLY, ...ONE_CORE] : EARLY);

/** Sets them; to be called once, early. */
export function setEngineFlags(): void {
  for (const flag of engineFlags(availableParallelism())) setFlagsFromString(flag);
}
