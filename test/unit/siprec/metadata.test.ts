// The metadata document of a recording session, element by element (RFC 7865 6, 10).

import { describe, expect, test } from 'vitest';
import { convert } from 'xmlbuilder2';
import { type Metadata, metadataXml } from '../../../src/siprec/metadata.ts';
import { childElements, parseXml, textOf, type XmlElement } from '../../../src/twiml/xml.ts';

const START = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

const metadata = (changes: Partial<Metadata> = {}): Metadata => ({
  sessionId: 'c2Vzc2lvbg==',
  callSid: 'CA1',
  accountSid: 'AC1',
  startedAt: START,
  participants: [
    { id: 'YWxpY2U=', aor: 'sip:alice@example.com', name: 'Alice', since: START },
    { id: 'Ym9i', aor: 'tel:+4930123', name: undefined, since: START + 60_000 },
  ],
  streams: [
    { id: 'aW4=', label: '1', senderId: 'YWxpY2U=', isActive: true },
    { id: 'b3V0', label: '2', senderId: 'Ym9i', isActive: true },
  ],
  parameters: new Map(),
  ...changes,
});

/** Names of the elements below the root, in their order. */
const elements = (xml: string): string[] =>
  Object.keys((convert(xml, { format: 'object' }) as { recording: object }).recording);

describe('the document', () => {
  test('namespace and the order of the schema', () => {
    const xml = metadataXml(metadata());
    expect(xml).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?><recording xmlns="urn:ietf:params:xml:ns:recording:1">/,
    );
    expect(elements(xml)).toEqual([
      '@xmlns',
      'datamode',
      'session',
      'participant',
      'stream',
      'sessionrecordingassoc',
      'participantsessionassoc',
      'participantstreamassoc',
    ]);
  });

  test('session, participants and streams refer to one another', () => {
    const xml = metadataXml(metadata());
    for (const part of [
      '<datamode>complete</datamode>',
      '<session session_id="c2Vzc2lvbg=="><start-time>2026-01-02T03:04:05Z</start-time>',
      '<participant participant_id="YWxpY2U="><nameID aor="sip:alice@example.com"><name>Alice</name></nameID></participant>',
      '<participant participant_id="Ym9i"><nameID aor="tel:+4930123"/></participant>',
      '<stream stream_id="aW4=" session_id="c2Vzc2lvbg=="><label>1</label></stream>',
      '<stream stream_id="b3V0" session_id="c2Vzc2lvbg=="><label>2</label></stream>',
      '<sessionrecordingassoc session_id="c2Vzc2lvbg=="><associate-time>2026-01-02T03:04:05Z</associate-time>',
      '<participantsessionassoc participant_id="Ym9i" session_id="c2Vzc2lvbg=="><associate-time>2026-01-02T03:05:05Z<',
      '<participantstreamassoc participant_id="YWxpY2U="><send>aW4=</send><recv>b3V0</recv></participantstreamassoc>',
      '<participantstreamassoc participant_id="Ym9i"><send>b3V0</send><recv>aW4=</recv></participantstreamassoc>',
    ])
      expect(xml).toContain(part);
  });

  test('a held stream is neither sent nor received', () => {
    const [first, second] = metadata().streams;
    const xml = metadataXml(metadata({ streams: [{ ...first!, isActive: false }, second!] }));
    expect(xml).toContain('<participantstreamassoc participant_id="YWxpY2U="><recv>b3V0</recv>');
    expect(xml).toContain('<participantstreamassoc participant_id="Ym9i"><send>b3V0</send></participantstreamassoc>');
    expect(xml).toContain('<label>1</label>');
  });

  test('sids and parameters stand in a namespace of ours, within the session', () => {
    const xml = metadataXml(metadata({ parameters: new Map([['case', '7']]) }));
    const session = /<session .*<\/session>/.exec(xml)![0];
    expect(session).toContain('<callSid xmlns="urn:hookswitch:recording:1">CA1</callSid>');
    expect(session).toContain('<accountSid xmlns="urn:hookswitch:recording:1">AC1</accountSid>');
    expect(session).toContain('<parameter xmlns="urn:hookswitch:recording:1" name="case">7</parameter>');
  });

  test.each([
    ['markup', '<b>&amp;"\''],
    ['the end of a section', ']]>'],
    ['other scripts', 'żółć 日本 😀'],
  ])('%s in names and values comes back as it was', (_name, text) => {
    const xml = metadataXml(
      metadata({
        participants: [{ id: 'YQ==', aor: `sip:${text}`, name: text, since: START }],
        parameters: new Map([[text, text]]),
      }),
    );
    // The reader of xmlbuilder2 leaves entities in attributes as they are: read with the one that TwiML is read with.
    const read = parseXml(xml);
    const child = (parent: XmlElement, name: string) => childElements(parent).find((one) => one.name === name)!;
    const root = read.ok ? read.value : undefined;
    const nameId = child(child(root!, 'participant'), 'nameID');
    expect(nameId.attributes.get('aor')).toBe(`sip:${text}`);
    expect(textOf(child(nameId, 'name'))).toBe(text);
    const parameter = child(child(root!, 'session'), 'parameter');
    expect([parameter.attributes.get('name'), textOf(parameter)]).toEqual([text, text]);
  });

  test('characters that XML cannot hold do not break it', () => {
    const xml = metadataXml(metadata({ parameters: new Map([['a\u0000b', 'c\u0007d\ud800']]) }));
    expect(xml).not.toMatch(/[\x00-\x08]/);
    expect(() => convert(xml, { format: 'object' })).not.toThrow();
  });
});
