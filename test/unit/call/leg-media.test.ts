// The media of one leg: offers, answers, and when silence of the peer is a fault (design.md 5.4, 6).

import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { LegMedia, type LegMediaOptions, mirror } from '../../../src/call/leg-media.ts';
import { MediaRouter } from '../../../src/call/media-router.ts';
import type { MediaEvent } from '../../../src/media/engine.ts';
import { sdpNegotiation } from '../../../src/sdp/negotiate.ts';
import { FakeEngine } from '../../support/call-fakes.ts';
import { seededRandom } from '../../support/network.ts';

const peer = { localAddress: '192.0.2.1', advertisedHost: '198.51.100.1', remoteAddress: '192.0.2.7' };

const description = (
  direction = 'sendrecv',
  profile = 'RTP/AVP',
  address = '192.0.2.7',
  extra: string[] = [],
): string =>
  [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio 4000 ${profile} 0 8 101`,
    'a=rtpmap:101 telephone-event/8000',
    `a=${direction}`,
    ...extra,
    '',
  ].join('\r\n');

async function opened(changes: Partial<LegMediaOptions> = {}) {
  const engine = new FakeEngine();
  const router = new MediaRouter(engine);
  const events: MediaEvent[] = [];
  const media = new LegMedia(
    { engine, router, sdp: sdpNegotiation, random: seededRandom(1).bytes, log: silentLog },
    {
      callSid: 'CA1',
      profile: 'avp',
      nat: false,
      security: { srtpAllowed: false, srtpRequired: false },
      ...changes,
    },
  );
  expect(await media.open(peer, (event) => events.push(event))).toEqual({ ok: true, value: undefined });
  return { engine, router, media, events };
}

describe('design.md 5.4: only a sendrecv leg must send', () => {
  for (const [direction, mayBeSilent] of [
    ['sendrecv', false],
    ['sendonly', true],
    ['recvonly', true],
    ['inactive', true],
  ] as const) {
    test(`a peer that offers ${direction}: silence is ${mayBeSilent ? 'allowed' : 'a fault'}`, async () => {
      const { engine, media } = await opened();
      const answered = media.answer(description(direction), 'sendrecv');
      expect(answered).toMatchObject({ ok: true, value: { offered: direction } });
      expect(engine.done.at(-1)).toBe(`expectSilence ${media.endpoint} ${mayBeSilent}`);
    });
  }

  test('a peer without address (0.0.0.0, RFC 3264 8.4) may be silent', async () => {
    const { engine, media } = await opened();
    media.answer(description('sendrecv', 'RTP/AVP', '0.0.0.0'), 'sendrecv');
    expect(engine.done.at(-1)).toBe(`expectSilence ${media.endpoint} true`);
  });
});

describe('offers and answers', () => {
  test('the answer names the advertised address; later ones count the version up', async () => {
    const { media } = await opened();
    const versionOf = (sdp: string) => Number(/^o=\S+ \S+ (\d+)/m.exec(sdp)![1]);
    const first = media.answer(description(), 'sendrecv');
    const second = media.answer(description('sendonly'), 'sendrecv');
    if (!first.ok || !second.ok) throw new Error('refused');
    expect(first.value.sdp).toContain('c=IN IP4 198.51.100.1');
    expect(versionOf(second.value.sdp)).toBe(versionOf(first.value.sdp) + 1);
    expect(second.value.sdp).toContain('a=recvonly');
  });

  test('the most that an answer may say is respected', async () => {
    const { media } = await opened();
    const answered = media.answer(description('sendrecv'), 'sendonly');
    expect(answered.ok && answered.value.sdp).toContain('a=sendonly');
  });

  test('415: no common codec', async () => {
    const { media } = await opened({ codecs: ['PCMA'] });
    expect(media.answer(description().replace(' 0 8 101', ' 0 101'), 'sendrecv').ok).toBe(false);
  });

  test('an SAVP leg offers its key once and keeps it over re-offers', async () => {
    const { media } = await opened({ profile: 'savp', security: { srtpAllowed: true, srtpRequired: true } });
    const keyOf = (sdp: string | undefined) => /inline:(\S+)/.exec(sdp ?? '')?.[1];
    const first = media.offer('sendrecv');
    expect(first).toContain('RTP/SAVP');
    expect(keyOf(first)).toMatch(/^[A-Za-z0-9+/]{40}/);
    expect(keyOf(media.offer('sendonly'))).toBe(keyOf(first));
  });

  test('closed: nothing is offered, answered or owned any more', async () => {
    const { engine, router, media } = await opened();
    const { endpoint } = media;
    media.close();
    media.close();
    expect(engine.done.filter((one) => one === `close ${endpoint}`)).toHaveLength(1);
    expect([media.endpoint, router.size, media.offer('sendrecv')]).toEqual([undefined, 0, undefined]);
    expect(media.answer(description(), 'sendrecv')).toMatchObject({ ok: false, error: { status: 488 } });
  });

  test('closed while its port was being opened: the port is given back, 487', async () => {
    const engine = new FakeEngine();
    const router = new MediaRouter(engine);
    const services = { engine, router, sdp: sdpNegotiation, random: seededRandom(1).bytes, log: silentLog };
    const media = new LegMedia(services, {
      callSid: 'CA1',
      profile: 'avp',
      nat: false,
      security: { srtpAllowed: false, srtpRequired: false },
    });
    const opening = media.open(peer, () => {});
    media.close();
    expect(await opening).toMatchObject({ ok: false, error: { status: 487 } });
    expect(engine.done).toEqual(['close e1']);
    expect(router.size).toBe(0);
  });
});

test('a direction seen from the other end', () => {
  expect((['sendrecv', 'sendonly', 'recvonly', 'inactive'] as const).map(mirror)).toEqual([
    'sendrecv',
    'recvonly',
    'sendonly',
    'inactive',
  ]);
});
