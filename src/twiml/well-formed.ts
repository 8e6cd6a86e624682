// Reads XML 1.0 into a tree, if the text is well-formed, without DTD and within the limits; else tells the first fault and its place.
// Nothing can be declared, so nothing can expand: the tree is never larger than the text. Pure, one pass, never throws. Of its own,
// since general XML libraries let unclosed and crossed elements pass, know no positions, and cost more than the rest of a document.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';

export interface XmlFault {
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
}

export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
  readonly position: Position | undefined;
  /** Positions of the attributes, by name. */
  readonly attributePositions: ReadonlyMap<string, Position>;
}

/** Shared by all elements that have none: a Map of its own takes a quarter of a kilobyte for as long as the document runs. */
export const NO_ATTRIBUTES: Pick<XmlElement, 'attributes' | 'attributePositions'> = {
  attributes: new Map(),
  attributePositions: new Map(),
};

/** An element while it is read. */
interface Growing {
  readonly name: string;
  readonly attributes: XmlElement['attributes'];
  readonly children: (XmlElement | string)[];
  readonly position: Position;
  readonly attributePositions: XmlElement['attributePositions'];
}

// XML 1.0 2.2 (characters) and 2.3 (names). A name is looked for in a wider form first, for the sake of a better message.
const FORBIDDEN_CHARACTER =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const NAME = /[A-Za-z_:\u00c0-\ufffd][A-Za-z0-9_:.\-\u00b7-\ufffd]*/y;
const NAME_START =
  'A-Za-z_\\u{c0}-\\u{d6}\\u{d8}-\\u{f6}\\u{f8}-\\u{2ff}\\u{370}-\\u{37d}\\u{37f}-\\u{1fff}\\u{200c}\\u{200d}\\u{2070}-\\u{218f}' +
  '\\u{2c00}-\\u{2fef}\\u{3001}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{fffd}\\u{10000}-\\u{effff}';
const PART = `[${NAME_START}][${NAME_START}\\-.0-9\\u{b7}\\u{300}-\\u{36f}\\u{203f}\\u{2040}]*`;
/** Namespaces in XML 4: one colon at most, a name on either side of it. */
const QUALIFIED_NAME = new RegExp(`^(?:${PART}:)?${PART}$`, 'u');
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;
const SPACE = /[ \t\r\n]*/y;
const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/y;

const PREDEFINED: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** Reads the whole text: its root element, or the first fault. Namespace declarations are dropped. */
export function checkWellFormed(text: string): Result<XmlElement, XmlFault> {
  const bad = FORBIDDEN_CHARACTER.exec(text);
  if (bad) return err({ message: 'character not allowed in XML', offset: bad.index });
  return new Scanner(text).run();
}

