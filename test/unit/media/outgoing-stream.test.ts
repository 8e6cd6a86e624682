// One unbroken stream towards a peer, whoever gives the audio (design.md 6).

import { strict as assert } from 'node:assert';
import { test } from 'vitest';
import { OutgoingStream } from '../../../src/media/outgoing-stream.ts';
import { seededRandom } from '../../support/network.ts';

const stream = () => new OutgoingStream(seededRandom(5).bytes);

interface Sent {
  readonly sequence: number;
  readonly timestamp: number;
  readonly marker: boolean;
}
const now = ({ sequence, timestamp, marker }: OutgoingStream): Sent => ({ sequence, timestamp, marker });
const step = (from: Sent, to: Sent) => [
  (to.sequence - from.sequence) & 0xffff,
  (to.timestamp - from.timestamp) >>> 0,
  to.marker,
];

test('RFC 3711 3.3.1: the first sequence number is in the lower half; the rest is random', () => {
  const random = seededRandom(6);
  const streams = Array.from({ length: 50 }, () => new OutgoingStream(random.bytes));
  for (const each of streams) assert.ok(each.sequence < 0x8000);
  assert.ok(new Set(streams.map((each) => each.ssrc)).size > 45);
});

test('generated frames: one sequence number and 160 units each, marker on the first', () => {
  const out = stream();
  out.generated(1, 10, 200);
  const first = now(out);
  assert.equal(first.marker, true);
  out.generated(1, 11, 220);
  assert.deepEqual(step(first, now(out)), [1, 160, false]);
});

test('frames left out (an overloaded tick): the timestamp keeps real time, the marker says so', () => {
  const out = stream();
  out.generated(1, 10, 200);
  const first = now(out);
  out.generated(1, 18, 360);
  assert.deepEqual(step(first, now(out)), [1, 8 * 160, true]);
});

test('RFC 4733 2.3: packets of one press share the timestamp of its start; audio after it follows real time', () => {
  const out = stream();
  out.generated(1, 10, 200);
  const audio = now(out);
  out.generatedEvent(1, true, 11, 220);
  const start = now(out);
  assert.deepEqual(step(audio, start), [1, 160, true]);
  out.generatedEvent(1, false, 12, 240);
  assert.deepEqual(step(start, now(out)), [1, 0, false]);
  out.generatedEvent(1, false, 13, 260);
  out.generated(1, 14, 280);
  assert.deepEqual(step(start, now(out)), [3, 3 * 160, true]);
});

test('relay: loss and reordering of the other side stay visible', () => {
  const out = stream();
  assert.ok(out.relayed(7, 99, 65_534, 1_000, false, 0));
  const first = now(out);
  assert.equal(first.marker, true, 'start of a source');
  assert.ok(out.relayed(7, 99, 1, 1_480, false, 60));
  assert.deepEqual(step(first, now(out)), [3, 480, false]);
  assert.ok(out.relayed(7, 99, 0, 1_320, false, 61));
  assert.deepEqual(step(first, now(out)), [2, 320, false]);
});

test('relay: the marker of the other side passes', () => {
  const out = stream();
  out.relayed(7, 99, 1, 0, false, 0);
  out.relayed(7, 99, 2, 160, true, 20);
  assert.equal(out.marker, true);
});

test('play, bridge, play: sequence numbers without a gap, timestamps by elapsed time', () => {
  const out = stream();
  out.generated(1, 0, 0);
  const play = now(out);
  out.relayed(2, 99, 40_000, 3_000_000_000, false, 100);
  const bridge = now(out);
  assert.deepEqual(step(play, bridge), [1, 800, true]);
  out.relayed(2, 99, 40_001, 3_000_000_160, false, 120);
  const last = now(out);
  out.generated(3, 11, 220);
  assert.deepEqual(step(last, now(out)), [1, 800, true]);
});

test('a change of source without time in between still moves the timestamp by a frame', () => {
  const out = stream();
  out.generated(1, 0, 0);
  const play = now(out);
  out.relayed(2, 99, 5, 5, false, 0);
  assert.deepEqual(step(play, now(out)), [1, 160, true]);
});

test('a packet from before the change of source is refused: its number is taken', () => {
  const out = stream();
  out.relayed(2, 99, 100, 16_000, false, 0);
  const first = now(out);
  assert.equal(out.relayed(2, 99, 99, 15_840, false, 1), false);
  out.relayed(2, 99, 101, 16_160, false, 20);
  assert.deepEqual(step(first, now(out)), [1, 160, false]);
});

test('the other side starts anew (SSRC, or a jump beyond 3,000): our stream goes on', () => {
  const out = stream();
  out.relayed(2, 99, 100, 16_000, false, 0);
  const first = now(out);
  out.relayed(2, 55, 30_000, 77, false, 20);
  const second = now(out);
  assert.deepEqual(step(first, second), [1, 160, true]);
  out.relayed(2, 55, 40_000, 9_000_000, false, 40);
  assert.deepEqual(step(second, now(out)), [1, 160, true]);
});

test('a week of relay and play keeps to one SSRC and to real time (wraps of both counters)', () => {
  const out = stream();
  const { ssrc } = out;
  out.generated(1, 0, 0);
  const first = now(out);
  for (let frame = 1; frame <= 200_000; frame++) out.generated(1, frame, frame * 20);
  assert.deepEqual(step(first, now(out)), [200_000 & 0xffff, (200_000 * 160) >>> 0, false]);
  assert.equal(out.ssrc, ssrc);
});

test('a relay of hours: no packet is refused when the sequence number comes round, losses and all', () => {
  const out = stream();
  out.relayed(7, 99, 100, 0, false, 0);
  const first = now(out);
  for (let count = 1; count <= 300_000; count++) {
    if (count % 50 === 7) continue;
    assert.ok(out.relayed(7, 99, (100 + count) & 0xffff, (count * 160) >>> 0, false, count * 20), `packet ${count}`);
  }
  assert.deepEqual(step(first, now(out)), [300_000 & 0xffff, (300_000 * 160) >>> 0, false]);
});

test('RFC 3550 6.4.1: the timestamp of a report belongs to its time', () => {
  const out = stream();
  out.generated(1, 0, 0);
  assert.equal(out.timestampAt(1_000), (out.timestamp + 8_000) >>> 0);
});
