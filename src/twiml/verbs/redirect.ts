// Redirect: another document takes over (twiml.md 5.7). It does not answer a ringing call.

import type { HttpMethod } from '../../base/records.ts';
import { withoutSecrets } from '../../webhook/webhook.ts';
import { AttributeReader, resolveUrl } from '../attributes.ts';
import type { Verb } from '../verb.ts';
import { textOf } from '../xml.ts';

export interface Redirect {
  readonly url: string;
  readonly method: HttpMethod;
}

export const redirect: Verb<Redirect> = {
  name: 'Redirect',
  parse(element, context) {
    const read = new AttributeReader(element, context);
    // Empty = the current document again; inline TwiML has none (twiml.md 2.7).
    const url = resolveUrl(textOf(element), context.documentUrl);
    if (url === undefined) read.fail(11100, 'Redirect does not lead to a valid URL');
    return read.finish({ url: url ?? '', method: read.method('method', 13710) });
  },
  describe: (verb) => `${verb.method} ${withoutSecrets(verb.url)}`,
  async run({ url, method }) {
    return {
      kind: 'redirect',
      url,
      method,
      params: new Map(),
      purpose: 'document',
      outcome: 'redirected',
      waited: false,
    };
  },
};
