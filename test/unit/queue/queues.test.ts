// Queues: their order, who gets whom, and what each side is told, on fake legs (twiml.md 7.2, 7.3; rest-api.md 12).

import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { aRequest } from '../../support/recording-bench.ts';
import { settle } from '../../support/virtual-clock.ts';
import { type Caller, NAME, nothingLeft, QueueBench } from './kit.ts';

const paramsOf = (bench: QueueBench, party: Caller) => Object.fromEntries(bench.runOf(party)!.document.params());

describe('waiting', () => {
  test('[twiml 7.2 wait-params] QueuePosition, QueueSid, QueueTime, AvgQueueTime, CurrentQueueSize, MaxQueueSize', async () => {
    const bench = new QueueBench();
    const first = await bench.caller();
    await bench.clock.advanceAsync(10_000);
    const second = await bench.caller();
    await bench.clock.advanceAsync(4_500);
    const [queue] = bench.store.records.values();
    const shared = { QueueSid: queue!.sid, AvgQueueTime: '9', CurrentQueueSize: '2', MaxQueueSize: '1000' };
    expect(paramsOf(bench, first)).toEqual({ ...shared, QueuePosition: '1', QueueTime: '14' });
    expect(paramsOf(bench, second)).toEqual({ ...shared, QueuePosition: '2', QueueTime: '4' });
    await first.hangUp();
    expect(paramsOf(bench, second)).toMatchObject({ QueuePosition: '1', CurrentQueueSize: '1', AvgQueueTime: '4' });
    await second.hangUp();
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.2 wait-verbs] the verbs of a wait document [twiml 15 restricted-queue]', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller({ waitUrl: 'https://app.example.test/wait', waitMethod: 'GET' });
    const { document } = bench.runOf(caller)!;
    expect(document).toMatchObject({ url: 'https://app.example.test/wait', method: 'GET', atEnd: 'again' });
    expect([...document.verbs].sort()).toEqual(['Gather', 'Hangup', 'Leave', 'Pause', 'Play', 'Redirect', 'Say']);
  });

  test('[twiml 7.2 on-demand] an unknown name becomes a queue of the default size, once', async () => {
    const bench = new QueueBench();
    await Promise.all([bench.caller(), bench.caller(), bench.caller({ name: 'other' })]);
    expect([...bench.store.records.values()].map(({ friendlyName, maxSize }) => [friendlyName, maxSize])).toEqual([
      [NAME, limits.queueSizeDefault],
      ['other', limits.queueSizeDefault],
    ]);
    expect(bench.queues.counts()).toMatchObject({ queues: 2, waiting: 3 });
  });

  test('another node makes the queue at the same time: theirs is used', async () => {
    const bench = new QueueBench();
    const theirs = {
      sid: `QU${'9'.repeat(32)}`,
      accountSid: bench.inbound().call.options.accountSid,
      friendlyName: NAME,
      maxSize: 5,
      dateCreated: 0,
      dateUpdated: 0,
    };
    bench.store.before = (operation) => {
      if (operation === 'insert') bench.store.records.set(theirs.sid, theirs);
    };
    const caller = await bench.caller();
    expect(paramsOf(bench, caller)).toMatchObject({ QueueSid: theirs.sid, MaxQueueSize: '5' });
  });

  test.each<[string, (caller: Caller, bench: QueueBench) => unknown, object]>([
    ['Leave', (caller, bench) => bench.runOf(caller)!.end({ how: 'left' }), { result: 'leave' }],
    [
      'failed document',
      (caller, bench) => bench.runOf(caller)!.end({ how: 'failed', code: 11200 }),
      { result: 'error' },
    ],
    ['hang-up', (caller) => caller.hangUp(), { result: 'hangup' }],
    ['Hangup verb', (caller) => caller.call.hangUp('by the document'), { result: 'hangup' }],
    ['REST', (caller) => caller.redirect(), { result: 'redirected' }],
  ])('[twiml 7.2 queue-result] %s', async (_name, act, expected) => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    await bench.clock.advanceAsync(3_000);
    act(caller, bench);
    await settle();
    const [queue] = bench.store.records.values();
    expect(caller.outcome).toEqual({ ...expected, queue: { sid: queue!.sid, seconds: 3 }, transferred: false });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.2 queue-full] neither QueueSid nor QueueTime [twiml 7.2 max-queue-size]', async () => {
    const bench = new QueueBench();
    await bench.caller({ maxSize: 1 });
    const refused = await bench.caller({ maxSize: 1 });
    expect(refused.outcome).toEqual({ result: 'queue-full', queue: undefined, transferred: false });
    expect(bench.queues.counts()).toMatchObject({ queues: 1, waiting: 1 });
    const larger = await bench.caller({ maxSize: 2 });
    expect(larger.outcome).toBeUndefined();
  });

  test('[twiml 7.2 system-error] the store cannot be used', async () => {
    const bench = new QueueBench();
    bench.store.failure = 'unavailable';
    const refused = await bench.caller();
    expect(refused.outcome).toEqual({ result: 'system-error', queue: undefined, transferred: false });
    // Not for ever.
    bench.store.failure = undefined;
    expect((await bench.caller()).outcome).toBeUndefined();
  });

  test('a caller that is gone before the store answers', async () => {
    const bench = new QueueBench();
    let answer = () => {};
    bench.store.before = () => new Promise<void>((resolve) => (answer = resolve));
    const caller = await bench.caller();
    await caller.hangUp();
    bench.store.before = () => {};
    answer();
    await settle();
    expect(caller.outcome).toMatchObject({ result: 'hangup' });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('1000 callers: positions in order, the next one is refused, the line moves on', async () => {
    const bench = new QueueBench();
    const callers: Caller[] = [];
    bench.store.before = () => {};
    for (let count = 0; count < 100; count++) {
      const made = await Promise.all(Array.from({ length: 10 }, () => bench.caller({ maxSize: 1_000 })));
      callers.push(...made);
    }
    const places = callers.map((caller) => Number(paramsOf(bench, caller).QueuePosition));
    expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
    expect((await bench.caller({ maxSize: 1_000 })).outcome).toMatchObject({ result: 'queue-full' });
    const inOrder = [...callers].sort((a, b) => places[callers.indexOf(a)]! - places[callers.indexOf(b)]!);
    const agent = await bench.agent();
    expect(bench.bridged.at(-1)![1]).toBe(inOrder[0]!.call);
    expect(paramsOf(bench, inOrder[999]!).QueuePosition).toBe('999');
    for (const caller of callers) caller.leg.hangsUp();
    await settle();
    expect(agent.outcome).toMatchObject({ bridged: true });
    expect(bench.left()).toEqual(nothingLeft);
  });
});

