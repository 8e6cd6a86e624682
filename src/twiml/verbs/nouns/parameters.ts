// Parameter elements inside Stream and ConversationRelay: what the application's server gets as custom parameters.

import { limits } from '../../../base/limits.ts';
import type { AttributeReader } from '../../attributes.ts';
import { childElements, type XmlElement } from '../../xml.ts';

/** Name and value of each, in their order; the last of a name counts. What is unusable is warned about and left out. */
export function readParameters(element: XmlElement, read: AttributeReader): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  for (const child of childElements(element)) {
    if (child.name !== 'Parameter') continue;
    const name = child.attributes.get('name') ?? '';
    const value = child.attributes.get('value') ?? '';
    // twiml.md 9: each under 500 characters.
    const isShort = name.length < limits.streamParameterChars && value.length < limits.streamParameterChars;
    if (name !== '' && isShort && parameters.size < limits.streamParameters) parameters.set(name, value);
    else read.warn(12200, `Parameter of ${element.name} without name, too long, or one too many`);
  }
  return parameters;
}
