// A line of a script as words: bare ones, "quoted" ones and /expressions/, each with its column. Pure.

import { err, ok, type Result } from '../base/result.ts';

export interface Word {
  readonly kind: 'bare' | 'quoted' | 'expression';
  /** Without quotes or slashes; escapes are resolved in quoted words. */
  readonly text: string;
  /** Of an expression. */
  readonly flags: string;
  /** From 1. */
  readonly column: number;
}

export interface Mistake {
  readonly line: number;
  readonly column: number;
  /** A sentence without full stop: what is wrong, and what is allowed. */
  readonly message: string;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

type WordFailure = Omit<Mistake, 'line'>;

/** Splits a line. A line whose first sign is `#` is a comment and has no words. */
export function splitWords(line: string): Result<readonly Word[], WordFailure> {
  const words: Word[] = [];
  if (/^\s*#/.test(line)) return ok(words);
  let at = 0;
  while (at < line.length) {
    if (/\s/.test(line[at]!)) {
      at += 1;
      continue;
    }
    const read =
      line[at] === '"' ? readQuoted(line, at) : line[at] === '/' ? readExpression(line, at) : readBare(line, at);
    if (!read.ok) return read;
    words.push({ ...read.value.word, column: at + 1 });
    at = read.value.end;
  }
  return ok(words);
}

type Read = Result<{ readonly word: Omit<Word, 'column'>; readonly end: number }, WordFailure>;

function readBare(line: string, start: number): Read {
  const text = /^\S+/.exec(line.slice(start))![0];
  const quote = text.indexOf('"');
  if (quote >= 0)
    return err({ column: start + quote + 1, message: 'a quote inside a word; put the whole text in quotes' });
  return ok({ word: { kind: 'bare', text, flags: '' }, end: start + text.length });
}

function readQuoted(line: string, start: number): Read {
  let text = '';
  for (let at = start + 1; at < line.length; at++) {
    const sign = line[at]!;
    if (sign === '"') return afterWord(line, at + 1, { kind: 'quoted', text, flags: '' });
    if (sign !== '\\') {
      text += sign;
      continue;
    }
    at += 1;
    const escaped = ESCAPES[line[at] ?? ''];
    if (escaped === undefined)
      return err({ column: at, message: 'an unknown escape; allowed are \\" \\\\ \\n and \\t' });
    text += escaped;
  }
  return err({ column: start + 1, message: 'the quote is not closed' });
}

function readExpression(line: string, start: number): Read {
  for (let at = start + 1; at < line.length; at++) {
    if (line[at] === '\\') at += 1;
    else if (line[at] === '/') {
      const flags = /^[a-z]*/.exec(line.slice(at + 1))![0];
      const text = line.slice(start + 1, at);
      return afterWord(line, at + 1 + flags.length, { kind: 'expression', text, flags });
    }
  }
  return err({ column: start + 1, message: 'the regular expression is not closed with /' });
}

function afterWord(line: string, end: number, word: Omit<Word, 'column'>): Read {
  if (end < line.length && !/\s/.test(line[end]!)) return err({ column: end + 1, message: 'a space is missing here' });
  return ok({ word, end });
}
