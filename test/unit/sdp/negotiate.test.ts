// RFC 3264 and the choices of sip-interface.md 1.5, 1.6 and 4: offers × policy → answer and plan, and the answers to our own offers.

import { describe, expect, test } from 'vitest';
import { acceptAnswer, answerOffer, createOffer, holdDirection } from '../../../src/sdp/negotiate.ts';
import type { Answered, LocalMedia, MediaDirection, SecurityPolicy } from '../../../src/sdp/plan.ts';
import {
  all,
  asterisk,
  baresip,
  browser,
  cisco,
  freeswitch,
  KEY_A,
  KEY_B,
  linphone,
  linphoneSecure,
  minimal,
  sipp,
} from './offers.ts';

const local: LocalMedia = { address: '192.0.2.99', port: 12_000, codecs: ['PCMU', 'PCMA'], sessionId: '4711' };
const masterKey = Uint8Array.from({ length: 30 }, (_, index) => index);
const ourInline = Buffer.from(masterKey).toString('base64');
const optional: SecurityPolicy = { srtpAllowed: true, srtpRequired: false };
const plainOnly: SecurityPolicy = { srtpAllowed: false, srtpRequired: false };
const secureOnly: SecurityPolicy = { srtpAllowed: true, srtpRequired: true };

const answer = (offer: string, security = optional, direction: MediaDirection = 'sendrecv', ours = local) =>
  answerOffer(offer, ours, { security, direction, masterKey, version: 7 });
function answered(...parameters: Parameters<typeof answer>): Answered {
  const result = answer(...parameters);
  if (!result.ok) throw new Error(`${result.error.status} ${result.error.detail}`);
  return result.value;
}
const linesOf = (sdp: string) => sdp.split('\r\n').slice(0, -1);
const mediaLines = (sdp: string) => linesOf(sdp).filter((line) => line.startsWith('m='));
const keyBytes = (inline: string) => Uint8Array.from(Buffer.from(inline, 'base64'));

describe('answers to offers of real clients', () => {
  test('our key is asked for where SRTP is agreed, and nowhere else', () => {
    let asked = 0;
    const key = () => {
      asked++;
      return masterKey;
    };
    const options = {
      security: optional,
      direction: 'sendrecv',
      version: 7,
      get masterKey() {
        return key();
      },
    } as const;
    const plain = answerOffer(baresip, local, options);
    expect([plain.ok && plain.value.plan.srtp, asked]).toEqual([null, 0]);
    const secure = answerOffer(linphoneSecure, local, options);
    expect([secure.ok && secure.value.plan.srtp?.sendKey, asked]).toEqual([masterKey, 1]);
  });

  test('baresip: PCMA is first there, so we take PCMA; events mirrored with 0-15 [sip 1.6 telephone-event-answer]', () => {
    const { sdp, plan, offeredDirection } = answered(baresip);
    expect(linesOf(sdp)).toEqual([
      'v=0',
      'o=- 4711 7 IN IP4 192.0.2.99',
      's=Hookswitch',
      'c=IN IP4 192.0.2.99',
      't=0 0',
      'm=audio 12000 RTP/AVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=maxptime:20',
      'a=sendrecv',
    ]);
    expect(offeredDirection).toBe('sendrecv');
    expect(plan).toEqual({
      remoteAddress: '192.0.2.10',
      remotePort: 10_158,
      remoteRtcpPort: 10_159,
      rtcpMux: false,
      direction: 'sendrecv',
      codec: 'PCMA',
      payloadType: 8,
      receivePayloadTypes: [
        { payloadType: 8, codec: 'PCMA' },
        { payloadType: 0, codec: 'PCMU' },
      ],
      telephoneEventSend: 101,
      telephoneEventReceive: 101,
      packetTimeMs: 20,
      srtp: null,
    });
  });

  test('Linphone: the 8 kHz telephone-event of three, PCMU behind the wide-band codecs, video refused in place', () => {
    const { sdp, plan } = answered(linphone);
    expect(mediaLines(sdp)).toEqual(['m=audio 12000 RTP/AVP 0 100', 'm=video 0 RTP/AVP 96']);
    expect(plan).toMatchObject({ codec: 'PCMU', telephoneEventSend: 100, remoteRtcpPort: 35_889 });
  });

  test('Linphone with SRTP: AES_256 lines are passed over, tag 3 echoed (interop.md)', () => {
    const { sdp, plan } = answered(linphoneSecure);
    expect(mediaLines(sdp)).toEqual(['m=audio 12000 RTP/SAVP 0 100']);
    expect(linesOf(sdp).filter((line) => line.startsWith('a=crypto'))).toEqual([
      `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${ourInline}`,
    ]);
    expect(plan.srtp).toEqual({ suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: masterKey, receiveKey: keyBytes(KEY_A) });
  });

  test('SIPp: no telephone-event offered, none answered', () => {
    const { sdp, plan } = answered(sipp);
    expect(mediaLines(sdp)).toEqual(['m=audio 12000 RTP/AVP 0']);
    expect(plan).toMatchObject({ telephoneEventSend: null, telephoneEventReceive: null });
  });

  test('FreeSWITCH-like: comfort noise and G.722 are left out [sip 0 codecs]', () => {
    expect(mediaLines(answered(freeswitch).sdp)).toEqual(['m=audio 12000 RTP/AVP 0 101']);
  });

  test('Asterisk-like: events 0-16 are mirrored as 0-16', () => {
    expect(linesOf(answered(asterisk).sdp)).toContain('a=fmtp:101 0-16');
  });

  test('Cisco-like: c= of the media section, capability lines ignored', () => {
    const { sdp, plan } = answered(cisco);
    expect(plan.remoteAddress).toBe('192.0.2.31');
    expect(mediaLines(sdp)).toEqual(['m=audio 12000 RTP/AVP 0 101']);
  });

  test('a browser without gateway (UDP/TLS/RTP/SAVPF) is refused [sip 4 sdes]', () => {
    expect(answer(browser)).toMatchObject({ ok: false, error: { status: 488, reason: 'Not Acceptable Here' } });
  });

  test.each(Object.entries(all))('%s: with bare LF or CR as line ends it is the same offer', (_, offer) => {
    expect(answer(offer.replaceAll('\r\n', '\n'))).toEqual(answer(offer));
    expect(answer(offer.replaceAll('\r\n', '\r'))).toEqual(answer(offer));
  });
});

