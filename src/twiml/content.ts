// The Content-Type of a document answer decides what is done with it (twiml.md 2.5). Pure.

import { err, ok, type Result } from '../base/result.ts';
import { type DocumentError, type ParsedDocument, parseDocument } from './document.ts';
import { syntheticElement, type XmlElement } from './xml.ts';

/** What Play accepts (twiml.md 5.2), and so what a document URL may answer with. */
export const audioTypes: ReadonlySet<string> = new Set([
  'audio/mpeg',
  'audio/wav',
  'audio/wave',
  'audio/x-wav',
  'audio/aiff',
  'audio/x-aifc',
  'audio/x-aiff',
  'audio/x-gsm',
  'audio/gsm',
  'audio/ulaw',
]);

const XML_TYPES: ReadonlySet<string> = new Set(['text/xml', 'application/xml', 'text/html']);

export interface DocumentAnswer {
  /** Lower case, without parameters; empty when the header was missing. */
  readonly contentType: string;
  readonly body: Buffer;
  readonly finalUrl: string;
}

/**
 * The verbs to run for an answer. An audio answer is played once, then the call is hung up; with `waiting`, the call stays and the audio
 * is played once or round and round. A Play of its URL gets what was answered (WebhookClient.fetchMedia).
 */
export function readAnswer(
  { contentType, body, finalUrl }: DocumentAnswer,
  waiting?: 'once' | 'loop',
): Result<ParsedDocument, DocumentError> {
  const alone = waiting === undefined ? thenHangUp : withoutMore;
  if (audioTypes.has(contentType))
    return ok(alone(syntheticElement('Play', finalUrl, waiting === 'loop' ? { loop: '0' } : {})));
  if (XML_TYPES.has(contentType)) return parseDocument(body);
  // 204 and the like: there is nothing that could have a type.
  if (body.length === 0 && !contentType.startsWith('audio/')) return parseDocument(body);
  if (contentType !== 'text/plain') {
    const message = contentType === '' ? 'Content-Type is missing' : `Content-Type ${contentType} is not supported`;
    return err({ code: 12300, message, line: undefined, column: undefined });
  }
  const parsed = parseDocument(body);
  // What is no TwiML is read aloud; what is too large or empty stays the error that it is.
  if (parsed.ok || parsed.error.code === 11750 || parsed.error.code === 11770) return parsed;
  return ok(alone(syntheticElement('Say', body.toString('utf8'))));
}

const thenHangUp = (element: XmlElement): ParsedDocument => withoutMore(element, syntheticElement('Hangup'));

const withoutMore = (...elements: readonly XmlElement[]): ParsedDocument => ({
  verbs: elements.map((element) => ({ name: element.name, element })),
  warnings: [],
});
