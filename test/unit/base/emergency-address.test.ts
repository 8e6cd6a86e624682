// The address of a domain's callers as REST takes it.

import { describe, expect, test } from 'vitest';
import { readEmergencyAddress } from '../../../src/base/emergency-address.ts';

describe('what is taken', () => {
  test.each([
    [{ country: 'DE' }],
    [{ country: 'DE', city: 'Berlin', street: 'Straße des 17. Juni', houseNumber: '135', postalCode: '10623' }],
    [{ uri: 'https://lis.example.com/2718' }],
  ])('%j [sip 9 emergency-address-rest]', (address) => {
    expect(readEmergencyAddress(JSON.stringify(address))).toEqual({ ok: true, value: address });
  });
});

describe('what is not', () => {
  test.each([
    ['{', /no JSON/],
    ['null', /no JSON object/],
    ['[]', /no JSON object/],
    ['"Berlin"', /no JSON object/],
    ['{}', /country/],
    ['{"country":"Germany"}', /country/],
    ['{"country":"DE","planet":"Earth"}', /no part planet/],
    ['{"country":"DE","__proto__":{"city":"x"}}', /no part __proto__/],
    ['{"country":"DE","city":7}', /city must be text/],
    ['{"country":"DE","city":""}', /city must be text/],
    ['{"country":"DE","city":"a\\r\\nb"}', /city must be text/],
    [JSON.stringify({ country: 'DE', city: 'x'.repeat(129) }), /city must be text/],
    ['{"uri":"ftp://x"}', /uri must be/],
    ['{"uri":"https://x/<a>"}', /uri must be/],
    ['{"uri":"https://x","country":"DE"}', /either/],
  ])('%s [sip 9 emergency-address-rest]', (text, error) => {
    const read = readEmergencyAddress(text);
    expect(read.ok ? '' : read.error).toMatch(error);
  });
});
