// Port between REST and the registrar: who is registered at a domain, in pages. Bindings have no sid, so a place in the list is named by
// the user at the edge.

import type { Binding } from './records.ts';

export interface BindingPosition {
  /** Users before this one; where it has gone, the walk goes on here. */
  readonly index: number;
  /** Address of record at the edge. */
  readonly aor: string;
  /** How many of its bindings were shown. */
  readonly shown: number;
}

export interface BindingPageRequest {
  readonly after: BindingPosition | undefined;
  readonly most: number;
}

export interface BindingPage {
  readonly bindings: readonly Binding[];
  /** Where the next page begins; undefined: this was the last one. */
  readonly next: BindingPosition | undefined;
}

export interface RegistrationsApi {
  /** Up to `most` bindings behind `after`. */
  ofDomain(domainSid: string, page: BindingPageRequest): BindingPage | Promise<BindingPage>;
}
