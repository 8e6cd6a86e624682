// Counts and events of registrations (sip-interface.md 3): limits per domain and account, and what a change is called.

import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import type { Binding } from '../../../../src/base/records.ts';
import { ok } from '../../../../src/base/result.ts';
import type { Flow } from '../../../../src/sip/transport/transport.ts';
import { BindingCensus, type RegistrationEvent, registrationEvents } from '../../../../src/sip/ua/binding-census.ts';
import { createBindingRegistry } from '../../../../src/sip/ua/bindings.ts';
import { createKeepAlive } from '../../../../src/sip/ua/keep-alive.ts';
import { seededRandom } from '../../../support/network.ts';
import { MemoryBindingStore } from '../../../support/sip-world.ts';
import { settle, VirtualClock } from '../../../support/virtual-clock.ts';

const START = Date.UTC(2026, 0, 1);
const binding = (change: Partial<Binding> = {}): Binding => ({
  aor: 'alice@demo.sip.localhost',
  domainSid: 'SD1',
  accountSid: 'AC1',
  contact: 'sip:alice@10.0.0.9:50123',
  callId: 'a',
  cseq: 1,
  q: 1000,
  expiresAt: START + 600_000,
  transport: 'tcp',
  sourceAddress: '203.0.113.5',
  sourcePort: 50_123,
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
  readonly isReliable = true;
  #listeners: (() => void)[] = [];
  onClosed(listener: () => void) {
    this.#listeners.push(listener);
    return () => {};
  }
  close() {
    this.isAlive = false;
    for (const listener of this.#listeners) listener();
  }
}
const asFlow = (flow: StubFlow) => flow as unknown as Flow;

function world(quotas?: { perDomain: number; perAccount: number }) {
  const clock = new VirtualClock(START);
  const random = seededRandom(3).bytes;
  const store = new MemoryBindingStore();
  const events: RegistrationEvent[] = [];
  const registry = createBindingRegistry({
    store,
    transport: { udpFlow: () => undefined },
    keepAlive: createKeepAlive(clock, random),
    ...(quotas ? { quotas } : {}),
    onEvent: (event) => events.push(event),
    clock,
    random,
    log: silentLog,
  });
  const put = (one: Binding, flow?: StubFlow) =>
    registry.update(one.aor, flow && asFlow(flow), (old) => ok({ bindings: [...old, one], isChanged: true }));
  return { clock, store, events, registry, put };
}

describe('[sip 3 registration-events] what a change is called', () => {
  const gone = () => 'unregistered' as const;
  const names = (before: readonly Binding[], after: readonly Binding[]) =>
    registrationEvents(before, after, gone).map(({ event, contact }) => `${event} ${contact?.slice(4, 5)}`);
  const a = binding({ contact: 'sip:a@192.0.2.1' });
  const b = binding({ contact: 'sip:b@192.0.2.1', callId: 'b' });

  test.each([
    ['a first REGISTER', [], [a], ['registered a']],
    ['the same contact again', [a], [{ ...a, cseq: 2 }], ['refreshed a']],
    ['the same phone with another port', [a], [{ ...a, contact: 'sip:c@192.0.2.1' }], ['refreshed c']],
    ['another phone beside it', [a], [a, { ...b, registeredAt: START + 1 }], ['registered b']],
    ['one of two goes', [a, b], [b], ['unregistered a']],
    ['nothing changed', [a, b], [b, a], []],
  ])('%s', (_, before, after, expected) => {
    expect(names(before, after)).toEqual(expected);
  });

  test('a binding whose time is over is expired, one whose connection is gone is flowLost', async () => {
    const { clock, events, put, store } = world();
    const flow = new StubFlow();
    await put(binding(), flow);
    flow.close();
    await settle();
    expect(events.map(({ event }) => event)).toEqual(['registered', 'flowLost']);
    // In the store too: after a restart nobody looks for it.
    expect(store.saved.get(binding().aor)).toEqual([]);
    const other = new StubFlow();
    await put(binding({ contact: 'sip:x@10.0.0.9' }), other);
    clock.advance(620_000);
    await settle();
    expect(events.map(({ event }) => event).slice(2)).toEqual(['registered', 'expired']);
  });

  test('a public Contact outlives its connection: it can be dialled', async () => {
    const { events, put, registry } = world();
    const flow = new StubFlow();
    await put(binding({ contact: 'sip:alice@8.8.8.8:5060;transport=tcp' }), flow);
    flow.close();
    await settle();
    expect(events.map(({ event }) => event)).toEqual(['registered']);
    expect(registry.reachable(binding().aor)).toHaveLength(1);
  });

  test('when the gateway stops its connections close, and nobody is unregistered by that', async () => {
    const { store, put, registry } = world();
    const flow = new StubFlow();
    await put(binding(), flow);
    registry.stop();
    flow.close();
    await settle();
    expect(store.saved.get(binding().aor)).toHaveLength(1);
  });
});

describe('[sip 3 registration-limits]', () => {
  const user = (name: string, change: Partial<Binding> = {}) => binding({ aor: `${name}@demo`, ...change });

  test('a domain holds so many bindings: the next is refused, a refresh and another domain are not', async () => {
    const { put, registry } = world({ perDomain: 2, perAccount: 10 });
    const flow = new StubFlow();
    await put(user('a'), flow);
    await put(user('b'), flow);
    expect(await put(user('c'), flow)).toMatchObject({ ok: false, error: { status: 403, errorCode: 32007 } });
    expect(await put(user('d', { domainSid: 'SD2' }), flow)).toMatchObject({ ok: true });
    const refreshed = await registry.update('a@demo', asFlow(flow), () =>
      ok({ bindings: [user('a', { cseq: 2 })], isChanged: true }),
    );
    expect(refreshed.ok).toBe(true);
  });

  test('an account too; who goes makes room', async () => {
    const { put, registry } = world({ perDomain: 10, perAccount: 2 });
    const flow = new StubFlow();
    await put(user('a'), flow);
    await put(user('b', { domainSid: 'SD2' }), flow);
    expect((await put(user('c'), flow)).ok).toBe(false);
    await registry.update('a@demo', undefined, () => ok({ bindings: [], isChanged: true }));
    expect((await put(user('c'), flow)).ok).toBe(true);
  });

  test('counts are zero when all are gone', () => {
    const census = new BindingCensus();
    census.changed('a@demo', [], [user('a'), user('a')]);
    expect([...census.aorsOf('SD1')]).toEqual(['a@demo']);
    census.changed('a@demo', [user('a'), user('a')], []);
    expect([census.bindings, [...census.aorsOf('SD1')].length]).toEqual([0, 0]);
  });
});
