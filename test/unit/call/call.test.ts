import { describe, expect, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { CallBench } from '../../support/call-fakes.ts';

describe('an inbound call (sip-interface.md 1.4)', () => {
  test('answered, then the peer hangs up: completed, whole seconds from the answer [twiml 3.4 completed] [rest 9.2 inbound] [rest 9.2 duration]', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    expect(call.status).toBe('ringing');
    bench.clock.advance(3_000);
    expect(await call.answer()).toBe(true);
    bench.clock.advance(61_600);
    leg.hangsUp([['X-Bye', 'yes']]);
    expect(bench.story(call)).toEqual(['created', 'status in-progress', 'ended completed 200']);
    expect(call.durationSeconds).toBe(62);
    expect(call.lastHeaders).toEqual([['X-Bye', 'yes']]);
    const record = call.record();
    expect(record).toMatchObject({ status: 'completed', durationSeconds: 62, sipResponseCode: 200 });
    expect(record.endTime! - record.answerTime!).toBe(61_600);
    expect(record.answerTime! - record.startTime!).toBe(3_000);
  });

  test('refused: the status of the code, no second end', () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    call.refuse(486, 'busy');
    call.refuse(404, 'again');
    call.hangUp('again');
    leg.cancels();
    expect(leg.done).toEqual(['refuse 486']);
    expect(bench.story(call)).toEqual(['created', 'ended busy 486']);
    expect(call.durationSeconds).toBe(0);
  });

  test('cancelled by the caller: canceled with 487', () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    leg.cancels();
    expect(bench.story(call)).toEqual(['created', 'ended canceled 487']);
  });

  test('a leg that cannot be answered ends the call', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    leg.answerOutcome = { ok: false, detail: 'ACK without an answer' };
    expect(await call.answer()).toBe(false);
    expect(call.isOver).toBe(true);
    expect(call.endReason).toBe('not answered: ACK without an answer');
  });

  test('answering twice answers once', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    await call.answer();
    expect(await call.answer()).toBe(true);
    expect(leg.done).toEqual(['answer']);
  });

  test('refusing an answered call does nothing', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    await call.answer();
    call.refuse(486, 'too late');
    expect(call.status).toBe('in-progress');
    expect(leg.done).toEqual(['answer']);
  });
});

describe('an outgoing call (rest-api.md 9.2)', () => {
  test('queued, initiated, ringing once, answered, ended by us [rest 9.2 initiated]', () => {
    const bench = new CallBench();
    const { call, leg } = bench.outbound();
    expect([call.status, call.record().status]).toEqual(['queued', 'queued']);
    call.start();
    call.start();
    expect([call.status, call.record().status]).toEqual(['initiated', 'queued']);
    leg.rings();
    leg.rings(true);
    leg.answers([['X-Answer', '1']]);
    expect(call.lastHeaders).toEqual([['X-Answer', '1']]);
    bench.clock.advance(1_400);
    call.hangUp('done');
    expect(leg.done).toEqual(['start', 'hangUp']);
    expect(bench.story(call)).toEqual([
      'created',
      'status initiated',
      'status ringing',
      'status in-progress',
      'ended completed 200',
    ]);
    expect(call.durationSeconds).toBe(1);
  });

  for (const [what, act, story] of [
    ['busy', (leg: ReturnType<CallBench['leg']>) => leg.fails(486), 'ended busy 486'],
    ['not found', (leg: ReturnType<CallBench['leg']>) => leg.fails(404), 'ended failed 404'],
    ['no answer at all', (leg: ReturnType<CallBench['leg']>) => leg.fails(408, 'timeout'), 'ended failed 408'],
    ['no such name', (leg: ReturnType<CallBench['leg']>) => leg.fails(503, 'dns'), 'ended failed 503'],
  ] as const) {
    test(`${what}: ${story}, exactly once`, () => {
      const bench = new CallBench();
      const { call, leg } = bench.outbound();
      call.start();
      act(leg);
      leg.fails(500);
      leg.hangsUp();
      call.hangUp('late');
      expect(bench.story(call)).toEqual(['created', 'status initiated', story]);
    });
  }

  test('408 after ringing is no-answer [rest 9.2 sip-mapping]', () => {
    const bench = new CallBench();
    const { call, leg } = bench.outbound();
    call.start();
    leg.rings();
    leg.fails(408, 'timeout');
    expect(bench.story(call).at(-1)).toBe('ended no-answer 408');
  });

  for (const [cause, status] of [
    ['timeout', 'no-answer'],
    ['request', 'canceled'],
  ] as const) {
    test(`given up for ${cause} while ringing: ${status} with 487 when the peer has answered the CANCEL`, () => {
      const bench = new CallBench();
      const { call, leg } = bench.outbound();
      leg.cancelsAtOnce = false;
      call.start();
      leg.rings();
      call.hangUp('enough', cause);
      expect(call.isOver).toBe(false);
      leg.fails(487, 'canceled');
      expect(bench.story(call).at(-1)).toBe(`ended ${status} 487`);
      expect(call.endReason).toBe('enough');
    });
  }

  test('given up before it was started', () => {
    const bench = new CallBench();
    const { call, leg } = bench.outbound();
    call.hangUp('changed our mind');
    call.start();
    expect(leg.done).toEqual(['hangUp']);
    expect(bench.story(call)).toEqual(['created', 'ended canceled 487']);
  });
});

