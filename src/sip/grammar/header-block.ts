// The header block of a message: lines → fields, with folding, limits and what must not be in a header (RFC 3261 7.3.1).
// Text comes in with one character per byte, so positions are offsets; `decode` makes a value UTF-8 where that is needed.

import { limits } from '../../base/limits.ts';
import { isToken, skipBlanks } from './chars.ts';
import { canonicalName, type HeaderField, knownName } from './message.ts';
import { trimBlanks } from './params.ts';

/** What is wrong with a message, where, and the status that says so. */
export interface Fault {
  readonly detail: string;
  readonly offset: number;
  readonly status: number;
}

export interface HeaderBlock {
  readonly fields: HeaderField[];
  /** Lower-case full names, one per field. */
  readonly keys: string[];
  /** Per field: where its value begins. */
  readonly offsets: number[];
  /** Where the body begins, or -1 when no empty line ends the block. */
  readonly end: number;
  readonly fault: Fault | undefined;
}

export type Decode = ((latin1: string) => string) | undefined;

const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;
const BACKSLASH = 0x5c;

// RFC 3261 7.3.1. A line ends with CRLF; a lone LF is taken too. A line that begins with a blank continues the one before.
export function readHeaders(text: string, from: number, decode: Decode): HeaderBlock {
  const fields: HeaderField[] = [];
  const keys: string[] = [];
  const offsets: number[] = [];
  let fault: Fault | undefined;
  let end = -1;
  let position = from;
  // The next CR and the next colon, found once and kept until passed: a block without any must not be searched line by line.
  let carriageReturn = -1;
  let colon = -1;
  while (position < text.length) {
    const lineFeed = text.indexOf('\n', position);
    const stop = lineFeed < 0 ? text.length : lineFeed;
    const lineEnd = stop > position && text.charCodeAt(stop - 1) === CR ? stop - 1 : stop;
    if (lineEnd === position && lineFeed >= 0) {
      end = lineFeed + 1;
      break;
    }
    if (carriageReturn < position) carriageReturn = positionOf(text, '\r', position);
    if (carriageReturn < lineEnd) fault ??= bad('CR without LF in a header', carriageReturn);
    const first = text.charCodeAt(position);
    if (fields.length >= limits.sipHeaderCount) {
      fault ??= { detail: 'too many header fields', offset: position, status: 513 };
    } else if (first === SPACE || first === TAB) {
      fault = continueField(fields, text, position, lineEnd, decode) ?? fault;
    } else {
      if (colon < position) colon = positionOf(text, ':', position);
      const name = colon >= lineEnd ? '' : trimBlanks(text, position, colon);
      const key = headerKey(name);
      if (key === '' || lineEnd - position > limits.sipHeaderLineBytes) {
        fault ??= key === '' ? bad('not a header field', position) : tooLong(position);
      } else {
        const value = trimBlanks(text, colon + 1, lineEnd);
        fields.push({ name, value: decode ? decode(value) : value });
        keys.push(key);
        offsets.push(skipBlanks(text, colon + 1));
      }
    }
    position = stop + 1;
  }
  fault ??= nulFault(text, from, end < 0 ? text.length : end);
  return { fields, keys, offsets, end, fault };
}

const bad = (detail: string, offset: number): Fault => ({ detail, offset, status: 400 });
const tooLong = (offset: number): Fault => ({ detail: 'header field is too long', offset, status: 513 });

function positionOf(text: string, character: string, from: number): number {
  const position = text.indexOf(character, from);
  return position < 0 ? text.length : position;
}

/** Lower-case full name, or '' when it is not a token. */
const headerKey = (name: string): string => knownName(name) ?? (isToken(name) ? canonicalName(name) : '');

/** Adds a folded line to the last field, one space in place of the fold. */
function continueField(
  fields: HeaderField[],
  text: string,
  lineStart: number,
  lineEnd: number,
  decode: Decode,
): Fault | undefined {
  const last = fields.length - 1;
  if (last < 0) return bad('folded line without a header field before it', lineStart);
  const more = trimBlanks(text, lineStart, lineEnd);
  const { name, value } = fields[last]!;
  if (value.length + more.length > limits.sipHeaderLineBytes) return tooLong(lineStart);
  if (more !== '') fields[last] = { name, value: `${value}${value === '' ? '' : ' '}${decode ? decode(more) : more}` };
  return undefined;
}

/** A NUL is allowed as a quoted pair only (RFC 3261 25.1): behind an odd number of backslashes. */
function nulFault(text: string, from: number, to: number): Fault | undefined {
  let position = text.indexOf('\0', from);
  while (position >= 0 && position < to) {
    let backslashes = 0;
    while (text.charCodeAt(position - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return bad('NUL in a header', position);
    position = text.indexOf('\0', position + 1);
  }
  return undefined;
}
