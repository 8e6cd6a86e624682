// Credential lists and IP access control lists are the same resource twice: a name, members, and mappings that keep them from being
// removed. The two files beside this one say what differs.

import { z } from 'zod';
import { newSid } from '../../base/ids.ts';
import type { CredentialList } from '../../base/records.ts';
import { fault, isDuplicate, notFound } from '../errors.ts';
import { checked, required, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import type { ApiStore, Repository } from '../ports.ts';
import type { ApiParts, ApiRequest, Handler, Quotas, Route } from '../request.ts';

/** Both list records have these fields and no others. */
export type NamedList = CredentialList;

export interface NamedListKind {
  /** Path below `SIP/`. */
  readonly segment: string;
  /** List key of the envelope. */
  readonly key: string;
  readonly prefix: 'CL' | 'AL';
  readonly nameChars: number;
  readonly codes: { readonly tooMany: number; readonly invalid: number; readonly stillMapped: number };
  readonly quota: keyof Quotas;
  readonly repository: (store: ApiStore) => Repository<NamedList>;
  readonly present: (list: NamedList) => object;
}

/** The list of the path, if the account has it. */
export async function findList(
  kind: Pick<NamedListKind, 'repository'>,
  request: ApiRequest,
  store: ApiStore,
): Promise<NamedList | undefined> {
  const list = await kind.repository(store).get(request.params.ListSid ?? '');
  return list?.accountSid === request.account.sid ? list : undefined;
}

export function namedListRoutes(kind: NamedListKind): readonly Route[] {
  const schema = z.object({ FriendlyName: required(text('FriendlyName', kind.codes.invalid, kind.nameChars)) });
  const taken = (name: string) => fault(kind.codes.invalid, `FriendlyName ${name} is taken by another list`);

  const list: Handler = async (request, { store }) => {
    const page = pageRequest(request.query);
    if (!page.ok) return page.error;
    const found = await kind.repository(store).list({ accountSid: request.account.sid }, page.value);
    return { status: 200, body: pageBody(request, page.value, found, kind.key, kind.present) };
  };

  const create: Handler = async (request, parts) => {
    const form = checked(schema, request.form);
    if (!form.ok) return form.error;
    const repository = kind.repository(parts.store);
    const most = parts.quotas[kind.quota];
    if ((await repository.count({ accountSid: request.account.sid })) >= most)
      return fault(kind.codes.tooMany, `At most ${most} lists are allowed`);
    const record = newList(kind, request, parts, form.value.FriendlyName);
    try {
      await repository.insert(record);
    } catch (error) {
      if (isDuplicate(error)) return taken(record.friendlyName);
      throw error;
    }
    return { status: 201, body: kind.present(record) };
  };

  const fetch: Handler = async (request, { store }) => {
    const found = await findList(kind, request, store);
    return found ? { status: 200, body: kind.present(found) } : notFound(`${request.path}.json`);
  };

  const update: Handler = async (request, parts) => {
    const found = await findList(kind, request, parts.store);
    if (!found) return notFound(`${request.path}.json`);
    const form = checked(schema, request.form);
    if (!form.ok) return form.error;
    const changed = { ...found, friendlyName: form.value.FriendlyName, dateUpdated: parts.clock.wall() };
    try {
      if (!(await kind.repository(parts.store).update(changed))) return notFound(`${request.path}.json`);
    } catch (error) {
      if (isDuplicate(error)) return taken(changed.friendlyName);
      throw error;
    }
    return { status: 200, body: kind.present(changed) };
  };

  const remove: Handler = async (request, { store }) => {
    const found = await findList(kind, request, store);
    if (!found) return notFound(`${request.path}.json`);
    const mapped = await store.mappings.list({ listSid: found.sid }, { size: 1, cursor: null, page: 0 });
    if (mapped.records.length > 0)
      return fault(kind.codes.stillMapped, `${found.sid} is mapped to a SIP domain: remove the mapping first`);
    return (await kind.repository(store).remove(found.sid)) ? { status: 204 } : notFound(`${request.path}.json`);
  };

  const path = `/Accounts/{AccountSid}/SIP/${kind.segment}`;
  return [
    { path, handlers: { GET: list, POST: create }, isDirectory: true },
    { path: `${path}/{ListSid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
  ];
}

function newList(kind: NamedListKind, request: ApiRequest, parts: ApiParts, friendlyName: string): NamedList {
  const now = parts.clock.wall();
  return {
    sid: newSid(kind.prefix, parts.random),
    accountSid: request.account.sid,
    friendlyName,
    declared: false,
    dateCreated: now,
    dateUpdated: now,
  };
}
