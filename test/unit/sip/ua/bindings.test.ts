// The registry of bindings: loading, reachability of lost connections, expiry, the slow store, keep-alives (design.md 5.3, 7).

import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { limits } from '../../../../src/base/limits.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { Binding } from '../../../../src/base/records.ts';
import { ok } from '../../../../src/base/result.ts';
import { makeSipUri } from '../../../../src/sip/grammar/uri.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { createBindingRegistry, isBehindNat, isDialable } from '../../../../src/sip/ua/bindings.ts';
import { createKeepAlive } from '../../../../src/sip/ua/keep-alive.ts';
import { hopBesideFlow } from '../../../../src/sip/ua/next-hop.ts';
import { seededRandom } from '../../../support/network.ts';
import { MemoryBindingStore } from '../../../support/sip-world.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const AOR = 'alice@demo.sip.localhost';
const START = Date.UTC(2026, 0, 1);
const binding = (change: Partial<Binding> = {}): Binding => ({
  aor: AOR,
  domainSid: 'SD1',
  accountSid: 'AC1',
  contact: 'sip:alice@203.0.113.5:5060',
  callId: 'a',
  cseq: 1,
  q: 1000,
  expiresAt: START + 600_000,
  transport: 'udp',
  sourceAddress: '203.0.113.5',
  sourcePort: 5060,
  localAddress: '192.0.2.1',
  localPort: 5060,
  instanceId: null,
  path: [],
  userAgent: null,
  nodeId: 'node',
  registeredAt: START,
  ...change,
});

class StubFlow {
  isAlive = true;
  keepAlives = 0;
  keepAlive() {
    this.keepAlives++;
  }
}
const asFlow = (flow: StubFlow) => flow as unknown as Flow;

function world(stored: readonly Binding[] = []) {
  const clock = new VirtualClock(START);
  const random = seededRandom(3).bytes;
  const store = new MemoryBindingStore();
  if (stored.length > 0) store.saved.set(AOR, stored);
  const udp = new StubFlow();
  const keepAlive = createKeepAlive(clock, random);
  const transport = { udpFlow: () => asFlow(udp) };
  const registry = createBindingRegistry({ store, transport, keepAlive, clock, random, log: silentLog });
  const put = (bindings: readonly Binding[], flow?: Flow) =>
    registry.update(AOR, flow, (old) => ok({ bindings: [...old, ...bindings], isChanged: true }));
  return { clock, store, udp, keepAlive, registry, put };
}

