// What a case of the bench is.

import type { Bench } from '../bench.ts';
import type { Effort } from '../generator/protocol.ts';
import type { Row } from '../report.ts';

export interface Case {
  /** As the command line knows it. */
  readonly name: string;
  /** As the table and `--list` say it. */
  readonly title: string;
  readonly run: (bench: Bench) => Promise<readonly Row[]>;
}

/** A generator that needs more than this of its core, or sends later than this, is measured itself. */
const FULL_CORE = 0.9;
export const LATE_FRAME_MS = 10;
export const LATE_CALL_MS = 50;

/** Whether the generator was out of breath, so that the figures are its own. `lateMs` at the 99th percentile. */
export const isSaturated = (effort: Effort, lateMs: number): boolean =>
  effort.cpu > FULL_CORE || effort.lateMs.p99 > lateMs;

/** Says how the generator was, where it matters. */
export const effortNotes = (effort: Effort, lateMs: number): string[] =>
  isSaturated(effort, lateMs)
    ? [
        `the generator was saturated (${Math.round(effort.cpu * 100)} % of its core, p99 ${effort.lateMs.p99.toFixed(1)} ms late)`,
      ]
    : [];
