// What the bench measures with: percentiles, the search for the knee, ratios and the table, cores of a machine.

import { describe, expect, test } from 'vitest';
import { isSaturated } from '../../../src/bench/cases/case.ts';
import { perCall } from '../../../src/bench/cases/memory.ts';
import { Histogram } from '../../../src/bench/generator/histogram.ts';
import { findKnee, KneeSearch, searchInTurn } from '../../../src/bench/knee.ts';
import { readCores } from '../../../src/bench/processes.ts';
import { figure, median, printTable, row, withRatios } from '../../../src/bench/report.ts';

describe('histogram', () => {
  test('percentiles within 10 µs below a second, within a millisecond above', () => {
    const histogram = new Histogram();
    for (let value = 1; value <= 1_000; value++) histogram.add(value / 10);
    const { count, p50, p99, p999, max } = histogram.spread();
    expect({ count, max }).toEqual({ count: 1_000, max: 100 });
    expect(p50).toBeCloseTo(50, 1);
    expect(p99).toBeCloseTo(99, 1);
    expect(p999).toBeCloseTo(99.9, 1);
    histogram.clear();
    histogram.add(12_345);
    expect(Math.abs(histogram.spread().p50 - 12_345)).toBeLessThanOrEqual(1);
  });

  test('nothing, what is below zero and what is beyond all bounds', () => {
    const histogram = new Histogram();
    expect(histogram.spread()).toEqual({ count: 0, p50: 0, p99: 0, p999: 0, max: 0 });
    histogram.add(-3);
    histogram.add(1e9);
    expect(histogram.spread()).toMatchObject({ count: 2, max: 1e9 });
    expect(histogram.spread().p50).toBeLessThan(0.01);
  });
});

describe('memory of a call', () => {
  const looks = (residentKb: readonly number[], added = 100) =>
    residentKb.map((kb, index) => ({ calls: 200 + added * index, residentKb: kb, heapKb: 0 }));
  const of = ({ residentKb }: { residentKb: number }) => residentKb;

  test('what each number of calls tells against each other one', () => {
    expect(perCall(looks([100_000, 104_000, 108_000, 112_000]), of)).toBe(40);
  });

  test('a reading that is far off moves it little', () => {
    const far = perCall(looks([100_000, 104_000, 108_000, 130_000, 116_000, 120_000, 124_000]), of);
    expect(Math.abs(far - 40)).toBeLessThan(1);
  });

  test('calls that did not come tell nothing', () => {
    expect(perCall(looks([100_000, 105_000], 0), of)).toBe(0);
    expect(perCall([], of)).toBe(0);
  });
});

describe('knee', () => {
  const carrying = (limit: number, generatorLimit = Number.POSITIVE_INFINITY) => {
    const tried: number[] = [];
    const run = async (load: number) => {
      tried.push(load);
      return { isGood: load <= limit && load <= generatorLimit, isSaturated: load > generatorLimit, result: load };
    };
    return { tried, run };
  };
  const search = { start: 10, growth: 2, most: 1_000, refinements: 5 };

  test('is found by steps and halving', async () => {
    const { run, tried } = carrying(100);
    const knee = await findKnee({ ...search, run });
    expect(knee.end).toBe('knee');
    expect(knee.load).toBeGreaterThan(95);
    expect(knee.load).toBeLessThanOrEqual(100);
    expect(knee.result).toBe(knee.load);
    // The first bad step is tried twice.
    expect(tried.filter((load) => load === 160)).toHaveLength(2);
  });

  test('a hiccup is not the knee', async () => {
    const { run } = carrying(500);
    let isFirst = true;
    const knee = await findKnee({
      ...search,
      run: async (load) => {
        if (load !== 40 || !isFirst) return run(load);
        isFirst = false;
        return { isGood: false, isSaturated: false, result: load };
      },
    });
    expect(knee.load).toBeGreaterThan(400);
  });

  test('a generator that is out of breath is told from what it measures', async () => {
    expect(await findKnee({ ...search, run: carrying(500, 50).run })).toMatchObject({ end: 'generator' });
  });

  test('subjects take turns, and later turns warm up and begin near the knee that was found', async () => {
    const order: string[] = [];
    const searchOf = (name: string, limit: number) => {
      const { run, tried } = carrying(limit);
      const hooks = {
        prepare: async () => order.push(`${name} begins`),
        release: async () => order.push(`${name} ends`),
      };
      const one = new KneeSearch({ start: 10, growth: 1.5, most: 1_000, isQuick: false, run, ...hooks });
      return { one, tried };
    };
    const [a, b] = [searchOf('a', 100), searchOf('b', 300)];
    await searchInTurn([a.one, b.one], 2);
    const turn = ['a begins', 'a ends', 'b begins', 'b ends'];
    expect(order).toEqual([...turn, ...turn]);
    for (const [{ one }, limit] of [[a, 100] as const, [b, 300] as const]) {
      expect(one.ends).toEqual(['knee', 'knee']);
      expect(one.samples).toEqual(one.loads);
      for (const load of one.loads) expect(load).toBeGreaterThan(limit * 0.9);
    }
    const [before, last = 0] = [a.tried.length, a.one.loads.at(-1)];
    await a.one.turn();
    // The first one does not count.
    const begin = Math.round(last * 0.8);
    expect(a.tried.slice(before, before + 2)).toEqual([Math.round(begin / 2), begin]);
    expect(a.tried.filter((load) => load === 10)).toHaveLength(1);
  });

  test('a turn that found nothing: the next one begins at the beginning', async () => {
    const tried: number[] = [];
    const run = async (load: number) => {
      tried.push(load);
      return { isGood: false, isSaturated: false, result: load };
    };
    await searchInTurn([new KneeSearch({ start: 50, growth: 1.5, most: 100, isQuick: false, run })], 2);
    expect(tried.filter((load) => load === 50)).toHaveLength(4);
  });

  test('a quick search is one step', async () => {
    const { run, tried } = carrying(100);
    const one = new KneeSearch({ start: 3, growth: 2, most: 1_000, isQuick: true, run });
    await searchInTurn([one], 1);
    expect(tried).toEqual([3]);
    expect(one.loads).toEqual([3]);
  });

  test('not even the first step, and the bound of the search', async () => {
    expect(await findKnee({ ...search, run: carrying(5).run, refinements: 0 })).toMatchObject({ load: 0, end: 'knee' });
    expect(await findKnee({ ...search, run: carrying(5_000).run })).toMatchObject({ load: 1_000, end: 'bound' });
  });
});

