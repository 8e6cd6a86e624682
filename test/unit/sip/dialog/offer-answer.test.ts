// Who may offer now: RFC 3264 4 and 5, RFC 6337 table 1, RFC 3311 5.2, RFC 3261 14.2.

import { strict as assert } from 'node:assert';
import { describe, test } from 'vitest';
import {
  type Carrier,
  type Direction,
  type Exchange,
  mayOffer,
  newExchange,
  type OfferInput,
  type OfferState,
  offerAnswer,
  readBody,
  withNewInvite,
  withRefusedOffer,
} from '../../../../src/sip/dialog/offer-answer.ts';

/** Reads a run of bodies; each line says what it was and the state behind it, or the refusal. */
function run(bodies: readonly (readonly [Direction, Carrier])[], from: Exchange = newExchange): string[] {
  let exchange = from;
  return bodies.map(([direction, carrier]) => {
    const reading = readBody(exchange, direction, carrier);
    if (!reading.ok) return `refused ${reading.error.status}`;
    exchange = reading.value.exchange;
    return `${reading.value.role} → ${exchange.state}`;
  });
}

const rows: readonly (readonly [OfferState, OfferInput, OfferState | undefined])[] = [
  ['stable', 'offer sent', 'local-offer'],
  ['stable', 'offer received', 'remote-offer'],
  ['stable', 'answer sent', undefined],
  ['stable', 'answer received', undefined],
  ['stable', 'local offer refused', undefined],
  ['stable', 'remote offer refused', undefined],
  ['local-offer', 'offer sent', undefined],
  ['local-offer', 'offer received', undefined],
  ['local-offer', 'answer sent', undefined],
  ['local-offer', 'answer received', 'stable'],
  ['local-offer', 'local offer refused', 'stable'],
  ['local-offer', 'remote offer refused', undefined],
  ['remote-offer', 'offer sent', undefined],
  ['remote-offer', 'offer received', undefined],
  ['remote-offer', 'answer sent', 'stable'],
  ['remote-offer', 'answer received', undefined],
  ['remote-offer', 'local offer refused', undefined],
  ['remote-offer', 'remote offer refused', 'stable'],
];

describe('the table (RFC 3264 4)', () => {
  for (const [state, input, next] of rows)
    test(`${state} + ${input} → ${next ?? 'not allowed'}`, () => assert.equal(offerAnswer[state][input], next));
});

describe('the patterns of RFC 6337 table 1', () => {
  test('1: offer in INVITE, answer in 2xx, preview in an unreliable 1xx', () =>
    assert.deepEqual(
      run([
        ['received', 'INVITE'],
        ['sent', '1xx'],
        ['sent', '2xx of INVITE'],
      ]),
      ['offer → remote-offer', 'preview → remote-offer', 'answer → stable'],
    ));

  test('2: late offer in the 2xx, answer in the ACK', () =>
    assert.deepEqual(
      run([
        ['received', '2xx of INVITE'],
        ['sent', 'ACK'],
      ]),
      ['offer → remote-offer', 'answer → stable'],
    ));

  test('3: offer in INVITE, answer in a reliable 1xx; SDP in the 2xx says nothing new', () =>
    assert.deepEqual(
      run([
        ['sent', 'INVITE'],
        ['received', 'reliable 1xx'],
        ['received', '2xx of INVITE'],
        ['sent', 'ACK'],
      ]),
      ['offer → local-offer', 'answer → stable', 'extra → stable', 'extra → stable'],
    ));

  test('4: late offer in a reliable 1xx, answer in the PRACK', () =>
    assert.deepEqual(
      run([
        ['received', 'reliable 1xx'],
        ['sent', 'PRACK'],
        ['received', '2xx of INVITE'],
      ]),
      ['offer → remote-offer', 'answer → stable', 'extra → stable'],
    ));

  test('5: a second exchange in PRACK and its 2xx, after the first is done', () =>
    assert.deepEqual(
      run([
        ['sent', 'INVITE'],
        ['received', 'reliable 1xx'],
        ['sent', 'PRACK'],
        ['received', '2xx of PRACK'],
      ]),
      ['offer → local-offer', 'answer → stable', 'offer → local-offer', 'answer → stable'],
    ));

  test('6: UPDATE and its 2xx, in either direction', () =>
    assert.deepEqual(
      run([
        ['sent', 'UPDATE'],
        ['received', '2xx of UPDATE'],
        ['received', 'UPDATE'],
        ['sent', '2xx of UPDATE'],
      ]),
      ['offer → local-offer', 'answer → stable', 'offer → remote-offer', 'answer → stable'],
    ));
});

describe('one offer at a time', () => {
  for (const carrier of ['INVITE', 'UPDATE'] as const) {
    test(`14.2, RFC 3311 5.2: an offer in ${carrier} while ours is open → 491`, () =>
      assert.deepEqual(
        run([
          ['sent', 'UPDATE'],
          ['received', carrier],
        ]),
        ['offer → local-offer', 'refused 491'],
      ));

    test(`14.2, RFC 3311 5.2: an offer in ${carrier} while the peer's is open → 500`, () =>
      assert.deepEqual(
        run([
          ['received', 'INVITE'],
          ['received', carrier],
        ]),
        ['offer → remote-offer', 'refused 500'],
      ));
  }

  test('we may not offer while an offer is open, of either side', () => {
    assert.deepEqual(
      run([
        ['received', 'INVITE'],
        ['sent', 'UPDATE'],
      ])[1],
      'refused 500',
    );
    assert.deepEqual(
      run([
        ['sent', 'INVITE'],
        ['sent', 'UPDATE'],
      ])[1],
      'refused 491',
    );
    const opened = readBody(newExchange, 'sent', 'INVITE');
    assert.ok(opened.ok && !mayOffer(opened.value.exchange));
    assert.ok(mayOffer(newExchange));
  });

  test('an answer to an UPDATE does not answer the INVITE', () =>
    assert.deepEqual(
      run([
        ['sent', 'INVITE'],
        ['received', '2xx of UPDATE'],
      ]),
      ['offer → local-offer', 'extra → local-offer'],
    ));

  test('the sender of an offer cannot answer it', () =>
    assert.deepEqual(
      run([
        ['sent', 'UPDATE'],
        ['sent', '2xx of UPDATE'],
      ]),
      ['offer → local-offer', 'extra → local-offer'],
    ));

  test('14.1: a refused offer leaves things as they were, and a new one may follow', () => {
    for (const direction of ['sent', 'received'] as const) {
      const opened = readBody(newExchange, direction, 'INVITE');
      assert.ok(opened.ok);
      const refused = withRefusedOffer(opened.value.exchange);
      assert.equal(refused.state, 'stable');
      assert.ok(mayOffer(refused));
    }
    assert.equal(withRefusedOffer(newExchange), newExchange);
  });

  test('a re-INVITE without SDP: its 2xx may offer again', () => {
    const first = readBody(newExchange, 'received', 'INVITE');
    assert.ok(first.ok);
    const answered = readBody(first.value.exchange, 'sent', '2xx of INVITE');
    assert.ok(answered.ok);
    assert.deepEqual(
      run(
        [
          ['sent', '2xx of INVITE'],
          ['received', 'ACK'],
        ],
        withNewInvite(answered.value.exchange),
      ),
      ['offer → local-offer', 'answer → stable'],
    );
  });

  test('an exchange survives JSON', () => {
    const opened = readBody(newExchange, 'sent', 'INVITE');
    assert.ok(opened.ok);
    assert.deepEqual(JSON.parse(JSON.stringify(opened.value.exchange)), opened.value.exchange);
  });
});
