// Two user agents over real UDP and TCP sockets on loopback: a call, re-INVITE, INFO, BYE, and a port where nobody listens.

import { afterEach, expect, test } from 'vitest';
import { createAccessControl } from '../../../src/access/access-control.ts';
import { realClock } from '../../../src/base/clock.ts';
import { cryptoRandom } from '../../../src/base/ids.ts';
import { silentLog } from '../../../src/base/log.ts';
import { err } from '../../../src/base/result.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { createTransactionLayer } from '../../../src/sip/transaction/layer.ts';
import { createTransport } from '../../../src/sip/transport/layer.ts';
import type { Flow } from '../../../src/sip/transport/transport.ts';
import { createUserAgent } from '../../../src/sip/ua/stack.ts';
import type { IncomingInvite, InviteSession, SessionEvent } from '../../../src/sip/ua/ua.ts';
import { directoryOf, MemoryBindingStore, openAccess } from '../../support/sip-world.ts';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function endpoint(nodeId: string) {
  const transport = createTransport({
    sipListen: [{ address: '127.0.0.1', port: 0 }],
    sipsListen: [],
    publicAddress: null,
    localNetworks: null,
    ownNames: [],
    tls: null,
    outgoingTls: { verify: false, ca: null },
    clock: realClock,
    log: silentLog,
    random: cryptoRandom,
  });
  const base = { clock: realClock, log: silentLog, random: cryptoRandom };
  const transactions = createTransactionLayer<Flow>({ sender: transport, ...base });
  const nothing = async () => err({ code: 'notFound', detail: 'no names here' });
  const ua = createUserAgent({
    transport,
    transactions,
    resolver: { addresses: nothing, srv: nothing, naptr: nothing },
    access: createAccessControl({
      directory: directoryOf({ ...openAccess, callAcl: [{ ipAddress: '127.0.0.1', cidrPrefixLength: 32 }] }),
      config: {
        domainSuffix: 'sip.localhost',
        realm: 'sip.hookswitch.local',
        defaultDomain: openAccess.domain.domainName,
        isOwnAddress: () => false,
      },
      ...base,
    }),
    bindingStore: new MemoryBindingStore(),
    ...base,
    settings: { nodeId },
  });
  await ua.start();
  const started = await transport.start();
  if (!started.ok) throw new Error(started.error);
  closing.push(async () => {
    await ua.stop();
    transactions.stop();
    await transport.stop();
  });
  const { port } = transport.listeners().find((listener) => listener.transport === 'udp')!;
  const incoming = new Promise<IncomingInvite>((resolve) => ua.onInvite(resolve));
  return { ua, transactions, port, incoming };
}

/** The next event of a type; the test's own deadline ends a wait that is in vain. */
function eventsOf(session: InviteSession) {
  const seen: SessionEvent[] = [];
  const waiting: (() => void)[] = [];
  session.onEvent((event) => {
    seen.push(event);
    for (const wake of waiting.splice(0)) wake();
  });
  return async <T extends SessionEvent['type']>(type: T): Promise<Extract<SessionEvent, { type: T }>> => {
    for (;;) {
      const found = seen.find((event) => event.type === type);
      if (found) return found as Extract<SessionEvent, { type: T }>;
      await new Promise<void>((resolve) => waiting.push(resolve));
    }
  };
}

test.each(['udp', 'tcp'] as const)('a call over %s: ring, answer, re-INVITE by the callee, BYE', async (transport) => {
  const alice = await endpoint('alice');
  const bob = await endpoint('bob');
  const calling = alice.ua.invite({
    target: {
      kind: 'uri',
      uri: makeSipUri({ user: '1000', host: '127.0.0.1', port: bob.port, params: { transport } }),
    },
    from: { displayName: 'Alice "A"', user: 'alice', host: undefined },
    sdp: async (flow) => `v=0\r\ns=to ${flow.remoteAddress}\r\n`,
    headers: [],
    credentials: undefined,
    maxForwards: 70,
  });
  const atCaller = eventsOf(calling);
  const invite = await bob.incoming;
  expect(invite.sdp).toBe('v=0\r\ns=to 127.0.0.1\r\n');
  expect(invite.flow.transport).toBe(transport);
  const atCallee = eventsOf(invite.session);
  invite.session.progress(180);
  expect((await atCaller('progress')).status).toBe(180);
  invite.session.accept({ sdp: 'v=0\r\ns=answer\r\n' });
  expect((await atCaller('accepted')).sdp).toBe('v=0\r\ns=answer\r\n');
  await atCallee('acknowledged');
  const reinvited = invite.session.reinvite('v=0\r\ns=hold\r\n');
  (await atCaller('offer')).accept('v=0\r\ns=held\r\n');
  expect(await reinvited).toEqual({ ok: true, value: 'v=0\r\ns=held\r\n' });
  expect((await calling.request('INFO', { contentType: 'text/plain', body: Buffer.from('x') })).status).toBe(200);
  calling.end();
  expect((await atCallee('ended')).by).toBe('remote');
  await atCaller('ended');
});

test('a dead TCP port is a transport failure at once', async () => {
  const alice = await endpoint('alice');
  const bob = await endpoint('bob');
  await closing.pop()!();
  const session = alice.ua.invite({
    target: {
      kind: 'uri',
      uri: makeSipUri({ user: '1000', host: '127.0.0.1', port: bob.port, params: { transport: 'tcp' } }),
    },
    from: { displayName: undefined, user: 'alice', host: undefined },
    sdp: 'v=0\r\n',
    headers: [],
    credentials: undefined,
    maxForwards: 70,
  });
  expect(await eventsOf(session)('rejected')).toMatchObject({ status: 503, cause: 'transport' });
});
