// HEP export of a running gateway to a small capture server (sip-interface.md 9): every message of a call, without its secrets.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { decodeHep, hepText } from '../../support/hep.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, dials, expectEvent, world } from '../../support/world.ts';

async function captureServer() {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  const received: Map<number, Buffer>[] = [];
  socket.on('message', (datagram) => received.push(decodeHep(datagram)));
  return { received, server: `127.0.0.1:${socket.address().port}` };
}

test('[sip 9 hep-export] the SIP of a call reaches the capture server, without digest answers', async () => {
  const { received, server } = await captureServer();
  const w = await world({ settings: { hepServer: server, hepCaptureId: 77, hepPassword: 'hep-secret' } });
  w.answers('<Gather timeout="60"/>');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  call.leg.hangUp();
  await w.isIdle();
  const startLines = () => received.map((chunks) => hepText(chunks).split('\r\n')[0]!);
  await until(
    () =>
      startLines().some((line) => line.startsWith('BYE ')) &&
      startLines().filter((line) => line.startsWith('SIP/2.0 200')).length >= 3,
    DEADLINE_MS,
    () => startLines().join('\n'),
  );
  const [invite] = received.filter((chunks) => hepText(chunks).startsWith('INVITE '));
  expect(invite!.get(12)!.readUInt32BE()).toBe(77);
  expect(invite!.get(14)!.toString()).toBe('hep-secret');
  expect(invite!.get(8)!.readUInt16BE()).toBe(w.port('udp'));
  expect(invite!.get(17)!.toString()).toBe(/^Call-ID: (.*)$/m.exec(hepText(invite!))![1]!.trim());
  for (const chunks of received) expect(hepText(chunks)).not.toMatch(/response="?[0-9a-f]{32}/);
  expect((w.gateway.counts() as { trace: { hep: object } }).trace.hep).toMatchObject({ dropped: 0, failed: 0 });
});

test('[sip 9 hep-export] a capture server that is not there harms no call', async () => {
  const w = await world({ settings: { hepServer: '127.0.0.1:9' } });
  w.answers('<Gather timeout="60"/>');
  const alice = await w.phone('alice');
  const call = dials(alice, w.uri('1000'));
  await expectEvent(alice, call, 'answered');
  call.leg.hangUp();
  await w.isIdle();
});
