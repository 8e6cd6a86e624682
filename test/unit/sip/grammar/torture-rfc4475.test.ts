// RFC 4475: all 49 torture messages, each with the verdict that the RFC's text asks for. The .dat files hold the RFC's messages;
// copies in circulation differ only in a CRLF behind the last line, on which no verdict depends.
// Every message is read as a datagram and, through the stream framer, whole, byte by byte and with a second message behind it.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createResponse } from '../../../../src/sip/grammar/build.ts';
import { parseCredentials } from '../../../../src/sip/grammar/digest.ts';
import { contacts, date, maxForwards, tokens } from '../../../../src/sip/grammar/fields.ts';
import type { Message, Request } from '../../../../src/sip/grammar/message.ts';
import { type ParseFailure, parseMessage } from '../../../../src/sip/grammar/parse.ts';
import { serializeMessage } from '../../../../src/sip/grammar/serialize.ts';
import { type FramedItem, StreamFramer } from '../../../../src/sip/grammar/stream-framer.ts';

const folder = new URL('../../../fixtures/torture/rfc4475/', import.meta.url);
const sample = (name: string): Buffer => readFileSync(new URL(`${name}.dat`, folder));

/**
 * valid: the parser takes it. semantic: the parser takes it and the layer named in the note deals with it.
 * A number: a request to be answered with that status. discard: a response to be dropped.
 */
type Verdict = 'valid' | 'semantic' | 'discard' | number;
/** On a stream: as the datagram unless Content-Length does not say where the message ends. */
type OnStream = 'same' | 'fatal' | 'waits';
type Row = readonly [section: string, name: string, verdict: Verdict, note: string, onStream?: OnStream];

const table: readonly Row[] = [
  ['3.1.1.1', 'wsinv', 'valid', 'short tortuous INVITE'],
  ['3.1.1.2', 'intmeth', 'valid', 'wide range of valid characters'],
  ['3.1.1.3', 'esc01', 'valid', '% escapes'],
  ['3.1.1.4', 'escnull', 'valid', 'escaped nulls in URIs'],
  ['3.1.1.5', 'esc02', 'valid', '% when it is not an escape'],
  ['3.1.1.6', 'lwsdisp', 'valid', 'no LWS between display name and <'],
  ['3.1.1.7', 'longreq', 'valid', 'long values in header fields'],
  ['3.1.1.8', 'dblreq', 'valid', 'extra trailing octets in a datagram'],
  ['3.1.1.9', 'semiuri', 'valid', 'semicolon-separated parameters in the user part'],
  ['3.1.1.10', 'transports', 'valid', 'varied and unknown transport types'],
  ['3.1.1.11', 'mpart01', 'valid', 'multipart MIME message'],
  ['3.1.1.12', 'unreason', 'valid', 'unusual reason phrase'],
  ['3.1.1.13', 'noreason', 'valid', 'empty reason phrase'],
  ['3.1.2.1', 'badinv01', 400, 'extraneous header field separators'],
  ['3.1.2.2', 'clerr', 400, 'Content-Length larger than the message', 'waits'],
  ['3.1.2.3', 'ncl', 400, 'negative Content-Length', 'fatal'],
  ['3.1.2.4', 'scalar02', 400, 'request scalar fields with overlarge values'],
  ['3.1.2.5', 'scalarlg', 'discard', 'response scalar fields with overlarge values'],
  ['3.1.2.6', 'quotbal', 400, 'unterminated quoted string in display name'],
  ['3.1.2.7', 'ltgtruri', 400, '<> around the Request-URI'],
  ['3.1.2.8', 'lwsruri', 400, 'LWS within the Request-URI'],
  ['3.1.2.9', 'lwsstart', 400, 'multiple SP in the request line'],
  ['3.1.2.10', 'trws', 400, 'SP at the end of the request line'],
  ['3.1.2.11', 'escruri', 400, 'escaped headers in the Request-URI'],
  ['3.1.2.12', 'baddate', 'semantic', 'invalid time zone in Date: whoever reads it'],
  ['3.1.2.13', 'regbadct', 'semantic', 'Contact URI not in <>: registrar answers 400'],
  ['3.1.2.14', 'badaspec', 400, 'spaces within addr-spec'],
  ['3.1.2.15', 'baddn', 400, 'non-token characters in display name'],
  ['3.1.2.16', 'badvers', 505, 'unknown protocol version'],
  ['3.1.2.17', 'mismatch01', 400, 'start line and CSeq method mismatch'],
  ['3.1.2.18', 'mismatch02', 400, 'unknown method with CSeq method mismatch (501 would do too)'],
  ['3.1.2.19', 'bigcode', 'discard', 'overlarge response code'],
  ['3.2.1', 'badbranch', 'semantic', 'branch that is only the cookie: transaction layer matches as RFC 2543'],
  ['3.3.1', 'insuf', 400, 'missing required header fields'],
  ['3.3.2', 'unkscm', 'semantic', 'Request-URI with unknown scheme: user agent answers 416'],
  ['3.3.3', 'novelsc', 'semantic', 'Request-URI with known but atypical scheme: user agent answers 416'],
  ['3.3.4', 'unksm2', 'semantic', 'unknown URI schemes in header fields: registrar decides'],
  ['3.3.5', 'bext01', 'semantic', 'Require and Proxy-Require of unknown extensions: user agent answers 420'],
  ['3.3.6', 'invut', 'semantic', 'unknown Content-Type: user agent answers 415'],
  ['3.3.7', 'regaut01', 'semantic', 'unknown Authorization scheme: user agent challenges'],
  ['3.3.8', 'multi01', 400, 'multiple values in single-value fields'],
  ['3.3.9', 'mcl01', 400, 'multiple Content-Length values', 'fatal'],
  ['3.3.10', 'bcast', 'semantic', '200 with broadcast Via: not for us, transaction layer drops it'],
  ['3.3.11', 'zeromf', 'semantic', 'Max-Forwards of zero: a user agent still answers OPTIONS'],
  ['3.3.12', 'cparam01', 'semantic', 'REGISTER with a Contact header parameter: registrar'],
  ['3.3.13', 'cparam02', 'semantic', 'REGISTER with a Contact URI parameter: registrar'],
  ['3.3.14', 'regescrt', 'semantic', 'REGISTER with an escaped Route in Contact: registrar'],
  ['3.3.15', 'sdp01', 'semantic', 'Accept without application/sdp: user agent answers 406'],
  ['3.4', 'inv2543', 'valid', 'INVITE with RFC 2543 syntax: no branch, no tag, no Content-Length', 'fatal'],
];

