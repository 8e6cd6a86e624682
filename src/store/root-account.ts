// The root account: made on the first start, or named by HOOKSWITCH_ACCOUNT_SID and HOOKSWITCH_AUTH_TOKEN (design.md 4).

import type { Clock } from '../base/clock.ts';
import { cryptoRandom, isSid, newSid, type RandomSource } from '../base/ids.ts';
import type { Account } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Store } from './store.ts';
import { allPages, sidOf } from './walk.ts';

export interface RootAccountSettings {
  readonly sid?: string | undefined;
  readonly authToken?: string | undefined;
}

export interface RootAccount {
  readonly account: Account;
  /** True once: the caller prints sid and token. */
  readonly created: boolean;
}

const AUTH_TOKEN_MIN_CHARS = 16;

/**
 * Finds or makes the root account. A given sid is made when it is not there; a given token replaces the stored one. Errors are for the
 * operator: a setting that cannot be used.
 */
export async function ensureRootAccount(
  store: Pick<Store, 'accounts'>,
  settings: RootAccountSettings,
  context: { readonly clock: Pick<Clock, 'wall'>; readonly random?: RandomSource },
): Promise<Result<RootAccount, string>> {
  const { sid, authToken } = settings;
  if (sid !== undefined && !isSid(sid, 'AC')) return err('the account sid must be AC and 32 lower-case hex digits');
  if (authToken !== undefined && (authToken.length < AUTH_TOKEN_MIN_CHARS || !/^[\x21-\x7e]+$/.test(authToken)))
    return err(`the auth token must be at least ${AUTH_TOKEN_MIN_CHARS} printable characters without spaces`);
  const present = sid === undefined ? await oldestRoot(store) : await store.accounts.get(sid);
  if (!present) return ok({ account: await create(store, settings, context), created: true });
  if (authToken === undefined || present.authToken === authToken) return ok({ account: present, created: false });
  const account: Account = { ...present, authToken, dateUpdated: context.clock.wall() };
  await store.accounts.update(account);
  return ok({ account, created: false });
}

async function create(
  store: Pick<Store, 'accounts'>,
  settings: RootAccountSettings,
  context: { readonly clock: Pick<Clock, 'wall'>; readonly random?: RandomSource },
): Promise<Account> {
  const random = context.random ?? cryptoRandom;
  const sid = settings.sid ?? newSid('AC', random);
  const now = context.clock.wall();
  const account: Account = {
    sid,
    friendlyName: 'Hookswitch',
    status: 'active',
    ownerAccountSid: sid,
    authToken: settings.authToken ?? random(16).toString('hex'),
    dateCreated: now,
    dateUpdated: now,
  };
  await store.accounts.insert(account);
  return account;
}

/** Lists are newest first, so the last root is the oldest. */
async function oldestRoot(store: Pick<Store, 'accounts'>): Promise<Account | undefined> {
  const accounts = await allPages((page) => store.accounts.list({}, page), sidOf);
  return accounts.findLast((account) => account.ownerAccountSid === account.sid);
}
