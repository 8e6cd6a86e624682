// Who is called back about a call, and about what (twiml.md 3.4, 8.2).

import { describe, expect, test } from 'vitest';
import { silentLog } from '../../src/base/log.ts';
import type { Call } from '../../src/call/call.ts';
import { listenToCalls } from '../../src/call-listeners.ts';
import type { StatusCallbackRequest } from '../../src/webhook/status-callbacks.ts';
import { CallBench } from '../support/call-fakes.ts';
import { settle } from '../support/virtual-clock.ts';

const ALL = ['initiated', 'ringing', 'answered', 'completed'] as const;

class ListenerBench extends CallBench {
  readonly sent: StatusCallbackRequest[] = [];
  readonly forgotten: string[] = [];

  constructor() {
    super();
    listenToCalls({
      calls: this.calls,
      store: { calls: { put: () => {} }, notifications: { put: () => {} } } as never,
      statusCallbacks: {
        send: (request: StatusCallbackRequest) => {
          this.sent.push(request);
          request.onDone?.();
        },
      } as never,
      recordings: { ofCallback: async () => undefined },
      authTokenOf: () => 'token',
      forgetCookies: (callSid) => this.forgotten.push(callSid),
      clock: this.clock,
      log: silentLog,
    });
  }

  call(events: readonly (typeof ALL)[number][] = ALL) {
    const statusCallback = { url: 'http://app/status', method: 'POST', events } as const;
    return this.outbound({ direction: 'outbound-api', parentCallSid: null, statusCallback });
  }

  told(call: Call): (string | undefined)[] {
    return this.sent.filter(({ callSid }) => callSid === call.sid).map(({ params }) => params.get('CallStatus'));
  }
}

describe('callbacks of a call', () => {
  // holds: [twiml 8.1 events] [twiml 8.1 sequence-number] [twiml 16 point-27]
  test('initiated, ringing, answered, completed, each once', async () => {
    const bench = new ListenerBench();
    const { call, leg } = bench.call();
    call.start();
    leg.rings();
    leg.answers();
    leg.hangsUp();
    await settle();
    expect(bench.told(call)).toEqual(['initiated', 'ringing', 'in-progress', 'completed']);
    expect(bench.sent.map(({ params }) => params.get('SequenceNumber'))).toEqual(['0', '1', '2', '3']);
    expect(bench.forgotten).toEqual([call.sid]);
  });

  test('those that were asked for alone [twiml 8.1 subscribed]', async () => {
    const bench = new ListenerBench();
    const { call, leg } = bench.call(['answered']);
    call.start();
    leg.rings();
    leg.answers();
    leg.hangsUp();
    await settle();
    expect(bench.told(call)).toEqual(['in-progress']);
  });

  test('given up while it rings: canceled is told [twiml 3.4 canceled]', async () => {
    const bench = new ListenerBench();
    const { call, leg } = bench.call();
    call.start();
    leg.rings();
    call.hangUp('canceled over REST');
    await settle();
    expect(bench.told(call)).toEqual(['initiated', 'ringing', 'canceled']);
  });

  test('given up while it was queued: nobody hears of it [twiml 3.4 canceled-queued]', async () => {
    const bench = new ListenerBench();
    const { call } = bench.call();
    call.hangUp('canceled over REST');
    await settle();
    expect([call.isOver, bench.told(call)]).toEqual([true, []]);
  });
});
