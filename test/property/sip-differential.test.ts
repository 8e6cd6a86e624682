// The `sip` package as a second opinion on the common forms: INVITE with SDP, REGISTER and responses. ASCII, IPv4 and names, full
// header names: what it is known to get wrong (IPv6, compact forms, byte lengths) is judged by the RFC 4475 and 5118 tables.

import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRequest, createResponse } from '../../src/sip/grammar/build.ts';
import { contacts, maxForwards, routeSet } from '../../src/sip/grammar/fields.ts';
import type { HeaderField, Message, Request } from '../../src/sip/grammar/message.ts';
import { type NameAddr, nameAddr, serializeNameAddr } from '../../src/sip/grammar/name-addr.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../src/sip/grammar/serialize.ts';
import { isSipUri, makeSipUri, serializeUri, type Uri } from '../../src/sip/grammar/uri.ts';

interface OracleUri {
  readonly schema: string;
  readonly user?: string;
  readonly host: string;
  readonly port: number | null;
  readonly params: Record<string, string | null>;
}
interface OracleAddress {
  readonly name?: string;
  readonly uri: string | OracleUri;
  readonly params: Record<string, string | null>;
}
interface OracleMessage {
  readonly method?: string;
  readonly uri?: string;
  readonly status?: number;
  readonly reason?: string;
  readonly content: string;
  readonly headers: {
    readonly via: readonly {
      readonly protocol: string;
      readonly host: string;
      readonly port?: number;
      readonly params: Record<string, string | null>;
    }[];
    readonly from: OracleAddress;
    readonly to: OracleAddress;
    readonly 'call-id': string;
    readonly cseq: { readonly seq: number; readonly method: string };
    readonly contact?: readonly OracleAddress[];
    readonly 'record-route'?: readonly OracleAddress[];
    readonly 'max-forwards'?: string;
    readonly 'content-length': number;
  };
}
const oracle = createRequire(import.meta.url)('sip') as {
  parse(text: string): OracleMessage | undefined;
  parseUri(text: string): OracleUri;
  stringify(message: OracleMessage): string;
};

const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,7}$/);
const host = fc.oneof(fc.stringMatching(/^[a-z]{1,8}\.(com|net)$/), fc.ipV4());
const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });
const uriParams = fc.record(
  { transport: fc.constantFrom('udp', 'tcp', 'tls'), lr: fc.constant(undefined), line: word },
  { requiredKeys: [] },
);
const uri = fc.record({ user: word, host, port, params: uriParams }).map(makeSipUri);
const displayName = fc.option(fc.stringMatching(/^[A-Za-z]{1,6}( [A-Za-z]{1,6})?$/), { nil: undefined });
const address = (params: fc.Arbitrary<Record<string, string>>): fc.Arbitrary<NameAddr> =>
  fc.tuple(uri, displayName, params).map(([target, name, all]) => nameAddr(target, name, new Map(Object.entries(all))));

const sdp = fc
  .record({ address: fc.ipV4(), port: fc.integer({ min: 1024, max: 65_534 }) })
  .map((media) =>
    Buffer.from(
      `v=0\r\no=- 1 1 IN IP4 ${media.address}\r\ns=-\r\nc=IN IP4 ${media.address}\r\nt=0 0\r\nm=audio ${media.port} RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n`,
    ),
  );

