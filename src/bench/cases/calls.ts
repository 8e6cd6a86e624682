// Calls per second through webhook and <Dial><Sip>, 14 messages each, and the same when there are more of them than can be carried.

import type { Bench, Subject, World } from '../bench.ts';
import type { KindName, RateAnswer, RateQuestion } from '../generator/protocol.ts';
import type { Generator } from '../generator.ts';
import { KneeSearch, type Step, searchInTurn } from '../knee.ts';
import { kamailio, type SipSubject } from '../peers/kamailio.ts';
import { sipp } from '../peers/sipp.ts';
import { HOST } from '../peers/subject.ts';
import { median, type Row, row, withRatios } from '../report.ts';
import { type Case, effortNotes, isSaturated, LATE_CALL_MS } from './case.ts';

/** The knee is the most calls per second with p99 of the answer below this, and none failed. */
const SLOW_MS = 500;
/** With media: so long from answer to BYE. */
const MEDIA_HOLD_MS = 1_000;
const MOST_PER_SECOND = 3_000;

interface CallsOptions {
  readonly kind: KindName;
  readonly withMedia: boolean;
  readonly holdMs: number;
}

interface Sample {
  readonly perSecond: number;
  readonly answer: RateAnswer;
  readonly msPerCall: number;
  readonly load: number;
}

async function sample(
  bench: Bench,
  generator: Generator,
  subject: Subject,
  perSecond: number,
  { kind, withMedia, holdMs }: CallsOptions,
): Promise<Sample> {
  bench.progress(`${kind}${withMedia ? ' with media' : ''}: ${perSecond} calls per second at ${subject.name}`);
  const question: RateQuestion = {
    ...{ ask: 'rate', kind, withMedia, perSecond, holdMs, seconds: bench.pick(0.5, 5) },
    graceMs: bench.pick(8_000, 10_000),
    answerLimitMs: SLOW_MS,
  };
  const atMost = question.seconds * 1_000 + holdMs + question.graceMs;
  const { answer, cpuSeconds, wallSeconds } = await bench.measured(generator, subject, question, atMost);
  return {
    perSecond,
    answer,
    msPerCall: (cpuSeconds * 1e3) / Math.max(1, answer.completed),
    load: cpuSeconds / wallSeconds,
  };
}

function stepOf(bench: Bench, result: Sample): Step<Sample> {
  const { answer } = result;
  const isOut = isSaturated(answer.effort, LATE_CALL_MS);
  const isComplete = answer.completed === answer.offered;
  return {
    isGood: isComplete && (bench.isQuick || (answer.answerMs.p99 < SLOW_MS && !isOut)),
    isSaturated: isOut,
    result,
  };
}

/** `prepare`: what the generator needs to hear before it calls this subject. */
const searchOf = (
  bench: Bench,
  generator: Generator,
  subject: Subject,
  options: CallsOptions,
  prepare?: () => Promise<unknown>,
): KneeSearch<Sample> =>
  new KneeSearch<Sample>({
    ...{ start: bench.pick(6, 50), growth: 1.5, most: MOST_PER_SECOND, isQuick: bench.isQuick },
    ...(prepare && { prepare }),
    run: async (perSecond) => stepOf(bench, await sample(bench, generator, subject, perSecond, options)),
  });

const ENDS: Readonly<Record<string, string>> = {
  knee: '',
  generator: 'the generator makes no more: at least so many',
  bound: 'no more were tried',
};

