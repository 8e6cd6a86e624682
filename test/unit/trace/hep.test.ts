// HEP v3: the chunks as a receiver reads them.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { limits } from '../../../src/base/limits.ts';
import { silentLog } from '../../../src/base/log.ts';
import { encodeHep } from '../../../src/trace/hep.ts';
import { HepExporter, type HepExporterOptions } from '../../../src/trace/hep-exporter.ts';
import type { CapturedPayload } from '../../../src/trace/pcap.ts';
import { decodeHep, hepText } from '../../support/hep.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const sip = Buffer.from(
  'OPTIONS sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\n' +
    'To: <sip:b@example.com>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n' +
    'Authorization: Digest response="pLaNtEd"\r\nContent-Length: 0\r\n\r\n',
);
const one: CapturedPayload = {
  wallMs: 1_700_000_000_123,
  protocol: 'tcp',
  source: { address: '192.0.2.1', port: 5060 },
  destination: { address: '198.51.100.7', port: 5070 },
  payload: sip,
};
const sender = { captureId: 2_001, password: 'hep-secret' };

describe('[sip 9 hep-encoding]', () => {
  test('each chunk of a message over IPv4', () => {
    const chunks = decodeHep(encodeHep(one, 'call-id', sender)!);
    expect(Object.fromEntries([...chunks].map(([type, value]) => [type, value.toString('hex')]))).toEqual({
      1: '02',
      2: '06',
      3: 'c0000201',
      4: 'c6336407',
      7: '13c4',
      8: '13ce',
      9: (1_700_000_000).toString(16),
      10: (123_000).toString(16).padStart(8, '0'),
      11: '01',
      12: '000007d1',
      14: Buffer.from('hep-secret').toString('hex'),
      15: sip.toString('hex'),
      17: Buffer.from('call-id').toString('hex'),
    });
  });

  test('IPv6 has chunks of its own; without a password there is none', () => {
    const v6 = { source: { address: '2001:db8::1', port: 1 }, destination: { address: '2001:db8::2', port: 2 } };
    const chunks = decodeHep(encodeHep({ ...one, ...v6 }, 'c', { ...sender, password: null })!);
    expect([...chunks.keys()]).toEqual([1, 2, 5, 6, 7, 8, 9, 10, 11, 12, 17, 15]);
    expect(chunks.get(1)).toEqual(Buffer.from([10]));
  });

  test.each([
    ['a message larger than a datagram', { payload: Buffer.alloc(65_001) }],
    ['what is no address', { source: { address: 'host.example.com', port: 5060 } }],
    ['addresses of two families', { source: { address: '2001:db8::1', port: 5060 } }],
  ])('%s is left out', (_, change) => {
    expect(encodeHep({ ...one, ...change }, 'c', sender)).toBeUndefined();
  });
});

describe('[sip 9 hep-export]', () => {
  const flow = {
    transport: 'udp',
    localAddress: '192.0.2.1',
    localPort: 5060,
    remoteAddress: '198.51.100.7',
    remotePort: 5070,
  };

  async function exporter(change: Partial<HepExporterOptions> = {}) {
    const receiver = createSocket('udp4').bind(0, '127.0.0.1');
    await once(receiver, 'listening');
    const hep = new HepExporter({
      server: { host: 'homer.example.com', port: receiver.address().port },
      sender,
      isDecrypted: () => false,
      withSecrets: () => false,
      resolve: async () => '127.0.0.1',
      clock: new VirtualClock(),
      log: silentLog,
      ...change,
    });
    onTestFinished(() => {
      hep.stop();
      receiver.close();
    });
    const next = async () => decodeHep((await once(receiver, 'message'))[0]);
    return { hep, next };
  }

  test('a message goes to the server, without its secrets', async () => {
    const { hep, next } = await exporter();
    await hep.start();
    hep.onMessage('out', sip, flow, 'c');
    const chunks = await next();
    expect(hepText(chunks)).toContain('Authorization: Digest xxxxxxxx');
    expect(hepText(chunks)).not.toContain('pLaNtEd');
    expect(chunks.get(7)!.readUInt16BE()).toBe(5060);
  });

  test('what was encrypted goes only where the account opted in', async () => {
    const { hep, next } = await exporter({ isDecrypted: (callId) => callId === 'mine' });
    await hep.start();
    hep.onMessage('in', sip, { ...flow, transport: 'tls' }, 'theirs');
    hep.onMessage('in', sip, { ...flow, transport: 'tls' }, 'mine');
    expect((await next()).get(17)!.toString()).toBe('mine');
    expect(hep.counts().sent + hep.counts().dropped).toBeLessThanOrEqual(1);
  });

  test('it never waits: without a server, or with too many on their way, messages are dropped and counted', async () => {
    const nowhere = await exporter({ resolve: async () => undefined });
    await nowhere.hep.start();
    nowhere.hep.onMessage('out', sip, flow, 'c');
    expect(nowhere.hep.counts()).toEqual({ sent: 0, dropped: 1, failed: 0 });
    const busy = await exporter();
    await busy.hep.start();
    for (let count = 0; count < limits.hepInFlight + 7; count++) busy.hep.onMessage('out', sip, flow, 'c');
    expect(busy.hep.counts().dropped).toBe(7);
  });
});
