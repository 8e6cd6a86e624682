// SRTP offers over TLS whose keys cannot be taken: each is refused before the application is asked, and nothing is left.

import { expect, test } from 'vitest';
import { newBranch, newCallId, newTag } from '../../../src/base/ids.ts';
import { createRequest } from '../../../src/sip/grammar/build.ts';
import type { Response } from '../../../src/sip/grammar/message.ts';
import { nameAddr, withParam } from '../../../src/sip/grammar/name-addr.ts';
import { makeSipUri } from '../../../src/sip/grammar/uri.ts';
import { openWorld } from '../../support/raw-phone.ts';
import { type World, world } from '../../support/world.ts';
import { openTransport } from '../transport/kit.ts';

const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';
const SUITE = 'AES_CM_128_HMAC_SHA1_80';

const offer = (media: string, ...cryptos: string[]): string =>
  [
    'v=0',
    'o=raw 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    media,
    ...cryptos.map((crypto) => `a=crypto:${crypto}`),
    '',
  ].join('\r\n');

/** Sends an INVITE over TLS; its final response, which is acknowledged. */
async function invited(w: World, sdp: string): Promise<Response> {
  const { transport, messages } = await openTransport();
  const port = w.port('tls');
  const where = { transport: 'tls', address: '127.0.0.1', port, serverName: '127.0.0.1', verify: false } as const;
  const flow = await transport.connect(where);
  if (!flow.ok) throw new Error(flow.error.detail);
  const via = {
    transport: 'tls',
    host: '127.0.0.1',
    port: 9,
    branch: newBranch(),
    received: undefined,
    rport: null,
    params: new Map(),
  } as const;
  const uri = makeSipUri({ user: '1000', host: '127.0.0.1', port });
  const common = {
    uri,
    via,
    from: withParam(nameAddr(makeSipUri({ user: 'raw', host: '127.0.0.1' })), 'tag', newTag()),
    callId: newCallId(),
  };
  const invite = createRequest({
    ...common,
    method: 'INVITE',
    to: nameAddr(uri),
    cseq: { sequence: 1, method: 'INVITE' },
    headers: [
      { name: 'Max-Forwards', value: '70' },
      { name: 'Contact', value: '<sip:raw@127.0.0.1:9;transport=tls>' },
      { name: 'Content-Type', value: 'application/sdp' },
    ],
    body: Buffer.from(sdp),
  });
  await transport.send(invite, flow.value);
  for (;;) {
    const { message } = await messages.next();
    if (message.kind !== 'response' || message.status < 200) continue;
    const ack = createRequest({
      ...common,
      method: 'ACK',
      to: message.to,
      cseq: { sequence: 1, method: 'ACK' },
      headers: [{ name: 'Max-Forwards', value: '70' }],
    });
    await transport.send(ack, flow.value);
    return message;
  }
}

const SAVP = 'm=audio 4000 RTP/SAVP 0';

for (const secure of [false, true]) {
  test.each([
    ['unknown suites only', offer(SAVP, `1 AES_512_FANCY inline:${KEY}`, `2 F8_128_HMAC_SHA1_80 inline:${KEY}`)],
    ['a key that is no base64', offer(SAVP, `1 ${SUITE} inline:***${KEY.slice(3)}`)],
    ['a key that is too short', offer(SAVP, `1 ${SUITE} inline:${KEY.slice(0, 20)}`)],
    ['no key at all', offer(SAVP)],
    ['audio switched off (port 0)', offer('m=audio 0 RTP/SAVP 0', `1 ${SUITE} inline:${KEY}`)],
    ['no audio', offer('m=video 4000 RTP/SAVP 96', `1 ${SUITE} inline:${KEY}`)],
  ])(`[sip 4 bad-keys] domain ${secure ? 'secure' : 'not secure'}, %s: 488, no webhook`, async (_what, sdp) => {
    const w = await world({ tls: true, ...openWorld, domain: { ...openWorld.domain, secure } });
    const final = await invited(w, sdp);
    expect([final.status, final.reason]).toEqual([488, 'Not Acceptable Here']);
    expect(w.app.requestsTo('/voice')).toEqual([]);
    await w.isIdle();
  });
}

test('[sip 4 bad-keys] one good key among bad ones is enough', async () => {
  const w = await world({ tls: true, ...openWorld });
  w.answers('<Reject reason="busy"/>');
  const sdp = offer(SAVP, `1 AES_512_FANCY inline:${KEY}`, `2 ${SUITE} inline:short`, `3 ${SUITE} inline:${KEY}`);
  expect((await invited(w, sdp)).status).toBe(486);
  await w.isIdle();
});