describe('an agent', () => {
  test('[twiml 7.3 head] gets the one who waited longest; each goes on by itself when the other hangs up', async () => {
    const bench = new QueueBench();
    const first = await bench.caller();
    const second = await bench.caller();
    await bench.clock.advanceAsync(8_000);
    const agent = await bench.agent();
    expect(bench.bridged).toEqual([[agent.call, first.call]]);
    expect([...bench.engine.bridgesNow.values()]).toEqual([[agent.leg.endpoint, first.leg.endpoint]]);
    expect(paramsOf(bench, second)).toMatchObject({ QueuePosition: '1' });
    await bench.clock.advanceAsync(20_000);
    await agent.hangUp();
    const [queue] = bench.store.records.values();
    expect(first.outcome).toEqual({ result: 'bridged', queue: { sid: queue!.sid, seconds: 8 }, transferred: false });
    expect(first.call.isAnswered).toBe(true);
    expect(agent.outcome).toMatchObject({ callerHungUp: true, bridged: true });
    await second.hangUp();
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.3 action-params] the Dial action hears of caller and queue [twiml 3.3 dial-queue]', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    await bench.clock.advanceAsync(6_000);
    const agent = await bench.agent();
    await bench.clock.advanceAsync(12_000);
    await caller.hangUp();
    const [queue] = bench.store.records.values();
    expect(agent.outcome).toEqual({
      status: 'completed',
      callSid: caller.call.sid,
      durationSeconds: 12,
      bridged: true,
      sip: undefined,
      callerHungUp: false,
      params: new Map([
        ['QueueSid', queue!.sid],
        ['QueueTime', '6'],
        ['DequeingCallSid', agent.call.sid],
      ]),
    });
    expect(caller.outcome).toMatchObject({ result: 'bridged' });
    expect(agent.call.isAnswered).toBe(true);
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.3 unknown] there is no such queue: failed at once', async () => {
    const bench = new QueueBench();
    const agent = await bench.agent();
    expect(agent.outcome).toMatchObject({ status: 'failed', bridged: false, callSid: undefined });
    expect(bench.story(agent.call)).toContain('warning 13215');
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('the store cannot be used: failed', async () => {
    const bench = new QueueBench();
    bench.store.failure = 'unavailable';
    const agent = await bench.agent();
    expect(agent.outcome).toMatchObject({ status: 'failed' });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.3 empty] an empty queue: waits up to the timeout, then no-answer', async () => {
    const bench = new QueueBench();
    await bench.rest.create(bench.inbound().call.options.accountSid, NAME, 10);
    const agent = await bench.agent({ timeoutSeconds: 20, ringTone: 'us' });
    await bench.clock.advanceAsync(19_999);
    expect([agent.outcome, bench.engine.playsNow.size]).toEqual([undefined, 1]);
    await bench.clock.advanceAsync(1);
    expect(agent.outcome).toMatchObject({ status: 'no-answer', bridged: false, callerHungUp: false });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('who comes meanwhile is given to the agent that waited longest', async () => {
    const bench = new QueueBench();
    await bench.rest.create(bench.inbound().call.options.accountSid, NAME, 10);
    const first = await bench.agent();
    const second = await bench.agent();
    const caller = await bench.caller();
    expect(bench.bridged).toEqual([[first.call, caller.call]]);
    const next = await bench.caller();
    expect(bench.bridged[1]).toEqual([second.call, next.call]);
    expect(caller.outcome).toBeUndefined();
  });

  test('two agents for one caller: one gets it, the other waits', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    const [one, other] = await Promise.all([bench.agent(), bench.agent()]);
    expect(bench.bridged).toHaveLength(1);
    expect(bench.queues.counts()).toMatchObject({ agents: 1, waiting: 0 });
    await one.hangUp();
    await other.hangUp();
    expect([caller.outcome, other.outcome]).toMatchObject([{ result: 'bridged' }, { status: 'canceled' }]);
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 6.1 record-queue] the leg of the agent is recorded from the bridge on; the action hears of it', async () => {
    const bench = new QueueBench();
    await bench.rest.create(bench.inbound().call.options.accountSid, NAME, 10);
    const recording = { request: aRequest(), from: 'answer' } as const;
    const agent = await bench.agent({ recording });
    expect(bench.recorded).toEqual([]);
    const caller = await bench.caller();
    expect(bench.recorded).toEqual([agent.call]);
    await caller.hangUp();
    expect(agent.outcome?.recording).toMatchObject({ sid: 'RE1' });
    const without = await bench.agent();
    await bench.caller();
    expect([bench.recorded.length, without.outcome]).toEqual([1, undefined]);
  });

  test('[twiml 6.2 star] hangupOnStar ends the conversation, and the wait', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    const agent = await bench.agent({ hangupOnStar: true });
    caller.leg.presses('*');
    expect(bench.engine.bridgesNow.size).toBe(1);
    agent.leg.presses('*');
    await settle();
    expect([agent.outcome, caller.outcome]).toMatchObject([{ status: 'completed' }, { result: 'bridged' }]);
    const waits = await bench.agent({ hangupOnStar: true });
    waits.leg.presses('*');
    await settle();
    expect(waits.outcome).toMatchObject({ status: 'canceled', bridged: false });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 6.2 time-limit] timeLimit parts them; both go on', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    const agent = await bench.agent({ timeLimitSeconds: 60 });
    await bench.clock.advanceAsync(60_000);
    expect(agent.outcome).toMatchObject({ status: 'completed', durationSeconds: 60 });
    expect(caller.outcome).toMatchObject({ result: 'bridged' });
    expect([agent.call.isAnswered, caller.call.isAnswered]).toEqual([true, true]);
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('answerOnBridge: the leg of the agent is answered when there is somebody', async () => {
    const bench = new QueueBench();
    await bench.rest.create(bench.inbound().call.options.accountSid, NAME, 10);
    const agent = await bench.agent({ answerOnBridge: true, ringTone: 'us' }, {}, false);
    expect([agent.call.isAnswered, bench.engine.playsNow.size]).toEqual([false, 0]);
    await bench.caller();
    expect([agent.call.isAnswered, bench.engine.bridgesNow.size]).toEqual([true, 1]);
  });

  test('answerOnBridge, and the leg cannot be answered: the caller has its place again', async () => {
    const bench = new QueueBench();
    const first = await bench.caller();
    await bench.caller();
    bench.onLeg = (leg) => {
      leg.answerOutcome = { ok: false, detail: 'no ACK' };
    };
    const agent = await bench.agent({ answerOnBridge: true }, {}, false);
    expect(agent.outcome).toMatchObject({ bridged: false, callerHungUp: true });
    expect(paramsOf(bench, first).QueuePosition).toBe('1');
    bench.onLeg = () => {};
    const next = await bench.agent();
    expect(bench.bridged).toEqual([[next.call, first.call]]);
  });
});

