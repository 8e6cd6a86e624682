// Media bodies of <Play>: the type first, then the bytes (twiml.md 5.2); MP3 through its decoder.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { decodeAudio } from '../../../src/media/audio-file.ts';
import { linearToALaw, linearToMuLaw } from '../../../src/media/g711.ts';
import { rootMeanSquare, toneShare } from '../../../src/media/goertzel.ts';
import { decodeMp3, isMp3 } from '../../../src/media/mp3.ts';
import { toneSamples } from '../../../src/media/tone.ts';
import { WavWriter } from '../../../src/media/wav.ts';

const mp3 = readFileSync(new URL('../../fixtures/audio/tone-1000-stereo.mp3', import.meta.url));
const tone = toneSamples([1_000], -10, 500);
const muLaw = Buffer.from(Array.from(tone, linearToMuLaw));
const aLaw = Buffer.from(Array.from(tone, linearToALaw));
const wav = (() => {
  const parts: Uint8Array[] = [];
  const writer = new WavWriter({ append: (b) => void parts.push(Buffer.from(b)), patch: () => {}, close: () => {} });
  writer.write(tone);
  writer.close();
  return Buffer.concat(parts);
})();

const rows: readonly (readonly [type: string | null, name: string, bytes: Buffer])[] = [
  ['audio/mpeg', 'MP3', mp3],
  ['audio/mp3', 'MP3', mp3],
  ['audio/wav', 'WAVE', wav],
  ['audio/wave', 'WAVE', wav],
  ['audio/x-wav; charset=binary', 'WAVE', wav],
  ['AUDIO/VND.WAVE', 'WAVE', wav],
  ['audio/basic', 'µ-law', muLaw],
  ['audio/ulaw', 'µ-law', muLaw],
  ['audio/x-alaw', 'A-law', aLaw],
  ['application/octet-stream', 'WAVE', wav],
  ['application/octet-stream', 'MP3', mp3],
  [null, 'MP3', mp3],
  ['audio/mpeg', 'WAVE under a wrong type', wav],
  ['audio/wav', 'MP3 under a wrong type', mp3],
];
test.each(rows)('twiml.md 5.2: %s, %s [twiml 5.2 types]', async (type, _, bytes) => {
  const audio = await decodeAudio(bytes, type);
  if (!audio.ok) throw new Error(audio.error.detail);
  expect(audio.value.length).toBeGreaterThan(3_900);
  expect(audio.value.length).toBeLessThan(4_800);
  expect(toneShare(audio.value.subarray(800, 3_200), 1_000)).toBeGreaterThan(0.99);
});

test.each<readonly [string | null, Buffer, string]>([
  ['text/html', Buffer.from('<html>404</html>'), 'unsupported'],
  ['audio/x-gsm', Buffer.alloc(330, 0xd0), 'unsupported'],
  [null, Buffer.alloc(100), 'unsupported'],
  ['audio/wav', Buffer.from('<html>404</html>'), 'notAudio'],
  ['audio/mpeg', Buffer.from('<html>404</html>'), 'notAudio'],
  ['audio/mpeg', Buffer.alloc(0), 'empty'],
])(
  'twiml.md 5.2: type %s with something else in it is a failure with a code [twiml 5.2 not-audio]',
  async (type, bytes, code) => {
    expect(await decodeAudio(bytes, type)).toMatchObject({ ok: false, error: { code } });
  },
);

test('MP3: both channels, another rate, level kept', async () => {
  const audio = await decodeMp3(mp3);
  if (!audio.ok) throw new Error(audio.error.detail);
  // As another decoder (ffmpeg) finds it in this file.
  expect(rootMeanSquare(audio.value.subarray(800, 3_200)) / 32_768).toBeCloseTo(0.05935, 4);
});

test('MP3: damaged, cut and random bytes give a result', async () => {
  const damaged = Buffer.from(mp3);
  for (let index = 600; index < 900; index++) damaged[index] = (index * 37) & 0xff;
  const audio = await decodeMp3(damaged);
  expect(audio.ok && audio.value.length > 2_000).toBe(true);
  for (let length = 0; length < mp3.length; length += 311) {
    const cut = await decodeMp3(mp3.subarray(0, length));
    if (!cut.ok) expect(cut.error.detail).not.toBe('');
  }
  const noise = Buffer.from(
    Array.from({ length: 20_000 }, (_, index) => (Math.imul(index, 2_654_435_761) >>> 13) & 0xff),
  );
  noise[0] = 0xff;
  noise[1] = 0xfb;
  const decoded = await decodeMp3(noise);
  if (decoded.ok) expect(decoded.value.length).toBeLessThan(8_000 * 60);
});

test('MP3: recognised by frame header or ID3 tag only', () => {
  expect(isMp3(mp3)).toBe(true);
  expect(isMp3(Buffer.from('ID3\x04'))).toBe(true);
  for (const bytes of [
    [0xff, 0xff, 0xff, 0xff],
    [0xff, 0xfb, 0xf0, 0],
    [0xff, 0xeb, 0x90, 0],
    [0xff, 0xfd, 0x90, 0],
    [0xff],
  ]) {
    expect(isMp3(Uint8Array.from(bytes))).toBe(false);
  }
});
