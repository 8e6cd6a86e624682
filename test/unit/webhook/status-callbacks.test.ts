import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { err, ok, type Result } from '../../../src/base/result.ts';
import { createStatusCallbacks, statusCallbackParams } from '../../../src/webhook/status-callbacks.ts';
import type { WebhookClient, WebhookFailure, WebhookRequest, WebhookResponse } from '../../../src/webhook/webhook.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

type Outcome = Result<WebhookResponse, WebhookFailure>;

/** A client whose requests end when the test says so. */
class HeldClient implements WebhookClient {
  readonly started: string[] = [];
  readonly #waiting: ((outcome: Outcome) => void)[] = [];

  request(request: WebhookRequest): Promise<Outcome> {
    this.started.push(`${request.callSid} ${request.params.get('CallStatus')} ${request.purpose}`);
    return new Promise((resolve) => this.#waiting.push(resolve));
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

function setUp() {
  const client = new HeldClient();
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields, message) => warnings.push(message) };
  const callbacks = createStatusCallbacks({ client, log, clock: new VirtualClock() });
  const send = (callSid: string, status: string) =>
    callbacks.send({
      url: 'https://h.test/s',
      method: 'POST',
      params: new Map([['CallStatus', status]]),
      authToken: 't',
      accountSid: 'AC1',
      callSid,
    });
  return { client, warnings, callbacks, send };
}

describe('twiml.md 8.1: sending', () => {
  test('in order per call; calls do not wait for one another', async () => {
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

  test('a failure is logged, there is no fallback, the next one is sent', async () => {
    const { client, send, warnings } = setUp();
    send('CA1', 'ringing');
    send('CA1', 'completed');
    await client.answer(err({ errorCode: 11202, detail: 'refused', url: 'https://h.test/s', status: undefined }));
    expect(warnings).toEqual(['status callback failed']);
    expect(client.started).toEqual(['CA1 ringing statusCallback', 'CA1 completed statusCallback']);
  });

  test.each([
    [204, '', '', 0],
    [200, 'text/xml', '<Response/>', 0],
    [200, 'text/xml', '<?xml version="1.0"?>\n<Response></Response>', 0],
    [200, 'text/plain', '', 0],
    [200, 'text/xml', '<Response><Say>x</Say></Response>', 1],
    [200, 'text/plain', 'OK', 1],
  ])('answer %d %s %s gives %d warnings', async (status, contentType, body, count) => {
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

  test('ErrorCode and ErrorMessage tell why a call failed, and stand on nothing else [sip 8.1 error-code]', () => {
    const facts = { standard, sequenceNumber: 0, wallMs: WALL, durationSeconds: 0, sipResponseCode: 404 };
    const notice = { errorCode: 32009, message: 'bob is not registered' };
    const failed = statusCallbackParams({ ...facts, callStatus: 'failed', notice });
    expect([failed.get('ErrorCode'), failed.get('ErrorMessage')]).toEqual(['32009', 'bob is not registered']);
    for (const callStatus of ['ringing', 'completed', 'busy', 'canceled'])
      expect(statusCallbackParams({ ...facts, callStatus, notice }).has('ErrorCode')).toBe(false);
    expect(statusCallbackParams({ ...facts, callStatus: 'failed' }).has('ErrorCode')).toBe(false);
  });
});
