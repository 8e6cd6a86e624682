// Who asks, and for which account (rest-api.md 2). HTTP Basic with account sid and auth token on every request; compare in constant
// time, and the same answer and work for an unknown account as for a wrong token.

import { createHash, timingSafeEqual } from 'node:crypto';
import { isSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Account } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
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

/** Accounts by sid, kept until the store says that something changed: a request does not wait for the database to be authenticated. */
export class AccountCache {
  readonly #store: ApiStore;
  readonly #accounts = new Map<string, Account>();
  readonly #unsubscribe: () => void;
  #generation = 0;

  constructor(store: ApiStore) {
    this.#store = store;
    this.#unsubscribe = store.onDirectoryChange(() => {
      this.#generation++;
      this.#accounts.clear();
    });
  }

  async get(sid: string): Promise<Account | undefined> {
    const known = this.#accounts.get(sid);
    if (known || !isSid(sid, 'AC')) return known;
    const generation = this.#generation;
    const account = await this.#store.accounts.get(sid);
    // What was read before a change must not be kept after it.
    if (!account || generation !== this.#generation) return account;
    if (this.#accounts.size >= limits.restAccountsCached) this.#accounts.clear();
    this.#accounts.set(sid, account);
    return account;
  }

  stop(): void {
    this.#unsubscribe();
  }
}

/** The account of the credentials; 20003 for any mistake. */
export async function authenticate(
  accounts: AccountCache,
  header: string | undefined,
): Promise<Result<Account, ApiFault>> {
  const credentials = parseBasic(header);
  const account = credentials && (await accounts.get(credentials.username));
  const isRight = sameSecret(credentials?.password ?? '', account?.authToken ?? 'no account has this token');
  return account && credentials && isRight ? ok(account) : err(unauthenticated);
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
