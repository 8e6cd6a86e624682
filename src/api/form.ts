// Form-encoded parameters → checked values (rest-api.md 4). parseForm reads the bytes; the field helpers build zod schemas whose issues
// carry the vendor's code, and `checked` gives the first issue in the order of the schema: that order is the order of validation.

import { z } from 'zod';
import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type ApiFault, fault } from './errors.ts';

/** Values per name, in the order sent. */
export type Form = ReadonlyMap<string, readonly string[]>;

/** `application/x-www-form-urlencoded`, UTF-8; `+` and `%20` are both a space. Any text gives a form or a fault. */
export function parseForm(text: string): Result<Form, ApiFault> {
  const form = new Map<string, string[]>();
  let fields = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    if (++fields > limits.restFormFields) return err(fault(20413, `More than ${limits.restFormFields} parameters`));
    const values = form.get(name);
    if (values) values.push(value);
    else form.set(name, [value]);
  }
  return ok(form);
}

/** A query parameter's last value; undefined when absent or empty. */
export const lastOf = (form: Form, name: string): string | undefined => form.get(name)?.at(-1) || undefined;

/** Checks a form against a schema whose keys are the parameter names. Unknown parameters are ignored (rest-api.md 4). */
export function checked<Schema extends z.ZodType>(schema: Schema, form: Form): Result<z.output<Schema>, ApiFault> {
  const parsed = schema.safeParse(Object.fromEntries(form));
  return parsed.success ? ok(parsed.data) : err(faultOf(parsed.error));
}

function faultOf(error: z.ZodError): ApiFault {
  const [code, ...text] = (error.issues[0]?.message ?? '').split('|');
  return fault(Number(code) || 20001, text.join('|') || 'Invalid parameter');
}

const issue = (code: number, text: string): string => `${code}|${text}`;

// A name may be repeated; of a single-valued parameter the last one counts.
const lastValue = (values: unknown): unknown => (Array.isArray(values) ? values.at(-1) : values);

/** CR, LF and NUL never reach a value that may become a header (design.md 9). */
export const hasControl = (text: string): boolean => /[\x00-\x08\x0a-\x1f\x7f]/.test(text);

/** Text of 1 to `maxChars` characters without control characters. */
export const text = (name: string, code: number, maxChars: number) =>
  z
    .string({ error: issue(code, `${name} is required`) })
    .min(1, { error: issue(code, `${name} is required`) })
    .max(maxChars, { error: issue(code, `${name} is longer than ${maxChars} characters`) })
    .refine((value) => !hasControl(value), { error: issue(code, `${name} holds a character that is not allowed`) });

/** A required single value. */
export const required = <Schema extends z.ZodType>(schema: Schema) => z.preprocess(lastValue, schema);

/** An optional single value; absent and empty are undefined. */
export const optional = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((values) => lastValue(values) || undefined, schema.optional());

/** An optional single value of an update: absent = undefined (keep), empty = null (clear). */
export const clearable = <Schema extends z.ZodType>(schema: Schema) =>
  z.preprocess((values) => {
    const value = lastValue(values);
    return value === '' ? null : value;
  }, schema.nullable().optional());

/** `true` and `false` in any case. */
export const bool = (name: string, code: number) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(['true', 'false'], { error: issue(code, `${name} must be true or false`) }))
    .transform((value) => value === 'true');

export const method = (name: string, code: number) =>
  z
    .string()
    .toUpperCase()
    .pipe(z.enum(['GET', 'POST'], { error: issue(code, `${name} must be GET or POST`) }))
    .transform((value): HttpMethod => value);

export const integer = (name: string, code: number, min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, { error: issue(code, `${name} must be a whole number from ${min} to ${max}`) })
    .transform(Number)
    .refine((value) => value >= min && value <= max, {
      error: issue(code, `${name} must be a whole number from ${min} to ${max}`),
    });

/** An absolute http or https URL. */
export const url = (name: string, code: number) =>
  z
    .string()
    .max(limits.restUrlChars, { error: issue(code, `${name} is longer than ${limits.restUrlChars} characters`) })
    .refine(isWebUrl, { error: (context) => issue(code, `${name} is not a valid URL: ${printable(context.input)}`) });

/** A sid of the given prefix. */
export const sid = (name: string, code: number, prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}[0-9a-f]{32}$`), { error: issue(code, `${name} is not a valid ${prefix} sid`) });

export function isWebUrl(value: string): boolean {
  if (/[\s\x00-\x1f\x7f]/.test(value) || !/^https?:\/\//i.test(value)) return false;
  return URL.canParse(value);
}

/** A value of the client's, safe to repeat in an error text. */
export const printable = (value: unknown): string =>
  String(value)
    .replace(/[\x00-\x1f\x7f]/g, '?')
    .slice(0, 200);
