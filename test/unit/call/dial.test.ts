// Dial on fake legs and a virtual clock: who rings when, who is cancelled, what is told (twiml.md 6.2).

import { describe, expect, test } from 'vitest';
import { err, ok } from '../../../src/base/result.ts';
import type { Bridge } from '../../../src/call/bridge.ts';
import type { Call } from '../../../src/call/call.ts';
import { type DialServices, dial, type Screening } from '../../../src/call/dial.ts';
import type { DialOptions, DialOutcome, DialTarget } from '../../../src/call/dial-options.ts';
import { race } from '../../../src/call/dial-race.ts';
import type { Router } from '../../../src/call/routing.ts';
import { CallBench, type FakeLeg } from '../../support/call-fakes.ts';
import { settle } from '../../support/virtual-clock.ts';

const target = (identity: string, changes: Partial<DialTarget> = {}): DialTarget =>
  ({
    kind: 'client',
    identity,
    parameters: [],
    url: undefined,
    method: 'POST',
    statusCallback: undefined,
    statusCallbackMethod: 'POST',
    statusCallbackEvents: [],
    ...changes,
  }) as DialTarget;

const options = (changes: Partial<DialOptions> = {}): DialOptions => ({
  targets: [target('bob')],
  sequential: false,
  timeoutSeconds: 30,
  timeLimitSeconds: 14_400,
  callerId: undefined,
  answerOnBridge: false,
  hangupOnStar: false,
  ringTone: undefined,
  documentUrl: '',
  ...changes,
});

class DialBench extends CallBench {
  /** By identity of the target. */
  readonly children = new Map<string, { call: Call; leg: FakeLeg }>();
  readonly unroutable = new Set<string>();
  readonly document = new AbortController();
  bridge: Bridge | undefined;
  screening: (child: Call) => Promise<Screening> = async () => 'accepted';

  readonly services: DialServices = {
    engine: this.engine,
    clock: this.clock,
    router: { child: async (caller: Call, one: DialTarget) => this.#child(caller, one) } as unknown as Router,
    screen: (child) => this.screening(child),
    onBridge: (bridge) => {
      this.bridge = bridge;
    },
  };

  #child(caller: Call, one: DialTarget) {
    const name = one.kind === 'client' ? one.identity : one.kind === 'number' ? one.number : one.uri;
    if (this.unroutable.has(name)) return err({ errorCode: 13227, detail: 'not allowed', sipStatus: 403 });
    const child = this.outbound({ parentCallSid: caller.sid });
    this.children.set(name, child);
    return ok(child.call);
  }

  legOf(name: string): FakeLeg {
    return this.children.get(name)!.leg;
  }

  /** A caller, answered unless told otherwise, and its running Dial. */
  async run(changes: Partial<DialOptions> = {}, answered = true) {
    const { call: caller, leg } = this.inbound();
    if (answered) await caller.answer();
    endDocumentWith(caller, this.document);
    let outcome: DialOutcome | undefined;
    const done = dial(caller, options(changes), this.services, this.document.signal).then((value) => {
      outcome = value;
    });
    await settle();
    return { caller, leg, done, outcome: () => outcome };
  }
}

/** A document ends with its call. */
const endDocumentWith = (caller: Call, document: AbortController) =>
  caller.signal.addEventListener('abort', () => document.abort(), { once: true });

const expectNothingLeft = (bench: DialBench, calls = 0): void => {
  expect(bench.engine.counts()).toMatchObject({ bridges: 0, plays: 0 });
  expect(bench.calls.size).toBe(calls);
  // The hard end of each living call.
  expect(bench.clock.pendingTimers).toBe(calls);
};

