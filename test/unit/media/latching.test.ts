// The source rule (design.md 6, "Addresses"), row by row, and the latch that applies it.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { Latch, type LatchState, latchTable, type SourceKind, type Verdict } from '../../../src/media/latching.ts';

const SDP = '203.0.113.5';
const SIGNALLING = '198.51.100.7';
const STRANGER = '192.0.2.66';
const PORT = 4_000;

const strict = { signallingAddress: SIGNALLING, nat: false };
const natted = { signallingAddress: SIGNALLING, nat: true };

function latch(rule = strict, nowMs = 0): Latch {
  const made = new Latch();
  made.describe(SDP, PORT, rule, nowMs);
  return made;
}

/** Sends packets as far as they are accepted; returns on which of them the source was latched, or -1. */
function feed(to: Latch, address: string, port: number, nowMs: number, count = 3, ssrc = 1): number {
  let latchedAt = -1;
  for (let index = 0; index < count; index++) {
    if (to.judge(address, port, nowMs) === 'refuse') continue;
    if (to.accept(address, port, ssrc, nowMs)) latchedAt = index;
  }
  return latchedAt;
}

const rows: [SourceKind, LatchState, Verdict][] = [
  ['latched', 'latched', 'accept'],
  ['latched', 'quiet', 'accept'],
  ['described', 'open', 'candidate'],
  ['described', 'latched', 'candidate'],
  ['described', 'quiet', 'candidate'],
  ['describedHost', 'open', 'candidate'],
  ['describedHost', 'latched', 'refuse'],
  ['describedHost', 'quiet', 'candidate'],
  ['signalling', 'open', 'candidate'],
  ['signalling', 'latched', 'refuse'],
  ['signalling', 'quiet', 'candidate'],
  ['natted', 'open', 'candidate'],
  ['natted', 'latched', 'refuse'],
  ['natted', 'quiet', 'candidate'],
  ['stranger', 'open', 'refuse'],
  ['stranger', 'latched', 'refuse'],
  ['stranger', 'quiet', 'refuse'],
];
describe('design.md 6: the table', () => {
  for (const [kind, state, verdict] of rows) {
    test(`${kind}, ${state} → ${verdict}`, () => assert.equal(latchTable[kind][state], verdict));
  }
});

describe('kinds of sources', () => {
  test("the SDP's address and port, and its address with another port", () => {
    assert.equal(latch().kindOf(SDP, PORT, 0), 'described');
    assert.equal(latch().kindOf(SDP, PORT + 2, 0), 'describedHost');
  });

  test('the signalling address counts for five seconds after an SDP change, from any port', () => {
    const made = latch();
    assert.equal(made.kindOf(SIGNALLING, 1, limits.latchWindowMs), 'signalling');
    assert.equal(made.kindOf(SIGNALLING, 1, limits.latchWindowMs + 1), 'stranger');
    made.describe(SDP, PORT, strict, 60_000);
    assert.equal(made.kindOf(SIGNALLING, 1, 60_000 + limits.latchWindowMs), 'signalling');
  });

  test('on a domain with nat: true anyone, at any time; else nobody', () => {
    assert.equal(latch(natted).kindOf(STRANGER, 1, 1e6), 'natted');
    assert.equal(latch(strict).kindOf(STRANGER, 1, 1), 'stranger');
  });

  test('an SDP without an address describes nobody', () => {
    const made = new Latch();
    made.describe(null, 0, strict, 0);
    assert.equal(made.kindOf('', 0, 0), 'latched', 'no socket gives an empty address');
    assert.equal(made.kindOf(STRANGER, 1, 0), 'stranger');
  });
});

describe('latching', () => {
  test('three packets of one SSRC latch a source, the first two do not', () => {
    const made = latch();
    assert.equal(feed(made, SDP, PORT, 0, 2), -1);
    assert.equal(made.isLatched, false);
    assert.equal(feed(made, SDP, PORT, 0, 1), 0);
    assert.deepEqual([made.address, made.port], [SDP, PORT]);
  });

  test('packets of different SSRCs do not add up', () => {
    const made = latch();
    for (let ssrc = 0; ssrc < 10; ssrc++) assert.equal(feed(made, SDP, PORT, 0, 2, ssrc), -1);
  });

  test('once latched, another source is refused even where nat: true', () => {
    const made = latch(natted);
    feed(made, '10.0.0.9', 777, 0);
    assert.equal(made.judge(STRANGER, 1, 100), 'refuse');
    assert.equal(made.judge('10.0.0.9', 778, 100), 'refuse');
    assert.equal(made.judge('10.0.0.9', 777, 100), 'accept');
  });

  test("the SDP's own source is always accepted and takes the latch back", () => {
    const made = latch(natted);
    feed(made, '10.0.0.9', 777, 0);
    assert.equal(feed(made, SDP, PORT, 100), 2);
    assert.equal(made.address, SDP);
  });

  test("two sources at once: the first keeps its chance, the SDP's goes before it", () => {
    const made = latch(natted);
    feed(made, STRANGER, 1, 0, 1);
    assert.equal(made.judge('192.0.2.67', 1, 10), 'refuse');
    assert.equal(made.judge(STRANGER, 1, 10), 'candidate');
    assert.equal(made.judge(SDP, PORT, 10), 'candidate');
    assert.equal(made.judge('192.0.2.67', 1, limits.latchSilenceMs), 'candidate', 'the first fell silent');
  });

  test('two seconds of silence open the latch for others; the latched source stays the target', () => {
    const made = latch(natted);
    feed(made, '10.0.0.9', 777, 0);
    assert.equal(made.state(limits.latchSilenceMs - 1), 'latched');
    assert.equal(made.state(limits.latchSilenceMs), 'quiet');
    assert.equal(made.address, '10.0.0.9');
    assert.equal(feed(made, '10.0.0.9', 900, limits.latchSilenceMs), 2);
    assert.equal(made.port, 900);
  });

  test('an SDP with another address starts anew', () => {
    const made = latch();
    feed(made, SDP, PORT, 0);
    made.describe(SDP, PORT + 10, strict, 100);
    assert.equal(made.isLatched, false);
    assert.equal(made.judge(SDP, PORT, 100), 'candidate', 'same host, other port');
  });

  test('interop: after a re-INVITE with the same SDP a client behind NAT may come from a new port', () => {
    const made = latch();
    assert.equal(feed(made, SIGNALLING, 777, 1_000), 2);
    assert.equal(made.judge(SIGNALLING, 900, 1_500), 'refuse');
    made.describe(SDP, PORT, strict, 60_000);
    assert.deepEqual([made.address, made.port], [SIGNALLING, 777], 'we go on sending there');
    assert.equal(feed(made, SIGNALLING, 900, 60_100), 2);
    assert.deepEqual([made.address, made.port], [SIGNALLING, 900]);
  });

  test('after a re-INVITE three packets of the latched source close the latch again', () => {
    const made = latch();
    feed(made, SIGNALLING, 777, 1_000);
    made.describe(SDP, PORT, strict, 60_000);
    feed(made, SIGNALLING, 777, 60_010);
    assert.equal(made.state(60_020), 'latched');
    assert.equal(made.judge(SIGNALLING, 900, 60_020), 'refuse');
  });
});
