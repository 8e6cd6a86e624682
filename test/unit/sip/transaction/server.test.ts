// Server transactions through the layer: retransmissions absorbed or answered, ACK, CANCEL, RFC 2543 peers, the limit.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { createResponse } from '../../../../src/sip/grammar/build.ts';
import type { Request, Response } from '../../../../src/sip/grammar/message.ts';
import type { ServerTransaction, TransactionFlow } from '../../../../src/sip/transaction/transaction.ts';
import { testRequest, viaOf } from '../../../support/requests.ts';
import { settle } from '../../../support/virtual-clock.ts';
import { bench, strictLog, tcp, udp, zeroCounts } from './bench.ts';

const PEER = '192.0.2.2';
const US = '192.0.2.1';

function arrive(method: string, flow: TransactionFlow = udp, options: { branch?: string; toTag?: string } = {}) {
  const on = bench();
  const request = testRequest(method, { random: on.random, from: PEER, to: US, ...options });
  on.layer.receive(request, flow);
  const transaction = on.incoming[0] as ServerTransaction<TransactionFlow>;
  const respond = (status: number) => transaction.respond(createResponse(request, status, { toTag: 'ours' }));
  return { ...on, request, transaction, respond, again: () => on.layer.receive(request, flow) };
}

function bench6() {
  const on = bench();
  const request = {
    ...testRequest('INVITE', { random: on.random, from: PEER, to: US }),
    via: viaOf('2001:db8::1', 'z9hG4bK6'),
  };
  on.layer.receive(request, udp);
  return { ...on, request };
}

/** The ACK or CANCEL of an INVITE as its sender makes it: same branch, for ACK with the To tag of the response. */
function hop(invite: Request, method: 'ACK' | 'CANCEL', toTag?: string): Request {
  const { random } = bench();
  const fromTag = invite.from.params.get('tag') ?? '';
  const branch = invite.via.branch;
  const request = testRequest(method, {
    random,
    from: PEER,
    to: US,
    callId: invite.callId,
    fromTag,
    ...(toTag ? { toTag } : {}),
  });
  return { ...request, via: viaOf(PEER, branch), cseq: { sequence: invite.cseq.sequence, method } };
}