describe('RFC 3264 6.1 and 8.4: direction and hold', () => {
  const rows: readonly (readonly [offered: MediaDirection, wanted: MediaDirection, answered: MediaDirection])[] = [
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'sendonly', 'sendonly'],
    ['sendrecv', 'recvonly', 'recvonly'],
    ['recvonly', 'recvonly', 'inactive'],
    ['sendrecv', 'inactive', 'inactive'],
  ];
  test.each(rows)('offered %s, we want %s: %s', (offered, wanted, expected) => {
    const result = answered(minimal('m=audio 5004 RTP/AVP 0', `a=${offered}`), optional, wanted);
    expect(result.plan.direction).toBe(expected);
    expect(result.offeredDirection).toBe(offered);
    expect(linesOf(result.sdp).at(-1)).toBe(`a=${expected}`);
  });

  test('no attribute is sendrecv; the session has one for all; the media section wins', () => {
    const session = (attribute: string, ...media: string[]) =>
      minimal('m=audio 5004 RTP/AVP 0', ...media).replace('t=0 0', `t=0 0\r\na=${attribute}`);
    expect(answered(minimal('m=audio 5004 RTP/AVP 0')).offeredDirection).toBe('sendrecv');
    expect(answered(session('sendonly')).plan.direction).toBe('recvonly');
    expect(answered(session('inactive', 'a=sendrecv')).plan.direction).toBe('sendrecv');
  });

  test.each(['c=IN IP4 0.0.0.0', 'c=IN IP6 ::'])('the old hold, %s: nothing is sent there', (connection) => {
    const result = answered(minimal('m=audio 5004 RTP/AVP 0', connection));
    expect(result.plan).toMatchObject({ direction: 'recvonly', remoteAddress: null });
    expect(result.offeredDirection).toBe('sendonly');
    expect(answered(minimal('m=audio 5004 RTP/AVP 0', connection, 'a=recvonly')).plan.direction).toBe('inactive');
  });

  test('holdDirection tells without an answer', () => {
    expect(holdDirection(minimal('m=audio 5004 RTP/AVP 0', 'a=inactive'))).toBe('inactive');
    expect(holdDirection(minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP4 0.0.0.0'))).toBe('sendonly');
    expect(holdDirection(linphone)).toBe('sendrecv');
    expect(holdDirection('')).toBeUndefined();
    expect(holdDirection(browser)).toBeUndefined();
  });
});

describe('RFC 3264 6: several media sections', () => {
  test('each is answered in its place, the first usable audio taken', () => {
    const offer = minimal(
      'm=video 5000/2 RTP/AVP 31 32',
      'm=audio 5002 UDP/TLS/RTP/SAVPF 0',
      'm=audio 5004 RTP/AVP 8',
      'm=audio 5006 RTP/AVP 0',
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'm=image 5008 udptl t38',
    );
    expect(mediaLines(answered(offer).sdp)).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 0 UDP/TLS/RTP/SAVPF 0',
      'm=audio 12000 RTP/AVP 8',
      'm=audio 0 RTP/AVP 0',
      'm=application 0 UDP/DTLS/SCTP webrtc-datachannel',
      'm=image 0 udptl t38',
    ]);
  });

  test('SAVP and AVP side by side: the policy decides which', () => {
    const offer = minimal(
      'm=audio 5002 RTP/SAVP 0',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:${KEY_A}`,
      'm=audio 5004 RTP/AVP 0',
    );
    expect(mediaLines(answered(offer).sdp)).toEqual(['m=audio 12000 RTP/SAVP 0', 'm=audio 0 RTP/AVP 0']);
    expect(answered(offer).plan.srtp?.suite).toBe('AES_CM_128_HMAC_SHA1_32');
    expect(mediaLines(answered(offer, plainOnly).sdp)).toEqual(['m=audio 0 RTP/SAVP 0', 'm=audio 12000 RTP/AVP 0']);
    expect(answered(offer, plainOnly).plan.remotePort).toBe(5_004);
  });

  test('a switched-off audio section (port 0) is not taken', () => {
    expect(mediaLines(answered(minimal('m=audio 0 RTP/AVP 0', 'm=audio 5004 RTP/AVP 0')).sdp)).toEqual([
      'm=audio 0 RTP/AVP 0',
      'm=audio 12000 RTP/AVP 0',
    ]);
    expect(answer(minimal('m=audio 0 RTP/AVP 0'))).toMatchObject({ ok: false, error: { status: 488 } });
  });

  test('t= of the offer is repeated', () => {
    const offer = minimal('m=audio 5004 RTP/AVP 0').replace('t=0 0', 't=2873397496 2873404696');
    expect(linesOf(answered(offer).sdp)[4]).toBe('t=2873397496 2873404696');
  });
});

describe('refusals: sip-interface.md 1.5', () => {
  const secure = minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}`);
  const plain = minimal('m=audio 5004 RTP/AVP 0');
  test.each<readonly [string, string, SecurityPolicy, number, string, number | undefined]>([
    [
      'G.729 only [sip 1.5 415-no-codec]',
      minimal('m=audio 5004 RTP/AVP 18'),
      optional,
      415,
      'Unsupported media type',
      undefined,
    ],
    [
      'PCMU at 16 kHz',
      minimal('m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 PCMU/16000'),
      optional,
      415,
      'Unsupported media type',
      undefined,
    ],
    [
      'PCMU with two channels',
      minimal('m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 PCMU/8000/2'),
      optional,
      415,
      'Unsupported media type',
      undefined,
    ],
    [
      '0 mapped to something else',
      minimal('m=audio 5004 RTP/AVP 0', 'a=rtpmap:0 G726-32/8000'),
      optional,
      415,
      'Unsupported media type',
      undefined,
    ],
    ['video only', minimal('m=video 5004 RTP/AVP 31'), optional, 488, 'Not Acceptable Here', undefined],
    ['no media section', minimal(), optional, 488, 'Not Acceptable Here', undefined],
    ['SAVPF', minimal('m=audio 5004 RTP/SAVPF 0'), optional, 488, 'Not Acceptable Here', undefined],
    ['AVPF', minimal('m=audio 5004 RTP/AVPF 0'), optional, 488, 'Not Acceptable Here', undefined],
    [
      'SRTP where it is off [sip 1.5 488-secure-unwanted] [sip 4 not-secure-vendor]',
      secure,
      plainOnly,
      488,
      'Secure media not accepted',
      32_207,
    ],
    ['RTP where SRTP is required', plain, secureOnly, 488, 'Secure media required', 32_208],
    [
      'a=crypto under AVP is still plain RTP',
      `${plain}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}\r\n`,
      secureOnly,
      488,
      'Secure media required',
      32_208,
    ],
    ['SAVP without a key', minimal('m=audio 5004 RTP/SAVP 0'), optional, 488, 'Not Acceptable Here', undefined],
    [
      'video, then SRTP where it is off',
      secure.replace('m=audio', 'm=video 5000 RTP/AVP 31\r\nm=audio'),
      plainOnly,
      488,
      'Secure media not accepted',
      32_207,
    ],
    [
      'a host name as address',
      minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP4 phone.example.com'),
      optional,
      488,
      'Not Acceptable Here',
      undefined,
    ],
    [
      'a multicast address',
      minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127'),
      optional,
      488,
      'Not Acceptable Here',
      undefined,
    ],
    [
      'the broadcast address',
      minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP4 255.255.255.255'),
      optional,
      488,
      'Not Acceptable Here',
      undefined,
    ],
    [
      'IPv6 towards an IPv4 socket',
      minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP6 2001:db8::1'),
      optional,
      488,
      'Not Acceptable Here',
      undefined,
    ],
    ['no c= at all', plain.replace('c=IN IP4 192.0.2.1\r\n', ''), optional, 488, 'Not Acceptable Here', undefined],
    ['nothing', '', optional, 400, 'Bad Request', 32_103],
    ['white space', '\r\n\r\n', optional, 400, 'Bad Request', 32_103],
    ['no SDP [sip 1.5 400-bad-offer]', 'hello', optional, 400, 'Bad Request', 32_102],
    ['port out of range', minimal('m=audio 70000 RTP/AVP 0'), optional, 400, 'Bad Request', 32_102],
  ])('%s', (_, offer, security, status, reason, errorCode) => {
    const result = answer(offer, security);
    expect(result).toMatchObject({ ok: false, error: { status, reason, errorCode } });
    if (!result.ok) expect(result.error.detail).toMatch(/\w/);
  });
});

describe('codecs and payload types', () => {
  test('our list limits, the offer orders', () => {
    expect(answered(baresip, optional, 'sendrecv', { ...local, codecs: ['PCMU'] }).plan).toMatchObject({
      codec: 'PCMU',
      receivePayloadTypes: [{ payloadType: 0, codec: 'PCMU' }],
    });
    expect(answered(baresip, optional, 'sendrecv', { ...local, codecs: ['PCMU', 'PCMA'] }).plan.codec).toBe('PCMA');
  });

  test('dynamic numbers for PCMU and PCMA are taken and echoed, names in any case', () => {
    const { sdp, plan } = answered(
      minimal(
        'm=audio 5004 RTP/AVP 97 98 126',
        'a=rtpmap:97 pcma/8000',
        'a=rtpmap:98 PCMU/8000/1',
        'a=rtpmap:126 Telephone-Event/8000',
      ),
    );
    expect(plan).toMatchObject({ codec: 'PCMA', payloadType: 97, telephoneEventSend: 126 });
    expect(plan.receivePayloadTypes).toEqual([
      { payloadType: 97, codec: 'PCMA' },
      { payloadType: 98, codec: 'PCMU' },
    ]);
    expect(linesOf(sdp)).toContain('m=audio 12000 RTP/AVP 97 126');
    expect(linesOf(sdp)).toContain('a=rtpmap:97 PCMA/8000');
  });

  test.each([
    ['0-15', '0-15'],
    ['0-16', '0-16'],
    ['0-15,16', '0-16'],
    ['events=0-16', '0-16'],
    ['0-11,66,70', '0-15'],
    ['0-255', '0-16'],
    ['garbage', '0-15'],
  ])('RFC 4733 2.4.1: events %s are answered as %s', (events, expected) => {
    const offer = minimal('m=audio 5004 RTP/AVP 0 96', 'a=rtpmap:96 telephone-event/8000', `a=fmtp:96 ${events}`);
    expect(linesOf(answered(offer).sdp)).toContain(`a=fmtp:96 ${expected}`);
  });

  test('numbers that are none, twice the same, or above 127 do no harm', () => {
    const { plan } = answered(minimal('m=audio 5004 RTP/AVP 0 0 128 999 foo 8 8'));
    expect(plan.receivePayloadTypes).toEqual([
      { payloadType: 0, codec: 'PCMU' },
      { payloadType: 8, codec: 'PCMA' },
    ]);
  });
});

describe('RTCP and packet time', () => {
  const rtcp = (...attributes: string[]) =>
    answered(minimal('m=audio 5004 RTP/AVP 0', ...attributes)).plan.remoteRtcpPort;
  test('RFC 3605: next port, or that of a=rtcp; another address is not used', () => {
    expect(rtcp()).toBe(5_005);
    expect(rtcp('a=rtcp:6000')).toBe(6_000);
    expect(rtcp('a=rtcp:6000 IN IP4 192.0.2.1')).toBe(6_000);
    expect(rtcp('a=rtcp:6000 IN IP4 198.51.100.1')).toBe(5_005);
    for (const value of ['0', '70000', 'x', '6000 IN', '']) expect(rtcp(`a=rtcp:${value}`)).toBe(5_005);
    expect(answered(minimal('m=audio 65535 RTP/AVP 0')).plan.remoteRtcpPort).toBe(65_535);
  });

  test('RFC 5761 5.1.1: rtcp-mux is taken when offered, and only then written [sip 1.6 rtcp]', () => {
    const { sdp, plan } = answered(minimal('m=audio 5004 RTP/AVP 0', 'a=rtcp:5005', 'a=rtcp-mux'));
    expect(plan).toMatchObject({ rtcpMux: true, remoteRtcpPort: 5_004 });
    expect(linesOf(sdp)).toContain('a=rtcp-mux');
    expect(answered(baresip).sdp).not.toContain('rtcp-mux');
  });

  test('whatever ptime the offer has, we send 20 ms and ask for 20 ms [sip 1.6 ptime]', () => {
    const { sdp, plan } = answered(minimal('m=audio 5004 RTP/AVP 0', 'a=ptime:60', 'a=maxptime:240'));
    expect(plan.packetTimeMs).toBe(20);
    expect(linesOf(sdp)).toEqual(expect.arrayContaining(['a=ptime:20', 'a=maxptime:20']));
  });
});

describe('RFC 4568: keys of an offer', () => {
  const suite80 = 'AES_CM_128_HMAC_SHA1_80';
  const suite32 = 'AES_CM_128_HMAC_SHA1_32';
  const offerWith = (...cryptos: string[]) =>
    minimal('m=audio 5004 RTP/SAVP 0', ...cryptos.map((value) => `a=crypto:${value}`));

  test.each<readonly [string, string[], string | null]>([
    [
      'the first of two, whatever its suite [sip 4 suites-inbound]',
      [`1 ${suite32} inline:${KEY_A}`, `2 ${suite80} inline:${KEY_B}`],
      `1 ${suite32}`,
    ],
    ['a lifetime is tolerated [sip 4 key-lifetime]', [`1 ${suite80} inline:${KEY_A}|2^31`], `1 ${suite80}`],
    ['a lifetime in digits', [`9 ${suite80} inline:${KEY_A}|1048576`], `9 ${suite80}`],
    [
      'a line with an MKI is taken; the answer is without one: it is about our packets [sip 4 mki]',
      [`1 ${suite80} inline:${KEY_A}|2^20|1:4`, `2 ${suite80} inline:${KEY_B}`],
      `1 ${suite80}`,
    ],
    ['two lifetimes', [`1 ${suite80} inline:${KEY_A}|2^20|2^20`], null],
    ['an MKI without lifetime too', [`1 ${suite80} inline:${KEY_A}|1:4`], `1 ${suite80}`],
    ['an MKI before the lifetime', [`1 ${suite80} inline:${KEY_A}|1:4|2^20`], null],
    ['an MKI without length [sip 4 mki]', [`1 ${suite80} inline:${KEY_A}|2^20|1`], null],
    ['an MKI of no length', [`1 ${suite80} inline:${KEY_A}|1:0`], null],
    ['an MKI of 129 bytes [sip 4 mki]', [`1 ${suite80} inline:${KEY_A}|1:129`], null],
    ['an MKI that does not fit its length', [`1 ${suite80} inline:${KEY_A}|256:1`], null],
    ['an MKI that is no number', [`1 ${suite80} inline:${KEY_A}|a:4`], null],
    ['an MKI with 310 digits', [`1 ${suite80} inline:${KEY_A}|${'0'.repeat(310)}:4`], null],
    ['two MKIs', [`1 ${suite80} inline:${KEY_A}|1:4|2:4`], null],
    ['two keys in a line without identifiers', [`1 ${suite80} inline:${KEY_A};inline:${KEY_B}`], null],
    ['two keys with identifiers', [`1 ${suite80} inline:${KEY_A}|1:4;inline:${KEY_B}|2:4`], `1 ${suite80}`],
    ['two keys, one of them with an identifier', [`1 ${suite80} inline:${KEY_A}|1:4;inline:${KEY_B}`], null],
    ['identifiers of two lengths', [`1 ${suite80} inline:${KEY_A}|1:4;inline:${KEY_B}|2:2`], null],
    ['one identifier for two keys', [`1 ${suite80} inline:${KEY_A}|1:4;inline:${KEY_B}|01:4`], null],
    [
      'nine keys in a line',
      [`1 ${suite80} ${Array.from({ length: 9 }, (_, at) => `inline:${KEY_A}|${at}:1`).join(';')}`],
      null,
    ],
    ['a replay window is a hint', [`1 ${suite80} inline:${KEY_A} WSH=128`], `1 ${suite80}`],
    ['optional extensions', [`1 ${suite80} inline:${KEY_A} -fancy=1`], `1 ${suite80}`],
    ['unencrypted SRTP', [`1 ${suite80} inline:${KEY_A} UNENCRYPTED_SRTP`], null],
    ['key derivation rate', [`1 ${suite80} inline:${KEY_A} KDR=4`], null],
    [
      'GCM first [sip 4 suites-inbound]',
      [`1 AEAD_AES_128_GCM inline:${KEY_A.slice(0, 38)}==`, `2 ${suite80} inline:${KEY_B}`],
      `2 ${suite80}`,
    ],
    ['a key that is too short', [`1 ${suite80} inline:${KEY_A.slice(0, 39)}`], null],
    ['a key that is too long', [`1 ${suite80} inline:${KEY_A}AA==`], null],
    ['a key that is no base64', [`1 ${suite80} inline:${KEY_A.slice(0, 39)}*`], null],
    ['a tag that is no number', [`x ${suite80} inline:${KEY_A}`], null],
    ['a tag with ten digits', [`1234567890 ${suite80} inline:${KEY_A}`], null],
    ['no key', [`1 ${suite80}`], null],
    ['another key method', [`1 ${suite80} uri:https://example.com/key`], null],
  ])('%s', (_, cryptos, expected) => {
    const result = answer(offerWith(...cryptos));
    if (expected === null) {
      expect(result).toMatchObject({ ok: false, error: { status: 488 } });
    } else {
      expect(result.ok && result.value.sdp).toContain(`a=crypto:${expected} inline:${ourInline}\r\n`);
    }
  });

  test('identifiers are of the peer’s packets, in network order [sip 4 mki]', () => {
    const { plan } = answered(offerWith(`1 ${suite32} inline:${KEY_A}|2^20|1066:4;inline:${KEY_B}|2^20|1:4`));
    expect(plan.srtp).toEqual({
      suite: suite32,
      sendKey: masterKey,
      receiveKey: keyBytes(KEY_A),
      identifiedKeys: [
        { masterKey: keyBytes(KEY_A), identifier: Uint8Array.of(0, 0, 4, 42) },
        { masterKey: keyBytes(KEY_B), identifier: Uint8Array.of(0, 0, 0, 1) },
      ],
    });
  });

  test('a=crypto under RTP/AVP is ignored: no key in the answer', () => {
    const { sdp, plan } = answered(minimal('m=audio 5004 RTP/AVP 0', `a=crypto:1 ${suite80} inline:${KEY_A}`));
    expect(sdp).not.toContain('crypto');
    expect(plan.srtp).toBeNull();
  });

  test('a=crypto of the session does not count (5: media level only)', () => {
    const offer = minimal('m=audio 5004 RTP/SAVP 0').replace('t=0 0', `t=0 0\r\na=crypto:1 ${suite80} inline:${KEY_A}`);
    expect(answer(offer)).toMatchObject({ ok: false, error: { status: 488 } });
  });
});

describe('IPv6', () => {
  const local6: LocalMedia = { ...local, address: '2001:db8::99' };
  test('IN IP6 both ways', () => {
    const { sdp, plan } = answered(
      minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP6 2001:DB8:0::1'),
      optional,
      'sendrecv',
      local6,
    );
    expect(plan.remoteAddress).toBe('2001:db8::1');
    expect(linesOf(sdp).slice(1, 4)).toEqual([
      'o=- 4711 7 IN IP6 2001:db8::99',
      's=Hookswitch',
      'c=IN IP6 2001:db8::99',
    ]);
  });

  test('a mapped IPv4 address is IPv4', () => {
    expect(answered(minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP6 ::ffff:192.0.2.5')).plan.remoteAddress).toBe(
      '192.0.2.5',
    );
  });
});

describe('our offer: sip-interface.md 1.6', () => {
  const offer = createOffer(local, { direction: 'sendrecv', profile: 'avp', masterKey: null }, 1);
  const secureOffer = createOffer(local, { direction: 'sendonly', profile: 'savp', masterKey }, 3);
  const accept = (sent: string, text: string) => acceptAnswer(sent, text, { masterKey });

  test('RTP/AVP 0 8 101, events 0-16, 20 ms [sip 1.6 ptime] [sip 1.6 telephone-event-offer] [sip 1.6 offer-order] [sip 1.6 sdp-shape]', () => {
    expect(linesOf(offer)).toEqual([
      'v=0',
      'o=- 4711 1 IN IP4 192.0.2.99',
      's=Hookswitch',
      'c=IN IP4 192.0.2.99',
      't=0 0',
      'm=audio 12000 RTP/AVP 0 8 101',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=maxptime:20',
      'a=sendrecv',
    ]);
  });

  test('SAVP: one line with SHA1_80, tag 1; our order of codecs [sip 4 suite-outbound] [sip 4 key-lifetime]', () => {
    expect(linesOf(secureOffer).filter((line) => line.startsWith('a=crypto'))).toEqual([
      `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${ourInline}`,
    ]);
    const other = createOffer(
      { ...local, codecs: ['PCMA', 'PCMU'] },
      { direction: 'sendrecv', profile: 'avp', masterKey: null },
      1,
    );
    expect(mediaLines(other)).toEqual(['m=audio 12000 RTP/AVP 8 0 101']);
    expect(() => createOffer(local, { direction: 'sendrecv', profile: 'savp', masterKey: null }, 1)).toThrow(TypeError);
    expect(() =>
      createOffer(local, { direction: 'sendrecv', profile: 'savp', masterKey: new Uint8Array(5) }, 1),
    ).toThrow(RangeError);
  });

  test('RFC 3264 8: a re-offer keeps sections, event number and suite of the session', () => {
    const before = answered(linphone).sdp;
    const again = createOffer(local, { direction: 'sendonly', profile: 'avp', masterKey: null, previous: before }, 8);
    expect(mediaLines(again)).toEqual(['m=audio 12000 RTP/AVP 0 8 100', 'm=video 0 RTP/AVP 96']);
    expect(linesOf(again)[1]).toBe('o=- 4711 8 IN IP4 192.0.2.99');
    const videoFirst = answered(
      minimal(
        'm=video 5000 RTP/AVP 31',
        'm=audio 5004 RTP/SAVP 8',
        `a=crypto:5 AES_CM_128_HMAC_SHA1_32 inline:${KEY_A}`,
      ),
    ).sdp;
    const secureAgain = createOffer(
      local,
      { direction: 'sendrecv', profile: 'savp', masterKey, previous: videoFirst },
      8,
    );
    expect(mediaLines(secureAgain)).toEqual(['m=video 0 RTP/AVP 31', 'm=audio 12000 RTP/SAVP 0 8 101']);
    expect(secureAgain).toContain('a=crypto:1 AES_CM_128_HMAC_SHA1_32');
    const peer = minimal(
      'm=video 0 RTP/AVP 31',
      'm=audio 5004 RTP/SAVP 8',
      `a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:${KEY_B}`,
    );
    expect(accept(secureAgain, peer)).toMatchObject({ ok: true, value: { codec: 'PCMA', remotePort: 5_004 } });
  });

  test('the answer decides codec and numbers; what we offered is received', () => {
    const result = accept(
      offer,
      minimal('m=audio 5004 RTP/AVP 8 97', 'a=rtpmap:97 telephone-event/8000', 'a=recvonly'),
    );
    expect(result).toEqual({
      ok: true,
      value: {
        remoteAddress: '192.0.2.1',
        remotePort: 5_004,
        remoteRtcpPort: 5_005,
        rtcpMux: false,
        direction: 'sendonly',
        codec: 'PCMA',
        payloadType: 8,
        receivePayloadTypes: [
          { payloadType: 0, codec: 'PCMU' },
          { payloadType: 8, codec: 'PCMA' },
        ],
        telephoneEventSend: 97,
        telephoneEventReceive: 101,
        packetTimeMs: 20,
        srtp: null,
      },
    });
  });

  test('an answer with numbers of its own for our codecs is understood both ways', () => {
    const result = accept(offer, minimal('m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 PCMU/8000'));
    expect(result).toMatchObject({ ok: true, value: { payloadType: 96, telephoneEventSend: null } });
    expect(result.ok && result.value.receivePayloadTypes.map(({ payloadType }) => payloadType)).toEqual([0, 8, 96]);
  });

  test('an answer cannot widen the direction, nor take rtcp-mux that was not offered', () => {
    const held = createOffer(local, { direction: 'sendonly', profile: 'avp', masterKey: null }, 1);
    expect(accept(held, minimal('m=audio 5004 RTP/AVP 0', 'a=rtcp-mux'))).toMatchObject({
      ok: true,
      value: { direction: 'sendonly', rtcpMux: false, remoteRtcpPort: 5_005 },
    });
    expect(accept(held, minimal('m=audio 5004 RTP/AVP 0', 'a=sendonly'))).toMatchObject({
      ok: true,
      value: { direction: 'inactive' },
    });
  });

  test('keys: ours to send, theirs to receive', () => {
    const peer = minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_B}|2^31`);
    expect(accept(secureOffer, peer)).toMatchObject({
      ok: true,
      value: { srtp: { suite: 'AES_CM_128_HMAC_SHA1_80', sendKey: masterKey, receiveKey: keyBytes(KEY_B) } },
    });
  });

  test('an answer may have a key identifier where our offer has none: it is about its own packets [sip 4 mki]', () => {
    const peer = minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_B}|2^20|1:2`);
    expect(accept(secureOffer, peer)).toMatchObject({
      ok: true,
      value: {
        srtp: {
          sendKey: masterKey,
          identifiedKeys: [{ masterKey: keyBytes(KEY_B), identifier: Uint8Array.of(0, 1) }],
        },
      },
    });
  });

  const key = `inline:${KEY_B}`;
  test.each<readonly [string, string, string, number]>([
    ['port 0', offer, minimal('m=audio 0 RTP/AVP 0'), 488],
    ['no codec of ours', offer, minimal('m=audio 5004 RTP/AVP 18'), 488],
    ['no media', offer, minimal(), 488],
    ['video in the place of audio', offer, minimal('m=video 5004 RTP/AVP 0'), 488],
    ['SAVP for AVP', offer, minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${key}`), 488],
    ['AVP for SAVP', secureOffer, minimal('m=audio 5004 RTP/AVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${key}`), 488],
    ['SAVP without key', secureOffer, minimal('m=audio 5004 RTP/SAVP 0'), 488],
    ['another tag', secureOffer, minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:2 AES_CM_128_HMAC_SHA1_80 ${key}`), 488],
    [
      'another suite',
      secureOffer,
      minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_32 ${key}`),
      488,
    ],
    [
      'an MKI without length',
      secureOffer,
      minimal('m=audio 5004 RTP/SAVP 0', `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${key}|2^20|1`),
      488,
    ],
    [
      'two keys',
      secureOffer,
      minimal(
        'm=audio 5004 RTP/SAVP 0',
        `a=crypto:1 AES_CM_128_HMAC_SHA1_80 ${key}`,
        `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}`,
      ),
      488,
    ],
    ['a host name', offer, minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP4 phone.example.com'), 488],
    ['another family', offer, minimal('m=audio 5004 RTP/AVP 0', 'c=IN IP6 2001:db8::1'), 488],
    ['garbage', offer, 'garbage', 400],
    ['nothing', offer, '', 400],
  ])('an answer with %s is refused', (_, sent, text, status) => {
    expect(accept(sent, text)).toMatchObject({ ok: false, error: { status } });
  });
});
