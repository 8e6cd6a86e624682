// Where callers of a domain are, as REST takes and the store keeps it: JSON text with the words of hookswitch.yaml. Either the parts of
// a civic address (RFC 5139), or a reference that the emergency service asks (RFC 6442).
//
//   {"country": "DE", "city": "Berlin", "street": "Straße des 17. Juni", "houseNumber": "135"}
//   {"uri": "https://lis.example.com/2718"}

import { err, ok, type Result } from './result.ts';

/** Parts of a civic address beside its country. */
export const civicParts = [
  'region',
  'county',
  'city',
  'district',
  'street',
  'houseNumber',
  'houseNumberSuffix',
  'landmark',
  'location',
  'floor',
  'name',
  'postalCode',
  'building',
  'unit',
  'room',
] as const;
type CivicPart = (typeof civicParts)[number];

export type EmergencyAddress =
  | { readonly uri: string }
  | ({ readonly country: string } & { readonly [Part in CivicPart]?: string });

const PART_MAX_CHARS = 128;
const isPart = (name: string): name is CivicPart => (civicParts as readonly string[]).includes(name);
const isPlain = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= PART_MAX_CHARS && !/[\x00-\x1f\x7f]/.test(value);

/** Reads the text; the error says what is wrong with it, for whoever wrote it. */
export function readEmergencyAddress(text: string): Result<EmergencyAddress, string> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err('is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return err('is no JSON object');
  return 'uri' in value ? reference(value) : civic(value);
}

function reference(value: object): Result<EmergencyAddress, string> {
  const { uri, ...rest } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0) return err('has a uri and more: it is either a uri or an address');
  if (typeof uri !== 'string' || !/^https?:\/\/[^\s<>"]{1,1024}$/.test(uri))
    return err('uri must be an http or https URL');
  return ok({ uri });
}

function civic(value: object): Result<EmergencyAddress, string> {
  const { country, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof country !== 'string' || !/^[A-Z]{2}$/.test(country))
    return err('country must be two capital letters, ISO 3166');
  const parts: { [Part in CivicPart]?: string } = {};
  for (const [name, part] of Object.entries(rest)) {
    if (!isPart(name)) return err(`has no part ${name.slice(0, 32)}; the parts are country, ${civicParts.join(', ')}`);
    if (!isPlain(part)) return err(`${name} must be text of 1 to ${PART_MAX_CHARS} characters`);
    parts[name] = part;
  }
  return ok({ country, ...parts });
}
