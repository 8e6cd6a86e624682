// The relay against others: the same streams through the gateway, rtpengine, a relay in C and no relay at all, in turn, so that a
// machine that is slower for a while is slower for all of them.

import type { Bench, World } from '../bench.ts';
import { searchInTurn } from '../knee.ts';
import { cRelay } from '../peers/c-relay.ts';
import { rtpengine } from '../peers/rtpengine.ts';
import { Direct, type MediaSubject } from '../peers/subject.ts';
import { median, type Row, row, withRatios } from '../report.ts';
import { type Case, effortNotes, LATE_FRAME_MS } from './case.ts';
import { gatewayMedia } from './gateway-media.ts';
import { kneeRow, lostShare, type MediaSample, mediaSearch, sampleMedia, WARM_MS } from './media.ts';
import { nativeMedia } from './native-media.ts';

async function subjects(bench: Bench, { gateway, generator }: World): Promise<MediaSubject[]> {
  const own = [gatewayMedia(bench, { gateway, generator }, 'bridge'), await nativeMedia(bench, { gateway, generator })];
  const { withPeers } = bench.options;
  const others = withPeers ? [await rtpengine(bench, generator), await cRelay(bench, generator)] : [];
  return [...own, ...others, new Direct(bench, generator)].filter((one) => one !== undefined);
}

async function stopAll(all: readonly MediaSubject[]): Promise<void> {
  for (const one of all) await one.stop();
}

export const relay: Case = {
  name: 'relay',
  title: 'relay at a fixed load',
  run: async (bench) => {
    const world = await bench.world();
    const all = await subjects(bench, world);
    const rows: Row[] = [];
    for (const calls of bench.pick([3], [300, 1_000])) {
      const samples = new Map<string, MediaSample[]>();
      for (let turn = 0; turn < bench.options.repeats; turn++) {
        for (const subject of all) {
          bench.progress(`relay: ${calls} calls through ${subject.name}, ${turn + 1} of ${bench.options.repeats}`);
          const sample = await sampleMedia(bench, world.generator, subject, calls, WARM_MS);
          samples.set(subject.name, [...(samples.get(subject.name) ?? []), sample]);
          await subject.release();
        }
      }
      for (const { name } of all) rows.push(fixedRow(`relay, ${calls} calls`, name, calls, samples.get(name) ?? []));
    }
    await stopAll(all);
    return withRatios(rows);
  },
};

export function fixedRow(title: string, subject: string, calls: number, samples: readonly MediaSample[]): Row {
  const over = (pick: (sample: MediaSample) => number): number => median(samples.map(pick));
  const { answer, complaint } = samples.at(-1)!;
  return row({
    ...{ case: 'relay', title, subject, value: calls, unit: 'calls', repeats: samples.length },
    // No relay has no CPU of its own.
    cpu: samples.some(({ load }) => load > 0) ? over((sample) => sample.microsecondsPerPacket) : null,
    cpuUnit: 'µs/packet',
    latencyMs: {
      p50: over((sample) => sample.answer.latencyMs.p50),
      p99: over((sample) => sample.answer.latencyMs.p99),
      p999: over((sample) => sample.answer.latencyMs.p999),
    },
    jitterMs: over((sample) => sample.answer.jitterMs),
    lost: over((sample) => lostShare(sample.answer)),
    notes: [...(complaint === undefined ? [] : [complaint]), ...effortNotes(answer.effort, LATE_FRAME_MS)],
    details: { isFixed: true, load: over((sample) => sample.load), effort: answer.effort },
  });
}

const MOST_TITLE = 'most bridged calls on one core';

export const bridge: Case = {
  name: 'bridge',
  title: `${MOST_TITLE}, 20 ms G.711 both ways`,
  run: async (bench) => {
    const world = await bench.world();
    const all = (await subjects(bench, world)).filter((one) => !(one instanceof Direct));
    bench.progress(`bridge: most calls of ${all.map(({ name }) => name).join(', ')}`);
    const searches = all.map((subject) => mediaSearch(bench, world.generator, subject, { quickCalls: 3 }));
    await searchInTurn(searches, bench.options.repeats);
    await stopAll(all);
    const rowOf = ({ name }: MediaSubject, index: number): Row =>
      kneeRow({ case: 'bridge', title: MOST_TITLE, subject: name, unit: 'calls' }, searches[index]!);
    return withRatios(all.map(rowOf));
  },
};

