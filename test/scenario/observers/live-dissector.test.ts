// A dissector that listens on the wire during a call with hold, digits and a transfer: everything that the gateway says is read, and
// nothing of it is malformed.

import { expect, onTestFinished } from 'vitest';
import { LiveCapture, liveCaptureMissing } from '../../support/live-capture.ts';
import { testUnless } from '../../support/skip.ts';
import { tshark } from '../../support/tshark.ts';
import { until } from '../../support/until.ts';
import {
  bridged,
  bridges,
  DEADLINE_MS,
  hearsPackets,
  Inbox,
  shareHeard,
  type World,
  world,
} from '../../support/world.ts';

const test = testUnless(liveCaptureMissing());
const CAROL = 'sip:carol@office.sip.localhost';

async function listens(w: World): Promise<() => Promise<Buffer>> {
  const { first, last } = w.config.mediaPorts;
  const capture = await LiveCapture.start(
    `port ${w.port('udp')} or port ${w.port('tcp')} or udp portrange ${first}-${last + 1}`,
    w.port('udp'),
  );
  let heard: Buffer | undefined;
  const stop = async () => {
    heard ??= await capture.stop();
    return heard;
  };
  onTestFinished(() => void stop());
  return stop;
}

for (const transport of ['udp', 'tcp'] as const) {
  test(`[sip 10 dissector] over ${transport}: hold, resume, digits, transfer; no malformed message or packet`, async () => {
    const w = await world();
    const stop = await listens(w);
    const carol = await w.phone('carol', { transport });
    const carols = new Inbox(carol, 'carol');
    const verb = '<Dial action="/after" referUrl="/refer"><Client>bob</Client></Dial>';
    const { caller, callee } = await bridged(w, verb, { alice: { transport }, bob: { transport } });
    w.answers('<Dial><Client>carol</Client></Dial>', '/refer');
    expect(await shareHeard(w, callee, caller, 1_000)).toBeGreaterThan(0.9);

    expect(await caller.offer('sendonly')).toBe(true);
    expect(await caller.offer('sendrecv')).toBe(true);
    await caller.play([{ kind: 'digits', digits: '1#' }], DEADLINE_MS);
    await until(
      () => callee.events.filter(({ type }) => type === 'digit').length === 2,
      DEADLINE_MS,
      () => 'digits',
    );

    const transfer = callee.leg.refer(CAROL);
    const atCarol = await carols.next('answer');
    expect(await transfer?.result).toMatchObject({ status: 202, notified: 200 });
    await bridges(w, 1);
    void caller.play([{ kind: 'tone', frequencies: [700], levelDb: -10, durationMs: 1_000 }], DEADLINE_MS);
    await hearsPackets(atCarol, 10);
    atCarol.leg.hangUp();
    await w.isIdle();

    const ports = [w.port('udp'), w.port('tcp')] as const;
    const seen = await stop();
    const dissect = (filter: string, ...fields: string[]) =>
      tshark(seen, [
        ...['-d', `udp.port==${ports[0]},sip`, '-d', `tcp.port==${ports[1]},sip`],
        ...['-Y', filter, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])],
      ])
        .split('\n')
        .filter((line) => line !== '');
    const fromUs = `(udp.srcport == ${ports[0]} or tcp.srcport == ${ports[1]})`;
    const methods = dissect(`sip.Method and ${transport} and ${fromUs}`, 'sip.Method').join(' ');
    for (const method of ['INVITE', 'ACK', 'NOTIFY', 'BYE']) expect(methods).toContain(method);
    const statuses = dissect(`sip.Status-Code and ${transport} and ${fromUs}`, 'sip.Status-Code').join(' ');
    for (const status of ['100', '180', '200', '202', '401']) expect(statuses).toContain(status);
    expect(dissect('rtp', 'rtp.p_type').length).toBeGreaterThan(50);
    expect(dissect('rtpevent', 'rtpevent.event_id').length).toBeGreaterThan(5);
    expect(dissect('_ws.malformed or _ws.short', '_ws.col.Info')).toEqual([]);
  });
}
