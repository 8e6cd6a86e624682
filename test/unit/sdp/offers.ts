// Offers as real clients write them: line order, junk and habits kept, addresses and keys replaced by documentation values.

const lines = (...text: string[]): string => `${text.join('\r\n')}\r\n`;

/** 30 bytes in base64. */
export const KEY_A = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';
export const KEY_B = 'NzB4d1BINUAvLEw6UzF3WSJ+PSdFcGdUJShpX1Zj';
/** 46 bytes, of AES_256. */
const KEY_256 = 'XQ9fJ0pV0Sq2r8nq0Z6Yb1cV4o5s3k9m7v2x1z8a6b4c3d5e7f9g0h1i2j3k4w==';

export const baresip = lines(
  'v=0',
  'o=- 3893289021 1193485643 IN IP4 192.0.2.10',
  's=-',
  'c=IN IP4 192.0.2.10',
  't=0 0',
  'a=tool:baresip 1.0.0',
  'm=audio 10158 RTP/AVP 8 0 101',
  'b=AS:125',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=rtcp:10159',
  'a=sendrecv',
  'a=label:1',
  'a=rtcp-rsize',
  'a=ptime:20',
);

/** Wide-band codecs first, three clock rates of telephone-event, video behind. */
export const linphone = lines(
  'v=0',
  'o=alice 2342 2108 IN IP4 192.0.2.20',
  's=Talk',
  'c=IN IP4 192.0.2.20',
  't=0 0',
  'a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics',
  'a=record:off',
  'm=audio 7078 RTP/AVP 96 97 98 0 8 101 99 100',
  'a=rtpmap:96 opus/48000/2',
  'a=fmtp:96 useinbandfec=1',
  'a=rtpmap:97 speex/16000',
  'a=fmtp:97 vbr=on',
  'a=rtpmap:98 speex/8000',
  'a=fmtp:98 vbr=on',
  'a=rtpmap:101 telephone-event/48000',
  'a=rtpmap:99 telephone-event/16000',
  'a=rtpmap:100 telephone-event/8000',
  'a=rtcp:35889',
  'a=rtcp-fb:* trr-int 5000',
  'm=video 9078 RTP/AVP 96 97',
  'a=rtpmap:96 VP8/90000',
  'a=rtpmap:97 H264/90000',
  'a=fmtp:97 profile-level-id=42801F',
  'a=rtcp-fb:* ccm fir',
);

/** interop.md: AES_256 first, the suite we take has tag 3. */
export const linphoneSecure = lines(
  'v=0',
  'o=alice 2342 2108 IN IP4 192.0.2.20',
  's=Talk',
  'c=IN IP4 192.0.2.20',
  't=0 0',
  'm=audio 7078 RTP/SAVP 0 8 100',
  'a=rtpmap:100 telephone-event/8000',
  `a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${KEY_256}`,
  `a=crypto:2 AES_256_CM_HMAC_SHA1_32 inline:${KEY_256}`,
  `a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:${KEY_A}`,
  `a=crypto:4 AES_CM_128_HMAC_SHA1_32 inline:${KEY_B}`,
);

export const sipp = lines(
  'v=0',
  'o=user1 53655765 2353687637 IN IP4 127.0.0.1',
  's=-',
  'c=IN IP4 127.0.0.1',
  't=0 0',
  'm=audio 6000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
);

/** Comfort noise and several rates of everything. */
export const freeswitch = lines(
  'v=0',
  'o=FreeSWITCH 1598258393 1598258394 IN IP4 198.51.100.7',
  's=FreeSWITCH',
  'c=IN IP4 198.51.100.7',
  't=0 0',
  'm=audio 24680 RTP/AVP 102 9 0 8 103 101 13',
  'a=rtpmap:102 opus/48000/2',
  'a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10; maxptime=40',
  'a=rtpmap:9 G722/8000',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:103 telephone-event/48000',
  'a=fmtp:103 0-15',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-15',
  'a=rtpmap:13 CN/8000',
  'a=ptime:20',
  'a=sendrecv',
);

export const asterisk = lines(
  'v=0',
  'o=- 1071063523 1071063523 IN IP4 203.0.113.5',
  's=Asterisk',
  'c=IN IP4 203.0.113.5',
  't=0 0',
  'm=audio 18244 RTP/AVP 0 8 101',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=maxptime:150',
  'a=sendrecv',
);

/** Address in the media section only, capability lines of T.38, X-NSE in place of a codec, spaces where nobody expects them. */
export const cisco = lines(
  'v=0',
  'o=CiscoSystemsSIP-GW-UserAgent 1795 1516 IN IP4 192.0.2.30',
  's=SIP Call',
  't=0 0',
  'a=sqn: 0',
  'a=cdsc: 1 audio RTP/AVP 18 0 100 101',
  'a=cdsc: 5 image udptl t38',
  'a=cpar: a=T38FaxVersion:0',
  'm=audio 18110 RTP/AVP 18 0 100 101',
  'c=IN IP4 192.0.2.31',
  'a=rtpmap:18 G729/8000',
  'a=fmtp:18 annexb=no',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:100 X-NSE/8000',
  'a=fmtp:100 192-194,200-202',
  'a=rtpmap:101 telephone-event/8000',
  'a=fmtp:101 0-16',
  'a=ptime:20',
  'a=X-sqn:0',
  'a=X-cap: 1 audio RTP/AVP 100',
  'a=X-cap: 2 image udptl t38',
  'a=silenceSupp:off - - - -',
);

/** A browser without a gateway in between: DTLS, which we do not speak here. */
export const browser = lines(
  'v=0',
  'o=- 4962303333179871722 1 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0',
  'a=extmap-allow-mixed',
  'a=msid-semantic: WMS stream',
  'm=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126',
  'c=IN IP4 0.0.0.0',
  'a=rtcp:9 IN IP4 0.0.0.0',
  'a=ice-ufrag:yXWl',
  'a=ice-pwd:bT8Kx4Rg7X4yGUOLXjY7Dd9I',
  'a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08',
  'a=setup:actpass',
  'a=mid:0',
  'a=sendrecv',
  'a=rtcp-mux',
  'a=rtpmap:111 opus/48000/2',
  'a=rtpmap:0 PCMU/8000',
  'a=rtpmap:8 PCMA/8000',
  'a=rtpmap:126 telephone-event/8000',
);

/** Only lines that matter to a case; `media` replaces the audio section. */
export const minimal = (...media: string[]): string =>
  lines('v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0', ...media);

export const all: Readonly<Record<string, string>> = {
  baresip,
  linphone,
  linphoneSecure,
  sipp,
  freeswitch,
  asterisk,
  cisco,
};
