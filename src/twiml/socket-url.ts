// The WebSocket URL of Stream and ConversationRelay: absolute, or relative to the document, whose scheme then counts with a `ws` in it.

import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';

/** The href, or what is wrong: `malformed`, or a `scheme` that is neither wss nor ws. */
export function resolveSocketUrl(text: string, base: string | undefined): Result<string, 'malformed' | 'scheme'> {
  const reference = text.trim();
  if (reference === '' || reference.length > limits.webhookUrlChars) return err('malformed');
  const isAbsolute = URL.canParse(reference);
  if (!isAbsolute && !URL.canParse(reference, base)) return err('malformed');
  const url = new URL(reference, base);
  if (!isAbsolute) url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  // RFC 6455 3: a fragment means nothing here.
  url.hash = '';
  return url.protocol === 'wss:' || url.protocol === 'ws:' ? ok(url.href) : err('scheme');
}
