// Media: how many calls of a kind one core carries at less than 0.1 % loss and less than 1 % a quarter of a second late, and how long
// packets take on the way.

import { realClock, sleep } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import type { KindName, MediaAnswer } from '../generator/protocol.ts';
import type { Generator } from '../generator.ts';
import { KneeSearch, type Step, searchInTurn } from '../knee.ts';
import type { MediaSubject } from '../peers/subject.ts';
import { median, type Row, row } from '../report.ts';
import { type Case, effortNotes, isSaturated, LATE_FRAME_MS } from './case.ts';
import { gatewayMedia } from './gateway-media.ts';

const MOST_LOST = 0.001;
/** Sockets keep seconds of audio before they lose any: p99 of the way is bound as well. */
const MOST_LATE_MS = 250;
/** A call of two legs has four ports, and the range of ports has room for so many at once beside those that rest. */
const MOST_CALLS = 4_500;

export interface MediaSample {
  readonly calls: number;
  readonly answer: MediaAnswer;
  /** CPU of the subject for one packet that it sent. */
  readonly microsecondsPerPacket: number;
  /** Share of a core. */
  readonly load: number;
  readonly complaint: string | undefined;
}

const SETTLE_MS = 1_000;
/** A gateway that has just been started is still compiling. One that is measured once in a turn gets time for that. */
export const WARM_MS = 4_000;

/** Holds so many calls and measures them for a while, `settleMs` after the last one was answered. */
export async function sampleMedia(
  bench: Bench,
  generator: Generator,
  subject: MediaSubject,
  calls: number,
  settleMs = SETTLE_MS,
): Promise<MediaSample> {
  const complaint = await subject.hold(calls);
  const seconds = bench.pick(0.4, 5);
  // The last call has just been answered: its first packets come before its bridge is there.
  await sleep(realClock, bench.pick(200, settleMs));
  const { answer, cpuSeconds, wallSeconds } = await bench.measured(
    generator,
    subject,
    { ask: 'measure', seconds },
    seconds * 1_000,
  );
  const microsecondsPerPacket = (cpuSeconds * 1e6) / Math.max(1, answer.received);
  return { calls, answer, microsecondsPerPacket, load: cpuSeconds / wallSeconds, complaint };
}

export const lostShare = ({ lost, sent }: MediaAnswer): number => (sent === 0 ? 1 : lost / sent);

const stepOf = (sample: MediaSample): Step<MediaSample> => ({
  isGood:
    sample.complaint === undefined &&
    lostShare(sample.answer) < MOST_LOST &&
    sample.answer.latencyMs.p99 < MOST_LATE_MS &&
    !isSaturated(sample.answer.effort, LATE_FRAME_MS),
  isSaturated: isSaturated(sample.answer.effort, LATE_FRAME_MS),
  result: sample,
});

/** A quick run checks that the case works: what a busy machine loses does not count. */
const quickStepOf = (sample: MediaSample): Step<MediaSample> => ({
  isGood: sample.complaint === undefined && sample.answer.received > 0,
  isSaturated: false,
  result: sample,
});

/** The search for the most calls of a subject. */
export const mediaSearch = (
  bench: Bench,
  generator: Generator,
  subject: MediaSubject,
  { quickCalls, most = MOST_CALLS }: { quickCalls: number; most?: number },
): KneeSearch<MediaSample> =>
  new KneeSearch<MediaSample>({
    ...{ start: bench.pick(quickCalls, 100), growth: 1.4, most, isQuick: bench.isQuick },
    run: async (calls) => {
      const sample = await sampleMedia(bench, generator, subject, calls);
      return bench.isQuick ? quickStepOf(sample) : stepOf(sample);
    },
    release: () => subject.release(),
  });

const ENDS: Readonly<Record<string, string>> = {
  knee: '',
  generator: 'the generator carries no more: at least so many',
  bound: 'no more were tried',
};

/** The row of the knees of one subject. */
export function kneeRow(
  of: Pick<Row, 'case' | 'title' | 'subject' | 'unit'>,
  { loads, samples, ends }: KneeSearch<MediaSample>,
): Row {
  const over = (pick: (sample: MediaSample) => number): number => median(samples.map(pick));
  const { answer, complaint } = samples.at(-1)!;
  const isTimed = samples.some((sample) => sample.answer.latencyMs.count > 0);
  const notes = [...new Set(ends.map((end) => ENDS[end] ?? ''))].filter((note) => note !== '');
  return row({
    ...of,
    value: median(loads),
    cpu: over(({ microsecondsPerPacket }) => microsecondsPerPacket),
    cpuUnit: 'µs/packet',
    latencyMs: isTimed
      ? {
          p50: over((sample) => sample.answer.latencyMs.p50),
          p99: over((sample) => sample.answer.latencyMs.p99),
          p999: over((sample) => sample.answer.latencyMs.p999),
        }
      : null,
    jitterMs: over((sample) => sample.answer.jitterMs),
    lost: over((sample) => lostShare(sample.answer)),
    repeats: loads.length,
    notes: [
      ...notes,
      ...(median(loads) === 0 && complaint !== undefined ? [complaint] : []),
      ...effortNotes(answer.effort, LATE_FRAME_MS),
      ...(answer.returnMs.count > 0
        ? [`back to the phone p50 ${answer.returnMs.p50.toFixed(1)}, p99 ${answer.returnMs.p99.toFixed(1)} ms`]
        : []),
    ],
    details: {
      loads,
      ends,
      load: over((sample) => sample.load),
      worstJitterMs: over((sample) => sample.answer.worstJitterMs),
      returnMs: answer.returnMs,
      effort: answer.effort,
    },
  });
}

/** The most calls of one kind through the gateway. */
export function mediaCase(
  name: string,
  title: string,
  kind: KindName,
  { unit = 'calls', quickCalls = 3, most }: { unit?: string; quickCalls?: number; most?: number } = {},
): Case {
  return {
    name,
    title,
    run: async (bench) => {
      const world = await bench.world();
      const subject = gatewayMedia(bench, world, kind);
      const search = mediaSearch(bench, world.generator, subject, {
        quickCalls,
        ...(most === undefined ? {} : { most }),
      });
      await searchInTurn([search], bench.options.repeats);
      return [kneeRow({ case: name, title, subject: subject.name, unit }, search)];
    },
  };
}
