// The registrar's rules (RFC 3261 10.3, sip-interface.md 3), row by row, without sockets or stores.

import { describe, expect, test } from 'vitest';
import type { Binding } from '../../../../src/base/records.ts';
import type { HeaderField } from '../../../../src/sip/grammar/message.ts';
import {
  applyRegister,
  type BindingOrigin,
  contactValues,
  readRegister,
} from '../../../../src/sip/ua/register-rules.ts';
import { seededRandom } from '../../../support/network.ts';
import { testRequest } from '../../../support/requests.ts';

const NOW = Date.UTC(2026, 0, 1);
const origin: BindingOrigin = {
  aor: 'alice@demo.sip.localhost',
  domainSid: 'SD1',
  accountSid: 'AC1',
  transport: 'udp',
  sourceAddress: '203.0.113.5',
  sourcePort: 40000,
  localAddress: '192.0.2.1',
  localPort: 5060,
  path: [],
  userAgent: null,
  nodeId: 'node',
};

function order(fields: Record<string, string | readonly string[]>, sequence = 1, callId = 'call') {
  const headers: HeaderField[] = Object.entries(fields).flatMap(([name, values]) =>
    [values].flat().map((value) => ({ name, value })),
  );
  const built = testRequest('REGISTER', {
    random: seededRandom(1).bytes,
    from: '203.0.113.5',
    to: 'demo.sip.localhost',
    callId,
    sequence,
  });
  const request = {
    ...built,
    headers: headers.reduce((list, { name, value }) => list.withAdded(name, value), built.headers.without('contact')),
  };
  return readRegister(request);
}

/** Applies one REGISTER; an error is its status and reason. */
function register(
  bindings: readonly Binding[],
  fields: Record<string, string | readonly string[]>,
  { sequence = 1, callId = 'call', now = NOW } = {},
):
  | { bindings: readonly Binding[]; isChanged: boolean }
  | { status: number; errorCode?: number; minExpiresSeconds?: number } {
  const read = order(fields, sequence, callId);
  if (!read.ok) return read.error;
  const applied = applyRegister(bindings, read.value, origin, now);
  return applied.ok ? applied.value : applied.error;
}

const bound = (...args: Parameters<typeof register>): readonly Binding[] => {
  const outcome = register(...args);
  if (!('bindings' in outcome)) throw new Error(`refused with ${outcome.status}`);
  return outcome.bindings;
};

const phone = (n = 0) => `<sip:alice@192.168.1.${10 + n}:5060>`;
const secondsLeft = (binding: Binding, now = NOW) => (binding.expiresAt - now) / 1000;

describe('expiry (sip-interface.md 3; RFC 3261 10.3 steps 6 and 7)', () => {
  test.each([
    ['Expires header', { Contact: phone(), Expires: '900' }, 900],
    ['contact parameter before the header', { Contact: `${phone()};expires=700`, Expires: '900' }, 700],
    ['none given: the longest', { Contact: phone() }, 3600],
    ['larger than 3600 is cut [sip 3 expires-max] [sip 10 trap-8]', { Contact: phone(), Expires: '86400' }, 3600],
    ['larger than 2^32 is cut', { Contact: phone(), Expires: '99999999999' }, 3600],
    ['malformed counts as 3600', { Contact: phone(), Expires: 'soon' }, 3600],
    ['exactly 600', { Contact: phone(), Expires: '600' }, 600],
  ])('%s', (_name, fields, seconds) => {
    expect(bound([], fields).map((binding) => secondsLeft(binding))).toEqual([seconds]);
  });

  test('smaller than 600: 423 with Min-Expires 600, nothing is bound [sip 3 expires-min] [sip 10 trap-8]', () => {
    for (const seconds of ['1', '60', '599'])
      expect(register([], { Contact: phone(), Expires: seconds })).toMatchObject({
        status: 423,
        minExpiresSeconds: 600,
      });
  });

  test('expired bindings do not count and are not listed', () => {
    const old = bound([], { Contact: phone(1), Expires: '600' });
    const next = bound(old, { Contact: phone(2) }, { callId: 'other', now: NOW + 601_000 });
    expect(next.map((binding) => binding.contact)).toEqual(['sip:alice@192.168.1.12:5060']);
  });
});

describe('unregistering', () => {
  const two = bound(bound([], { Contact: phone(1) }, { callId: 'a' }), { Contact: phone(2) }, { callId: 'b' });

  test.each([
    ['Expires: 0', { Contact: phone(1), Expires: '0' }],
    ['expires=0', { Contact: `${phone(1)};expires=0` }],
  ])('%s removes that contact [sip 3 unregister]', (_name, fields) => {
    expect(bound(two, fields, { sequence: 2, callId: 'a' }).map((binding) => binding.callId)).toEqual(['b']);
  });

  test('removing what is not there is no error', () => {
    expect(bound(two, { Contact: phone(9), Expires: '0' })).toHaveLength(2);
  });

  test('the wildcard removes all [sip 3 unregister]', () => {
    expect(register(two, { Contact: '*', Expires: '0' }, { sequence: 9, callId: 'c' })).toEqual({
      bindings: [],
      isChanged: true,
    });
  });

  test.each([
    ['without Expires: 0', { Contact: '*' }],
    ['with another Expires', { Contact: '*', Expires: '600' }],
    ['beside another contact', { Contact: ['*', phone()], Expires: '0' }],
  ])('the wildcard %s is a 400 (10.3 step 6)', (_name, fields) => {
    expect(register(two, fields)).toMatchObject({ status: 400 });
  });

  test('a wildcard that is older than a binding of its Call-ID is refused', () => {
    const bindings = bound([], { Contact: phone() }, { sequence: 5 });
    expect(register(bindings, { Contact: '*', Expires: '0' }, { sequence: 4 })).toMatchObject({ status: 500 });
  });
});

