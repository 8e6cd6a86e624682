// The implicit subscription of a REFER, our side and the peer's (RFC 3515, RFC 6665, RFC 4488): the tables row by row, then the drivers on
// a virtual clock.

import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { createResponse } from '../../../../src/sip/grammar/build.ts';
import type { HeaderField, Request, Response } from '../../../../src/sip/grammar/message.ts';
import { parseMessage } from '../../../../src/sip/grammar/parse.ts';
import {
  type NotifierInput,
  type NotifierState,
  notifierStates,
  ReferNotifier,
} from '../../../../src/sip/ua/refer-notifier.ts';
import {
  ReferSubscription,
  type SubscriptionInput,
  type SubscriptionState,
  subscriptionStates,
} from '../../../../src/sip/ua/refer-subscription.ts';
import { settle, VirtualClock } from '../../../support/virtual-clock.ts';

const over = ['report', 'forget'];

// State, input → next state, actions; one line per row. What is not here is ignored.
const rows: [SubscriptionState, SubscriptionInput, SubscriptionState, string[]][] = [
  ['requested', 'accepted', 'pending', ['start first timer']],
  ['requested', 'acceptedUnsubscribed', 'terminated', over],
  ['requested', 'refused', 'terminated', over],
  ['requested', 'notify 1xx', 'active', ['start expiry timer']],
  ['requested', 'notify final', 'terminated', over],
  ['requested', 'notify terminated', 'terminated', over],
  ['requested', 'timer', 'terminated', over],
  ['requested', 'sessionEnded', 'terminated', over],
  ['requested', 'withdrawn', 'terminated', over],
  ['pending', 'notify 1xx', 'active', ['start expiry timer']],
  ['pending', 'notify final', 'terminated', over],
  ['pending', 'notify terminated', 'terminated', over],
  ['pending', 'timer', 'terminated', over],
  ['pending', 'sessionEnded', 'terminated', over],
  ['pending', 'withdrawn', 'terminated', over],
  ['active', 'refused', 'terminated', over],
  ['active', 'notify 1xx', 'active', ['start expiry timer']],
  ['active', 'notify final', 'terminated', over],
  ['active', 'notify terminated', 'terminated', over],
  ['active', 'timer', 'terminated', over],
  ['active', 'sessionEnded', 'terminated', over],
  ['active', 'withdrawn', 'terminated', over],
];

const notifierRows: [NotifierState, NotifierInput, NotifierState, string[]][] = [
  ['offered', 'accept', 'active', ['send 202', 'notify active']],
  ['offered', 'refuse', 'terminated', ['send refusal']],
  ['offered', 'timer', 'terminated', ['send refusal']],
  ['active', 'progress', 'active', ['notify active']],
  ['active', 'finish', 'terminated', ['notify terminated']],
  ['active', 'timer', 'terminated', ['notify timeout']],
];

/** All rows of a table, as the lists above write them. */
function rowsOf(table: object): unknown[] {
  return Object.entries(table).flatMap(([state, inputs]) =>
    Object.entries(inputs as Record<string, { to: string; do: readonly string[] }>).map(([input, row]) => [
      state,
      input,
      row.to,
      [...row.do],
    ]),
  );
}

const sorted = (list: unknown[]) => list.map((row) => JSON.stringify(row)).sort();

test('RFC 6665 4.1.2: the subscriber table', () => expect(sorted(rowsOf(subscriptionStates))).toEqual(sorted(rows)));
test('RFC 6665 4.2.2: the notifier table', () => expect(sorted(rowsOf(notifierStates))).toEqual(sorted(notifierRows)));

