// The values that a SIP message becomes, and how to build one. Everything above the parser works on these.
// A message keeps its header fields as they came (order, spelling, case of unknown names) and beside them the five fields that
// every layer needs as typed views: top Via, From, To, Call-ID, CSeq (RFC 3261 8.1.1). The typed views are made once, when the
// message is parsed or created; whoever changes one of those headers uses the `with…` functions below, which keep both in step.

import type { NameAddr } from './name-addr.ts';
import type { Uri } from './uri.ts';
import type { Via } from './via.ts';

export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

export interface CSeq {
  /** 0 to 2^31-1 (RFC 3261 8.1.1.5). */
  readonly sequence: number;
  readonly method: string;
}

interface MessageBase {
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** The topmost Via. */
  readonly via: Via;
  readonly from: NameAddr;
  readonly to: NameAddr;
  readonly callId: string;
  readonly cseq: CSeq;
}

export interface Request extends MessageBase {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: Uri;
}

export interface Response extends MessageBase {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
}

export type Message = Request | Response;

/** Compact forms (RFC 3261 7.3.3 and the IANA registry). */
export const compactForms: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

// Lower-casing a name costs an allocation; the spellings of real traffic are looked up instead. Bounded: filled here only.
const knownSpellings: ReadonlyMap<string, string> = new Map(
  [
    'Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authorization Call-ID Call-Info Contact',
    'Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event',
    'Expires From History-Info In-Reply-To Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Asserted-Identity',
    'P-Preferred-Identity Path Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason',
    'Record-Route Refer-To Referred-By Remote-Party-ID Replaces Require Retry-After Route RSeq Server Service-Route',
    'Session-Expires SIP-ETag SIP-If-Match Subject Subscription-State Supported Timestamp To Unsupported User-Agent',
    'User-to-User Via Warning WWW-Authenticate',
  ]
    .join(' ')
    .split(' ')
    .flatMap((name): [string, string][] => [
      [name, interned(name.toLowerCase())],
      [name.toLowerCase(), interned(name.toLowerCase())],
    ])
    .concat(Object.entries(compactForms)),
);

/** Names of properties are kept once by the engine, and compared by where they are: header lists look for keys all the time. */
function interned(text: string): string {
  return Object.keys({ [text]: true })[0]!;
}

/** Lower-case full form of a name in a usual spelling, which is a token then; undefined for all others. */
export const knownName = (name: string): string | undefined => knownSpellings.get(name);

/** Lower-case full form of a header name. */
export function canonicalName(name: string): string {
  const known = knownSpellings.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  return (lower.length === 1 && compactForms[lower]) || lower;
}

/** Header fields in the order of the wire. Names are matched without case, compact and full form alike. */
export class HeaderList {
  readonly #fields: readonly HeaderField[];
  readonly #keys: readonly string[];

  /** `keys` is for the parser only, which has the canonical names at hand: one per field, in the same order. */
  constructor(fields: Iterable<HeaderField> = [], keys?: readonly string[]) {
    if (keys && Array.isArray(fields)) {
      this.#fields = fields;
      this.#keys = keys;
      return;
    }
    this.#fields = [...fields];
    this.#keys = this.#fields.map((field) => canonicalName(field.name));
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.#fields[Symbol.iterator]();
  }

  get length(): number {
    return this.#fields.length;
  }

  /** The field at `index`, in the order of the wire. */
  at(index: number): HeaderField | undefined {
    return this.#fields[index];
  }

  /** The lower-case full name of the field at `index`. */
  keyAt(index: number): string | undefined {
    return this.#keys[index];
  }

  has(name: string): boolean {
    return this.#keys.includes(canonicalName(name));
  }

  /** The value of the first field of that name. */
  get(name: string): string | undefined {
    const index = this.#keys.indexOf(canonicalName(name));
    return index < 0 ? undefined : this.#fields[index]?.value;
  }

  /** The values of all fields of that name, one per header line, not split at commas. */
  getAll(name: string): string[] {
    const key = canonicalName(name);
    const values: string[] = [];
    for (let index = 0; index < this.#keys.length; index++) {
      if (this.#keys[index] === key) values.push(this.#fields[index]!.value);
    }
    return values;
  }

  /** A copy with `name` set to one field, in the place of the first old one or at the end. */
  with(name: string, value: string): HeaderList {
    const key = canonicalName(name);
    const at = this.#keys.indexOf(key);
    if (at < 0) return this.withAdded(name, value);
    const fields: HeaderField[] = [];
    const keys: string[] = [];
    for (let index = 0; index < this.#keys.length; index++) {
      if (index !== at && this.#keys[index] === key) continue;
      fields.push(index === at ? { name, value } : this.#fields[index]!);
      keys.push(this.#keys[index]!);
    }
    return new HeaderList(fields, keys);
  }

  /** A copy with the value of the first field of that name replaced, its spelling and all other fields kept. */
  withFirst(name: string, value: string): HeaderList {
    const at = this.#keys.indexOf(canonicalName(name));
    if (at < 0) return this.withAdded(name, value);
    const fields = this.#fields.slice();
    fields[at] = { name: this.#fields[at]!.name, value };
    return new HeaderList(fields, this.#keys);
  }

  /** A copy without the first field of that name. */
  withoutFirst(name: string): HeaderList {
    const at = this.#keys.indexOf(canonicalName(name));
    if (at < 0) return this;
    return new HeaderList(this.#fields.toSpliced(at, 1), this.#keys.toSpliced(at, 1));
  }

  /** A copy with a field added behind the others, or before all with `'first'`. */
  withAdded(name: string, value: string, where: 'first' | 'last' = 'last'): HeaderList {
    const field = { name, value };
    const key = canonicalName(name);
    return where === 'first'
      ? new HeaderList([field, ...this.#fields], [key, ...this.#keys])
      : new HeaderList([...this.#fields, field], [...this.#keys, key]);
  }

  /** A copy without any field of that name. */
  without(name: string): HeaderList {
    const key = canonicalName(name);
    if (!this.#keys.includes(key)) return this;
    return new HeaderList(
      this.#fields.filter((_, index) => this.#keys[index] !== key),
      this.#keys.filter((other) => other !== key),
    );
  }
}