/** Share of the core that signalling takes while media is timed. */
const BUSY_SHARE = 0.2;

/** As many as in `busy`: with fewer, waking up for each packet costs more than SRTP does. */
const SECURE_CALLS = 300;

export const secure: Case = {
  name: 'srtp-cost',
  title: 'SRTP on one leg against none',
  run: async (bench) => {
    const world = await bench.world();
    const calls = bench.pick(3, SECURE_CALLS);
    const title = `SRTP on one leg against none, ${calls} calls`;
    const all: { name: string; subject: MediaSubject; samples: MediaSample[] }[] = [];
    for (const kind of ['plain', 'srtp'] as const) {
      const engines = [gatewayMedia(bench, world, kind), await nativeMedia(bench, world, kind)];
      for (const subject of engines) {
        if (subject) all.push({ name: `${subject.name}${kind === 'plain' ? ', no SRTP' : ''}`, subject, samples: [] });
      }
    }
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      for (const { name, subject, samples } of all) {
        bench.progress(`srtp-cost: ${name}, ${turn + 1} of ${bench.options.repeats}`);
        samples.push(await sampleMedia(bench, world.generator, subject, calls, WARM_MS));
        await subject.release();
      }
    }
    const rows = all.map(({ name, samples }) => ({ ...fixedRow(title, name, calls, samples), case: 'srtp-cost' }));
    return withRatios(rows);
  },
};

export const busy: Case = {
  name: 'busy',
  title: 'bridged calls while signalling takes 20 % of the core',
  run: async (bench) => {
    const world = await bench.world();
    const { generator } = world;
    const second = await bench.generator();
    const perSecond = await registrationsFor(bench, world, second);
    const calls = bench.pick(3, 300);
    const subjects = [gatewayMedia(bench, world, 'bridge'), await nativeMedia(bench, world)].filter(
      (one) => one !== undefined,
    );
    const all = subjects.map((subject) => ({ subject, samples: [] as MediaSample[] }));
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      for (const { subject, samples } of all) {
        bench.progress(`busy: ${subject.name}, ${turn + 1} of ${bench.options.repeats}`);
        await subject.hold(calls);
        // As long as the calls settle and are measured.
        const seconds = bench.pick(1, 10);
        const noise = second.ask(await registering(bench, perSecond, seconds), seconds * 1_000);
        samples.push(await sampleMedia(bench, generator, subject, calls, WARM_MS));
        await noise;
        await subject.release();
      }
    }
    await stopAll(subjects);
    return all.map(({ subject, samples }) => {
      const one = fixedRow('', subject.name, calls, samples);
      const details = { ...one.details, perSecond };
      // The CPU of both works cannot be told apart here.
      return { ...one, case: 'busy', title: busy.title, cpu: null, cpuUnit: '', details };
    });
  },
};

async function registering(bench: Bench, perSecond: number, seconds: number) {
  const { registerQuestion } = await import('./register.ts');
  return registerQuestion(bench, { perSecond, seconds });
}

/** How many registrations a second take so much of the gateway's core. The first ones are those of a gateway that still compiles. */
async function registrationsFor(bench: Bench, { gateway }: World, second: World['generator']): Promise<number> {
  const probe = bench.pick(20, 200);
  const seconds = bench.pick(0.5, 3);
  const ask = async () => bench.measured(second, gateway, await registering(bench, probe, seconds), seconds * 1_000);
  await ask();
  const { answer, cpuSeconds } = await ask();
  const each = cpuSeconds / Math.max(1, answer.registered);
  return bench.pick(probe, Math.round(Math.min(5_000, BUSY_SHARE / Math.max(each, 1e-5))));
}
