// Queues: create, fetch, list, rename and resize, remove (rest-api.md 8, 12). Records are read from the store; everything that changes
// them, and who waits, is behind the QueuesApi port.

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import type { Queue } from '../../base/voice-records.ts';
import { type ApiFault, fault, notFound } from '../errors.ts';
import { checked, integer, optional, required, text } from '../form.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentQueue } from '../present-queues.ts';
import type { ApiParts, ApiRequest, Handler, Route } from '../request.ts';

const INVALID = 20001;
const INVALID_NAME = 20002;
const CONFLICT = 20409;

const name = text('FriendlyName', INVALID_NAME, limits.queueNameChars);
const maxSize = optional(integer('MaxSize', INVALID, 1, limits.queueSizeMax));
const createSchema = z.object({ FriendlyName: required(name), MaxSize: maxSize });
const updateSchema = z.object({ FriendlyName: optional(name), MaxSize: maxSize });

/** The vendor answers these conflicts with 400 (rest-api.md 8, 12). */
const conflict = (message: string): ApiFault => ({ ...fault(CONFLICT, message), status: 400 });
const taken = (friendlyName: string): ApiFault => conflict(`A queue named ${friendlyName} exists already`);

const NOBODY = { currentSize: 0, averageWaitSeconds: 0 };
const present = (queue: Queue, { queues }: ApiParts) => presentQueue(queue, queues?.figures(queue.sid) ?? NOBODY);

/** The queue of the path, if the account has it. */
export async function findQueue({ account, params }: ApiRequest, { store }: ApiParts): Promise<Queue | undefined> {
  const queue = await store.queues.get(params.QueueSid ?? '');
  return queue?.accountSid === account.sid ? queue : undefined;
}

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const found = await parts.store.queues.list({ accountSid: request.account.sid }, page.value);
  const body = pageBody(request, page.value, found, 'queues', (queue) => present(queue, parts));
  return { status: 200, body };
};

const create: Handler = async (request, parts) => {
  const form = checked(createSchema, request.form);
  if (!form.ok) return form.error;
  if (!parts.queues) return notFound(`${request.path}.json`);
  const { FriendlyName: friendlyName, MaxSize: size = limits.queueSizeDefault } = form.value;
  const made = await parts.queues.create(request.account.sid, friendlyName, size);
  if (made.ok) return { status: 201, body: present(made.value, parts) };
  return made.error === 'full'
    ? conflict(`At most ${limits.queuesPerAccount} queues are allowed`)
    : taken(friendlyName);
};

const fetch: Handler = async (request, parts) => {
  const queue = await findQueue(request, parts);
  return queue ? { status: 200, body: present(queue, parts) } : notFound(`${request.path}.json`);
};

const update: Handler = async (request, parts) => {
  const queue = await findQueue(request, parts);
  if (!queue || !parts.queues) return notFound(`${request.path}.json`);
  const form = checked(updateSchema, request.form);
  if (!form.ok) return form.error;
  const { FriendlyName: friendlyName, MaxSize: size } = form.value;
  const changed = await parts.queues.update(queue, {
    ...(friendlyName === undefined ? {} : { friendlyName }),
    ...(size === undefined ? {} : { maxSize: size }),
  });
  if (changed.ok) return { status: 200, body: present(changed.value, parts) };
  return changed.error === 'missing' ? notFound(`${request.path}.json`) : taken(friendlyName ?? '');
};

const remove: Handler = async (request, parts) => {
  const queue = await findQueue(request, parts);
  if (!queue || !parts.queues) return notFound(`${request.path}.json`);
  const removed = await parts.queues.remove(queue);
  if (removed.ok) return { status: 204 };
  if (removed.error === 'missing') return notFound(`${request.path}.json`);
  return conflict(`Queue ${queue.sid} is not empty: callers wait in it`);
};

export const queueRoutes: readonly Route[] = [
  { path: '/Accounts/{AccountSid}/Queues', handlers: { GET: list, POST: create } },
  { path: '/Accounts/{AccountSid}/Queues/{QueueSid}', handlers: { GET: fetch, POST: update, DELETE: remove } },
];
