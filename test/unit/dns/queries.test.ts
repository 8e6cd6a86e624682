// The questions to real name servers: a small DNS server on loopback answers them from a table (RFC 1035 4).

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { createSystemQueries, parseSearchDomains, type SystemQueries } from '../../../src/dns/queries.ts';

const TYPES = { A: 1, AAAA: 28, SRV: 33, NAPTR: 35 } as const;
const NXDOMAIN = 3;
const SERVFAIL = 2;

const nameBytes = (name: string) =>
  Buffer.concat([
    ...name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);
const text = (value: string) => Buffer.from([value.length, ...Buffer.from(value)]);
const uint16 = (...values: number[]) => Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));

let server: Socket;
let queries: SystemQueries;
/** `type name` → answer data, or the response code of a refusal. */
const zone = new Map<string, { ttl: number; data: Buffer }[] | number>();

beforeEach(async () => {
  server = createSocket('udp4');
  server.on('message', (question, remote) => {
    const end = question.indexOf(0, 12) + 5;
    const labels: string[] = [];
    for (let at = 12; question[at]; at += question[at]! + 1)
      labels.push(question.toString('latin1', at + 1, at + 1 + question[at]!));
    const found = zone.get(`${question.readUInt16BE(end - 4)} ${labels.join('.').toLowerCase()}`) ?? NXDOMAIN;
    const answers = typeof found === 'number' ? [] : found;
    const code = typeof found === 'number' ? found : 0;
    const head = Buffer.concat([question.subarray(0, 2), uint16(0x8180 | code, 1, answers.length, 0, 0)]);
    const records = answers.map(({ ttl, data }) =>
      Buffer.concat([uint16(0xc00c), question.subarray(end - 4, end), uint16(0, ttl, data.length), data]),
    );
    server.send(Buffer.concat([head, question.subarray(12, end), ...records]), remote.port, remote.address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  queries = createSystemQueries(realClock, '/nonexistent', [`127.0.0.1:${server.address().port}`]);
});
afterEach(() => {
  zone.clear();
  server.close();
});

describe('questions to name servers', () => {
  test('RFC 1035 3.4.1: A with its TTL', async () => {
    zone.set(`${TYPES.A} pbx.example`, [{ ttl: 77, data: Buffer.from([192, 0, 2, 1]) }]);
    expect(await queries.a('pbx.example')).toEqual({ ok: true, value: [{ address: '192.0.2.1', ttlSeconds: 77 }] });
  });

  test('RFC 3596: AAAA with its TTL', async () => {
    zone.set(`${TYPES.AAAA} pbx.example`, [{ ttl: 9, data: Buffer.from('20010db8000000000000000000000001', 'hex') }]);
    expect(await queries.aaaa('pbx.example')).toEqual({ ok: true, value: [{ address: '2001:db8::1', ttlSeconds: 9 }] });
  });

  test('RFC 2782: SRV', async () => {
    const data = Buffer.concat([uint16(10, 60, 5070), nameBytes('a.example')]);
    zone.set(`${TYPES.SRV} _sip._udp.example`, [{ ttl: 60, data }]);
    expect(await queries.srv('_sip._udp.example')).toMatchObject({
      ok: true,
      value: [{ name: 'a.example', port: 5070, priority: 10, weight: 60 }],
    });
  });

  test('RFC 3403: NAPTR', async () => {
    const data = Buffer.concat([uint16(50, 51), text('s'), text('SIP+D2T'), text(''), nameBytes('_sip._tcp.example')]);
    zone.set(`${TYPES.NAPTR} example.org`, [{ ttl: 60, data }]);
    expect(await queries.naptr('example.org')).toMatchObject({
      ok: true,
      value: [
        { order: 50, preference: 51, flags: 's', service: 'SIP+D2T', regexp: '', replacement: '_sip._tcp.example' },
      ],
    });
  });

  test('a missing name and a missing record are notFound, a broken server is failed', async () => {
    zone.set(`${TYPES.A} empty.example`, []);
    zone.set(`${TYPES.A} broken.example`, SERVFAIL);
    expect(await queries.a('missing.example')).toMatchObject({ ok: false, error: { code: 'notFound' } });
    expect(await queries.a('empty.example')).toMatchObject({ ok: false, error: { code: 'notFound' } });
    expect(await queries.a('broken.example')).toMatchObject({ ok: false, error: { code: 'failed' } });
  });
});

test('resolv.conf(5): the last search or domain line counts', () => {
  expect(
    parseSearchDomains('domain one.test\nnameserver 127.0.0.1\n search  Two.test three.test\noptions ndots:5\n'),
  ).toEqual(['two.test', 'three.test']);
  expect(parseSearchDomains('search .\n')).toEqual([]);
});
