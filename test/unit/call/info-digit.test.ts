// Keys told by SIP INFO, as phones write them.

import { expect, test } from 'vitest';
import { infoDigit } from '../../../src/call/info-digit.ts';

const RELAY = 'application/dtmf-relay';

test.each([
  [RELAY, 'Signal=5\r\nDuration=160\r\n', '5', 160],
  [RELAY, 'Signal= *\r\nDuration= 250', '*', 250],
  [RELAY, 'signal = d\n', 'D', 100],
  [RELAY, 'Duration=99999\r\nSignal=1', '1', 10_000],
  [RELAY, 'Signal=10\r\n', '*', 100],
  [RELAY, 'Signal=11\r\n', '#', 100],
  ['application/dtmf', '7', '7', 100],
  ['application/dtmf', ' #\r\n', '#', 100],
  ['application/dtmf', '11', '#', 100],
])('[sip 0 dtmf-info] %s %j is %s for %i ms', (type, body, digit, durationMs) => {
  expect(infoDigit(type, Buffer.from(body))).toEqual({ digit, durationMs });
});

test.each([
  [RELAY, ''],
  [RELAY, 'Signal=hf\r\n'],
  [RELAY, 'Signal=55\r\n'],
  [RELAY, 'Signal=\r\n5'],
  [RELAY, 'X-Signal=5'],
  ['application/dtmf', '55'],
  ['application/dtmf', 'Signal=5'],
  ['text/plain', '5'],
  ['application/dtmf-other', 'Signal=5'],
])('[sip 0 dtmf-info] %s %j is no digit', (type, body) => {
  expect(infoDigit(type, Buffer.from(body))).toBeUndefined();
});
