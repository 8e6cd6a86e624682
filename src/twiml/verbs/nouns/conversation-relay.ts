// ConversationRelay inside Connect: its attribute table (twiml.md 11.1). The providers of the vendor are not asked here: the gateway's own
// speech engines speak and listen, so what only a provider knows is accepted and means nothing.

import { limits } from '../../../base/limits.ts';
import { withoutSecrets } from '../../../webhook/webhook.ts';
import { AttributeReader } from '../../attributes.ts';
import { resolveSocketUrl } from '../../socket-url.ts';
import type { InputKinds, RelayEnd, RelayLanguage, RelayOptions } from '../../stream-control.ts';
import { childElements, type XmlElement } from '../../xml.ts';
import type { ConnectableNoun } from '../connectable.ts';
import { readParameters } from './parameters.ts';

/** How long the caller must speak to interrupt, by interruptSensitivity. */
const SENSITIVITY_MS = { high: 0, medium: 400, low: 800 } as const;
const INPUT_WORDS = ['none', 'dtmf', 'speech', 'any', 'true', 'false'] as const;
const TAG = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/;
const INVALID = 64101;

export const conversationRelay: ConnectableNoun<RelayOptions> = {
  name: 'ConversationRelay',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const url = resolveSocketUrl(read.text('url') ?? '', context.documentUrl);
    if (!url.ok) read.fail(INVALID, 'url of ConversationRelay is missing or no WebSocket URL');
    const language = readTag(read, 'language', 'en-US');
    const debug = (read.text('debug') ?? '').split(/[\s,]+/);
    return read.finish({
      url: url.ok ? url.value : '',
      parameters: readParameters(element, read),
      welcomeGreeting: readGreeting(read),
      welcomeGreetingInterruptible: readKinds(read, 'welcomeGreetingInterruptible', 'any'),
      ttsLanguage: readTag(read, 'ttsLanguage', language),
      transcriptionLanguage: readTag(read, 'transcriptionLanguage', language),
      voice: read.text('voice')?.trim() || undefined,
      speechModel: read.text('speechModel')?.trim() || undefined,
      languages: readLanguages(element, read),
      interruptible: readKinds(read, 'interruptible', 'any'),
      interruptAfterMs: SENSITIVITY_MS[read.choice('interruptSensitivity', ['high', 'medium', 'low'], 'high', INVALID)],
      reportInputDuringAgentSpeech: readKinds(read, 'reportInputDuringAgentSpeech', 'none'),
      preemptible: read.boolean('preemptible', false, INVALID),
      dtmfDetection: read.boolean('dtmfDetection', false, INVALID),
      partialPrompts: read.boolean('partialPrompts', false, INVALID),
      hints: readHints(read),
      reportsSpeakers: debug.includes('speaker-events'),
      reportsTokensPlayed: debug.includes('tokens-played'),
    });
  },
  describe: ({ url }) => withoutSecrets(url),
  async run(options, { control }, signal) {
    const end = await control.streams.relay(options, signal);
    return { outcome: end.status, params: actionParams(end), hasFailed: end.failure !== undefined };
  },
};

function actionParams(end: RelayEnd): ReadonlyMap<string, string> {
  const { sessionId, status, durationSeconds, handoffData, failure } = end;
  return new Map([
    ['SessionId', sessionId],
    ['SessionStatus', status],
    ['SessionDuration', String(durationSeconds)],
    ...(handoffData === undefined ? [] : [['HandoffData', handoffData] as const]),
    ...(failure ? [['ErrorCode', String(failure.errorCode)] as const, ['ErrorMessage', failure.detail] as const] : []),
  ]);
}

function readKinds(read: AttributeReader, name: string, fallback: InputKinds): InputKinds {
  const word = read.choice(name, INPUT_WORDS, fallback, INVALID);
  if (word === 'true') return 'any';
  return word === 'false' ? 'none' : word;
}

function readTag(read: AttributeReader, name: string, fallback: string): string {
  const tag = read.text(name)?.trim();
  if (tag === undefined || tag === '') return fallback;
  if (TAG.test(tag)) return tag;
  read.warn(INVALID, `${name} of ConversationRelay is no language tag`);
  return fallback;
}

function readGreeting(read: AttributeReader): string | undefined {
  const text = read.text('welcomeGreeting')?.trim();
  if (text === undefined || text === '') return undefined;
  if (text.length > limits.sayChars) read.warn(INVALID, 'welcomeGreeting of ConversationRelay is too long and was cut');
  return text.slice(0, limits.sayChars);
}

const readHints = (read: AttributeReader): readonly string[] =>
  (read.text('hints') ?? '')
    .split(',')
    .map((hint) => hint.trim())
    .filter((hint) => hint !== '');

function readLanguages(element: XmlElement, read: AttributeReader): ReadonlyMap<string, RelayLanguage> {
  const languages = new Map<string, RelayLanguage>();
  for (const child of childElements(element)) {
    if (child.name !== 'Language') continue;
    const code = child.attributes.get('code')?.trim() ?? '';
    if (code !== 'multi' && !TAG.test(code)) read.warn(INVALID, 'Language of ConversationRelay without a valid code');
    else {
      const voice = child.attributes.get('voice')?.trim() || undefined;
      languages.set(code, { voice, speechModel: child.attributes.get('speechModel')?.trim() || undefined });
    }
  }
  return languages;
}
