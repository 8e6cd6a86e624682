// RFC 3261 20.10, 25.1: name-addr and addr-spec with header parameters: From, To, Contact, Route, Record-Route, Refer-To, Path …

import type { Uri } from './uri.ts';

export interface NameAddr {
  /** Unquoted, unescaped. */
  readonly displayName: string | undefined;
  readonly uri: Uri;
  /** Header parameters (`tag`, `expires`, `q` …): names lower case, value undefined for a flag. */
  readonly params: ReadonlyMap<string, string | undefined>;
}
