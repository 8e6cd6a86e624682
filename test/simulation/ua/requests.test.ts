// Requests from outside of dialogs on the wire: the checks of incoming.ts, REGISTER, OPTIONS, what cannot be parsed, silence.

import { describe, expect, test } from 'vitest';
import type { CredentialLookup, DomainAccess } from '../../../src/access/directory.ts';
import { limits } from '../../../src/base/limits.ts';
import { digestResponse, ha1, parseChallenge, serializeCredentials } from '../../../src/sip/grammar/digest.ts';
import type { HeaderField } from '../../../src/sip/grammar/message.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { PhoneCall, ScriptedPhone } from '../../support/scripted-phone.ts';
import { Events, openAccess, sipWorld } from '../../support/sip-world.ts';

const OFFER = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n';
const REALM = openAccess.domain.realm;
const PASSWORD = 'Correct horse 1';
const users: CredentialLookup = (username) =>
  username === 'phone'
    ? [
        {
          realm: REALM,
          md5: ha1({ algorithm: 'MD5', username, realm: REALM, password: PASSWORD }),
          sha256: ha1({ algorithm: 'SHA-256', username, realm: REALM, password: PASSWORD }),
        },
      ]
    : [];
const withUsers: DomainAccess = { ...openAccess, registrationCredentials: users };

async function world(access: DomainAccess = withUsers) {
  const made = sipWorld();
  const gateway = await made.gateway('gateway', access);
  const phone = made.phone('phone');
  phone.knows(gateway.address, 'gateway');
  return { ...made, gateway, phone, call: phone.call('gateway', 'phone', 'demo.sip.localhost') };
}

function authorization(phone: ScriptedPhone, password = PASSWORD): HeaderField {
  const challenge = parseChallenge(phone.response(401).headers.get('www-authenticate')!);
  if (!challenge.ok) throw new Error(challenge.error.detail);
  const { nonce } = challenge.value;
  const parts = {
    algorithm: 'MD5' as const,
    method: 'REGISTER',
    uri: 'sip:demo.sip.localhost',
    nonce,
    nc: '00000001',
    cnonce: 'c',
    qop: 'auth',
  };
  const response = digestResponse({
    ...parts,
    ha1: ha1({ algorithm: 'MD5', username: 'phone', realm: REALM, password }),
  });
  const value = serializeCredentials({
    username: 'phone',
    realm: REALM,
    nonce,
    uri: parts.uri,
    response,
    cnonce: 'c',
    qop: 'auth',
    nc: parts.nc,
  });
  return { name: 'Authorization', value };
}

/** REGISTER, 401, REGISTER with credentials. */
async function register(
  { phone, call, pass }: { phone: ScriptedPhone; call: PhoneCall; pass: (ms: number) => Promise<void> },
  fields: readonly HeaderField[] = [{ name: 'Expires', value: '900' }],
): Promise<void> {
  phone.do(call, 'REGISTER', { headers: fields });
  await pass(20);
  phone.do(call, 'REGISTER', { headers: [...fields, authorization(phone)] });
  await pass(20);
}

