// The audio of the verb after the one that is heard: synthesized or fetched meanwhile, so that one follows the other without a gap.
//
//   verbs      │ Say 1 ─ prepare ─ play ───────────▶│ Say 2 ─ play ─────▶│
//   ahead                        └ prepare Say 2 ─┘

import type { Result } from '../base/result.ts';
import type { AudioSource } from './call-control.ts';
import type { PreparedAudio, PrepareFailure } from './media-sources.ts';

type Prepared = Result<PreparedAudio, PrepareFailure>;
type Prepare = (source: AudioSource, signal: AbortSignal) => Promise<Prepared>;

interface Expected {
  readonly sources: readonly AudioSource[];
  readonly signal: AbortSignal;
}

interface Ready {
  readonly audio: Promise<Prepared>;
  readonly signal: AbortSignal;
}

/** Most verbs have none that follows at once, and may last as long as the call. */
const NOTHING: Expected = { sources: [], signal: AbortSignal.abort() };

const keyOf = (source: AudioSource): string => JSON.stringify(source);

export class AudioAhead {
  readonly #prepare: Prepare;
  #expected: Expected | undefined;
  /** Of one verb at most. */
  #ready: Map<string, Ready> | undefined;

  constructor(prepare: Prepare) {
    this.#prepare = prepare;
  }

  /** What is probably heard next; `begin` then gets it ready. */
  expect(sources: readonly AudioSource[], signal: AbortSignal): void {
    this.#expected = sources.length === 0 ? NOTHING : { sources, signal };
  }

  /** Now there is time: what is heard first has been prepared. */
  begin(): void {
    const expected = this.#expected;
    if (!expected) return;
    this.#expected = undefined;
    this.#ready = new Map(
      expected.sources.map((source) => {
        const audio = this.#prepare(source, expected.signal);
        // Where it is never asked for, nobody hears of its failure.
        audio.catch(() => {});
        return [keyOf(source), { audio, signal: expected.signal }];
      }),
    );
  }

  /** The audio of a source: what was made ahead, or made now. */
  get(source: AudioSource, signal: AbortSignal): Promise<Prepared> {
    const key = keyOf(source);
    const ready = this.#ready?.get(key);
    this.#ready?.delete(key);
    return ready && !ready.signal.aborted ? ready.audio : this.#prepare(source, signal);
  }
}
