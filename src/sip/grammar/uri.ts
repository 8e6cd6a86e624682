// RFC 3261 19.1: SIP and SIPS URIs, and what else may stand where a URI is allowed (tel:, others kept as text).

export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Unescaped; undefined where the URI has no user part. */
  readonly user: string | undefined;
  readonly password: string | undefined;
  /** Lower case; IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names lower case; value undefined for a flag such as `lr`; values unescaped. */
  readonly params: ReadonlyMap<string, string | undefined>;
  /** The part behind `?`, unescaped, in order, case of names kept. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

export interface OtherUri {
  readonly scheme: string;
  /** The whole URI as written. `tel:` URIs stay like this too. */
  readonly text: string;
}

export type Uri = SipUri | OtherUri;

export const isSipUri = (uri: Uri): uri is SipUri => uri.scheme === 'sip' || uri.scheme === 'sips';
