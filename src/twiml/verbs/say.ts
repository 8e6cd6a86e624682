// Say: speaks text or SSML (twiml.md 5.1). Which engine and voice speak is decided behind CallControl.

import { limits } from '../../base/limits.ts';
import { AttributeReader } from '../attributes.ts';
import type { AudioSource, Spoken } from '../call-control.ts';
import { endOfCall, nextVerb, type Verb } from '../verb.ts';
import { childElements, type XmlElement } from '../xml.ts';

export interface Say {
  /** Undefined when there is nothing to say (13520). */
  readonly spoken: Spoken | undefined;
  readonly loop: number;
}

const LANGUAGES: ReadonlySet<string> = new Set(
  (
    'af-ZA am-ET ar-AE ar-XA arb bg-BG bn-IN ca-ES cmn-CN cmn-TW cs-CZ cy-GB da-DK de-AT de-DE de-CH el-GR en-AU en-CA en-GB ' +
    'en-GB-WLS en-IE en-IN en-NZ en-US en-ZA es-ES es-MX es-US fi-FI fil-PH fr-BE fr-CA fr-FR gu-IN he-IL hi-IN hu-HU id-ID ' +
    'is-IS it-IT ja-JP kn-IN ko-KR lv-LV ml-IN mr-IN ms-MY nb-NO nl-BE nl-NL pa-IN pl-PL pt-BR pt-PT ro-RO ru-RU sk-SK ' +
    'sr-RS sv-SE ta-IN te-IN th-TH tr-TR uk-UA vi-VN yue-HK zh-CN zh-HK zh-TW'
  ).split(' '),
);

/** Tags of the old voices man, woman and alice, which applications still write. */
const OLD_LANGUAGES: ReadonlySet<string> = new Set(['en', 'en-gb', 'es', 'fr', 'de', 'it']);

const LANGUAGE_FORM = /^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;
const VOICE_FORM = /^(man|woman|alice|Polly\.\p{L}+(-[A-Za-z]+)?|Google\.[A-Za-z0-9-]+)$/u;
const DEFAULT_LANGUAGE = 'en-US';

export const say: Verb<Say> = {
  name: 'Say',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    const voice = readVoice(read, context.isNested ? 13321 : 13511);
    const language = readLanguage(read, voice);
    const loop = readLoop(read, context.isNested ? 13322 : 13510);
    const hasMarkup = childElements(element).length > 0;
    const plain = plainText(element).trim();
    if (plain === '') {
      read.warn(13520, 'Say has no text');
      return read.finish({ spoken: undefined, loop });
    }
    const markup = innerMarkup(element);
    const maxChars = maxCharsOf(voice);
    // twiml.md 5.1: tags count with Google only. Markup cannot be cut in the middle, so a text that is too long loses it.
    const isTooLong = (isGoogle(voice) ? markup : plain).length > maxChars;
    if (isTooLong) read.warn(13521, `text of Say is longer than ${maxChars} characters and was cut`);
    const ssml = hasMarkup && !isTooLong;
    const text = ssml ? markup.trim() : cutText(plain, maxChars);
    return read.finish({ spoken: { text, ssml, voice, language }, loop });
  },
  // The text may be private: the trace shows its length only.
  describe: (verb) => `${verb.spoken?.text.length ?? 0} characters, ${verb.spoken?.language ?? DEFAULT_LANGUAGE}`,
  sources: saySources,
  async run(verb, { control }, signal) {
    await control.answer(signal);
    if (signal.aborted) return endOfCall('aborted');
    const sources = saySources(verb);
    if (sources.length === 0) return nextVerb('nothing to say', false);
    const outcome = await control.play(sources, signal);
    return outcome === 'aborted' ? endOfCall(outcome) : nextVerb(outcome, outcome === 'finished');
  },
};

export function saySources(verb: Say): readonly AudioSource[] {
  return verb.spoken ? [{ kind: 'say', spoken: verb.spoken, loop: verb.loop }] : [];
}

/** twiml.md 5.1, 5.2: 0 = until hang-up, which is at most 1000 rounds. */
export function readLoop(read: AttributeReader, code: number): number {
  const loop = read.integer('loop', { min: 0, max: limits.playLoops, fallback: 1, code });
  return loop === 0 ? limits.playLoops : loop;
}

const isGoogle = (voice: string | undefined): boolean => voice?.startsWith('Google.') ?? false;

function maxCharsOf(voice: string | undefined): number {
  if (isGoogle(voice)) return limits.sayGoogleChars;
  return voice?.startsWith('Polly.') ? limits.sayPollyChars : limits.sayChars;
}

function readVoice(read: AttributeReader, code: number): string | undefined {
  const voice = read.text('voice')?.trim();
  if (voice === undefined) return undefined;
  if (VOICE_FORM.test(voice)) return voice;
  read.warn(code, 'voice of Say is unknown; the default of the language is used');
  return undefined;
}

// A tag that the vendor does not list may still be one that our engine speaks: it is passed on, with the warning. A voice of Google names
// the language that it speaks.
function readLanguage(read: AttributeReader, voice: string | undefined): string {
  const ofVoice = /^Google\.([a-z]{2,3}-[A-Z]{2})-/.exec(voice ?? '')?.[1];
  const language = read.text('language')?.trim();
  if (language === undefined) return ofVoice ?? DEFAULT_LANGUAGE;
  if (ofVoice !== undefined && language !== ofVoice && LANGUAGES.has(language)) {
    read.warn(13512, `language of Say does not fit its voice, which speaks ${ofVoice}`);
    return ofVoice;
  }
  if (LANGUAGES.has(language) || OLD_LANGUAGES.has(language)) return language;
  const isUsable = LANGUAGE_FORM.test(language);
  read.warn(13512, isUsable ? 'language of Say is not a listed one' : 'language of Say is not a language tag');
  return isUsable ? language : (ofVoice ?? DEFAULT_LANGUAGE);
}

function plainText(element: XmlElement): string {
  return element.children
    .map((child) => {
      if (typeof child === 'string') return child;
      // `sub` is spoken as its alias.
      if (child.name === 'sub') return child.attributes.get('alias') ?? plainText(child);
      return child.name === 'break' ? ' ' : plainText(child);
    })
    .join('');
}

function innerMarkup(element: XmlElement): string {
  return element.children
    .map((child) => {
      if (typeof child === 'string') return escapeXml(child);
      const attributes = [...child.attributes].map(([name, value]) => ` ${name}="${escapeXml(value)}"`).join('');
      const inner = innerMarkup(child);
      return inner === '' ? `<${child.name}${attributes}/>` : `<${child.name}${attributes}>${inner}</${child.name}>`;
    })
    .join('');
}

function escapeXml(text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replace(/[&<>"]/g, (character) => entities[character]!);
}

// Not in the middle of a surrogate pair.
function cutText(text: string, maxChars: number): string {
  const cut = text.slice(0, maxChars);
  return /[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut;
}
