// Bodies of several parts (RFC 2046 5.1, RFC 5621): written so that our own reader, and anybody's, finds the session description.

import { expect, test } from 'vitest';
import { createRequest } from '../../../../src/sip/grammar/build.ts';
import { nameAddr } from '../../../../src/sip/grammar/name-addr.ts';
import { makeSipUri } from '../../../../src/sip/grammar/uri.ts';
import { sdpOf } from '../../../../src/sip/ua/body.ts';
import { type BodyPart, mixedBody } from '../../../../src/sip/ua/multipart.ts';

const part = (type: string, text: string): BodyPart => ({
  headers: [{ name: 'Content-Type', value: type }],
  body: Buffer.from(text),
});

test('[RFC 2046 5.1.1] the parts stand between delimiters, each with its headers and an empty line', () => {
  const { headers, body } = mixedBody([part('application/sdp', 'v=0\r\n'), part('text/plain', 'hä')], 'b1');
  expect(headers).toEqual([
    { name: 'MIME-Version', value: '1.0' },
    { name: 'Content-Type', value: 'multipart/mixed;boundary=b1' },
  ]);
  expect(body.toString()).toBe(
    '--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nContent-Type: text/plain\r\n\r\nhä\r\n--b1--\r\n',
  );
});

test('[RFC 5621 3] the session description is found in it, whatever stands beside it', () => {
  const { headers, body } = mixedBody(
    [part('application/pidf+xml', '<presence/>'), part('application/sdp', 'v=0\r\n')],
    'b1',
  );
  const uri = makeSipUri({ user: '911', host: 'example.com' });
  const request = createRequest({
    method: 'INVITE',
    uri,
    via: {
      transport: 'udp',
      host: 'a',
      port: 5060,
      branch: 'z9hG4bK1',
      received: undefined,
      rport: null,
      params: new Map(),
    },
    from: nameAddr(uri),
    to: nameAddr(uri),
    callId: 'c',
    cseq: { sequence: 1, method: 'INVITE' },
    headers,
    body,
  });
  expect(sdpOf(request)).toBe('v=0\r\n');
});
