// What stands on the arrows: the direction of the SDP outlives the reason phrase, and arrows are as long as the terminal allows.

import { describe, expect, test } from 'vitest';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { drawLadder } from '../../../src/trace/ladder.ts';
import { cut, fit, messageLabel, shown } from '../../../src/trace/ladder-labels.ts';
import type { TracedFamily } from '../../../src/trace/trace.ts';

interface Sample {
  readonly start: string;
  readonly method?: string;
  /** Direction in its SDP; empty = SDP without one; absent = no SDP. */
  readonly sdp?: string;
}

function bytesOf({ start, method, sdp }: Sample): Buffer {
  const body = sdp === undefined ? '' : `v=0\r\n${sdp === '' ? '' : `a=${sdp}\r\n`}`;
  const lines = [
    start,
    'Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1',
    'From: <sip:alice@office.example>;tag=1',
    'To: <sip:bob@office.example>;tag=2',
    'Call-ID: c1',
    `CSeq: 1 ${method ?? 'INVITE'}`,
    'Max-Forwards: 70',
    ...(sdp === undefined ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${body.length}`,
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}

function labelOf(sample: Sample) {
  const parsed = parseMessage(bytesOf(sample));
  if (!parsed.ok) throw new Error(parsed.error.detail);
  return messageLabel(parsed.value);
}

const ok = (sdp?: string, method = 'INVITE'): Sample => ({
  start: 'SIP/2.0 200 OK',
  method,
  ...(sdp === undefined ? {} : { sdp }),
});

describe('labels', () => {
  const invite: Sample = { start: 'INVITE sip:bob@office.example SIP/2.0', sdp: 'sendonly' };
  const refusal: Sample = { start: 'SIP/2.0 407 Proxy Authentication Required' };
  const progress: Sample = { start: 'SIP/2.0 183 Session Progress', sdp: '' };
  test.each<readonly [Sample, number, string]>([
    [ok('recvonly'), 40, '200 OK (SDP recvonly)'],
    [ok('recvonly'), 20, '200 (SDP recvonly)'],
    [ok('recvonly'), 18, '200 (SDP recvonly)'],
    [ok('recvonly'), 14, '200 (recvonly)'],
    [ok('recvonly'), 10, '200 (recv…'],
    [ok('sendrecv'), 40, '200 OK (SDP)'],
    [ok(undefined, 'BYE'), 10, '200 OK BYE'],
    [ok(undefined, 'BYE'), 9, '200 BYE'],
    [ok('inactive', 'UPDATE'), 24, '200 UPDATE (inactive)'],
    [invite, 21, 'INVITE (SDP sendonly)'],
    [invite, 20, 'INVITE (sendonly)'],
    [progress, 26, '183 Session Progress (SDP)'],
    [progress, 18, '183 (SDP)'],
    [refusal, 40, '407 Proxy Authentication Required'],
    [refusal, 18, '407 Proxy Authent…'],
    [{ start: 'SIP/2.0 200 ' }, 40, '200'],
  ])('%j in %i cells: %s', (sample, room, expected) => {
    expect(fit(labelOf(sample), room)).toBe(expected);
  });

  test('cut never gives more than the room', () => {
    expect([cut('abc', 3), cut('abcd', 3), cut('abcd', 1), cut('abcd', 0)]).toEqual(['abc', 'ab…', '…', '']);
  });

  test('text of a peer loses what a terminal would obey: controls, direction marks, half characters', () => {
    expect(shown('a\u001b[2Jb\u009bc\u202ed\u2028e\ud800f')).toBe('a·[2Jb·c·d·e·f');
    expect(shown('Zürich ☎')).toBe('Zürich ☎');
  });
});

describe('widths', () => {
  /** One message from each of `peers` callers' Call-IDs. */
  function family(peers: number): TracedFamily {
    const entries = Array.from({ length: peers }, (_, index) => ({
      kind: 'sip' as const,
      atMs: index,
      wall: 0,
      direction: 'out' as const,
      callId: `c${index}`,
      text: bytesOf({ start: 'SIP/2.0 200 OK', sdp: 'recvonly' }).toString('latin1'),
      flow: { transport: 'udp', localAddress: '', localPort: 0, remoteAddress: '192.0.2.7', remotePort: 5060 },
    }));
    return { callSids: [], accountSid: '', isOver: true, owners: new Map(), entries, dropped: 0 };
  }
  const widest = (drawn: string) => Math.max(...drawn.split('\n').map((line) => line.length));

  test('where there is room, the longest label stands whole', () => {
    const drawn = drawLadder(family(1), { width: 80 });
    expect(drawn).toContain('│─ 200 OK (SDP recvonly) ─▶│');
    expect(widest(drawn)).toBeLessThanOrEqual(80);
  });

  test('where there is less, the drawing stays within the terminal and keeps the direction', () => {
    for (const [peers, width] of [
      [2, 80],
      [3, 90],
      [4, 132],
    ] as const) {
      const drawn = drawLadder(family(peers), { width });
      expect(widest(drawn)).toBeLessThanOrEqual(width);
      expect(drawn.match(/recvonly\)/g)).toHaveLength(peers);
    }
  });

  test('a narrow terminal does not squeeze the columns until nothing can be read', () => {
    const drawn = drawLadder(family(6), { width: 40 });
    expect(drawn.match(/recvonly\)/g)).toHaveLength(6);
  });

  test('our own side is called as told', () => {
    expect(drawLadder(family(1), { self: 'alice' }).split('\n')[0]).toMatch(
      /^ t\(ms\) {2}alice +bob 192\.0\.2\.7:5060$/,
    );
  });
});
