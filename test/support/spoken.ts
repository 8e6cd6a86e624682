// Real speech for tests: what espeak-ng says, at 8,000 Hz and at a level of the telephone network, and push buttons pressed over it.

import { spawnSync } from 'node:child_process';
import { digitTone } from '../../src/media/dtmf-tones.ts';
import { readWav } from '../../src/media/wav.ts';

const RATE = 8_000;
/** Full scale of G.711 in dBm0. */
const FULL_SCALE_DB = 3.14;
const FRAME = 160;
/** Frames quieter than this are pauses: the level of speech is that of its sounds (ITU-T P.56). */
const ACTIVE_RMS = 100;

export const espeakMissing = (): string | undefined =>
  spawnSync('espeak-ng', ['--version']).status === 0 ? undefined : 'espeak-ng is not installed';

/** Peak amplitude of a sine of this level. */
const amplitudeOf = (levelDb: number): number => 32_767 * 10 ** ((levelDb - FULL_SCALE_DB) / 20);

/** `text` in a voice of espeak-ng (pitch 0 to 99), with an active level of `levelDb` dBm0. */
export function spoken(text: string, voice: string, pitch: number, levelDb: number): Float64Array {
  const said = spawnSync('espeak-ng', ['-v', voice, '-p', String(pitch), '--stdin', '--stdout'], {
    input: text,
    maxBuffer: 1 << 26,
  });
  const wav = readWav(said.stdout);
  if (!wav.ok) throw new Error(`espeak-ng ${voice}: ${wav.error.detail}`);
  const { samples } = wav.value;
  let power = 0;
  let frames = 0;
  for (let at = 0; at + FRAME <= samples.length; at += FRAME) {
    let sum = 0;
    for (let index = at; index < at + FRAME; index++) sum += samples[index]! ** 2;
    if (sum / FRAME <= ACTIVE_RMS ** 2) continue;
    power += sum / FRAME;
    frames++;
  }
  const gain = amplitudeOf(levelDb) / Math.SQRT2 / Math.sqrt(power / frames);
  return Float64Array.from(samples, (sample) => sample * gain);
}

export interface PressedOver {
  readonly digit: string;
  readonly atMs: number;
  readonly durationMs: number;
  /** Of each of the two tones, dBm0. */
  readonly levelDb: number;
}

/** Adds a press to `samples`, in place. */
export function pressOver(samples: Float64Array, { digit, atMs, durationMs, levelDb }: PressedOver): void {
  const start = (atMs * RATE) / 1_000;
  for (const frequency of digitTone(digit)!)
    for (let index = 0; index < (durationMs * RATE) / 1_000; index++)
      samples[start + index]! += amplitudeOf(levelDb) * Math.sin((2 * Math.PI * frequency * index) / RATE);
}

export const clipped = (samples: ArrayLike<number>): Int16Array =>
  Int16Array.from(samples, (sample) => Math.max(-32_768, Math.min(32_767, Math.round(sample))));

/** About half a minute in each language: names, numbers, and the vowels that lie nearest to the tones. */
export const TEXTS = {
  en: `Good morning, thank you for calling. Our opening hours are from nine to five, Monday to Friday. If you know the extension
    of the person you want to reach, say it now. Please hold the line while we see who is free: you are number three in the queue.
    The quick brown fox jumps over the lazy dog. She sells sea shells by the sea shore. How now, brown cow? Oh no, I owe you eighty
    euros and eleven cents. Two, four, six, eight, ten. Yes, yes, that is right, I will call you back tomorrow at half past seven.`,
  de: `Guten Morgen, vielen Dank für Ihren Anruf. Unsere Öffnungszeiten sind von neun bis siebzehn Uhr, montags bis freitags. Bitte
    bleiben Sie in der Leitung, wir sehen nach, wer frei ist. Sie sind auf Platz drei. Zwölf Boxkämpfer jagen Viktor quer über den
    großen Sylter Deich. Ja, ja, das ist richtig, ich rufe Sie morgen um halb acht zurück. Eins, zwei, drei, vier, fünf, sechs, sieben.`,
  fr: `Bonjour et merci de votre appel. Nos bureaux sont ouverts de neuf heures à dix-sept heures, du lundi au vendredi. Veuillez
    patienter, nous cherchons un conseiller disponible. Vous êtes le numéro trois. Portez ce vieux whisky au juge blond qui fume. Oui,
    oui, c'est exact, je vous rappelle demain à sept heures et demie. Un, deux, trois, quatre, cinq, six, sept, huit, neuf, dix.`,
} as const;
