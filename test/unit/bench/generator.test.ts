// The generator's parts: marks in payloads, SIP as text, retransmission, and a call against answers written by hand.

import { describe, expect, test } from 'vitest';
import {
  type Codec,
  LEVELS,
  levelPayloads,
  numberOfLevel,
  PAYLOAD_BYTES,
  readLevel,
} from '../../../src/bench/generator/marks.ts';
import { type Repeated, Repeats } from '../../../src/bench/generator/repeats.ts';
import {
  audioPort,
  audioSdp,
  bodyOf,
  cseqMethod,
  field,
  lines,
  methodOf,
  response,
  routeLines,
  statusOf,
  uriIn,
} from '../../../src/bench/generator/sip-text.ts';
import { aLawToLinear, linearToALaw, linearToMuLaw, muLawToLinear } from '../../../src/media/g711.ts';

describe('levels', () => {
  const each = Array.from({ length: LEVELS }, (_, level) => level);

  test('each is read as it was written, in both codecs', () => {
    for (const codec of ['PCMU', 'PCMA'] as const)
      expect(levelPayloads[codec].map((payload) => readLevel(payload, 0, codec))).toEqual(each);
  });

  test.each([
    ['PCMU', 'PCMA'],
    ['PCMA', 'PCMU'],
  ] as [Codec, Codec][])('each survives from %s to %s', (from, to) => {
    const expand = from === 'PCMU' ? muLawToLinear : aLawToLinear;
    const compress = to === 'PCMU' ? linearToMuLaw : linearToALaw;
    const passed = levelPayloads[from].map((payload) => payload.map((octet) => compress(expand[octet]!)));
    expect(passed.map((payload) => readLevel(payload, 0, to))).toEqual(each);
  });

  test('silence and what is cut off has none', () => {
    expect(readLevel(new Uint8Array(PAYLOAD_BYTES).fill(0xff), 0, 'PCMU')).toBe(-1);
    expect(readLevel(new Uint8Array(PAYLOAD_BYTES).fill(linearToALaw(0)), 0, 'PCMA')).toBe(-1);
    expect(readLevel(new Uint8Array(20), 0, 'PCMU')).toBe(-1);
  });

  test('the number is the latest with this level', () => {
    expect(numberOfLevel(5, 5)).toBe(5);
    expect(numberOfLevel(5, 100)).toBe(69);
    expect(numberOfLevel(31, 30)).toBe(-1);
  });
});

const REQUEST = [
  'INVITE sip:b-7@127.0.0.1:9 SIP/2.0',
  'Via: SIP/2.0/UDP one;branch=1',
  'Via: SIP/2.0/UDP two;branch=2',
  'record-route: <sip:a;lr>, <sip:b;lr>',
  'Record-Route: <sip:c;lr>',
  'From: "A" <sip:a@x>;tag=f',
  'To: <sip:b@x>',
  'call-id:  id-1',
  'CSeq: 7 INVITE',
  'Contact: "N" <sip:n@host:1>;q=1',
  'Content-Length: 4',
  '',
  'body',
].join('\r\n');

describe('SIP as text', () => {
  test('fields, whatever their case, and never those of the body', () => {
    expect(field(REQUEST, 'Call-ID')).toBe('id-1');
    expect(field(REQUEST, 'From')).toBe('"A" <sip:a@x>;tag=f');
    expect(field(`${REQUEST}\r\nSubject: in the body`, 'Subject')).toBe('');
    expect(lines(REQUEST, 'Via').split('\r\n')).toHaveLength(3);
    expect([methodOf(REQUEST), cseqMethod(REQUEST), bodyOf(REQUEST), statusOf(REQUEST)]).toEqual([
      'INVITE',
      'INVITE',
      'body',
      0,
    ]);
    expect(uriIn(field(REQUEST, 'Contact'))).toBe('sip:n@host:1');
    expect(uriIn('sip:n@host;transport=tcp')).toBe('sip:n@host');
  });

  test('RFC 3261 8.2.6: a response has the fields of its request, and our tag', () => {
    const answer = response(REQUEST, '200 OK', 't', 'Contact: <sip:me>\r\n', 'sdp');
    expect(statusOf(answer)).toBe(200);
    expect(lines(answer, 'Via')).toBe(lines(REQUEST, 'Via'));
    expect(field(answer, 'To')).toBe('<sip:b@x>;tag=t');
    expect([field(answer, 'CSeq'), field(answer, 'Content-Length'), bodyOf(answer)]).toEqual(['7 INVITE', '3', 'sdp']);
  });

  test('RFC 3261 12.1.2: the route set of the caller is the reverse of Record-Route', () => {
    expect(routeLines(response(REQUEST, '200 OK', 't', ''))).toBe(
      'Route: <sip:c;lr>\r\nRoute: <sip:b;lr>\r\nRoute: <sip:a;lr>\r\n',
    );
  });

  test('session descriptions', () => {
    expect(audioPort(audioSdp('127.0.0.1', 4_000, 8, undefined))).toBe(4_000);
    expect(audioSdp('127.0.0.1', 4_000, 0, 'a2V5')).toMatch(
      /m=audio 4000 RTP\/SAVP 0 101[\s\S]*a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:a2V5/,
    );
    expect(audioPort('v=0\r\n')).toBe(0);
  });
});

describe('retransmission (RFC 3261 17.1)', () => {
  function sends(longestMs?: number): { at: number[]; gaveUpAt: number | undefined } {
    const repeats = new Repeats();
    const seen: { at: number[]; gaveUpAt: number | undefined } = { at: [], gaveUpAt: undefined };
    let now = 0;
    const what: Repeated = {
      repeat: () => seen.at.push(now) > 0,
      giveUp: () => {
        seen.gaveUpAt = now;
      },
      ...(longestMs === undefined ? {} : { longestMs }),
    };
    repeats.add(what, now);
    for (; now <= 40_000; now += 100) repeats.tick(now);
    expect(repeats.sent).toBe(seen.at.length);
    return seen;
  }

  test('INVITE: the waits double, and end after 64 T1', () => {
    const { at, gaveUpAt } = sends();
    expect(at.slice(0, 6)).toEqual([500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    expect(at).toHaveLength(6);
    expect(gaveUpAt).toBe(32_000);
  });

  test('other requests: up to T2', () => {
    expect(sends(4_000).at.slice(0, 6)).toEqual([500, 1_500, 3_500, 7_500, 11_500, 15_500]);
  });

  test('nothing is sent that is no longer wanted', () => {
    const repeats = new Repeats();
    let asked = 0;
    repeats.add({ repeat: () => ++asked < 0, giveUp: () => {} }, 0);
    for (let now = 0; now < 10_000; now += 100) repeats.tick(now);
    expect([asked, repeats.sent]).toEqual([1, 0]);
  });
});
