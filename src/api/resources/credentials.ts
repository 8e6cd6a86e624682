// SIP credentials (sip-interface.md 6.5): user name fixed, password never given back and kept only as HA1 for each realm in use.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Credential } from '../../base/records.ts';
import { fault, isDuplicate, notFound } from '../errors.ts';
import { checked, optional, required, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentCredential } from '../present.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';
import { credentialListKind } from './credential-lists.ts';
import { findList } from './named-lists.ts';

const INVALID = 21243;

// `:` would make HA1 ambiguous (RFC 7617 2, RFC 7616 3.4.2); quotes, brackets and spaces have a meaning in SIP headers.
const username = text('Username', INVALID, limits.usernameChars).refine((value) => /^[!#-9;=?-[\]-~]+$/.test(value), {
  error: `${INVALID}|Username holds a character that is not allowed`,
});

const password = text('Password', INVALID, limits.passwordMaxChars).refine(
  (value) => value.length >= limits.passwordMinChars && /\d/.test(value) && /[a-z]/.test(value) && /[A-Z]/.test(value),
  {
    error: `${INVALID}|Password needs at least ${limits.passwordMinChars} characters with a digit, an upper-case and a lower-case letter`,
  },
);

const createSchema = z.object({ Username: required(username), Password: required(password) });
const updateSchema = z.object({ Password: optional(password) });

const list: Handler = async (request, { store }) => {
  const owner = await findList(credentialListKind, request, store);
  if (!owner) return notFound(`${request.path}.json`);
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const found = await store.credentials.list({ credentialListSid: owner.sid }, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'credentials', presentCredential) };
};

const create: Handler = async (request, parts) => {
  const owner = await findList(credentialListKind, request, parts.store);
  if (!owner) return notFound(`${request.path}.json`);
  const form = checked(createSchema, request.form);
  if (!form.ok) return form.error;
  const most = parts.quotas.credentialsPerList;
  if ((await parts.store.credentials.count({ credentialListSid: owner.sid })) >= most)
    return fault(21242, `At most ${most} credentials are allowed in a list`);
  const now = parts.clock.wall();
  const credential: Credential = {
    sid: newSid('CR', parts.random),
    accountSid: request.account.sid,
    credentialListSid: owner.sid,
    username: form.value.Username,
    ha1: parts.hashPassword(form.value.Username, form.value.Password, await realmsOf(request, parts)),
    dateCreated: now,
    dateUpdated: now,
  };
  try {
    await parts.store.credentials.insert(credential);
  } catch (error) {
    if (isDuplicate(error)) return fault(INVALID, 'Username is in the list already');
    throw error;
  }
  return { status: 201, body: presentCredential(credential) };
};

const fetch: Handler = async (request, parts) => {
  const credential = await find(request, parts);
  return credential ? { status: 200, body: presentCredential(credential) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const credential = await find(request, parts);
  if (!credential) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  if (form.value.Password === undefined) return { status: 200, body: presentCredential(credential) };
  const changed: Credential = {
    ...credential,
    ha1: parts.hashPassword(credential.username, form.value.Password, await realmsOf(request, parts)),
    dateUpdated: parts.clock.wall(),
  };
  if (!(await parts.store.credentials.update(changed))) return notFound(`${request.path}.json`);
  return { status: 200, body: presentCredential(changed) };
};

const remove: Handler = async (request, parts) => {
  const credential = await find(request, parts);
  if (!credential || !(await parts.store.credentials.remove(credential.sid))) return notFound(`${request.path}.json`);
  return { status: 204 };
};

async function find(request: ApiRequest, { store }: ApiParts): Promise<Credential | undefined> {
  const credential = await store.credentials.get(request.params.Sid ?? '');
  const isHere =
    credential?.accountSid === request.account.sid && credential.credentialListSid === request.params.ListSid;
  return isHere ? credential : undefined;
}

// A domain keeps the realm that it was made with, so a user may be asked for an older realm than today's (design.md 4).
async function realmsOf(request: ApiRequest, { store, realm }: ApiParts): Promise<readonly string[]> {
  const domains = await store.domains.list(
    { accountSid: request.account.sid },
    { size: limits.pageSizeMax, cursor: null, page: 0 },
  );
  return [...new Set([realm, ...domains.records.map((domain) => domain.realm)])];
}

const path = '/Accounts/{AccountSid}/SIP/CredentialLists/{ListSid}/Credentials';

export const credentialRoutes: readonly Route[] = [
  { path, handlers: { GET: list, POST: create }, isDirectory: true },
  { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
];