describe('order (10.3 step 7)', () => {
  const bindings = bound([], { Contact: phone() }, { sequence: 7, callId: 'a' });

  test.each([
    ['the same Call-ID, a higher CSeq', 8, 'a', 'taken'],
    ['the same Call-ID and CSeq', 7, 'a', 'refused'],
    ['the same Call-ID, a lower CSeq', 6, 'a', 'refused'],
    ['another Call-ID, a lower CSeq', 1, 'b', 'taken'],
  ])('%s', (_name, sequence, callId, expected) => {
    const outcome = register(bindings, { Contact: phone() }, { sequence, callId });
    if (expected === 'taken') expect(outcome).toMatchObject({ bindings: [{ callId, cseq: sequence }] });
    else expect(outcome).toMatchObject({ status: 500 });
  });

  test('all or nothing: one contact out of order leaves the others as they were', () => {
    expect(register(bindings, { Contact: [phone(3), phone()] }, { sequence: 7, callId: 'a' })).toMatchObject({
      status: 500,
    });
  });

  test('a refresh keeps the time of the first registration [sip 3 refresh]', () => {
    const later = bound(bindings, { Contact: phone() }, { sequence: 8, callId: 'a', now: NOW + 300_000 });
    expect(later).toMatchObject([{ registeredAt: NOW, expiresAt: NOW + 300_000 + 3_600_000 }]);
  });
});

describe('contacts', () => {
  test('ten bindings per address of record, the eleventh is a 403 with 32007; a refresh of the ten is not [sip 3 bindings-limit] [sip 10 trap-8]', () => {
    let bindings: readonly Binding[] = [];
    for (let n = 0; n < 10; n++) bindings = bound(bindings, { Contact: phone(n) }, { callId: `call${n}` });
    expect(register(bindings, { Contact: phone(11) }, { callId: 'one more' })).toMatchObject({
      status: 403,
      errorCode: 32007,
    });
    expect(bound(bindings, { Contact: phone(3) }, { callId: 'call3', sequence: 2 })).toHaveLength(10);
    const swapped = { Contact: [`${phone(3)};expires=0`, phone(11)] };
    expect(bound(bindings, swapped, { callId: 'call3', sequence: 2 })).toHaveLength(10);
  });

  test('several contacts at once, in one header or two', () => {
    expect(bound([], { Contact: `${phone(1)}, ${phone(2)}` })).toHaveLength(2);
    expect(bound([], { Contact: [phone(1), phone(2)] })).toHaveLength(2);
  });

  test('the same contact twice in one REGISTER is one binding', () => {
    expect(bound([], { Contact: [phone(1), phone(1)] })).toHaveLength(1);
  });

  test('URI equality, not text: host in another case is the same contact, another port is not', () => {
    const bindings = bound([], { Contact: '<sip:alice@Phone.example:5060>' }, { callId: 'a' });
    expect(bound(bindings, { Contact: '<sip:alice@phone.example:5060>' }, { callId: 'b' })).toHaveLength(1);
    expect(bound(bindings, { Contact: '<sip:alice@phone.example:5062>' }, { callId: 'b' })).toHaveLength(2);
  });

  test('the same private Contact of two devices is two bindings where their instance ids differ', () => {
    const one = bound([], { Contact: `${phone()};+sip.instance="<urn:uuid:1>"` }, { callId: 'a' });
    const two = bound(one, { Contact: `${phone()};+sip.instance="<urn:uuid:2>"` }, { callId: 'b' });
    expect(two.map((binding) => binding.instanceId)).toEqual(['<urn:uuid:1>', '<urn:uuid:2>']);
  });

  test.each([
    ['q=0.7', 700],
    ['q=1.0', 1000],
    ['q=0', 0],
    ['q=2', 1000],
    ['q=x', 1000],
    ['x=1', 1000],
  ])('%s', (param, q) => expect(bound([], { Contact: `${phone()};${param}` })).toMatchObject([{ q }]));

  test('no Contact: a query, nothing changes', () => {
    const bindings = bound([], { Contact: phone() });
    expect(register(bindings, {})).toEqual({ bindings, isChanged: false });
  });

  test.each([['<tel:+15550001111>'], ['<<<'], ['<mailto:a@b>']])('%s is a 400', (Contact) => {
    expect(register([], { Contact })).toMatchObject({ status: 400 });
  });

  test('a flood of contacts is refused before it is applied', () => {
    expect(register([], { Contact: Array.from({ length: 21 }, (_, n) => phone(n)) })).toMatchObject({ status: 400 });
  });

  test('the 200 lists every binding with its remaining seconds, q and instance; no pub-gruu', () => {
    const bindings = bound([], {
      Contact: [`${phone(1)};q=0.5;+sip.instance="<urn:uuid:1>"`, `${phone(2)};expires=900`],
    });
    expect(contactValues(bindings, NOW + 100_500)).toEqual([
      '<sip:alice@192.168.1.11:5060>;expires=3500;q=0.5;+sip.instance="<urn:uuid:1>"',
      '<sip:alice@192.168.1.12:5060>;expires=800',
    ]);
  });
});
