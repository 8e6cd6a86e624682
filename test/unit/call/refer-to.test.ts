// Refer-To and message/sipfrag (RFC 3515, RFC 3891, RFC 3420), and what of Refer-To a peer may send (sip-interface.md 5.2).

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readReferTo } from '../../../src/call/refer-to.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../src/sip/grammar/parse.ts';
import { isReferTarget, parseReferTo, sipfrag, sipfragStatus } from '../../../src/sip/grammar/refer.ts';

const CAROL = 'sip:carol@example.com';
const REPLACES = 'a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2';

describe('RFC 3515 2.1: Refer-To', () => {
  test.each<[value: string, target: string]>([
    [CAROL, CAROL],
    [`<${CAROL}>`, `<${CAROL}>`],
    [`  <${CAROL}>  `, `<${CAROL}>`],
    [`Carol <${CAROL};user=phone?X-A=1>;later=2`, `<${CAROL};user=phone?X-A=1>`],
    [`"Not <this> one" <${CAROL}>`, `<${CAROL}>`],
    [String.raw`"a \" <b>" <${CAROL}>`, `<${CAROL}>`],
    [`${CAROL};later=2`, CAROL],
    ['<tel:+4930123>', '<tel:+4930123>'],
  ])('%s', (value, target) => {
    const parsed = parseReferTo(value);
    expect(parsed.ok && parsed.value).toMatchObject({ target, replaces: undefined });
  });

  test.each(['', '<>', '<sip:>', 'nonsense', `<${CAROL}`, `<${CAROL}>, <sip:d@example.com>`, `${CAROL}?X-A=1`])(
    'refused: %j',
    (value) => expect(parseReferTo(value).ok).toBe(false),
  );

  test('RFC 3891 6.1: Replaces in the URI', () => {
    const parsed = parseReferTo(`<${CAROL}?replaces=${REPLACES}&X-A=1>`);
    expect(parsed.ok && parsed.value.replaces).toEqual({ callId: 'a@b', toTag: '1', fromTag: '2', earlyOnly: false });
  });

  test.each(['x', 'a%40b%3Bto-tag%3D1', `${REPLACES}&Replaces=${REPLACES}`])(
    'a Replaces that says nothing: %s',
    (value) => expect(parseReferTo(`<${CAROL}?Replaces=${value}>`).ok).toBe(false),
  );

  test('any text gives a Result', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
        const parsed = parseReferTo(text);
        if (parsed.ok) expect(text).toContain(parsed.value.target);
      }),
    );
  });
});

function refer(referTo: string): Request {
  const text = [
    'REFER sip:gw@192.0.2.1 SIP/2.0',
    'Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKa',
    'From: <sip:b@example.com>;tag=b',
    'To: <sip:a@example.com>;tag=a',
    'Call-ID: c@example.com',
    'CSeq: 7 REFER',
    `Refer-To: ${referTo}`,
    '',
    '',
  ].join('\r\n');
  const parsed = parseMessage(Buffer.from(text));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('test message');
  return parsed.value;
}

describe('[sip 5.2 refer-target] what a peer may ask for', () => {
  const long = (length: number) => `<sip:${'9'.repeat(length - '<sip:@example.com>'.length)}@example.com>`;

  test.each<[value: string, status: number | undefined]>([
    [`<${CAROL}>`, undefined],
    ['<sips:carol@example.com>', undefined],
    ['<tel:+49-30-123;phone-context=x>', undefined],
    [`<${CAROL};method=INVITE>`, undefined],
    [long(256), undefined],
    [long(257), 400],
    // A Replaces needs the room.
    [`<${CAROL}?Replaces=${'a'.repeat(300)}%3Bto-tag%3D1%3Bfrom-tag%3D2>`, undefined],
    [`<${CAROL}?Replaces=${'a'.repeat(1_024)}%3Bto-tag%3D1%3Bfrom-tag%3D2>`, 400],
    ['<mailto:carol@example.com>', 400],
    ['<http://example.com/>', 400],
    ['<tel:x>', 400],
    ['carol', 400],
    [`<${CAROL};method=BYE>`, 603],
    [`<${CAROL};method=SUBSCRIBE>`, 603],
  ])('%.60s → %s', (value, status) => {
    const read = readReferTo(refer(value));
    expect(read.ok ? undefined : read.error.status).toBe(status);
  });
});

describe('RFC 3420: message/sipfrag', () => {
  test('ours', () => expect(sipfrag(486).toString()).toBe('SIP/2.0 486 Busy Here\r\n'));

  test.each<[body: string, status: number | undefined]>([
    ['SIP/2.0 100 Trying', 100],
    ['SIP/2.0 200 OK\r\n', 200],
    ['sip/2.0 603', 603],
    ['\r\nSIP/2.0 180 Ringing\r\nContact: <sip:x>', 180],
    ['SIP/2.0 99 Odd', undefined],
    ['SIP/2.0 700 Odd', undefined],
    ['SIP/2.0 2000', undefined],
    ['INVITE sip:a SIP/2.0', undefined],
    ['', undefined],
  ])('%j', (body, status) => {
    const notify = refer(`<${CAROL}>`);
    expect(sipfragStatus({ ...notify, body: Buffer.from(body) })).toBe(status);
  });
});

test('RFC 3261 25.1: what can stand in our Refer-To as it is', () => {
  expect([CAROL, `${CAROL}?Replaces=${REPLACES}&Any-Header=%20`].every(isReferTarget)).toBe(true);
  const bad = [
    '',
    'carol',
    'tel:+49',
    `<${CAROL}>`,
    `${CAROL}\r\nX: 1`,
    `${CAROL} `,
    `"x" ${CAROL}`,
    'sip:a@b>,<sip:c',
  ];
  expect(bad.filter(isReferTarget)).toEqual([]);
});
