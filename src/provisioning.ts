// What must exist before the first packet: data folder, secret key, store, root account, declared objects, the demo.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import type { RandomSource } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Account } from './base/records.ts';
import { err, ok, type Result } from './base/result.ts';
import type { Config } from './config.ts';
import { targetsOf } from './config-trunks.ts';
import { demoDeclared } from './demo/domain.ts';
import { type FolderLock, lockFolder } from './store/folder-lock.ts';
import { OpenRecords } from './store/open-records.ts';
import { openPostgresStore } from './store/postgres.ts';
import { applyDeclared, type DeclaredObjects } from './store/provision.ts';
import { ensureRootAccount } from './store/root-account.ts';
import { parseSecretKey, secretKeyFile } from './store/secret-key.ts';
import { openSqliteStore } from './store/sqlite.ts';
import type { Store } from './store/store.ts';

export interface Foundation {
  /** Held until the gateway has stopped. */
  readonly lock: FolderLock;
  readonly store: Store;
  /** Where other gateways may use the database too. */
  readonly openRecords: OpenRecords | undefined;
  readonly secretKey: Buffer;
  readonly rootAccount: Account;
  /** True on the very first start: sid and token are printed once. */
  readonly isNewAccount: boolean;
}

export interface ProvisioningContext {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

/** Opens the store and makes sure of the root account. The error is one sentence for the operator. */
export async function layFoundation(config: Config, context: ProvisioningContext): Promise<Result<Foundation, string>> {
  try {
    mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  } catch (fault) {
    return err(`the data folder ${config.dataDir} cannot be made: ${(fault as Error).message}`);
  }
  const secretKey = config.secretKey === null ? secretKeyFile(config.dataDir) : parseSecretKey(config.secretKey);
  if (!secretKey.ok) return secretKey;
  const lock = lockFolder(config.dataDir);
  if (!lock.ok) return lock;
  const opened = await openStore(config, secretKey.value, context);
  if (!opened.ok) {
    lock.value.release();
    return opened;
  }
  const isShared = config.databaseUrl !== null;
  const openRecords = isShared ? await OpenRecords.open({ folder: config.dataDir, ...context }) : undefined;
  const store = openRecords?.watch(opened.value) ?? opened.value;
  const settings = { sid: config.accountSid ?? undefined, authToken: config.authToken ?? undefined };
  const root = await ensureRootAccount(store, settings, context);
  if (!root.ok) {
    await store.close();
    lock.value.release();
    return root;
  }
  return ok({
    lock: lock.value,
    store,
    openRecords,
    secretKey: secretKey.value,
    rootAccount: root.value.account,
    isNewAccount: root.value.created,
  });
}

function openStore(
  config: Config,
  secretKey: Buffer,
  { clock, log }: ProvisioningContext,
): Promise<Result<Store, string>> {
  const parts = { secretKey, clock, log };
  return config.databaseUrl === null
    ? openSqliteStore({ file: join(config.dataDir, 'hookswitch.sqlite'), ...parts })
    : openPostgresStore({ url: config.databaseUrl, ...parts });
}

/** The demo is on when asked for, or while nothing else is declared. */
export const isDemoOn = (config: Config): boolean => config.demo ?? config.declared.domains.length === 0;

/** Brings the store to what hookswitch.yaml and the demo declare. Idempotent. */
export async function provision(
  config: Config,
  foundation: Foundation,
  demoApplicationUrl: string | undefined,
  context: ProvisioningContext,
): Promise<void> {
  const demo =
    demoApplicationUrl === undefined
      ? { domains: [], credentialLists: [] }
      : demoDeclared(config.domainSuffix, foundation.secretKey, demoApplicationUrl);
  const { domains, credentialLists, ipAccessControlLists, trunks, applications, numbers } = config.declared;
  await applyDeclared(
    foundation.store,
    {
      // The schema leaves absent keys out; its type cannot say so.
      domains: [...domains, ...demo.domains] as DeclaredObjects['domains'],
      credentialLists: [...credentialLists, ...demo.credentialLists],
      ipAccessControlLists,
      trunks: trunks.map((trunk) => ({ ...trunk, targets: targetsOf(trunk) })) as NonNullable<
        DeclaredObjects['trunks']
      >,
      applications: applications as NonNullable<DeclaredObjects['applications']>,
      numbers: numbers as NonNullable<DeclaredObjects['numbers']>,
    },
    { accountSid: foundation.rootAccount.sid, realm: config.realm, ...context },
  );
}
