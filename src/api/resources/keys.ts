// API keys (rest-api.md 2, 15). `SigningKeys` is the same resource under another name. The secret is in the answer that makes the key
// and nowhere else. Keys made here are standard ones;
// restricted ones are made in iam-keys.ts.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { ApiKey } from '../../base/voice-records.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import { checked, clearable, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentKey } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

/** 32 characters of Base64url. */
const SECRET_BYTES = 24;

const schema = z.object({ FriendlyName: clearable(text('FriendlyName', 20002, limits.friendlyNameChars)) });

const listOf =
  (key: string): Handler =>
  async (request, { store }) => {
    const page = pageRequest(request.query);
    if (!page.ok) return page.error;
    const found = await store.keys.list({ accountSid: request.account.sid }, page.value);
    return { status: 200, body: pageBody(request, page.value, found, key, presentKey) };
  };

const create: Handler = async (request, parts) => {
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const owned = { accountSid: request.account.sid, friendlyName: form.value.FriendlyName ?? '', policy: null };
  const key = await newKey(owned, parts);
  return key.ok ? { status: 201, body: { ...presentKey(key.value), secret: key.value.secret } } : key.error;
};

/** Makes a key: a restricted one where there is a policy. The fault when the account has all that it may have. */
export async function newKey(
  owned: Pick<ApiKey, 'accountSid' | 'friendlyName' | 'policy'>,
  { store, quotas, clock, random }: ApiParts,
): Promise<Result<ApiKey, ApiFault>> {
  if ((await store.keys.count({ accountSid: owned.accountSid })) >= quotas.keys)
    return err(fault(20422, `At most ${quotas.keys} keys are allowed`));
  const now = clock.wall();
  const key: ApiKey = {
    ...owned,
    sid: newSid('SK', random),
    kind: owned.policy === null ? 'standard' : 'restricted',
    secret: random(SECRET_BYTES).toString('base64url'),
    dateCreated: now,
    dateUpdated: now,
  };
  await store.keys.insert(key);
  return ok(key);
}

const fetch: Handler = async (request, parts) => {
  const key = await find(request, parts);
  return key ? { status: 200, body: presentKey(key) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const found = await find(request, parts);
  if (!found) return notFound(`${request.path}.json`);
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const { FriendlyName: friendlyName } = form.value;
  const key: ApiKey = {
    ...found,
    friendlyName: friendlyName === undefined ? found.friendlyName : (friendlyName ?? ''),
    dateUpdated: parts.clock.wall(),
  };
  if (!(await parts.store.keys.update(key))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentKey(key) };
};

const remove: Handler = async (request, parts) => {
  const key = await find(request, parts);
  if (!key || !(await parts.store.keys.remove(key.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

async function find(request: ApiRequest, { store }: ApiParts): Promise<ApiKey | undefined> {
  const key = await store.keys.get(request.params.Sid ?? '');
  return key?.accountSid === request.account.sid ? key : undefined;
}

export const keyRoutes: readonly Route[] = (
  [
    ['Keys', 'keys'],
    ['SigningKeys', 'signing_keys'],
  ] as const
).flatMap(([segment, key]): Route[] => {
  const path = `/Accounts/{AccountSid}/${segment}`;
  const rights = { isDirectory: true, isAdministration: true };
  return [
    { path, handlers: { GET: listOf(key), POST: create }, ...rights },
    { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, ...rights },
  ];
});
