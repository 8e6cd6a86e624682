// RFC 4733: one digit per press, however its packets come; and the packets of a press that we send.

import { describe, expect, test } from 'vitest';
import { TelephoneEventReceiver, telephoneEventPackets } from '../../../src/media/telephone-event.ts';

/** [event code, duration, end bit, timestamp, arrival in ms] */
type Packet = readonly [event: number, units: number, end: 0 | 1, timestamp: number, atMs: number];
const payload = ([event, units, end]: Packet) => Uint8Array.of(event, (end << 7) | 10, units >> 8, units & 0xff);

/** Pushes the packets, polling each 20 ms in between and for a second after; gives `digit/ms` per event. */
function received(packets: readonly Packet[]): string[] {
  const receiver = new TelephoneEventReceiver();
  const digits: string[] = [];
  let nowMs = packets[0]?.[4] ?? 0;
  const note = (events: { digit: string; durationMs: number }[]) =>
    digits.push(...events.map(({ digit, durationMs }) => `${digit}/${durationMs}`));
  for (const packet of packets) {
    for (; nowMs + 20 <= packet[4]; nowMs += 20) note(receiver.poll(nowMs));
    note(receiver.push(payload(packet), packet[3], packet[4]));
  }
  for (const until = nowMs + 1_000; nowMs < until; nowMs += 20) note(receiver.poll(nowMs));
  return digits;
}

const press = (event: number, timestamp: number, atMs: number, frames = 5, ends = 3): Packet[] => [
  ...Array.from({ length: frames - 1 }, (_, i): Packet => [event, 160 * (i + 1), 0, timestamp, atMs + 20 * i]),
  ...Array.from({ length: ends }, (_, i): Packet => [event, 160 * frames, 1, timestamp, atMs + 20 * (frames - 1 + i)]),
];

describe('RFC 4733 receiver', () => {
  for (let event = 0; event < 16; event++) {
    test(`3.2: event ${event} is ${'0123456789*#ABCD'[event]}`, () => {
      expect(received(press(event, 1_000, 0))).toEqual([`${'0123456789*#ABCD'[event]}/100`]);
    });
  }

  test('3.2: flash (16) and all other events are no digits', () => {
    for (const event of [16, 17, 32, 66, 255]) expect(received(press(event, 1_000, 0))).toEqual([]);
  });

  test.each([1, 2, 3, 10])('2.5.1.4: %i end packets are one press', (ends) => {
    expect(received(press(5, 1_000, 0, 5, ends))).toEqual(['5/100']);
  });

  test('2.5.1.4: one press is reported when its first end packet comes, not later', () => {
    const receiver = new TelephoneEventReceiver();
    expect(receiver.push(payload([5, 160, 0, 1_000, 0]), 1_000, 0)).toEqual([]);
    expect(receiver.push(payload([5, 320, 1, 1_000, 20]), 1_000, 20)).toEqual([{ digit: '5', durationMs: 40 }]);
    expect(receiver.push(payload([5, 320, 1, 1_000, 40]), 1_000, 40)).toEqual([]);
  });

  test('all end packets lost: over after 150 ms without packets, and not again when one comes very late', () => {
    const packets = press(7, 1_000, 0, 5, 0);
    expect(received(packets)).toEqual(['7/80']);
    expect(received([...packets, [7, 800, 1, 1_000, 700]])).toEqual(['7/80']);
    const receiver = new TelephoneEventReceiver();
    receiver.push(payload(packets[0]!), 1_000, 0);
    expect(receiver.poll(149)).toEqual([]);
    expect(receiver.poll(150)).toEqual([{ digit: '7', durationMs: 20 }]);
    expect(receiver.poll(300)).toEqual([]);
  });

  test('all end packets lost and the next press begins: the new timestamp ends the old one', () => {
    expect(received([...press(1, 1_000, 0, 3, 0), ...press(2, 2_000, 100)])).toEqual(['1/40', '2/100']);
    expect(received([...press(1, 1_000, 0, 3, 0), [2, 400, 1, 2_000, 60]])).toEqual(['1/40', '2/50']);
  });

  test('only an end packet got through: still a press', () => {
    expect(received([[9, 800, 1, 1_000, 0]])).toEqual(['9/100']);
  });

  test('the same digit twice, quickly, is two presses', () => {
    expect(received([...press(3, 1_000, 0), ...press(3, 2_200, 150)])).toEqual(['3/100', '3/100']);
  });

  test('reordered packets: an earlier one after the end, or of the earlier press, changes nothing', () => {
    const [a, b, c, d, end] = press(4, 5_000, 0);
    expect(received([a!, c!, b!, end!, d!])).toEqual(['4/100']);
    expect(received([...press(4, 5_000, 0), ...press(6, 6_600, 200), [4, 800, 1, 5_000, 320]])).toEqual([
      '4/100',
      '6/100',
    ]);
  });

  test('the timestamp wraps round 2^32 between and within presses', () => {
    expect(received([...press(1, 0xffff_ff00, 0), ...press(2, 0x0000_0500, 200)])).toEqual(['1/100', '2/100']);
  });

  test('2.5.1.3: a press longer than 0xFFFF units goes on in a new segment', () => {
    const packets: Packet[] = [];
    const timestamps = [10_000, 10_000 + 0xffff, 10_000 + 2 * 0xffff];
    let atMs = 0;
    for (const [index, timestamp] of timestamps.entries()) {
      const last = index === 2 ? 8_000 : 0xffff;
      for (let units = 160; units < last; units += 160) {
        atMs += 20;
        packets.push([8, units, 0, timestamp, atMs]);
      }
      atMs += 20;
      packets.push([8, last, index === 2 ? 1 : 0, timestamp, atMs]);
    }
    expect(received(packets)).toEqual([`8/${(2 * 0xffff + 8_000) / 8}`]);
  });

  test('2.5.1.3: the segment goes on although the full last packet was lost', () => {
    const packets: Packet[] = [
      [8, 0xfe00, 0, 0, 0],
      [8, 0xff00, 0, 0, 32],
      [8, 160, 0, 0xffff, 80],
      [8, 320, 1, 0xffff, 100],
    ];
    expect(received(packets)).toEqual([`8/${(0xffff + 320) / 8}`]);
  });

  test('peers that stamp each packet with the time of sending: one press', () => {
    const packets: Packet[] = [1, 2, 3, 4, 5, 6, 7].map((n) => [
      2,
      Math.min(n, 5) * 160,
      n >= 5 ? 1 : 0,
      n * 160,
      n * 20,
    ]);
    expect(received(packets)).toEqual(['2/100']);
    // And a real second press of the same digit is still seen.
    expect(received([...packets, ...press(2, 3_000, 360)])).toEqual(['2/100', '2/100']);
  });

  test('a new SSRC starts with any timestamp, also one just behind the old', () => {
    const receiver = new TelephoneEventReceiver();
    receiver.push(payload([1, 160, 0, 5_000, 0]), 5_000, 0);
    expect(receiver.reset()).toEqual([{ digit: '1', durationMs: 20 }]);
    expect(receiver.reset()).toEqual([]);
    expect(receiver.push(payload([2, 160, 1, 4_000, 20]), 4_000, 20)).toEqual([{ digit: '2', durationMs: 20 }]);
  });

  test('payloads that are too short are nothing; longer ones are read up to the first event', () => {
    const receiver = new TelephoneEventReceiver();
    for (let length = 0; length < 4; length++) expect(receiver.push(new Uint8Array(length), 0, 0)).toEqual([]);
    expect(receiver.push(Uint8Array.of(1, 0x80, 0, 80, 9, 9, 9, 9), 0, 0)).toEqual([{ digit: '1', durationMs: 10 }]);
  });
});