/** Node has it only where it is asked for. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

test('a phone behind NAT that registers again and again costs no memory: what it registered before is let go', async () => {
  const { registry } = world();
  const collect = collector();
  const earlier: WeakRef<Binding>[] = [];
  const again = async (cseq: number) => {
    const next = binding({ contact: 'sip:alice@192.168.1.5:5060', cseq });
    if (cseq <= 20) earlier.push(new WeakRef(next));
    await registry.update(AOR, undefined, () => ok({ bindings: [next], isChanged: true }));
  };
  for (let cseq = 1; cseq <= 22; cseq++) await again(cseq);
  // What a WeakRef was asked for or made in this turn stays until the turn is over.
  await setImmediate();
  collect();
  expect(earlier.filter((one) => one.deref() !== undefined)).toEqual([]);
  expect(registry.registered(AOR)).toHaveLength(1);
  registry.stop();
});

describe('reachability', () => {
  test('best q first, the newest first among equals; expired ones are not there', async () => {
    const { registry, clock } = world([
      binding({ contact: 'sip:a@203.0.113.1', q: 500 }),
      binding({ contact: 'sip:b@203.0.113.2', expiresAt: START + 700_000 }),
      binding({ contact: 'sip:c@203.0.113.3', expiresAt: START + 900_000 }),
      binding({ contact: 'sip:d@203.0.113.4', expiresAt: START - 1 }),
    ]);
    await registry.load();
    const users = () => registry.reachable(AOR).map(({ contact }) => contact[4]);
    expect(users()).toEqual(['c', 'b', 'a']);
    clock.advance(650_000);
    expect(users()).toEqual(['c', 'b']);
    registry.stop();
  });

  test('a TCP binding counts while its connection lives [sip 3 nat]', async () => {
    const { registry, put } = world();
    const flow = new StubFlow();
    await put([binding({ transport: 'tcp', contact: 'sip:alice@10.0.0.9:50123' })], asFlow(flow));
    expect(registry.reachable(AOR)).toHaveLength(1);
    expect(registry.flowOf(registry.reachable(AOR)[0]!)).toBe(flow);
    flow.isAlive = false;
    expect(registry.reachable(AOR)).toEqual([]);
    registry.stop();
  });

  test.each([
    ['a public contact', { contact: 'sip:alice@198.18.5.5.example', sourceAddress: '203.0.113.5' }, false],
    ['a public address', { contact: 'sip:alice@93.184.216.34:5060' }, true],
    ['a private address behind NAT', { contact: 'sip:alice@192.168.1.5:5060' }, false],
    [
      'its own listening port at the source address',
      { contact: 'sip:alice@10.1.1.5:5060', sourceAddress: '10.1.1.5', sourcePort: 41234 },
      true,
    ],
    [
      'the port of the connection that is gone',
      { contact: 'sip:alice@10.1.1.5:41234', sourceAddress: '10.1.1.5', sourcePort: 41234 },
      false,
    ],
    ['loopback', { contact: 'sip:alice@127.0.0.1:5060' }, false],
    ['a browser', { contact: 'sip:alice@93.184.216.34', transport: 'wss' as const }, false],
  ])('restored, flow lost: %s → dialable %s', async (_name, change, expected) => {
    const lost = binding({ transport: 'tcp', ...change });
    expect(isDialable(lost)).toBe(expected);
    const { registry } = world([lost]);
    await registry.load();
    expect(registry.reachable(AOR)).toHaveLength(expected ? 1 : 0);
    registry.stop();
  });

  test('lost bindings do not fill up the address of record', async () => {
    const { registry, put, store } = world();
    const flow = new StubFlow();
    await put([binding({ transport: 'tcp', contact: 'sip:alice@10.0.0.9:50123' })], asFlow(flow));
    flow.isAlive = false;
    await put([binding({ contact: 'sip:alice@203.0.113.6' })]);
    expect(store.saved.get(AOR)!.map(({ contact }) => contact)).toEqual(['sip:alice@203.0.113.6']);
    registry.stop();
  });
});

describe('the store (design.md 7)', () => {
  test('memory changes only after the save', async () => {
    const { registry, put, store } = world();
    let open = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const done = put([binding()]);
    await Promise.resolve();
    expect(registry.registered(AOR)).toEqual([]);
    open();
    expect((await done).ok).toBe(true);
    expect(registry.registered(AOR)).toHaveLength(1);
    registry.stop();
  });

  test('a slow store is a 503 after the limit; what it saves late counts all the same', async () => {
    const { registry, put, store, clock } = world();
    let open = () => {};
    store.gate = new Promise((resolve) => {
      open = resolve;
    });
    const done = put([binding()]);
    await clock.advanceAsync(limits.registerStoreWaitMs);
    expect(await done).toMatchObject({ ok: false, error: { status: 503 } });
    open();
    await clock.advanceAsync(1);
    expect(registry.registered(AOR)).toHaveLength(1);
    registry.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('a failing store is a 503 and changes nothing; the next one works again', async () => {
    const { registry, put, store } = world();
    store.failure = new Error('disk full');
    expect(await put([binding()])).toMatchObject({ ok: false, error: { status: 503 } });
    expect(registry.registered(AOR)).toEqual([]);
    store.failure = undefined;
    expect((await put([binding()])).ok).toBe(true);
    registry.stop();
  });

  test('changes of one address of record happen one after the other', async () => {
    const { registry, put } = world();
    await Promise.all([1, 2, 3, 4].map((n) => put([binding({ contact: `sip:alice@203.0.113.${n}` })])));
    expect(registry.registered(AOR)).toHaveLength(4);
    registry.stop();
  });

  test('expired bindings leave memory and store', async () => {
    const { registry, put, store, clock } = world();
    await put([binding()]);
    expect(registry.counts()).toEqual({ bindings: 1, aors: 1 });
    await clock.advanceAsync(600_000 + 25_000);
    expect(registry.counts()).toEqual({ bindings: 0, aors: 0 });
    expect(store.saved.get(AOR)).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('keep-alive of UDP bindings behind NAT (design.md 5.3)', () => {
  test('every 25 s while the contact differs from the source; no longer after unregistering [sip 3 keep-alive]', async () => {
    const { registry, put, udp, clock, keepAlive } = world();
    const behind = binding({ contact: 'sip:alice@192.168.1.5:5060' });
    expect(isBehindNat(behind)).toBe(true);
    await put([behind]);
    clock.advance(100_000);
    expect(udp.keepAlives).toBe(4);
    await registry.update(AOR, undefined, () => ok({ bindings: [], isChanged: true }));
    clock.advance(100_000);
    expect(udp.keepAlives).toBe(4);
    expect(keepAlive.size).toBe(0);
    registry.stop();
    expect(clock.pendingTimers).toBe(0);
  });

  test('not where the phone is where it says', async () => {
    const { registry, put, udp, clock } = world();
    await put([binding()]);
    clock.advance(100_000);
    expect(udp.keepAlives).toBe(0);
    registry.stop();
  });
});

describe('next hop of in-dialog requests', () => {
  const PUBLIC = { transport: 'udp', remoteAddress: '93.184.216.34', remotePort: 5060 };
  const PRIVATE = { transport: 'udp', remoteAddress: '192.168.1.5', remotePort: 41000 };
  test.each([
    ['where the flow goes', '93.184.216.34', 5060, PUBLIC, false, undefined],
    ['another port, asymmetric peer', '93.184.216.34', 5080, PUBLIC, false, 'udp:93.184.216.34:5080'],
    ['another port, peer asked for rport', '93.184.216.34', 5080, PUBLIC, true, undefined],
    ['a private address behind a public one', '192.168.1.5', 5060, PUBLIC, false, undefined],
    ['another address in the same private network', '192.168.1.9', undefined, PRIVATE, false, 'udp:192.168.1.9:5060'],
    ['a host name', 'pbx.example', undefined, PUBLIC, false, undefined],
    ['over TCP', '93.184.216.34', 5080, { ...PUBLIC, transport: 'tcp' }, false, undefined],
    ['0.0.0.0', '0.0.0.0', undefined, PRIVATE, false, undefined],
  ])('%s', (_name, host, port, flow, isSymmetric, expected) => {
    const destination = hopBesideFlow(makeSipUri({ user: 'x', host, port }), flow, isSymmetric);
    expect(destination && `${destination.transport}:${destination.address}:${destination.port}`).toBe(expected);
  });
});