function request(method: string, headers: readonly string[], body = ''): Request {
  const lines = [
    `${method} sip:gateway@192.0.2.1 SIP/2.0`,
    'Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKa',
    'From: <sip:bob@example.com>;tag=b',
    'To: <sip:alice@example.com>;tag=a',
    'Call-ID: c@example.com',
    `CSeq: 7 ${method}`,
    ...headers,
    `Content-Length: ${body.length}`,
  ];
  const parsed = parseMessage(Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`));
  if (!parsed.ok || parsed.value.kind !== 'request') throw new Error('test message');
  return parsed.value;
}

const notify = (state: string, line: string, id = '') =>
  request('NOTIFY', [`Event: refer${id}`, `Subscription-State: ${state}`, 'Content-Type: message/sipfrag'], line);

/** A session that records what is sent in it and answers when told. */
class FakeSession {
  readonly sent: { method: string; headers: readonly HeaderField[]; body: string }[] = [];
  readonly #answers: ((answer: { status: number; response: Response | undefined }) => void)[] = [];
  isForgotten = false;

  request(method: string, options: { headers?: readonly HeaderField[]; body?: Buffer } = {}) {
    this.sent.push({ method, headers: options.headers ?? [], body: options.body?.toString() ?? '' });
    return new Promise<{ status: number; response: Response | undefined }>((resolve) => this.#answers.push(resolve));
  }

  answer(status: number, headers: readonly HeaderField[] = []): void {
    const refer = request('REFER', []);
    this.#answers.shift()?.({ status, response: createResponse(refer, status, { toTag: 'x', headers }) });
  }

  forgetRefer(): void {
    this.isForgotten = true;
  }

  header(index: number, name: string): string | undefined {
    return this.sent[index]?.headers.find((field) => field.name === name)?.value;
  }
}

function subscribe() {
  const clock = new VirtualClock();
  const session = new FakeSession();
  const subscription = new ReferSubscription(session, clock, {
    target: 'sip:carol@example.com?X-A=1',
    referredBy: 'sip:gw@example.com',
  });
  return { clock, session, subscription };
}

describe('ReferSubscription', () => {
  test('RFC 3515 2.1, RFC 3892: the REFER', () => {
    const { session } = subscribe();
    expect(session.sent[0]!.method).toBe('REFER');
    expect(session.header(0, 'Refer-To')).toBe('<sip:carol@example.com?X-A=1>');
    expect(session.header(0, 'Referred-By')).toBe('<sip:gw@example.com>');
  });

  test('202, NOTIFY 100, NOTIFY 180, NOTIFY 200', async () => {
    const { clock, session, subscription } = subscribe();
    session.answer(202);
    await settle();
    subscription.notified(notify('active;expires=60', 'SIP/2.0 100 Trying'));
    subscription.notified(notify('active;expires=60', 'SIP/2.0 180 Ringing'));
    subscription.notified(notify('terminated;reason=noresource', 'SIP/2.0 200 OK'));
    expect(await subscription.result).toEqual({ status: 202, notified: 200, end: 'notified' });
    expect(session.isForgotten).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  test('RFC 3515 2.4.4: a NOTIFY with the result overtakes the 202', async () => {
    const { subscription } = subscribe();
    subscription.notified(notify('terminated', 'SIP/2.0 486 Busy Here'));
    expect(await subscription.result).toEqual({ status: 202, notified: 486, end: 'notified' });
  });

  test('a final status counts although the subscription is said to go on', async () => {
    const { session, subscription } = subscribe();
    session.answer(202);
    await settle();
    subscription.notified(notify('active;expires=60', 'SIP/2.0 603 Decline'));
    expect(await subscription.result).toEqual({ status: 202, notified: 603, end: 'notified' });
  });

  test('RFC 3515 2.4.6: a NOTIFY with the id of another REFER is not ours', async () => {
    const { session, subscription } = subscribe();
    session.answer(202);
    await settle();
    subscription.notified(notify('terminated', 'SIP/2.0 200 OK', ';id=999'));
    expect(subscription.state).toBe('pending');
    subscription.notified(notify('terminated', 'SIP/2.0 404 Not Found', ';id=7'));
    expect((await subscription.result).notified).toBe(404);
  });

  test.each(['', 'no status line', 'SIP/2.0 999 Strange', 'SIP/2.0'])('a body without a status: %j', async (body) => {
    const { session, subscription } = subscribe();
    session.answer(202);
    await settle();
    subscription.notified(notify('active', body));
    subscription.notified(notify('terminated;reason=noresource', body));
    expect(await subscription.result).toEqual({ status: 202, notified: undefined, end: 'notified' });
  });

  test('refused', async () => {
    const { session, subscription } = subscribe();
    session.answer(405);
    expect(await subscription.result).toEqual({ status: 405, notified: undefined, end: 'refused' });
  });

  test('RFC 4488 4: Refer-Sub: false in the 2xx: nothing is waited for', async () => {
    const { clock, session, subscription } = subscribe();
    session.answer(200, [{ name: 'Refer-Sub', value: 'false' }]);
    expect(await subscription.result).toEqual({ status: 200, notified: undefined, end: 'unsubscribed' });
    expect(clock.pendingTimers).toBe(0);
  });

  test('RFC 6665 4.1.2.4: no NOTIFY within 32 s of the 202', async () => {
    const { clock, session, subscription } = subscribe();
    session.answer(202);
    await settle();
    await clock.advanceAsync(limits.referFirstNotifyMs - 1);
    expect(subscription.state).toBe('pending');
    await clock.advanceAsync(1);
    expect(await subscription.result).toEqual({ status: 202, notified: undefined, end: 'timeout' });
  });

  test('after the last NOTIFY the subscription lives for its own time', async () => {
    const { clock, session, subscription } = subscribe();
    session.answer(202);
    await settle();
    subscription.notified(notify('active', 'SIP/2.0 180 Ringing'));
    await clock.advanceAsync(limits.referSubscriptionMs);
    expect(await subscription.result).toEqual({ status: 202, notified: 180, end: 'timeout' });
  });

  test('the leg ends; withdrawn by us', async () => {
    const first = subscribe();
    first.subscription.sessionEnded();
    expect(await first.subscription.result).toEqual({ status: undefined, notified: undefined, end: 'sessionEnded' });
    const second = subscribe();
    second.session.answer(202);
    await settle();
    second.subscription.withdraw();
    expect((await second.subscription.result).end).toBe('withdrawn');
    expect(second.clock.pendingTimers).toBe(0);
  });
});

function offered(headers: readonly string[] = [], isFirst = true) {
  const clock = new VirtualClock();
  const session = new FakeSession();
  const responses: { status: number; headers: readonly HeaderField[] }[] = [];
  const refer = request('REFER', ['Refer-To: <sip:carol@example.com>', ...headers]);
  const respond = (status: number, _reason?: string, fields: readonly HeaderField[] = []) =>
    void responses.push({ status, headers: fields });
  return {
    clock,
    session,
    responses,
    notifier: new ReferNotifier(session, clock, { request: refer, respond }, isFirst),
  };
}

describe('ReferNotifier', () => {
  test('RFC 3515 2.4.4: 202, NOTIFY 100 at once, and the result when the first one was answered', async () => {
    const { clock, session, responses, notifier } = offered();
    notifier.accept();
    const finished = notifier.finish(200);
    await settle();
    expect(responses.map(({ status }) => status)).toEqual([202]);
    expect(session.sent.map(({ body }) => body)).toEqual(['SIP/2.0 100 Trying\r\n']);
    expect(session.header(0, 'Event')).toBe('refer');
    expect(session.header(0, 'Subscription-State')).toBe('active;expires=180');
    session.answer(200);
    await settle();
    expect(session.sent[1]!.body).toBe('SIP/2.0 200 OK\r\n');
    expect(session.header(1, 'Subscription-State')).toBe('terminated;reason=noresource');
    session.answer(200);
    await finished;
    expect(clock.pendingTimers).toBe(0);
  });

  test('RFC 3515 2.4.6: the second REFER of a dialog is named by its CSeq number', async () => {
    const { session, notifier } = offered([], false);
    notifier.accept();
    await settle();
    expect(session.header(0, 'Event')).toBe('refer;id=7');
  });

  test('RFC 4488 4: Refer-Sub: false: the 202 says so, and nothing is notified', async () => {
    const { session, responses, notifier } = offered(['Refer-Sub: false']);
    notifier.accept();
    await notifier.finish(200);
    expect(responses).toEqual([{ status: 202, headers: [{ name: 'Refer-Sub', value: 'false' }] }]);
    expect(session.sent).toEqual([]);
  });

  test('nobody takes it: 603 after a while', async () => {
    const { clock, responses } = offered();
    await clock.advanceAsync(limits.referAnswerMs);
    expect(responses.map(({ status }) => status)).toEqual([603]);
  });

  test('nothing comes of it in time: the subscription ends with the last status', async () => {
    const { clock, session, notifier } = offered();
    notifier.accept();
    await settle();
    session.answer(200);
    await settle();
    await clock.advanceAsync(limits.referSubscriptionMs);
    expect(session.header(1, 'Subscription-State')).toBe('terminated;reason=timeout');
    expect(session.sent[1]!.body).toBe('SIP/2.0 100 Trying\r\n');
  });

  test('what comes too late is nothing', async () => {
    const { session, responses, notifier } = offered();
    notifier.refuse(603);
    notifier.accept();
    notifier.refuse(400);
    await notifier.progress(180);
    await notifier.finish(200);
    expect(responses.map(({ status }) => status)).toEqual([603]);
    expect(session.sent).toEqual([]);
  });
});
