// The guard in front of the XML library: is this text well-formed XML 1.0, without DTD, within the limits? And where does each
// element stand? xmlbuilder2 accepts unclosed and crossed elements and knows no positions, so document.ts asks here first.
// Pure, one pass, never throws.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';

export interface XmlFault {
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
}

/** Where the start tags stand, in document order: element `<`, then its attributes' names. */
export interface ElementOffsets {
  readonly offset: number;
  readonly attributes: readonly number[];
}

// XML 1.0 2.2 (characters) and 2.3 (names; beyond ASCII every letter-like range is let through).
const FORBIDDEN_CHARACTER =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const NAME = /[A-Za-z_:\u00c0-\ufffd][A-Za-z0-9_:.\-\u00b7-\ufffd]*/y;
const SPACE = /[ \t\r\n]*/y;
const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([0-9A-Fa-f]{1,6}));/y;

/** Checks the whole text; returns the positions of the start tags, or the first fault. */
export function checkWellFormed(text: string): Result<readonly ElementOffsets[], XmlFault> {
  const bad = FORBIDDEN_CHARACTER.exec(text);
  if (bad) return err({ message: 'character not allowed in XML', offset: bad.index });
  return new Scanner(text).run();
}

class Scanner {
  readonly #text: string;
  #index = 0;
  readonly #open: string[] = [];
  readonly #elements: ElementOffsets[] = [];
  #hasRoot = false;
  #fault: XmlFault | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  run(): Result<readonly ElementOffsets[], XmlFault> {
    // twiml.md 4.1: nothing may stand before the prolog, not even a blank or a byte order mark.
    if (!this.#text.startsWith('<')) return err({ message: 'content is not allowed before the prolog', offset: 0 });
    while (this.#index < this.#text.length && !this.#fault) {
      if (this.#text[this.#index] === '<') this.#markup();
      else this.#characters();
    }
    if (this.#fault) return err(this.#fault);
    if (this.#open.length > 0) this.#fail(`element ${this.#open.at(-1)} is not closed`);
    else if (!this.#hasRoot) this.#fail('no root element');
    return this.#fault ? err(this.#fault) : ok(this.#elements);
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
    if (this.#open.length === 0) this.#fail('text outside of the root element');
    else this.#skipPast(']]>', 9, 'CDATA section');
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
    if (this.#open.length === 0) {
      if (/[^ \t\r\n]/.test(this.#text.slice(this.#index, end))) this.#fail('text outside of the root element');
    } else {
      this.#references(this.#index, end);
    }
    this.#index = end;
  }

  // Only the five predefined entities and character references: nothing can be declared without a DTD.
  #references(from: number, to: number): void {
    for (let at = this.#text.indexOf('&', from); at >= 0 && at < to; at = this.#text.indexOf('&', at + 1)) {
      REFERENCE.lastIndex = at;
      const match = REFERENCE.exec(this.#text);
      if (!match) return this.#fail('unknown entity or bare ampersand', at);
      const digits = match[2] ?? match[3];
      if (digits === undefined) continue;
      const code = Number.parseInt(digits, match[2] === undefined ? 16 : 10);
      if (code > 0x10ffff || FORBIDDEN_CHARACTER.test(String.fromCodePoint(code)))
        return this.#fail('reference to a character that is not allowed', at);
    }
  }

  #startTag(): void {
    const offset = this.#index;
    const name = this.#match(NAME, offset + 1);
    if (!name) return this.#fail('malformed tag');
    if (this.#open.length === 0 && this.#hasRoot) return this.#fail('more than one root element');
    this.#index = offset + 1 + name.length;
    const attributes = this.#attributes();
    if (this.#fault) return;
    this.#hasRoot = true;
    this.#elements.push({ offset, attributes });
    if (this.#elements.length > limits.twimlElements) return this.#fail('too many elements', offset);
    if (this.#at('/>')) {
      this.#index += 2;
      return;
    }
    this.#index += 1;
    this.#open.push(name);
    if (this.#open.length > limits.twimlDepth) this.#fail('elements are nested too deeply', offset);
  }

  /** Reads up to `>` or `/>`, which stay unread. */
  #attributes(): number[] {
    const offsets: number[] = [];
    const names = new Set<string>();
    for (;;) {
      const space = this.#match(SPACE, this.#index)!;
      this.#index += space.length;
      if (this.#at('>') || this.#at('/>')) return offsets;
      const name = this.#match(NAME, this.#index);
      if (!name || space === '') this.#fail('malformed tag');
      else if (names.has(name)) this.#fail(`attribute ${name} is given twice`);
      else if (names.size >= limits.twimlAttributesPerElement) this.#fail('too many attributes');
      if (this.#fault || !name) return offsets;
      names.add(name);
      offsets.push(this.#index);
      this.#index += name.length;
      this.#attributeValue(name);
      if (this.#fault) return offsets;
    }
  }

  #attributeValue(name: string): void {
    this.#index += this.#match(SPACE, this.#index)!.length;
    if (!this.#at('=')) return this.#fail(`attribute ${name} has no value`);
    this.#index += 1;
    this.#index += this.#match(SPACE, this.#index)!.length;
    const quote = this.#text[this.#index];
    if (quote !== '"' && quote !== "'") return this.#fail(`value of attribute ${name} is not quoted`);
    const end = this.#text.indexOf(quote, this.#index + 1);
    if (end < 0) return this.#fail(`value of attribute ${name} is not closed`);
    const lessThan = this.#text.indexOf('<', this.#index + 1);
    if (lessThan >= 0 && lessThan < end) return this.#fail(`"<" in the value of attribute ${name}`, lessThan);
    this.#references(this.#index + 1, end);
    this.#index = end + 1;
  }

  #endTag(): void {
    const name = this.#match(NAME, this.#index + 2);
    if (!name) return this.#fail('malformed end tag');
    const expected = this.#open.at(-1);
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

export interface Position {
  readonly line: number;
  readonly column: number;
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
