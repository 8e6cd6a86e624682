// Reading attribute values: a bad value of a known attribute gives its 13xxx warning and the default (twiml.md 4.1).
// One reader per element; verbs ask it, then close with `finish`.

import { levelOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import type { Notice, ParseContext, Parsed } from './verb.ts';
import type { XmlElement } from './xml.ts';

interface IntegerRule {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
  readonly code: number;
}

export class AttributeReader {
  readonly #element: XmlElement;
  readonly #context: ParseContext;
  readonly #warnings: Notice[] = [];
  #error: Notice | undefined;

  constructor(element: XmlElement, context: ParseContext) {
    this.#element = element;
    this.#context = context;
  }

  /** Nothing is stopped by it, however serious the number is. */
  warn(code: number, message: string, level: Notice['level'] = levelOf(code)): void {
    if (this.#warnings.length < limits.warningsPerDocument) this.#warnings.push({ level, code, message });
  }

  /** Takes over the warnings of a nested element. */
  addWarnings(warnings: readonly Notice[]): void {
    for (const { code, message, level } of warnings) this.warn(code, message, level);
  }

  /** The verb cannot run; the first reason counts. */
  fail(code: number, message: string): void {
    this.#error ??= { level: 'error', code, message };
  }

  finish<T>(value: T): Parsed<T> {
    if (this.#error) return { ok: false, error: this.#error, warnings: this.#warnings };
    return { ok: true, value, warnings: this.#warnings };
  }

  text(name: string): string | undefined {
    return this.#element.attributes.get(name);
  }

  /**
   * A decimal integer. Beyond the bounds the nearest bound is taken, with the warning, as the user meant it so; what makes no
   * sense at all (not a number, zero or less where at least one is needed) is the default.
   */
  integer(name: string, rule: IntegerRule): number {
    const text = this.text(name)?.trim();
    if (text === undefined) return rule.fallback;
    if (!/^[+-]?\d{1,15}$/.test(text)) {
      this.warn(rule.code, `${name} of ${this.#element.name} is not an integer`);
      return rule.fallback;
    }
    const value = Number(text);
    if (value >= rule.min && value <= rule.max) return value;
    this.warn(rule.code, `${name} of ${this.#element.name} is outside ${rule.min} to ${rule.max}`);
    return value < rule.min && rule.min <= 1 ? rule.fallback : Math.min(rule.max, Math.max(rule.min, value));
  }

  boolean(name: string, fallback: boolean, code: number): boolean {
    return this.choice(name, ['true', 'false'], fallback ? 'true' : 'false', code) === 'true';
  }

  choice<T extends string>(name: string, allowed: readonly T[], fallback: T, code: number): T {
    const text = this.text(name)?.trim();
    if (text === undefined) return fallback;
    const found = allowed.find((word) => word === text);
    if (found === undefined) this.warn(code, `${name} of ${this.#element.name} is not one of ${allowed.join(', ')}`);
    return found ?? fallback;
  }

  /** Several words with spaces between; unknown ones are left out, with the warning. None that is known: the default. */
  words<T extends string>(name: string, allowed: readonly T[], fallback: readonly T[], code: number): readonly T[] {
    const words = (this.text(name) ?? '').split(/\s+/).filter((word) => word !== '');
    const known = allowed.filter((word) => words.includes(word));
    if (words.some((word) => !allowed.some((one) => one === word)))
      this.warn(code, `${name} of ${this.#element.name} holds an unknown word`);
    return known.length > 0 ? known : fallback;
  }

  /** `GET` or `POST`, default POST; the case of the letters does not matter. */
  method(name: string, code: number): HttpMethod {
    const text = this.text(name)?.trim().toUpperCase();
    if (text === undefined || text === 'POST' || text === 'GET') return text ?? 'POST';
    this.warn(code, `${name} of ${this.#element.name} is neither GET nor POST`);
    return 'POST';
  }

  /** An absolute URL, resolved against the document (twiml.md 2.7). Given but unusable: 11100, and the verb fails. */
  url(name: string): string | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const url = resolveUrl(text, this.#context.documentUrl);
    if (url === undefined) this.fail(11100, `${name} of ${this.#element.name} is not a valid URL`);
    return url;
  }

  /** Like `url`, for what the call can do without: empty counts as absent, unusable is a warning. */
  optionalUrl(name: string, code = 11100): string | undefined {
    const text = this.text(name)?.trim();
    if (text === undefined || text === '') return undefined;
    const url = resolveUrl(text, this.#context.documentUrl);
    if (url === undefined) this.warn(code, `${name} of ${this.#element.name} is not a valid URL`);
    return url;
  }

  /** Attributes of features that this version does not have: said once each, nothing fails. */
  notSupported(...names: readonly string[]): void {
    for (const name of names) {
      if (this.text(name) !== undefined)
        this.warn(NOT_SUPPORTED, `${name} of ${this.#element.name} is not supported yet`);
    }
  }
}

/** "Verb not in this version of the API" (twiml.md 14): used for verbs and attributes alike. */
export const NOT_SUPPORTED = 13750;

/** Absolute http or https URL of `text` seen from `base`; the empty text is `base` itself, with its fragment. */
export function resolveUrl(text: string, base: string | undefined): string | undefined {
  const reference = text.trim();
  if (reference.length > limits.webhookUrlChars) return undefined;
  if (reference === '') return base;
  if (!URL.canParse(reference, base)) return undefined;
  const url = new URL(reference, base);
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.href : undefined;
}
