// TwiML as the vendor's library writes it: every verb, noun and attribute that its declaration file knows, so that a newer library
// brings its news into the tests by itself. What no declaration says (sensible texts and numbers) stands in the tables below.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import twilio from 'twilio';

/** One method of one class of the library. */
export interface LibraryElement {
  /** Methods from `new VoiceResponse()` on: `['dial', 'sip']`. */
  readonly path: readonly string[];
  /** Declared type by attribute. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly takesText: boolean;
}

type Values = Readonly<Record<string, unknown>>;
interface Node {
  readonly [method: string]: (...args: unknown[]) => Node;
}

const URL = 'https://app.example.test/next';
const SIP = 'sip:bob@example.com';

/** Text of an element, by method; `text` for any other. */
const TEXTS: Readonly<Record<string, string>> = {
  play: URL,
  redirect: '/next?a=1&b=2',
  dial: '+4930123456',
  number: '+4930123456',
  whatsApp: '+4930123456',
  sip: SIP,
  uri: SIP,
  applicationSid: `AP${'1'.repeat(32)}`,
  task: '{"account":7}',
};

/** What an element needs to be complete. */
const NEEDED: Readonly<Record<string, Values>> = {
  gather: { input: ['dtmf', 'speech'] },
  stream: { url: 'wss://agent.example.test/media', name: 'one' },
  recording: { name: 'one' },
  conversationRelay: { url: 'wss://agent.example.test/relay' },
  language: { code: 'de-DE' },
  parameter: { name: 'plan', value: 'gold & more' },
  config: { name: 'plan', value: 'gold' },
  header: { name: 'X-Plan', value: 'gold' },
  uri: { priority: '1' },
  sayAs: { 'interpret-as': 'date' },
};

/** Text of an element around the one that is looked at. */
const TEXTS_AROUND: Readonly<Record<string, string>> = { say: 'Hello', client: 'bob', sip: SIP };

/** What an attribute means nothing without. */
const BESIDE: Readonly<Record<string, Values>> = {
  password: { username: 'alice' },
  transcribeCallback: { transcribe: true },
};

/** A child that an element means nothing without. */
const COMPANY: Readonly<Record<string, (node: Node) => unknown>> = {
  refer: (node) => node.sip?.({}, SIP),
  connect: (node) => node.stream?.(NEEDED.stream),
  start: (node) => node.stream?.(NEEDED.stream),
  stop: (node) => node.stream?.({ name: 'one' }),
};

/** A child that an element needs, behind the one that is looked at. */
const NEEDED_CHILD: Readonly<Record<string, string>> = { application: 'applicationSid' };

/** Values of attributes that are declared as string or number, by `element.attribute` or attribute. */
const SAMPLES: Readonly<Record<string, readonly unknown[]>> = {
  action: [URL, '/next', 'next?a=1&b=2'],
  'pause.length': [1, 600],
  'play.loop': [0, 1, 1_000],
  'say.loop': [0, 1, 1_000],
  'play.digits': ['0123456789ABCD#*wW'],
  'dial.callerId': ['+4930123456', 'client:alice', 'reception_1.a-b'],
  'dial.timeout': [5, 600],
  'dial.timeLimit': [1, 14_400],
  'gather.finishOnKey': [...'0123456789#*', ''],
  'gather.numDigits': [1, 20],
  'gather.timeout': [1, 60],
  'gather.maxSpeechTime': [1, 60],
  'gather.hints': ['sales, $MONEY, the support'],
  'gather.speechModel': [
    ...['default', 'numbers_and_commands', 'phone_call', 'experimental_conversations', 'experimental_utterances'],
    ...['googlev2_long', 'googlev2_short', 'googlev2_telephony', 'googlev2_telephony_short'],
    ...['deepgram_nova-2', 'deepgram_nova-3'],
  ],
  'gather.speechTimeout': ['auto', '3'],
  'record.finishOnKey': ['1234567890*#', '', '#'],
  'record.maxLength': [2, 14_400],
  'record.timeout': [0, 5],
  'number.sendDigits': ['1w2W#*A'],
  'conference.maxParticipants': [1, 250],
  'enqueue.maxQueueSize': [1, 5_000],
  priority: ['0', '65535'],
  weight: ['0', '65535'],
  'stream.audioFormat': ['audio/x-mulaw'],
  'stream.sampleRate': ['8000'],
  'break.time': ['1s', '250ms'],
  'prosody.volume': ['default', 'silent', 'x-soft', 'soft', 'medium', 'loud', 'x-loud', '+6dB', '-6dB'],
  'prosody.rate': ['x-slow', 'slow', 'medium', 'fast', 'x-fast', '85%'],
  'prosody.pitch': ['default', 'x-low', 'low', 'medium', 'high', 'x-high', '+10%', '-10%'],
  'conversationRelay.interruptible': ['none', 'dtmf', 'speech', 'any', 'true', 'false'],
  'conversationRelay.welcomeGreetingInterruptible': ['none', 'dtmf', 'speech', 'any'],
  'conversationRelay.reportInputDuringAgentSpeech': ['none', 'dtmf', 'speech', 'any'],
  'conversationRelay.interruptSensitivity': ['low', 'medium', 'high'],
  'conversationRelay.debug': ['debugging speaker-events tokens-played'],
  language: ['de-DE'],
  ttsLanguage: ['de-DE'],
  transcriptionLanguage: ['de-DE'],
  code: ['multi', 'sv-SE'],
  machineDetection: ['Enable', 'DetectMessageEnd'],
  'number.machineDetectionTimeout': [3, 60],
  'number.machineDetectionSpeechThreshold': [1_000, 6_000],
  'number.machineDetectionSpeechEndThreshold': [500, 5_000],
  'number.machineDetectionSilenceTimeout': [2_000, 10_000],
  'sip.machineDetectionTimeout': [3, 60],
  'sip.machineDetectionSpeechThreshold': [1_000, 6_000],
  'sip.machineDetectionSpeechEndThreshold': [500, 5_000],
  'sip.machineDetectionSilenceTimeout': [2_000, 10_000],
  machineDetectionTimeout: [3, 59],
  machineDetectionSpeechThreshold: [1_000, 6_000],
  machineDetectionSpeechEndThreshold: [500, 5_000],
  machineDetectionSilenceTimeout: [2_000, 10_000],
  'stream.url': ['wss://agent.example.test/media', '/media'],
  'conversationRelay.url': ['wss://agent.example.test/relay'],
  'header.name': ['X-Plan', 'User-to-User'],
  'parameter.name': ['plan', 'First_Name'],
  languageCode: ['en-US', 'de-DE'],
  transcriptionEngine: ['google', 'deepgram'],
};

const declaration = readFileSync(
  join(createRequire(import.meta.url).resolve('twilio'), '../twiml/VoiceResponse.d.ts'),
  'utf8',
);

/** Unions of literals, by name of the type. */
const unions = new Map(
  [...declaration.matchAll(/^ {4}type (\w+) = ([^;]+);/gm)].map(([, name = '', union = '']) => [
    name,
    [...union.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word),
  ]),
);

/** The library declares some interfaces once for each place where they are used. */
const interfaces = new Map<string, Map<string, string>>();
for (const [, name = '', body = ''] of declaration.matchAll(/^ {4}export interface (\w+) \{([\s\S]*?)^ {4}\}/gm)) {
  const attributes = interfaces.get(name) ?? new Map<string, string>();
  for (const [, attribute = '', type = ''] of body.matchAll(/^ {8}"?([\w:-]+)"?\??: ([^;]+);/gm))
    attributes.set(attribute, type);
  interfaces.set(name, attributes);
}

interface Method {
  readonly name: string;
  readonly parameters: string;
  readonly returns: string;
}

const classes = new Map<string, readonly Method[]>(
  [...declaration.matchAll(/^ {0,4}(?:export|declare) class (\w+) extends TwiML \{([\s\S]*?)^ {0,4}\}/gm)].map(
    ([, name = '', body = '']) => [
      name,
      [...body.matchAll(/^ +(\w+)\(([^)]*)\): VoiceResponse\.(\w+);/gm)].map(
        ([, method = '', parameters = '', returns = '']) => ({ name: method, parameters, returns }),
      ),
    ],
  ),
);

