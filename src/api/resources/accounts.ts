// Accounts: fetch, list, create a subaccount, change name and status (rest-api.md 2).

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Account } from '../../base/records.ts';
import { fault, notFound } from '../errors.ts';
import { checked, lastOf, optional, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentAccount } from '../present.ts';
import type { Answer, Handler, Route } from '../request.ts';

const schema = z.object({ FriendlyName: optional(text('FriendlyName', 20002, limits.friendlyNameChars)) });

const statuses = ['active', 'suspended', 'closed'] as const;

const list: Handler = async (request, { store }) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const { client } = request;
  const friendlyName = lastOf(request.query, 'FriendlyName');
  const asked = lastOf(request.query, 'Status');
  const status = statuses.find((one) => one === asked);
  const where: Partial<Account> = {
    // A parent lists itself and its subaccounts; a subaccount is nobody's owner and lists itself.
    ...(client.ownerAccountSid === client.sid ? { ownerAccountSid: client.sid } : { sid: client.sid }),
    ...(friendlyName === undefined ? {} : { friendlyName }),
    ...(status === undefined ? {} : { status }),
  };
  const isUnknownStatus = asked !== undefined && status === undefined;
  const found = isUnknownStatus ? { records: [], hasMore: false } : await store.accounts.list(where, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'accounts', presentAccount) };
};

const create: Handler = async (request, parts) => {
  const { client } = request;
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  if (client.ownerAccountSid !== client.sid) return fault(21101, 'A subaccount cannot have subaccounts');
  if ((await parts.store.accounts.count({ ownerAccountSid: client.sid })) > parts.quotas.subAccounts)
    return fault(20422, `At most ${parts.quotas.subAccounts} subaccounts are allowed`);
  const now = parts.clock.wall();
  const account: Account = {
    sid: newSid('AC', parts.random),
    friendlyName: form.value.FriendlyName ?? `SubAccount Created at ${new Date(now).toISOString()}`,
    status: 'active',
    ownerAccountSid: client.sid,
    authToken: parts.random(16).toString('hex'),
    dateCreated: now,
    dateUpdated: now,
  };
  await parts.store.accounts.insert(account);
  return { status: 201, body: presentAccount(account) };
};

const fetch: Handler = async (request) => ({ status: 200, body: presentAccount(request.account) });

const update: Handler = async (request, parts) => {
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const asked = lastOf(request.form, 'Status');
  const status = asked === undefined ? request.account.status : changeStatus(request.account, request.client, asked);
  if (typeof status !== 'string') return status;
  const account: Account = {
    ...request.account,
    friendlyName: form.value.FriendlyName ?? request.account.friendlyName,
    status,
    dateUpdated: parts.clock.wall(),
  };
  if (!(await parts.store.accounts.update(account))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentAccount(account) };
};

/** rest-api.md 2: only on subaccounts, by their parent; closed is final. */
function changeStatus(account: Account, client: Account, asked: string): Account['status'] | Answer {
  const status = statuses.find((one) => one === asked);
  if (!status) return fault(21475, 'Status must be active, suspended or closed');
  if (account.ownerAccountSid === account.sid || client.sid === account.sid)
    return fault(21477, 'Only the status of a subaccount can be changed, by its parent');
  if (account.status === 'closed' && status !== 'closed') return fault(21479, 'A closed account stays closed');
  return status;
}

export const accountRoutes: readonly Route[] = [
  { path: '/Accounts', handlers: { GET: list, POST: create }, isDirectory: true, isAdministration: true },
  {
    path: '/Accounts/{AccountSid}',
    handlers: { GET: fetch, POST: update },
    isDirectory: true,
    isAdministration: true,
  },
];
