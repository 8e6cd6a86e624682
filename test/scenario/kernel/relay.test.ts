// The kernel relays a plain bridge (src/media/kernel): a gateway between two networks, a peer in each.

import { expect } from 'vitest';
import { namespacesMissing } from '../../support/namespaces.ts';
import { relayWorld } from '../../support/relay-world.ts';
import { testUnless } from '../../support/skip.ts';

const testInNamespaces = testUnless(namespacesMissing());

testInNamespaces('a plain bridge moves into the kernel without a packet lost', async () => {
  const w = await relayWorld();
  await w.bridge();
  await w.inKernel();
  const before = w.receivedByGateway();
  await w.kernelCarries(50);
  expect(w.receivedByGateway() - before).toBeLessThan(5);
  const [office, carrier] = [await w.office.report(), await w.carrier.report()];
  for (const [hearing, speaking] of [
    [office, carrier],
    [carrier, office],
  ] as const) {
    const stream = hearing.streams.find(({ ssrc }) => ssrc === speaking.own);
    expect(stream).toMatchObject({ missing: 0, twice: 0 });
    expect(stream!.sources).toHaveLength(1);
  }
});
