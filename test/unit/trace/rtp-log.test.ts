// RTP under capture is bounded: per call, in all, and what does not fit is counted.

import { describe, expect, test } from 'vitest';
import { RtpLog, type RtpPacket } from '../../../src/trace/rtp-log.ts';

const packet = (bytes: number): RtpPacket => ({
  wallMs: 0,
  direction: 'in',
  local: { address: '192.0.2.1', port: 4000 },
  remote: { address: '192.0.2.2', port: 4000 },
  payload: new Uint8Array(bytes),
});

describe('[sip 9 capture-rtp-bounds]', () => {
  test('a call keeps so much and no more', () => {
    const log = new RtpLog(1_000, 10_000);
    log.add(
      'CA1',
      Array.from({ length: 5 }, () => packet(180)),
      2,
    );
    expect(log.of('CA1')).toHaveLength(3);
    expect([log.bytes, log.dropped]).toEqual([900, 4]);
  });

  test('calls that have ended make room for those that run; running ones keep theirs', () => {
    const log = new RtpLog(1_000, 1_000);
    log.add('CA1', [packet(280)], 0);
    log.add('CA2', [packet(280)], 0);
    log.ended('CA1');
    log.add('CA3', [packet(280)], 0);
    expect([log.of('CA1').length, log.of('CA2').length, log.of('CA3').length]).toEqual([0, 1, 1]);
    log.add('CA4', [packet(480)], 0);
    expect([log.of('CA4').length, log.dropped]).toEqual([0, 1]);
  });

  test('nothing is left when all is forgotten', () => {
    const log = new RtpLog(1_000, 1_000);
    log.add('CA1', [packet(100)], 0);
    log.forget('CA1');
    log.forget('CA1');
    expect(log.bytes).toBe(0);
  });
});
