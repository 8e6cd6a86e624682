import { describe, expect, test } from 'vitest';
import { isSpecialAddress } from '../../../src/base/private-addresses.ts';
import { ConnectFailure } from '../../../src/webhook/agents.ts';
import { classify, type ExchangeFailure } from '../../../src/webhook/failures.ts';

const coded = (code: string) => Object.assign(new Error('x'), { code });
const connect = (cause: unknown): ExchangeFailure => ({ kind: 'connect', cause: new ConnectFailure('error', cause) });
const network = (code: string): ExchangeFailure => ({
  kind: 'network',
  cause: coded(code),
  isPartial: false,
  isStale: false,
});

// twiml.md 2.4: what happened, error number, retry policy that covers it (2.3).
const rows: [name: string, failure: ExchangeFailure, code: number, retry: string | undefined][] = [
  ['our connect timer', { kind: 'connect', cause: new ConnectFailure('timeout') }, 11201, 'ct'],
  ['ETIMEDOUT', connect(coded('ETIMEDOUT')), 11201, 'ct'],
  ['refused', connect(coded('ECONNREFUSED')), 11202, 'ct'],
  ['all addresses refused', connect(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')])), 11202, 'ct'],
  ['one of several timed out', connect(new AggregateError([coded('ECONNREFUSED'), coded('ETIMEDOUT')])), 11201, 'ct'],
  ['unreachable', connect(coded('EHOSTUNREACH')), 11205, 'ct'],
  ['unknown host', connect(coded('ENOTFOUND')), 11210, undefined],
  ['resolver down', connect(coded('EAI_AGAIN')), 11210, undefined],
  ['private address', { kind: 'connect', cause: new ConnectFailure('privateAddress') }, 11205, undefined],
  ['certificate name', connect(coded('ERR_TLS_CERT_ALTNAME_INVALID')), 11235, 'ct'],
  ['certificate expired', connect(coded('CERT_HAS_EXPIRED')), 11236, 'ct'],
  ['self-signed', connect(coded('DEPTH_ZERO_SELF_SIGNED_CERT')), 11237, 'ct'],
  ['unknown issuer', connect(coded('UNABLE_TO_VERIFY_LEAF_SIGNATURE')), 11237, 'ct'],
  ['handshake', connect(coded('EPROTO')), 11220, 'ct'],
  ['TLS version', connect(coded('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')), 11220, 'ct'],
  ['something without a code', connect(new Error('x')), 11205, 'ct'],
  ['no answer in time', { kind: 'readTimeout', isPartial: false }, 11200, 'rt'],
  ['answer stopped in the middle: not retried', { kind: 'readTimeout', isPartial: true }, 11200, undefined],
  ['too large', { kind: 'tooLarge' }, 11750, undefined],
  ['broken gzip', { kind: 'encoding', detail: 'x' }, 11206, undefined],
  ['not HTTP', network('HPE_INVALID_CONSTANT'), 11206, undefined],
  ['headers too large', network('UND_ERR_HEADERS_OVERFLOW'), 11206, undefined],
  ['wrong Content-Length', network('UND_ERR_RES_CONTENT_LENGTH_MISMATCH'), 11206, undefined],
  ['reset', network('ECONNRESET'), 11205, undefined],
  ['aborted', { kind: 'aborted' }, 11205, undefined],
];

// holds: [twiml 2.3 rp-tls] [twiml 2.4 connect] [twiml 2.4 host] [twiml 2.4 tls] [twiml 2.4 self-signed] [twiml 2.4 protocol]
// holds: [twiml 14 retrieval]
test.each(rows)('twiml.md 2.4: %s [sip 8.4 application-codes]', (_name, failure, code, retry) => {
  expect(classify(failure)).toMatchObject({ code, retry });
});

const special =
  '127.0.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 224.0.0.1 255.255.255.255 ' +
  '::1 :: fe80::1 fd00::1 ::ffff:10.0.0.1 [::1] ff02::1 64:ff9b::a00:1 2002:a00:1::';

describe('design.md 9: SSRF guard, addresses', () => {
  test.each(special.split(' '))('%s is refused [rest 21 private-addresses]', (address) => {
    expect(isSpecialAddress(address)).toBe(true);
  });

  test.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8', 'host.example', 'localhost'])('%s is not', (host) => {
    expect(isSpecialAddress(host)).toBe(false);
  });
});