describe('Dial: ringing', () => {
  test('parallel: all start at once, the first answer is bridged, the others are cancelled [sip 2.1 never-queued] [twiml 3.4 queued] [twiml 6.2 parallel]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ targets: [target('bob'), target('carol')] });
    expect([bench.legOf('bob').done, bench.legOf('carol').done]).toEqual([['start'], ['start']]);
    bench.legOf('carol').answers();
    await settle();
    expect(bench.legOf('bob').done).toContain('hangUp');
    expect(bench.children.get('bob')!.call.status).toBe('canceled');
    expect(bench.engine.counts().bridges).toBe(1);
    bench.legOf('carol').hangsUp([['X-Bye', '1']]);
    await run.done;
    expect(run.outcome()).toMatchObject({
      status: 'completed',
      callSid: bench.children.get('carol')!.call.sid,
      bridged: true,
      durationSeconds: 0,
      sip: { callId: 'call-id@fake', responseCode: 200, headers: [['X-Bye', '1']] },
      callerHungUp: false,
    });
    expectNothingLeft(bench, 1);
  });

  test('sequential: the next target is tried when the one before failed [twiml 6.2 sequential] [twiml 6.2 preferred] [twiml 16 point-11]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ sequential: true, targets: [target('bob'), target('carol')] });
    expect(bench.children.has('carol')).toBe(false);
    bench.legOf('bob').fails(486);
    await settle();
    expect(bench.legOf('carol').done).toEqual(['start']);
    bench.legOf('carol').fails(404);
    await run.done;
    // twiml.md 6.2: busy before failed.
    expect(run.outcome()).toMatchObject({
      status: 'busy',
      callSid: bench.children.get('bob')!.call.sid,
      bridged: false,
      durationSeconds: 0,
      sip: { responseCode: 486 },
    });
    expectNothingLeft(bench, 1);
  });

  test('sequential: the time-out is per target (twiml.md 16, 12) [twiml 16 point-12]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ sequential: true, timeoutSeconds: 5, targets: [target('bob'), target('carol')] });
    await bench.clock.advanceAsync(9_999);
    expect(bench.children.has('carol')).toBe(false);
    await bench.clock.advanceAsync(1);
    expect(bench.children.get('bob')!.call.status).toBe('no-answer');
    await bench.clock.advanceAsync(10_000);
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'no-answer', sip: { responseCode: 487 } });
    expectNothingLeft(bench, 1);
  });

  test('trap 13: timeout has 5 s added; the outcome waits for the 487 [sip 2.1 timeout] [sip 10 trap-13] [twiml 6.1 timeout-extra] [twiml 16 point-13]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ timeoutSeconds: 20 });
    bench.legOf('bob').cancelsAtOnce = false;
    bench.legOf('bob').rings();
    await bench.clock.advanceAsync(24_999);
    expect(bench.legOf('bob').done).toEqual(['start']);
    await bench.clock.advanceAsync(1);
    expect(bench.legOf('bob').done).toEqual(['start', 'hangUp']);
    expect(run.outcome()).toBeUndefined();
    bench.legOf('bob').fails(487, 'canceled');
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'no-answer', sip: { responseCode: 487 } });
  });

  test('an unroutable target: failed, with the code that its INVITE would have got, and a warning [twiml 6.2 nobody]', async () => {
    const bench = new DialBench();
    bench.unroutable.add('bob');
    const run = await bench.run();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'failed', callSid: undefined, sip: { responseCode: 403 } });
    expect(bench.story(run.caller)).toContain('error 13227');
    expectNothingLeft(bench, 1);
  });

  test('one of two is unroutable: the other rings', async () => {
    const bench = new DialBench();
    bench.unroutable.add('bob');
    const run = await bench.run({ targets: [target('bob'), target('carol')] });
    bench.legOf('carol').answers();
    await settle();
    bench.legOf('carol').hangsUp();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: true });
  });

  test('the caller hangs up while it rings: the child is cancelled', async () => {
    const bench = new DialBench();
    const run = await bench.run({}, false);
    run.leg.cancels();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'canceled', callerHungUp: true, bridged: false });
    expect(bench.children.get('bob')!.call.status).toBe('canceled');
    expectNothingLeft(bench);
  });

  test('hangupOnStar before the answer: canceled, the caller stays; another digit does nothing [sip 8.3 star] [twiml 6.2 star]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ hangupOnStar: true });
    run.leg.presses('1');
    await settle();
    expect(run.outcome()).toBeUndefined();
    run.leg.presses('*');
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'canceled', callerHungUp: false });
    expect(run.caller.isAnswered).toBe(true);
    expectNothingLeft(bench, 1);
  });

  test('without hangupOnStar a star is just a digit [twiml 6.2 star]', async () => {
    const bench = new DialBench();
    const run = await bench.run();
    run.leg.presses('*');
    await settle();
    expect(run.outcome()).toBeUndefined();
    expect(bench.legOf('bob').done).toEqual(['start']);
  });

  test('a document that was replaced while children are made: they end, nothing rings', async () => {
    const bench = new CallBench();
    const { call, leg } = bench.outbound();
    const aborted = AbortSignal.abort();
    expect(await race([call], 1_000, bench.clock, aborted, () => {})).toEqual({ kind: 'aborted' });
    expect(leg.done).toEqual(['hangUp']);
    expect(bench.calls.size).toBe(0);
  });

  test('no more than the allowed number of targets is dialled [sip 2.1 parallel] [twiml 6.2 parallel]', async () => {
    const bench = new DialBench();
    await bench.run({ targets: Array.from({ length: 15 }, (_, index) => target(`user${index}`)) });
    expect(bench.children.size).toBe(10);
  });
});

