// RFC 3261 7.5, 18.3 and RFC 5626 3.5.1: cutting messages and keep-alives out of a byte stream.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { type FramedItem, StreamFramer } from '../../../../src/sip/grammar/stream-framer.ts';

const message = (callId: string, body = '', contentLength = `Content-Length: ${Buffer.byteLength(body)}`) =>
  `MESSAGE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n` +
  `To: <sip:b@example.com>\r\nCall-ID: ${callId}\r\nCSeq: 1 MESSAGE\r\n${contentLength}\r\n\r\n${body}`;

/** Short names: the Call-ID and body of a message, `ping`, `pong`, `bad 400`, `fatal 513`. */
const nameOf = (item: FramedItem): string => {
  if (item.kind === 'fatal') return `fatal ${item.failure.status}`;
  if (item.kind !== 'message') return item.kind;
  return item.result.ok ? `${item.result.value.callId}:${item.result.value.body}` : `bad ${item.result.error.status}`;
};

const feed = (framer: StreamFramer, ...chunks: (string | Buffer)[]): string[] =>
  chunks.flatMap((chunk) => framer.push(Buffer.from(chunk)).map(nameOf));

const everyCut = (text: string): string[][] => {
  const bytes = Buffer.from(text);
  const results: string[][] = [];
  for (let at = 1; at < bytes.length; at++) {
    results.push(feed(new StreamFramer(), bytes.subarray(0, at), bytes.subarray(at)));
  }
  return results;
};

describe('messages', () => {
  test('two in one chunk, and cut in two at every place', () => {
    const text = message('one', 'hällo') + message('two', 'x\r\n\r\ny');
    const expected = ['one:hällo', 'two:x\r\n\r\ny'];
    expect(feed(new StreamFramer(), text)).toEqual(expected);
    for (const result of everyCut(text)) expect(result).toEqual(expected);
  });

  test('byte by byte, nothing is held when a message is complete', () => {
    const framer = new StreamFramer();
    const text = message('one', 'body');
    expect(feed(framer, ...Buffer.from(text).toString('latin1').split(''))).toEqual(['one:body']);
    expect(framer.pendingBytes).toBe(0);
    feed(framer, 'MESS');
    expect(framer.pendingBytes).toBe(4);
  });

  test('lone line feeds end lines too', () => {
    expect(feed(new StreamFramer(), message('one', 'b').replaceAll('\r\n', '\n'))).toEqual(['one:b']);
  });

  test.each(['l: 4', 'CONTENT-LENGTH : 4', 'Content-Length:\r\n  4', 'l:4\r\nContent-Length: 4'])(
    '%j is understood',
    (field) => {
      expect(feed(new StreamFramer(), message('one', 'body', field))).toEqual(['one:body']);
    },
  );

  test('a broken message whose end is known leaves the stream in step', () => {
    const broken = message('one', 'body').replace('CSeq: 1 MESSAGE', 'CSeq: x');
    expect(feed(new StreamFramer(), broken + message('two'))).toEqual(['bad 400', 'two:']);
  });

  test('the bytes of a message do not change when the chunk is reused', () => {
    const chunk = Buffer.from(message('one', 'body'));
    const items = new StreamFramer().push(chunk);
    chunk.fill(0);
    expect(items.map(nameOf)).toEqual(['one:body']);
  });
});

describe('RFC 5626 3.5.1: keep-alives', () => {
  test.each([
    [['\r\n\r\n'], ['ping']],
    [['\r\n'], ['pong']],
    [
      ['\r\n', '\r\n'],
      ['pong', 'pong'],
    ],
    [['\r', '\n', '\r', '\n'], ['ping']],
    [['\r\n\r', '\n'], ['ping']],
    [['\r\n\r\n\r\n\r\n'], ['ping', 'ping']],
    [[`\r\n\r\n${message('one')}\r\n\r\n`], ['ping', 'one:', 'ping']],
    [[`\r\n${message('one')}\r\n${message('two')}`], ['pong', 'one:', 'pong', 'two:']],
    [
      ['\r', '\n', message('one')],
      ['pong', 'one:'],
    ],
    [['\n\n'], []],
  ])('%j', (chunks, expected) => {
    expect(feed(new StreamFramer(), ...chunks)).toEqual(expected);
  });
});

describe('framing is lost', () => {
  const cases: readonly (readonly [string, string, number, boolean])[] = [
    ['RFC 3261 18.3: no Content-Length', message('one', '', 'X: y'), 400, true],
    ['a negative Content-Length', message('one', '', 'Content-Length: -1'), 400, true],
    ['two Content-Lengths that differ', message('one', 'abcd', 'Content-Length: 4\r\nl: 2'), 400, true],
    ['a body above the limit', message('one', '', `Content-Length: ${limits.sipBodyBytes + 1}`), 513, true],
    ['no SIP at all', '\x16\x03\x01\x02\x00', 400, false],
    ['a header block that does not end', `X: ${'y'.repeat(limits.sipStreamHeaderBytes)}`, 513, false],
  ];
  test.each(cases)('%s', (_title, text, status, isAnswerable) => {
    for (const chunks of [[text], text.match(/[\s\S]{1,97}/g)!]) {
      const framer = new StreamFramer();
      const items = chunks.flatMap((chunk) => framer.push(Buffer.from(chunk, 'latin1')));
      expect(items.map(nameOf)).toEqual([`fatal ${status}`]);
      expect(items[0]?.kind === 'fatal' && items[0].failure.request !== undefined).toBe(isAnswerable);
      expect(framer.pendingBytes).toBe(0);
      expect(framer.push(Buffer.from(message('two')))).toEqual([]);
    }
  });
});

test('work is linear: a large header block byte by byte looks at each byte once', () => {
  // Counts, not times: every search starts where the last one ended, so the sum of what is searched is what was fed.
  const text = Buffer.from(`X-Filler: ${'y'.repeat(20_000)}\r\n`);
  let searched = 0;
  const framer = new StreamFramer();
  const indexOf = Buffer.prototype.indexOf;
  Buffer.prototype.indexOf = function (this: Buffer, value: string | number | Uint8Array, from?: number) {
    searched += this.length - (from ?? 0);
    return indexOf.call(this, value as number, from);
  } as typeof indexOf;
  try {
    for (const byte of text) framer.push(Buffer.of(byte));
  } finally {
    Buffer.prototype.indexOf = indexOf;
  }
  expect(searched).toBeLessThanOrEqual(2 * text.length);
});
