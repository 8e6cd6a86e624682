// What the resources of voice v1 have in common (rest-api.md 7, 17): paths without extension, `meta` around lists, ISO dates, absolute
// `url`. Each resource says what it holds and what it refuses; the five verbs are written once.

import type { Result } from '../../base/result.ts';
import { iso8601 } from '../dates.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import type { Form } from '../form.ts';
import { metaBody, pageRequest } from '../page.ts';
import type { ApiStore, Repository } from '../ports.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

/** Code of v1 for a value that is not allowed (rest-api.md 6). */
export const INVALID = 20001;
/** A change that another object stands in the way of. */
export const CONFLICT = 20409;

interface Owned {
  readonly sid: string;
  readonly accountSid: string;
  readonly dateCreated: number;
  readonly dateUpdated: number;
}

export interface V1Resource<T extends Owned> {
  /** `/v1/ByocTrunks`; may hold `{Name}` parts of a parent. */
  readonly path: string;
  /** List key of the envelope. */
  readonly key: string;
  readonly repository: (store: ApiStore) => Repository<T>;
  /** What all records of the path have in common; undefined when the parent in the path is not there. */
  readonly scope: (request: ApiRequest, parts: ApiParts) => Promise<Partial<T> | undefined>;
  /** The fault when there is no room for one more. */
  readonly full: (scope: Partial<T>, parts: ApiParts) => Promise<ApiFault | undefined>;
  readonly make: (form: Form, scope: Partial<T>, context: V1Context) => Promise<Result<T, ApiFault>>;
  readonly change: (record: T, form: Form, context: V1Context) => Promise<Result<T, ApiFault>>;
  /** The fault when something still needs the record. */
  readonly stillUsed?: (record: T, parts: ApiParts) => Promise<ApiFault | undefined>;
  /** Without dates and url, which are added. */
  readonly present: (record: T, url: string) => object;
}

export interface V1Context {
  readonly accountSid: string;
  readonly parts: ApiParts;
}

/** The routes of one resource: list and instance. */
export function v1Routes<T extends Owned>(resource: V1Resource<T>): readonly Route[] {
  const { key, repository, scope } = resource;
  // The url of an instance is that of its list and its sid; `path` of an instance request ends with the sid already.
  const shown = (record: T, request: ApiRequest, isInstance: boolean): object => {
    const url = request.origin + (isInstance ? request.path : `${request.path}/${record.sid}`);
    const dates = { date_created: iso8601(record.dateCreated), date_updated: iso8601(record.dateUpdated) };
    return { ...resource.present(record, url), ...dates, url };
  };
  const context = (request: ApiRequest, parts: ApiParts): V1Context => ({ accountSid: request.account.sid, parts });

  const find = async (request: ApiRequest, parts: ApiParts): Promise<T | undefined> => {
    const where = await scope(request, parts);
    const record = where && (await repository(parts.store).get(request.params.Sid ?? ''));
    const isHere =
      record && Object.entries(where).every(([field, value]) => record[field as keyof T] === (value as T[keyof T]));
    return isHere ? record : undefined;
  };

  const list: Handler = async (request, parts) => {
    const where = await scope(request, parts);
    if (!where) return notFound(request.path);
    const page = pageRequest(request.query);
    if (!page.ok) return page.error;
    const found = await repository(parts.store).list(where, page.value);
    return { status: 200, body: metaBody(request, page.value, found, key, (record) => shown(record, request, false)) };
  };

  const create: Handler = async (request, parts) => {
    const where = await scope(request, parts);
    if (!where) return notFound(request.path);
    const tooMany = await resource.full(where, parts);
    if (tooMany) return tooMany;
    const made = await resource.make(request.form, where, context(request, parts));
    if (!made.ok) return made.error;
    await repository(parts.store).insert(made.value);
    return { status: 201, body: shown(made.value, request, false) };
  };

  const fetch: Handler = async (request, parts) => {
    const record = await find(request, parts);
    return record ? { status: 200, body: shown(record, request, true) } : notFound(request.path);
  };

  const update: Handler = async (request, parts) => {
    const record = await find(request, parts);
    if (!record) return notFound(request.path);
    const changed = await resource.change(record, request.form, context(request, parts));
    if (!changed.ok) return changed.error;
    if (!(await repository(parts.store).update(changed.value))) return notFound(request.path);
    return { status: 200, body: shown(changed.value, request, true) };
  };

  const remove: Handler = async (request, parts) => {
    const record = await find(request, parts);
    if (!record) return notFound(request.path);
    const used = await resource.stillUsed?.(record, parts);
    if (used) return used;
    return (await repository(parts.store).remove(record.sid)) ? { status: 204 } : notFound(request.path);
  };

  const { path } = resource;
  return [
    { path, handlers: { GET: list, POST: create }, isDirectory: true },
    { path: `${path}/{Sid}`, handlers: { GET: fetch, POST: update, DELETE: remove }, isDirectory: true },
  ];
}

/** The scope of a resource that belongs to the account alone. */
export const ofAccount = async (request: ApiRequest) => ({ accountSid: request.account.sid });

/** A `full` that counts what is there. */
export const atMost =
  <T>(repository: (store: ApiStore) => Repository<T>, most: (parts: ApiParts) => number, code: number, what: string) =>
  async (scope: Partial<T>, parts: ApiParts): Promise<ApiFault | undefined> => {
    const allowed = most(parts);
    const count = await repository(parts.store).count(scope);
    return count >= allowed ? fault(code, `At most ${allowed} ${what} are allowed`) : undefined;
  };

/** Whether any record equals `where`. */
export const exists = async <T>(repository: Repository<T>, where: Partial<T>): Promise<boolean> =>
  (await repository.list(where, { size: 1, cursor: null, page: 0 })).records.length > 0;
