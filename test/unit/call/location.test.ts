// The location of an emergency call (RFC 6442, RFC 4119, RFC 5139).

import { describe, expect, test } from 'vitest';
import { locationParts } from '../../../src/call/location.ts';
import { checkWellFormed } from '../../../src/twiml/well-formed.ts';

const ENTITY = 'alice@office.sip.localhost';
const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

describe('[sip 9 emergency-location]', () => {
  test('[RFC 6442 4.1] the header names the part by its Content-ID; who does not know the type still takes the call', () => {
    const { headers, part } = locationParts({ kind: 'civic', address: { country: 'US' } }, ENTITY, 'abc123', AT);
    expect(headers).toEqual([
      { name: 'Geolocation', value: '<cid:abc123@office.sip.localhost>' },
      { name: 'Geolocation-Routing', value: 'yes' },
    ]);
    expect(part!.headers).toEqual([
      { name: 'Content-Type', value: 'application/pidf+xml' },
      { name: 'Content-ID', value: '<abc123@office.sip.localhost>' },
      { name: 'Content-Disposition', value: 'by-reference;handling=optional' },
    ]);
  });

  test('[RFC 5139 4] the parts of an address in the order of the schema, empty ones left out', () => {
    const address = {
      room: '12',
      floor: '3',
      houseNumber: '1',
      street: 'Main St',
      city: 'Springfield',
      region: 'IL',
      country: 'US',
      unit: '',
    };
    const { part } = locationParts({ kind: 'civic', address }, ENTITY, 'abc', AT);
    const names = [...part!.body.toString().matchAll(/<ca:([A-Za-z0-9]+)>([^<]+)</g)].map(([, name, value]) => [
      name,
      value,
    ]);
    expect(names).toEqual([
      ['country', 'US'],
      ['A1', 'IL'],
      ['A3', 'Springfield'],
      ['RD', 'Main St'],
      ['HNO', '1'],
      ['FLR', '3'],
      ['ROOM', '12'],
    ]);
  });

  test('[RFC 4119] the document is well-formed XML, whatever the address holds', () => {
    const address = { country: 'US', name: `<O'Neill & "Sons">]]>`, street: 'Übergröße 漢字\u0001' };
    const { part } = locationParts({ kind: 'civic', address }, `<&"@x`, 'abc', AT);
    expect(checkWellFormed(part!.body.toString('utf8')).ok).toBe(true);
    expect(part!.body.toString()).toContain('<ca:NAM>&lt;O&apos;Neill &amp; &quot;Sons&quot;&gt;]]&gt;</ca:NAM>');
    expect(part!.body.toString()).toContain('<dm:timestamp>2026-01-02T03:04:05.000Z</dm:timestamp>');
  });

  test('[RFC 6442 4.1] a reference is a header alone', () => {
    const { headers, part } = locationParts({ kind: 'reference', uri: 'https://lis.example.com/1' }, ENTITY, 'abc', AT);
    expect(headers[0]).toEqual({ name: 'Geolocation', value: '<https://lis.example.com/1>' });
    expect(part).toBeUndefined();
  });
});
