// What the published OpenAPI data (MIT, github.com/twilio/twilio-oai) says of the fields of a response: names, JSON types, formats. Only
// that table is kept, in test/fixtures/api-fields.json.

import { readFileSync } from 'node:fs';

export interface FieldRule {
  /** JSON types allowed when the field is not null. */
  readonly type: 'string' | 'integer' | 'boolean' | 'object';
  readonly format: string | null;
  readonly pattern: string | null;
  readonly values: readonly string[] | null;
}

export type FieldRules = Readonly<Record<string, Readonly<Record<string, FieldRule>>>>;

/** The table of another fixture. */
export const fieldRulesOf = (fixture: string): FieldRules =>
  JSON.parse(readFileSync(new URL(`../fixtures/${fixture}`, import.meta.url), 'utf8'));

export const fieldRules: FieldRules = JSON.parse(
  readFileSync(new URL('../fixtures/api-fields.json', import.meta.url), 'utf8'),
);

/** What is wrong with a body, one line per field; empty = as documented. */
export function fieldProblems(
  schema: string,
  body: Readonly<Record<string, unknown>>,
  beyond: readonly string[] = [],
  table: FieldRules = fieldRules,
): string[] {
  const rules = table[schema];
  if (!rules) return [`no schema ${schema}`];
  const problems: string[] = [];
  for (const [name, rule] of Object.entries(rules)) {
    if (!(name in body)) problems.push(`${name} is missing`);
    else if (body[name] !== null) problems.push(...valueProblems(name, rule, body[name]));
  }
  for (const name of Object.keys(body))
    if (!(name in rules) && !beyond.includes(name)) problems.push(`${name} is not documented`);
  return problems;
}

const RFC_2822 =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} \+0000$/;

function valueProblems(name: string, rule: FieldRule, value: unknown): string[] {
  const type = Number.isInteger(value) ? 'integer' : typeof value;
  if (type !== rule.type) return [`${name} is ${type}, not ${rule.type}`];
  const text = String(value);
  if (rule.format === 'date-time-rfc-2822' && !RFC_2822.test(text)) return [`${name} is no RFC 2822 date: ${text}`];
  if (rule.format === 'date-time' && !/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/.test(text))
    return [`${name} is no ISO 8601 date: ${text}`];
  if (rule.pattern !== null && !new RegExp(rule.pattern).test(text))
    return [`${name} does not match ${rule.pattern}: ${text}`];
  if (rule.values !== null && !rule.values.includes(text)) return [`${name} has an undocumented value: ${text}`];
  return [];
}