function callsRow(of: Pick<Row, 'case' | 'title' | 'subject'>, { loads, samples, ends }: KneeSearch<Sample>): Row {
  const over = (pick: (one: Sample) => number): number => median(samples.map(pick));
  const last = samples.at(-1)!.answer;
  const failed = Object.entries(last.failed).map(([why, count]) => `${count} × ${why}`);
  return row({
    ...{ ...of, value: median(loads), unit: 'calls/s', repeats: loads.length },
    cpu: over((one) => one.msPerCall),
    cpuUnit: 'ms/call',
    latencyMs: {
      p50: over((one) => one.answer.answerMs.p50),
      p99: over((one) => one.answer.answerMs.p99),
      p999: over((one) => one.answer.answerMs.p999),
    },
    notes: [
      ...[...new Set(ends.map((end) => ENDS[end] ?? ''))].filter((note) => note !== ''),
      ...failed,
      ...(last.digitMs.count > 0
        ? [`digit to its request p50 ${last.digitMs.p50.toFixed(0)}, p99 ${last.digitMs.p99.toFixed(0)} ms`]
        : []),
      ...effortNotes(last.effort, LATE_CALL_MS),
    ],
    details: {
      ...{ loads, ends, load: over((one) => one.load), retransmissions: last.retransmissions },
      ...{ digitMs: last.digitMs, effort: last.effort },
    },
  });
}

const NO_MEDIA: CallsOptions = { kind: 'bridge', withMedia: false, holdMs: 0 };
const TITLE = 'calls through webhook and Dial, no media';

/** Programs that do a part of the same. */
const PEERS: readonly [(bench: Bench) => Promise<SipSubject | undefined>, string][] = [
  [kamailio, 'a proxy: no webhook, one dialog'],
  [sipp, 'answers by itself: one leg, nobody is called'],
];

interface Beside {
  readonly peer: SipSubject;
  readonly remark: string;
  readonly search: KneeSearch<Sample>;
}

/** Those that are installed: each is called by the same generator. */
async function besides(bench: Bench, generator: Generator): Promise<Beside[]> {
  const found: Beside[] = [];
  for (const [start, remark] of PEERS) {
    const peer = bench.options.withPeers ? await start(bench) : undefined;
    if (!peer) continue;
    const prepare = () => bench.open(generator, { host: HOST, port: peer.port });
    found.push({ peer, remark, search: searchOf(bench, generator, peer, NO_MEDIA, prepare) });
  }
  return found;
}

/** Shares of the knee that show what a call costs on the way there. */
const SHARES = [0.25, 0.5, 0.75, 0.95];

/** CPU of a call below the knee, of a gateway that has found it: no more as the load grows means that calls scale with CPU. */
async function onTheWay(bench: Bench, { gateway, generator }: World, knee: number, options: CallsOptions) {
  const shares = bench.pick([0.5], SHARES);
  const costs = shares.map(() => [] as number[]);
  for (let turn = 0; turn < bench.options.repeats; turn++) {
    for (const [index, share] of shares.entries()) {
      const perSecond = Math.max(1, Math.round(knee * share));
      costs[index]?.push((await sample(bench, generator, gateway, perSecond, options)).msPerCall);
    }
  }
  const each = costs.map((ofShare, index) => `${median(ofShare).toFixed(2)} at ${Math.round(shares[index]! * 100)} %`);
  return { note: `ms/call on the way there: ${each.join(', ')}`, shares, msPerCall: costs };
}

/** The row of our own gateway, when its knees are found: those, and the way there. */
async function ownRow(
  bench: Bench,
  world: World,
  of: Pick<Row, 'case' | 'title'>,
  found: KneeSearch<Sample>,
  options: CallsOptions,
) {
  const { note, ...costs } = await onTheWay(bench, world, median(found.loads), options);
  const one = callsRow({ ...of, subject: world.gateway.name }, found);
  return { ...one, notes: [note, ...one.notes], details: { ...one.details, onTheWay: costs } };
}

export const calls: Case = {
  name: 'calls',
  title: TITLE,
  run: async (bench) => {
    const world = await bench.world();
    const { gateway, generator } = world;
    const { sip, sips } = await bench.places();
    const prepare = () => bench.open(generator, { host: HOST, port: sip }, { host: HOST, port: sips });
    const own = searchOf(bench, generator, gateway, NO_MEDIA, prepare);
    const others = await besides(bench, generator);
    await searchInTurn([own, ...others.map(({ search }) => search)], bench.options.repeats);
    bench.callsPerSecond = median(own.loads);
    for (const { peer } of others) await peer.stop();
    await prepare();
    const beside = others.map(({ peer, remark, search }): Row => {
      const one = callsRow({ case: 'calls', title: TITLE, subject: peer.name }, search);
      return { ...one, notes: [remark, ...one.notes] };
    });
    return withRatios([await ownRow(bench, world, { case: 'calls', title: TITLE }, own, NO_MEDIA), ...beside]);
  },
};

