// Character classes of RFC 3261 25.1 as lookup tables, and the text helpers that every header parser of this folder shares.
// Scanners read char codes and ask these tables: one array access per character, no regular expressions on the hot path.

/** Why a value is not what the grammar asks for, and where: `offset` counts characters from the start of the given text. */
export interface SyntaxProblem {
  readonly detail: string;
  readonly offset: number;
}

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const UNRESERVED = `${LETTERS_AND_DIGITS}-_.!~*'()`;

/** A table over all char codes below 256 that is 1 for the characters of `members`. */
export function charTable(members: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let index = 0; index < members.length; index++) table[members.charCodeAt(index)] = 1;
  return table;
}

const allBut = (excluded: string): Uint8Array => {
  const table = new Uint8Array(256).fill(1, 0x21, 0x7f);
  for (let index = 0; index < excluded.length; index++) table[excluded.charCodeAt(index)] = 0;
  return table;
};

export const charClass = {
  /** RFC 3261 25.1 token. */
  token: charTable(`${LETTERS_AND_DIGITS}-.!%*_+\`'~`),
  digit: charTable('0123456789'),
  /** What a user part may hold unescaped when we print it. */
  user: charTable(`${UNRESERVED}&=+$,;?/`),
  password: charTable(`${UNRESERVED}&=+$,`),
  uriParam: charTable(`${UNRESERVED}[]/:&+$`),
  uriHeader: charTable(`${UNRESERVED}[]/?:+$`),
  // Wider classes for reading: phones send `#`, `|` or `^` unescaped. What delimits URIs and headers stays out, and so does `%`,
  // which must open an escape.
  userLenient: allBut('<>"@% '),
  uriParamLenient: allBut('<>"%;?=, '),
  uriHeaderLenient: allBut('<>"%&=, '),
  /** generic-param values outside quotes: token and host, and what else is seen in the field (`=`, `/`, `@`). */
  paramValueLenient: allBut('<>",;'),
} as const;

/** Non-ASCII text (UTF-8 on the wire) counts as a member when `wide` is set. */
export function spanOf(table: Uint8Array, text: string, from: number, wide = false): number {
  let position = from;
  for (; position < text.length; position++) {
    const code = text.charCodeAt(position);
    if (code < 0x80 ? table[code] !== 1 : !wide) break;
  }
  return position;
}

export const isToken = (text: string): boolean => text.length > 0 && spanOf(charClass.token, text, 0) === text.length;

/** False when the text would break out of its header line: CR, LF or NUL (design.md 9). */
export function isSafeHeaderValue(text: string): boolean {
  return text.indexOf('\r') < 0 && text.indexOf('\n') < 0 && text.indexOf('\0') < 0;
}

const SPACE = 0x20;
const TAB = 0x09;
export const isBlank = (code: number): boolean => code === SPACE || code === TAB;

export function skipBlanks(text: string, from: number): number {
  let position = from;
  while (position < text.length && isBlank(text.charCodeAt(position))) position++;
  return position;
}

/**
 * Reads a decimal number that fills `text` between `from` and `to`.
 * Returns -1 when there is no digit, another character, or more than `max`.
 */
export function parseDecimal(text: string, from: number, to: number, max: number): number {
  if (from >= to) return -1;
  let value = 0;
  for (let position = from; position < to; position++) {
    const digit = text.charCodeAt(position) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}
