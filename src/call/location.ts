// Where a caller is, as an emergency call carries it (RFC 6442): a civic address as PIDF-LO beside the session description, or a
// reference to a location. Pure.
//
//   Geolocation: <cid:f81d4fae@pbx.sip.localhost> ──▶ part with Content-ID: <f81d4fae@pbx.sip.localhost>
//   Geolocation: <https://lis.example.com/2718>   ──▶ asked there by the emergency service

import type { HeaderField } from '../sip/grammar/message.ts';
import type { BodyPart } from '../sip/ua/multipart.ts';

/** Parts of a civic address, by plain words. */
export interface CivicAddress {
  /** ISO 3166, two letters. */
  readonly country: string;
  readonly region?: string | undefined;
  readonly county?: string | undefined;
  readonly city?: string | undefined;
  readonly district?: string | undefined;
  readonly street?: string | undefined;
  readonly houseNumber?: string | undefined;
  readonly houseNumberSuffix?: string | undefined;
  readonly landmark?: string | undefined;
  readonly location?: string | undefined;
  readonly floor?: string | undefined;
  readonly name?: string | undefined;
  readonly postalCode?: string | undefined;
  readonly building?: string | undefined;
  readonly unit?: string | undefined;
  readonly room?: string | undefined;
}

export type EmergencyLocation =
  | { readonly kind: 'civic'; readonly address: CivicAddress }
  | { readonly kind: 'reference'; readonly uri: string };

/** Element of each part, in the order of the schema of RFC 5139 4. */
const elements: readonly (readonly [part: keyof CivicAddress, element: string])[] = [
  ['country', 'country'],
  ['region', 'A1'],
  ['county', 'A2'],
  ['city', 'A3'],
  ['district', 'A4'],
  ['street', 'RD'],
  ['houseNumber', 'HNO'],
  ['houseNumberSuffix', 'HNS'],
  ['landmark', 'LMK'],
  ['location', 'LOC'],
  ['floor', 'FLR'],
  ['name', 'NAM'],
  ['postalCode', 'PC'],
  ['building', 'BLD'],
  ['unit', 'UNIT'],
  ['room', 'ROOM'],
];

/** Headers of the INVITE, and the part of its body where the location is an address. `id` is random letters and digits. */
export function locationParts(
  location: EmergencyLocation,
  entity: string,
  id: string,
  wallMs: number,
): { readonly headers: readonly HeaderField[]; readonly part: BodyPart | undefined } {
  // RFC 6442 4.2: the location may be used for routing the call.
  const routing = { name: 'Geolocation-Routing', value: 'yes' };
  if (location.kind === 'reference')
    return { headers: [{ name: 'Geolocation', value: `<${location.uri}>` }, routing], part: undefined };
  const contentId = `${id}@${entity.split('@').at(-1)}`;
  const part: BodyPart = {
    headers: [
      { name: 'Content-Type', value: 'application/pidf+xml' },
      { name: 'Content-ID', value: `<${contentId}>` },
      // RFC 5621 3.1: who does not know the type still takes the call.
      { name: 'Content-Disposition', value: 'by-reference;handling=optional' },
    ],
    body: Buffer.from(pidfLo(location.address, entity, id, wallMs)),
  };
  return { headers: [{ name: 'Geolocation', value: `<cid:${contentId}>` }, routing], part };
}

/** RFC 4119 as profiled by RFC 5491: one device, one location. */
function pidfLo(address: CivicAddress, entity: string, id: string, wallMs: number): string {
  const civic = elements.flatMap(([part, element]) => {
    const value = address[part];
    return value === undefined || value === '' ? [] : [`<ca:${element}>${escaped(value)}</ca:${element}>`];
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<presence xmlns="urn:ietf:params:xml:ns:pidf"',
    ' xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"',
    ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10"',
    ' xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr"',
    ` entity="pres:${escaped(entity)}">`,
    `<dm:device id="d${id}"><gp:geopriv><gp:location-info><ca:civicAddress>${civic.join('')}</ca:civicAddress>`,
    '</gp:location-info><gp:usage-rules/><gp:method>Manual</gp:method></gp:geopriv>',
    `<dm:deviceID>urn:x-device:${id}</dm:deviceID><dm:timestamp>${new Date(wallMs).toISOString()}</dm:timestamp>`,
    '</dm:device></presence>',
    '',
  ].join('\r\n');
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};
/** XML 1.0 2.2: what no document may hold is left out. */
const escaped = (text: string): string =>
  text
    .replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, '')
    .replace(/[&<>"']/g, (character) => entities[character]!);