describe('INVITE server transaction', () => {
  test('8.2.7, 26.3.2.4: a stranger over UDP is answered once: no repetition without an ACK, nothing kept, a repeated INVITE is new', () => {
    const { again, incoming, layer, log, request, transaction, clock } = arrive('INVITE');
    transaction.respondOnce(createResponse(request, 403, { toTag: 'ours' }));
    assert.deepEqual(layer.counts(), zeroCounts);
    clock.advance(40_000);
    assert.deepEqual(log(), ['0 403 (INVITE)']);
    transaction.respondOnce(createResponse(request, 403, { toTag: 'ours' }));
    assert.deepEqual(log(), ['0 403 (INVITE)']);
    again();
    assert.equal(incoming.length, 2);
  });

  test('17.2.1: a retransmitted INVITE is absorbed, then answered by the last provisional: the same bytes', () => {
    const { again, incoming, respond, sent, log } = arrive('INVITE');
    again();
    assert.deepEqual(log(), []);
    respond(100);
    respond(180);
    again();
    again();
    assert.equal(incoming.length, 1);
    assert.deepEqual(log(), ['0 100 (INVITE)', '0 180 (INVITE)', '0 180 (INVITE)', '0 180 (INVITE)']);
    assert.ok(sent[2]!.bytes && sent[2]!.bytes === sent[3]!.bytes);
  });

  test('17.2.1: a non-2xx is repeated by timer G, doubling up to T2, until timer H says that no ACK came', () => {
    const { clock, respond, transaction, log, layer } = arrive('INVITE');
    const failures: string[] = [];
    transaction.onTransportError((failure) => failures.push(failure.code));
    respond(486);
    clock.advance(40_000);
    const times = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert.deepEqual(
      log(),
      times.map((atMs) => `${atMs} 486 (INVITE)`),
    );
    assert.deepEqual(failures, ['noAck']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.2.1: on a reliable flow timer G does not run, H does', () => {
    const { clock, respond, log, layer } = arrive('INVITE', tcp);
    respond(486);
    clock.advance(31_000);
    assert.deepEqual(log(), ['0 486 (INVITE)']);
    assert.equal(layer.counts().inviteServer, 1);
    clock.advance(1_100);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.2.1: the ACK of a non-2xx is absorbed, further ones too, until timer I', () => {
    const { clock, respond, request, layer, acks, log } = arrive('INVITE');
    respond(486);
    layer.receive(hop(request, 'ACK', 'ours'), udp);
    assert.equal(layer.counts().timers, 1);
    layer.receive(hop(request, 'ACK', 'ours'), udp);
    layer.receive(request, udp);
    assert.deepEqual(log(), ['0 486 (INVITE)']);
    assert.deepEqual(acks, []);
    clock.advance(5_010);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.2.1: timer I is 0 on a reliable flow', () => {
    const { respond, request, layer } = arrive('INVITE', tcp);
    respond(486);
    layer.receive(hop(request, 'ACK', 'ours'), tcp);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('RFC 6026 7.1: accepted absorbs INVITEs, sends further 2xx of the user, passes ACKs, ends with timer L', () => {
    for (const flow of [udp, tcp]) {
      const { clock, again, respond, request, layer, acks, incoming, log, transaction } = arrive('INVITE', flow);
      assert.ok(respond(200));
      again();
      assert.ok(respond(200));
      assert.ok(!respond(180));
      assert.ok(!respond(486));
      assert.equal(transaction.state, 'accepted');
      layer.receive(hop(request, 'ACK', 'ours'), flow);
      assert.equal(acks.length, 1);
      clock.advance(31_900);
      again();
      assert.equal(incoming.length, 1);
      assert.deepEqual(log(), ['0 200 (INVITE)', '0 200 (INVITE)']);
      clock.advance(200);
      assert.deepEqual(layer.counts(), zeroCounts);
    }
  });

  test('the same 2xx again is the same bytes', () => {
    const { transaction, request, sent } = arrive('INVITE');
    const response = createResponse(request, 200, { toTag: 'ours' });
    for (let times = 0; times < 3; times++) transaction.respond(response);
    assert.ok(sent[1]!.bytes && sent[1]!.bytes === sent[2]!.bytes);
  });

  test('13.2.2.4: the ACK of a 2xx has a branch of its own and goes up', () => {
    const { respond, random, layer, acks } = arrive('INVITE');
    respond(200);
    layer.receive(testRequest('ACK', { random, from: PEER, to: US }), udp);
    assert.equal(acks.length, 1);
  });

  test('RFC 6026 8.8: a failed send is reported and the machine stays; the next retransmission may get through', async () => {
    const { again, respond, transaction, failSends, log } = arrive('INVITE');
    const failures: string[] = [];
    transaction.onTransportError((failure) => failures.push(failure.code));
    failSends({ code: 'unreachable', detail: 'no route' });
    respond(180);
    await settle();
    assert.deepEqual(failures, ['unreachable']);
    assert.equal(transaction.state, 'proceeding');
    failSends(undefined);
    again();
    assert.deepEqual(log(), ['0 180 (INVITE)']);
  });
});

describe('CANCEL of an INVITE server transaction', () => {
  const cancelled = (transaction: ServerTransaction<TransactionFlow>) => {
    const cancels: Request[] = [];
    transaction.onCancel((cancel) => cancels.push(cancel));
    return cancels;
  };

  test("9.2: answered 200 with the tag of the INVITE's responses, told once; a retransmitted CANCEL is answered again", () => {
    const { request, transaction, respond, layer, log, sent, clock } = arrive('INVITE');
    const cancels = cancelled(transaction);
    respond(180);
    const cancel = hop(request, 'CANCEL');
    layer.receive(cancel, udp);
    layer.receive(cancel, udp);
    assert.equal(cancels.length, 1);
    assert.deepEqual(log(), ['0 180 (INVITE)', '0 200 (CANCEL)', '0 200 (CANCEL)']);
    assert.equal(sent[1]!.message.to.params.get('tag'), 'ours');
    assert.ok(respond(487));
    layer.receive(hop(request, 'ACK', 'ours'), udp);
    clock.advance(40_000);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('a listener that is set after the CANCEL is told at once', () => {
    const { request, transaction, layer } = arrive('INVITE');
    layer.receive(hop(request, 'CANCEL'), udp);
    assert.equal(cancelled(transaction).length, 1);
  });

  test('9.2: after a final response it is answered 200 and has no effect', () => {
    for (const status of [200, 486]) {
      const { request, transaction, respond, layer, log } = arrive('INVITE');
      const cancels = cancelled(transaction);
      respond(status);
      layer.receive(hop(request, 'CANCEL'), udp);
      assert.deepEqual(log(), [`0 ${status} (INVITE)`, '0 200 (CANCEL)']);
      assert.deepEqual(cancels, []);
    }
  });

  test('9.2: 481 when nothing matches, and never to the user', () => {
    const { random, layer, log, incoming, clock } = bench();
    layer.receive(testRequest('CANCEL', { random, from: PEER, to: US }), udp);
    assert.deepEqual(log(), ['0 481 (CANCEL)']);
    assert.deepEqual(incoming, []);
    clock.advance(40_000);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('9.2: a CANCEL with the branch of a non-INVITE transaction matches nothing', () => {
    const { request, layer, log } = arrive('OPTIONS');
    layer.receive(hop(request, 'CANCEL'), udp);
    assert.deepEqual(log(), ['0 481 (CANCEL)']);
  });
});

describe('non-INVITE server transaction', () => {
  test('17.2.2: retransmissions are absorbed in trying, then answered by the last response until timer J', () => {
    const { clock, again, respond, incoming, log, layer } = arrive('OPTIONS');
    again();
    assert.deepEqual(log(), []);
    assert.ok(respond(200));
    assert.ok(!respond(500));
    again();
    clock.advance(31_900);
    again();
    assert.equal(incoming.length, 1);
    assert.deepEqual(log(), ['0 200 (OPTIONS)', '0 200 (OPTIONS)', '31900 200 (OPTIONS)']);
    clock.advance(200);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.2.2: timer J is 0 on a reliable flow', () => {
    const { respond, layer } = arrive('OPTIONS', tcp);
    respond(200);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('RFC 4320 4.2: 408 is never sent; the transaction ends in silence', () => {
    const { respond, layer, log } = arrive('OPTIONS');
    assert.ok(!respond(408));
    assert.deepEqual(log(), []);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('RFC 4320 4.1: no provisional response but 100', () => {
    const { respond, log } = arrive('OPTIONS');
    assert.ok(!respond(183));
    assert.ok(respond(100));
    assert.deepEqual(log(), ['0 100 (OPTIONS)']);
  });

  test('a request that its user never answers is let go', () => {
    for (const flow of [udp, tcp]) {
      const { clock, layer, log } = arrive('OPTIONS', flow);
      clock.advance(65_000);
      assert.deepEqual(log(), []);
      assert.deepEqual(layer.counts(), zeroCounts);
    }
  });
});

describe('matching', () => {
  test('17.2.3: another branch, sent-by or method is another transaction', () => {
    const { request, layer, incoming } = arrive('INVITE');
    layer.receive({ ...request, via: viaOf(PEER, 'z9hG4bKother') }, udp);
    layer.receive({ ...request, via: viaOf('192.0.2.66', request.via.branch) }, udp);
    layer.receive({ ...request, method: 'OPTIONS', cseq: { sequence: 1, method: 'OPTIONS' } }, udp);
    assert.equal(incoming.length, 4);
  });

  test('17.2.3: a retransmission may come by another flow and with the default port written out', () => {
    const { request, layer, incoming } = arrive('INVITE');
    layer.receive({ ...request, via: { ...request.via, port: undefined } }, tcp);
    assert.equal(incoming.length, 1);
  });

  for (const branch of ['old-branch', 'z9hG4bK'])
    test(`17.2.3, RFC 2543 peer with branch ${branch}: retransmission, CANCEL and ACK find their INVITE`, () => {
      const { request, again, respond, layer, incoming, log, acks, transaction, clock } = arrive('INVITE', udp, {
        branch,
      });
      const cancels: Request[] = [];
      transaction.onCancel((cancel) => cancels.push(cancel));
      again();
      layer.receive(hop(request, 'CANCEL'), udp);
      respond(487);
      layer.receive(hop(request, 'ACK', 'ours'), udp);
      assert.equal(incoming.length, 1);
      assert.equal(cancels.length, 1);
      assert.deepEqual(acks, []);
      assert.equal(transaction.state, 'confirmed');
      assert.deepEqual(log(), ['0 200 (CANCEL)', '0 487 (INVITE)']);
      clock.advance(40_000);
      assert.deepEqual(layer.counts(), zeroCounts);
    });

  test('17.2.3, RFC 2543 peer: another Call-ID, From tag, CSeq, Request-URI or Via is another transaction', () => {
    const { request, layer, incoming } = arrive('INVITE', udp, { branch: 'old' });
    layer.receive({ ...request, callId: 'other@192.0.2.2' }, udp);
    layer.receive({ ...request, from: { ...request.from, params: new Map([['tag', 'other']]) } }, udp);
    layer.receive({ ...request, cseq: { sequence: 2, method: 'INVITE' } }, udp);
    layer.receive({ ...request, uri: { scheme: 'tel', text: 'tel:+15550100' } }, udp);
    layer.receive({ ...request, via: viaOf(PEER, 'older') }, udp);
    assert.equal(incoming.length, 6);
  });

  test('RFC 4475 3.2.1: the bare cookie tells nothing, two requests with it are told apart as RFC 2543 has it', () => {
    const { request, layer, incoming } = arrive('INVITE', udp, { branch: 'z9hG4bK' });
    layer.receive({ ...request, callId: 'other@192.0.2.2' }, udp);
    assert.equal(incoming.length, 2);
  });

  test('RFC 5954 4.2: an IPv6 sent-by is compared by its bits', () => {
    const { request, layer, incoming } = bench6();
    layer.receive({ ...request, via: viaOf('2001:db8:0:0:0:0:0:1', request.via.branch) }, udp);
    assert.equal(incoming.length, 1);
  });

  test('17.2.3, RFC 2543 peer: an ACK with another To tag is not for this INVITE', () => {
    const { request, respond, layer, acks, transaction } = arrive('INVITE', udp, { branch: 'old' });
    respond(486);
    layer.receive(hop(request, 'ACK', 'other'), udp);
    assert.equal(transaction.state, 'completed');
    assert.equal(acks.length, 1);
  });
});

describe('limits and faults', () => {
  test('beyond limits.serverTransactions: 503 with Retry-After, nothing kept; CANCEL of a known INVITE still works', () => {
    const on = bench({ serverTransactions: 2 });
    const request = (method: string) => testRequest(method, { random: on.random, from: PEER, to: US });
    const invite = request('INVITE');
    on.layer.receive(invite, udp);
    on.layer.receive(request('OPTIONS'), udp);
    on.layer.receive(request('INVITE'), udp);
    on.layer.receive(request('OPTIONS'), udp);
    assert.deepEqual(on.log(), ['0 503 (INVITE)', '0 503 (OPTIONS)']);
    assert.match((on.sent[0]!.message as Response).headers.get('retry-after') ?? '', /^\d+$/);
    assert.equal(on.incoming.length, 2);
    const cancels: Request[] = [];
    on.incoming[0]!.onCancel((cancel) => cancels.push(cancel));
    on.layer.receive(hop(invite, 'CANCEL'), udp);
    on.layer.receive(hop(invite, 'CANCEL'), udp);
    assert.equal(cancels.length, 1);
    assert.deepEqual(on.log().slice(2), ['0 200 (CANCEL)', '0 200 (CANCEL)']);
    on.incoming[1]!.respond(createResponse(on.incoming[1]!.request, 200));
    on.clock.advance(33_000);
    on.layer.receive(request('OPTIONS'), udp);
    assert.equal(on.incoming.length, 3);
  });

  test('17.2.2, beyond limits.serverTransactionsBusy: an answer is kept for 8 s in place of 32, on TCP for none as ever', () => {
    const on = bench({ serverTransactionsBusy: 2 });
    /** Gives what says whether the request, once more, is new to the user. */
    const arrive = (flow = udp) => {
      const request = testRequest('REGISTER', { random: on.random, from: PEER, to: US });
      on.layer.receive(request, flow);
      on.incoming.at(-1)!.respond(createResponse(request, 200));
      return () => {
        const { length } = on.incoming;
        on.layer.receive(request, flow);
        return on.incoming.length > length;
      };
    };
    const [first, second, third] = [arrive(), arrive(), arrive()];
    assert.equal(on.layer.counts().nonInviteServer, 3);
    on.clock.advance(7_500);
    assert.equal(third(), false);
    on.clock.advance(1_000);
    assert.equal(on.layer.counts().nonInviteServer, 2);
    assert.deepEqual([first(), second(), third()], [false, false, true]);
    // There are three again: one that comes by TCP is not kept at all.
    arrive(tcp);
    assert.equal(on.layer.counts().nonInviteServer, 3);
    on.clock.advance(25_000);
    assert.equal(on.layer.counts().nonInviteServer, 1);
    // Now there is room: it is kept as long as ever.
    const last = arrive();
    on.clock.advance(31_000);
    assert.equal(last(), false);
  });

  test('a user that throws on a request: logged, and the peer gets 500', () => {
    const faults: string[] = [];
    const on = bench({ log: { ...strictLog, error: (_fields, message) => faults.push(message) } });
    on.layer.setUser({ onRequest: () => assert.fail('broken'), onAck: () => {}, onStrayResponse: () => {} });
    on.layer.receive(testRequest('OPTIONS', { random: on.random, from: PEER, to: US }), udp);
    assert.deepEqual(faults, ['handling a SIP message failed']);
    assert.deepEqual(on.log(), ['0 500 (OPTIONS)']);
  });

  test('at trace level each step is one line with Call-ID and branch', () => {
    const steps: unknown[] = [];
    const on = bench({ log: { ...strictLog, enabled: () => true, trace: (fields) => steps.push(fields) } });
    const request = testRequest('OPTIONS', { random: on.random, from: PEER, to: US });
    on.layer.receive(request, tcp);
    on.incoming[0]!.respond(createResponse(request, 200));
    const common = { sipCallId: request.callId, branch: request.via.branch, side: 'server', method: 'OPTIONS' };
    assert.deepEqual(steps, [
      { ...common, from: 'initial', input: 'request', to: 'trying' },
      { ...common, from: 'trying', input: 'respond 200-699', to: 'completed' },
      { ...common, from: 'completed', input: 'timer J', to: 'terminated' },
    ]);
  });

  test('after stop nothing is received and nothing is left', () => {
    const { layer, respond, again, clock, incoming } = arrive('INVITE');
    respond(486);
    layer.stop();
    again();
    assert.equal(incoming.length, 1);
    assert.deepEqual(layer.counts(), zeroCounts);
    assert.equal(clock.pendingTimers, 0);
    assert.ok(!respond(200));
  });

  test('20,000 transactions share one clock timer', () => {
    const on = bench();
    for (let index = 0; index < 20_000; index++) {
      on.layer.receive(testRequest('OPTIONS', { random: on.random, from: PEER, to: US }), udp);
    }
    assert.equal(on.layer.counts().nonInviteServer, 20_000);
    assert.equal(on.clock.pendingTimers, 1);
    for (const transaction of on.incoming) transaction.respond(createResponse(transaction.request, 200));
    on.clock.advance(33_000);
    assert.deepEqual(on.layer.counts(), zeroCounts);
    assert.equal(on.clock.pendingTimers, 0);
  });
});
