// A stream that the kernel relays beside us: what its late and nameless counters become, and how what we send follows its sources.

import { describe, expect, test } from 'vitest';
import { OutgoingStream } from '../../../../src/media/outgoing-stream.ts';
import { Reception } from '../../../../src/media/reception.ts';
import { StatisticsTable, statisticsMemory } from '../../../../src/media/statistics.ts';
import { seededRandom } from '../../../support/network.ts';

describe('losses', () => {
  const SSRC = 7;
  const slot = () => new StatisticsTable(statisticsMemory(1)).claim(0);
  const seen = (reception: Reception, ...numbers: number[]) => {
    for (const number of numbers) reception.count(SSRC, number, number * 160, number * 20, true);
  };

  test('a gap that a packet shows before its packets are told of is no loss, and they are not counted twice', () => {
    const reception = new Reception();
    seen(reception, 1, 2, 3);
    reception.share(true);
    reception.passed(10, null, slot());
    // A digit, 20 packets further, of which the kernel has told nothing yet.
    seen(reception, 34);
    expect([reception.lost, reception.highest]).toEqual([0, 34]);
    reception.passed(20, null, slot());
    expect([reception.lost, reception.highest]).toEqual([0, 34]);
    reception.passed(5, null, slot());
    expect([reception.lost, reception.highest]).toEqual([0, 39]);
  });

  test('after the end the first gap is of packets that nobody told of; the next one is a loss', () => {
    const reception = new Reception();
    seen(reception, 1);
    reception.share(true);
    reception.passed(10, null, slot());
    reception.share(false);
    seen(reception, 20, 21, 24);
    expect(reception.lost).toBe(2);
  });

  test('without a shared path every gap is a loss', () => {
    const reception = new Reception();
    seen(reception, 1, 5);
    expect(reception.lost).toBe(3);
  });
});

describe('a stream that follows its sources', () => {
  const SOURCE = { token: 5, ssrc: 0xabcd } as const;
  const relay = (stream: OutgoingStream, sequence: number, nowMs: number) => {
    expect(stream.relayed(SOURCE.token, SOURCE.ssrc, sequence, sequence * 160, false, nowMs)).toBe(true);
    const { ssrc, timestamp, marker } = stream;
    return { ssrc, sequence: stream.sequence, timestamp, marker };
  };

  test('ringing first, then the bridge as it is, then music in its own numbers, then the bridge as it is again', () => {
    const stream = new OutgoingStream(seededRandom(3).bytes, true);
    const own = stream.ssrc;
    stream.generated(1, 10, 200);
    stream.generated(1, 11, 220);
    const { sequence: rung, timestamp: rungAt } = stream;
    expect(relay(stream, 9_000, 1_000)).toEqual({
      ...{ ssrc: SOURCE.ssrc, sequence: 9_000, marker: true },
      timestamp: 9_000 * 160,
    });
    expect(stream.numbering(SOURCE.token, SOURCE.ssrc)).toMatchObject({ sequenceOffset: 0, timestampOffset: 0 });
    relay(stream, 9_001, 1_020);

    stream.generated(2, 100, 2_020);
    expect([stream.ssrc, stream.sequence, stream.marker]).toEqual([own, (rung + 1) & 0xffff, true]);
    // 1.8 s after the last of its own frames.
    expect((stream.timestamp - rungAt) >>> 0).toBe(1_800 * 8);

    expect(relay(stream, 9_060, 3_000)).toEqual({
      ...{ ssrc: SOURCE.ssrc, sequence: 9_060, marker: true },
      timestamp: 9_060 * 160,
    });
    stream.generatedEvent(3, true, 200, 4_000);
    expect([stream.ssrc, stream.sequence]).toEqual([own, (rung + 2) & 0xffff]);
  });

  test('one that keeps its own does not', () => {
    const stream = new OutgoingStream(seededRandom(3).bytes, true);
    const own = stream.ssrc;
    stream.keepOwn();
    relay(stream, 9_000, 1_000);
    expect(stream.ssrc).toBe(own);
  });
});
