// Queues and members through the vendor's library, unmodified, over real records and live queues (rest-api.md 8, 12).

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { limits } from '../../src/base/limits.ts';
import { silentLog } from '../../src/base/log.ts';
import type { QueuesApi } from '../../src/base/queues-api.ts';
import { Queues } from '../../src/queue/queues.ts';
import { type ApiWorld, apiWorld, json } from '../support/api-world.ts';
import { seededRandom } from '../support/network.ts';
import { fieldProblems, fieldRulesOf } from '../support/openapi.ts';
import { anAccount } from '../support/store-records.ts';
import { settle } from '../support/virtual-clock.ts';
import { QueueBench } from '../unit/queue/kit.ts';

let world: ApiWorld;
let bench: QueueBench;
const URL = 'https://app.example.test/desk';
let nextName = 0;

class StoredQueueBench extends QueueBench {
  protected override makeQueues(): Queues {
    return new Queues({ store: world.store.queues, clock: this.clock, random: seededRandom(3).bytes, log: silentLog });
  }
}

beforeAll(async () => {
  const queues = new Proxy({} as QueuesApi, { get: (_target, name) => Reflect.get(bench.rest, name) });
  world = await apiWorld({ queues });
  bench = new StoredQueueBench();
  bench.accountSid = world.account.sid;
});
afterAll(() => world.stop());

const newName = () => `queue ${++nextName}`;

/** A queue with so many who wait. */
async function aQueue(callers: number) {
  const name = newName();
  const queue = await world.client.queues.create({ friendlyName: name });
  const made = [];
  for (let count = 0; count < callers; count++) {
    const caller = await bench.caller({ name });
    await waits(queue.sid, count + 1);
    made.push(caller);
    await bench.clock.advanceAsync(10_000);
  }
  return { name, queue, callers: made };
}

/** The store answers in its own time. */
async function waits(sid: string, size: number): Promise<void> {
  await expect.poll(() => bench.rest.figures(sid).currentSize).toBe(size);
}

