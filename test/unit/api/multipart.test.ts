import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { urlencodedOf } from '../../../src/api/multipart.ts';

const BOUNDARY = '----------------851486735732654924280224';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

const part = (head: string, value: string) =>
  `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
const bodyOf = (...parts: string[]) => Buffer.from(`${parts.join('')}--${BOUNDARY}--\r\n`);

test('fields become urlencoded text in their order, repeated names and all of UTF-8 included', async () => {
  const body = bodyOf(
    part('name="To"', 'client:agent1'),
    part('name="StatusCallbackEvent"', 'initiated'),
    part('name="StatusCallbackEvent"', 'answered'),
    part('name="FriendlyName"', 'Grüße & = +1'),
    part('name="Empty"', ''),
  );
  const form = await urlencodedOf(TYPE, body);
  expect(form.ok && [...new URLSearchParams(form.value)]).toEqual([
    ['To', 'client:agent1'],
    ['StatusCallbackEvent', 'initiated'],
    ['StatusCallbackEvent', 'answered'],
    ['FriendlyName', 'Grüße & = +1'],
    ['Empty', ''],
  ]);
});

describe('refused with a sentence', () => {
  test.each([
    ['a file', TYPE, bodyOf(part('name="Media"; filename="x.wav"', 'RIFF')), /Media is a file/],
    ['no boundary', 'multipart/form-data', bodyOf(part('name="To"', 'x')), /not the multipart/],
    ['another boundary', 'multipart/form-data; boundary=other', bodyOf(part('name="To"', 'x')), /not the multipart/],
    ['cut off', TYPE, bodyOf(part('name="To"', 'x')).subarray(0, 60), /not the multipart/],
    ['a part without a name', TYPE, bodyOf(part('filename="x"', 'x')), /not the multipart/],
  ])('%s', async (_name, type, body, sentence) => {
    expect(await urlencodedOf(type, body)).toMatchObject({ ok: false, error: expect.stringMatching(sentence) });
  });
});

test('any bytes give a result', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, hasFrame) => {
      const body = hasFrame ? Buffer.concat([Buffer.from(`--${BOUNDARY}\r\n`), bytes]) : Buffer.from(bytes);
      expect(typeof (await urlencodedOf(TYPE, body)).ok).toBe('boolean');
    }),
  );
});
