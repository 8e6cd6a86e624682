// Packets of any size as frames of 20 ms: numbers, times, gaps, restarts.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { Reframer } from '../../../src/media/reframer.ts';
import type { AudioCodec } from '../../../src/sdp/plan.ts';
import { type RtpFields, readRtp, rtpPacket } from '../../support/media.ts';

const TOKEN = 7;

/** A packet whose octets count on from the timestamp, so that each can be told. */
const counted = (timestamp: number, size: number, changes: Partial<RtpFields> = {}): Buffer =>
  rtpPacket({
    timestamp,
    sequence: 40,
    payload: Uint8Array.from({ length: size }, (_, index) => (timestamp + index) % 200),
    ...changes,
  });

class Bench {
  readonly out: RtpFields[] = [];
  #reframer: Reframer | undefined;

  take(packet: Buffer, codec: AudioCodec = 'PCMU'): boolean {
    this.#reframer ??= new Reframer(TOKEN, packet);
    const isTaken = this.#reframer.take(packet, 12, packet.length, codec);
    if (!isTaken) return false;
    for (let frame = Buffer.alloc(172); this.#reframer.next(frame); frame = Buffer.alloc(172)) {
      this.out.push(readRtp(frame));
    }
    return true;
  }

  get reframer(): Reframer {
    assert.ok(this.#reframer);
    return this.#reframer;
  }
}

describe('frames of 160 octets', () => {
  for (const size of [80, 120, 240, 320, 400, 480, 1]) {
    test(`[sip 1.6 ptime-in] packets of ${size} octets lose none, in order, with numbers and times without a gap`, () => {
      const bench = new Bench();
      const total = Math.ceil(1_600 / size) * size;
      for (let at = 0; at < total; at += size)
        assert.ok(bench.take(counted(at, size, { sequence: 65_534 + at / size })));
      assert.equal(bench.out.length, Math.floor(total / 160));
      for (const [index, { payload, sequence, timestamp, ssrc }] of bench.out.entries()) {
        assert.equal(sequence, (65_534 + index) & 0xffff);
        assert.equal(timestamp, index * 160);
        assert.equal(ssrc, 0x11223344);
        assert.deepEqual(
          [...payload],
          Array.from({ length: 160 }, (_, at) => (timestamp + at) % 200),
        );
      }
    });
  }

  test('[sip 1.6 ptime-in] the marker of a packet is on the next frame only', () => {
    const bench = new Bench();
    bench.take(counted(0, 480, { marker: true }));
    bench.take(counted(480, 320));
    assert.deepEqual(
      bench.out.map(({ marker }) => marker),
      [true, false, false, false, false],
    );
  });

  for (const [codec, silence] of [
    ['PCMU', 0xff],
    ['PCMA', 0xd5],
  ] as const) {
    test(`[sip 1.6 ptime-in] a lost packet inside a frame becomes silence of ${codec}`, () => {
      const bench = new Bench();
      bench.take(counted(0, 240), codec);
      bench.take(counted(480, 240), codec);
      assert.deepEqual(
        bench.out.map(({ timestamp }) => timestamp),
        [0, 160, 320, 480],
      );
      assert.deepEqual([...bench.out[1]!.payload.subarray(80)], Array(80).fill(silence));
      assert.deepEqual([...bench.out[2]!.payload], Array(160).fill(silence));
      assert.equal(bench.out[3]!.payload[0], 480 % 200);
    });
  }

  test('[sip 1.6 ptime-in] after a pause of the peer a frame begins at its new time', () => {
    const bench = new Bench();
    bench.take(counted(0, 240));
    bench.take(counted(8_000, 240, { marker: true }));
    assert.deepEqual(
      bench.out.map(({ timestamp, sequence, marker }) => [timestamp, sequence, marker]),
      [
        [0, 40, false],
        [8_000, 41, true],
      ],
    );
  });

  test('[sip 1.6 ptime-in] a late or repeated packet is left out; a timestamp far back is a restart', () => {
    const bench = new Bench();
    assert.ok(bench.take(counted(20_000, 240)));
    assert.equal(bench.take(counted(20_000, 240)), false);
    assert.equal(bench.take(counted(19_760, 240)), false);
    assert.ok(bench.take(counted(500, 240)));
    assert.deepEqual(
      bench.out.map(({ timestamp }) => timestamp),
      [20_000, 500],
    );
  });

  test('[sip 1.6 ptime-in] timestamps wrap', () => {
    const bench = new Bench();
    const first = 2 ** 32 - 240;
    assert.ok(bench.take(counted(first, 240)));
    assert.ok(bench.take(counted(0, 240)));
    assert.deepEqual(
      bench.out.map(({ timestamp }) => timestamp),
      [first, first + 160 - 0, 80].map((value) => value % 2 ** 32),
    );
  });

  test('[sip 1.6 ptime-in] octets of one codec are never in a frame of the other', () => {
    const bench = new Bench();
    bench.take(counted(0, 80), 'PCMU');
    bench.take(counted(80, 160), 'PCMA');
    assert.deepEqual(
      bench.out.map(({ timestamp, payload }) => [timestamp, payload[0]]),
      [[80, 80]],
    );
  });

  test('[sip 1.6 ptime-in] an event gets its number among the frames', () => {
    const bench = new Bench();
    bench.take(counted(0, 320));
    const event = rtpPacket({ sequence: 41, timestamp: 320 });
    bench.reframer.renumber(event);
    bench.take(counted(320, 160));
    assert.equal(readRtp(event).sequence, 42);
    assert.equal(readRtp(event).timestamp, 320);
    assert.deepEqual(
      bench.out.map(({ sequence }) => sequence),
      [40, 41, 43],
    );
  });

  test('[sip 1.6 ptime-in] another giver or another SSRC is another source; an empty packet gives nothing', () => {
    const packet = counted(0, 80);
    const reframer = new Reframer(TOKEN, packet);
    assert.equal(reframer.isOf(TOKEN, packet), true);
    assert.equal(reframer.isOf(TOKEN + 1, packet), false);
    assert.equal(reframer.isOf(TOKEN, rtpPacket({ ssrc: 9 })), false);
    assert.ok(reframer.take(packet, 12, 12, 'PCMU'));
    assert.equal(reframer.next(Buffer.alloc(172)), false);
  });
});
