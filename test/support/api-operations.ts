// Every operation of the published OpenAPI data (MIT, github.com/twilio/twilio-oai, spec/json at d50069b) that this gateway keeps: core and
// voice v1. Of the data only these facts are kept, in test/fixtures/api-operations.json: status codes, schema of the answer, name of the
// list, and of each field its type, format, pattern and values.

import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

interface Field {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly values?: readonly string[];
  readonly items?: string;
}

export interface Operation {
  /** `GET /2010-04-01/Accounts/{AccountSid}/Calls.json` */
  readonly operation: string;
  readonly status: readonly number[];
  /** Of the body, or of each item of the list; null: there is no body. */
  readonly schema: string | null;
  /** Key of the list in the envelope. */
  readonly list: string | null;
}

const facts: {
  readonly operations: readonly Operation[];
  readonly schemas: Readonly<Record<string, Readonly<Record<string, Field>>>>;
} = JSON.parse(readFileSync(new URL('../fixtures/api-operations.json', import.meta.url), 'utf8'));

export const { operations } = facts;

const RFC_2822 =
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} \+0000$/;

const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addFormat('date-time-rfc-2822', RFC_2822);
ajv.addFormat('date-time', /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/);
ajv.addFormat('uri', { validate: (text: string) => text === '' || URL.canParse(text, 'http://origin/') });
ajv.addFormat('http-method', /^(GET|POST)$/);
ajv.addFormat('phone-number', /^\+?\d{2,15}$/);
for (const format of ['uri-map', 'phone-number-capabilities', 'currency']) ajv.addFormat(format, true);

const validators = new Map<string, ValidateFunction>();

function validatorOf(schema: string, beyond: readonly string[]): ValidateFunction {
  const key = [schema, ...beyond].join(' ');
  let validator = validators.get(key);
  if (validator) return validator;
  const fields = facts.schemas[schema];
  if (!fields) throw new Error(`no schema ${schema}`);
  validator = ajv.compile({
    type: 'object',
    required: Object.keys(fields),
    additionalProperties: false,
    properties: {
      ...Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, jsonSchema(field)])),
      ...Object.fromEntries(beyond.map((name) => [name, {}])),
    },
  });
  validators.set(key, validator);
  return validator;
}

// Every field may be null (rest-api.md 5).
function jsonSchema({ type, format, pattern, values, items }: Field): object {
  if (type === undefined || type === 'any') return {};
  return {
    anyOf: [
      { type: 'null' },
      {
        type,
        ...(format === undefined ? {} : { format }),
        ...(pattern === undefined ? {} : { pattern }),
        ...(values === undefined ? {} : { enum: values }),
        ...(items === undefined || items === 'any' ? {} : { items: { type: items } }),
      },
    ],
  };
}

/** What is wrong with a body, one line each; empty = as documented. `beyond`: fields that are ours. */
export function bodyProblems(schema: string, body: unknown, beyond: readonly string[] = []): string[] {
  const validate = validatorOf(schema, beyond);
  return validate(body)
    ? []
    : [...new Set((validate.errors ?? []).filter(({ keyword }) => keyword !== 'anyOf').map(lineOf))];
}

function lineOf({ instancePath, message = '', params }: ErrorObject): string {
  const extra = 'additionalProperty' in params ? ` ${String(params.additionalProperty)}` : '';
  return `${instancePath} ${message}${extra}`.trim();
}

const envelope = ['page', 'page_size', 'start', 'end', 'uri', 'first_page_uri', 'previous_page_uri', 'next_page_uri'];
const meta = ['page', 'page_size', 'first_page_url', 'previous_page_url', 'url', 'next_page_url', 'key'];

/** What is wrong with the envelope of a list (rest-api.md 7.1). */
export function listProblems(list: string, body: Readonly<Record<string, unknown>>, isV1: boolean): string[] {
  const expected = isV1 ? ['meta', list] : [...envelope, list];
  const names = isV1 ? Object.keys((body.meta ?? {}) as object) : [];
  return [
    ...(Array.isArray(body[list]) ? [] : [`no list ${list}`]),
    ...difference('envelope', expected, Object.keys(body)),
    ...(isV1 ? difference('meta', meta, names) : []),
  ];
}

const difference = (where: string, expected: readonly string[], found: readonly string[]): string[] => [
  ...expected.filter((name) => !found.includes(name)).map((name) => `${where} lacks ${name}`),
  ...found.filter((name) => !expected.includes(name)).map((name) => `${where} has ${name}`),
];
