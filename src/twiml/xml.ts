// XML text to a plain tree, and small readers of it. The tree is all that the rest of twiml/ sees.

import { err, type Result } from '../base/result.ts';
import { checkWellFormed, createLocator, type XmlElement } from './well-formed.ts';

export type { XmlElement } from './well-formed.ts';

export interface XmlError {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** Parses `text`. No DTD, no entities but the five predefined ones; namespace declarations are dropped. Never throws. */
export function parseXml(text: string): Result<XmlElement, XmlError> {
  const checked = checkWellFormed(text);
  if (checked.ok) return checked;
  const { message, offset } = checked.error;
  return err({ message, ...createLocator(text)(offset) });
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
