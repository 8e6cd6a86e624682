// The jitter buffer: order, duplicates, loss, delay that follows the network, drift of clocks, new timelines. Time is simulated.

import { describe, expect, test } from 'vitest';
import { JitterBuffer } from '../../../src/media/jitter-buffer.ts';

interface Arrival {
  readonly atMs: number;
  readonly sequence: number;
  readonly timestamp: number;
  /** First byte of the payload; no payload at all where undefined. */
  readonly mark?: number | undefined;
  readonly samples?: number;
}

/** Packets as a sender makes them, one per 20 ms, delayed by `delay(index)`. */
const stream = (count: number, delay: (index: number) => number, first = 0, firstMs = 0): Arrival[] =>
  Array.from({ length: count }, (_, index) => ({
    atMs: firstMs + index * 20 + delay(index),
    sequence: (first + index) & 0xffff,
    timestamp: ((first + index) * 160) >>> 0,
    mark: (first + index) & 0xff,
  }));

type Outcome = number | 'lost' | 'empty';

/** Runs arrivals against a player that pulls each `tickMs` from `startMs`; the outcome of every pull. */
function run(
  arrivals: readonly Arrival[],
  options: { ticks: number; startMs?: number; tickMs?: number; buffer?: JitterBuffer },
) {
  const buffer = options.buffer ?? new JitterBuffer();
  const queue = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  const outcomes: Outcome[] = [];
  let largest = 0;
  for (let tick = 0; tick < options.ticks; tick++) {
    const nowMs = (options.startMs ?? 5) + tick * (options.tickMs ?? 20);
    while (queue[0] && queue[0].atMs <= nowMs) {
      const { sequence, timestamp, mark, samples = 160, atMs } = queue.shift()!;
      buffer.push(
        sequence,
        timestamp,
        mark === undefined ? new Uint8Array(0) : new Uint8Array(samples).fill(mark),
        atMs,
      );
      largest = Math.max(largest, buffer.length);
    }
    const pulled = buffer.pull(nowMs);
    outcomes.push(pulled.kind === 'packet' ? pulled.payload[0]! : pulled.kind);
  }
  return { outcomes, buffer, largest };
}
const played = (outcomes: readonly Outcome[]) => outcomes.filter((outcome) => typeof outcome === 'number');
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, index) => (from + index) & 0xff);
/** A repeatable 0..1 sequence. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return state / 0x7fffffff;
  };
}

describe('order and loss', () => {
  test('an even stream is played whole, after a short wait, without a hole', () => {
    const { outcomes } = run(
      stream(50, () => 0),
      { ticks: 60 },
    );
    expect(played(outcomes)).toEqual(numbers(50));
    const first = outcomes.indexOf(0);
    expect(first).toBeGreaterThanOrEqual(1);
    expect(first).toBeLessThanOrEqual(5);
    expect(outcomes.slice(first, first + 50)).toEqual(numbers(50));
  });

  test('packets that overtake one another are put in order', () => {
    const { outcomes, buffer } = run(
      stream(40, (index) => (index % 3 === 1 ? 25 : 0)),
      { ticks: 50 },
    );
    expect(played(outcomes)).toEqual(numbers(40));
    expect(buffer.statistics.lost).toBe(0);
  });

  test('duplicates are dropped, before and after they were played', () => {
    const packets = stream(20, () => 0);
    const { outcomes, buffer } = run(
      [...packets, ...packets, ...packets.map((packet) => ({ ...packet, atMs: packet.atMs + 200 }))],
      { ticks: 40 },
    );
    expect(played(outcomes)).toEqual(numbers(20));
    expect(buffer.statistics.duplicates).toBe(20);
    expect(buffer.statistics.lost).toBe(0);
  });

  test('a missing packet is reported lost in its own time, once', () => {
    const packets = stream(20, () => 0).filter(({ sequence }) => sequence !== 7 && sequence !== 8);
    const { outcomes, buffer } = run(packets, { ticks: 30 });
    const first = outcomes.indexOf(0);
    expect(outcomes.slice(first, first + 20)).toEqual([...numbers(7), 'lost', 'lost', ...numbers(11, 9)]);
    expect(buffer.statistics.lost).toBe(2);
  });

  test('sequence number and timestamp wrap', () => {
    const packets = stream(60, () => 0, 65_510).map((packet, index) => ({
      ...packet,
      timestamp: (0xffff_f000 + index * 160) >>> 0,
    }));
    const { outcomes } = run(packets, { ticks: 70 });
    expect(played(outcomes)).toEqual(packets.map(({ mark }) => mark));
  });

  test('a packet without audio (an event) fills its number and is not played', () => {
    const packets = stream(20, () => 0).map((packet) =>
      packet.sequence === 5 || packet.sequence === 6 ? { ...packet, mark: undefined, timestamp: 5 * 160 } : packet,
    );
    const { outcomes, buffer } = run(packets, { ticks: 30 });
    expect(played(outcomes)).toEqual([...numbers(5), ...numbers(13, 7)]);
    expect(buffer.statistics.lost).toBe(0);
    // Their 40 ms stay silent: what follows is not played early.
    expect(outcomes.indexOf(7) - outcomes.indexOf(4)).toBe(3);
  });

  test('a pause of the sender (silence suppression) keeps the rhythm after it', () => {
    const packets = [
      ...stream(10, () => 0),
      ...stream(10, () => 0, 10, 500).map((packet) => ({ ...packet, timestamp: packet.timestamp + (300 * 160) / 20 })),
    ];
    const { outcomes, buffer } = run(packets, { ticks: 60 });
    expect(played(outcomes)).toEqual(numbers(20));
    expect(outcomes.indexOf(10) - outcomes.indexOf(9)).toBe(16);
    expect(buffer.statistics.resyncs).toBe(0);
  });
});

describe('delay', () => {
  const holes = (outcomes: readonly Outcome[]) =>
    outcomes.filter((outcome) => outcome === 'lost' || outcome === 'empty');

  test('jitter up to 60 ms: after it has learned, nothing is missing', () => {
    const random = pseudoRandom(1);
    const { outcomes, buffer } = run(
      stream(500, () => random() * 60),
      { ticks: 520 },
    );
    const settled = outcomes.slice(150, 480);
    expect(holes(settled)).toEqual([]);
    expect(buffer.targetMs).toBeGreaterThanOrEqual(40);
    expect(buffer.targetMs).toBeLessThanOrEqual(100);
  });

  test.each([3, 4, 5, 6])('packets later than the delay of the start lengthen it (seed %i)', (seed) => {
    const random = pseudoRandom(seed);
    const packets = stream(500, (index) => (index === 0 ? 0 : random() * 90));
    const { outcomes } = run(packets, { ticks: 520 });
    expect(holes(outcomes.slice(0, 150))).not.toEqual([]);
    expect(holes(outcomes.slice(250, 480)).length).toBeLessThanOrEqual(3);
  });

  test('a packet that comes after it was reported lost lengthens the delay too', () => {
    const { buffer } = run(
      stream(300, (index) => (index % 10 === 9 ? 75 : 0)),
      { ticks: 320 },
    );
    expect(buffer.statistics.lost).toBeGreaterThan(0);
    expect(buffer.statistics.lost).toBeLessThanOrEqual(3);
  });

  test('a packet is played on the tick that is nearest to its time, also just before it', () => {
    const buffer = new JitterBuffer();
    const outcomes = [0, 1, 2, 3].map((index) => {
      buffer.push(index, index * 160, new Uint8Array(160).fill(index), index * 20 + 1);
      return buffer.pull(index * 20 + 1.5 - 5).kind;
    });
    // Due 40 ms after its arrival at 1 ms; the third tick comes at 36.5 ms.
    expect(outcomes).toEqual(['empty', 'empty', 'packet', 'packet']);
  });

  test('when the network gets calm again the delay goes down, to the least of 20 ms', () => {
    const random = pseudoRandom(2);
    const packets = stream(1_500, (index) => (index < 300 ? random() * 80 : 0));
    const { outcomes, buffer } = run(packets, { ticks: 1_520 });
    const noisy = outcomes.lastIndexOf(300 & 0xff, 330) - 300;
    const calm = outcomes.lastIndexOf(1_400 & 0xff, 1_430) - 1_400;
    expect(calm).toBeLessThan(noisy);
    expect(buffer.targetMs).toBe(20);
    expect(buffer.statistics.skipped).toBeGreaterThan(0);
  });

  test('a burst after a stall does not leave a second of delay behind', () => {
    const packets = stream(200, (index) => (index >= 50 && index < 80 ? (80 - index) * 20 : 0));
    const { outcomes, largest } = run(packets, { ticks: 220 });
    const last = outcomes.lastIndexOf(199) - 199;
    expect(last).toBeLessThanOrEqual(8);
    expect(largest).toBeLessThanOrEqual(10);
  });

  test.each([
    ['faster', -0.02],
    ['slower', 0.02],
  ])('a sender whose clock is 0.1 %% %s: no growing delay, few corrections', (_, driftMs) => {
    const packets = stream(5_000, (index) => index * driftMs);
    const { outcomes, buffer, largest } = run(packets, { ticks: 4_900 });
    expect(largest).toBeLessThanOrEqual(7);
    expect(played(outcomes).length).toBeGreaterThan(4_850);
    expect(buffer.statistics.skipped).toBeLessThanOrEqual(8);
    expect(buffer.statistics.lost).toBe(0);
  });

  test('a tick that is itself uneven by up to 8 ms pulls one packet each time', () => {
    const buffer = new JitterBuffer();
    const outcomes: Outcome[] = [];
    for (let index = 0; index < 200; index++) {
      buffer.push(index, index * 160, new Uint8Array(160).fill(index), index * 20);
      const pulled = buffer.pull(index * 20 + 1 + (index % 2) * 8);
      outcomes.push(pulled.kind === 'packet' ? pulled.payload[0]! : pulled.kind);
    }
    const first = outcomes.indexOf(0);
    expect(outcomes.slice(first).every((outcome) => typeof outcome === 'number')).toBe(true);
    // The one packet left out: a calm network needs less than the delay of the start.
    expect(outcomes.slice(first)).toEqual(
      numbers(200)
        .filter((mark) => mark !== 98)
        .slice(0, 200 - first),
    );
    expect(buffer.statistics.skipped).toBe(1);
  });

  test('packets of 60 ms and of 10 ms are due in their own rhythm', () => {
    const long = Array.from({ length: 10 }, (_, i) => ({
      atMs: i * 60,
      sequence: i,
      timestamp: i * 480,
      mark: i,
      samples: 480,
    }));
    const { outcomes } = run(long, { ticks: 40 });
    const first = outcomes.indexOf(0);
    expect(outcomes.slice(first, first + 7)).toEqual([0, 'empty', 'empty', 1, 'empty', 'empty', 2]);
    const buffer = new JitterBuffer();
    const perTick: number[] = [];
    for (let tick = 0; tick < 20; tick++) {
      for (const half of [0, 1]) {
        const index = tick * 2 + half;
        buffer.push(index, index * 80, new Uint8Array(80), index * 10);
      }
      let count = 0;
      while (buffer.pull(tick * 20 + 11).kind === 'packet') count += 1;
      perTick.push(count);
    }
    expect(perTick.slice(5)).toEqual(Array(15).fill(2));
  });
});

describe('a depth of its own (members of a mixer)', () => {
  const depths = [
    { startMs: 0, minMs: 0, maxMs: 20 },
    { startMs: 20, minMs: 20, maxMs: 100 },
    { startMs: 60, minMs: 60, maxMs: 100 },
  ];

  test.each(depths)('$startMs ms: kept on a calm network, and taken again after a noisy one', (depth) => {
    const random = pseudoRandom(5);
    const packets = stream(2_000, (index) => (index >= 500 && index < 800 ? random() * 80 : 0));
    const { outcomes, buffer } = run(packets, { ticks: 2_020, buffer: new JitterBuffer(depth) });
    const delayOf = (index: number) => (outcomes.lastIndexOf(index & 0xff, index + 30) - index) * 20 + 5;
    // Due half a frame before its time, or on the tick after it.
    expect(delayOf(400)).toBeGreaterThanOrEqual(depth.startMs - 10);
    expect(delayOf(400)).toBeLessThanOrEqual(depth.startMs + 20);
    expect(delayOf(1_900)).toBeGreaterThanOrEqual(depth.minMs - 10);
    expect(delayOf(1_900)).toBeLessThanOrEqual(depth.minMs + 40);
    expect(buffer.targetMs).toBeGreaterThanOrEqual(depth.minMs);
    expect(buffer.targetMs).toBeLessThanOrEqual(depth.maxMs);
  });

  test('a deeper one loses less at the start of a call on a network with jitter of 50 ms', () => {
    const holes = depths.map((depth) => {
      const random = pseudoRandom(6);
      const { outcomes } = run(
        stream(60, (index) => (index === 0 ? 0 : random() * 50)),
        { ticks: 60, buffer: new JitterBuffer(depth) },
      );
      const started = outcomes.slice(
        outcomes.findIndex((outcome) => typeof outcome === 'number'),
        58,
      );
      return started.filter((outcome) => typeof outcome !== 'number').length;
    });
    expect(holes[2]).toBe(0);
    expect(holes[0]).toBeGreaterThan(holes[2]!);
  });
});

describe('new timelines and hostile streams', () => {
  test('RFC 3550 A.1: one stray sequence number is ignored, two in a row are a new stream', () => {
    const buffer = new JitterBuffer();
    run(
      stream(10, () => 0),
      { ticks: 10, buffer },
    );
    buffer.push(30_000, 0, new Uint8Array(160), 200);
    expect(buffer.statistics.resyncs).toBe(0);
    buffer.push(40_000, 777, new Uint8Array(160).fill(8), 220);
    buffer.push(40_001, 937, new Uint8Array(160).fill(9), 240);
    expect(buffer.statistics.resyncs).toBe(1);
    const outcomes: unknown[] = [];
    for (let nowMs = 240; nowMs < 400; nowMs += 20) {
      const pulled = buffer.pull(nowMs);
      if (pulled.kind === 'packet') outcomes.push(pulled.payload[0]);
    }
    expect(outcomes).toEqual([9]);
  });

  test('a jump of the timestamp alone starts a new timeline too', () => {
    const packets = [
      ...stream(10, () => 0),
      ...stream(10, () => 0, 10, 200).map((packet) => ({ ...packet, timestamp: packet.timestamp + 5_000_000 })),
    ];
    const { outcomes, buffer } = run(packets, { ticks: 40 });
    expect(buffer.statistics.resyncs).toBe(1);
    expect(played(outcomes).slice(-10)).toEqual(numbers(10, 10));
  });

  test('reset: a new SSRC may begin anywhere', () => {
    const buffer = new JitterBuffer();
    run(
      stream(10, () => 0),
      { ticks: 10, buffer },
    );
    buffer.reset();
    expect(buffer.length).toBe(0);
    const { outcomes } = run(
      stream(10, () => 0, 0, 300).map((packet) => ({ ...packet, sequence: packet.sequence + 20_000 })),
      { ticks: 30, startMs: 305, buffer },
    );
    expect(played(outcomes)).toEqual(numbers(10));
  });

  test('any mixture of numbers, times and sizes keeps it bounded and silent about it', () => {
    const random = pseudoRandom(7);
    const buffer = new JitterBuffer();
    let nowMs = 0;
    for (let round = 0; round < 20_000; round++) {
      nowMs += random() * 10;
      const near = random() < 0.7;
      const sequence = near ? (round + Math.floor(random() * 80)) & 0xffff : Math.floor(random() * 65_536);
      const timestamp = near ? (round * 160) >>> 0 : Math.floor(random() * 2 ** 32);
      buffer.push(sequence, timestamp, new Uint8Array(Math.floor(random() * 2_000)), nowMs);
      expect(buffer.length).toBeLessThanOrEqual(64);
      if (random() < 0.5) expect(['packet', 'lost', 'empty']).toContain(buffer.pull(nowMs).kind);
    }
    expect(buffer.targetMs).toBeGreaterThanOrEqual(20);
    expect(buffer.targetMs).toBeLessThanOrEqual(100);
  });
});
