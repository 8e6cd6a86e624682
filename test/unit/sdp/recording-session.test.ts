// Descriptions of several labelled streams (RFC 7866 7.1): offers, answers of all kinds, offers of the server.

import { describe, expect, test } from 'vitest';
import {
  acceptRecordingAnswer,
  answerRecordingOffer,
  createRecordingOffer,
  type RecordingMedia,
} from '../../../src/sdp/recording-session.ts';

const media = (changes: Partial<RecordingMedia> = {}): RecordingMedia => ({
  address: '192.0.2.1',
  sessionId: '7',
  codecs: ['PCMU', 'PCMA'],
  profile: 'avp',
  streams: [
    { port: 20_000, label: '1', masterKey: new Uint8Array(30).fill(1) },
    { port: 20_002, label: '2', masterKey: new Uint8Array(30).fill(2) },
  ],
  ...changes,
});

const sdp = (...sections: readonly string[]): string =>
  ['v=0', 'o=srs 1 1 IN IP4 192.0.2.9', 's=-', 'c=IN IP4 192.0.2.9', 't=0 0', ...sections, ''].join('\r\n');

describe('our offer', () => {
  test('a section per stream, sent only, labelled, with its own port; no telephone events', () => {
    expect(createRecordingOffer(media(), 3).split('\r\n')).toEqual([
      'v=0',
      'o=- 7 3 IN IP4 192.0.2.1',
      's=Hookswitch',
      'c=IN IP4 192.0.2.1',
      't=0 0',
      ...[20_000, 20_002].flatMap((port, index) => [
        `m=audio ${port} RTP/AVP 0 8`,
        'a=rtpmap:0 PCMU/8000',
        'a=rtpmap:8 PCMA/8000',
        'a=ptime:20',
        'a=maxptime:20',
        'a=sendonly',
        `a=label:${index + 1}`,
      ]),
      '',
    ]);
  });

  test('SRTP: each section has a key of its own', () => {
    const offer = createRecordingOffer(media({ profile: 'savp' }), 1);
    const keys = [...offer.matchAll(/a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:(\S+)/g)].map(([, key]) => key);
    expect(keys).toEqual([1, 2].map((value) => Buffer.alloc(30, value).toString('base64')));
  });
});

