// API keys of iam v1 (rest-api.md 2, 15): the keys of 2010 with their policy, and the only place where restricted ones are made. The
// account is a parameter too, and only ever that of the credentials: v1 reaches no subaccounts.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { ApiKey } from '../../base/voice-records.ts';
import { type ApiFault, fault, notFound, unauthenticated } from '../errors.ts';
import { checked, clearable, lastOf, optional, sid, text } from '../form.ts';
import { metaBody, pageRequest } from '../page.ts';
import { readPolicy } from '../permissions.ts';
import { presentKey } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { newKey } from './keys.ts';
import { INVALID } from './v1.ts';

const CONSTRAINT = 70001;
const friendlyName = clearable(text('FriendlyName', CONSTRAINT, limits.friendlyNameChars));
const policy = optional(z.string().max(limits.keyPolicyChars, { error: '70001|Policy is too long' }));
const AccountSid = sid('AccountSid', INVALID, 'AC');

const createSchema = z.object({
  AccountSid: z.preprocess((values) => (Array.isArray(values) ? values.at(-1) : ''), AccountSid),
  FriendlyName: friendlyName,
  KeyType: optional(z.enum(['restricted'], { error: '70001|KeyType must be restricted' })),
  Policy: policy,
});
const updateSchema = z.object({ FriendlyName: friendlyName, Policy: policy });

const shown = (key: ApiKey) => ({ ...presentKey(key), policy: key.policy && { allow: key.policy } });
const listed = (key: ApiKey) => ({
  ...presentKey(key),
  flags: key.kind === 'restricted' ? ['rest_api', 'restricted'] : ['rest_api', 'signing'],
});

const list: Handler = async (request, parts) => {
  const parsed = AccountSid.safeParse(lastOf(request.query, 'AccountSid') ?? '');
  if (!parsed.success) return fault(INVALID, 'AccountSid is required');
  if (parsed.data !== request.account.sid) return unauthenticated;
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const found = await parts.store.keys.list({ accountSid: parsed.data }, page.value);
  return { status: 200, body: metaBody(request, page.value, found, 'keys', listed) };
};

/** The permissions of a new key; null: a standard one. */
function permissionsOf(form: z.output<typeof createSchema>): Result<readonly string[] | null, ApiFault> {
  if (form.KeyType === undefined) return ok(null);
  return form.Policy === undefined
    ? err(fault(CONSTRAINT, 'A restricted key needs a Policy'))
    : readPolicy(form.Policy);
}

const create: Handler = async (request, parts) => {
  const form = checked(createSchema, request.form);
  if (!form.ok) return form.error;
  const accountSid = form.value.AccountSid;
  if (accountSid !== request.account.sid) return unauthenticated;
  const allowed = permissionsOf(form.value);
  if (!allowed.ok) return allowed.error;
  const key = await newKey({ accountSid, friendlyName: form.value.FriendlyName ?? '', policy: allowed.value }, parts);
  return key.ok ? { status: 201, body: { ...shown(key.value), secret: key.value.secret } } : key.error;
};

async function find(request: ApiRequest, parts: ApiParts): Promise<ApiKey | undefined> {
  const key = await parts.store.keys.get(request.params.Sid ?? '');
  return key?.accountSid === request.account.sid ? key : undefined;
}

const fetch: Handler = async (request, parts) => {
  const key = await find(request, parts);
  return key ? { status: 200, body: shown(key) } : notFound(request.path);
};

const update: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found) return notFound(request.path);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const { FriendlyName: name, Policy: given } = form.value;
  if (given !== undefined && found.policy === null) return fault(CONSTRAINT, 'Only a restricted key has a Policy');
  const allowed = given === undefined ? ok(found.policy) : readPolicy(given);
  if (!allowed.ok) return allowed.error;
  const key: ApiKey = {
    ...found,
    friendlyName: name === undefined ? found.friendlyName : (name ?? ''),
    policy: allowed.value,
    dateUpdated: parts.clock.wall(),
  };
  return (await parts.store.keys.update(key)) ? { status: 200, body: shown(key) } : notFound(request.path);
};

const remove: Handler = async (request, parts) => {
  const key = await find(request, parts);
  return key && (await parts.store.keys.remove(key.sid)) ? { status: 204 } : notFound(request.path);
};

const rights = { isDirectory: true, isAdministration: true };

export const iamKeyRoutes: readonly Route[] = [
  { path: '/v1/Keys', handlers: { GET: list, POST: create }, ...rights },
  { path: '/v1/Keys/{Sid}', handlers: { GET: fetch, POST: update, DELETE: remove }, ...rights },
];
