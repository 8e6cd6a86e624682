// What may reach a speech engine: text without control characters, SSML rebuilt from an allow-list. Pure.
// Why not as it came: espeak-ng reads control characters as commands, `[[…]]` as phonemes, and its <audio src> opens files
// (older builds even hand the name to a shell).

import { limits } from '../base/limits.ts';
import { spellOut } from './say-as.ts';

/** Elements of twiml.md 5.1 with their attributes. */
const ELEMENTS: Readonly<Record<string, readonly string[]>> = {
  break: ['strength', 'time'],
  emphasis: ['level'],
  lang: ['xml:lang'],
  p: [],
  phoneme: ['alphabet', 'ph'],
  prosody: ['volume', 'rate', 'pitch'],
  s: [],
  'say-as': ['interpret-as', 'format'],
  sub: ['alias'],
  w: ['role'],
};
const TAG = /<(\/?)([A-Za-z][\w:-]{0,31})((?:\s+[\w:-]{1,32}\s*=\s*(?:"[^"<]{0,256}"|'[^'<]{0,256}'))*)\s*(\/?)>/g;
const ATTRIBUTE = /([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ATTRIBUTE_VALUE = /^[\p{L}\p{M}\p{N} .,:;%+\-_/'ˈˌː~|@{}]*$/u;
const ENTITY = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});)/g;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text to be read as it is: control characters become spaces, and nothing looks like an engine's command. */
export const plainText = (text: string): string => cleaned(text, limits.speechTextChars);

function cleaned(text: string, maxChars: number): string {
  return text
    .slice(0, maxChars)
    .toWellFormed()
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ufeff]/g, ' ')
    .replace(/\[\[+/g, '[')
    .trim();
}

/** The text between the tags of an SSML fragment, for engines without SSML. `sub` gives its alias. */
export function stripSsml(ssml: string): string {
  const text = spellOut(ssml.slice(0, limits.speechInputChars))
    .replace(/<sub\s+alias\s*=\s*(?:"([^"<]*)"|'([^'<]*)')\s*>[^<]*<\/sub>/g, (_, double, single) => double ?? single)
    .replace(TAG, ' ');
  return plainText(decodeEntities(text).replace(/\s+/g, ' '));
}

function decodeEntities(text: string): string {
  return text.replace(/&(amp|lt|gt|quot|apos|#\d{1,7}|#x[\da-fA-F]{1,6});/g, (_, name: string) => {
    if (!name.startsWith('#')) return ENTITIES[name]!;
    const code = name[1] === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return code > 0x1f && code <= 0x10ffff ? String.fromCodePoint(code) : ' ';
  });
}

const escapeText = (text: string): string =>
  text
    .replace(ENTITY, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/&#(?:\d+|x[\da-fA-F]+);/g, (reference) => {
      // A numeric reference to a control character is a control character.
      const decoded = plainText(decodeEntities(reference));
      return decoded.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    });

/** A whole, balanced <speak> document with nothing in it but the elements and attributes that twiml.md 5.1 names. */
export function safeSsml(ssml: string): string {
  const source = spellOut(cleaned(ssml, limits.speechInputChars));
  const budget: Budget = { chars: limits.speechTextChars, breakMs: limits.ssmlBreaksTotalMs };
  const spoken = (from: number, to?: number) => {
    const text = source.slice(from, to).slice(0, budget.chars);
    budget.chars -= text.length;
    return escapeText(text);
  };
  const open: string[] = [];
  let output = '';
  let position = 0;
  for (const match of source.matchAll(TAG)) {
    output += spoken(position, match.index);
    position = match.index + match[0].length;
    const [, slash, name = '', attributes = '', selfClosing] = match;
    const allowed = Object.hasOwn(ELEMENTS, name) ? ELEMENTS[name] : undefined;
    if (!allowed) continue;
    if (slash) {
      const depth = open.lastIndexOf(name);
      if (depth >= 0) output += closing(open.splice(depth));
    } else if (selfClosing || name === 'break') {
      output += `<${name}${safeAttributes(name, attributes, allowed, budget)}/>`;
    } else if (open.length < limits.ssmlDepth) {
      open.push(name);
      output += `<${name}${safeAttributes(name, attributes, allowed, budget)}>`;
    }
  }
  output += spoken(position) + closing(open);
  return `<speak>${output}</speak>`;
}

const closing = (names: readonly string[]): string =>
  names
    .toReversed()
    .map((name) => `</${name}>`)
    .join('');

/** What may still be spoken of a document: small texts must not become hours of audio. */
interface Budget {
  chars: number;
  breakMs: number;
}

function safeAttributes(element: string, text: string, allowed: readonly string[], budget: Budget): string {
  let output = '';
  for (const [, name = '', double, single] of text.matchAll(ATTRIBUTE)) {
    const value = decodeEntities(double ?? single ?? '');
    if (!allowed.includes(name) || !ATTRIBUTE_VALUE.test(value)) continue;
    output += ` ${name}="${name === 'time' && element === 'break' ? boundedBreak(value, budget) : value}"`;
  }
  return output;
}

/** The longest pause the vendor allows is 10 s. */
function boundedBreak(time: string, budget: Budget): string {
  const match = /^\+?(\d{0,6}(?:\.\d{1,3})?)(ms|s)$/.exec(time.trim());
  const wantedMs = Number(match?.[1] || 0) * (match?.[2] === 's' ? 1_000 : 1);
  const breakMs = Math.round(Math.min(limits.ssmlBreakMs, budget.breakMs, wantedMs));
  budget.breakMs -= breakMs;
  return `${breakMs}ms`;
}
