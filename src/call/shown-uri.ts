// A URI as records, webhook parameters and logs show it.

import { isSipUri, serializeUri, type Uri } from '../sip/grammar/uri.ts';

/** Text of `uri` without a password: that never reaches a record or a log (design.md 9). */
export const shownUri = (uri: Uri): string => serializeUri(isSipUri(uri) ? { ...uri, password: undefined } : uri);
