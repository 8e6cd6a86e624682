import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { parseDocument } from '../../../src/twiml/document.ts';
import { childElements, textOf } from '../../../src/twiml/xml.ts';

const verbsOf = (xml: string) => {
  const parsed = parseDocument(xml);
  return parsed.ok ? parsed.value.verbs.map(({ name }) => name) : parsed.error.code;
};

// twiml.md 4.1, 2.4: what runs (names of the verbs) and what does not (error code).
const documents: [rule: string, xml: string, expected: string[] | number][] = [
  ['empty Response', '<Response/>', []],
  ['empty Response, two tags', '<Response></Response>', []],
  ['declaration', '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Say>a</Say></Response>\n', ['Say']],
  ['declaration with standalone', '<?xml version="1.0" standalone="yes"?><Response/>', []],
  ['comments anywhere', '<!-- a --><Response><!-- <Say> & --><Pause/></Response><!-- z -->', ['Pause']],
  ['processing instructions are ignored', '<?pi <x> ?><Response><?pi?><Pause/></Response>', ['Pause']],
  ['default namespace', '<Response xmlns="urn:x"><Pause/></Response>', ['Pause']],
  ['text where none is expected is ignored', '<Response>hello<Pause/>there</Response>', ['Pause']],
  ['version attribute', '<Response version="1.0"/>', []],
  ['verbs keep their order', '<Response><Say>a</Say><Play>b</Play><Hangup/></Response>', ['Say', 'Play', 'Hangup']],
  ['blank before the prolog', ' <?xml version="1.0"?><Response/>', 12100],
  ['line before the root', '\n<Response/>', 12100],
  ['byte order mark', '\ufeff<Response/>', 12100],
  ['empty', '', 11770],
  ['blank', ' \r\n\t', 11770],
  ['no XML', 'hello', 12100],
  ['JSON', '{"a":1}', 12100],
  ['root not Response', '<html><body/></html>', 12102],
  ['root in wrong case', '<response/>', 12102],
  ['root with a prefix', '<a:Response/>', 12102],
  ['bad version', '<Response version="7"/>', 12101],
  ['unclosed element', '<Response><Say>a</Response>', 12100],
  ['unclosed root', '<Response><Say>a</Say>', 12100],
  ['crossed elements', '<Response><Say><p>a</Say></p></Response>', 12100],
  ['stray end tag', '<Response/></Response>', 12100],
  ['two roots', '<Response/><Response/>', 12100],
  ['text behind the root', '<Response/>x', 12100],
  ['attribute twice', '<Response><Say loop="1" loop="2">a</Say></Response>', 12100],
  ['attribute without value', '<Response><Say loop>a</Say></Response>', 12100],
  ['attribute without quotes', '<Response><Say loop=1>a</Say></Response>', 12100],
  ['no blank between attributes', '<Response><Say loop="1"voice="man">a</Say></Response>', 12100],
  ['less-than in a value', '<Response><Say voice="<">a</Say></Response>', 12100],
  ['bare ampersand', '<Response><Redirect>/a?b=1&c=2</Redirect></Response>', 12100],
  ['bare ampersand in a value', '<Response><Gather action="/a?b=1&c=2"/></Response>', 12100],
  ['HTML entity', '<Response><Say>a&nbsp;b</Say></Response>', 12100],
  ['DTD', '<!DOCTYPE Response><Response/>', 12100],
  [
    'external entity',
    '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><Response><Say>&e;</Say></Response>',
    12100,
  ],
  ['billion laughs', '<!DOCTYPE r [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><Response>&c;</Response>', 12100],
  ['reference to NUL', '<Response><Say>&#0;</Say></Response>', 12100],
  ['reference past Unicode', '<Response><Say>&#x110000;</Say></Response>', 12100],
  ['reference to a surrogate', '<Response><Say>&#xD800;</Say></Response>', 12100],
  ['control character', '<Response><Say>\u0001</Say></Response>', 12100],
  ['XML 1.1', '<?xml version="1.1"?><Response/>', 12100],
  ['declaration in the middle', '<Response><?xml version="1.0"?></Response>', 12100],
  ['unclosed comment', '<Response><!-- </Response>', 12100],
  ['unclosed CDATA', '<Response><Say><![CDATA[x</Say></Response>', 12100],
  ['CDATA outside', '<![CDATA[x]]><Response/>', 12100],
  ['two colons in a name', '<Response><a:b:c/></Response>', 12100],
  ['depth', `<Response><Say>${'<p>'.repeat(20)}${'</p>'.repeat(20)}</Say></Response>`, 12100],
  ['elements', `<Response>${'<Pause/>'.repeat(limits.twimlElements)}</Response>`, 12100],
  ['attributes', `<Response ${Array.from({ length: 65 }, (_, i) => `a${i}=""`).join(' ')}/>`, 12100],
  ['over 64 kB', `<Response><Say>${'x'.repeat(limits.webhookBodyBytes)}</Say></Response>`, 11750],
];

