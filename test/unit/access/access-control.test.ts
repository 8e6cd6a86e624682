// Who may send what (sip-interface.md 1.2 and 3, design.md 9), with a virtual clock: each row of the rules is a case.

import { beforeEach, describe, expect, test } from 'vitest';
import { type AccessConfig, createAccessControl } from '../../../src/access/access-control.ts';
import type { AclEntry, CredentialLookup, DomainAccess } from '../../../src/access/directory.ts';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { StoredHa1 } from '../../../src/base/records.ts';
import { createRequest } from '../../../src/sip/grammar/build.ts';
import {
  type DigestAlgorithm,
  digestResponse,
  ha1,
  parseChallenge,
  serializeCredentials,
} from '../../../src/sip/grammar/digest.ts';
import type { HeaderField, Request } from '../../../src/sip/grammar/message.ts';
import { nameAddr } from '../../../src/sip/grammar/name-addr.ts';
import { isSipUri, makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { seededRandom } from '../../support/network.ts';
import { viaOf } from '../../support/requests.ts';
import { account, directoryOf, testDomain } from '../../support/sip-world.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const REALM = testDomain.realm;
const PASSWORD = 'Correct horse 1';
const stored = (username: string): StoredHa1 => ({
  realm: REALM,
  md5: ha1({ algorithm: 'MD5', username, realm: REALM, password: PASSWORD }),
  sha256: ha1({ algorithm: 'SHA-256', username, realm: REALM, password: PASSWORD }),
});
const users: CredentialLookup = (name) => (name === 'alice' ? [stored('alice')] : []);
const acl: readonly AclEntry[] = [{ ipAddress: '198.51.100.0', cidrPrefixLength: 24 }];
const LISTED = { remoteAddress: '198.51.100.7', isSecure: false };
const MAPPED = { remoteAddress: '192.0.2.50', isSecure: false };
const OTHER = { remoteAddress: '203.0.113.9', isSecure: false };

let clock: VirtualClock;
beforeEach(() => {
  clock = new VirtualClock();
});

function control(access: Partial<DomainAccess> = {}, config: Partial<AccessConfig> = {}) {
  const whole: DomainAccess = {
    domain: testDomain,
    account,
    callAcl: null,
    callCredentials: null,
    registrationCredentials: null,
    ...access,
  };
  const directory = directoryOf(whole);
  return createAccessControl({
    directory: { ...directory, domainForSource: (address) => (address === MAPPED.remoteAddress ? whole : undefined) },
    config: {
      domainSuffix: 'sip.localhost',
      realm: REALM,
      defaultDomain: undefined,
      isOwnAddress: () => false,
      ...config,
    },
    clock,
    log: silentLog,
    random: seededRandom(5).bytes,
  });
}
type Control = ReturnType<typeof control>;

function request(
  method: string,
  headers: readonly HeaderField[] = [],
  host = 'demo.sip.localhost',
  user = 'alice',
): Request {
  return createRequest({
    method,
    uri: makeSipUri({ host, ...(method === 'INVITE' ? { user: '1000' } : {}) }),
    via: viaOf('203.0.113.9', 'z9hG4bKa'),
    from: nameAddr(makeSipUri({ user: 'alice', host }), undefined, new Map([['tag', 'a']])),
    to: nameAddr(makeSipUri({ user, host })),
    callId: 'call',
    cseq: { sequence: 1, method },
    headers,
  });
}

function nonceOf(access: Control, method: 'INVITE' | 'REGISTER' = 'INVITE', source = OTHER): string {
  const admission =
    method === 'INVITE' ? access.invite(request(method), source) : access.register(request(method), source);
  if (admission.kind !== 'challenge') throw new Error(`expected a challenge, got ${admission.kind}`);
  const challenge = parseChallenge(admission.values[0]!);
  if (!challenge.ok) throw new Error(challenge.error.detail);
  return challenge.value.nonce;
}

interface Digest {
  nonce: string;
  method?: string;
  username?: string;
  password?: string;
  nc?: string | undefined;
  uri?: string;
  algorithm?: DigestAlgorithm;
  realm?: string;
  qop?: string | undefined;
}

function credentials(digest: Digest): HeaderField {
  const { nonce, method = 'INVITE', username = 'alice', password = PASSWORD } = digest;
  const { uri = 'sip:1000@demo.sip.localhost', algorithm = 'MD5', realm = REALM } = digest;
  const qop = 'qop' in digest ? digest.qop : 'auth';
  const nc = qop === undefined ? undefined : (digest.nc ?? '00000001');
  const cnonce = qop === undefined ? undefined : 'cnonce';
  const hashed = ha1({ algorithm, username, realm, password });
  const response = digestResponse({ algorithm, ha1: hashed, method, uri, nonce, nc, cnonce, qop });
  const value = {
    username,
    realm,
    nonce,
    uri,
    response,
    cnonce,
    qop,
    nc,
    ...(algorithm === 'MD5' ? {} : { algorithm }),
  };
  return { name: method === 'REGISTER' ? 'Authorization' : 'Proxy-Authorization', value: serializeCredentials(value) };
}

describe('INVITE: what is mapped × who sends (sip-interface.md 1.2)', () => {
  const outcome = (admission: ReturnType<Control['invite']>) =>
    admission.kind === 'refuse' ? `${admission.status} ${admission.errorCode ?? ''}`.trim() : admission.kind;

  test.each([
    ['nothing [sip 1.2 nothing-mapped] [sip 10 trap-2] [rest 14 auth-type]', null, null, LISTED, 'none', '403'],
    ['an empty ACL', [], null, LISTED, 'none', '403 32201'],
    ['ACL only, listed', acl, null, LISTED, 'none', 'accept'],
    ['ACL only, not listed [sip 1.2 acl-only]', acl, null, OTHER, 'none', '403 32201'],
    ['credentials only, none given', null, users, OTHER, 'none', 'challenge'],
    ['credentials only, right [sip 1.2 credentials-only]', null, users, OTHER, 'right', 'accept'],
    ['credentials only, wrong password', null, users, OTHER, 'wrong', '403 32202'],
    ['credentials only, unknown user [sip 1.2 credentials-only]', null, users, OTHER, 'unknown', '403 32202'],
    ['credentials only, user in another case', null, users, OTHER, 'case', '403 32202'],
    ['both, not listed, none given [sip 1.2 which-403]', acl, users, OTHER, 'none', '403 32201'],
    [
      'both, not listed, right digest [sip 1.2 both-are-and] [sip 10 trap-2] [rest 14 both-lists]',
      acl,
      users,
      OTHER,
      'right',
      '403 32201',
    ],
    ['both, listed, none given', acl, users, LISTED, 'none', 'challenge'],
    ['both, listed, wrong digest [sip 1.2 which-403]', acl, users, LISTED, 'wrong', '403 32202'],
    ['both, listed, right digest [sip 1.2 both-are-and] [rest 14 both-lists]', acl, users, LISTED, 'right', 'accept'],
  ] as const)('%s → %s', (_name, callAcl, callCredentials, source, given, expected) => {
    const access = control({ callAcl, callCredentials });
    const headers: HeaderField[] = [];
    if (given !== 'none') {
      const nonce = callAcl && source === OTHER ? 'x' : nonceOf(access, 'INVITE', source);
      const username = given === 'unknown' ? 'mallory' : given === 'case' ? 'Alice' : 'alice';
      headers.push(credentials({ nonce, username, ...(given === 'wrong' ? { password: 'no' } : {}) }));
    }
    expect(outcome(access.invite(request('INVITE', headers), source))).toBe(expected);
  });

  test('an accepted digest call carries its user name, an ACL call none [sip 1.3 sip-username]', () => {
    const digest = control({ callCredentials: users });
    const headers = [credentials({ nonce: nonceOf(digest) })];
    expect(digest.invite(request('INVITE', headers), OTHER)).toMatchObject({ kind: 'accept', username: 'alice' });
    expect(control({ callAcl: acl }).invite(request('INVITE'), LISTED)).toMatchObject({ username: undefined });
  });

  test('refusals with a vendor code carry X-Twilio-Error, code first [sip 1.4 x-twilio-error]', () => {
    const admission = control({ callAcl: acl }).invite(request('INVITE'), OTHER);
    expect(admission).toMatchObject({
      headers: [{ name: 'X-Twilio-Error', value: expect.stringMatching(/^32201 \S/) }],
    });
  });

  test('unknown host: 403 without a code, within the budget, then silence [sip 1.1 unknown-host]', () => {
    const access = control();
    const answers = Array.from({ length: limits.sourceBudgetBurst + 5 }, () =>
      outcome(access.invite(request('INVITE', [], 'nowhere.example'), OTHER)),
    );
    expect(new Set(answers.slice(0, limits.sourceBudgetBurst))).toEqual(new Set(['403']));
    expect(new Set(answers.slice(limits.sourceBudgetBurst))).toEqual(new Set(['drop']));
    expect(access.mayTalk(OTHER)).toBe(false);
    expect(access.mayTalk(LISTED)).toBe(true);
    clock.advance(1_000 / limits.sourceBudgetPerSecond);
    expect(access.mayTalk(OTHER)).toBe(true);
  });

  test('without budget left an emergency call is challenged all the same, and nothing else is [sip 9 emergency-unbounded]', () => {
    const isEmergency = ({ uri }: Request) => isSipUri(uri) && uri.user === '1000';
    const access = control({ callCredentials: users }, { isEmergency });
    while (access.spend(OTHER));
    expect(access.mayTalk(OTHER)).toBe(false);
    expect(outcome(access.register(request('REGISTER'), OTHER))).toBe('drop');
    expect(outcome(access.invite(request('INVITE'), OTHER))).toBe('challenge');
    const other = control({ callCredentials: users }, { isEmergency: () => false });
    while (other.spend(OTHER));
    expect(outcome(other.invite(request('INVITE'), OTHER))).toBe('drop');
  });

  test('an own address or an IP literal means the default domain, else 403 [sip 1.1 default-domain]', () => {
    const config = { defaultDomain: 'demo.sip.localhost', isOwnAddress: (host: string) => host === 'gw.example' };
    const access = control({ callAcl: acl }, config);
    for (const host of ['192.0.2.1', '2001:db8::1', 'gw.example'])
      expect(outcome(access.invite(request('INVITE', [], host), LISTED))).toBe('accept');
    expect(outcome(access.invite(request('INVITE', [], 'else.example'), LISTED))).toBe('403');
    expect(outcome(control({ callAcl: acl }).invite(request('INVITE', [], '192.0.2.1'), LISTED))).toBe('403');
  });

  test('a suspended account: 603 with 10001, after authentication [sip 1.2 suspended-account] [rest 2 suspended-calls]', () => {
    const told: string[] = [];
    const onInactiveAccount = (sid: string) => void told.push(sid);
    const access = control({ callAcl: acl, account: { ...account, status: 'suspended' } }, { onInactiveAccount });
    access.invite(request('INVITE'), OTHER);
    expect(told).toEqual([]);
    expect(access.invite(request('INVITE'), LISTED)).toMatchObject({
      status: 603,
      reason: 'Decline',
      headers: [{ name: 'X-Twilio-Error', value: '10001 Account is not active' }],
    });
    expect(told).toEqual([account.sid]);
  });

  test('a secure domain over UDP or TCP: 488 before any challenge (32209)', () => {
    const access = control({ callCredentials: users, domain: { ...testDomain, secure: true } });
    const admission = access.invite(request('INVITE'), OTHER);
    expect(admission).toMatchObject({ status: 488, reason: 'Secure SIP transport required', errorCode: 32209 });
    expect(access.invite(request('INVITE'), { ...OTHER, isSecure: true }).kind).toBe('challenge');
  });
});

describe('challenges (sip-interface.md 1.2)', () => {
  test('MD5 as the vendor writes it: realm, qop, 48 url-safe characters, 32 hex; no algorithm, no stale [sip 1.2 challenge-form]', () => {
    const admission = control({ callCredentials: users }).invite(request('INVITE'), OTHER);
    if (admission.kind !== 'challenge') throw new Error(admission.kind);
    expect(admission.values).toHaveLength(1);
    expect(admission.values[0]).toMatch(
      /^Digest realm="sip\.hookswitch\.local",qop="auth",nonce="[A-Za-z0-9_-]{48}",opaque="[0-9a-f]{32}"$/,
    );
  });

  test('SHA-256 is a second header where the domain says so, and is accepted', () => {
    const access = control({ callCredentials: users, domain: { ...testDomain, digestSha256: true } });
    const admission = access.invite(request('INVITE'), OTHER);
    if (admission.kind !== 'challenge') throw new Error(admission.kind);
    expect(admission.values.map((value) => /algorithm=(\S+)/.exec(value)?.[1])).toEqual([undefined, 'SHA-256']);
    const header = credentials({ nonce: nonceOf(access), algorithm: 'SHA-256' });
    expect(access.invite(request('INVITE', [header]), OTHER).kind).toBe('accept');
  });

  test('SHA-256 where it was not offered is challenged again', () => {
    const access = control({ callCredentials: users });
    const header = credentials({ nonce: nonceOf(access), algorithm: 'SHA-256' });
    expect(access.invite(request('INVITE', [header]), OTHER).kind).toBe('challenge');
  });

  test('no two nonces are alike', () => {
    const access = control({ callCredentials: users });
    expect(nonceOf(access)).not.toBe(nonceOf(access));
  });
});

describe('nonces and counts (RFC 7616 3.3, 3.4)', () => {
  const isStale = (admission: ReturnType<Control['invite']>) =>
    admission.kind === 'challenge' && admission.values[0]!.includes('stale=true');

  test('an old nonce with the right digest: a challenge with stale=true [sip 1.2 nonce-reuse]', () => {
    const access = control({ callCredentials: users });
    const nonce = nonceOf(access);
    clock.advance(limits.nonceLifetimeMs + 1);
    expect(isStale(access.invite(request('INVITE', [credentials({ nonce })]), OTHER))).toBe(true);
  });

  test('an old nonce with a wrong digest: a plain challenge, and no failure is counted', () => {
    const access = control({ callCredentials: users });
    const nonce = nonceOf(access);
    clock.advance(limits.nonceLifetimeMs + 1);
    const admission = access.invite(request('INVITE', [credentials({ nonce, password: 'no' })]), OTHER);
    expect([admission.kind, isStale(admission)]).toEqual(['challenge', false]);
  });

  test('a nonce of a former start, with the right digest: stale', () => {
    const nonce = nonceOf(
      createAccessControl({
        directory: directoryOf({
          domain: testDomain,
          account,
          callAcl: null,
          callCredentials: users,
          registrationCredentials: null,
        }),
        config: { domainSuffix: 'sip.localhost', realm: REALM, defaultDomain: undefined, isOwnAddress: () => false },
        clock,
        log: silentLog,
        random: seededRandom(99).bytes,
      }),
    );
    expect(
      isStale(control({ callCredentials: users }).invite(request('INVITE', [credentials({ nonce })]), OTHER)),
    ).toBe(true);
  });

  test.each([
    ['each count once [sip 1.2 nonce-reuse]', ['00000001', '00000001'], [false, true]],
    ['counting up', ['00000001', '00000002', '0000000a'], [false, false, false]],
    ['overtaken by a later one', ['00000001', '00000003', '00000002', '00000002'], [false, false, false, true]],
    ['far behind', ['00000064', '00000001'], [false, true]],
  ])('%s', (_name, counts, stale) => {
    const access = control({ callCredentials: users });
    const nonce = nonceOf(access);
    const got = counts.map((nc) => isStale(access.invite(request('INVITE', [credentials({ nonce, nc })]), OTHER)));
    expect(got).toEqual(stale);
  });

  test('the RFC 2069 form without qop serves once', () => {
    const access = control({ callCredentials: users });
    const header = credentials({ nonce: nonceOf(access), qop: undefined });
    expect(access.invite(request('INVITE', [header]), OTHER).kind).toBe('accept');
    expect(isStale(access.invite(request('INVITE', [header]), OTHER))).toBe(true);
  });

  test('credentials for another realm count as none; the digest-uri only has to be a URI', () => {
    const access = control({ callCredentials: users });
    const nonce = nonceOf(access);
    expect(access.invite(request('INVITE', [credentials({ nonce, realm: 'asterisk' })]), OTHER).kind).toBe('challenge');
    const lenient = credentials({ nonce, uri: 'sip:demo.sip.localhost:5060;transport=udp' });
    expect(access.invite(request('INVITE', [lenient]), OTHER).kind).toBe('accept');
    const broken = credentials({ nonce: nonceOf(access), uri: 'not a uri' });
    expect(access.invite(request('INVITE', [broken]), OTHER).kind).toBe('refuse');
  });

  test('the table of used nonces is bounded by what is forgotten: forgotten nonces are stale, not free again', () => {
    const access = control({ callCredentials: users });
    const first = nonceOf(access);
    expect(access.invite(request('INVITE', [credentials({ nonce: first })]), OTHER).kind).toBe('accept');
    clock.advance(limits.nonceLifetimeMs + 1);
    const second = nonceOf(access);
    access.invite(request('INVITE', [credentials({ nonce: second })]), OTHER);
    expect(access.counts().nonces).toBe(1);
    expect(isStale(access.invite(request('INVITE', [credentials({ nonce: first, nc: '00000002' })]), OTHER))).toBe(
      true,
    );
  });
});

describe('REGISTER (sip-interface.md 3)', () => {
  const register = (access: Control, headers: readonly HeaderField[] = [], user = 'alice') =>
    access.register(request('REGISTER', headers, 'demo.sip.localhost', user), OTHER);

  test('registration switched off: 403 with 32210 [sip 3 switched-off]', () => {
    const access = control({ registrationCredentials: users, domain: { ...testDomain, sipRegistration: false } });
    expect(register(access)).toMatchObject({ status: 403, errorCode: 32210 });
  });

  test('no registration list mapped: 403 with 32212; call lists do not count [sip 3 credentials] [rest 14 registration]', () => {
    expect(register(control({ callCredentials: users }))).toMatchObject({ status: 403, errorCode: 32212 });
  });

  test('challenge, right digest, wrong digest', () => {
    const access = control({ registrationCredentials: users });
    const nonce = nonceOf(access, 'REGISTER');
    const digest = { nonce, method: 'REGISTER', uri: 'sip:demo.sip.localhost' };
    expect(register(access, [credentials(digest)])).toMatchObject({ kind: 'accept', username: 'alice' });
    const wrong = credentials({ ...digest, nonce: nonceOf(access, 'REGISTER'), password: 'no' });
    expect(register(access, [wrong])).toMatchObject({ status: 403, errorCode: 32212 });
  });

  test('the user of To must be the digest user, case included [sip 3 user-name]', () => {
    const access = control({ registrationCredentials: users });
    for (const [user, kind] of [
      ['bob', 'refuse'],
      ['Alice', 'refuse'],
      ['alice', 'accept'],
    ] as const) {
      const digest = { nonce: nonceOf(access, 'REGISTER'), method: 'REGISTER', uri: 'sip:demo.sip.localhost' };
      expect(register(access, [credentials(digest)], user).kind).toBe(kind);
    }
  });

  test('the domain of a REGISTER is that of To, whatever address it was sent to [sip 0 registrar-forms]', () => {
    const access = control({ registrationCredentials: users });
    const sent = request('REGISTER', [], 'demo.sip.localhost');
    for (const host of ['192.0.2.1', 'sip.localhost', 'sip.frankfurt.twilio.com'])
      expect(access.register({ ...sent, uri: makeSipUri({ host }) }, OTHER).kind).toBe('challenge');
    expect(access.register(request('REGISTER', [], '192.0.2.1'), OTHER)).toMatchObject({ status: 403 });
  });

  test('a source outside of the call ACL may register [sip 3 no-acl]', () => {
    expect(register(control({ callAcl: acl, registrationCredentials: users })).kind).toBe('challenge');
  });

  test('a secure domain: 488 over UDP', () => {
    const access = control({ registrationCredentials: users, domain: { ...testDomain, secure: true } });
    expect(register(access)).toMatchObject({ status: 488, errorCode: 32209 });
  });
});

describe('budgets and bans (design.md 9)', () => {
  const fail = (access: Control, source = OTHER, nonceFor = source) => {
    const nonce = nonceOf(access, 'INVITE', nonceFor);
    return access.invite(request('INVITE', [credentials({ nonce, password: 'guess' })]), source);
  };

  test('failed digests lead to a ban, which ends by itself', () => {
    const access = control({ callCredentials: users });
    for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) {
      expect(access.mayTalk(OTHER)).toBe(true);
      fail(access);
      clock.advance(1_000);
    }
    expect(access.mayTalk(OTHER)).toBe(false);
    expect(access.bans.list()).toMatchObject([
      { source: OTHER.remoteAddress, failures: limits.digestFailuresBeforeBan },
    ]);
    clock.advance(limits.banMs);
    expect(access.mayTalk(OTHER)).toBe(true);
    expect(access.bans.list()).toEqual([]);
  });

  test('a nonce that was sent to somebody else proves nothing: no ban for a forged source', () => {
    const access = control({ callCredentials: users });
    for (let guess = 0; guess < 2 * limits.digestFailuresBeforeBan; guess++) {
      fail(access, { remoteAddress: '203.0.113.77', isSecure: false }, OTHER);
      clock.advance(5_000);
    }
    expect(access.bans.list()).toEqual([]);
  });

  test('an authenticated source is neither banned nor limited', () => {
    const access = control({ callCredentials: users });
    access.invite(request('INVITE', [credentials({ nonce: nonceOf(access) })]), OTHER);
    for (let guess = 0; guess < 3 * limits.sourceBudgetBurst; guess++) expect(fail(access).kind).toBe('refuse');
    expect(access.bans.list()).toEqual([]);
    expect(access.mayTalk(OTHER)).toBe(true);
    clock.advance(limits.trustedSourceMs + 1);
    for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) {
      fail(access);
      clock.advance(1_000);
    }
    expect(access.bans.list()).toHaveLength(1);
  });

  test('a listed source stays free even if somebody spent its budget with its forged address', () => {
    const access = control({ callAcl: acl });
    for (let count = 0; count < 3 * limits.sourceBudgetBurst; count++)
      access.invite(request('INVITE', [], 'nowhere.example'), LISTED);
    expect(access.mayTalk(LISTED)).toBe(true);
    expect(access.invite(request('INVITE'), LISTED).kind).toBe('accept');
  });

  test('clear lifts one ban or all', () => {
    const access = control({ callCredentials: users });
    const sources = ['203.0.113.1', '203.0.113.2', '203.0.113.3'].map((remoteAddress) => ({
      remoteAddress,
      isSecure: false,
    }));
    for (const source of sources)
      for (let guess = 0; guess < limits.digestFailuresBeforeBan; guess++) fail(access, source);
    expect(access.bans.clear('203.0.113.2')).toBe(1);
    expect(access.bans.list().map((ban) => ban.source)).toEqual(['203.0.113.1', '203.0.113.3']);
    expect(access.bans.clear()).toBe(2);
    expect(access.counts().bans).toBe(0);
  });

  test('an IPv6 /64 has one budget', () => {
    const access = control();
    for (let host = 0; host < limits.sourceBudgetBurst; host++)
      access.spend({ remoteAddress: `2001:db8:1:2::${host.toString(16)}`, isSecure: false });
    expect(access.mayTalk({ remoteAddress: '2001:db8:1:2:ffff::1', isSecure: false })).toBe(false);
    expect(access.mayTalk({ remoteAddress: '2001:db8:1:3::1', isSecure: false })).toBe(true);
  });
});