describe('Dial: answerOnBridge', () => {
  test('the caller is answered when the callee answers, then bridged [twiml 4.3 answer-on-bridge]', async () => {
    const bench = new DialBench();
    const run = await bench.run({ answerOnBridge: true }, false);
    bench.legOf('bob').rings();
    expect(run.leg.done).toEqual([]);
    bench.legOf('bob').answers();
    await settle();
    expect(run.leg.done[0]).toBe('answer');
    expect(bench.engine.counts().bridges).toBe(1);
  });

  test('a caller that cannot be answered ends the callee', async () => {
    const bench = new DialBench();
    const run = await bench.run({ answerOnBridge: true }, false);
    run.leg.answerOutcome = { ok: false, detail: 'gone' };
    bench.legOf('bob').answers();
    await run.done;
    expect(run.outcome()).toMatchObject({ bridged: false, callerHungUp: true });
    expectNothingLeft(bench);
  });
});

describe('Dial: screening', () => {
  const screened = { targets: [target('bob', { url: 'http://app/screen' })] };

  test('accepted: bridged after the document, the caller hears ringing until then [twiml 6.3 screening-ringback]', async () => {
    const bench = new DialBench();
    let accept: (result: Screening) => void = () => {};
    bench.screening = () => new Promise((resolve) => (accept = resolve));
    await bench.run(screened);
    bench.legOf('bob').answers();
    await settle();
    expect(bench.engine.counts()).toMatchObject({ bridges: 0, plays: 1 });
    accept('accepted');
    await settle();
    expect(bench.engine.counts()).toMatchObject({ bridges: 1, plays: 0 });
  });

  test('declined: the callee is hung up, completed and not bridged (twiml.md 16, 14) [twiml 6.3 screening-hangup] [twiml 16 point-14]', async () => {
    const bench = new DialBench();
    bench.screening = async () => 'declined';
    const run = await bench.run(screened);
    bench.legOf('bob').answers();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: false });
    expect(bench.children.get('bob')!.call.isOver).toBe(true);
    expectNothingLeft(bench, 1);
  });

  test('beside others: they are cancelled when one answers, before its document is over [twiml 6.3 screening-parallel]', async () => {
    const bench = new DialBench();
    let decline: (result: Screening) => void = () => {};
    bench.screening = () => new Promise((resolve) => (decline = resolve));
    const run = await bench.run({ targets: [target('bob', { url: 'http://app/screen' }), target('carol')] });
    bench.legOf('bob').answers();
    await settle();
    expect(bench.children.get('carol')!.call.status).toBe('canceled');
    expect(run.outcome()).toBeUndefined();
    decline('declined');
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: false });
    expectNothingLeft(bench, 1);
  });

  test('taken away by REST: the child lives on, the duration is not told', async () => {
    const bench = new DialBench();
    bench.screening = async () => 'taken';
    const run = await bench.run(screened);
    bench.legOf('bob').answers();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: false, durationSeconds: undefined });
    expect(bench.children.get('bob')!.call.isAnswered).toBe(true);
  });

  test('sendDigits of a Number are played to the callee before the bridge [twiml 6.5 send-digits]', async () => {
    const bench = new DialBench();
    const number = { ...target('x'), kind: 'number', number: '+4930', sendDigits: '1w2' } as DialTarget;
    await bench.run({ targets: [number] });
    bench.legOf('+4930').answers();
    await settle();
    expect([...bench.engine.playsNow.values()]).toMatchObject([
      { endpoint: bench.legOf('+4930').endpoint, options: { sources: [{ kind: 'digits', digits: '1w2' }] } },
    ]);
    expect(bench.engine.counts().bridges).toBe(0);
    bench.engine.finishPlay();
    await settle();
    expect(bench.engine.counts().bridges).toBe(1);
  });
});