const second = Buffer.from(
  'OPTIONS sip:second@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKsecond\r\nTo: sip:b@example.com\r\n' +
    'From: sip:a@example.com;tag=1\r\nCall-ID: second\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n',
);

function verdictOf(result: ReturnType<typeof parseMessage>): Verdict {
  if (result.ok) return 'valid';
  return result.error.isResponse ? 'discard' : result.error.status;
}

const feed = (bytes: Buffer, step: number): FramedItem[] => {
  const framer = new StreamFramer();
  const items: FramedItem[] = [];
  for (let at = 0; at < bytes.length; at += step) items.push(...framer.push(bytes.subarray(at, at + step)));
  return items;
};

test('the table has the 49 messages of RFC 4475 and every sample file is in it', () => {
  expect(table).toHaveLength(49);
  const files = readdirSync(folder).map((file) => file.replace('.dat', ''));
  expect(table.map((row) => row[1]).sort()).toEqual(files.sort());
});

for (const [section, name, verdict, note, onStream = 'same'] of table) {
  describe(`RFC 4475 ${section} ${name}: ${verdict}, ${note}`, () => {
    const expected = verdict === 'semantic' ? 'valid' : verdict;
    const bytes = sample(name);

    test('as a datagram', () => {
      expect(verdictOf(parseMessage(bytes))).toBe(expected);
    });

    test.each([
      ['whole', bytes.length],
      ['byte by byte', 1],
    ])('on a stream, %s', (_how, step) => {
      const items = feed(bytes, step).filter((item) => item.kind !== 'pong' && item.kind !== 'ping');
      const first = items[0];
      if (onStream === 'waits') return expect(items).toEqual([]);
      if (onStream === 'fatal') return expect(first).toMatchObject({ kind: 'fatal', failure: { status: 400 } });
      expect(first?.kind === 'message' && verdictOf(first.result)).toBe(expected);
    });

    test('on a stream, a second message behind it', () => {
      // dblreq's own second message says 150 octets and has more: the stream cannot be framed behind it.
      if (onStream !== 'same' || name === 'dblreq')
        return expect(feed(Buffer.concat([bytes, second]), 7).some(isSecond)).toBe(false);
      const items = feed(Buffer.concat([bytes, second]), 7);
      expect(items.filter(isSecond)).toHaveLength(1);
    });

    if (expected === 'valid')
      test('what is printed is read as the same message', () => {
        const message = take(parseMessage(bytes));
        // RFC 2543 messages have no Content-Length; we print one (RFC 3261 20.14).
        const headers = message.headers.with('Content-Length', String(message.body.length));
        const printed = name === 'inv2543' ? { ...message, headers } : message;
        expect(parseMessage(serializeMessage(message))).toEqual({ ok: true, value: printed });
      });
  });
}

const isSecond = (item: FramedItem): boolean =>
  item.kind === 'message' && item.result.ok && item.result.value.callId === 'second';

function take(result: ReturnType<typeof parseMessage>): Message {
  if (!result.ok) throw new TypeError(result.error.detail);
  return result.value;
}

