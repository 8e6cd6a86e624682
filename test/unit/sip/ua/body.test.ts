// SDP in message bodies, alone and in multiparts (RFC 5621, RFC 2046), and the session timer headers (RFC 4028).

import { describe, expect, test } from 'vitest';
import type { HeaderField, Request } from '../../../../src/sip/grammar/message.ts';
import { isForeignBody, sdpOf } from '../../../../src/sip/ua/body.ts';
import { maxForwardsOf } from '../../../../src/sip/ua/header-fields.ts';
import { seededRandom } from '../../../support/network.ts';
import { testRequest } from '../../../support/requests.ts';

const SDP = 'v=0\r\ns=Grüße\r\n';

function invite(headers: readonly HeaderField[], body = ''): Request {
  const options = { random: seededRandom(1).bytes, from: '192.0.2.1', to: '192.0.2.2', headers };
  return { ...testRequest('INVITE', options), body: Buffer.from(body, 'utf8') };
}
const typed = (value: string, body: string, more: readonly HeaderField[] = []) =>
  invite([{ name: 'Content-Type', value }, ...more], body);

const part = (type: string, body: string) => `Content-Type: ${type}\r\n\r\n${body}`;
const multipart = (...parts: string[]) => `preamble\r\n--b1\r\n${parts.join('\r\n--b1\r\n')}\r\n--b1--\r\nepilogue`;

describe('sdpOf', () => {
  test.each([
    ['no body', invite([]), undefined, false],
    ['application/sdp', typed('application/sdp', SDP), SDP, false],
    ['parameters and case', typed('Application/SDP; charset=utf-8', SDP), SDP, false],
    ['another type', typed('text/plain', 'hello'), undefined, true],
    ['a body without type', invite([], 'hello'), undefined, true],
    ['encoded', typed('application/sdp', SDP, [{ name: 'Content-Encoding', value: 'gzip' }]), undefined, true],
    [
      'multipart, second part',
      typed('multipart/mixed;boundary=b1', multipart(part('application/isup', 'x'), part('application/sdp', SDP))),
      SDP,
      false,
    ],
    [
      'multipart, quoted boundary',
      typed('multipart/related; boundary="b1"', multipart(part('application/sdp', SDP))),
      SDP,
      false,
    ],
    [
      'multipart without SDP',
      typed('multipart/mixed;boundary=b1', multipart(part('text/plain', 'x'))),
      undefined,
      true,
    ],
    ['multipart without boundary', typed('multipart/mixed', multipart(part('application/sdp', SDP))), undefined, true],
    [
      'multipart, SDP behind the end',
      typed('multipart/mixed;boundary=b1', `--b1\r\n\r\nx\r\n--b1--\r\n--b1\r\n${part('application/sdp', SDP)}`),
      undefined,
      true,
    ],
    [
      'multipart with too many parts',
      typed(
        'multipart/mixed;boundary=b1',
        multipart(...Array<string>(9).fill(part('text/plain', '')), part('application/sdp', SDP)),
      ),
      undefined,
      true,
    ],
  ])('%s', (_name, message, sdp, isForeign) => {
    expect(sdpOf(message)).toBe(sdp);
    expect(isForeignBody(message)).toBe(isForeign);
  });
});

test.each([
  ['12', 12],
  ['0', 0],
  ['abc', 70],
  ['-1', 70],
])('Max-Forwards %s counts as %i (RFC 3261 16.6 3)', (value, expected) => {
  expect(maxForwardsOf(invite([{ name: 'Max-Forwards', value }]))).toBe(expected);
});
