// What a speech service says of its refusal is told in its own words, short and printable, whatever its body is.

import { expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { reasonOfRefusal } from '../../../src/speech/refusal.ts';

test.each<[body: string, reason: string]>([
  ['{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}', ': Incorrect API key provided'],
  ['{"error":"model not found"}', ': model not found'],
  ['{"detail":"Not Found"}', ': Not Found'],
  ['{"message":"no"}', ': no'],
  ['{"error":{"message":"two\\r\\nlines \\u0000 and Grüße"}}', ': two lines and Grüße'],
  ['{"error":{"message":{}}}', ''],
  ['{"error":{"message":"  "}}', ''],
  ['{"detail":[{"loc":1}]}', ''],
  ['null', ''],
  ['[]', ''],
  ['"text"', ''],
  ['<html>Bad Gateway</html>', ''],
  ['', ''],
])('%s', (body, reason) => {
  expect(reasonOfRefusal(Buffer.from(body))).toBe(reason);
});

test('is cut', () => {
  const reason = reasonOfRefusal(Buffer.from(JSON.stringify({ error: { message: 'x'.repeat(100_000) } })));
  expect(reason).toHaveLength(': '.length + limits.engineReasonChars);
});
