// XML text to a plain tree: guarded by well-formed.ts, read by xmlbuilder2, positions put back on. The tree is all that the rest
// of twiml/ sees; no shape of the library leaves this file.

import { create } from 'xmlbuilder2';
import { err, ok, type Result } from '../base/result.ts';
import { checkWellFormed, createLocator, type ElementOffsets, type Position } from './well-formed.ts';

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
  readonly position: Position | undefined;
  /** Positions of the attributes, by name. */
  readonly attributePositions: ReadonlyMap<string, Position>;
}

export interface XmlError {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** The part of the library's DOM that is read here. */
interface DomNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly nodeValue: string | null;
  readonly firstChild: DomNode | null;
  readonly nextSibling: DomNode | null;
  readonly attributes?: Iterable<{ readonly name: string; readonly value: string }>;
}

const ELEMENT = 1;
const TEXT = 3;
const CDATA = 4;

/** Parses `text`. No DTD, no entities but the five predefined ones; namespace declarations are dropped. Never throws. */
export function parseXml(text: string): Result<XmlElement, XmlError> {
  const checked = checkWellFormed(text);
  const locate = createLocator(text);
  if (!checked.ok) return err({ message: checked.error.message, ...locate(checked.error.offset) });
  try {
    const root = create(hideAmpersands(text)).root().node as unknown as DomNode;
    return ok(readElement(root, { locate, offsets: checked.value, next: 0 }));
  } catch {
    // What the guard lets through and the library refuses, such as two colons in a name.
    return err({ message: 'malformed name or namespace', line: 1, column: 1 });
  }
}

// xmlbuilder2 decodes entities and then character references in a second pass, so `&amp;#65;` would become `A`. Written as a
// character reference the ampersand is decoded in the last pass and stays what it is. Comments, CDATA and instructions are left alone.
function hideAmpersands(text: string): string {
  return text.replace(/<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|&amp;/g, (match) =>
    match === '&amp;' ? '&#38;' : match,
  );
}

interface Cursor {
  readonly locate: (offset: number) => Position;
  readonly offsets: readonly ElementOffsets[];
  next: number;
}

function readElement(node: DomNode, cursor: Cursor): XmlElement {
  const offsets = cursor.offsets[cursor.next++];
  const attributes = new Map<string, string>();
  const attributePositions = new Map<string, Position>();
  let index = 0;
  for (const { name, value } of node.attributes ?? []) {
    const offset = offsets?.attributes[index++];
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
    attributes.set(name, value);
    if (offset !== undefined) attributePositions.set(name, cursor.locate(offset));
  }
  const position = offsets ? cursor.locate(offsets.offset) : undefined;
  const children: (XmlElement | string)[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === ELEMENT) children.push(readElement(child, cursor));
    else if (child.nodeType === TEXT || child.nodeType === CDATA) children.push(child.nodeValue ?? '');
  }
  return { name: node.nodeName, attributes, children, position, attributePositions };
}

/** All text directly inside, CDATA included, blanks at both ends cut. */
export function textOf(element: XmlElement): string {
  return element.children
    .filter((child) => typeof child === 'string')
    .join('')
    .trim();
}

export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string');
}

/** An element that no document holds: the gateway's own steps. */
export function syntheticElement(
  name: string,
  text?: string,
  attributes: Readonly<Record<string, string>> = {},
): XmlElement {
  return {
    name,
    attributes: new Map(Object.entries(attributes)),
    children: text === undefined ? [] : [text],
    position: undefined,
    attributePositions: new Map(),
  };
}