describe('checks before anyone acts (RFC 3261 8.2)', () => {
  test.each([
    ['8.2.1: SUBSCRIBE is known and not served', 'SUBSCRIBE', [], 405, 'allow'],
    ['8.2.1: an unknown method', 'FROBNICATE', [], 501, 'allow'],
    [
      '8.2.2.3: an extension that we do not have',
      'INVITE',
      [{ name: 'Require', value: 'foo, 100rel' }],
      420,
      'unsupported',
    ],
    ['8.2.2.3: Proxy-Require alike', 'INVITE', [{ name: 'Proxy-Require', value: 'bar' }], 420, 'unsupported'],
    ['16.3: Max-Forwards 0', 'INVITE', [{ name: 'Max-Forwards', value: '0' }], 483, undefined],
    ['12.2.2: BYE of an unknown dialog', 'BYE', [], 481, undefined],
    ['12.2.2: INFO of an unknown dialog', 'INFO', [], 481, undefined],
    ['RFC 3262 3: PRACK of an unknown dialog', 'PRACK', [], 481, undefined],
    ['8.2.3: an INVITE body that is no SDP', 'INVITE', [{ name: 'Content-Type', value: 'text/plain' }], 415, 'accept'],
    [
      '12.1.1: an INVITE whose Contact is no SIP URI',
      'INVITE',
      [{ name: 'Contact', value: '<tel:+1555>' }],
      400,
      undefined,
    ],
  ] as const)('%s', async (_name, method, headers, status, header) => {
    const { phone, call, pass, gateway } = await world();
    const request = phone.build(call, method, { headers });
    const isText = headers.some((field) => field.name === 'Content-Type');
    const isContact = headers.some((field) => field.name === 'Contact');
    phone.send(
      {
        ...request,
        ...(isText ? { body: Buffer.from('hello') } : {}),
        ...(isContact ? { headers: request.headers.with('Contact', '<tel:+1555>') } : {}),
      },
      'gateway',
    );
    await pass(20);
    const answer = phone.response(status, method);
    if (header) expect(answer.headers.has(header)).toBe(true);
    if (status === 420) expect(answer.headers.get('unsupported')).toMatch(/^(foo|bar)$/);
    expect(gateway.invites).toHaveLength(0);
    expect(gateway.ua.counts().sessions).toBe(0);
  });

  test('8.2.2.1: another scheme than sip', async () => {
    const { phone, call, pass } = await world();
    const request = phone.build(call, 'OPTIONS');
    phone.send({ ...request, uri: { scheme: 'tel', text: 'tel:+15550001111' } }, 'gateway');
    await pass(20);
    expect(phone.responses(416)).toHaveLength(1);
  });

  test('8.2.2.2: the same INVITE by another branch is merged, 482; the first goes on', async () => {
    const { phone, call, pass, gateway } = await world();
    phone.do(call, 'INVITE', { sdp: OFFER });
    phone.do(call, 'INVITE', { sdp: OFFER, sequence: call.sequence });
    await pass(20);
    expect(phone.responses(482)).toHaveLength(1);
    expect(gateway.invites).toHaveLength(1);
  });

  test('a challenge answered without a new CSeq number is no merged request', async () => {
    const { phone, call, pass, gateway } = await world();
    phone.do(call, 'INVITE', { sdp: OFFER });
    await pass(20);
    gateway.invites[0]!.session.reject(486);
    const again = { name: 'Proxy-Authorization', value: 'Digest username="x"' };
    phone.do(call, 'INVITE', { sdp: OFFER, sequence: call.sequence, headers: [again] });
    await pass(20);
    expect(phone.responses(482)).toHaveLength(0);
    expect(gateway.invites).toHaveLength(2);
  });

  test('a fault of the application in onInvite: 500, and the session is gone', async () => {
    const { phone, call, pass, gateway } = await world();
    gateway.ua.onInvite(() => {
      throw new Error('application fault');
    });
    phone.do(call, 'INVITE', { sdp: OFFER });
    await pass(20);
    expect(phone.responses(500)).toHaveLength(1);
    expect(gateway.ua.counts()).toMatchObject({ dialogs: 0, sessions: 0 });
  });

  test('OPTIONS: 200 with Allow and Accept, no challenge (sip-interface.md 1.6) [sip 1.6 options] [sip 1.6 allow]', async () => {
    const { phone, call, pass } = await world({ ...withUsers, callAcl: null, callCredentials: users });
    phone.do(call, 'OPTIONS', { headers: [{ name: 'Max-Forwards', value: '0' }] });
    await pass(20);
    const answer = phone.response(200, 'OPTIONS');
    const allowed = answer.headers.get('allow')?.split(', ');
    expect(allowed).toEqual(
      expect.arrayContaining(['INVITE', 'ACK', 'CANCEL', 'OPTIONS', 'BYE', 'REFER', 'NOTIFY', 'REGISTER']),
    );
    expect(answer.headers.get('accept')).toBe('application/sdp');
    expect(answer.headers.get('server')).toBe('Hookswitch');
    expect(answer.body).toHaveLength(0);
  });

  test('over budget: silence, and no transaction stays', async () => {
    const { phone, pass, gateway } = await world({ ...withUsers, callAcl: null, callCredentials: users });
    for (let count = 0; count < 3 * limits.sourceBudgetBurst; count++)
      phone.do(phone.call('gateway', 'x', 'nowhere.example'), 'OPTIONS');
    await pass(20);
    expect(phone.responses(200, 'OPTIONS')).toHaveLength(limits.sourceBudgetBurst);
    expect(gateway.transactions.counts().nonInviteServer).toBe(limits.sourceBudgetBurst);
  });

  test('a request that does not parse gets its 4xx with a stable To tag, within the budget', async () => {
    const { phone, call, pass, gateway } = await world({ ...withUsers, callAcl: null, callCredentials: users });
    const request = phone.build(call, 'OPTIONS');
    const failure = { detail: 'broken', offset: 0, status: 400, reason: 'Bad Request', request, isResponse: false };
    for (let count = 0; count < 2 * limits.sourceBudgetBurst; count++)
      gateway.transport.injectUnparsable(failure, gateway.transport.flowTo('phone'));
    await pass(20);
    const answers = phone.responses(400);
    expect(answers).toHaveLength(limits.sourceBudgetBurst);
    expect(new Set(answers.map((response) => response.to.params.get('tag'))).size).toBe(1);
    expect(Object.values(gateway.transactions.counts()).every((count) => count === 0)).toBe(true);
  });

  test('digest for calls: 407, ACK, INVITE with credentials, 100 and the application is asked (sip-interface.md 1.2, 1.4) [sip 1.2 challenge-407] [sip 1.4 trying]', async () => {
    const { phone, call, pass, gateway } = await world({ ...withUsers, callCredentials: users });
    phone.do(call, 'INVITE', { sdp: OFFER });
    await pass(20);
    const refused = phone.response(407);
    expect(phone.responses(100)).toHaveLength(0);
    const challenge = parseChallenge(refused.headers.get('proxy-authenticate')!);
    if (!challenge.ok) throw new Error(challenge.error.detail);
    const { nonce } = challenge.value;
    const parts = {
      algorithm: 'MD5' as const,
      method: 'INVITE',
      uri: 'sip:phone@demo.sip.localhost',
      nonce,
      nc: '00000001',
      cnonce: 'c',
      qop: 'auth',
    };
    const response = digestResponse({ ...parts, ha1: users('phone')[0]!.md5 });
    const value = serializeCredentials({ ...parts, username: 'phone', realm: REALM, response, algorithm: undefined });
    phone.do(call, 'INVITE', { sdp: OFFER, headers: [{ name: 'Proxy-Authorization', value }] });
    await pass(20);
    expect(phone.responses(100)).toHaveLength(1);
    expect(gateway.invites[0]).toMatchObject({ username: 'phone' });
  });
});

