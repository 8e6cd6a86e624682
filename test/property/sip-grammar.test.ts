// Properties of the SIP grammar: what is printed is read as the same value; any bytes give a Result, on datagrams and streams alike.

import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { createRequest, createResponse, withTopVia } from '../../src/sip/grammar/build.ts';
import { parseCredentials, serializeCredentials } from '../../src/sip/grammar/digest.ts';
import * as fields from '../../src/sip/grammar/fields.ts';
import type { Message } from '../../src/sip/grammar/message.ts';
import { type NameAddr, parseNameAddr, parseNameAddrList, serializeNameAddr } from '../../src/sip/grammar/name-addr.ts';
import { parseMessage } from '../../src/sip/grammar/parse.ts';
import { isSafeHeaderValue, serializeMessage } from '../../src/sip/grammar/serialize.ts';
import { type FramedItem, StreamFramer } from '../../src/sip/grammar/stream-framer.ts';
import { makeSipUri, parseUri, type SipUri, serializeUri, uriEquals } from '../../src/sip/grammar/uri.ts';
import { parseVia, serializeVia, type Via } from '../../src/sip/grammar/via.ts';

const folder = new URL('../fixtures/torture/rfc4475/', import.meta.url);
const samples = readdirSync(folder)
  .filter((file) => file.endsWith('.dat'))
  .map((file) => readFileSync(new URL(file, folder)));

const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/);
const anyText = fc.string({ unit: 'grapheme', maxLength: 20 });
const wellFormed = anyText.map((text) => text.toWellFormed());
const host = fc.oneof(
  fc.stringMatching(/^[a-z]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5})?$/),
  fc.ipV4(),
  fc.ipV6().map((address) => address.toLowerCase()),
);
const port = fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined });
const uri = fc
  .record({
    scheme: fc.constantFrom('sip' as const, 'sips' as const),
    user: fc.option(wellFormed, { nil: undefined }),
    host,
    port,
    params: fc.dictionary(token, fc.option(wellFormed, { nil: undefined }), { maxKeys: 3, noNullPrototype: true }),
    headers: fc.array(
      fc.tuple(
        wellFormed.filter((name) => name !== ''),
        wellFormed,
      ),
      { maxLength: 2 },
    ),
  })
  .map(makeSipUri);
// What a header parameter can hold: no line end, no NUL.
const headerText = wellFormed.filter((text) => !/[\r\n\0]/.test(text));
const params = fc
  .uniqueArray(fc.tuple(token, fc.option(headerText, { nil: undefined })), {
    maxLength: 3,
    selector: ([name]) => name.toLowerCase(),
  })
  .map((entries) => new Map(entries.map(([name, value]) => [name.toLowerCase(), value] as const)));
const address: fc.Arbitrary<NameAddr> = fc.record({
  displayName: fc.option(
    headerText.filter((text) => text !== ''),
    { nil: undefined },
  ),
  uri,
  params,
});
const via: fc.Arbitrary<Via> = fc.record({
  transport: fc.constantFrom('udp', 'tcp', 'tls', 'ws', 'wss', 'sctp'),
  host,
  port,
  branch: fc.option(token, { nil: undefined }),
  received: fc.option(host, { nil: undefined }),
  rport: fc.option(fc.option(fc.integer({ min: 0, max: 65_535 })), { nil: undefined }),
  params: params.map((all) => new Map([...all].filter(([name]) => !['branch', 'received', 'rport'].includes(name)))),
});
const request = fc
  .record({
    method: token,
    uri: uri
      .map((value) => ({ ...value, headers: [] }))
      .filter((value) => serializeUri(value).length < limits.sipUriBytes),
    via,
    from: address,
    to: address,
    callId: token,
    sequence: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    headers: fc.array(
      fc.record({ name: token.map((name) => `X-${name}`), value: headerText.map((text) => text.trim()) }),
      {
        maxLength: 4,
      },
    ),
    body: fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  })
  .map(({ sequence, ...parts }) => createRequest({ ...parts, cseq: { sequence, method: parts.method } }));