describe('the answer', () => {
  const sent = createRecordingOffer(media(), 1);
  const accept = (...sections: readonly string[]) => acceptRecordingAnswer(sent, sdp(...sections), media());

  test('both taken: where each goes, in which codec', () => {
    const accepted = accept('m=audio 5000 RTP/AVP 8', 'a=recvonly', 'm=audio 5002 RTP/AVP 0', 'a=recvonly');
    expect(accepted).toMatchObject({
      ok: true,
      value: [
        {
          remoteAddress: '192.0.2.9',
          remotePort: 5000,
          codec: 'PCMA',
          direction: 'sendonly',
          telephoneEventSend: null,
        },
        { remotePort: 5002, codec: 'PCMU', direction: 'sendonly' },
      ],
    });
  });

  test('an answer that leaves the direction out is one that also would send: we still only send', () => {
    const accepted = accept('m=audio 5000 RTP/AVP 0', 'm=audio 5002 RTP/AVP 0');
    expect(accepted).toMatchObject({ ok: true, value: [{ direction: 'sendonly' }, { direction: 'sendonly' }] });
  });

  test('one refused: it has no plan', () => {
    const accepted = accept('m=audio 0 RTP/AVP 0', 'm=audio 5002 RTP/AVP 0', 'a=recvonly');
    expect(accepted).toMatchObject({ ok: true, value: [undefined, { remotePort: 5002 }] });
  });

  test('inactive: nothing is sent yet', () => {
    const accepted = accept('m=audio 5000 RTP/AVP 0', 'a=inactive', 'm=audio 5002 RTP/AVP 0', 'a=recvonly');
    expect(accepted).toMatchObject({ ok: true, value: [{ direction: 'inactive' }, { direction: 'sendonly' }] });
  });

  test.each([
    ['all refused', ['m=audio 0 RTP/AVP 0', 'm=audio 0 RTP/AVP 0']],
    ['a section too few', ['m=audio 5000 RTP/AVP 0']],
    ['no codec of ours', ['m=audio 5000 RTP/AVP 9', 'm=audio 5002 RTP/AVP 0']],
    ['another protocol', ['m=audio 5000 RTP/SAVP 0', 'm=audio 5002 RTP/AVP 0']],
    ['video', ['m=video 5000 RTP/AVP 0', 'm=audio 5002 RTP/AVP 0']],
    ['IPv6', ['m=audio 5000 RTP/AVP 0', 'c=IN IP6 2001:db8::1', 'm=audio 5002 RTP/AVP 0']],
  ])('%s is an error', (_name, sections) => {
    expect(accept(...sections)).toMatchObject({ ok: false, error: { status: 488 } });
  });

  test.each(['', 'nonsense', 'v=0\r\nm=audio\r\n'])('broken: %j', (answer) => {
    expect(acceptRecordingAnswer(sent, answer, media()).ok).toBe(false);
  });

  test('SRTP: the keys of each section; without one it is an error', () => {
    const secure = media({ profile: 'savp' });
    const offer = createRecordingOffer(secure, 1);
    const section = (port: number, key: string) => [
      `m=audio ${port} RTP/SAVP 0`,
      'a=recvonly',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
    ];
    const answer = sdp(...section(5000, 'A'.repeat(40)), ...section(5002, 'B'.repeat(40)));
    const accepted = acceptRecordingAnswer(offer, answer, secure);
    expect(accepted.ok && accepted.value.map((plan) => plan?.srtp?.sendKey)).toEqual(
      secure.streams.map(({ masterKey }) => masterKey),
    );
    const bare = sdp('m=audio 5000 RTP/SAVP 0', 'm=audio 5002 RTP/SAVP 0');
    expect(acceptRecordingAnswer(offer, bare, secure).ok).toBe(false);
  });
});

describe('an offer of the server', () => {
  const answer = (...sections: readonly string[]) => answerRecordingOffer(sdp(...sections), media(), 2);

  test('held, moved and dropped streams are answered in their place', () => {
    const answered = answer('m=audio 6000 RTP/AVP 0', 'a=inactive', 'm=audio 0 RTP/AVP 0');
    expect(answered).toMatchObject({
      ok: true,
      value: { plans: [{ remotePort: 6000, direction: 'inactive' }, undefined] },
    });
    const lines = answered.ok ? answered.value.sdp.split('\r\n') : [];
    expect(lines.filter((line) => /^m=|inactive|label/.test(line))).toEqual([
      'm=audio 20000 RTP/AVP 0',
      'a=inactive',
      'a=label:1',
      'm=audio 0 RTP/AVP 0',
    ]);
  });

  test('what it adds is refused; we never receive', () => {
    const answered = answer(
      ...['m=audio 6000 RTP/AVP 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=sendrecv'],
      ...['m=audio 6002 RTP/AVP 0', 'm=video 6004 RTP/AVP 96'],
    );
    expect(answered).toMatchObject({
      ok: true,
      value: { plans: [{ direction: 'sendonly' }, { direction: 'sendonly' }] },
    });
    const text = answered.ok ? answered.value.sdp : '';
    expect(text).toContain('m=video 0 RTP/AVP 96');
    expect(text).not.toContain('telephone-event');
    expect(text.match(/^a=sendonly\r$/gm)).toHaveLength(2);
  });

  test.each([
    ['fewer sections', ['m=audio 6000 RTP/AVP 0']],
    ['no codec of ours', ['m=audio 6000 RTP/AVP 9', 'm=audio 6002 RTP/AVP 0']],
    ['SRTP where there was none', ['m=audio 6000 RTP/SAVP 0', 'm=audio 6002 RTP/AVP 0']],
  ])('%s: refused, what was agreed stays', (_name, sections) => {
    expect(answer(...sections).ok).toBe(false);
  });
});