describe('sources that are mapped to a domain (sip-interface.md 7)', () => {
  test('[sip 7 source-mapping] the host does not matter and the ACL is not used [sip 1.2 source-mapping]', () => {
    const access = control({ callAcl: acl });
    for (const host of ['demo.sip.localhost', '198.51.100.1', 'somewhere.example.com'])
      expect(access.invite(request('INVITE', [], host), MAPPED)).toMatchObject({ kind: 'accept', domain: testDomain });
    expect(access.invite(request('INVITE'), OTHER)).toMatchObject({ kind: 'refuse', errorCode: 32201 });
  });

  test('[sip 7 source-mapping] a domain without ACL and credentials admits its mapped source and nobody else', () => {
    const access = control();
    expect(access.invite(request('INVITE'), MAPPED)).toMatchObject({ kind: 'accept' });
    expect(access.invite(request('INVITE'), LISTED)).toMatchObject({ kind: 'refuse', status: 403 });
  });

  test('[sip 7 source-mapping] credentials of the domain are still asked for', () => {
    expect(control({ callCredentials: users }).invite(request('INVITE'), MAPPED)).toMatchObject({ kind: 'challenge' });
  });

  test('[sip 7 source-mapping] the source has no budget', () => {
    const access = control({ callCredentials: users });
    for (let count = 0; count < 3 * limits.sourceBudgetBurst; count++)
      expect(access.invite(request('INVITE'), MAPPED)).toMatchObject({ kind: 'challenge' });
  });
});

describe('carriers that we registered with', () => {
  const carriers = {
    domainOfContact: (user: string, address: string) =>
      user === 'token' && address === OTHER.remoteAddress ? testDomain.sid : undefined,
    isCarrier: (address: string) => address === OTHER.remoteAddress,
  };
  const toContact = (user: string) => ({
    ...request('INVITE', [], '198.51.100.1'),
    uri: makeSipUri({ user, host: '198.51.100.1' }),
  });

  test('[sip 7 registered-contact] a call to our Contact from the carrier needs no password', () => {
    const access = control({ callCredentials: users }, { carriers });
    expect(access.invite(toContact('token'), OTHER)).toMatchObject({ kind: 'accept', domain: testDomain });
  });

  test('[sip 7 registered-contact] the same Contact from elsewhere, or another user from the carrier, is a stranger', () => {
    const access = control({ callCredentials: users }, { carriers });
    expect(access.invite(toContact('token'), LISTED)).toMatchObject({ kind: 'refuse', status: 403 });
    expect(access.invite(toContact('other'), OTHER)).toMatchObject({ kind: 'refuse', status: 403 });
  });
});
