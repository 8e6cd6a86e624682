// Offers and requests that are wrong: each gets its documented status, the call that stands goes on, and nothing is left behind.

import { describe, expect, onTestFinished, test } from 'vitest';
import { openWorld, plainSdp, RawPhone } from '../../support/raw-phone.ts';
import { dials, expectEvent, type World, world } from '../../support/world.ts';

const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';

async function stranger(w: World): Promise<RawPhone> {
  const raw = await RawPhone.open(w.port('udp'));
  onTestFinished(() => raw.close());
  return raw;
}

const sdp = (...media: string[]): string =>
  ['v=0', 'o=raw 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', ...media, ''].join('\r\n');

describe('offers over UDP that are refused', () => {
  test.each([
    ['no audio, but video', sdp('m=video 4000 RTP/AVP 96', 'a=rtpmap:96 H264/90000'), 488, 'Not Acceptable Here', null],
    ['no media at all', sdp(), 488, 'Not Acceptable Here', null],
    ['audio switched off (port 0)', sdp('m=audio 0 RTP/AVP 0'), 488, 'Not Acceptable Here', null],
    ['an unknown protocol', sdp('m=audio 4000 UDP/TLS/RTP/SAVPF 0'), 488, 'Not Acceptable Here', null],
    ['no codec of ours', sdp('m=audio 4000 RTP/AVP 9 18'), 415, 'Unsupported media type', null],
    [
      'SRTP without TLS',
      sdp('m=audio 4000 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY}`),
      488,
      'Secure media not accepted',
      '32207',
    ],
    [
      'a c= line that is no address',
      sdp('m=audio 4000 RTP/AVP 0').replace('c=IN IP4 127.0.0.1', 'c=IN IP4 nowhere'),
      488,
      'Not Acceptable Here',
      null,
    ],
    [
      'a multicast address',
      sdp('m=audio 4000 RTP/AVP 0').replace('c=IN IP4 127.0.0.1', 'c=IN IP4 224.0.0.9/127'),
      488,
      'Not Acceptable Here',
      null,
    ],
    ['no SDP at all in it', 'hello', 400, 'Bad Request', '32102'],
  ])('[sip 1.5 bad-offer] %s', async (_what, offer, status, reason, errorCode) => {
    const w = await world(openWorld);
    const raw = await stranger(w);
    raw.send('INVITE', { sdp: offer });
    const final = await raw.final('INVITE');
    expect([final.status, final.reason]).toEqual([status, reason]);
    expect(final.headers.get('x-twilio-error')?.split(' ')[0] ?? null).toBe(errorCode);
    expect(w.app.requestsTo('/voice')).toEqual([]);
    await w.isIdle();
  });
});

/** A stranger in a call with a Gather. */
async function inCall() {
  const w = await world(openWorld);
  w.answers('<Gather timeout="60"/>');
  const raw = await stranger(w);
  const invite = raw.send('INVITE', { sdp: plainSdp(4_000), branch: 'z9hG4bK-first' });
  const answer = await raw.final('INVITE');
  raw.acknowledge(invite, answer);
  const end = async () => {
    raw.send('BYE');
    expect((await raw.final('BYE')).status).toBe(200);
    await w.isIdle();
  };
  return { w, raw, invite, end };
}

describe('requests inside a call that are refused, and leave it as it is', () => {
  test.each([
    [
      '[sip 1.6 require] an option tag nobody knows',
      'UPDATE',
      [{ name: 'Require', value: 'foo, timer' }],
      undefined,
      420,
    ],
    [
      '[sip 5 stray-notify] a NOTIFY that no REFER asked for',
      'NOTIFY',
      [{ name: 'Event', value: 'refer' }],
      undefined,
      481,
    ],
    ['[sip 5 stray-notify] a NOTIFY without an event', 'NOTIFY', [], undefined, 489],
    ['a PRACK of nothing', 'PRACK', [{ name: 'RAck', value: '1 1 INVITE' }], undefined, 481],
    ['a method that is not served', 'MESSAGE', [], undefined, 405],
    ['a method that nobody knows', 'FROBNICATE', [], undefined, 501],
    ['a re-INVITE with audio switched off', 'UPDATE', [], sdp('m=audio 0 RTP/AVP 0'), 488],
    ['an offer without audio', 'UPDATE', [], sdp('m=video 4000 RTP/AVP 96'), 488],
    ['a broken offer', 'UPDATE', [], 'v=9', 400],
    [
      '[sip 1.6 session-timer-422] too small a session interval',
      'UPDATE',
      [
        { name: 'Session-Expires', value: '10' },
        { name: 'Supported', value: 'timer' },
      ],
      undefined,
      422,
    ],
  ])('%s: %s', async (_what, method, headers, body, status) => {
    const { w, raw, end } = await inCall();
    raw.send(method, { headers, ...(body === undefined ? {} : { sdp: body }) });
    const final = await raw.final(method);
    expect(final.status).toBe(status);
    if (status === 420) expect(final.headers.get('unsupported')).toBe('foo');
    expect((w.gateway.counts() as { calls: number }).calls).toBe(1);
    await end();
  });

  test('[sip 1.4 crossed-cancel] a CANCEL that crosses the 200 is answered and ends nothing (RFC 3261 9.2)', async () => {
    const { w, raw, invite, end } = await inCall();
    const dialogTag = raw.leaveDialog();
    raw.send('CANCEL', { branch: 'z9hG4bK-first', sequence: invite.cseq.sequence });
    expect([200, 481]).toContain((await raw.finalOf('CANCEL', invite.cseq.sequence)).status);
    raw.returnToDialog(dialogTag);
    raw.send('OPTIONS');
    expect((await raw.final('OPTIONS')).status).toBe(200);
    expect((w.gateway.counts() as { calls: number }).calls).toBe(1);
    await end();
  });
});

describe('requests outside of calls', () => {
  test.each([
    ['[sip 5 stray-notify] NOTIFY', 'NOTIFY', 481],
    ['UPDATE', 'UPDATE', 481],
    ['INFO', 'INFO', 481],
    ['PRACK', 'PRACK', 481],
    ['BYE', 'BYE', 481],
    ['CANCEL', 'CANCEL', 481],
    ['REFER (transfers happen inside calls)', 'REFER', 405],
    ['SUBSCRIBE', 'SUBSCRIBE', 405],
  ])('%s of no dialog gets %s %i', async (_what, method, status) => {
    const w = await world(openWorld);
    const raw = await stranger(w);
    raw.send(method);
    expect((await raw.final(method)).status).toBe(status);
    await w.isIdle();
  });

  test('[sip 1.6 require] INVITE with an option tag nobody knows: 420 with Unsupported, no webhook', async () => {
    const w = await world(openWorld);
    const raw = await stranger(w);
    raw.send('INVITE', { sdp: plainSdp(4_000), headers: [{ name: 'Require', value: '100rel, precondition' }] });
    const final = await raw.final('INVITE');
    expect([final.status, final.headers.get('unsupported')]).toEqual([420, 'precondition']);
    expect(w.app.requestsTo('/voice')).toEqual([]);
    await w.isIdle();
  });
});

describe('secure media (sip-interface.md 4)', () => {
  const over = (transport: 'udp' | 'tls', secureMedia: boolean) =>
    ({ transport, secureMedia, registered: false }) as const;

  test.each([
    ['secure', { secure: true }, over('udp', true), 488, 'Secure SIP transport required'],
    ['secure', { secure: true }, over('tls', false), 488, 'Secure media required'],
    ['media_encryption vendor', { mediaEncryption: 'vendor' }, over('tls', true), 488, 'Secure media not accepted'],
    ['media_encryption optional', { mediaEncryption: 'optional' }, over('udp', true), 488, 'Secure media not accepted'],
  ] as const)(
    '[sip 4 secure-media] domain %s: %j, caller %j is refused with %i %s',
    async (_name, domain, setup, status, reason) => {
      const w = await world({ tls: true, domain });
      const alice = await w.phone('alice', setup);
      const call = dials(alice, w.uri('1000', setup.transport));
      expect(await expectEvent(alice, call, 'failed')).toMatchObject({ status, detail: reason });
      expect(w.app.requestsTo('/voice')).toEqual([]);
      await w.isIdle();
    },
  );

  test.each([
    ['secure', { secure: true }, over('tls', true)],
    ['media_encryption optional', { mediaEncryption: 'optional' }, over('tls', true)],
    ['media_encryption optional', { mediaEncryption: 'optional' }, over('tls', false)],
    ['media_encryption vendor', { mediaEncryption: 'vendor' }, over('tls', false)],
  ] as const)('[sip 4 secure-media] domain %s: %j, caller %j is let in', async (_name, domain, setup) => {
    const w = await world({ tls: true, domain });
    w.answers('<Hangup/>');
    const alice = await w.phone('alice', setup);
    const call = dials(alice, w.uri('1000', setup.transport));
    await expectEvent(alice, call, 'answered');
    await expectEvent(alice, call, 'ended');
    await w.isIdle();
  });
});