describe('Queues', () => {
  beforeEach(() => {
    bench.started.length = 0;
  });

  test('[rest 12 create] 201 with name, default size and empty figures', async () => {
    const name = newName();
    const queue = await world.client.queues.create({ friendlyName: name });
    expect(queue).toMatchObject({
      accountSid: world.account.sid,
      friendlyName: name,
      maxSize: 1_000,
      currentSize: 0,
      averageWaitTime: 0,
      uri: `/2010-04-01/Accounts/${world.account.sid}/Queues/${queue.sid}.json`,
    });
    expect(queue.sid).toMatch(/^QU[0-9a-f]{32}$/);
    expect(queue.dateCreated.getTime()).not.toBeNaN();
    const answer = await world.fetch('Queues.json', { form: `FriendlyName=${encodeURIComponent(newName())}` });
    expect(answer.status).toBe(201);
  });

  test.each<[string, string, number]>([
    ['no name', 'MaxSize=5', 20002],
    ['an empty name', 'FriendlyName=', 20002],
    [
      `a name of ${limits.queueNameChars + 1} characters`,
      `FriendlyName=${'x'.repeat(limits.queueNameChars + 1)}`,
      20002,
    ],
    ['a line break in the name', 'FriendlyName=a%0d%0ab', 20002],
    ['size 0', 'FriendlyName=q&MaxSize=0', 20001],
    ['size 5001', 'FriendlyName=q&MaxSize=5001', 20001],
    ['a size that is no number', 'FriendlyName=q&MaxSize=many', 20001],
  ])('[rest 12 create-invalid] %s: 400', async (_name, form, code) => {
    const answer = await world.fetch('Queues.json', { form });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
  });

  test('[rest 12 duplicate] a name that is taken: 400, on create and update [rest 6 20409]', async () => {
    const name = newName();
    await world.client.queues.create({ friendlyName: name });
    await expect(world.client.queues.create({ friendlyName: name })).rejects.toMatchObject({
      status: 400,
      code: 20409,
    });
    const made = await world.client.queues.create({ friendlyName: newName() });
    const other = world.client.queues(made.sid);
    await expect(other.update({ friendlyName: name })).rejects.toMatchObject({ status: 400, code: 20409 });
    // Its own name is no other.
    expect((await other.update({ friendlyName: made.friendlyName, maxSize: 7 })).maxSize).toBe(7);
  });

  test('[rest 12 update] name and size; what is absent stays', async () => {
    const queue = await world.client.queues.create({ friendlyName: newName(), maxSize: 5_000 });
    const name = newName();
    const renamed = await world.client.queues(queue.sid).update({ friendlyName: name });
    expect([renamed.friendlyName, renamed.maxSize]).toEqual([name, 5_000]);
    expect((await world.client.queues(queue.sid).fetch()).friendlyName).toBe(name);
    await expect(world.client.queues(queue.sid).update({ maxSize: 9_999 })).rejects.toMatchObject({ code: 20001 });
  });

  test('[rest 5 numbers] current_size, average_wait_time and max_size are numbers', async () => {
    const { queue } = await aQueue(2);
    const body = await json(await world.fetch(`Queues/${queue.sid}.json`));
    expect([body.current_size, body.average_wait_time, body.max_size]).toEqual([2, 15, 1_000]);
    expect((await world.client.queues(queue.sid).fetch()).averageWaitTime).toBe(15);
  });

  test('list pages through all of them, with their figures', async () => {
    const { queue } = await aQueue(1);
    const all = await world.client.queues.list({ pageSize: 2 });
    expect(new Set(all.map(({ sid }) => sid)).size).toBe(all.length);
    expect(all.length).toBeGreaterThan(3);
    expect(all.find(({ sid }) => sid === queue.sid)?.currentSize).toBe(1);
  });

  test('[rest 8 queue-delete] refused while callers wait, 204 afterwards, then 404', async () => {
    const { queue, callers } = await aQueue(1);
    const one = world.client.queues(queue.sid);
    await expect(one.remove()).rejects.toMatchObject({ status: 400, code: 20409 });
    await callers[0]!.hangUp();
    expect(await one.remove()).toBe(true);
    await expect(one.remove()).rejects.toMatchObject({ status: 404, code: 20404 });
    await expect(world.client.queues(queue.sid).fetch()).rejects.toMatchObject({ status: 404 });
  });

  test('the queues of another account do not exist', async () => {
    const { queue, callers } = await aQueue(1);
    const stranger = anAccount({ ownerAccountSid: world.account.sid, authToken: 'b'.repeat(32) });
    await world.store.accounts.insert(stranger);
    const theirs = world.clientOf(stranger);
    const missing = { status: 404, code: 20404 };
    await expect(theirs.queues(queue.sid).fetch()).rejects.toMatchObject(missing);
    await expect(theirs.queues(queue.sid).update({ maxSize: 1 })).rejects.toMatchObject(missing);
    await expect(theirs.queues(queue.sid).remove()).rejects.toMatchObject(missing);
    await expect(theirs.queues(queue.sid).members.list()).rejects.toMatchObject(missing);
    await expect(theirs.queues(queue.sid).members('Front').update({ url: URL })).rejects.toMatchObject(missing);
    expect(callers[0]!.outcome).toBeUndefined();
    // The same name is free there.
    expect((await theirs.queues.create({ friendlyName: queue.friendlyName })).accountSid).toBe(stranger.sid);
  });
});

test('[rest 5 queue-fields] every documented field of queue and member, and no other', async () => {
  const table = fieldRulesOf('api-fields-queues.json');
  const { queue } = await aQueue(1);
  const one = await json(await world.fetch(`Queues/${queue.sid}.json`));
  expect(fieldProblems('api.v2010.account.queue', one, [], table)).toEqual([]);
  const member = await json(await world.fetch(`Queues/${queue.sid}/Members/Front.json`));
  expect(fieldProblems('api.v2010.account.queue.member', member, [], table)).toEqual([]);
});