class Scanner {
  readonly #text: string;
  #index = 0;
  readonly #locate: (offset: number) => Position;
  readonly #open: Growing[] = [];
  #elements = 0;
  #root: XmlElement | undefined;
  #fault: XmlFault | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#locate = createLocator(text);
  }

  run(): Result<XmlElement, XmlFault> {
    // twiml.md 4.1: nothing may stand before the prolog, not even a blank or a byte order mark.
    if (!this.#text.startsWith('<')) return err({ message: 'content is not allowed before the prolog', offset: 0 });
    while (this.#index < this.#text.length && !this.#fault) {
      if (this.#text[this.#index] === '<') this.#markup();
      else this.#characters();
    }
    if (this.#fault) return err(this.#fault);
    const open = this.#open.at(-1);
    if (open) this.#fail(`element ${open.name} is not closed`);
    else if (!this.#root) this.#fail('no root element');
    return this.#fault || !this.#root ? err(this.#fault ?? { message: 'no root element', offset: 0 }) : ok(this.#root);
  }

  #fail(message: string, offset = this.#index): void {
    this.#fault ??= { message, offset };
  }

  #markup(): void {
    if (this.#at('<!--')) this.#skipPast('-->', 4, 'comment');
    else if (this.#at('<![CDATA[')) this.#cdata();
    else if (this.#at('<!')) this.#fail('document type declarations are not allowed');
    else if (this.#at('<?')) this.#instruction();
    else if (this.#at('</')) this.#endTag();
    else this.#startTag();
  }

  #at(literal: string): boolean {
    return this.#text.startsWith(literal, this.#index);
  }

  #skipPast(end: string, from: number, what: string): void {
    const found = this.#text.indexOf(end, this.#index + from);
    if (found < 0) this.#fail(`${what} is not closed`);
    else this.#index = found + end.length;
  }

  #cdata(): void {
    const element = this.#open.at(-1);
    if (!element) return this.#fail('text outside of the root element');
    const from = this.#index + 9;
    this.#skipPast(']]>', 9, 'CDATA section');
    if (!this.#fault) element.children.push(this.#text.slice(from, this.#index - 3));
  }

  #instruction(): void {
    const start = this.#index;
    const target = this.#match(NAME, start + 2);
    const end = this.#text.indexOf('?>', start + 2);
    if (!target || end < 0) this.#fail('processing instruction is not closed');
    else if (target.toLowerCase() === 'xml') this.#declaration(start, end);
    if (!this.#fault) this.#index = end + 2;
  }

  // XML 1.0 2.8: only at the very start, version 1.0.
  #declaration(start: number, end: number): void {
    if (start !== 0) return this.#fail('XML declaration is only allowed at the start');
    const body = this.#text.slice(5, end);
    const form =
      /^\s+version\s*=\s*(["'])1\.0\1(\s+encoding\s*=\s*(["'])[A-Za-z][\w.-]*\3)?(\s+standalone\s*=\s*(["'])(yes|no)\5)?\s*$/;
    if (!form.test(body)) this.#fail('malformed XML declaration');
  }

  #characters(): void {
    const next = this.#text.indexOf('<', this.#index);
    const end = next < 0 ? this.#text.length : next;
    const element = this.#open.at(-1);
    const isBlank = this.#match(SPACE, this.#index)!.length >= end - this.#index;
    if (!isBlank && !element) this.#fail('text outside of the root element');
    // Blanks between elements are the author's layout.
    if (!isBlank && element) element.children.push(this.#decoded(this.#index, end));
    this.#index = end;
  }

  /**
   * The text between two places, its references replaced. Only the five predefined entities and character references: nothing can be
   * declared without a DTD. What a reference gives is not read again.
   */
  #decoded(from: number, to: number): string {
    let decoded = '';
    let done = from;
    for (let at = this.#text.indexOf('&', from); at >= 0 && at < to; at = this.#text.indexOf('&', done)) {
      REFERENCE.lastIndex = at;
      const match = REFERENCE.exec(this.#text);
      const character = match && characterOf(match);
      if (!match || character === undefined) {
        this.#fail(match ? 'reference to a character that is not allowed' : 'unknown entity or bare ampersand', at);
        return '';
      }
      decoded += this.#text.slice(done, at) + character;
      done = at + match[0].length;
    }
    return decoded + this.#text.slice(done, to);
  }

  #startTag(): void {
    const offset = this.#index;
    const name = this.#match(NAME, offset + 1);
    if (!name) return this.#fail('malformed tag');
    const parent = this.#open.at(-1);
    if (!parent && this.#root) return this.#fail('more than one root element');
    this.#checkName(name, offset);
    const position = this.#locate(offset);
    this.#index = offset + 1 + name.length;
    const element: Growing = { name, ...this.#attributes(), children: [], position };
    if (this.#fault) return;
    if (parent) parent.children.push(element);
    else this.#root = element;
    if (++this.#elements > limits.twimlElements) return this.#fail('too many elements', offset);
    if (this.#at('/>')) {
      this.#index += 2;
      return;
    }
    this.#index += 1;
    this.#open.push(element);
    if (this.#open.length > limits.twimlDepth) this.#fail('elements are nested too deeply', offset);
  }

  #checkName(name: string, offset: number): void {
    if (!PLAIN_NAME.test(name) && !QUALIFIED_NAME.test(name)) this.#fail('malformed name or namespace', offset);
  }

  /** Reads up to `>` or `/>`, which stay unread. */
  #attributes(): Pick<XmlElement, 'attributes' | 'attributePositions'> {
    if (this.#at('>') || this.#at('/>')) return NO_ATTRIBUTES;
    const attributes = new Map<string, string>();
    const attributePositions = new Map<string, Position>();
    const found = { attributes, attributePositions };
    const names = new Set<string>();
    for (;;) {
      const space = this.#match(SPACE, this.#index)!;
      this.#index += space.length;
      if (this.#at('>') || this.#at('/>')) return found;
      const offset = this.#index;
      const name = this.#match(NAME, offset);
      if (!name || space === '') this.#fail('malformed tag');
      else if (names.has(name)) this.#fail(`attribute ${name} is given twice`);
      else if (names.size >= limits.twimlAttributesPerElement) this.#fail('too many attributes');
      else this.#checkName(name, offset);
      if (this.#fault || !name) return found;
      names.add(name);
      this.#index += name.length;
      const value = this.#attributeValue(name);
      if (this.#fault) return found;
      if (name === 'xmlns' || name.startsWith('xmlns:')) continue;
      attributes.set(name, value);
      attributePositions.set(name, this.#locate(offset));
    }
  }

  #attributeValue(name: string): string {
    this.#index += this.#match(SPACE, this.#index)!.length;
    if (!this.#at('=')) return this.#failed(`attribute ${name} has no value`);
    this.#index += 1;
    this.#index += this.#match(SPACE, this.#index)!.length;
    const quote = this.#text[this.#index];
    if (quote !== '"' && quote !== "'") return this.#failed(`value of attribute ${name} is not quoted`);
    const from = this.#index + 1;
    const end = this.#text.indexOf(quote, from);
    if (end < 0) return this.#failed(`value of attribute ${name} is not closed`);
    const lessThan = this.#text.indexOf('<', from);
    if (lessThan >= 0 && lessThan < end) return this.#failed(`"<" in the value of attribute ${name}`, lessThan);
    this.#index = end + 1;
    return this.#decoded(from, end);
  }

  #failed(message: string, offset?: number): string {
    this.#fail(message, offset);
    return '';
  }

  #endTag(): void {
    const name = this.#match(NAME, this.#index + 2);
    if (!name) return this.#fail('malformed end tag');
    const expected = this.#open.at(-1)?.name;
    if (name !== expected) return this.#fail(`end tag ${name} does not match ${expected ?? 'any element'}`);
    this.#index += 2 + name.length;
    this.#index += this.#match(SPACE, this.#index)!.length;
    if (!this.#at('>')) return this.#fail('malformed end tag');
    this.#index += 1;
    this.#open.pop();
  }

  #match(pattern: RegExp, at: number): string | undefined {
    pattern.lastIndex = at;
    return pattern.exec(this.#text)?.[0];
  }
}

/** The character that a reference stands for; undefined where XML does not have it. */
function characterOf([, entity, decimal, hexadecimal]: RegExpExecArray): string | undefined {
  if (entity !== undefined) return PREDEFINED[entity];
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number.parseInt(decimal, 10);
  if (!(code <= 0x10ffff)) return undefined;
  const character = String.fromCodePoint(code);
  return FORBIDDEN_CHARACTER.test(character) ? undefined : character;
}

/** Line and column, both from 1, of any offset in `text`: the line starts are found once, then searched by halves. */
export function createLocator(text: string): (offset: number) => Position {
  const starts = [0];
  for (const match of text.matchAll(/\r\n|\r|\n/g)) starts.push(match.index + match[0].length);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - starts[low]! + 1 };
  };
}
