// Our registration with a carrier on the wire (RFC 3261 10.2), and OPTIONS to see whether one answers (11.1).

import { describe, expect, test } from 'vitest';
import type { CredentialLookup, DomainAccess } from '../../../src/access/directory.ts';
import { limits } from '../../../src/base/limits.ts';
import { ha1 } from '../../../src/sip/grammar/digest.ts';
import type { Request } from '../../../src/sip/grammar/message.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import type { ClientRegistration } from '../../../src/sip/ua/ua.ts';
import { openAccess, sipWorld, type World } from '../../support/sip-world.ts';

const PASSWORD = 'Correct horse 1';
const REALM = openAccess.domain.realm;
const hash = (algorithm: 'MD5' | 'SHA-256') => ha1({ algorithm, username: 'trunk', realm: REALM, password: PASSWORD });
const users: CredentialLookup = (username) =>
  username === 'trunk' ? [{ realm: REALM, md5: hash('MD5'), sha256: hash('SHA-256') }] : [];
const withUsers: DomainAccess = { ...openAccess, registrationCredentials: users };
const HOST = openAccess.domain.domainName;

const requestOf = (password = PASSWORD, expiresSeconds = 600) => ({
  registrar: makeSipUri({ host: HOST }),
  aor: makeSipUri({ user: 'trunk', host: HOST }),
  contactUser: 'contact-token',
  credentials: { username: 'trunk', password },
  expiresSeconds,
});

/** Waits on the virtual clock. */
async function stopped(world: World, registration: ClientRegistration): Promise<void> {
  const done = registration.stop();
  await world.pass(limits.uaStopMs);
  await done;
}

/** A gateway that registers with another gateway. */
async function twoGateways(password = PASSWORD) {
  const world = sipWorld();
  const carrier = await world.gateway('carrier', withUsers);
  const pbx = await world.gateway('pbx');
  world.names.set(HOST, [carrier.address]);
  const registration = pbx.ua.register(requestOf(password));
  await world.pass(1_000);
  return { world, carrier, pbx, registration };
}

/** A gateway that registers with a peer that does as the test says. */
async function withPeer(
  react: (request: Request) => readonly [status: number, headers?: [string, string][]] | undefined,
) {
  const world = sipWorld();
  const pbx = await world.gateway('pbx');
  const carrier = world.phone('carrier');
  carrier.knows(pbx.address, 'pbx');
  carrier.react = (message) => {
    const answer = message.kind === 'request' ? react(message) : undefined;
    if (answer && message.kind === 'request')
      carrier.answer(message, answer[0], { headers: (answer[1] ?? []).map(([name, value]) => ({ name, value })) });
    return answer !== undefined;
  };
  world.names.set(HOST, [carrier.address]);
  return { world, pbx, carrier };
}

