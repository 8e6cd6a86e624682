// What may stand where (twiml.md 15): the table of parents and children, and the documents that may hold less.

import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../../src/twiml/document.ts';
import { schema, screeningVerbs } from '../../../src/twiml/schema.ts';

const SSML = 'break emphasis lang p phoneme prosody s say-as sub w';

// Parent, children; every other element holds text or nothing.
const table: [parent: string, children: string][] = [
  [
    'Response',
    'Connect Dial Echo Enqueue Gather Hangup Leave Pause Pay Play Prompt Queue Record Redirect Refer Reject Say Sms Start Stop',
  ],
  ['Dial', 'Application Client Conference Number Queue Sim Sip WhatsApp'],
  ['Gather', 'Say Play Pause'],
  ['Prompt', 'Say Play Pause'],
  ['Say', SSML],
  ['emphasis', 'break emphasis lang phoneme prosody say-as sub w'],
  ['lang', SSML],
  ['p', 'break emphasis lang phoneme prosody s say-as sub w'],
  ['s', 'break emphasis lang phoneme prosody say-as sub w'],
  ['prosody', SSML],
  ['w', 'break emphasis phoneme prosody say-as sub'],
  ['Client', 'Identity Parameter'],
  ['Sip', 'Headers Uri'],
  ['Headers', 'Header'],
  ['Refer', 'Sip'],
  ['Enqueue', 'Task'],
  ['Application', 'ApplicationSid Parameter'],
  [
    'Connect',
    'AiSession Assistant Autopilot Conversation ConversationRelay ConversationRelaySession Room Stream VirtualAgent',
  ],
  ['Start', 'Recording Siprec Stream Transcription'],
  ['Stop', 'Recording Siprec Stream Transcription'],
  ['Stream', 'Parameter'],
  ['Siprec', 'Parameter'],
  ['Transcription', 'Config Parameter'],
  ['VirtualAgent', 'Config Parameter'],
  ['ConversationRelay', 'Language Parameter'],
  ['Assistant', 'Language Parameter'],
  ['Pay', 'Parameter Prompt'],
  ['Hangup', 'Parameter'],
  ['Reject', 'Parameter'],
];

describe('children', () => {
  test.each(table)('%s holds %s [twiml 15 children]', (parent, children) => {
    expect([...schema.get(parent)!.children].sort()).toEqual(children.split(' ').sort());
  });

  test('everything else holds text or nothing [twiml 15 children]', () => {
    const parents = new Set(table.map(([parent]) => parent));
    const others = [...schema].filter(([name, { children }]) => !parents.has(name) && children.size > 0);
    expect(others.map(([name]) => name)).toEqual([]);
  });

  test('every child of the table is an element that is known', () => {
    const unknown = [...schema].flatMap(([parent, { children }]) =>
      [...children].filter((child) => !schema.has(child) && !schema.has(`${parent}>${child}`)),
    );
    // Skipped as a whole: their insides are not looked at.
    expect(unknown).toEqual([]);
  });
});

// Attributes that the vendor's documents have and its library has not.
const documented: [element: string, attribute: string][] = [
  ['Dial', 'callReason'],
  ['Client', 'clientNotificationUrl'],
  ['Recording', 'name'],
  ['Transcription', 'enableProviderData'],
];

test.each(documented)('%s has %s [twiml 15 documented-attributes]', (element, attribute) => {
  expect(schema.get(element)?.attributes.has(attribute)).toBe(true);
});

test('an attribute of one element is none of another [twiml 15 attributes]', () => {
  const parsed = parseDocument(
    '<Response><Say timeout="1">a</Say><Pause loop="2"/><Dial length="3">1</Dial></Response>',
  );
  expect(parsed.ok && parsed.value.warnings.map(({ code }) => code)).toEqual([12200, 12200, 12200]);
});

test('a document for a called party holds Play, Say, Pause, Gather, Hangup and Redirect [twiml 15 restricted-screening]', () => {
  expect([...screeningVerbs].sort()).toEqual(['Gather', 'Hangup', 'Pause', 'Play', 'Redirect', 'Say']);
});
