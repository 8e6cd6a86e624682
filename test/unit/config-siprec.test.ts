// Recording servers in hookswitch.yaml: what is taken, and that every mistake is named.

import { describe, expect, test } from 'vitest';
import { siprecConnectorsSchema } from '../../src/config-siprec.ts';

const named = (changes: Readonly<Record<string, unknown>>) => [
  { name: 'archive', uri: 'sip:srs.example.com', ...changes },
];

describe('siprecConnectors', () => {
  test('a name and a URI are enough', () => {
    expect(siprecConnectorsSchema.parse(named({}))).toEqual([
      { name: 'archive', uri: 'sip:srs.example.com', secureMedia: false, tlsVerify: true },
    ]);
  });

  test.each([
    [{ uri: ['sip:a.example.com', 'sip:b.example.com;transport=tls'] }],
    [{ uri: 'sips:srs.example.com:5061' }],
    [{ transport: 'tcp', username: 'gw', password: 'secret', secureMedia: true, tlsVerify: false }],
  ])('%j', (changes) => {
    expect(siprecConnectorsSchema.safeParse(named(changes)).success).toBe(true);
  });

  test.each([
    [{ uri: 'srs.example.com' }],
    [{ uri: 'tel:+49' }],
    [{ uri: 'sip:gw:secret@srs.example.com' }],
    [{ uri: 'sip:srs.example.com\r\nVia: x' }],
    [{ uri: [] }],
    [{ uri: Array.from({ length: 11 }, (_, index) => `sip:${index}.example.com`) }],
    [{ transport: 'ws' }],
    [{ password: 'without a user' }],
    [{ name: '' }],
    [{ colour: 'blue' }],
  ])('%j is a mistake', (changes) => {
    expect(siprecConnectorsSchema.safeParse(named(changes)).success).toBe(false);
  });

  test('names are different', () => {
    expect(siprecConnectorsSchema.safeParse([...named({}), ...named({})]).success).toBe(false);
  });
});
