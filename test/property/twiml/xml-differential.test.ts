// Well-formed documents give the tree that xmlbuilder2, which writes XML for us elsewhere, reads out of the same text.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { create } from 'xmlbuilder2';
import { parseXml, type XmlElement } from '../../../src/twiml/xml.ts';

/** The part of the library's DOM that is read here. */
interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly nodeValue: string | null;
  readonly firstChild: DomNode | null;
  readonly nextSibling: DomNode | null;
  readonly attributes?: Iterable<{ readonly name: string; readonly value: string }>;
}

type Plain = string | readonly [name: string, attributes: readonly (readonly string[])[], children: readonly Plain[]];

function plainDom(node: DomNode): Plain {
  const children: Plain[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === 1) children.push(plainDom(child));
    else if (child.nodeType === 3 || child.nodeType === 4) children.push(child.nodeValue ?? '');
  }
  const attributes = [...(node.attributes ?? [])].filter(({ name }) => !name.startsWith('xmlns'));
  return [node.nodeName, attributes.map(({ name, value }) => [name, value]), children];
}

const plainTree = (element: XmlElement | string): Plain =>
  typeof element === 'string' ? element : [element.name, [...element.attributes], element.children.map(plainTree)];

const names = fc.constantFrom('Say', 'Dial', 'x:b', 'é', 'a-b', '\u{10000}', '_1.2');
const attributes = fc.constantFrom(
  ...[
    '',
    ' k="v"',
    " a='&quot;&#10;\t' b = \"'\"",
    ' xmlns:x="n" x:k="1"',
    ' xmlns="d"',
    ' xml:lang="de" c="&lt;&#x1F600;"',
  ],
);
const leaves = fc.constantFrom(
  ...[
    'text',
    ' ',
    '\r\n',
    '&amp;',
    '&#65;',
    '&lt;é',
    '<!-- <a> & -->',
    '<![CDATA[ <&amp; ]]>',
    '<![CDATA[]]>',
    '<?p q?>',
    '<e/>',
    '<e k="1" />',
  ],
);
const element = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    leaves,
    fc
      .tuple(names, attributes, fc.array(tie('node'), { maxLength: 4 }))
      .map(([name, given, children]) => `<${name}${given}>${children.join('')}</${name} >`),
  ),
})).node;

test('a tree is what another reader makes of the same text', () => {
  fc.assert(
    fc.property(fc.array(element, { maxLength: 4 }), (children) => {
      const text = `<?xml version="1.0"?>\n<Response>${children.join('')}</Response>\n`;
      const read = parseXml(text);
      // The library decodes entities and then character references in a second pass: of this one it must not make two.
      const once = text.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|&amp;/g, (all) =>
        all === '&amp;' ? '&#38;' : all,
      );
      const root = create(once).root().node as unknown as DomNode;
      expect(read.ok && plainTree(read.value)).toEqual(plainDom(root));
    }),
    { numRuns: 1_000 },
  );
});

test.each(['<a:b:c/>', '<:a/>', '<a:/>', '<a \u00d7="1"/>', '<\u00d7/>', '<a b:c:d="1"/>'])(
  '%s is no name in XML with namespaces',
  (text) => {
    expect(parseXml(text)).toEqual({ ok: false, error: expect.objectContaining({ line: 1 }) });
    expect(() => create(text)).toThrow();
  },
);
