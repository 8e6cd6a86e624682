// In-band digits against real speech (espeak-ng), through G.711: a voice alone gives no digit, and buttons that are pressed while somebody
// talks are found at the levels of a telephone network (speech -20 dBm0 and below, tones -9 to -15 dBm0 each). At the end over sockets:
// a phone without RFC 4733 talks and presses, the application gets the digits.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, onTestFinished } from 'vitest';
import { decode, encode } from '../../../src/media/g711.ts';
import { InbandDigitReceiver } from '../../../src/media/inband-digits.ts';
import { rtpPacket } from '../../support/media.ts';
import { openWorld, RawPhone } from '../../support/raw-phone.ts';
import { testUnless } from '../../support/skip.ts';
import { clipped, espeakMissing, pressOver, spoken, TEXTS } from '../../support/spoken.ts';
import { world } from '../../support/world.ts';

const PACKET = 160;
const testSpoken = testUnless(espeakMissing());

/** Digits that are heard, with the time at which the packet with their end came. */
function heard(signal: ArrayLike<number>): { readonly digit: string; readonly atMs: number }[] {
  const receiver = new InbandDigitReceiver();
  const samples = clipped(signal);
  const digits = [];
  for (let at = 0; at + PACKET <= samples.length; at += PACKET) {
    const packet = new Uint8Array(PACKET);
    encode('PCMU', samples.subarray(at, at + PACKET), packet);
    const back = new Int16Array(PACKET);
    decode('PCMU', packet, back);
    for (const { digit } of receiver.push(back, at / 8)) digits.push({ digit, atMs: at / 8 + 20 });
  }
  return digits;
}

const VOICES = [
  ['en-us', 50, 'en'],
  ['en-us+f2', 60, 'en'],
  ['en-us+m3', 30, 'en'],
  ['en-us+f4', 80, 'en'],
  ['en-us+croak', 50, 'en'],
  ['en-gb+whisper', 50, 'en'],
  ['de', 50, 'de'],
  ['de+f3', 70, 'de'],
  ['fr', 50, 'fr'],
  ['fr+m5', 40, 'fr'],
] as const;

describe('a voice alone is no digit, however loud', () => {
  testSpoken.each(VOICES)('[sip 0 dtmf-inband] %s, pitch %i (%s)', (voice, pitch, language) => {
    const speech = spoken(TEXTS[language], voice, pitch, -12);
    expect(speech.length).toBeGreaterThan(15 * 8_000);
    for (const gainDb of [0, -8, -18]) expect(heard(speech.map((sample) => sample * 10 ** (gainDb / 20)))).toEqual([]);
  });
});

const DIGITS = [...'0123456789*#ABCD'];
const EVERY_MS = 700;

describe('buttons pressed over a voice are found', () => {
  testSpoken.each([
    ['speech 11 dB below', -20, -9, 80],
    ['speech 11 dB below, presses of 50 ms', -20, -9, 50],
    ['a quiet line', -30, -15, 80],
    ['presses of 200 ms, speech 10 dB below', -25, -15, 200],
  ])('[sip 0 dtmf-inband] %s', (_what, speechDb, levelDb, durationMs) => {
    for (const [voice, pitch, language] of VOICES.filter((_, index) => index % 3 === 0)) {
      const signal = spoken(TEXTS[language], voice, pitch, speechDb);
      const pressed: string[] = [];
      for (let atMs = 500; atMs + EVERY_MS < signal.length / 8; atMs += EVERY_MS) {
        const digit = DIGITS[pressed.length % DIGITS.length]!;
        pressOver(signal, { digit, atMs, durationMs, levelDb });
        pressed.push(digit);
      }
      expect(pressed.length).toBeGreaterThan(20);
      expect([voice, heard(signal).map(({ digit }) => digit)]).toEqual([voice, pressed]);
    }
  });

  testSpoken('[sip 0 dtmf-inband] each is told within 50 ms of its end', () => {
    const signal = spoken(TEXTS.en, 'en-us', 50, -22);
    const starts = [1_000, 2_500, 4_000];
    for (const [index, atMs] of starts.entries())
      pressOver(signal, { digit: String(index + 1), atMs, durationMs: 100, levelDb: -10 });
    const digits = heard(signal);
    expect(digits.map(({ digit }) => digit).join('')).toBe('123');
    for (const [index, { atMs }] of digits.entries()) {
      expect(atMs - (starts[index]! + 100)).toBeGreaterThan(-15);
      expect(atMs - (starts[index]! + 100)).toBeLessThan(50);
    }
  });
});

testSpoken('[sip 0 dtmf-inband] over a call: what is said is no digit, what is pressed meanwhile is', async () => {
  const w = await world({ ...openWorld, domain: { ...openWorld.domain, dtmfInband: true } });
  w.answers('<Gather action="/digits" finishOnKey="#" timeout="20"/>');
  w.answers('<Hangup/>', '/digits');
  const raw = await RawPhone.open(w.port('udp'));
  onTestFinished(() => raw.close());
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
  const { port } = socket.address();
  const sdp = [
    'v=0',
    'o=r 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    '',
  ];
  const invite = raw.send('INVITE', { sdp: sdp.join('\r\n') });
  const answer = await raw.final('INVITE');
  raw.acknowledge(invite, answer);
  const signal = spoken(TEXTS.en, 'en-us', 50, -22);
  for (const [index, digit] of [...'4711#'].entries())
    pressOver(signal, { digit, atMs: 2_500 + 600 * index, durationMs: 100, levelDb: -10 });
  const samples = clipped(signal);
  const mediaPort = Number(/m=audio (\d+)/.exec(answer.body.toString())?.[1]);
  // A clumsy phone's pace: each turn of the loop sends what is due.
  const startedAt = performance.now();
  let sent = 0;
  const pacer = setInterval(() => {
    for (; sent * 20 <= performance.now() - startedAt; sent++) {
      const payload = new Uint8Array(PACKET);
      encode('PCMU', samples.subarray(sent * PACKET, (sent + 1) * PACKET), payload);
      socket.send(rtpPacket({ sequence: sent + 1, timestamp: sent * PACKET, payload }), mediaPort, '127.0.0.1');
    }
  }, 10);
  onTestFinished(() => clearInterval(pacer));
  expect((await w.asked('/digits')).params).toMatchObject({ Digits: '4711', FinishedOnKey: '#' });
  raw.accept(await raw.request('BYE'));
  await w.isIdle();
});
