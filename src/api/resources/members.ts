// Members of a queue: the calls that wait in it, by CallSid or `Front`, in their order; dequeueing one with a document (rest-api.md 12).

import { z } from 'zod';
import { limits } from '../../base/limits.ts';
import { notFound } from '../errors.ts';
import { checked, method, optional, required, text, url } from '../form.ts';
import { livePage } from '../live-page.ts';
import { pageBody, pageRequest } from '../page.ts';
import { presentQueueMember } from '../present-queues.ts';
import type { Handler, Route } from '../request.ts';
import { findQueue } from './queues.ts';

const URL_CODE = 21205;
const METHOD_CODE = 21209;

const schema = z.object({
  Url: required(text('Url', URL_CODE, limits.restUrlChars)).pipe(url('Url', URL_CODE)),
  Method: optional(method('Method', METHOD_CODE)),
});

const list: Handler = async (request, parts) => {
  const page = pageRequest(request.query);
  if (!page.ok) return page.error;
  const queue = await findQueue(request, parts);
  if (!queue) return notFound(`${request.path}.json`);
  const members = (parts.queues?.members(queue.sid) ?? []).map((member) => ({ ...member, sid: member.callSid }));
  const found = livePage(members, page.value);
  return { status: 200, body: pageBody(request, page.value, found, 'queue_members', presentQueueMember) };
};

const fetch: Handler = async (request, parts) => {
  const queue = await findQueue(request, parts);
  const member = queue && parts.queues?.member(queue.sid, request.params.CallSid ?? '');
  return member ? { status: 200, body: presentQueueMember(member) } : notFound(`${request.path}.json`);
};

const dequeue: Handler = async (request, parts) => {
  const queue = await findQueue(request, parts);
  if (!queue) return notFound(`${request.path}.json`);
  const form = checked(schema, request.form);
  if (!form.ok) return form.error;
  const { Url: target, Method: verb = 'POST' } = form.value;
  const member = parts.queues?.dequeue(queue.sid, request.params.CallSid ?? '', target, verb);
  return member ? { status: 200, body: presentQueueMember(member) } : notFound(`${request.path}.json`);
};

const path = '/Accounts/{AccountSid}/Queues/{QueueSid}/Members';

export const memberRoutes: readonly Route[] = [
  { path, handlers: { GET: list } },
  { path: `${path}/{CallSid}`, handlers: { GET: fetch, POST: dequeue } },
];
