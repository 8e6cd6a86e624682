// Registrations as the operator sees them, and what becomes of those whose connection is gone (sip-interface.md 3, design.md 5.3).

import { expect, onTestFinished, test } from 'vitest';
import { registerOverTcp } from '../../support/tcp-registrant.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, Inbox, PASSWORD, type World, world } from '../../support/world.ts';

interface Shown {
  readonly aor: string;
  readonly contact: string;
  readonly transport: string;
  readonly date_expires: string;
}

async function registrations(w: World): Promise<readonly Shown[]> {
  const domains = await w.rest('/SIP/Domains.json');
  const [domain] = domains.body.domains as readonly { readonly sid: string }[];
  const answer = await w.rest(`/SIP/Domains/${domain!.sid}/Registrations.json`);
  expect(answer.status).toBe(200);
  return answer.body.registrations as readonly Shown[];
}

test('[sip 3 registrations-list] who is registered is shown over REST; who went is not', async () => {
  const w = await world();
  const alice = await w.phone('alice');
  await w.phone('bob', { transport: 'tcp' });
  const shown = await registrations(w);
  expect(shown.map(({ aor, transport }) => [aor, transport]).sort()).toEqual([
    ['alice@office.sip.localhost', 'udp'],
    ['bob@office.sip.localhost', 'tcp'],
  ]);
  expect(Date.parse(shown[0]!.date_expires)).toBeGreaterThan(Date.now());
  await alice.register(0);
  expect((await registrations(w)).map(({ aor }) => aor)).toEqual(['bob@office.sip.localhost']);
});

test('[sip 3 registrations-pages] more than a page holds is walked by next_page_uri; a token that is none is refused', async () => {
  const w = await world();
  for (const user of ['alice', 'bob', 'bob', 'carol']) await w.phone(user);
  const domains = await w.rest('/SIP/Domains.json');
  const [domain] = domains.body.domains as readonly { readonly sid: string }[];
  const first = `/SIP/Domains/${domain!.sid}/Registrations.json`;
  const pages: string[][] = [];
  let path: string | null = `${first}?PageSize=3`;
  while (path !== null) {
    const { body }: { body: Readonly<Record<string, unknown>> } = await w.rest(path);
    pages.push((body.registrations as Shown[]).map(({ aor }) => aor.split('@')[0]!));
    expect([body.page, body.page_size]).toEqual([pages.length - 1, 3]);
    path = (body.next_page_uri as string | null)?.replace(/^.*?(?=\/SIP)/, '') ?? null;
  }
  expect(pages).toEqual([['alice', 'bob', 'bob'], ['carol']]);
  for (const token of ['x', 'PR1', 'PR1.1.!', `PA${'0'.repeat(34)}`])
    expect(await w.rest(`${first}?PageToken=${token}`)).toMatchObject({ status: 400, body: { code: 21481 } });
});

test('[sip 3 registration-log] registering and going are log lines', async () => {
  const w = await world({ logLevel: 'info' });
  const alice = await w.phone('alice');
  await alice.register(0);
  const events = w.log.filter((line) => line.includes('"msg":"registration"')).map((line) => JSON.parse(line).event);
  expect(events).toEqual(['registered', 'unregistered']);
});

const natted = (w: World) =>
  registerOverTcp({ port: w.port('tcp'), user: 'bob', password: PASSWORD, domain: 'office.sip.localhost' });

test('[sip 3 flow-lost] a connection that dies unregisters at once, and counts again when the phone reconnects', async () => {
  const w = await world({ logLevel: 'info' });
  const first = await natted(w);
  expect(await registrations(w)).toHaveLength(1);
  first.socket.destroy();
  await until(
    async () => (await registrations(w)).length === 0,
    DEADLINE_MS,
    () => 'bob is still shown',
  );
  await until(
    () => w.log.some((line) => line.includes('"event":"flowLost"')),
    DEADLINE_MS,
    () => w.log.join(''),
  );
  // A call fails at once, it does not wait for a connection that is no more (32009).
  w.answers('<Dial action="/after"><Client>bob</Client></Dial>');
  w.answers('<Hangup/>', '/after');
  const alice = await w.phone('alice');
  dials(alice, w.uri('1000'));
  expect((await w.asked('/after')).params.DialCallStatus).toBe('failed');
  const second = await natted(w);
  onTestFinished(() => void second.socket.destroy());
  expect(await registrations(w)).toHaveLength(2);
  dials(alice, w.uri('1000'));
  await until(
    () => second.received().includes('INVITE sip:bob@'),
    DEADLINE_MS,
    () => second.received(),
  );
});

test('[sip 3 path] the Path of a REGISTER is the Route of calls to the phone (RFC 3327)', async () => {
  const w = await world();
  const options = { port: w.port('tcp'), user: 'bob', password: PASSWORD, domain: 'office.sip.localhost' };
  const path = '<sip:edge.example.com;lr>, <sip:inner.example.com;lr>';
  const phone = await registerOverTcp({ ...options, headers: [`Path: ${path}`] });
  onTestFinished(() => void phone.socket.destroy());
  expect(phone.received()).toMatch(/^Path: <sip:edge\.example\.com;lr>/m);
  w.answers('<Dial><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  dials(alice, w.uri('1000'));
  await until(
    () => phone.received().includes('INVITE sip:bob@'),
    DEADLINE_MS,
    () => phone.received(),
  );
  const routes = [...phone.received().matchAll(/^Route: (.*)\r$/gm)].flatMap(([, value]) => value!.split(/,\s*/));
  expect(routes).toEqual(['<sip:edge.example.com;lr>', '<sip:inner.example.com;lr>']);
});

test('[sip 3 dead-binding] a phone that went silently does not delay the one that is there', async () => {
  const w = await world();
  const gone = await w.phone('bob');
  const bob = await w.phone('bob');
  // Without unregistering: its UDP binding stands until it expires.
  await gone.stop();
  w.answers('<Dial><Client>bob</Client></Dial>');
  const alice = await w.phone('alice');
  const inbox = new Inbox(bob, 'bob');
  const call = dials(alice, w.uri('1000'));
  const callee = await inbox.next('ring');
  // The INVITE to the dead address still waits for its answer.
  const { transactions } = w.gateway.counts() as { transactions: { inviteClient: number } };
  expect(transactions.inviteClient).toBe(2);
  await callee.leg.answer();
  await expectEvent(alice, call, 'answered');
  callee.leg.hangUp();
  await w.isIdle();
});