describe('the end of a call', () => {
  test('order: status moved, signal aborted, `ended` emitted, forgotten', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    await call.answer();
    const order: string[] = [];
    call.signal.addEventListener('abort', () =>
      order.push(`aborted, ${call.status}, known ${bench.calls.get(call.sid) === call}`),
    );
    bench.calls.onEvent((event) => {
      if (event.type === 'ended')
        order.push(`ended, aborted ${call.signal.aborted}, known ${bench.calls.get(call.sid) === call}`);
    });
    leg.hangsUp();
    expect(order).toEqual(['aborted, completed, known true', 'ended, aborted true, known true']);
    expect(bench.calls.get(call.sid)).toBeUndefined();
    expect(bench.calls.size).toBe(0);
  });

  test('design.md 5.4: 60 s without RTP ends the call with warning 32014 [sip 1.4 no-media]', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    await call.answer();
    leg.emit({ type: 'mediaTimeout' });
    expect(bench.story(call).slice(-2)).toEqual(['warning 32014', 'ended completed 200']);
    expect(leg.done).toContain('hangUp');
  });

  test('RFC 3261 13.3.1.4: a 200 without ACK is an error of the call, which then ends [sip 1.4 no-ack-alert]', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.inbound();
    await call.answer();
    leg.emit({ type: 'notAcknowledged' });
    leg.emit({ type: 'ended', by: 'timeout', headers: [] });
    expect(bench.story(call)).toContain('error 32022');
    expect(call.record()).toMatchObject({ status: 'completed', errorCode: 32022 });
  });

  test('each call ends after its own time, with one timer for all', async () => {
    const bench = new CallBench();
    const first = bench.inbound();
    await first.call.answer();
    bench.clock.advance(60_000);
    const second = bench.inbound();
    await second.call.answer();
    expect(bench.clock.pendingTimers).toBe(1);
    bench.clock.advance(limits.callTimeLimitMs - 60_000);
    expect([first.call.isOver, second.call.isOver]).toEqual([true, false]);
    bench.clock.advance(59_999);
    expect(second.call.isOver).toBe(false);
    bench.clock.advance(1);
    expect(second.call.isOver).toBe(true);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('design.md 5.4: every call has a hard end, warning 32015 [sip 1.7 call-length]', async () => {
    const bench = new CallBench();
    const { call } = bench.inbound();
    await call.answer();
    bench.clock.advance(limits.callTimeLimitMs);
    expect(bench.story(call).slice(-2)).toEqual(['warning 32015', 'ended completed 200']);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('TimeLimit of REST may be longer, up to 24 h [sip 1.7 call-length-24h]', async () => {
    const bench = new CallBench();
    const { call } = bench.inbound();
    await call.answer();
    call.limitTime(24 * 3_600);
    bench.clock.advance(limits.callTimeLimitMs + 1_000);
    expect(call.isOver).toBe(false);
    bench.clock.advance(20 * 3_600_000);
    expect(call.record()).toMatchObject({ status: 'completed', durationSeconds: 24 * 3_600 });
    expect(bench.story(call)).toContain('warning 32015');
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a time limit counts from the answer and may be replaced (rest-api.md 9.3)', async () => {
    const bench = new CallBench();
    const { call } = bench.inbound();
    await call.answer();
    bench.clock.advance(20_000);
    call.amend({ timeLimitSeconds: 60 });
    call.amend({ timeLimitSeconds: 30 });
    bench.clock.advance(9_999);
    expect(call.isOver).toBe(false);
    bench.clock.advance(1);
    expect([call.isOver, call.durationSeconds]).toEqual([true, 30]);
    expect(bench.clock.pendingTimers).toBe(0);
  });

  test('a time limit that is over already ends the call', async () => {
    const bench = new CallBench();
    const { call } = bench.inbound();
    await call.answer();
    bench.clock.advance(20_000);
    call.amend({ timeLimitSeconds: 5 });
    bench.clock.advance(0);
    expect(call.isOver).toBe(true);
  });

  test('one listener that throws harms no other', async () => {
    const bench = new CallBench();
    bench.calls.onEvent(() => {
      throw new Error('a broken listener');
    });
    let heard = 0;
    bench.calls.onEvent(() => heard++);
    const { call, leg } = bench.inbound();
    await call.answer();
    leg.hangsUp();
    expect(heard).toBe(3);
    expect(call.isOver).toBe(true);
  });

  test('a status callback is replaced in parts, or cleared', () => {
    const { call } = new CallBench().inbound();
    call.amend({ statusCallback: 'http://a/' });
    expect(call.statusCallback).toEqual({ url: 'http://a/', method: 'POST', events: ['completed'] });
    call.amend({ statusCallbackMethod: 'GET' });
    expect(call.statusCallback).toMatchObject({ url: 'http://a/', method: 'GET' });
    call.amend({ statusCallback: null });
    expect(call.statusCallback).toBeUndefined();
  });
});

describe('all calls', () => {
  test('full at the configured number, empty when the last has ended', async () => {
    const bench = new CallBench(2);
    const first = bench.inbound();
    expect(bench.calls.isFull).toBe(false);
    const second = bench.inbound();
    expect(bench.calls.isFull).toBe(true);
    let isEmpty = false;
    const empty = bench.calls.empty().then(() => {
      isEmpty = true;
    });
    first.leg.cancels();
    await Promise.resolve();
    expect([isEmpty, bench.calls.isFull]).toEqual([false, false]);
    second.leg.cancels();
    await empty;
    expect(isEmpty).toBe(true);
    await bench.calls.empty();
  });
});