describe('Members', () => {
  test('[rest 12 members] in joining order, by CallSid and Front [rest 7.1 newest-first] [rest 7.2 members]', async () => {
    const { queue, callers } = await aQueue(3);
    const members = await world.client.queues(queue.sid).members.list();
    expect(members.map(({ callSid, position, waitTime }) => [callSid, position, waitTime])).toEqual([
      [callers[0]!.call.sid, 1, 30],
      [callers[1]!.call.sid, 2, 20],
      [callers[2]!.call.sid, 3, 10],
    ]);
    expect(members[0]!.queueSid).toBe(queue.sid);
    expect(members[0]!.dateEnqueued.getTime()).toBe(bench.clock.wall() - 30_000);
    const paged = await world.client.queues(queue.sid).members.list({ pageSize: 1 });
    expect(paged.map(({ callSid }) => callSid)).toEqual(callers.map(({ call }) => call.sid));
    const front = await world.client.queues(queue.sid).members('Front').fetch();
    expect(front.callSid).toBe(callers[0]!.call.sid);
    const last = await world.client.queues(queue.sid).members(callers[2]!.call.sid).fetch();
    expect(last.position).toBe(3);
    const body = await json<{ queue_members: { uri: string }[] }>(
      await world.fetch(`Queues/${queue.sid}/Members.json`),
    );
    expect(body.queue_members[0]!.uri).toBe(
      `/2010-04-01/Accounts/${world.account.sid}/Queues/${queue.sid}/Members/${callers[0]!.call.sid}.json`,
    );
  });

  test('[rest 12 dequeue] the call runs the document; the answer is the member as it was', async () => {
    const { queue, callers } = await aQueue(2);
    bench.started.length = 0;
    const front = await world.client.queues(queue.sid).members('Front').update({ url: URL, method: 'GET' });
    expect([front.callSid, front.position, front.waitTime]).toEqual([callers[0]!.call.sid, 1, 20]);
    const second = await world.client.queues(queue.sid).members(callers[1]!.call.sid).update({ url: URL });
    expect(second.position).toBe(1);
    await settle();
    expect(bench.started).toEqual([
      [callers[0]!.call.sid, URL],
      [callers[1]!.call.sid, URL],
    ]);
    expect(callers.map(({ outcome }) => outcome?.result)).toEqual(['redirected', 'redirected']);
    expect(await world.client.queues(queue.sid).members.list()).toEqual([]);
  });

  test('[rest 12 dequeue-missing] empty queue, unknown call, unknown queue: 404', async () => {
    const { queue } = await aQueue(0);
    const missing = { status: 404, code: 20404 };
    const { members } = world.client.queues(queue.sid);
    await expect(members('Front').update({ url: URL })).rejects.toMatchObject(missing);
    await expect(members('Front').fetch()).rejects.toMatchObject(missing);
    await expect(members(`CA${'0'.repeat(32)}`).update({ url: URL })).rejects.toMatchObject(missing);
    await expect(world.client.queues(`QU${'0'.repeat(32)}`).members.list()).rejects.toMatchObject(missing);
  });

  test.each([
    ['no Url', '', 21205],
    ['a Url that is none', 'Url=ftp://x', 21205],
    ['a method that is none', `Url=${encodeURIComponent(URL)}&Method=PUT`, 21209],
  ])('[rest 12 dequeue-invalid] %s: 400, and the call stays', async (_name, form, code) => {
    const { queue, callers } = await aQueue(1);
    const answer = await world.fetch(`Queues/${queue.sid}/Members/Front.json`, { method: 'POST', form });
    expect([answer.status, (await json(answer)).code]).toEqual([400, code]);
    expect(callers[0]!.outcome).toBeUndefined();
  });
});