// holds: [twiml 4.1 root] [twiml 4.1 version] [twiml 4.1 case] [twiml 4.1 prolog] [twiml 4.1 byte-order-mark]
// holds: [twiml 4.1 comments] [twiml 4.1 size] [twiml 4.1 empty-response] [twiml 4.1 text-ignored] [twiml 4.1 doctype]
// holds: [twiml 4.1 well-formed] [twiml 4.1 bounded]
// holds: [twiml 14 document]
describe('twiml.md 4.1 document [twiml 2.4 too-large]', () => {
  test.each(documents)('%s', (_rule, xml, expected) => {
    expect(verbsOf(xml)).toEqual(expected);
    expect(parseDocument(Buffer.from(xml)).ok).toBe(Array.isArray(expected));
  });

  test('a parse failure has line and column [twiml 4.1 well-formed]', () => {
    const parsed = parseDocument('<Response>\n  <Say>a</Say>\n  <Play>b</Pla>\n</Response>');
    expect(!parsed.ok && parsed.error).toMatchObject({ code: 12100, line: 3, column: 10 });
  });

  test.each([
    ['x&amp;#65;y', 'x&#65;y'],
    ['x&amp;lt;y', 'x&lt;y'],
    ['x&#38;#65;y', 'x&#65;y'],
    ['&lt;&gt;&quot;&apos;&amp;', '<>"\'&'],
    ['&#65;&#x1F600;', 'A\u{1f600}'],
    ['a<![CDATA[ &amp; <b> ]]>c', 'a &amp; <b> c'],
    ['a<!-- &amp; -->b', 'ab'],
  ])('XML 1.0 4.4: %s is decoded once [twiml 4.1 entities]', (written, read) => {
    const parsed = parseDocument(`<Response><Redirect>${written}</Redirect></Response>`);
    expect(parsed.ok && textOf(parsed.value.verbs[0]!.element)).toBe(read);
  });

  test('attribute values are decoded once [twiml 2.1 ampersand] [twiml 4.1 entities]', () => {
    const parsed = parseDocument('<Response><Gather action="/a?b=1&amp;c=2&amp;#65;"/></Response>');
    expect(parsed.ok && parsed.value.verbs[0]!.element.attributes.get('action')).toBe('/a?b=1&c=2&#65;');
  });

  test('XML 1.0 4.3.3: the declared encoding is used [twiml 4.1 encoding]', () => {
    const body = Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><Response><Say>Gr\xfc\xdfe</Say></Response>',
      'latin1',
    );
    const parsed = parseDocument(body);
    expect(parsed.ok && textOf(parsed.value.verbs[0]!.element)).toBe('Grüße');
  });

  test('bytes that are no UTF-8 are 12100 [twiml 4.1 encoding]', () => {
    const parsed = parseDocument(Buffer.from('<Response><Say>\xff</Say></Response>', 'latin1'));
    expect(!parsed.ok && parsed.error.code).toBe(12100);
  });
});

