// The stateless 503, judged by our own parser and the rules of RFC 3261 8.2.6 and 8.2.7.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import type { Response } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { type Glance, glance } from '../../../../src/sip/transport/glance.ts';
import { Refusals } from '../../../../src/sip/transport/refusal.ts';

const random = (fill: number) => (sizeBytes: number) => Buffer.alloc(sizeBytes, fill);
const settings = { serverHeader: 'Hookswitch', errorValue: '10004 Call concurrency limit exceeded' };

function request(number: number, method = 'INVITE', sentBy = 'pbx.example.com:5070;rport'): Glance {
  const seen = glance(
    [
      `${method} sip:bob@gw.example.com SIP/2.0`,
      `Via: SIP/2.0/UDP ${sentBy};branch=z9hG4bK${number}, SIP/2.0/TCP inner.example.com;branch=z9hG4bKi`,
      'Via: SIP/2.0/UDP last.example.com;branch=z9hG4bKl',
      'From: "Ñandú, \\"x\\"" <sip:alice@example.com>;tag=a1',
      'To: <sip:bob@gw.example.com>',
      `Call-ID: call-${number}@example.com`,
      `CSeq: ${number} ${method}`,
      'Content-Length: 0',
      '\r\n',
    ].join('\r\n'),
  );
  if (!seen) throw new Error('not seen through');
  return seen;
}

function answer(refusals: Refusals, seen: Glance): Response {
  const parsed = parseMessage(refusals.bytes(seen, refusals.key(seen), '203.0.113.9', 41_000));
  if (!parsed.ok || parsed.value.kind !== 'response') throw new Error('no response');
  return parsed.value;
}

describe('8.2.6: the answer', () => {
  test('copies Vias, From, To, Call-ID and CSeq, adds a To tag and says when to come again', () => {
    const response = answer(new Refusals(random(7), settings), request(4));
    expect(response).toMatchObject({ status: 503, reason: 'Service Unavailable', callId: 'call-4@example.com' });
    expect(response.cseq).toMatchObject({ sequence: 4, method: 'INVITE' });
    expect(response.from.params.get('tag')).toBe('a1');
    expect(response.to.params.get('tag')).toMatch(/^r5[0-9a-f]{28}$/);
    const seconds = Number(response.headers.get('retry-after'));
    expect(seconds).toBeGreaterThanOrEqual(limits.retryAfterMinSeconds);
    expect(seconds).toBeLessThanOrEqual(limits.retryAfterMaxSeconds);
    expect(response.headers.get('x-twilio-error')).toBe('10004 Call concurrency limit exceeded');
  });

  test('18.2.1 and RFC 3581: received and rport are filled in, further Vias stay as they are', () => {
    const refusals = new Refusals(random(7), settings);
    const seen = request(4);
    const text = refusals.bytes(seen, refusals.key(seen), '203.0.113.9', 41_000).toString('latin1');
    expect(text).toContain(
      'Via: SIP/2.0/UDP pbx.example.com:5070;branch=z9hG4bK4;received=203.0.113.9;rport=41000, SIP/2.0/TCP inner.example.com;branch=z9hG4bKi\r\nVia: SIP/2.0/UDP last.example.com;branch=z9hG4bKl\r\nFrom: "Ñandú, \\"x\\""',
    );
  });

  test('only a refused call has an error of calls', () => {
    const refusals = new Refusals(random(7), settings);
    expect(answer(refusals, request(1, 'REGISTER')).headers.get('x-twilio-error')).toBeUndefined();
  });
});

describe('8.2.7: without state', () => {
  test('the same request gets the same answer, another one another tag', () => {
    const refusals = new Refusals(random(7), settings);
    const bytes = (number: number) => refusals.bytes(request(number), refusals.key(request(number)), '192.0.2.1', 5060);
    expect(bytes(1).equals(bytes(1))).toBe(true);
    const tags = new Set(
      Array.from({ length: 1_000 }, (_, number) => answer(refusals, request(number)).to.params.get('tag')),
    );
    expect(tags.size).toBe(1_000);
  });

  test('another start of the gateway has other tags', () => {
    const tag = (fill: number) => answer(new Refusals(random(fill), settings), request(1)).to.params.get('tag');
    expect(tag(1)).not.toBe(tag(2));
  });

  test('Retry-After is spread over its whole range', () => {
    const refusals = new Refusals(random(7), settings);
    const counts = new Map<number, number>();
    for (let number = 0; number < 2_000; number++) {
      const seconds = refusals.retryAfter(refusals.key(request(number)));
      counts.set(seconds, (counts.get(seconds) ?? 0) + 1);
    }
    const values = limits.retryAfterMaxSeconds - limits.retryAfterMinSeconds + 1;
    expect(counts.size).toBe(values);
    for (const count of counts.values()) expect(count).toBeGreaterThan(2_000 / values / 2);
  });

  test('what was refused is remembered for the life of its transaction, and no longer', () => {
    const refusals = new Refusals(random(7), settings);
    const key = refusals.key(request(1));
    expect(refusals.isRemembered(key, 1_000)).toBe(false);
    refusals.remember(key, 1_000);
    expect(refusals.isRemembered(key, 2_000)).toBe(true);
    expect(refusals.isRemembered(refusals.key(request(2)), 2_000)).toBe(false);
    expect(refusals.isRemembered(key, 1_000 + limits.refusalRememberedMs)).toBe(true);
    expect(refusals.isRemembered(key, 3_000 + limits.refusalRememberedMs)).toBe(false);
  });

  test('17.2.1: the ACK of a refusal is known by its tag, other ACKs are not', () => {
    const refusals = new Refusals(random(7), settings);
    const seen = request(1);
    const tag = answer(refusals, seen).to.params.get('tag');
    const ack = (to: string) => Buffer.from(`ACK sip:bob@gw SIP/2.0\r\nTo: <sip:bob@gw>;tag=${to}\r\n\r\n`);
    refusals.remember(refusals.key(seen), 0);
    expect(refusals.isOwnAck(ack(tag!), 10)).toBe(true);
    expect(refusals.isOwnAck(ack('5f3c'), 10)).toBe(false);
  });
});