describe('REST takes one of the two', () => {
  test.each(['redirect', 'hangUp'] as const)(
    'the caller, by %s, while the leg of the agent is being answered: they are not joined, the agent waits on',
    async (act) => {
      const bench = new QueueBench();
      const caller = await bench.caller();
      bench.onLeg = (leg) => {
        const answer = leg.answer.bind(leg);
        leg.answer = () => {
          void caller[act]();
          return answer();
        };
      };
      const agent = await bench.agent({ answerOnBridge: true }, {}, false);
      bench.onLeg = () => {};
      expect(caller.outcome).toMatchObject({ result: act === 'redirect' ? 'bridging-in-process' : 'hangup' });
      expect([agent.outcome, agent.call.isAnswered, bench.bridged]).toEqual([undefined, true, []]);
      const next = await bench.caller();
      expect(bench.bridged).toEqual([[agent.call, next.call]]);
    },
  );

  test('[twiml 7.2 redirected-from-bridged] the caller: its Enqueue says so, the Dial tells no duration', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    const agent = await bench.agent();
    await bench.clock.advanceAsync(5_000);
    await caller.redirect();
    expect(caller.outcome).toMatchObject({ result: 'redirected-from-bridged' });
    expect(agent.outcome).toMatchObject({ status: 'completed', bridged: true, durationSeconds: undefined });
    expect([agent.call.isAnswered, caller.call.isAnswered]).toEqual([true, true]);
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('the agent: the caller goes on', async () => {
    const bench = new QueueBench();
    const caller = await bench.caller();
    const agent = await bench.agent();
    await agent.redirect();
    expect(caller.outcome).toMatchObject({ result: 'bridged' });
    expect(agent.outcome).toMatchObject({ callerHungUp: false, bridged: true });
    expect(bench.left()).toEqual(nothingLeft);
  });
});

describe('[twiml 7.3 url] the document of the noun', () => {
  const document = { url: 'https://app.example.test/before', method: 'POST' } as const;

  async function meeting() {
    const bench = new QueueBench();
    bench.atOnce = undefined;
    const caller = await bench.caller();
    await bench.clock.advanceAsync(7_000);
    const agent = await bench.agent({}, { document });
    return { bench, caller, agent };
  }

  test('runs on the caller with its parameters and verbs; then they are connected [twiml 7.3 url-params] [twiml 15 restricted-dequeue]', async () => {
    const { bench, caller, agent } = await meeting();
    const run = bench.runOf(caller)!;
    const [queue] = bench.store.records.values();
    expect(run.document).toMatchObject({ ...document, atEnd: 'return' });
    expect([...run.document.verbs].sort()).toEqual(['Pause', 'Play', 'Redirect', 'Say']);
    expect(Object.fromEntries(run.document.params())).toEqual({
      QueueSid: queue!.sid,
      QueueTime: '7',
      DequeingCallSid: agent.call.sid,
    });
    expect([bench.bridged.length, bench.queues.counts().reserved]).toEqual([0, 1]);
    run.end({ how: 'ended' });
    await settle();
    expect([bench.bridged.length, bench.queues.counts().reserved]).toEqual([1, 0]);
  });

  test('it fails: reported, and they are connected nevertheless', async () => {
    const { bench, caller } = await meeting();
    bench.runOf(caller)!.end({ how: 'failed', code: 11200 });
    await settle();
    expect(bench.bridged).toHaveLength(1);
  });

  test('the agent hangs up during it: the caller has its old place and its time', async () => {
    const { bench, caller, agent } = await meeting();
    const behind = await bench.caller();
    await agent.hangUp();
    expect(agent.outcome).toMatchObject({ callerHungUp: true, bridged: false });
    await bench.clock.advanceAsync(3_000);
    expect(paramsOf(bench, caller)).toMatchObject({ QueuePosition: '1', QueueTime: '10' });
    expect(paramsOf(bench, behind)).toMatchObject({ QueuePosition: '2' });
  });

  test('the agent hangs up during it, and another one waits: the caller is theirs', async () => {
    const { bench, caller, agent } = await meeting();
    const next = await bench.agent();
    bench.atOnce = { how: 'ended' };
    await agent.hangUp();
    expect(bench.bridged).toEqual([[next.call, caller.call]]);
  });

  test('the caller hangs up during it: the agent waits for the next', async () => {
    const { bench, caller, agent } = await meeting();
    await caller.hangUp();
    expect([caller.outcome, agent.outcome]).toMatchObject([{ result: 'hangup' }, undefined]);
    bench.atOnce = { how: 'ended' };
    const next = await bench.caller();
    expect(bench.bridged).toEqual([[agent.call, next.call]]);
  });

  test('the caller hangs up during it and nobody comes: no-answer', async () => {
    const { bench, caller, agent } = await meeting();
    await bench.clock.advanceAsync(31_000);
    expect(agent.outcome).toBeUndefined();
    await caller.hangUp();
    expect(agent.outcome).toMatchObject({ status: 'no-answer' });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('[twiml 7.2 bridging-in-process] REST redirects the caller during it', async () => {
    const { bench, caller, agent } = await meeting();
    await caller.redirect();
    expect(caller.outcome).toMatchObject({ result: 'bridging-in-process', queue: { seconds: 7 } });
    await agent.hangUp();
    expect(bench.left()).toEqual(nothingLeft);
  });
});

describe('[rest 12 members] over REST', () => {
  test('members and figures as they are', async () => {
    const bench = new QueueBench();
    const first = await bench.caller();
    const enqueuedAt = bench.clock.wall();
    await bench.clock.advanceAsync(10_000);
    const second = await bench.caller();
    const [queue] = bench.store.records.values();
    const { sid, accountSid } = queue!;
    expect(bench.rest.figures(sid)).toEqual({ currentSize: 2, averageWaitSeconds: 5 });
    expect(bench.rest.members(sid)).toEqual([
      { queueSid: sid, accountSid, callSid: first.call.sid, position: 1, waitSeconds: 10, dateEnqueued: enqueuedAt },
      expect.objectContaining({ callSid: second.call.sid, position: 2, waitSeconds: 0 }),
    ]);
    expect(bench.rest.member(sid, 'Front')).toMatchObject({ callSid: first.call.sid });
    expect(bench.rest.member(sid, second.call.sid)).toMatchObject({ position: 2 });
    expect(bench.rest.member(sid, `CA${'0'.repeat(32)}`)).toBeUndefined();
    expect(bench.rest.figures(`QU${'0'.repeat(32)}`)).toEqual({ currentSize: 0, averageWaitSeconds: 0 });
  });

  test('dequeued twice at once by Front: two different callers', async () => {
    const bench = new QueueBench();
    const first = await bench.caller();
    const second = await bench.caller();
    const [queue] = bench.store.records.values();
    const url = 'https://app.example.test/desk';
    const taken = ['Front', 'Front', 'Front'].map((who) => bench.rest.dequeue(queue!.sid, who, url, 'POST'));
    await settle();
    expect(taken).toMatchObject([{ callSid: first.call.sid, position: 1 }, { callSid: second.call.sid }, undefined]);
    expect(bench.started).toEqual([
      [first.call.sid, url],
      [second.call.sid, url],
    ]);
    expect([first.outcome, second.outcome]).toMatchObject([{ result: 'redirected' }, { result: 'redirected' }]);
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('a call that an agent is taking is not a member any more', async () => {
    const bench = new QueueBench();
    bench.atOnce = undefined;
    const caller = await bench.caller();
    await bench.agent({}, { document: { url: 'https://app.example.test/before', method: 'POST' } });
    const [queue] = bench.store.records.values();
    expect(bench.rest.dequeue(queue!.sid, caller.call.sid, 'https://x.example.test/', 'POST')).toBeUndefined();
  });

  test('[rest 8 queue-delete] not while callers wait or are being connected; agents that wait are told', async () => {
    const bench = new QueueBench();
    bench.atOnce = undefined;
    const caller = await bench.caller();
    const [queue] = bench.store.records.values();
    expect(await bench.rest.remove(queue!)).toEqual({ ok: false, error: 'busy' });
    const agent = await bench.agent({}, { document: { url: 'https://app.example.test/before', method: 'POST' } });
    expect(await bench.rest.remove(queue!)).toEqual({ ok: false, error: 'busy' });
    await caller.hangUp();
    expect(await bench.rest.remove(queue!)).toMatchObject({ ok: true });
    await settle();
    expect(agent.outcome).toMatchObject({ status: 'failed' });
    expect(await bench.rest.remove(queue!)).toEqual({ ok: false, error: 'missing' });
    expect(bench.left()).toEqual(nothingLeft);
  });

  test('removed at the moment a caller comes: the caller is in a queue that exists', async () => {
    const bench = new QueueBench();
    const made = await bench.rest.create(bench.inbound().call.options.accountSid, NAME, 10);
    if (!made.ok) throw new Error('not made');
    const [removed, caller] = await Promise.all([bench.rest.remove(made.value), bench.caller()]);
    expect(removed).toMatchObject({ ok: true });
    const { QueueSid } = paramsOf(bench, caller);
    expect(QueueSid).not.toBe(made.value.sid);
    expect(bench.store.records.has(QueueSid!)).toBe(true);
  });

  test('another name and size count at once', async () => {
    const bench = new QueueBench();
    await bench.caller();
    const [queue] = bench.store.records.values();
    expect(await bench.rest.update(queue!, { friendlyName: 'sales', maxSize: 1 })).toMatchObject({ ok: true });
    const refused = await bench.caller({ name: 'sales' });
    expect(refused.outcome).toMatchObject({ result: 'queue-full' });
    await bench.caller();
    const [, other] = [...bench.store.records.values()];
    expect(await bench.rest.update(other!, { friendlyName: 'sales' })).toEqual({ ok: false, error: 'duplicate' });
    expect(await bench.rest.update({ ...other!, sid: `QU${'0'.repeat(32)}` }, {})).toEqual({
      ok: false,
      error: 'missing',
    });
  });

  test('[rest 12 duplicate] names are unique per account', async () => {
    const bench = new QueueBench();
    const { accountSid } = bench.inbound().call.options;
    expect(await bench.rest.create(accountSid, NAME, 10)).toMatchObject({ ok: true, value: { maxSize: 10 } });
    expect(await bench.rest.create(accountSid, NAME, 10)).toEqual({ ok: false, error: 'duplicate' });
    expect(await bench.rest.create(`AC${'b'.repeat(32)}`, NAME, 10)).toMatchObject({ ok: true });
  });
});
