// Client transactions through the layer: retransmission times, ACK and CANCEL of the hop, what the user is told.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import { createResponse } from '../../../../src/sip/grammar/build.ts';
import type { Request } from '../../../../src/sip/grammar/message.ts';
import { testRequest } from '../../../support/requests.ts';
import { settle } from '../../../support/virtual-clock.ts';
import { bench, nameOf, recorder, strictLog, tcp, udp, zeroCounts } from './bench.ts';

const US = '192.0.2.1';
const PEER = '192.0.2.2';

function start(method: string, flow = udp, options: { timeoutMs?: number } = {}) {
  const on = bench();
  const user = recorder();
  const headers = [
    { name: 'Route', value: '<sip:192.0.2.9;lr>' },
    { name: 'Route', value: '<sip:192.0.2.8;lr>' },
  ];
  const transport = flow.isReliable ? 'tcp' : 'udp';
  const request = testRequest(method, { random: on.random, from: US, to: PEER, headers, transport });
  const transaction = on.layer.request(request, flow, user, options);
  const answer = (status: number, toTag = 'peer', to: Request = request) =>
    on.layer.receive(createResponse(to, status, { toTag }), flow);
  return { ...on, user, request, transaction, answer };
}

describe('INVITE client transaction', () => {
  test('17.1.1.2: timer A doubles from T1, timer B ends it after 64*T1', () => {
    const { clock, log, user, layer } = start('INVITE');
    clock.advance(40_000);
    assert.deepEqual(
      log(),
      [0, 500, 1_500, 3_500, 7_500, 15_500, 31_500].map((atMs) => `${atMs} INVITE`),
    );
    assert.deepEqual(user.told, ['timeout']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.1.1.2: no retransmission on a reliable flow, timer B all the same', () => {
    const { clock, log, user } = start('INVITE', tcp);
    clock.advance(40_000);
    assert.deepEqual(log(), ['0 INVITE']);
    assert.deepEqual(user.told, ['timeout']);
  });

  test('a call can shorten timer B', () => {
    const { clock, user, layer } = start('INVITE', udp, { timeoutMs: 4_000 });
    clock.advance(3_990);
    assert.deepEqual(user.told, []);
    clock.advance(20);
    assert.deepEqual(user.told, ['timeout']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('retransmissions are the same bytes, serialized once', () => {
    const { clock, sent } = start('INVITE');
    clock.advance(2_000);
    assert.equal(sent.length, 3);
    assert.ok(sent[1]!.bytes && sent[1]!.bytes === sent[2]!.bytes);
  });

  test('17.1.1.2: a provisional response stops retransmission and timer B', () => {
    const { clock, answer, log, user, layer } = start('INVITE');
    clock.advance(100);
    answer(100);
    answer(180);
    answer(180);
    clock.advance(300_000);
    assert.deepEqual(log(), ['0 INVITE']);
    assert.deepEqual(user.told, ['100', '180', '180']);
    assert.deepEqual(layer.counts(), { ...zeroCounts, inviteClient: 1 });
  });

  test('17.1.1.3: ACK of a non-2xx: request line, Via, Route, CSeq of the INVITE, To of the response', () => {
    const { answer, sent, request } = start('INVITE');
    answer(486, 'busy-tag');
    const ack = sent[1]!.message as Request;
    assert.equal(nameOf(ack), 'ACK');
    assert.deepEqual(ack.uri, request.uri);
    assert.deepEqual(ack.headers.getAll('via'), [request.headers.get('via')]);
    assert.deepEqual(ack.headers.getAll('route'), request.headers.getAll('route'));
    assert.equal(ack.headers.get('from'), request.headers.get('from'));
    assert.equal(ack.headers.get('call-id'), request.callId);
    assert.equal(ack.headers.get('cseq'), '1 ACK');
    assert.equal(ack.to.params.get('tag'), 'busy-tag');
    assert.match(ack.headers.get('to') ?? '', /;tag=busy-tag$/);
    assert.equal(ack.body.length, 0);
  });

  test('17.1.1.2: a retransmitted non-2xx is ACKed again and not passed up, until timer D', () => {
    const { clock, answer, log, user, layer, strays } = start('INVITE');
    answer(486);
    answer(486);
    clock.advance(31_000);
    answer(486);
    assert.deepEqual(log(), ['0 INVITE', '0 ACK', '0 ACK', '31000 ACK']);
    assert.deepEqual(user.told, ['486']);
    clock.advance(1_100);
    assert.deepEqual(layer.counts(), zeroCounts);
    answer(486);
    assert.equal(strays.length, 1);
  });

  test('17.1.1.2: timer D is 0 on a reliable flow: gone with its final response', () => {
    const { answer, log, user, layer } = start('INVITE', tcp);
    answer(404);
    assert.deepEqual(log(), ['0 INVITE', '0 ACK']);
    assert.deepEqual(user.told, ['404']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('RFC 6026 7.2: every 2xx goes up, of forks and retransmitted, no ACK from here, gone after timer M', () => {
    for (const flow of [udp, tcp]) {
      const { clock, answer, log, user, layer, strays } = start('INVITE', flow);
      answer(200, 'fork-1');
      answer(200, 'fork-1');
      answer(200, 'fork-2');
      answer(180, 'fork-3');
      answer(486, 'fork-3');
      clock.advance(31_000);
      answer(200, 'fork-2');
      assert.deepEqual(user.told, ['200', '200', '200', '200']);
      assert.deepEqual(log(), ['0 INVITE']);
      clock.advance(1_100);
      assert.deepEqual(layer.counts(), zeroCounts);
      answer(200, 'fork-2');
      assert.equal(strays.length, 1);
    }
  });

  test('terminate tells nobody; a late 2xx is a stray response', () => {
    const { clock, answer, user, layer, transaction, strays } = start('INVITE');
    transaction.terminate();
    assert.equal(transaction.state, 'terminated');
    assert.deepEqual(layer.counts(), zeroCounts);
    answer(200);
    clock.advance(60_000);
    assert.deepEqual(user.told, []);
    assert.equal(strays[0]!.status, 200);
  });

  test('17.1.4: a failed send ends it with a transport error, once', async () => {
    const on = bench();
    const user = recorder();
    on.failSends({ code: 'unreachable', detail: 'no route' });
    on.layer.request(testRequest('INVITE', { random: on.random, from: US, to: PEER }), udp, user);
    await settle();
    on.clock.advance(60_000);
    assert.deepEqual(user.told, ['transport error unreachable']);
    assert.deepEqual(on.layer.counts(), zeroCounts);
  });
});

describe('CANCEL of an INVITE client transaction', () => {
  test('9.1: waits for the first provisional response', () => {
    const { clock, answer, log, transaction } = start('INVITE');
    clock.advance(100);
    transaction.cancel();
    assert.deepEqual(log(), ['0 INVITE']);
    clock.advance(100);
    answer(100);
    assert.deepEqual(log(), ['0 INVITE', '200 CANCEL']);
  });

  test('9.1: Request-URI, Via, Route, From, To, Call-ID and CSeq number of the INVITE; own headers behind', () => {
    const { answer, sent, transaction, request } = start('INVITE');
    answer(180);
    transaction.cancel([{ name: 'Reason', value: 'SIP;cause=200' }]);
    const cancel = sent[1]!.message as Request;
    assert.deepEqual(cancel.uri, request.uri);
    assert.deepEqual(cancel.headers.getAll('via'), [request.headers.get('via')]);
    assert.deepEqual(cancel.headers.getAll('route'), request.headers.getAll('route'));
    assert.equal(cancel.headers.get('from'), request.headers.get('from'));
    assert.equal(cancel.headers.get('to'), request.headers.get('to'));
    assert.equal(cancel.headers.get('call-id'), request.callId);
    assert.equal(cancel.headers.get('cseq'), '1 CANCEL');
    assert.equal(cancel.headers.get('reason'), 'SIP;cause=200');
    assert.ok(!cancel.headers.has('require') && !cancel.headers.has('contact'));
  });

  test('is sent once, in a transaction of its own that retransmits, and the 487 ends the INVITE', () => {
    const { clock, answer, log, transaction, sent, user, layer } = start('INVITE');
    answer(180);
    transaction.cancel();
    transaction.cancel();
    answer(183);
    clock.advance(600);
    assert.deepEqual(log(), ['0 INVITE', '0 CANCEL', '500 CANCEL']);
    answer(200, 'peer', sent[1]!.message as Request);
    answer(487);
    clock.advance(40_000);
    assert.deepEqual(log().slice(3), ['600 ACK']);
    assert.deepEqual(user.told, ['180', '183', '487']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('9.1: no final response within 64*T1 of the CANCEL gives the INVITE up with a timeout', () => {
    for (const flow of [udp, tcp]) {
      const { clock, answer, transaction, sent, user, layer } = start('INVITE', flow);
      answer(180);
      clock.advance(10_000);
      transaction.cancel();
      answer(200, 'peer', sent[1]!.message as Request);
      clock.advance(31_900);
      assert.deepEqual(user.told, ['180']);
      clock.advance(200);
      assert.deepEqual(user.told, ['180', 'timeout']);
      assert.deepEqual(layer.counts(), zeroCounts);
    }
  });

  test('crossing with a 200: the 200 goes up, no timeout follows', () => {
    const { clock, answer, transaction, user, layer } = start('INVITE');
    answer(180);
    transaction.cancel();
    answer(200);
    clock.advance(70_000);
    assert.deepEqual(user.told, ['180', '200']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('does nothing after a final response, before any provisional that never comes, or for other methods', () => {
    const done = start('INVITE');
    done.answer(486);
    done.transaction.cancel();
    assert.deepEqual(done.log(), ['0 INVITE', '0 ACK']);
    const silent = start('INVITE');
    silent.transaction.cancel();
    silent.clock.advance(40_000);
    assert.ok(!silent.log().some((line) => line.includes('CANCEL')));
    assert.deepEqual(silent.user.told, ['timeout']);
    const options = start('OPTIONS');
    options.answer(100);
    options.transaction.cancel();
    assert.deepEqual(options.log(), ['0 OPTIONS']);
  });
});

describe('non-INVITE client transaction', () => {
  test('17.1.2.2: timer E doubles up to T2, timer F ends it after 64*T1', () => {
    const { clock, log, user, layer } = start('OPTIONS');
    clock.advance(40_000);
    const times = [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert.deepEqual(
      log(),
      times.map((atMs) => `${atMs} OPTIONS`),
    );
    assert.deepEqual(user.told, ['timeout']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });

  test('17.1.2.2: a 1xx goes up and slows retransmission to T2; timer F goes on', () => {
    const { clock, answer, log, user } = start('OPTIONS');
    clock.advance(600);
    answer(100);
    clock.advance(40_000);
    const times = [0, 500, 1_500, 5_500, 9_500, 13_500, 17_500, 21_500, 25_500, 29_500];
    assert.deepEqual(
      log(),
      times.map((atMs) => `${atMs} OPTIONS`),
    );
    assert.deepEqual(user.told, ['100', 'timeout']);
  });

  test('17.1.2.2: one final response goes up, retransmitted ones are absorbed until timer K', () => {
    const { clock, answer, user, layer, strays } = start('OPTIONS');
    answer(200);
    answer(200);
    answer(404);
    clock.advance(4_900);
    answer(200);
    assert.deepEqual(user.told, ['200']);
    assert.equal(strays.length, 0);
    clock.advance(200);
    assert.deepEqual(layer.counts(), zeroCounts);
    answer(200);
    assert.equal(strays.length, 1);
  });

  test('17.1.2.2: timer K is 0 on a reliable flow', () => {
    const { answer, user, layer } = start('OPTIONS', tcp);
    answer(200);
    assert.deepEqual(user.told, ['200']);
    assert.deepEqual(layer.counts(), zeroCounts);
  });
});

describe('all client transactions', () => {
  test('a closed flow fails those that have no final response, on this flow only', () => {
    const on = bench();
    const users = [recorder(), recorder(), recorder(), recorder()] as const;
    const request = (method: string) => testRequest(method, { random: on.random, from: US, to: PEER });
    const other = { id: 'tcp 2', isReliable: true };
    const invite = request('INVITE');
    on.layer.request(invite, tcp, users[0]);
    on.layer.request(request('OPTIONS'), tcp, users[1]);
    const answered = request('INVITE');
    on.layer.request(answered, tcp, users[2]);
    on.layer.request(request('OPTIONS'), other, users[3]);
    on.layer.receive(createResponse(invite, 180), tcp);
    on.layer.receive(createResponse(answered, 200, { toTag: 'a' }), tcp);
    on.layer.flowFailed(tcp, { code: 'closed', detail: 'reset by peer' });
    assert.deepEqual(
      users.map((user) => user.told),
      [['180', 'transport error closed'], ['transport error closed'], ['200'], []],
    );
    on.clock.advance(40_000);
    assert.deepEqual(on.layer.counts(), zeroCounts);
  });

  test('17.1.3: a response with another branch, sent-by or method is a stray', () => {
    const { layer, request, user, strays } = start('INVITE');
    const response = createResponse(request, 200, { toTag: 'a' });
    layer.receive({ ...response, via: { ...response.via, branch: 'z9hG4bKother' } }, udp);
    layer.receive({ ...response, via: { ...response.via, host: '192.0.2.77' } }, udp);
    layer.receive({ ...response, cseq: { sequence: 1, method: 'BYE' } }, udp);
    assert.equal(strays.length, 3);
    assert.deepEqual(user.told, []);
    layer.receive({ ...response, via: { ...response.via, port: undefined, received: '192.0.2.5', rport: 5060 } }, udp);
    assert.deepEqual(user.told, ['200']);
  });

  test('a branch that is in use, and an ACK, are faults of the caller', () => {
    const { layer, request, random } = start('INVITE');
    assert.throws(() => layer.request(request, udp, recorder()), /fresh branch/);
    const ack = testRequest('ACK', { random, from: US, to: PEER });
    assert.throws(() => layer.request(ack, udp, recorder()), /sendStateless/);
  });

  test('a user that throws is logged and does not harm the next message', () => {
    const faults: string[] = [];
    const on = bench({ log: { ...strictLog, error: (_fields, message) => faults.push(message) } });
    const broken = { ...recorder(), onResponse: () => assert.fail('broken user') };
    const request = testRequest('OPTIONS', { random: on.random, from: US, to: PEER });
    on.layer.request(request, udp, broken);
    on.layer.receive(createResponse(request, 200), udp);
    assert.deepEqual(faults, ['handling a SIP message failed']);
    on.clock.advance(40_000);
    assert.deepEqual(on.layer.counts(), zeroCounts);
  });

  test('stop ends everything without a word; later requests end at once', () => {
    const { layer, user, clock, random } = start('INVITE');
    const late = recorder();
    layer.stop();
    assert.deepEqual(layer.counts(), zeroCounts);
    assert.equal(clock.pendingTimers, 0);
    const transaction = layer.request(testRequest('OPTIONS', { random, from: US, to: PEER }), udp, late);
    assert.equal(transaction.state, 'terminated');
    clock.advance(60_000);
    assert.deepEqual([...user.told, ...late.told], []);
    assert.deepEqual(layer.counts(), zeroCounts);
  });
});
