// The gateway as a process of its own on PostgreSQL: killed and started again, refused by the server, its settings printed.

import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { Phone } from '../../../src/demo/phone.ts';
import { GatewayProcess } from '../../support/gateway-process.ts';
import { freePorts } from '../../support/ports.ts';
import { DATABASE_PASSWORD, PostgresServer } from '../../support/postgres.ts';
import { until } from '../../support/until.ts';
import { place, run } from '../cli/kit.ts';

const DEADLINE_MS = 15_000;
const PASSWORD = 'Correct-Horse-9';
const DOMAIN = 'office.sip.localhost';
let server: PostgresServer;
beforeAll(async () => {
  server = await PostgresServer.start();
}, 60_000);
afterAll(() => server.dispose(), 60_000);

async function phoneOf(gateway: GatewayProcess, user: string): Promise<Phone> {
  const first = await freePorts(4);
  const phone = await Phone.start({
    address: '127.0.0.1',
    port: 0,
    user,
    password: PASSWORD,
    domain: DOMAIN,
    proxy: { transport: 'udp', address: '127.0.0.1', port: gateway.ports.sip, serverName: '127.0.0.1' },
    mediaPorts: { first, last: first + 3 },
    tls: null,
    trustedRoot: null,
    secureMedia: false,
    clock: realClock,
    random: cryptoRandom,
    log: silentLog,
  });
  if (!phone.ok) throw new Error(phone.error);
  onTestFinished(() => phone.value.stop());
  return phone.value;
}

async function rest(gateway: GatewayProcess, path: string): Promise<Readonly<Record<string, unknown>>> {
  const credentials = Buffer.from(`${gateway.accountSid}:${gateway.authToken}`).toString('base64');
  const answer = await fetch(`${gateway.httpOrigin}/2010-04-01/Accounts/${gateway.accountSid}${path}`, {
    headers: { Authorization: `Basic ${credentials}` },
  });
  return (await answer.json()) as Readonly<Record<string, unknown>>;
}

const calls = async (gateway: GatewayProcess) =>
  (await rest(gateway, '/Calls.json')).calls as readonly { readonly sid: string; readonly status: string }[];

test('killed in the middle of a call: a confirmed registration is there after the start, the call is closed', async () => {
  const gateway = await GatewayProcess.start({
    credentialLists: [{ name: 'users', users: [{ username: 'alice', password: PASSWORD }] }],
    domains: [
      {
        name: DOMAIN,
        twiml: '<Response><Gather timeout="60"/></Response>',
        sipRegistration: true,
        credentialLists: ['users'],
        registrationCredentialLists: ['users'],
      },
    ],
    environment: { HOOKSWITCH_DATABASE_URL: server.url(await server.newDatabase()) },
  });
  onTestFinished(() => gateway.dispose());
  const alice = await phoneOf(gateway, 'alice');
  expect(await alice.register()).toBe(200);
  const dialled = alice.dial(`sip:1000@${DOMAIN}`, []);
  if (!dialled.ok) throw new Error(dialled.error);
  expect(await dialled.value.waitFor(DEADLINE_MS, 'answered')).toBeDefined();
  await until(
    async () => (await calls(gateway))[0]?.status === 'in-progress',
    DEADLINE_MS,
    () => 'the call is in the records',
  );
  const [before] = await calls(gateway);
  await gateway.kill9();
  await gateway.restart();
  expect(await calls(gateway)).toEqual([{ ...before, ...(await rest(gateway, `/Calls/${before!.sid}.json`)) }]);
  expect((await calls(gateway))[0]?.status).toBe('completed');
  const domains = (await rest(gateway, '/SIP/Domains.json')).domains as readonly { readonly sid: string }[];
  const { registrations } = await rest(gateway, `/SIP/Domains/${domains[0]!.sid}/Registrations.json`);
  expect(registrations).toMatchObject([{ aor: `alice@${DOMAIN}` }]);
  await gateway.logs('calls of an earlier run had no end');
  expect(gateway.logText).not.toContain(DATABASE_PASSWORD);
});

test('a server that refuses is one clear line and exit code 1; the password is in no line', async () => {
  const at = await place('<Response/>');
  const environment = { HOOKSWITCH_DATABASE_URL: server.url('postgres', 'planted-wrong-password') };
  const refused = await run(['serve', ...at.config], { folder: at.folder, environment });
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toMatch(
    /^Hookswitch cannot start: database postgres at 127\.0\.0\.1:\d+: password authentication failed[^\n]*\n$/,
  );
  const printed = await run(['serve', ...at.config, '--print-config'], { folder: at.folder, environment });
  expect(printed.exitCode).toBe(0);
  expect(printed.stdout).toContain('"databaseUrl": "[hidden]"');
  const wrong = await run(['serve', ...at.config], {
    folder: at.folder,
    environment: { HOOKSWITCH_DATABASE_URL: 'mysql://u:planted-wrong-password@h/d' },
  });
  expect(wrong.exitCode).toBe(2);
  expect(wrong.stderr).toContain('HOOKSWITCH_DATABASE_URL');
  for (const { stdout, stderr } of [refused, printed, wrong]) expect(stdout + stderr).not.toContain('planted-wrong');
});