describe('RFC 3261: what is printed is read as the same value', () => {
  test('URI', () => {
    fc.assert(
      fc.property(uri, (value: SipUri) => {
        const read = parseUri(serializeUri(value));
        expect(read).toEqual({ ok: true, value });
        expect(read.ok && uriEquals(read.value, value)).toBe(true);
      }),
    );
  });

  test('name-addr', () => {
    fc.assert(
      fc.property(address, (value) => {
        expect(parseNameAddr(serializeNameAddr(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test('lists of name-addr', () => {
    const list = fc.array(address, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(list, (value) => {
        expect(parseNameAddrList(value.map(serializeNameAddr).join(' , '))).toEqual({ ok: true, value });
      }),
    );
  });

  test('Via', () => {
    fc.assert(
      fc.property(via, (value) => {
        expect(parseVia(serializeVia(value))).toEqual({ ok: true, value });
      }),
    );
  });

  test('requests: every field, order and case of the header list, body byte by byte', () => {
    fc.assert(
      fc.property(request, (value) => {
        const read = parseMessage(serializeMessage(value));
        const headers = [...value.headers, { name: 'Content-Length', value: String(value.body.length) }];
        expect(read).toMatchObject({ ok: true, value: { ...value, headers: expect.anything() } });
        expect(read.ok && [...read.value.headers]).toEqual(headers);
      }),
    );
  });

  test('responses and changed Vias', () => {
    fc.assert(
      fc.property(request, token, via, fc.integer({ min: 100, max: 699 }), (value, toTag, top, status) => {
        const response = withTopVia(createResponse(value, status, { toTag }), top);
        const { headers: _, ...typed } = response;
        expect(parseMessage(serializeMessage(response))).toMatchObject({ ok: true, value: typed });
      }),
    );
  });

  test('digest credentials', () => {
    const credentials = fc.record({
      username: headerText,
      realm: headerText,
      nonce: headerText,
      uri: headerText,
      response: headerText,
      algorithm: fc.option(token, { nil: undefined }),
      cnonce: headerText,
      opaque: fc.option(headerText, { nil: undefined }),
      qop: fc.constantFrom('auth', 'auth-int'),
      nc: fc.stringMatching(/^[0-9a-f]{8}$/),
      params: fc.constant(new Map()),
    });
    fc.assert(
      fc.property(credentials, (value) => {
        expect(parseCredentials(serializeCredentials(value))).toEqual({ ok: true, value });
      }),
    );
  });
});

/** Valid messages with a few bytes changed, inserted, removed or doubled. */
const mutated = fc
  .tuple(
    fc.oneof(fc.constantFrom(...samples), request.map(serializeMessage)),
    fc.array(
      fc.record({
        at: fc.nat(4_000),
        length: fc.nat(8),
        put: fc.oneof(
          fc.uint8Array({ maxLength: 4 }),
          fc
            .constantFrom('\r\n', '\n', '\r', '\0', '"', '<', '>', ',', ';', ':', ' ', '\t', '%', '\\', '[', '@', '=')
            .map((text) => Buffer.from(text)),
        ),
      }),
      { maxLength: 4 },
    ),
  )
  .map(([bytes, changes]) =>
    changes.reduce((current: Buffer, { at, length, put }) => {
      const place = current.length === 0 ? 0 : at % current.length;
      return Buffer.concat([current.subarray(0, place), put, current.subarray(place + length)]);
    }, bytes),
  );
const anyBytes = fc.oneof(
  mutated,
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
);

/** Every reader over a message: none may throw, whatever the headers hold. */
function readEverything(message: Message): void {
  fields.contacts(message);
  for (const name of ['record-route', 'route', 'path', 'service-route'] as const) fields.routeSet(message, name);
  for (const name of ['supported', 'require', 'allow', 'proxy-require', 'unsupported'] as const)
    fields.tokens(message, name);
  for (const read of [
    fields.maxForwards,
    fields.expires,
    fields.minExpires,
    fields.rseq,
    fields.rack,
    fields.event,
    fields.subscriptionState,
    fields.contentDisposition,
    fields.contentType,
    fields.sessionExpires,
    fields.minSessionExpires,
    fields.retryAfter,
    fields.reasons,
    fields.userToUser,
    fields.replaces,
    fields.date,
  ]) {
    read(message);
  }
  fields.nameAddrOf(message, 'refer-to');
  fields.nameAddrsOf(message, 'p-asserted-identity');
  parseCredentials(message.headers.get('authorization') ?? '');
}

describe('house style 2.5: no peer can cause a throw', () => {
  test('any datagram is a message or a failure with a status; both can be worked on', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        const result = parseMessage(bytes);
        if (result.ok) {
          readEverything(result.value);
          for (const { value } of result.value.headers) expect(isSafeHeaderValue(value)).toBe(true);
          // Taken once means taken again: what we pass on is not worse than what we took.
          const again = parseMessage(serializeMessage(result.value));
          expect(again).toMatchObject({ ok: true, value: { callId: result.value.callId, cseq: result.value.cseq } });
          if (result.value.kind === 'request') serializeMessage(createResponse(result.value, 400, { toTag: 'x' }));
          return;
        }
        const { status, offset, request: understood } = result.error;
        expect([400, 414, 505, 513]).toContain(status);
        expect(offset).toBeGreaterThanOrEqual(0);
        if (understood) serializeMessage(createResponse(understood, status, { toTag: 'x' }));
      }),
      { numRuns: 2_000 },
    );
  });

  const describeItem = (item: FramedItem) => (item.kind === 'message' ? item.bytes.toString('latin1') : item.kind);
  const isMessageOrFatal = (item: FramedItem) => item.kind === 'message' || item.kind === 'fatal';

  test('a stream gives the same messages however it is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyBytes, { maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1 }),
        (parts, cuts) => {
          const bytes = Buffer.concat(parts);
          const whole = new StreamFramer().push(Buffer.from(bytes)).filter(isMessageOrFatal).map(describeItem);
          const framer = new StreamFramer();
          const pieces: FramedItem[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const step = cuts[turn % cuts.length]!;
            pieces.push(...framer.push(Buffer.from(bytes.subarray(at, at + step))));
            at += step;
          }
          expect(pieces.filter(isMessageOrFatal).map(describeItem)).toEqual(whole);
          expect(framer.pendingBytes).toBeLessThanOrEqual(limits.sipStreamHeaderBytes + limits.sipBodyBytes);
        },
      ),
      { numRuns: 500 },
    );
  });
});
