// Who asks, and for which account (rest-api.md 2). HTTP Basic on every request, with account sid and auth token or with the sid and
// secret of an API key; compare in constant time, and the same answer and work for an unknown account or key as for a wrong secret.

import { createHash, timingSafeEqual } from 'node:crypto';
import { isSid, type SidPrefix } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Account } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { ApiKey } from '../base/voice-records.ts';
import { type ApiFault, fault, notFound, unauthenticated } from './errors.ts';
import type { ApiStore } from './ports.ts';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** RFC 7617: `Basic` and Base64 of `user:password`. Undefined for anything else. */
export function parseBasic(header: string | undefined): Credentials | undefined {
  const match = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i.exec(header ?? '');
  if (!match) return undefined;
  const text = Buffer.from(match[1]!, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

// Digests have one length, so the compare takes the same time for every input.
const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

export const sameSecret = (left: string, right: string): boolean => timingSafeEqual(digest(left), digest(right));

/** Who asks: an account, by itself or by one of its keys. */
export interface Client {
  readonly account: Account;
  /** Undefined: the auth token of the account, which may do everything, as a main key may. */
  readonly keyKind: ApiKey['kind'] | undefined;
  /** What the key may do; undefined or null where no list of permissions holds it. */
  readonly policy?: ApiKey['policy'];
}

/** Records of one kind by sid, for as long as nothing changes. */
class SidCache<T extends { readonly sid: string }> {
  readonly #prefix: SidPrefix;
  readonly #read: (sid: string) => Promise<T | undefined>;
  readonly #known = new Map<string, T>();
  #generation = 0;

  constructor(prefix: SidPrefix, read: (sid: string) => Promise<T | undefined>) {
    this.#prefix = prefix;
    this.#read = read;
  }

  clear(): void {
    this.#generation++;
    this.#known.clear();
  }

  async get(sid: string): Promise<T | undefined> {
    const known = this.#known.get(sid);
    if (known || !isSid(sid, this.#prefix)) return known;
    const generation = this.#generation;
    const record = await this.#read(sid);
    // What was read before a change must not be kept after it.
    if (!record || generation !== this.#generation) return record;
    if (this.#known.size >= limits.restAccountsCached) this.#known.clear();
    this.#known.set(sid, record);
    return record;
  }
}

/**
 * Accounts and keys by sid, kept until the store says that something changed: a request does not wait for the database to be
 * authenticated.
 */
export class AccountCache {
  readonly #accounts: SidCache<Account>;
  readonly #keys: SidCache<ApiKey>;
  readonly #unsubscribe: () => void;

  constructor(store: ApiStore) {
    this.#accounts = new SidCache('AC', (sid) => store.accounts.get(sid));
    this.#keys = new SidCache('SK', (sid) => store.keys.get(sid));
    this.#unsubscribe = store.onDirectoryChange(() => {
      this.#accounts.clear();
      this.#keys.clear();
    });
  }

  get(sid: string): Promise<Account | undefined> {
    return this.#accounts.get(sid);
  }

  key(sid: string): Promise<ApiKey | undefined> {
    return this.#keys.get(sid);
  }

  stop(): void {
    this.#unsubscribe();
  }
}

/** A restricted key without a list may do nothing. */
const policyOf = (key: ApiKey | undefined): ApiKey['policy'] =>
  key?.kind === 'restricted' ? (key.policy ?? []) : null;

/** The client of the credentials; 20003 for any mistake. */
export async function authenticate(
  accounts: AccountCache,
  header: string | undefined,
): Promise<Result<Client, ApiFault>> {
  const credentials = parseBasic(header);
  const key = credentials && (await accounts.key(credentials.username));
  const account = credentials && (await accounts.get(key?.accountSid ?? credentials.username));
  const secret = key?.secret ?? account?.authToken ?? 'nobody has this secret';
  const isRight = sameSecret(credentials?.password ?? '', secret);
  return account && credentials && isRight
    ? ok({ account, keyKind: key?.kind, policy: policyOf(key) })
    : err(unauthenticated);
}

/**
 * The account that a path addresses: the client's own, or one of its subaccounts; never parent or sibling (rest-api.md 2). `sid`
 * undefined = a path without account. A suspended account is refused, but its parent may still reach the account itself, to lift that.
 */
export async function addressed(
  accounts: AccountCache,
  client: Account,
  sid: string | undefined,
  path: string,
  isAccountItself: boolean,
): Promise<Result<Account, ApiFault>> {
  if (client.status !== 'active') return err(notActive(client));
  if (sid === undefined || sid === client.sid) return ok(client);
  if (!isSid(sid, 'AC')) return err(notFound(path));
  const account = await accounts.get(sid);
  if (account?.ownerAccountSid !== client.sid) return err(unauthenticated);
  return account.status === 'active' || isAccountItself ? ok(account) : err(notActive(account));
}

const notActive = (account: Account): ApiFault => fault(20005, `Account ${account.sid} is not active`);