test('a generator is saturated by its CPU or by its lateness', () => {
  const lateMs = { count: 1, p50: 0, p99: 0, p999: 0, max: 0 };
  expect(isSaturated({ cpu: 0.5, lateMs }, 10)).toBe(false);
  expect(isSaturated({ cpu: 0.95, lateMs }, 10)).toBe(true);
  expect(isSaturated({ cpu: 0.5, lateMs: { ...lateMs, p99: 11 } }, 10)).toBe(true);
});

describe('report', () => {
  const of = (subject: string, value: number, cpu: number) =>
    row({ case: 'relay', title: 'relay', subject, value, unit: 'calls', cpu, cpuUnit: 'µs/packet' });

  test('ratios to all others of the same case, of CPU and of the figure', () => {
    const [own, other] = withRatios([of('hookswitch', 200, 8), of('rtpengine', 100, 10)]);
    expect(own?.ratios).toEqual([
      { of: 'cpu', to: 'rtpengine', value: 0.8 },
      { of: 'value', to: 'rtpengine', value: 2 },
    ]);
    expect(other?.ratios).toEqual([]);
  });

  test('no ratio between different units, nor to nothing', () => {
    const rows = [
      of('hookswitch', 200, 8),
      { ...of('SIPp', 0, 0), cpuUnit: 'ms/call' },
      { ...of('x', 5, 4), title: 'y' },
    ];
    expect(withRatios(rows)[0]?.ratios).toEqual([]);
  });

  test('the table: columns that nobody uses are left out, the figures have three digits', () => {
    const text = printTable(withRatios([of('hookswitch', 1_234.5, 8.126), of('rtpengine', 1_000, 10)]));
    const [head, , first] = text.split('\n');
    expect(head).toMatch(/^case +subject +result +CPU +.*ratio$/);
    expect(first).toMatch(
      /^relay +hookswitch +1235 calls +8\.13 µs\/packet .*0\.81 × rtpengine CPU, 1\.23 × rtpengine$/,
    );
  });

  test.each([
    [0, '0'],
    [0.01234, '0.0123'],
    [1.234, '1.23'],
    [12.34, '12.3'],
    [123.4, '123'],
    [12_345, '12345'],
    [Number.NaN, '-'],
  ])('%d is written %s', (value, text) => expect(figure(value)).toBe(text));

  test('median', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

test.each([
  ['Cpus_allowed_list:\t0-3\n', [0, 1, 2, 3]],
  ['Name:\tnode\nCpus_allowed_list:\t0,2-3\nMems', [0, 2, 3]],
  ['Cpus_allowed_list:\t5', [5]],
  ['nothing', []],
])('cores of %j', (status, cores) => expect(readCores(status)).toEqual(cores));