function rateCase(name: string, title: string, options: CallsOptions): Case {
  return {
    name,
    title,
    run: async (bench) => {
      const world = await bench.world();
      const search = searchOf(bench, world.generator, world.gateway, options);
      await searchInTurn([search], bench.options.repeats);
      return [await ownRow(bench, world, { case: name, title }, search, options)];
    },
  };
}

const WITH_MEDIA: CallsOptions = { kind: 'bridge', withMedia: true, holdMs: MEDIA_HOLD_MS };

export const callsMedia = rateCase('calls-media', 'the same with a second of media', WITH_MEDIA);

export const gather = rateCase('gather', 'IVR calls: Gather with Play, a digit, the next document', {
  ...{ kind: 'gather', withMedia: true, holdMs: 0 },
});

/** Where the knee is: what an earlier case of this run found, or a search of its own. */
async function kneeOf(bench: Bench, { gateway, generator }: World, options: CallsOptions): Promise<number> {
  if (!options.withMedia && bench.callsPerSecond) return bench.callsPerSecond;
  const search = searchOf(bench, generator, gateway, options);
  await search.turn();
  return search.loads[0] ?? 0;
}

/** Times the knee. The knee itself comes first in each turn: what it gives there is what the others are compared with. */
const FACTORS = [1, 2, 10] as const;

export const overload: Case = {
  name: 'overload',
  title: 'more calls than can be carried',
  run: async (bench) => [
    ...(await overloadOf(bench, NO_MEDIA)),
    ...(bench.isQuick ? [] : await overloadOf(bench, WITH_MEDIA)),
  ],
};

async function overloadOf(bench: Bench, options: CallsOptions): Promise<Row[]> {
  const world = await bench.world();
  const knee = Math.max(1, await kneeOf(bench, world, options));
  const samples: Record<number, Sample[]> = { 1: [], 2: [], 10: [] };
  for (let turn = 0; turn < bench.options.repeats; turn++) {
    for (const factor of FACTORS) {
      samples[factor]?.push(await sample(bench, world.generator, world.gateway, Math.round(knee * factor), options));
      await world.gateway.untilIdle(bench.pick(0, 40_000));
    }
  }
  const goodput = median((samples[1] ?? []).map(({ answer }) => answer.goodput));
  const media = options.withMedia ? ', with media' : '';
  return [2, 10].map((factor) =>
    overloadRow(`${factor} × the most calls per second${media}`, goodput, samples[factor] ?? []),
  );
}

/** `knee`: goodput at the knee, measured in the same turns. */
function overloadRow(title: string, knee: number, samples: readonly Sample[]): Row {
  const over = (pick: (one: Sample) => number): number => median(samples.map(pick));
  const goodput = over((one) => one.answer.goodput);
  const last = samples.at(-1)!;
  const { answer } = last;
  const failed = Object.entries(answer.failed).map(([why, count]) => `${count} × ${why}`);
  return row({
    ...{
      case: 'overload',
      title,
      subject: 'hookswitch',
      unit: 'calls/s answered in time',
    },
    ...{ value: goodput, repeats: samples.length },
    latencyMs: {
      p50: over((one) => one.answer.answerMs.p50),
      p99: over((one) => one.answer.answerMs.p99),
      p999: over((one) => one.answer.answerMs.p999),
    },
    ratios: knee > 0 ? [{ of: 'value', to: 'the knee', value: goodput / knee }] : [],
    notes: [
      `${last.perSecond}/s offered, ${answer.refused} of ${answer.offered} refused with 503`,
      answer.retryAfter.count > 0
        ? `Retry-After p50 ${Math.round(answer.retryAfter.p50)}, at most ${Math.round(answer.retryAfter.max)} s`
        : 'no Retry-After',
      ...failed,
      ...effortNotes(answer.effort, LATE_CALL_MS),
    ],
    details: { ...answer, perSecond: last.perSecond, knee },
  });
}