const requestOf = (method: string, body: fc.Arbitrary<Buffer>): fc.Arbitrary<Request> =>
  fc
    .record({
      uri,
      from: address(fc.record({ tag: word })),
      to: address(fc.record({ tag: word }, { requiredKeys: [] })),
      contact: fc.array(
        address(
          fc.record({ q: fc.constantFrom('0.5', '1'), expires: fc.constantFrom('0', '3600') }, { requiredKeys: [] }),
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
      routes: fc.array(address(fc.constant({})), { maxLength: 2 }),
      via: fc.record({
        transport: fc.constantFrom('udp', 'tcp', 'tls'),
        host,
        port,
        branch: word.map((branch) => `z9hG4bK${branch}`),
        received: fc.option(fc.ipV4(), { nil: undefined }),
        rport: fc.constantFrom(undefined, null, 5062),
        params: fc.constant(new Map()),
      }),
      callId: word.map((id) => `${id}@192.0.2.1`),
      sequence: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      body,
    })
    .map(({ contact, routes, sequence, ...parts }) => {
      const headers: HeaderField[] = routes.map((route) => ({ name: 'Record-Route', value: serializeNameAddr(route) }));
      headers.push({ name: 'Contact', value: contact.map(serializeNameAddr).join(', ') });
      if (parts.body.length > 0) headers.push({ name: 'Content-Type', value: 'application/sdp' });
      return createRequest({ ...parts, method, cseq: { sequence, method }, headers });
    });

// One form for both sides.
const plainParams = (params: ReadonlyMap<string, string | undefined> | Record<string, string | null>) => {
  const entries = params instanceof Map ? [...params] : Object.entries(params);
  return Object.fromEntries(entries.map(([name, value]) => [name, value ?? null]));
};
const plainUri = (value: Uri | OracleUri | string) => {
  const read = typeof value === 'string' ? oracle.parseUri(value) : value;
  if ('scheme' in read) {
    if (!isSipUri(read)) return read;
    return {
      scheme: read.scheme,
      user: read.user,
      host: read.host,
      port: read.port ?? null,
      params: plainParams(read.params),
    };
  }
  // The oracle writes null or NaN for a port that is not there.
  return {
    scheme: read.schema,
    user: read.user,
    host: read.host,
    port: read.port || null,
    params: plainParams(read.params),
  };
};
const plainAddress = (value: NameAddr | OracleAddress) => {
  const name = 'displayName' in value ? value.displayName : (value as OracleAddress).name?.replace(/^"(.*)"$/, '$1');
  return { name: name ?? '', uri: plainUri(value.uri), params: plainParams(value.params) };
};

function ours(bytes: Buffer) {
  const result = parseMessage(bytes);
  if (!result.ok) throw new TypeError(result.error.detail);
  const message: Message = result.value;
  const { via } = message;
  const contact = contacts(message);
  const recordRoute = routeSet(message, 'record-route');
  const hops = maxForwards(message);
  return {
    start: message.kind === 'request' ? [message.method, plainUri(message.uri)] : [message.status, message.reason],
    via: [
      via.transport.toUpperCase(),
      via.host,
      via.port ?? null,
      {
        branch: via.branch,
        ...(via.received === undefined ? {} : { received: via.received }),
        ...(via.rport === undefined ? {} : { rport: via.rport === null ? null : String(via.rport) }),
      },
    ],
    from: plainAddress(message.from),
    to: plainAddress(message.to),
    callId: message.callId,
    cseq: [message.cseq.sequence, message.cseq.method],
    contact: contact.ok && contact.value !== '*' && contact.value.map(plainAddress),
    recordRoute: recordRoute.ok && recordRoute.value.map(plainAddress),
    maxForwards: hops?.ok ? String(hops.value) : undefined,
    body: message.body.toString(),
  };
}

function theirs(text: string) {
  const message = oracle.parse(text);
  if (!message) throw new TypeError('the oracle refused the message');
  const { headers } = message;
  const via = headers.via[0]!;
  return {
    start: message.method === undefined ? [message.status, message.reason] : [message.method, plainUri(message.uri!)],
    via: [via.protocol, via.host, via.port ?? null, via.params],
    from: plainAddress(headers.from),
    to: plainAddress(headers.to),
    callId: headers['call-id'],
    cseq: [headers.cseq.seq, headers.cseq.method],
    contact: (headers.contact ?? []).map(plainAddress),
    recordRoute: (headers['record-route'] ?? []).map(plainAddress),
    maxForwards: headers['max-forwards'],
    body: message.content,
  };
}

describe('both parsers read the same from', () => {
  const noBody = fc.constant(Buffer.alloc(0));
  const messages: readonly (readonly [string, fc.Arbitrary<Message>])[] = [
    ['an INVITE with SDP', requestOf('INVITE', sdp)],
    ['a REGISTER', requestOf('REGISTER', noBody)],
    [
      'responses',
      fc
        .tuple(requestOf('INVITE', noBody), fc.constantFrom(100, 180, 200, 302, 404, 486, 503, 603), word, sdp)
        .map(([request, status, toTag, body]) =>
          createResponse(request, status, {
            toTag,
            recordRoute: true,
            body,
            headers: [
              { name: 'Contact', value: request.headers.get('contact')! },
              { name: 'Content-Type', value: 'application/sdp' },
            ],
          }),
        ),
    ],
  ];

  test.each(messages)('%s, as we print it', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (message) => {
        const bytes = serializeMessage(message);
        expect(ours(bytes)).toEqual(theirs(bytes.toString('latin1')));
      }),
      { numRuns: 300 },
    );
  });

  test.each(messages)('%s, as the other prints it', (_name, arbitrary) => {
    fc.assert(
      fc.property(arbitrary, (message) => {
        const printed = oracle.stringify(oracle.parse(serializeMessage(message).toString('latin1'))!);
        expect(ours(Buffer.from(printed, 'latin1'))).toEqual(ours(serializeMessage(message)));
      }),
      { numRuns: 300 },
    );
  });
});

test('the request line is printed as the oracle reads it', () => {
  fc.assert(
    fc.property(uri, (value) => {
      expect(plainUri(oracle.parseUri(serializeUri(value)))).toEqual(plainUri(value));
    }),
  );
});