const request = (name: string): Request => take(parseMessage(sample(name))) as Request;
const failure = (name: string): ParseFailure => {
  const result = parseMessage(sample(name));
  if (result.ok) throw new TypeError(`${name} was taken`);
  return result.error;
};

describe('RFC 4475: what must be understood of the messages', () => {
  test('3.1.1.1 wsinv: folding, compact forms, blanks, two Vias on one line', () => {
    const message = request('wsinv');
    expect(message.uri).toMatchObject({ user: 'vivekg', params: new Map([['unknownparam', undefined]]) });
    expect(message.to.params.get('tag')).toBe('1918181833n');
    expect(message.from.displayName).toBe('J Rosenberg \\"');
    expect(message.cseq).toEqual({ sequence: 9, method: 'INVITE' });
    expect(message.via).toMatchObject({ transport: 'udp', host: '192.0.2.2', branch: '390skdjuw' });
    expect(message.headers.getAll('via')).toHaveLength(2);
    expect(maxForwards(message)).toEqual({ ok: true, value: 68 });
    expect(message.headers.get('s')).toBe('');
    expect(message.headers.get('NewFangledHeader')).toBe('newfangled value continued newfangled value');
    expect(message.headers.get('UnknownHeaderWithUnusualValue')).toBe(';;,,;;,;');
    const list = contacts(message);
    expect(list.ok && list.value !== '*' && list.value[0]).toMatchObject({
      displayName: 'Quoted string ""',
      uri: { user: 'jdrosen', params: new Map() },
      params: new Map([
        ['newparam', 'newvalue'],
        ['secondparam', undefined],
        ['q', '0.33'],
      ]),
    });
    expect(message.body).toHaveLength(150);
  });

  test('3.1.1.2 intmeth: every token character in the method, quoted pairs with control characters', () => {
    const message = request('intmeth');
    expect(message.method).toBe("!interesting-Method0123456789_*+`.%indeed'~");
    expect(message.uri).toMatchObject({
      user: "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
      password: "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)",
      host: 'example.com',
    });
    expect(message.via.branch).toBe("z9hG4bK-.!%66*_+`'~");
    // The quoted NUL is legal on the wire; the value that the layers above see has none (design.md 9).
    expect(message.to.displayName).toBe('BEL:\x07 NUL: DEL:\x7f');
    expect(message.from.displayName).toBe("token1~` token2'+_ token3*%!.-");
    expect(message.from.params.get("fromparam''~+*_!.-%")).toBe('работающий');
    expect(message.headers.get("extensionHeader-!.%*+_`'~")).toBe('\ufeff大停電');
    expect(maxForwards(message)).toEqual({ ok: true, value: 255 });
  });

  test('3.1.1.3 esc01: escapes are undone in the parts of the URI', () => {
    const message = request('esc01');
    expect(message.uri).toMatchObject({ user: 'sips:user@example.com', host: 'example.net' });
    expect(message.from.uri).toMatchObject({ user: 'I have spaces' });
    const list = contacts(message);
    expect(list.ok && list.value !== '*' && list.value[0]?.uri).toMatchObject({
      user: 'caller',
      params: new Map([
        ['lr', undefined],
        ['name', 'value%41'],
      ]),
    });
  });

  test('3.1.1.4 escnull: %00 is a NUL in the user part, printed as %00 again', () => {
    const message = request('escnull');
    expect(message.to.uri).toMatchObject({ user: 'null-\0-null' });
    const list = contacts(message);
    expect(
      list.ok && list.value !== '*' && list.value.map((contact) => 'user' in contact.uri && contact.uri.user),
    ).toEqual(['\0', '\0\0']);
  });

  test('3.1.1.5 esc02: a method and a header name are not unescaped', () => {
    const message = request('esc02');
    expect(message.method).toBe('RE%47IST%45R');
    expect(message.to.displayName).toBe('%Z%45');
    expect(message.headers.getAll('contact')).toHaveLength(2);
    expect(message.headers.get('C%6Fntact')).toBe('<sip:alias2@host2.example.com>');
  });

  test('3.1.1.7 longreq: 34 Via lines in many spellings', () => {
    const message = request('longreq');
    expect(message.headers.getAll('via')).toHaveLength(34);
    expect(message.via).toMatchObject({ host: 'sip33.example.com', branch: undefined });
    expect(message.body).toHaveLength(150);
  });

  test('3.1.1.8 dblreq: what follows Content-Length is dropped on a datagram and is a message of its own on a stream', () => {
    expect(request('dblreq').body).toHaveLength(0);
    const messages = feed(sample('dblreq'), 11).filter((item) => item.kind === 'message');
    expect(messages.map((item) => item.kind === 'message' && item.result.ok && item.result.value.cseq.method)).toEqual([
      'REGISTER',
      'INVITE',
    ]);
  });

  test('3.1.1.9 semiuri: the semicolon belongs to the user part', () => {
    expect(request('semiuri').uri).toMatchObject({
      user: 'user;par=u@example.net',
      host: 'example.com',
      params: new Map(),
    });
  });

  test('3.1.1.10 transports: unknown transports are kept', () => {
    const transports = request('transports').headers.getAll('via');
    expect(transports.map((line) => line.split(' ')[0])).toEqual([
      'SIP/2.0/UDP',
      'SIP/2.0/SCTP',
      'SIP/2.0/TLS',
      'SIP/2.0/UNKNOWN',
      'SIP/2.0/TCP',
    ]);
  });

  test('3.1.1.11 mpart01: the binary body comes through octet by octet', () => {
    const message = request('mpart01');
    const bytes = sample('mpart01');
    const bodyStart = bytes.indexOf('\r\n\r\n') + 4;
    expect(message.body.equals(bytes.subarray(bodyStart, bodyStart + 553))).toBe(true);
  });

  test('3.1.1.12, 3.1.1.13: UTF-8 and empty reason phrases', () => {
    expect(take(parseMessage(sample('unreason')))).toMatchObject({
      status: 200,
      reason: '= 2**3 * 5**2 но сто девяносто девять - простое',
    });
    expect(take(parseMessage(sample('noreason')))).toMatchObject({ status: 100, reason: '' });
  });

  test.each([
    'badinv01',
    'quotbal',
    'ltgtruri',
    'lwsruri',
    'lwsstart',
    'trws',
    'escruri',
    'badaspec',
    'baddn',
    'badvers',
  ])('%s: enough is understood for a stateless answer', (name) => {
    const understood = failure(name).request;
    expect(understood?.callId).toMatch(new RegExp(`^${name}`));
    const answer = serializeMessage(createResponse(understood!, 400, { toTag: 'x' })).toString('utf8');
    for (const key of ['via', 'from', 'to', 'cseq']) expect(answer).toContain(understood?.headers.get(key));
  });

  test('3.1.2.12 baddate: the zone is refused by whoever reads the header', () => {
    expect(date(request('baddate'))?.ok).toBe(false);
  });

  test('3.1.2.13 regbadct: a question mark outside <> is refused by whoever reads Contact', () => {
    expect(contacts(request('regbadct')).ok).toBe(false);
  });

  test('3.3.2, 3.3.3: unknown schemes are kept as text', () => {
    expect(request('unkscm').uri).toEqual({
      scheme: 'nobodyknowsthisscheme',
      text: 'nobodyKnowsThisScheme:totallyopaquecontent',
    });
    expect(request('novelsc').uri).toEqual({ scheme: 'soap.beep', text: 'soap.beep://192.0.2.103:3002' });
  });

  test('3.3.4 unksm2: other schemes in To, From and Contact', () => {
    const message = request('unksm2');
    expect(message.to.uri.scheme).toBe('isbn');
    expect(message.from).toMatchObject({ uri: { scheme: 'http' }, params: new Map([['tag', '3234233']]) });
  });

  test('3.3.5 bext01: the option tags that a 420 must name', () => {
    expect(tokens(request('bext01'), 'require')).toEqual(['nothingsupportsthis', 'nothingsupportsthiseither']);
    expect(tokens(request('bext01'), 'proxy-require')).toEqual(['noproxiessupportthis', 'nordoanyproxiessupportthis']);
  });

  test('3.3.7 regaut01: an unknown scheme gives no credentials', () => {
    expect(parseCredentials(request('regaut01').headers.get('authorization') ?? '').ok).toBe(false);
  });

  test('3.3.11 zeromf: Max-Forwards is zero', () => {
    expect(maxForwards(request('zeromf'))).toEqual({ ok: true, value: 0 });
  });

  test('3.3.12, 3.3.13: a parameter belongs to the header without <> and to the URI within', () => {
    const read = (name: string) => {
      const list = contacts(request(name));
      return list.ok && list.value !== '*' ? list.value[0] : undefined;
    };
    const flag = new Map([['unknownparam', undefined]]);
    expect(read('cparam01')).toMatchObject({ uri: { params: new Map() }, params: flag });
    expect(read('cparam02')).toMatchObject({ uri: { params: flag }, params: new Map() });
  });

  test('3.3.14 regescrt: the Route header of the Contact URI', () => {
    const list = contacts(request('regescrt'));
    expect(list.ok && list.value !== '*' && list.value[0]?.uri).toMatchObject({
      headers: [['Route', '<sip:sip.example.com>']],
    });
  });

  test('3.4 inv2543: no branch and no tag', () => {
    const message = request('inv2543');
    expect(message.via.branch).toBeUndefined();
    expect(message.from.params.has('tag')).toBe(false);
    expect(message.body).toHaveLength(105);
  });
});