describe('REGISTER on the wire (RFC 3261 10, sip-interface.md 3)', () => {
  test('401, 200 with Contact, expires and Date; then a call finds the phone where its REGISTER came from [sip 3 aor] [sip 3 challenge-401] [sip 3 nat]', async () => {
    const made = await world();
    const { phone, pass, gateway, store } = { ...made, store: made.gateway.store };
    await register(made);
    const answer = phone.response(200, 'REGISTER');
    expect(answer.headers.get('contact')).toBe(`<sip:phone@${phone.address}>;expires=900`);
    expect(answer.headers.get('date')).toBe('Thu, 01 Jan 2026 00:00:00 GMT');
    expect(gateway.ua.counts().registrations).toEqual({ bindings: 1, aors: 1 });
    expect(store.saved.get('phone@demo.sip.localhost')).toHaveLength(1);
    const [binding] = gateway.ua.bindingsOf('phone', 'Demo.sip.localhost');
    const session = gateway.ua.invite({
      target: {
        kind: 'binding',
        binding: { ...binding!, contact: 'sip:phone@192.168.99.99:5070', path: ['<sip:edge.example;lr>'] },
      },
      from: { displayName: undefined, user: 'bob', host: 'demo.sip.localhost' },
      to: makeSipUri({ user: 'phone', host: 'demo.sip.localhost' }),
      sdp: async (flow) => `v=0\r\ns=${flow.remoteAddress}\r\n`,
      headers: [],
      credentials: undefined,
      maxForwards: 70,
    });
    const events = new Events(session);
    await pass(20);
    const invite = phone.request('INVITE');
    expect(invite.uri).toMatchObject({ host: '192.168.99.99', port: 5070 });
    expect(invite.headers.get('route')).toBe('<sip:edge.example;lr>');
    expect(invite.to.uri).toMatchObject({ user: 'phone', host: 'demo.sip.localhost' });
    expect(invite.body.toString()).toContain(phone.address);
    phone.answer(invite, 200, { sdp: OFFER, contact: '<sip:phone@192.168.99.99:5070>' });
    await pass(20);
    expect(events.types()).toEqual(['accepted']);
    // interop.md: the private Contact is written into the Request-URI, the request goes where the phone is.
    expect(phone.request('ACK').uri).toMatchObject({ host: '192.168.99.99' });
  });

  test('a wrong password: 403 with X-Twilio-Error 32212 [sip 3 auth-failure]', async () => {
    const { phone, call, pass } = await world();
    phone.do(call, 'REGISTER');
    await pass(20);
    phone.do(call, 'REGISTER', { headers: [authorization(phone, 'guess')] });
    await pass(20);
    expect(phone.response(403).headers.get('x-twilio-error')).toMatch(/^32212 /);
  });

  test('a short Expires: 423 with Min-Expires', async () => {
    const made = await world();
    await register(made, [{ name: 'Expires', value: '60' }]);
    expect(made.phone.response(423).headers.get('min-expires')).toBe('600');
  });

  test('the store does not answer: 503 with Retry-After, nothing is bound', async () => {
    const made = await world();
    made.gateway.store.gate = new Promise(() => {});
    await register(made);
    await made.pass(limits.registerStoreWaitMs);
    expect(Number(made.phone.response(503).headers.get('retry-after'))).toBeGreaterThan(0);
    expect(made.gateway.ua.bindingsOf('phone', 'demo.sip.localhost')).toEqual([]);
  });

  test('more than five REGISTERs a second for one address of record: 503 with 32008 [sip 3 rate]', async () => {
    const made = await world();
    await register(made);
    const again = async () => {
      made.phone.do(made.call, 'REGISTER');
      await made.pass(10);
      made.phone.do(made.call, 'REGISTER', { headers: [authorization(made.phone)] });
      await made.pass(10);
    };
    // What a challenge asks for is no registration: five of them within a tenth of a second are taken.
    for (let count = 2; count <= 5; count++) await again();
    expect([made.phone.responses(200, 'REGISTER').length, made.phone.responses(503).length]).toEqual([5, 0]);
    await again();
    expect([made.phone.responses(200, 'REGISTER').length, made.phone.responses(503).length]).toEqual([5, 1]);
    expect(made.phone.response(503).headers.get('x-twilio-error')).toMatch(/^32008 /);
    await made.pass(1_000);
    await again();
    expect(made.phone.responses(200, 'REGISTER')).toHaveLength(6);
  });

  test('Path is kept and told (RFC 3327) [sip 3 path]', async () => {
    const made = await world();
    await register(made, [{ name: 'Path', value: '<sip:edge.example;lr>, <sip:edge2.example;lr>' }]);
    expect(made.phone.response(200, 'REGISTER').headers.getAll('path')).toEqual([
      '<sip:edge.example;lr>',
      '<sip:edge2.example;lr>',
    ]);
    expect(made.gateway.ua.bindingsOf('phone', 'demo.sip.localhost')[0]!.path).toHaveLength(2);
  });

  test('registrations survive a restart', async () => {
    const made = await world();
    await register(made);
    const again = await made.gateway.ua.stop().then(() => made.phone);
    const other = sipWorld();
    const restarted = await other.gateway('restarted', withUsers, made.gateway.store);
    expect(restarted.ua.bindingsOf('phone', 'demo.sip.localhost')).toMatchObject([{ sourceAddress: again.address }]);
    await restarted.ua.stop();
    expect(other.clock.pendingTimers).toBe(0);
  });
});
