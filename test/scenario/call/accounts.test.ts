// Subaccounts that call and are called, and what suspending one does to its calls; calls per second (rest-api.md 2, 20).

import { expect, test } from 'vitest';
import { until } from '../../support/until.ts';
import {
  ACCOUNT_SID,
  AUTH_TOKEN,
  DEADLINE_MS,
  dials,
  expectEvent,
  Inbox,
  type World,
  world,
} from '../../support/world.ts';

interface Client {
  readonly sid: string;
  readonly token: string;
}
const root: Client = { sid: ACCOUNT_SID, token: AUTH_TOKEN };

/** A request of `client` below `/2010-04-01`. */
async function asks(w: World, client: Client, path: string, form?: Readonly<Record<string, string>>) {
  const response = await fetch(`${w.gateway.info.apiUrl}/2010-04-01/${path}`, {
    headers: { Authorization: `Basic ${Buffer.from(`${client.sid}:${client.token}`).toString('base64')}` },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
  return { status: response.status, body: (await response.json()) as Readonly<Record<string, unknown>> };
}

/** A subaccount with a domain that takes calls from this machine. */
async function subaccount(w: World): Promise<Client> {
  const { body } = await asks(w, root, 'Accounts.json', { FriendlyName: 'Branch' });
  const client = { sid: String(body.sid), token: String(body.auth_token) };
  const below = `Accounts/${client.sid}/SIP`;
  const acl = await asks(w, client, `${below}/IpAccessControlLists.json`, { FriendlyName: 'here' });
  const aclSid = String(acl.body.sid);
  await asks(w, client, `${below}/IpAccessControlLists/${aclSid}/IpAddresses.json`, {
    FriendlyName: 'a',
    IpAddress: '127.0.0.1',
  });
  const domain = await asks(w, client, `${below}/Domains.json`, {
    DomainName: 'branch.sip.localhost',
    VoiceUrl: w.app.url('/voice'),
  });
  const mappings = `${below}/Domains/${String(domain.body.sid)}/Auth/Calls/IpAccessControlListMappings.json`;
  expect((await asks(w, client, mappings, { IpAccessControlListSid: aclSid })).status).toBe(201);
  return client;
}

const suspend = (w: World, { sid }: Client) => asks(w, root, `Accounts/${sid}.json`, { Status: 'suspended' });

const codesOf = async (w: World, { sid }: Client): Promise<unknown[]> => {
  const { body } = await asks(w, root, `Accounts/${sid}.json`, { Status: 'active' });
  expect(body.status).toBe('active');
  const listed = await asks(w, root, `Accounts/${sid}/Notifications.json`);
  return (listed.body.notifications as { error_code: string }[]).map((one) => one.error_code);
};

test('a call to the domain of a subaccount is its own; suspended, it is refused with 603, and 10003 stays [rest 2 suspended-calls] [twiml 14 account]', async () => {
  const w = await world();
  w.answers('<Hangup/>');
  const branch = await subaccount(w);
  const alice = await w.phone('alice');
  await expectEvent(alice, dials(alice, 'sip:1000@branch.sip.localhost'), 'ended');
  expect((await w.asked('/voice')).params.AccountSid).toBe(branch.sid);
  const listed = await asks(w, root, `Accounts/${branch.sid}/Calls.json`);
  expect(listed.body.calls).toMatchObject([{ account_sid: branch.sid }]);
  expect((await asks(w, root, `Accounts/${ACCOUNT_SID}/Calls.json`)).body.calls).toEqual([]);
  expect((await suspend(w, branch)).body.status).toBe('suspended');
  const refused = await expectEvent(alice, dials(alice, 'sip:1000@branch.sip.localhost'), 'failed');
  expect(refused.status).toBe(603);
  const form = { To: 'sip:bob@127.0.0.1', From: 'branch', Twiml: '<Response/>' };
  for (const client of [branch, root])
    expect(await asks(w, client, `Accounts/${branch.sid}/Calls.json`, form)).toMatchObject({
      status: 403,
      body: { code: 20005 },
    });
  expect(await codesOf(w, branch)).toContain('10003');
  await w.isIdle();
});

test('calls per second: the second call waits its turn, then rings; one whose account is suspended meanwhile fails with 10001 [rest 20 cps-queue]', async () => {
  const w = await world({ settings: { callsPerSecond: 1 } });
  const branch = await subaccount(w);
  const bob = await w.phone('bob', { registered: false });
  const inbox = new Inbox(bob, 'bob');
  const create = async () => {
    const To = `sip:bob@127.0.0.1:${bob.port}`;
    const form = { To, From: 'branch', Twiml: '<Response><Pause length="60"/></Response>' };
    const made = await asks(w, branch, `Accounts/${branch.sid}/Calls.json`, form);
    expect(made).toMatchObject({ status: 201, body: { status: 'queued' } });
    return made.body;
  };
  const status = async (sid: unknown) =>
    (await asks(w, root, `Accounts/${branch.sid}/Calls/${String(sid)}.json`)).body.status;
  const [first, second, third, fourth] = [await create(), await create(), await create(), await create()];
  const waits = [first, second, third, fourth].map((call) => Number(call.queue_time));
  expect(waits[0]).toBe(0);
  for (const [index, waitMs] of waits.slice(1).entries()) {
    expect(waitMs).toBeGreaterThan(index * 1_000);
    expect(waitMs).toBeLessThanOrEqual((index + 1) * 1_000);
  }
  const canceled = await asks(w, branch, `Accounts/${branch.sid}/Calls/${String(third.sid)}.json`, {
    Status: 'canceled',
  });
  expect(canceled).toMatchObject({ status: 200, body: { status: 'canceled', start_time: null } });
  (await inbox.next('answer')).leg.hangUp();
  (await inbox.next('answer')).leg.hangUp();
  await suspend(w, branch);
  await until(
    () => w.log.some((line) => line.includes('"errorCode":10001')),
    DEADLINE_MS,
    () => 'the fourth call to fail',
  );
  expect(await codesOf(w, branch)).toContain('10001');
  expect([await status(second.sid), await status(fourth.sid)]).toEqual(['completed', 'failed']);
  await w.isIdle();
});

test('an application answers a call over REST, and its sid is in every request [rest 13 application-sid] [twiml 3.1 application-sid]', async () => {
  const w = await world();
  w.app.on('/of-application', () => ({
    headers: { 'Content-Type': 'text/xml' },
    body: '<Response><Hangup/></Response>',
  }));
  w.app.on('/told', { status: 204 });
  const application = await w.rest('/Applications.json', {
    VoiceUrl: w.app.url('/of-application'),
    VoiceMethod: 'GET',
    StatusCallback: w.app.url('/told'),
  });
  const ApplicationSid = String(application.body.sid);
  const bob = await w.phone('bob');
  const inbox = new Inbox(bob, 'bob');
  expect((await w.rest('/Calls.json', { To: 'client:bob', From: 'desk', ApplicationSid })).status).toBe(201);
  await inbox.next('answer');
  expect((await w.asked('/of-application')).query.get('ApplicationSid')).toBe(ApplicationSid);
  expect((await w.asked('/told')).params).toMatchObject({ ApplicationSid, CallStatus: 'completed' });
  await w.isIdle();
});
