import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import type { PendingCallback } from '../../../src/base/voice-records.ts';
import { type CallbackStore, createStatusCallbacks } from '../../../src/webhook/callback-queue.ts';
import { statusCallbackParams } from '../../../src/webhook/status-callbacks.ts';
import type { WebhookClient, WebhookFailure, WebhookRequest, WebhookResponse } from '../../../src/webhook/webhook.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

type Outcome = Result<WebhookResponse, WebhookFailure>;

/** A client whose requests end when the test says so. */
class HeldClient implements WebhookClient {
  readonly started: string[] = [];
  readonly tokens: (string | undefined)[] = [];
  readonly #waiting: ((outcome: Outcome) => void)[] = [];

  request(request: WebhookRequest): Promise<Outcome> {
    this.tokens.push(request.idempotencyToken);
    this.started.push(`${request.callSid} ${request.params.get('CallStatus')} ${request.purpose}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async answer(outcome: Outcome = answered(204, '', '')): Promise<void> {
    this.#waiting.shift()!(outcome);
    await settle();
  }

  async fetchMedia() {
    return err({ errorCode: 11200, detail: '', url: '', status: undefined });
  }
  forget(): void {}
  isOverloaded(): boolean {
    return false;
  }
  counts() {
    return { inFlight: 0, queued: 0, cookieJars: 0 };
  }
  async stop(): Promise<void> {}
}

const answered = (status: number, contentType: string, body: string): Outcome =>
  ok({ status, contentType, body: Buffer.from(body), finalUrl: 'https://h.test/', durationMs: 1 });

const refused: Outcome = err({ errorCode: 11202, detail: 'refused', url: 'https://h.test/s', status: undefined });

function setUp(records = new Map<string, PendingCallback>(), authTokenOf = (_accountSid: string) => 't') {
  const client = new HeldClient();
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) };
  const store: CallbackStore = {
    put: (record) => void records.set(record.sid, record),
    remove: (sid) => void records.delete(sid),
    all: async () => [...records.values()].sort((a, b) => a.position - b.position),
  };
  const callbacks = createStatusCallbacks({ client, log, clock, store, authTokenOf });
  const send = (callSid: string, status: string, onDone?: () => void) =>
    callbacks.send({
      url: 'https://h.test/s',
      method: 'POST',
      params: new Map([['CallStatus', status]]),
      authToken: 't',
      accountSid: 'AC1',
      callSid,
      onDone,
    });
  return { client, clock, warnings, callbacks, send, records, tokens: client.tokens };
}

describe('twiml.md 8.1: sending', () => {
  test('in order per call; calls do not wait for one another [rest 21 order] [twiml 8.1 asynchronous]', async () => {
    const { client, send, callbacks } = setUp();
    send('CA1', 'initiated');
    send('CA1', 'ringing');
    send('CA2', 'completed');
    expect(client.started).toEqual(['CA1 initiated statusCallback', 'CA2 completed statusCallback']);
    expect(callbacks.pending()).toBe(3);
    await client.answer();
    expect(client.started).toHaveLength(3);
    await client.answer();
    await client.answer();
    expect(callbacks.pending()).toBe(0);
  });

  test('an answer of 4xx or 5xx is logged and final: no fallback, no repetition, the next one is sent [twiml 2.4 callbacks-no-fallback] [rest 21 final] [twiml 8.1 not-repeated]', async () => {
    const { client, send, warnings, callbacks } = setUp();
    send('CA1', 'ringing');
    send('CA1', 'completed');
    await client.answer(err({ errorCode: 11217, detail: 'HTTP status 500', url: 'https://h.test/s', status: 500 }));
    expect(warnings).toEqual(['status callback failed']);
    expect(client.started).toEqual(['CA1 ringing statusCallback', 'CA1 completed statusCallback']);
    await client.answer();
    expect([callbacks.pending(), callbacks.waiting()]).toEqual([0, 0]);
  });

  test('a read timeout is final: the receiver may have had it', async () => {
    const { client, send, callbacks } = setUp();
    send('CA1', 'ringing');
    await client.answer(err({ errorCode: 11203, detail: 'total time expired', url: '', status: undefined }));
    expect([callbacks.pending(), callbacks.waiting()]).toEqual([0, 0]);
  });

  test('who cannot be reached is tried again with the same token, in order, later and later, then given up [rest 20 idempotency-token] [rest 21 order] [twiml 8.2 callback-retried]', async () => {
    const { client, send, callbacks, clock, tokens } = setUp();
    const done: string[] = [];
    send('CA1', 'ringing', () => done.push('ringing'));
    send('CA1', 'completed', () => done.push('completed'));
    for (const delayMs of limits.statusCallbackRetryMs) {
      await client.answer(refused);
      expect([callbacks.pending(), callbacks.waiting()]).toEqual([0, 2]);
      clock.advance(delayMs - 1);
      await settle();
      expect(client.waiting).toBe(0);
      clock.advance(1);
      await settle();
      expect([callbacks.pending(), callbacks.waiting()]).toEqual([2, 0]);
    }
    await client.answer(refused);
    expect(new Set(tokens.slice(0, -1)).size).toBe(1);
    expect(client.started.at(-1)).toBe('CA1 completed statusCallback');
    expect(tokens.at(-1)).not.toBe(tokens[0]);
    await client.answer();
    expect([callbacks.pending(), callbacks.waiting()]).toEqual([0, 0]);
    expect(done).toEqual(['ringing', 'completed']);
  });

  test('what was not delivered is in the store, and a new process sends it: same token, same order [rest 21 restart] [twiml 8.2 callback-outlives-restart]', async () => {
    const first = setUp();
    first.send('CA1', 'ringing');
    first.send('CA1', 'completed');
    first.send('CA2', 'completed');
    await first.client.answer(refused);
    first.callbacks.stop();
    await first.client.answer();
    expect([...first.records.values()].map(({ callSid, attempts }) => [callSid, attempts])).toEqual([
      ['CA1', 1],
      ['CA1', 0],
    ]);

    const second = setUp(first.records);
    await second.callbacks.restore();
    await second.client.answer();
    await second.client.answer();
    expect(second.client.started).toEqual(['CA1 ringing statusCallback', 'CA1 completed statusCallback']);
    expect(second.tokens[0]).toBe(first.tokens[0]);
    expect(second.records.size).toBe(0);
  });

  test('callbacks of an account that is gone are dropped', async () => {
    const first = setUp();
    first.send('CA1', 'ringing');
    first.callbacks.stop();
    const second = setUp(first.records, () => '');
    await second.callbacks.restore();
    expect([second.client.started, second.records.size]).toEqual([[], 0]);
  });

  test.each([
    [204, '', '', 0],
    [200, 'text/xml', '<Response/>', 0],
    [200, 'text/xml', '<?xml version="1.0"?>\n<Response></Response>', 0],
    [200, 'text/plain', '', 0],
    [200, 'text/xml', '<Response><Say>x</Say></Response>', 1],
    [200, 'text/plain', 'OK', 1],
  ])('answer %d %s %s gives %d warnings [twiml 8.1 expected-answer]', async (status, contentType, body, count) => {
    const { client, send, warnings } = setUp();
    send('CA1', 'completed');
    await client.answer(answered(status, contentType, body));
    expect(warnings).toHaveLength(count);
  });

  test('bounded per call', () => {
    const { send, callbacks, warnings } = setUp();
    for (let i = 0; i <= limits.statusCallbacksPerCall; i++) send('CA1', 'ringing');
    expect(callbacks.pending()).toBe(limits.statusCallbacksPerCall);
    expect(warnings).toEqual(['status callback dropped: queue full']);
  });

  test('drain resolves when all are sent, or at the signal', async () => {
    const { client, send, callbacks } = setUp();
    await callbacks.drain(new AbortController().signal);
    send('CA1', 'completed');
    let isDrained = false;
    const drained = callbacks.drain(new AbortController().signal).then(() => {
      isDrained = true;
    });
    await callbacks.drain(AbortSignal.abort());
    await settle();
    expect(isDrained).toBe(false);
    await client.answer();
    await drained;
    expect(isDrained).toBe(true);
  });
});

const standard = new Map([
  ['CallSid', 'CA1'],
  ['CallStatus', 'in-progress'],
]);
const WALL = Date.UTC(2010, 7, 20, 1, 13, 42);

// sip-interface.md 8.1, 8.2: status, seconds, SIP code → what is added.
const rows: [status: string, seconds: number, code: number | null, added: Record<string, string>][] = [
  ['initiated', 0, null, {}],
  ['ringing', 0, 180, {}],
  ['in-progress', 0, 200, {}],
  ['completed', 61, 200, { CallDuration: '61', Duration: '2', SipResponseCode: '200' }],
  ['completed', 60, 200, { CallDuration: '60', Duration: '1', SipResponseCode: '200' }],
  ['busy', 0, 486, { CallDuration: '0', SipResponseCode: '486' }],
  ['no-answer', 0, 487, { CallDuration: '0', SipResponseCode: '487' }],
  ['failed', 0, null, { CallDuration: '0' }],
  ['canceled', 0, 487, { CallDuration: '0', SipResponseCode: '487' }],
];

describe('twiml.md 8.1: parameters', () => {
  // holds: [sip 8.1 timestamp] [sip 8.1 callback-source] [sip 8.1 call-duration] [sip 8.1 duration]
  // holds: [sip 8.1 sip-response-code]
  // holds: [twiml 8.1 call-duration] [twiml 8.1 timestamp] [twiml 8.1 callback-source] [twiml 8.1 sip-response-code]
  test.each(rows)('%s after %d s', (callStatus, durationSeconds, sipResponseCode, added) => {
    const params = statusCallbackParams({
      standard,
      callStatus,
      sequenceNumber: 2,
      wallMs: WALL,
      durationSeconds,
      sipResponseCode,
    });
    expect(Object.fromEntries(params)).toEqual({
      CallSid: 'CA1',
      CallStatus: callStatus,
      Timestamp: 'Fri, 20 Aug 2010 01:13:42 +0000',
      CallbackSource: 'call-progress-events',
      SequenceNumber: '2',
      ...added,
    });
  });

  test('ErrorCode and ErrorMessage tell why a call failed, and stand on nothing else [sip 8.1 error-code] [twiml 8.1 error-code]', () => {
    const facts = { standard, sequenceNumber: 0, wallMs: WALL, durationSeconds: 0, sipResponseCode: 404 };
    const notice = { errorCode: 32009, message: 'bob is not registered' };
    const failed = statusCallbackParams({ ...facts, callStatus: 'failed', notice });
    expect([failed.get('ErrorCode'), failed.get('ErrorMessage')]).toEqual(['32009', 'bob is not registered']);
    for (const callStatus of ['ringing', 'completed', 'busy', 'canceled'])
      expect(statusCallbackParams({ ...facts, callStatus, notice }).has('ErrorCode')).toBe(false);
    expect(statusCallbackParams({ ...facts, callStatus: 'failed' }).has('ErrorCode')).toBe(false);
  });
});
