// A TwiML document: bytes to verbs (twiml.md 4.1). Well-formedness and root decide whether it runs at all; what the schema does
// not know is dropped with warning 12200; in Gather 13320, in Dial 13215. Values of attributes are looked at when a verb runs, by
// the verb. Pure, never throws.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import { notDialledNouns, notRunVerbs, schema } from './schema.ts';
import type { Notice } from './verb.ts';
import { NO_ATTRIBUTES } from './well-formed.ts';
import { childElements, parseXml, type XmlElement } from './xml.ts';

/** A verb of the document, schema-checked: unknown attributes and children are gone. */
export interface ParsedVerb {
  readonly name: string;
  readonly element: XmlElement;
}

export interface ParsedDocument {
  readonly verbs: readonly ParsedVerb[];
  readonly warnings: readonly Notice[];
}

export interface DocumentError {
  /** 11750, 11770, 12100, 12101, 12102, 12300. */
  readonly code: number;
  readonly message: string;
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/** Parses a document; `body` as it came from the wire, or inline text. At most 64 kB. */
export function parseDocument(body: Buffer | string): Result<ParsedDocument, DocumentError> {
  const sizeBytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (sizeBytes > limits.webhookBodyBytes) return err(fault(11750, 'the document is larger than 64 kB'));
  const text = typeof body === 'string' ? body : decode(body);
  if (text === undefined) return err(fault(12100, 'the document is not valid text in its encoding'));
  if (text.trim() === '' && !text.startsWith('\ufeff')) return err(fault(11770, 'empty response body'));
  const parsed = parseXml(text);
  if (!parsed.ok) return err({ code: 12100, ...parsed.error });
  const root = parsed.value;
  if (root.name !== 'Response') return err({ ...fault(12102, `root element is ${root.name}, not Response`), line: 1 });
  const version = root.attributes.get('version');
  if (version !== undefined && !/^(1(\.0)?|2010-04-01)$/.test(version))
    return err(fault(12101, 'version attribute of Response is invalid'));
  const warnings: Notice[] = [];
  const checked = checkElement(root, schema.get('Response')!, warnings);
  return ok({ verbs: childElements(checked).map((element) => ({ name: element.name, element })), warnings });
}

const fault = (code: number, message: string): DocumentError => ({ code, message, line: undefined, column: undefined });

// XML 1.0 4.3.3: UTF-8 unless the declaration says otherwise. A byte order mark is kept, so that it is refused (twiml.md 4.1).
function decode(body: Buffer): string | undefined {
  const head = body.toString('latin1', 0, 128);
  const encoding = /^<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z][\w.-]*)["']/.exec(head)?.[1] ?? 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return undefined;
  }
}

function checkElement(
  element: XmlElement,
  rule: NonNullable<ReturnType<typeof ruleFor>>,
  warnings: Notice[],
): XmlElement {
  const attributes = new Map<string, string>();
  for (const [name, value] of element.attributes) {
    if (rule.attributes.has(name)) attributes.set(name, value);
    else
      warn(
        warnings,
        `attribute ${name} is not allowed in element ${element.name}`,
        element.attributePositions.get(name),
      );
  }
  const children: (XmlElement | string)[] = [];
  for (const child of element.children) {
    if (typeof child === 'string') {
      children.push(child);
      continue;
    }
    const childRule = ruleFor(element.name, child.name);
    if (!childRule || !rule.children.has(child.name)) {
      const text = `element ${child.name} is not allowed in element ${element.name}`;
      warn(warnings, text, child.position, NESTING_CODES[element.name]);
    } else if (isSkippedLater(element.name, child.name)) {
      children.push(child);
    } else {
      children.push(checkElement(child, childRule, warnings));
    }
  }
  // A document is kept as long as it runs, which may be a call's whole life: nothing empty, no array with room for more, and where an
  // attribute stood is said already.
  return {
    ...element,
    ...NO_ATTRIBUTES,
    ...(attributes.size > 0 ? { attributes } : {}),
    children: children.slice(),
  };
}

function ruleFor(parent: string, name: string) {
  return schema.get(`${parent}>${name}`) ?? schema.get(name) ?? (isSkippedLater(parent, name) ? EMPTY_RULE : undefined);
}

const EMPTY_RULE = { attributes: new Set<string>(), children: new Set<string>() };

// Elements that are not run are reported once as a whole; warnings about their insides would say nothing more.
function isSkippedLater(parent: string, name: string): boolean {
  return (parent === 'Response' && notRunVerbs.has(name)) || (parent === 'Dial' && notDialledNouns.has(name));
}

/** twiml.md 5.4 and 6: what these verbs cannot hold has codes of its own. */
const NESTING_CODES: Readonly<Record<string, number>> = { Gather: 13320, Dial: 13215 };

function warn(warnings: Notice[], text: string, position: XmlElement['position'], code = 12200): void {
  if (warnings.length >= limits.warningsPerDocument) return;
  const where = position ? ` (line ${position.line}, column ${position.column})` : '';
  warnings.push({ level: 'warning', code, message: text + where });
}