describe('Dial: bridged', () => {
  async function bridged(changes: Partial<DialOptions> = {}) {
    const bench = new DialBench();
    const run = await bench.run(changes);
    bench.legOf('bob').rings();
    bench.legOf('bob').answers();
    await settle();
    return { bench, run, child: bench.children.get('bob')! };
  }

  test('the caller hangs up: the callee too [twiml 6.2 caller-leaves]', async () => {
    const { bench, run, child } = await bridged();
    await bench.clock.advanceAsync(7_000);
    run.leg.hangsUp();
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: true, durationSeconds: 7, callerHungUp: true });
    expect(child.call.isOver).toBe(true);
    expectNothingLeft(bench);
  });

  test('hangupOnStar: completed, the caller stays [twiml 6.2 star]', async () => {
    const { bench, run, child } = await bridged({ hangupOnStar: true });
    child.leg.presses('*');
    await settle();
    expect(run.outcome()).toBeUndefined();
    run.leg.presses('*');
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: true, callerHungUp: false });
    expect([run.caller.isAnswered, child.call.isOver]).toEqual([true, true]);
    expectNothingLeft(bench, 1);
  });

  test('timeLimit: the callee is hung up [twiml 6.2 time-limit]', async () => {
    const { bench, run, child } = await bridged({ timeLimitSeconds: 60 });
    await bench.clock.advanceAsync(59_999);
    expect(child.call.isOver).toBe(false);
    await bench.clock.advanceAsync(1);
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', durationSeconds: 60, callerHungUp: false });
    expectNothingLeft(bench, 1);
  });

  test('twiml.md 4.2 point 6: the parent is redirected: the child ends [twiml 4.2 rest-parent]', async () => {
    const { bench, run, child } = await bridged();
    bench.document.abort('replaced');
    await run.done;
    expect(child.call.isOver).toBe(true);
    expect(run.caller.isAnswered).toBe(true);
    expectNothingLeft(bench, 1);
  });

  test('twiml.md 4.2 point 6: the child is redirected: it lives on, the duration is not told [twiml 4.2 rest-child]', async () => {
    const { bench, run, child } = await bridged();
    bench.bridge!.release(child.call);
    await run.done;
    expect(run.outcome()).toMatchObject({ status: 'completed', bridged: true, durationSeconds: undefined });
    expect([run.caller.isAnswered, child.call.isAnswered]).toEqual([true, true]);
    expect(bench.engine.counts().bridges).toBe(0);
  });
});