describe('registration with a carrier (RFC 3261 10.2)', () => {
  test('[sip 7 register] digest, then registered; the carrier’s call comes to our Contact', async () => {
    const { world, carrier, pbx, registration } = await twoGateways();
    expect([registration.state, registration.status]).toEqual(['registered', 200]);
    expect(registration.addresses).toEqual([carrier.address]);
    const [binding] = carrier.ua.bindingsOf('trunk', HOST);
    expect(binding?.contact).toContain('sip:contact-token@');
    carrier.ua.invite({
      target: { kind: 'binding', binding: binding! },
      from: { displayName: undefined, user: '+4989777', host: HOST },
      sdp: 'v=0\r\n',
      headers: [],
      credentials: undefined,
      maxForwards: 70,
    });
    await world.pass(1_000);
    expect(pbx.invites.map((invite) => invite.request.uri)).toMatchObject([{ user: 'contact-token' }]);
    await stopped(world, registration);
  });

  test('[sip 7 register-refresh] refreshed at half time, as long as it runs', async () => {
    const { world, carrier, registration } = await twoGateways();
    const before = carrier.ua.bindingsOf('trunk', HOST)[0]!.expiresAt;
    await world.pass(300_000);
    const renewed = carrier.ua.bindingsOf('trunk', HOST)[0]!.expiresAt - before;
    expect([renewed >= 300_000, renewed < 301_000]).toEqual([true, true]);
    await world.pass(3_600_000);
    expect(carrier.ua.bindingsOf('trunk', HOST)).toHaveLength(1);
    await stopped(world, registration);
  });

  test('[sip 7 register-stop] stopped: unregistered', async () => {
    const { world, carrier, registration } = await twoGateways();
    await stopped(world, registration);
    expect(carrier.ua.bindingsOf('trunk', HOST)).toEqual([]);
    await world.pass(3_600_000);
    expect(carrier.ua.bindingsOf('trunk', HOST)).toEqual([]);
  });

  test('[sip 7 register-denied] a wrong password is sent once per attempt, attempts become rare', async () => {
    const { world, carrier, registration } = await twoGateways('wrong');
    expect(registration).toMatchObject({ state: 'failed', status: 403 });
    expect(carrier.ua.bindingsOf('trunk', HOST)).toEqual([]);
    await stopped(world, registration);
  });

  test('[sip 7 register-interval] 423: once more with Min-Expires, kept from then on', async () => {
    const asked: (string | undefined)[] = [];
    const { world, pbx } = await withPeer((request) => {
      const wanted = request.headers.get('expires');
      asked.push(wanted);
      if (Number(wanted) < 1_800) return [423, [['Min-Expires', '1800']]];
      return [200, [['Contact', '<sip:contact-token@192.0.2.9>;expires=1800']]];
    });
    const registration = pbx.ua.register(requestOf());
    await world.pass(1_000);
    expect([asked, registration.state]).toEqual([['600', '1800'], 'registered']);
    await world.pass(900_000);
    expect(asked).toEqual(['600', '1800', '1800']);
    await stopped(world, registration);
  });

  test('[sip 7 register-backoff] a carrier that fails is asked less and less often, and found when it is back', async () => {
    let isBack = false;
    const times: number[] = [];
    const { world, pbx } = await withPeer(() => {
      times.push(world.clock.now());
      return isBack ? [200] : [500];
    });
    const registration = pbx.ua.register(requestOf());
    await world.pass(2 * 3_600_000);
    const waits = times.slice(1).map((time, index) => time - times[index]!);
    expect(waits.length).toBeGreaterThan(6);
    expect(waits[0]).toBeLessThan(1.21 * limits.registrationRetryMinMs);
    expect(Math.max(...waits)).toBeLessThan(1.21 * limits.registrationRetryMaxMs);
    expect(waits.at(-1)).toBeGreaterThan(10 * waits[0]!);
    isBack = true;
    await world.pass(2_400_000);
    expect(registration.state).toBe('registered');
    await stopped(world, registration);
  });

  test('a carrier that grants a second is not asked every half second', async () => {
    let count = 0;
    const { world, pbx } = await withPeer(() => {
      count++;
      return [200, [['Expires', '1']]];
    });
    const registration = pbx.ua.register(requestOf());
    await world.pass(60_000);
    expect(count).toBeLessThanOrEqual(5);
    await stopped(world, registration);
  });

  test('a name that leads nowhere: failed, and stop does not wait', async () => {
    const world = sipWorld();
    const pbx = await world.gateway('pbx');
    const registration = pbx.ua.register(requestOf());
    await world.pass(1_000);
    expect(registration).toMatchObject({ state: 'failed', status: 503, addresses: [] });
    await stopped(world, registration);
    expect(pbx.transactions.counts()).toMatchObject({ nonInviteClient: 0 });
  });
});

describe('OPTIONS to a carrier', () => {
  test.each([
    [200, true],
    [401, true],
    [404, true],
    [405, true],
    [500, true],
    [503, false],
  ])('[sip 7 probe] %s: %s', async (status, isAlive) => {
    const { world, pbx } = await withPeer(() => [status]);
    const answered = pbx.ua.ping(makeSipUri({ host: HOST }), 4_000);
    await world.pass(100);
    expect(await answered).toBe(isAlive);
  });

  test('[sip 7 probe] silence, and a name that leads nowhere', async () => {
    const { world, pbx } = await withPeer(() => undefined);
    const silent = pbx.ua.ping(makeSipUri({ host: HOST }), 4_000);
    const nowhere = pbx.ua.ping(makeSipUri({ host: 'nowhere.example' }), 4_000);
    await world.pass(4_000);
    expect([await silent, await nowhere]).toEqual([false, false]);
    await world.pass(64_000);
    expect(pbx.transactions.counts()).toMatchObject({ nonInviteClient: 0 });
  });
});
