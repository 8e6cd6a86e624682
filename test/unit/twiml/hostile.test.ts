// Documents that mean harm or make no sense (twiml.md 2.4, 4.1): each gives its number, nothing in them is expanded, fetched or opened, and
// the call goes to its fallback.

import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { parseDocument } from '../../../src/twiml/document.ts';
import { textOf } from '../../../src/twiml/xml.ts';
import { runSession } from './kit.ts';

const START = 'https://app.example.test/dir/voice';
const FALLBACK = { url: 'https://app.example.test/fallback', method: 'POST' as const };

const say = (text: string) => `<Response><Say>${text}</Say></Response>`;
const utf8 = (text: string) => Buffer.from(text);
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

/** Entities that call each other: a few lines that would become gigabytes. */
const laughs = Array.from({ length: 30 }, (_, index) => `<!ENTITY l${index + 1} "${`&l${index};`.repeat(10)}">`).join(
  '',
);

const entities: [name: string, body: Buffer][] = [
  ['a billion laughs', utf8(`<!DOCTYPE r [<!ENTITY l0 "ha">${laughs}]>${say('&l30;')}`)],
  [
    'one large entity many times',
    utf8(`<!DOCTYPE r [<!ENTITY a "${'x'.repeat(20_000)}">]>${say('&a;'.repeat(9_000))}`),
  ],
  ['an entity of itself', utf8(`<!DOCTYPE r [<!ENTITY a "&a;">]>${say('&a;')}`)],
  ['a file', utf8(`<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]>${say('&a;')}`)],
  ['a URL', utf8(`<!DOCTYPE r [<!ENTITY a SYSTEM "http://127.0.0.1:9/secret">]>${say('&a;')}`)],
  [
    'a public identifier',
    utf8(`<!DOCTYPE r PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://127.0.0.1:9/x.dtd">${say('a')}`),
  ],
  ['a parameter entity', utf8(`<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>${say('a')}`)],
  ['a document type behind the root', utf8(`${say('a')}<!DOCTYPE r>`)],
  ['a document type in lower case', utf8(`<!doctype html>${say('a')}`)],
  ['a declaration inside', utf8('<Response><!ENTITY a "b"></Response>')],
  ['an entity that nobody declared', utf8(say('&xxe;'))],
  ['an entity of HTML', utf8(say('&eacute;'))],
  ['a name of Object', utf8(say('&constructor;'))],
  ['an entity in an attribute', utf8('<Response><Play loop="&a;">/a.wav</Play></Response>')],
  ['the bomb in UTF-16', Buffer.from(`\ufeff<!DOCTYPE r [<!ENTITY a "b">]>${say('&a;')}`, 'utf16le')],
];

const encodings: [name: string, body: Buffer][] = [
  ['a byte that begins nothing', bytes('<Response><Say>', [0xff], '</Say></Response>')],
  ['a sequence cut in the middle', bytes('<Response><Say>', [0xe2, 0x82], '</Say></Response>')],
  ['an overlong <', bytes([0xc0, 0xbc], 'Response/>')],
  ['a surrogate', bytes('<Response><Say>', [0xed, 0xa0, 0x80], '</Say></Response>')],
  ['past the end of Unicode', bytes('<Response><Say>', [0xf4, 0x90, 0x80, 0x80], '</Say></Response>')],
  ['Latin-1 without a word of it', bytes('<Response><Say>Gr', [0xfc], [0xdf], 'e</Say></Response>')],
  ['UTF-16 without a word of it', Buffer.from(say('a'), 'utf16le')],
  ['an encoding that does not exist', utf8(`<?xml version="1.0" encoding="x-nonsense"?>${say('a')}`)],
  ['UTF-7', utf8('<?xml version="1.0" encoding="UTF-7"?>+ADw-Response/+AD4-')],
  ['a NUL', bytes('<Response><Say>', [0], '</Say></Response>')],
  ['a byte order mark of UTF-8', bytes([0xef, 0xbb, 0xbf], '<Response/>')],
  ['a byte order mark of UTF-16', Buffer.from('\ufeff<Response/>', 'utf16le')],
];

