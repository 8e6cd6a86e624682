// The whole gateway on PostgreSQL (design.md 7, 8): registrations, calls and REST over real sockets, a server that goes away in the
// middle of a call, two gateways on one database.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASE_PASSWORD, PostgresServer } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, Inbox, PASSWORD, type World, world } from '../../support/world.ts';

const SECRET_KEY = '5a'.repeat(32);
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
}, 60_000);
afterAll(() => server.dispose(), 60_000);

const onDatabase = (database: string): Promise<World> =>
  world({ logLevel: 'trace', settings: { databaseUrl: server.url(database), secretKey: SECRET_KEY } });

async function readiness(w: World): Promise<{ readonly status: number; readonly body: unknown }> {
  const answer = await fetch(`${w.gateway.info.apiUrl}/readyz`);
  return { status: answer.status, body: await answer.json() };
}

const untilReady = (w: World, status: number): Promise<boolean> =>
  until(
    async () => (await readiness(w)).status === status,
    DEADLINE_MS,
    () => `/readyz gives ${status}`,
  );

interface ShownCall {
  readonly sid: string;
  readonly status: string;
  readonly direction: string;
}

const calls = async (w: World): Promise<readonly ShownCall[]> =>
  (await w.rest('/Calls.json')).body.calls as readonly ShownCall[];

async function registered(w: World): Promise<readonly string[]> {
  const [domain] = (await w.rest('/SIP/Domains.json')).body.domains as readonly { readonly sid: string }[];
  const { body } = await w.rest(`/SIP/Domains/${domain!.sid}/Registrations.json`);
  return (body.registrations as readonly { readonly aor: string }[]).map(({ aor }) => aor).sort();
}

describe('a gateway on PostgreSQL', () => {
  test('registers, calls, answers REST, and has its records after a restart; the password is in no log', async () => {
    const w = await onDatabase(await server.newDatabase());
    w.answers('<Dial action="/after"><Sip>sip:bob@office.sip.localhost</Sip></Dial>');
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const inbox = new Inbox(await w.phone('bob'), 'bob');
    const caller = dials(alice, w.uri('1000'));
    await expectEvent(alice, caller, 'answered');
    const callee = await inbox.next('answer');
    callee.leg.hangUp();
    const { params } = await w.asked('/after');
    await expectEvent(alice, caller, 'ended');
    await w.isIdle();
    const before = await calls(w);
    expect(before.map(({ status, direction }) => `${direction} ${status}`).sort()).toEqual([
      'inbound completed',
      'outbound-dial completed',
    ]);
    expect(before.map(({ sid }) => sid)).toContain(params.CallSid);
    const made = await w.rest('/SIP/CredentialLists.json', { FriendlyName: 'made over REST' });
    expect(made.status).toBe(201);
    await w.restart();
    expect(await calls(w)).toEqual(before);
    expect(await registered(w)).toEqual(['alice@office.sip.localhost', 'bob@office.sip.localhost']);
    expect((await w.rest(`/SIP/CredentialLists/${made.body.sid}.json`)).status).toBe(200);
    expect(w.log.length).toBeGreaterThan(0);
    expect(w.log.join('\n')).not.toContain(DATABASE_PASSWORD);
  });

  test('the server stops in the middle of a call: the call goes on, readiness says so, and the records are written later', async () => {
    const w = await onDatabase(await server.newDatabase());
    w.answers('<Gather numDigits="1" timeout="8" action="/digits"/>');
    w.answers('<Dial action="/after"><Sip>sip:bob@office.sip.localhost</Sip></Dial>', '/digits');
    w.answers('<Hangup/>', '/after');
    const alice = await w.phone('alice');
    const bob = await w.phone('bob');
    const inbox = new Inbox(bob, 'bob');
    const caller = dials(alice, w.uri('1000'));
    await expectEvent(alice, caller, 'answered');
    expect(await readiness(w)).toEqual({ status: 200, body: { ready: true } });

    await server.halt();
    await untilReady(w, 503);
    expect((await readiness(w)).body).toEqual({ ready: false, reason: 'the database does not answer' });
    // Digits, the next document, a second leg, its end: all without the database.
    await caller.play([{ kind: 'digits', digits: '5' }], DEADLINE_MS);
    expect((await w.asked('/digits')).params.Digits).toBe('5');
    const callee = await inbox.next('answer');
    callee.leg.hangUp();
    expect((await w.asked('/after')).params.DialCallStatus).toBe('completed');
    await expectEvent(alice, caller, 'ended');
    expect(await bob.register()).toBe(503);
    expect((await w.rest('/Calls.json')).status).toBe(503);

    await server.run();
    await untilReady(w, 200);
    expect((await calls(w)).map(({ status, direction }) => `${direction} ${status}`).sort()).toEqual([
      'inbound completed',
      'outbound-dial completed',
    ]);
    expect(await bob.register()).toBe(200);
    await w.isIdle();
    expect(w.log.join('\n')).not.toContain(DATABASE_PASSWORD);
  });

  test('two gateways on one database: what one is told over REST counts at the other', async () => {
    const database = await server.newDatabase();
    const [one, two] = [await onDatabase(database), await onDatabase(database)];
    const lists = (await one.rest('/SIP/CredentialLists.json')).body.credential_lists as readonly { sid: string }[];
    const made = await one.rest(`/SIP/CredentialLists/${lists[0]!.sid}/Credentials.json`, {
      Username: 'dora',
      Password: 'Sesame-Open-12345',
    });
    expect(made.status).toBe(201);
    const dora = await two.phone('dora', { password: 'Sesame-Open-12345', registered: false });
    await until(
      async () => (await dora.register()) === 200,
      DEADLINE_MS,
      () => 'dora is known at the other gateway',
    );
    expect(await registered(two)).toEqual(['dora@office.sip.localhost']);
    expect((await two.rest(`/SIP/CredentialLists/${lists[0]!.sid}.json`)).status).toBe(200);
    expect(PASSWORD).not.toBe('Sesame-Open-12345');
  });
});
