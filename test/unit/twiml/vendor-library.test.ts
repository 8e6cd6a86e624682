// What the vendor's library writes is understood: every verb and noun of its VoiceResponse, with every attribute and every value that it
// declares, arrives as written and without a warning, but for those that are named here.

import twilio from 'twilio';
import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../../src/twiml/document.ts';
import { notRunVerbs } from '../../../src/twiml/schema.ts';
import { verbs } from '../../../src/twiml/verbs/index.ts';
import { childElements, type XmlElement } from '../../../src/twiml/xml.ts';
import { type LibraryElement, libraryElements, valuesOf, write } from '../../support/vendor-twiml.ts';
import { parseContext } from './kit.ts';

const NOT_SUPPORTED = 13750;

/** What is refused as a whole, by the beginning of the path: the only warning of everything that stands there. */
const refused: Readonly<Record<string, number>> = {
  pay: NOT_SUPPORTED,
  prompt: NOT_SUPPORTED,
  sms: NOT_SUPPORTED,
  queue: NOT_SUPPORTED,
  'enqueue task': NOT_SUPPORTED,
  'dial sim': 13258,
  'dial whatsApp': 13215,
  'connect aiSession': NOT_SUPPORTED,
  'connect autopilot': NOT_SUPPORTED,
  'connect conversation': NOT_SUPPORTED,
  'connect conversationRelaySession': NOT_SUPPORTED,
  'connect room': NOT_SUPPORTED,
  'connect virtualAgent': NOT_SUPPORTED,
};

/** Attributes that are warned about, some with one value only. */
const warned: Readonly<Record<string, number>> = {
  'enqueue workflowSid': NOT_SUPPORTED,
  'dial passports': NOT_SUPPORTED,
  'dial application url': NOT_SUPPORTED,
  'dial queue reservationSid': NOT_SUPPORTED,
  'dial queue postWorkActivitySid': NOT_SUPPORTED,
  'start stream connectorName': 31940,
  'connect stream connectorName': 31940,
  'connect stream track outbound_track': 31941,
  'connect stream track both_tracks': 31941,
  'gather play digits': 13320,
  'start transcription intelligenceService': NOT_SUPPORTED,
};

const refusalOf = (path: string): number | undefined =>
  Object.entries(refused).find(([prefix]) => `${path} `.startsWith(`${prefix} `))?.[1];

/** The element names of a path, as the library writes them. */
const elementNames = (xml: string): string[] => [...xml.matchAll(/<([A-Za-z-]+)/g)].map(([, name = '']) => name);

/** Every number that the document, its verbs and their nouns are warned with. */
function codesOf(xml: string): { readonly codes: readonly number[]; readonly root: readonly XmlElement[] } {
  const document = parseDocument(xml);
  if (!document.ok) return { codes: [document.error.code], root: [] };
  const codes = document.value.warnings.map(({ code }) => code);
  for (const { name, element } of document.value.verbs) {
    const prepared = verbs.get(name)?.prepare(element, parseContext);
    if (!prepared) codes.push(notRunVerbs.has(name) ? NOT_SUPPORTED : 0);
    for (const { code } of prepared?.warnings ?? []) codes.push(code);
    if (prepared?.ok === false) codes.push(prepared.error.code);
  }
  return { codes, root: document.value.verbs.map(({ element }) => element) };
}

/** The element that the path leads to: the last child each time, but for the company of a verb that stands alone. */
function found(root: readonly XmlElement[], depth: number): XmlElement | undefined {
  let element = root[0];
  for (let level = 1; level < depth; level++) element = element && childElements(element)[0];
  return element;
}

const elements = libraryElements();

/** What is wrong with one element written with these attributes; empty: nothing. */
function faultsOf(element: LibraryElement, attributes: Readonly<Record<string, unknown>>): string[] {
  const path = element.path.join(' ');
  const [[attribute = '', value] = []] = Object.entries(attributes);
  const written = write(element, attributes);
  const { codes, root } = codesOf(written.xml);
  const expected = refusalOf(path) ?? warned[`${path} ${attribute}`] ?? warned[`${path} ${attribute} ${value}`];
  const faults = [];
  if (JSON.stringify(codes) !== JSON.stringify(expected === undefined ? [] : [expected]))
    faults.push(`${JSON.stringify(attributes)}: ${codes.join(' ')}`);
  const arrived = found(root, element.path.length);
  if (JSON.stringify([...(arrived?.attributes ?? [])]) !== JSON.stringify([...written.attributes]))
    faults.push(`${JSON.stringify(attributes)}: ${JSON.stringify([...(arrived?.attributes ?? [])])}`);
  return faults;
}

// holds: [twiml 5.1 voice] [twiml 5.1 language] [twiml 5.1 ssml-elements] [twiml 5.4 language]
// holds: [twiml 6.1 recording-configuration] [twiml 6.5 machine-detection] [twiml 6.6 machine-detection] [twiml 6.7 shared]
// holds: [twiml 6.8 read]
// holds: [twiml 7.1 recording-configuration] [twiml 9 format] [twiml 10 start] [twiml 10 stop] [twiml 11.1 relay-attributes]
// holds: [twiml 12 refused]
describe('what the vendor’s library writes [twiml 15 library] [twiml 15 attributes] [twiml 4.1 lists]', () => {
  test('its verbs are all known', () => {
    const atTop = elements
      .filter(({ path }) => path.length === 1)
      .map((element) => elementNames(write(element).xml)[1]);
    expect(atTop.filter((name) => name !== undefined && !verbs.has(name) && !notRunVerbs.has(name))).toEqual([]);
    expect(atTop.length).toBeGreaterThanOrEqual(20);
  });

  test.each(elements.map((element) => [element.path.join(' '), element] as const))('%s', (_path, element) => {
    const tried = [...element.attributes].flatMap(([name, type]) =>
      valuesOf(element, name, type).map((value) => ({ [name]: value })),
    );
    expect([{}, ...tried].flatMap((attributes) => faultsOf(element, attributes))).toEqual([]);
  });

  test('what is refused and warned about here exists in the library', () => {
    const paths = elements.map(({ path }) => path.join(' '));
    const attributes = elements.flatMap(({ path, attributes: names }) =>
      [...names.keys()].map((name) => `${path.join(' ')} ${name}`),
    );
    expect(Object.keys(refused).filter((path) => !paths.includes(path))).toEqual([]);
    expect(Object.keys(warned).filter((path) => !attributes.some((name) => `${path} `.startsWith(`${name} `)))).toEqual(
      [],
    );
  });

  test('elements of any name by addChild: those that are unknown are 12200, and the rest runs [twiml 15 add-child]', () => {
    const response = new twilio.twiml.VoiceResponse();
    response.addChild('Speak', { loud: true });
    const gather = response.gather();
    gather.addChild('Say', { tone: 'sad' }).addText('Hello');
    gather.addChild('Dance', {});
    const { codes, root } = codesOf(response.toString());
    expect(codes).toEqual([12200, 12200, 13320]);
    expect(root.map(({ name }) => name)).toEqual(['Gather']);
  });

  test('comments and free text of the library change nothing', () => {
    const { xml } = write({ path: ['say'], attributes: new Map(), takesText: true });
    expect(codesOf(xml.replace('<Response>', '<!-- before --><Response><!-- in -->')).codes).toEqual([]);
  });
});
