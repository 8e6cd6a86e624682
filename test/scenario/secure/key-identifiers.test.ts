// A peer whose key line has master key identifiers (MKI, RFC 4568 6.1, RFC 3711 3.1) calls over TLS: its digits, which come under two
// keys with an identifier in each packet, are heard; what we send has none.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { newBranch, newCallId, newTag } from '../../../src/base/ids.ts';
import { SRTP_TRAILER_BYTES, SrtpReceiver, SrtpSender } from '../../../src/media/srtp.ts';
import { createRequest, createResponse } from '../../../src/sip/grammar/build.ts';
import type { Message, Request, Response } from '../../../src/sip/grammar/message.ts';
import { nameAddr, withParam } from '../../../src/sip/grammar/name-addr.ts';
import { makeSipUri, parseUri } from '../../../src/sip/grammar/uri.ts';
import { rtpPacket } from '../../support/media.ts';
import { openWorld } from '../../support/raw-phone.ts';
import { until } from '../../support/until.ts';
import { DEADLINE_MS, world } from '../../support/world.ts';
import { openTransport } from '../transport/kit.ts';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const TAG_BYTES = 10;
const keys = [
  { masterKey: Buffer.alloc(30, 0x51), identifier: Buffer.of(0, 0, 0, 1) },
  { masterKey: Buffer.alloc(30, 0x52), identifier: Buffer.of(0, 0, 4, 42) },
] as const;
const inline = (index: 0 | 1, name: string): string =>
  `inline:${keys[index].masterKey.toString('base64')}|2^20|${name}:4`;

const offer = (port: number): string =>
  [
    'v=0',
    'o=raw 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/SAVP 0 101`,
    'a=rtpmap:101 telephone-event/8000',
    `a=crypto:1 ${SUITE} ${inline(0, '1')};${inline(1, '1066')}`,
    '',
  ].join('\r\n');

/** An event of RFC 4733 under this key: the protected packet with the identifier put before its tag. */
function digit(event: number, sequence: number, isEnd: boolean, key: (typeof keys)[number]): Buffer {
  const payload = Buffer.of(event, isEnd ? 0x8a : 0x0a, 0x03, 0x20);
  const timestamp = isEnd ? 800 * (sequence - 1) : 800 * sequence;
  const plain = rtpPacket({ payloadType: 101, sequence, timestamp, marker: !isEnd, payload });
  const room = Buffer.concat([plain, Buffer.alloc(SRTP_TRAILER_BYTES)]);
  const end = new SrtpSender(SUITE, key.masterKey).protect(room, plain.length);
  return Buffer.concat([room.subarray(0, end - TAG_BYTES), key.identifier, room.subarray(end - TAG_BYTES, end)]);
}

test('[sip 4 mki] digits under two keys, each packet naming its own, are gathered; our packets have no identifier', async () => {
  const w = await world({ tls: true, ...openWorld });
  w.answers('<Gather numDigits="2" action="/digits" timeout="5"><Pause length="5"/></Gather>');
  w.answers('<Hangup/>', '/digits');
  const media = createSocket('udp4').bind(0, '127.0.0.1');
  await once(media, 'listening');
  const heard: Buffer[] = [];
  media.on('message', (packet) => heard.push(packet));
  const { transport, messages } = await openTransport();
  const port = w.port('tls');
  const flow = await transport.connect({
    transport: 'tls',
    address: '127.0.0.1',
    port,
    serverName: '127.0.0.1',
    verify: false,
  });
  if (!flow.ok) throw new Error(flow.error.detail);
  const next = async <T extends Message>(fits: (message: Message) => message is T): Promise<T> => {
    for (;;) {
      const { message } = await messages.next();
      if (fits(message)) return message;
    }
  };

  const uri = makeSipUri({ user: '1000', host: '127.0.0.1', port });
  const via = { transport: 'tls', host: '127.0.0.1', port: 9, received: undefined, rport: null } as const;
  const common = {
    from: withParam(nameAddr(makeSipUri({ user: 'raw', host: '127.0.0.1' })), 'tag', newTag()),
    callId: newCallId(),
  };
  const forwards = { name: 'Max-Forwards', value: '70' };
  const invite = createRequest({
    ...common,
    method: 'INVITE',
    uri,
    via: { ...via, branch: newBranch(), params: new Map() },
    to: nameAddr(uri),
    cseq: { sequence: 1, method: 'INVITE' },
    headers: [
      forwards,
      { name: 'Contact', value: '<sip:raw@127.0.0.1:9;transport=tls>' },
      { name: 'Content-Type', value: 'application/sdp' },
    ],
    body: Buffer.from(offer(media.address().port)),
  });
  await transport.send(invite, flow.value);
  const final = await next((message): message is Response => message.kind === 'response' && message.status >= 200);
  expect(final.status).toBe(200);
  const answer = Buffer.from(final.body).toString();
  const [, ours = ''] = new RegExp(`a=crypto:1 ${SUITE} inline:([A-Za-z0-9+/]{40})\\r\\n`).exec(answer) ?? [];
  expect(ours).not.toBe('');

  const target = parseUri(/<([^>]+)>/.exec(final.headers.get('contact') ?? '')?.[1] ?? '');
  if (!target.ok) throw new Error('no Contact in the 200');
  const ack = createRequest({
    ...common,
    method: 'ACK',
    uri: target.value,
    via: { ...via, branch: newBranch(), params: new Map() },
    to: final.to,
    cseq: { sequence: 1, method: 'ACK' },
    headers: [forwards],
  });
  await transport.send(ack, flow.value);

  // What comes to us is plain SRTP of the key in the answer: no octets between payload and tag.
  const packet = await until(
    () => heard[0],
    DEADLINE_MS,
    () => 'a packet',
  );
  expect(packet).toHaveLength(12 + 160 + TAG_BYTES);
  expect(new SrtpReceiver(SUITE, Buffer.from(ours, 'base64')).unprotect(Buffer.from(packet), packet.length)).toBe(172);

  const mediaPort = Number(/m=audio (\d+)/.exec(answer)?.[1]);
  const send = (bytes: Buffer) => media.send(bytes, mediaPort, '127.0.0.1');
  // A stranger's packets between them, and such whose identifier is nobody's, change nothing.
  send(digit(7, 9, true, { ...keys[0], identifier: Buffer.of(0, 0, 0, 2) }));
  send(digit(4, 10, false, keys[0]));
  send(digit(4, 11, true, keys[0]));
  send(digit(2, 12, false, keys[1]));
  send(digit(2, 13, true, keys[1]));
  expect((await w.asked('/digits')).params).toMatchObject({ Digits: '42' });

  const bye = await next((message): message is Request => message.kind === 'request' && message.method === 'BYE');
  await transport.send(createResponse(bye, 200), flow.value);
  await w.isIdle();
  media.close();
});