const nonsense: [name: string, body: Buffer, code: number][] = [
  ['an HTML page', utf8('<html><head><title>502</title></head><body><h1>Bad Gateway</h1></body></html>'), 12102],
  ['an HTML page as they are', utf8('<!DOCTYPE html><html><body><p>not closed<br></body></html>'), 12100],
  ['JSON', utf8('{"verbs":["Say"]}'), 12100],
  ['a stack trace', utf8('TypeError: Cannot read properties of undefined\n    at /app/index.js:3:1'), 12100],
  ['a picture', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 12100],
  ['gzip that nobody announced', gzipSync(say('a')), 12100],
  ['a style sheet of the same name', utf8('<x:Response xmlns:x="urn:x"/>'), 12102],
  ['half a document', utf8(say('a').slice(0, 20)), 12100],
  ['two documents', utf8(say('a') + say('b')), 12100],
  ['10 MB of text', utf8(say('x'.repeat(10_000_000))), 11750],
  ['10 MB of nothing', Buffer.alloc(10_000_000), 11750],
  ['one byte more than 64 kB', utf8(`<Response>${' '.repeat(limits.webhookBodyBytes)}</Response>`), 11750],
  ['as deep as fits in', utf8(`<Response>${'<Say>'.repeat(9_000)}</Response>`), 12100],
  ['deep and closed', utf8(`<Response>${'<p>'.repeat(4_000)}${'</p>'.repeat(4_000)}</Response>`), 12100],
  ['as many elements as fit in', utf8(`<Response>${'<a/>'.repeat(15_000)}</Response>`), 12100],
  [
    'as many attributes as fit in',
    utf8(`<Response ${Array.from({ length: 6_000 }, (_, n) => `a${n}=""`).join(' ')}/>`),
    12100,
  ],
  ['a name as long as fits in', utf8(`<${'R'.repeat(60_000)}/>`), 12102],
  ['an open tag as long as fits in', utf8(`<Response ${'a '.repeat(30_000)}`), 12100],
  ['an open comment', utf8(`<Response><!--${'-'.repeat(60_000)}</Response>`), 12100],
  ['an open CDATA section', utf8(`<Response><Say><![CDATA[${']'.repeat(60_000)}</Say></Response>`), 12100],
  ['nothing but <', utf8('<'.repeat(60_000)), 12100],
  ['nothing but &', utf8(say('&'.repeat(60_000))), 12100],
  ['nothing but blanks', utf8(' '.repeat(60_000)), 11770],
];

/** What the parser says: a number, or the names of the verbs. */
function verdict(body: Buffer): number | string[] {
  const parsed = parseDocument(body);
  return parsed.ok ? parsed.value.verbs.map(({ name }) => name) : parsed.error.code;
}

describe('documents that mean harm', () => {
  test.each(entities)('entities: %s is 12100 [twiml 4.1 doctype] [twiml 4.1 entities]', (_name, body) => {
    expect(verdict(body)).toBe(12100);
  });

  test.each(encodings)('encodings: %s is 12100 [twiml 4.1 encoding]', (_name, body) => {
    expect(verdict(body)).toBe(12100);
  });

  test.each(nonsense)('%s [twiml 4.1 bounded] [twiml 4.1 any-bytes]', (_name, body, code) => {
    expect(verdict(body)).toBe(code);
  });

  test.each([...entities.slice(0, 6), ...encodings.slice(0, 3)])(
    '%s: nothing is asked for but the fallback [twiml 4.1 doctype]',
    async (_name, body) => {
      const { webhook, control, codes } = await runSession(
        {
          [START]: { bytes: body },
          [FALLBACK.url]: '<Response><Say>sorry</Say></Response>',
        },
        { fallback: FALLBACK },
      );
      expect(webhook.sent.map(({ url, params }) => [url.replace(/\?.*/, ''), params.ErrorCode])).toEqual([
        [START, undefined],
        [FALLBACK.url, '12100'],
      ]);
      expect(control.done).toEqual(['answer', 'play say:sorry', 'hangUp']);
      expect(codes).toEqual([12100]);
    },
  );

  test('what looks like an instruction to a processor is none [twiml 4.1 entities]', () => {
    const body = utf8(
      `<?xml version="1.0"?><?xml-stylesheet href="http://127.0.0.1:9/x.xsl"?><Response xmlns:xi="http://www.w3.org/2001/XInclude">` +
        '<xi:include href="file:///etc/passwd"/><Say>a</Say></Response>',
    );
    const parsed = parseDocument(body);
    expect(parsed.ok && parsed.value.verbs.map(({ element }) => textOf(element))).toEqual(['a']);
    expect(parsed.ok && parsed.value.warnings.map(({ code }) => code)).toEqual([12200]);
  });

  test('names of JavaScript are names like any other [twiml 4.1 any-bytes]', () => {
    const inside = '<constructor/><__proto__ toString="1"/><Say __proto__="x" constructor="y">a</Say>';
    const parsed = parseDocument(`<Response>${inside}</Response>`);
    expect(parsed.ok && parsed.value.verbs.map(({ name }) => name)).toEqual(['Say']);
    expect(parsed.ok && parsed.value.warnings.map(({ code }) => code)).toEqual([12200, 12200, 12200, 12200]);
  });
});
