// RFC 3261 20.42: one Via value.

export interface Via {
  /** Lower case: `udp`, `tcp`, `tls`, `ws`, `wss`, or an unknown token. */
  readonly transport: string;
  /** sent-by host, lower case, IPv6 without brackets. */
  readonly host: string;
  readonly port: number | undefined;
  readonly branch: string | undefined;
  /** `received` (RFC 3261 18.2.1), without brackets. */
  readonly received: string | undefined;
  /** RFC 3581: undefined = absent, null = present without value. */
  readonly rport: number | null | undefined;
  /** All parameters but branch, received and rport. */
  readonly params: ReadonlyMap<string, string | undefined>;
}
