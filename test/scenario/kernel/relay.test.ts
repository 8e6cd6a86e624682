// The kernel relays plain bridges (src/media/kernel): a gateway between two networks, a peer in each.

import { expect } from 'vitest';
import { namespacesMissing, TWO_NETWORKS } from '../../support/namespaces.ts';
import { captureAtCarrier, ended, RELAY_TABLE, type RelayPeer, relayWorld } from '../../support/relay-world.ts';
import { testUnless } from '../../support/skip.ts';
import { tsharkMissing } from '../../support/tshark.ts';
import { until } from '../../support/until.ts';

const testInNamespaces = testUnless(namespacesMissing());
const testWithDissector = testUnless(namespacesMissing() ?? tsharkMissing());
const DEADLINE_MS = 15_000;
const { carrier } = TWO_NETWORKS;
const dial = (attributes = '') =>
  `<Response><Dial timeout="5"${attributes}><Sip>sip:bob@${carrier.peer}</Sip></Dial></Response>`;

/** Each hears the other's stream whole, from one place. */
async function expectNothingLost(a: RelayPeer, b: RelayPeer): Promise<void> {
  const [first, second] = [await a.report(), await b.report()];
  for (const [hearing, speaking] of [
    [first, second],
    [second, first],
  ] as const) {
    const stream = hearing.streams.find(({ ssrc }) => ssrc === speaking.own);
    expect(stream, JSON.stringify(hearing)).toMatchObject({ missing: 0, twice: 0 });
    expect(stream!.sources).toHaveLength(1);
  }
}

/** RTP as EF, SIP as CS3: the ACK at least (the capture may begin behind the INVITE), and what user space and the kernel relayed. */
async function expectMarked(lines: readonly string[]): Promise<void> {
  const [sip, media] = [/^5060\t/, /^20\d{3}\t/];
  const has = (pattern: RegExp, count: number) => lines.filter((line) => pattern.test(line)).length >= count;
  await until(
    () => has(sip, 1) && has(media, 30),
    DEADLINE_MS,
    () => lines.join('\n'),
  );
  const seen = lines.filter((line) => sip.test(line) || media.test(line)).map((line) => line.replace(media, 'media\t'));
  expect(new Set(seen)).toEqual(new Set(['5060\t24', 'media\t46']));
}

testWithDissector(
  'a plain bridge moves into the kernel, leaves it for hold music and a digit; no packet is lost, each has its DSCP value',
  async () => {
    const w = await relayWorld({
      domain: { twiml: dial(' hangupOnStar="true"'), musicOnHold: 'built-in' },
      settings: { dscpMedia: 'ef', dscpSignalling: 'cs3' },
    });
    const lines = await captureAtCarrier(w.networks, ['udp.srcport', 'ip.dsfield.dscp']);
    await w.bridge();
    await w.inKernel();
    const before = w.receivedByGateway();
    await w.kernelCarries(25);
    expect(w.receivedByGateway() - before).toBeLessThan(5);
    await expectNothingLost(w.office, w.carrier);
    await expectMarked(lines);

    w.office.tell({ do: 'hold' });
    await until(
      () => w.flows() === 0,
      DEADLINE_MS,
      () => `${w.flows()} flows while on hold`,
    );
    const { own } = await w.office.report();
    await w.carrier.report();
    const isMusic = async () =>
      (await w.carrier.report()).streams.some(({ ssrc, packets }) => ssrc !== own && packets > 0);
    await until(isMusic, DEADLINE_MS, () => 'no music');
    w.office.tell({ do: 'resume' });
    await w.inKernel();
    await Promise.all([w.office.report(), w.carrier.report()]);
    await w.kernelCarries(10);
    await expectNothingLost(w.office, w.carrier);

    // A telephone event comes to the gateway, which ends the dialled leg at the star.
    w.office.tell({ do: 'digit', digit: '*' });
    await Promise.all([w.carrier.heard('ended'), w.office.heard('ended')]);
    await until(
      () => w.flows() === 0,
      DEADLINE_MS,
      () => `${w.flows()} flows after the call`,
    );
    await w.logged(/media of a leg[\s\S]*media of a leg/);
    for (const [, received, lost] of w
      .log()
      .matchAll(/"packetsReceived":(\d+).*?"packetsLost":(\d+).*media of a leg/g)) {
      expect(Number(received)).toBeGreaterThan(40);
      expect(lost).toBe('0');
    }
  },
);

testInNamespaces(
  'a peer behind NAT is relayed too; kill -9 leaves no table past the next start; where a firewall drops what is forwarded, user space relays',
  async () => {
    const w = await relayWorld({
      domain: { nat: true },
      prepare: (run) => run('nft', 'add', 'table', 'ip', 'of_others'),
      // The address of its session description is not the one that its media comes from.
      prepareOffice: (run) => {
        run('ip', 'addr', 'add', '10.77.0.9/24', 'dev', 'eth0');
        run('nft', 'add table ip home; add chain ip home out { type nat hook postrouting priority 100; }');
        run('nft', 'add rule ip home out udp sport 4000 snat to 10.77.0.9:4444');
        // Nor can it be reached there: else media that comes before its own would be a connection that needs no translation.
        run('nft', 'add chain ip home in { type filter hook prerouting priority -300; }');
        run('nft', 'add rule ip home in ip daddr 10.77.0.2 udp dport 4000 drop');
      },
    });
    await w.bridge();
    await w.inKernel();
    await Promise.all([w.office.report(), w.carrier.report()]);
    await w.kernelCarries(10);
    await expectNothingLost(w.office, w.carrier);
    expect(w.inGateway('nft', 'list', 'table', 'inet', RELAY_TABLE)).toContain('10.77.0.9 . 4444');

    await ended(w.gateway, 'SIGKILL');
    expect(w.flows()).toBe(2);
    // As if it had been started with other ports.
    w.inGateway('nft', 'add', 'table', 'inet', 'hookswitch_media_7000');
    const next = await w.startGateway();
    expect(w.flows()).toBe(0);
    expect(w.tables().trim().split('\n').sort()).toEqual(['table inet hookswitch_media_20000', 'table ip of_others']);

    w.inGateway('nft', 'add chain ip of_others forward { type filter hook forward priority 0; policy drop; }');
    await w.bridge();
    await w.logged(/the kernel drops relayed packets/);
    await until(
      () => w.flows() === 0,
      DEADLINE_MS,
      () => `${w.flows()} flows that get nowhere`,
    );
    await Promise.all([w.office.report(), w.carrier.report()]);
    const before = w.receivedByGateway();
    await until(
      () => w.receivedByGateway() - before > 50,
      DEADLINE_MS,
      () => 'nothing is relayed',
    );
    await expectNothingLost(w.office, w.carrier);

    await ended(next, 'SIGTERM');
    expect(w.tables().trim()).toBe('table ip of_others');
  },
);

testInNamespaces('without the right to make rules, calls are relayed in user space, and the log says why', async () => {
  const w = await relayWorld({ wrapper: ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'] });
  await w.logged(/"level":"warn".*CAP_NET_ADMIN.*media is relayed in user space only/);
  await w.bridge();
  const before = w.receivedByGateway();
  await until(
    () => w.receivedByGateway() - before > 20,
    DEADLINE_MS,
    () => 'nothing is relayed',
  );
  expect(w.tables().trim()).toBe('');
});