// twiml.md 15: 12200 and what is left of the document.
const schemaRows: [rule: string, xml: string, left: string[], warnings: string[]][] = [
  [
    'unknown verb',
    '<Speak>a</Speak><Pause/>',
    ['Pause'],
    ['element Speak is not allowed in element Response (line 1, column 11)'],
  ],
  ['verb in wrong case', '<say>a</say>', [], ['element say is not allowed in element Response (line 1, column 11)']],
  [
    'noun at the top',
    '<Number>1</Number>',
    [],
    ['element Number is not allowed in element Response (line 1, column 11)'],
  ],
  [
    'unknown attribute',
    '<Pause lenght="2"/>',
    ['Pause'],
    ['attribute lenght is not allowed in element Pause (line 1, column 18)'],
  ],
  [
    'attribute in wrong case',
    '<Pause Length="2"/>',
    ['Pause'],
    ['attribute Length is not allowed in element Pause (line 1, column 18)'],
  ],
  [
    'child where none may be',
    '<Pause><Say>a</Say></Pause>',
    ['Pause'],
    ['element Say is not allowed in element Pause (line 1, column 18)'],
  ],
  ...(['Play', 'Redirect', 'Record', 'Echo', 'Leave'] as const).map((name): [string, string, string[], string[]] => [
    `child of ${name}`,
    `<${name}><Say>a</Say></${name}>`,
    [name],
    [`element Say is not allowed in element ${name} (line 1, column ${13 + name.length})`],
  ]),
  [
    'attribute of the Sip of Refer',
    '<Refer><Sip url="/x">sip:a@h</Sip></Refer>',
    ['Refer'],
    ['attribute url is not allowed in element Sip (line 1, column 23)'],
  ],
  [
    'attribute of Hangup',
    '<Hangup now="1"/>',
    ['Hangup'],
    ['attribute now is not allowed in element Hangup (line 1, column 19)'],
  ],
  ['inside of a verb that is not run', '<Pay><Anything a="1"/></Pay>', ['Pay'], []],
  ['inside of a noun that is not dialled', '<Dial><Sim odd="1">r</Sim></Dial>', ['Dial'], []],
  [
    'attribute of an allowed child',
    '<Dial><Sip loud="1">sip:a@h</Sip></Dial>',
    ['Dial'],
    ['attribute loud is not allowed in element Sip (line 1, column 22)'],
  ],
];

// holds: [twiml 5.2 no-children] [twiml 5.3 no-children] [twiml 5.7 no-children] [twiml 5.10 sip-no-attributes]
// holds: [twiml 15 attributes]
describe('twiml.md 15 schema check (12200) [twiml 4.1 case] [twiml 4.1 schema]', () => {
  test.each(schemaRows)('%s', (_rule, xml, left, warnings) => {
    const parsed = parseDocument(`<Response>${xml}</Response>`);
    if (!parsed.ok) throw new Error('must parse', { cause: parsed.error });
    expect(parsed.value.verbs.map(({ name }) => name)).toEqual(left);
    expect(parsed.value.warnings.map(({ code, message }) => [code, message])).toEqual(
      warnings.map((text) => [12200, text]),
    );
  });

  test.each([
    ['twiml.md 5.4: a verb that Gather cannot hold', '<Gather><Dial>1</Dial><Say>a</Say></Gather>', 13320],
    ['twiml.md 6: a verb inside Dial', '<Dial><Say>a</Say><Sip>sip:a@h</Sip></Dial>', 13215],
    ['a verb inside Pause has no code of its own', '<Pause><Say>a</Say></Pause>', 12200],
  ])('%s [twiml 5.4 children] [twiml 6.1 content] [twiml 15 nesting-codes]', (_rule, xml, code) => {
    const parsed = parseDocument(`<Response>${xml}</Response>`);
    expect(parsed.ok && parsed.value.warnings.map((warning) => warning.code)).toEqual([code]);
  });

  test('the offending part is gone, the rest is kept [twiml 5.5 never-nested]', () => {
    const parsed = parseDocument('<Response><Gather foo="1" timeout="3"><Record/><Say>a</Say></Gather></Response>');
    const element = parsed.ok ? parsed.value.verbs[0]!.element : undefined;
    expect([...element!.attributes]).toEqual([['timeout', '3']]);
    expect(childElements(element!).map(({ name }) => name)).toEqual(['Say']);
  });

  test('SSML nests as the table says [twiml 5.1 ssml-elements]', () => {
    const nested =
      '<Say><prosody rate="slow"><lang xml:lang="de-DE">a<break/></lang><sub alias="b">c</sub></prosody></Say>';
    const parsed = parseDocument(`<Response>${nested}</Response>`);
    expect(parsed.ok && parsed.value.warnings).toEqual([]);
  });

  test('the number of warnings is bounded [twiml 4.1 bounded]', () => {
    const parsed = parseDocument(`<Response>${'<Nope/>'.repeat(200)}</Response>`);
    expect(parsed.ok && parsed.value.warnings).toHaveLength(limits.warningsPerDocument);
  });
});