/** Everything the library can write, each class by its shortest path. */
export function libraryElements(): readonly LibraryElement[] {
  const elements: LibraryElement[] = [];
  const seen = new Set(['VoiceResponse']);
  const queue: { className: string; path: readonly string[] }[] = [{ className: 'VoiceResponse', path: [] }];
  for (let next = queue.shift(); next; next = queue.shift()) {
    for (const method of withAttributes(classes.get(next.className) ?? [])) {
      const path = [...next.path, method.name];
      const type = /VoiceResponse\.(\w+Attributes)/.exec(method.parameters)?.[1] ?? '';
      const takesText = /, \w+\??: string/.test(method.parameters);
      elements.push({ path, attributes: interfaces.get(type) ?? new Map(), takesText });
      if (!seen.has(method.returns)) queue.push({ className: method.returns, path });
      seen.add(method.returns);
    }
  }
  return elements;
}

/** Of the overloads of a method the one with the most parameters. */
function withAttributes(methods: readonly Method[]): readonly Method[] {
  const byName = new Map<string, Method>();
  for (const method of methods) {
    const before = byName.get(method.name);
    if (!before || method.parameters.length > before.parameters.length) byName.set(method.name, method);
  }
  return [...byName.values()];
}

/** All values that are tried for an attribute. */
export function valuesOf({ path }: LibraryElement, attribute: string, type: string): readonly unknown[] {
  const element = path.at(-1) ?? '';
  const known = SAMPLES[`${element}.${attribute}`] ?? (/string|number/.test(type) ? SAMPLES[attribute] : undefined);
  if (known) return known;
  if (type === 'boolean') return [true, false];
  if (type === 'number') return [1, 5];
  if (type === 'number[]') return [[1, 2]];
  const union = unions.get(type.replace('[]', ''));
  if (union) return type.endsWith('[]') ? [...union.map((word) => [word]), union] : union;
  if (/method$/i.test(attribute)) return ['GET', 'POST'];
  if (/url$|callback$/i.test(attribute)) return [URL, '/next'];
  return ['some text'];
}