describe('RFC 4733 sender', () => {
  test('2.5.1.4: growing durations, marker on the first, the last three times with the end bit', () => {
    const packets = telephoneEventPackets('5', { durationMs: 100, packetTimeMs: 20, volumeDb: -10 });
    expect(packets.map(({ marker }) => marker)).toEqual([true, false, false, false, false, false, false]);
    expect(packets.map(({ payload: bytes }) => [...bytes])).toEqual([
      [5, 10, 0, 160],
      [5, 10, 1, 64],
      [5, 10, 1, 224],
      [5, 10, 2, 128],
      [5, 0x8a, 3, 32],
      [5, 0x8a, 3, 32],
      [5, 0x8a, 3, 32],
    ]);
  });

  test.each([...'0123456789*#ABCDabcd'])('what is sent for %s is received as it', (digit) => {
    const receiver = new TelephoneEventReceiver();
    const packets = telephoneEventPackets(digit, { durationMs: 120, packetTimeMs: 20, volumeDb: -7 });
    const events = packets.flatMap((packet, index) => receiver.push(packet.payload, 77, index * 20));
    expect(events).toEqual([{ digit: digit.toUpperCase(), durationMs: 120 }]);
  });

  test('odd requests: no digit gives nothing; durations and volumes are kept inside their fields', () => {
    for (const digit of ['', 'x', '12', 'w']) {
      expect(telephoneEventPackets(digit, { durationMs: 100, packetTimeMs: 20, volumeDb: -10 })).toEqual([]);
    }
    const short = telephoneEventPackets('1', { durationMs: 0, packetTimeMs: 20, volumeDb: 30 });
    expect(short.map(({ payload: bytes, marker }) => [marker, ...bytes])).toEqual([
      [true, 1, 0x80, 0, 1],
      [false, 1, 0x80, 0, 1],
      [false, 1, 0x80, 0, 1],
    ]);
    const long = telephoneEventPackets('1', { durationMs: 60_000, packetTimeMs: 20, volumeDb: -200 });
    expect([...long.at(-1)!.payload]).toEqual([1, 0x80 | 63, 0xff, 0xff]);
  });
});
