// RTCP compound packets, read back by our reader and by rtp-packet, and the counts of RFC 3550 appendix A behind the reports.

import { strict as assert } from 'node:assert';
import { parseRTCPCompound } from 'rtp-packet';
import { test } from 'vitest';
import { Reception, type ReportBlock } from '../../../src/media/reception.ts';
import { ntpMiddle, RTCP_BYTES_MAX, readCompound, writeCompound } from '../../../src/media/rtcp.ts';

const WALL = Date.UTC(2026, 0, 1) + 250;
const report: ReportBlock = {
  ssrc: 0xaabbccdd,
  fractionLost: 51,
  cumulativeLost: 1_234,
  highestSequence: 0x0001_fff0,
  jitterUnits: 77,
  lastSenderReport: 0x12345678,
  delaySinceUnits: 65_536,
};
const sender = { wallMs: WALL, rtpTimestamp: 0xfffffff0, packets: 250, octets: 40_000 };

function compound(options: Partial<Parameters<typeof writeCompound>[1]>): Buffer {
  const out = Buffer.alloc(RTCP_BYTES_MAX, 0xee);
  const length = writeCompound(out, {
    ssrc: 0x01020304,
    cname: 'aGVsbG8gd29ybGQh',
    sender: null,
    report: null,
    bye: false,
    ...options,
  });
  return out.subarray(0, length);
}

test('RFC 3550 6.4.1, 6.5, 6.6: sender report with a block, CNAME and BYE, as another implementation reads it', () => {
  const [first, second, third, ...rest] = parseRTCPCompound(compound({ sender, report, bye: true }));
  assert.deepEqual(rest, []);
  assert.equal(first!.name, 'SR');
  assert.equal(first!.ssrc, 0x01020304);
  assert.equal(first!.ntpTimestampMsw, Math.floor(WALL / 1_000) + 2_208_988_800);
  assert.equal(first!.rtpTimestamp, 0xfffffff0);
  assert.equal(first!.packetCount, 250);
  assert.equal(first!.octetCount, 40_000);
  assert.deepEqual(first!.reports, [
    {
      mediaSsrc: 0xaabbccdd,
      fractionLost: 51,
      totalLost: 1_234,
      highestSeq: 0x0001_fff0,
      jitter: 77,
      lastSR: 0x12345678,
      delaySinceLastSR: 65_536,
    },
  ]);
  assert.equal(second!.name, 'SDES');
  assert.equal(second!.cname, 'aGVsbG8gd29ybGQh');
  assert.equal(third!.name, 'BYE');
  assert.deepEqual(third!.ssrcs, [0x01020304]);
});

test('RFC 3550 6.4.2: who sent nothing writes a receiver report, empty when it received nothing either', () => {
  const packet = compound({});
  assert.equal(packet.subarray(0, 8).toString('hex'), '80c9000101020304');
  assert.equal(packet.length % 4, 0);
  assert.equal(readCompound(packet, packet.length, 1)?.senderSsrc, 0x01020304);
});

for (const length of [0, 1, 2, 3, 4, 31, 32, 40]) {
  test(`RFC 3550 6.5: a CNAME of ${length} octets fills whole words and is at most 32`, () => {
    const packet = compound({ cname: 'x'.repeat(length), report });
    assert.equal(packet.length % 4, 0);
    const [, description] = parseRTCPCompound(packet);
    assert.equal(description!.cname ?? '', 'x'.repeat(Math.min(32, length)));
  });
}

test('RFC 3550 6.4.1: a negative cumulative loss (duplicates) is 24 bits, signed', () => {
  const packet = compound({ report: { ...report, cumulativeLost: -3 } });
  assert.equal(readCompound(packet, packet.length, report.ssrc)?.report?.cumulativeLost, -3);
});

test('RFC 3550 6.4.1: our reader gives back what was written; a block about another source is not ours', () => {
  const packet = compound({ sender, report, bye: true });
  const summary = readCompound(packet, packet.length, report.ssrc);
  assert.deepEqual(summary, { senderSsrc: 0x01020304, senderReport: ntpMiddle(WALL), report, bye: true });
  assert.equal(readCompound(packet, packet.length, report.ssrc + 1)?.report, null);
});

test('RFC 3550 4: the middle of the NTP time is 16 bits of seconds and 16 of fraction', () => {
  assert.equal(ntpMiddle(WALL) & 0xffff, 0x4000);
  assert.equal(ntpMiddle(WALL) >>> 16, (Math.floor(WALL / 1_000) + 2_208_988_800) & 0xffff);
});