export interface Written {
  readonly xml: string;
  /** What the library was given for the element itself, as it writes it. */
  readonly attributes: ReadonlyMap<string, string>;
}

/** Lets the library write the element, complete, with `attributes` beside what it needs. */
export function write({ path, takesText }: LibraryElement, attributes: Values = {}): Written {
  const root = new twilio.twiml.VoiceResponse();
  let node = root as unknown as Node;
  let given: Values = {};
  const needed: [Node, string][] = [];
  for (const [index, method] of path.entries()) {
    const isLast = index === path.length - 1;
    given = isLast ? { ...NEEDED[method], ...attributes } : { ...NEEDED[method] };
    for (const name of Object.keys(attributes)) given = isLast ? { ...BESIDE[name], ...given } : given;
    const text = isLast ? takesText && (TEXTS[method] ?? 'text') : TEXTS_AROUND[method];
    node = node[method]!(given, ...(text ? [text] : []));
    if (isLast) COMPANY[method]?.(node);
    const child = NEEDED_CHILD[method];
    if (child !== undefined && path[index + 1] !== child) needed.push([node, child]);
  }
  for (const [parent, child] of needed) parent[child]!({}, TEXTS[child]);
  const texts = Object.entries(given).map(
    ([name, value]) => [name, Array.isArray(value) ? value.join(' ') : String(value)] as const,
  );
  return { xml: root.toString(), attributes: new Map(texts) };
}
