// REGISTER with digest: two requests each, the first one challenged. Against Kamailio, where it is installed, in turn.

import type { Bench, Subject } from '../bench.ts';
import { DOMAIN, PASSWORD } from '../gateway.ts';
import type { RegisterAnswer, RegisterQuestion } from '../generator/protocol.ts';
import type { Generator } from '../generator.ts';
import { KneeSearch, searchInTurn } from '../knee.ts';
import { kamailio } from '../peers/kamailio.ts';
import { HOST } from '../peers/subject.ts';
import { figure, median, type Row, row, withRatios } from '../report.ts';
import { type Case, effortNotes, isSaturated, LATE_CALL_MS } from './case.ts';
import { gatewayMedia } from './gateway-media.ts';
import { lostShare } from './media.ts';

const SLOW_MS = 500;
const REQUESTS = 2;
/** As many as the gateway of a run knows; each registers at most some times a second. */
const users = (bench: Bench): number => bench.pick(40, 5_000);

export async function registerQuestion(
  bench: Bench,
  given: Partial<RegisterQuestion> & Pick<RegisterQuestion, 'perSecond' | 'seconds'>,
): Promise<RegisterQuestion> {
  const { sip } = await bench.places();
  return {
    ...{ ask: 'register', sip: { host: HOST, port: sip }, domain: DOMAIN, users: users(bench), password: PASSWORD },
    ...{ graceMs: bench.pick(8_000, 10_000), isStorm: false },
    ...given,
  };
}

interface Sample {
  readonly answer: RegisterAnswer;
  readonly microsecondsPerRequest: number;
  readonly perSecond: number;
}

type Registrar = Subject & { readonly port: number };

async function sample(bench: Bench, generator: Generator, subject: Registrar, perSecond: number): Promise<Sample> {
  bench.progress(`register: ${perSecond} per second at ${subject.name}`);
  const seconds = bench.pick(0.5, 4);
  const question = await registerQuestion(bench, { perSecond, seconds, sip: { host: HOST, port: subject.port } });
  const { answer, cpuSeconds } = await bench.measured(generator, subject, question, seconds * 1_000 + question.graceMs);
  return { answer, perSecond, microsecondsPerRequest: (cpuSeconds * 1e6) / Math.max(1, REQUESTS * answer.registered) };
}

const allRegistered = ({ answer }: Sample): boolean => answer.registered === answer.offered && answer.refused === 0;

const searchOf = (bench: Bench, generator: Generator, subject: Registrar): KneeSearch<Sample> =>
  new KneeSearch<Sample>({
    ...{ start: bench.pick(20, 500), growth: 1.5, most: 20_000, isQuick: bench.isQuick },
    run: async (perSecond) => {
      const result = await sample(bench, generator, subject, perSecond);
      const isOut = isSaturated(result.answer.effort, LATE_CALL_MS);
      const isQuickEnough = bench.isQuick || (result.answer.answerMs.p99 < SLOW_MS && !isOut);
      return { isGood: allRegistered(result) && isQuickEnough, isSaturated: isOut, result };
    },
  });

function registerRow(
  title: string,
  subject: string,
  value: number,
  samples: readonly Sample[],
  details: Readonly<Record<string, unknown>>,
): Row {
  const over = (pick: (one: Sample) => number): number => median(samples.map(pick));
  const last = samples.at(-1)!.answer;
  const failed = Object.entries(last.failed).map(([why, count]) => `${count} × ${why}`);
  return row({
    ...{ case: 'register', title, subject, value, unit: '/s', repeats: samples.length },
    cpu: over((one) => one.microsecondsPerRequest),
    cpuUnit: 'µs/request',
    latencyMs: {
      p50: over((one) => one.answer.answerMs.p50),
      p99: over((one) => one.answer.answerMs.p99),
      p999: over((one) => one.answer.answerMs.p999),
    },
    notes: [...failed, ...effortNotes(last.effort, LATE_CALL_MS)],
    details: { ...details, retransmissions: last.retransmissions, effort: last.effort },
  });
}

export const register: Case = {
  name: 'register',
  title: 'REGISTER with digest',
  run: async (bench) => {
    const { gateway, generator } = await bench.world();
    const { sip } = await bench.places();
    const own: Registrar = { name: gateway.name, port: sip, cpuSeconds: () => gateway.cpuSeconds() };
    const peer = bench.options.withPeers ? await kamailio(bench) : undefined;
    const all: Registrar[] = peer ? [own, peer] : [own];
    const searches = all.map((subject) => searchOf(bench, generator, subject));
    await searchInTurn(searches, bench.options.repeats);
    const rows = searches.map(({ loads, samples, ends }, index) =>
      registerRow('most REGISTER with digest', all[index]!.name, median(loads), samples, { loads, ends }),
    );
    const perSecond = bench.pick(20, 1_000);
    const samples = new Map<string, Sample[]>(all.map(({ name }) => [name, []]));
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      for (const subject of all) samples.get(subject.name)?.push(await sample(bench, generator, subject, perSecond));
    }
    for (const { name } of all) {
      const title = `REGISTER with digest, ${perSecond}/s`;
      rows.push(registerRow(title, name, perSecond, samples.get(name) ?? [], { isFixed: true }));
    }
    await peer?.stop();
    return withRatios(rows);
  },
};

/** Bridged calls that go on while phones register. */
const STORM_CALLS = 50;

export const storm: Case = {
  name: 'storm',
  title: 'REGISTER storm after a restart',
  run: async (bench) => {
    await bench.endWorld();
    const phones = bench.pick(60, 20_000);
    const seconds = bench.pick(1, 60);
    const gateway = await bench.gateway([], phones);
    const generator = await bench.generator();
    const caller = await bench.generator();
    await gateway.start();
    const ask = async (isStorm: boolean, over: number) =>
      generator.ask(
        await registerQuestion(bench, {
          ...{ perSecond: phones / over, seconds: over, users: phones, isStorm },
          graceMs: bench.pick(8_000, 60_000),
        }),
        120_000,
      );
    bench.progress(`storm: ${phones} phones register for the first time`);
    await ask(true, seconds * 2);
    await gateway.stop();
    await gateway.start();
    // Calls that run meanwhile: they are first in line, and so is their audio.
    const { sip } = await bench.places();
    await bench.open(caller, { host: HOST, port: sip });
    const running = gatewayMedia(bench, { gateway, generator: caller }, 'bridge');
    const calls = bench.pick(2, STORM_CALLS);
    const complaint = await running.hold(calls);
    bench.progress(`storm: ${phones} phones within ${seconds} s, ${calls} calls meanwhile`);
    const measured = caller.ask({ ask: 'measure', seconds }, seconds * 1_000);
    const answer = await ask(true, seconds);
    const audio = await measured;
    await running.release();
    await caller.stop();
    await generator.stop();
    await gateway.dispose();
    return [
      row({
        ...{ case: 'storm', title: `${phones} phones register within ${seconds} s`, subject: gateway.name },
        ...{ value: answer.lastSeconds, unit: 's until all were' },
        latencyMs: answer.answerMs,
        lost: lostShare(audio),
        notes: [
          ...(complaint === undefined ? [] : [complaint]),
          `audio of ${calls} calls meanwhile: p50 ${figure(audio.latencyMs.p50)}, p99 ${figure(audio.latencyMs.p99)} ms`,
          `${answer.registered} of ${phones} registered, ${answer.refused} asked to come later`,
          ...Object.entries(answer.failed).map(([why, count]) => `${count} × ${why}`),
        ],
        details: { ...answer, audio },
      }),
    ];
  },
};