const invalid: [string, string][] = [
  ['empty', ''],
  ['too short', '80c90001'],
  ['not beginning with SR or RR', '81ca00020102030400000000'],
  ['of version 1', '40c9000101020304'],
  ['with a length beyond the end', '80c9000201020304'],
  ['with a broken second packet', '80c900010102030480cb0005'],
  ['with a cut-off second packet', '80c900010102030480cb'],
];
for (const [name, hex] of invalid) {
  test(`RFC 3550 A.2: a compound packet ${name} is refused`, () => {
    const packet = Buffer.from(hex, 'hex');
    assert.equal(readCompound(packet, packet.length, 1), null);
  });
}

test('any bytes and any cut of a good packet give a value, never a throw', () => {
  const good = compound({ sender, report, bye: true });
  for (let size = 0; size <= good.length; size++) {
    const summary = readCompound(good, size, report.ssrc);
    assert.ok(summary === null || summary.senderSsrc === 0x01020304);
  }
  // A count of 31 blocks where there is room for one.
  const liar = Buffer.from(good);
  liar[0] = 0x9f;
  assert.equal(readCompound(liar, liar.length, 0x55)?.report, null);
});

// --- reception

function received(sequences: readonly number[], ssrc = 7): Reception {
  const reception = new Reception();
  for (const [index, sequence] of sequences.entries())
    reception.count(ssrc, sequence & 0xffff, index * 160, index * 20, true);
  return reception;
}

test('RFC 3550 A.3: lost is expected minus received; over a wrap too; reordered packets are no loss', () => {
  assert.equal(received([10, 11, 12]).lost, 0);
  assert.equal(received([10, 12, 15]).lost, 3);
  assert.equal(received([65_534, 65_535, 0, 2]).lost, 1);
  assert.equal(received([10, 13, 12, 11]).lost, 0);
});

test('RFC 3550 A.3: duplicates do not make the loss negative here, but do in the report', () => {
  const reception = received([10, 11, 11, 11]);
  assert.equal(reception.lost, 0);
  assert.equal(reception.report(0).cumulativeLost, -2);
});

test('RFC 3550 A.1: highest sequence number with its cycles', () => {
  assert.equal(received([65_535, 0, 1]).report(0).highestSequence, 0x1_0001);
});

test('RFC 3550 A.3: the fraction lost covers the time since the last report', () => {
  const reception = received([10, 12, 13, 14]);
  assert.equal(reception.report(0).fractionLost, Math.floor(256 / 5));
  reception.count(7, 15, 800, 100, true);
  assert.equal(reception.report(0).fractionLost, 0);
  reception.count(7, 18, 1_280, 160, true);
  assert.equal(reception.report(0).fractionLost, Math.floor((2 * 256) / 3));
});

test('RFC 3550 A.1: a new SSRC or a jump starts anew, the loss of before stays counted', () => {
  const reception = received([10, 13]);
  reception.count(8, 40_000, 0, 60, true);
  assert.equal(reception.lost, 2);
  reception.count(8, 100, 160, 80, true);
  assert.equal(reception.lost, 2);
  assert.equal(reception.report(0).cumulativeLost, 0);
});

test('RFC 3550 A.8: jitter of packets that alternate between 0 and 10 ms late tends to 10 ms', () => {
  const reception = new Reception();
  for (let index = 0; index < 300; index++) reception.count(7, index, index * 160, index * 20 + (index % 2) * 10, true);
  assert.ok(Math.abs(reception.jitterUnits - 80) < 1, `${reception.jitterUnits}`);
});

test('RFC 3550 A.8: even packets have no jitter, and a wrap of the timestamp makes none', () => {
  const reception = new Reception();
  for (let index = 0; index < 100; index++) {
    reception.count(7, index, (0xffff_ff00 + index * 160) >>> 0, 1_000_000 + index * 20, true);
  }
  assert.equal(reception.jitterUnits, 0);
});

test('RFC 3550 6.4.1: time since the last sender report is in 1/65,536 s', () => {
  const reception = received([1]);
  assert.equal(reception.report(500).lastSenderReport, 0);
  reception.senderReport(0xcafe, 1_000);
  assert.equal(reception.report(1_500).lastSenderReport, 0xcafe);
  assert.equal(reception.report(1_500).delaySinceUnits, 32_768);
});
