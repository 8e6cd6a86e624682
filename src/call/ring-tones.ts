// Ringing tones of the countries that ringTone names (twiml.md 6.1), after ITU-T E.180 supplement 2: frequencies in Hz and the cadence
// in ms, on and off by turns. `f × m` of the supplement (a tone modulated by a low one) is the pair f − m, f + m. Pure.

import type { PlaySource } from '../media/engine.ts';

interface RingTone {
  readonly frequencies: readonly number[];
  readonly onOffMs: readonly number[];
}

const tone = (frequencies: readonly number[], ...onOffMs: number[]): RingTone => ({ frequencies, onOffMs });
const modulated = (frequency: number, by: number): number[] => [frequency - by, frequency + by];
/** Two short rings, as in Britain and where its exchanges went. */
const DOUBLE = [400, 200, 400, 2_000] as const;

const tones: Readonly<Record<string, RingTone>> = {
  at: tone([420], 1_000, 5_000),
  au: tone([413, 438], ...DOUBLE),
  be: tone([425], 1_000, 3_000),
  bg: tone([425], 1_000, 4_000),
  br: tone([425], 1_000, 4_000),
  ch: tone([425], 1_000, 4_000),
  cl: tone([400], 1_000, 3_000),
  cn: tone([450], 1_000, 4_000),
  cz: tone([425], 1_000, 4_000),
  de: tone([425], 1_000, 4_000),
  dk: tone([425], 1_000, 4_000),
  ee: tone([425], 1_000, 4_000),
  es: tone([425], 1_500, 3_000),
  fi: tone([425], 1_000, 4_000),
  fr: tone([440], 1_500, 3_500),
  gr: tone([425], 1_000, 4_000),
  hu: tone([425], 1_250, 3_750),
  il: tone([400], 1_000, 3_000),
  in: tone(modulated(400, 25), ...DOUBLE),
  it: tone([425], 1_000, 4_000),
  jp: tone(modulated(400, 16), 1_000, 2_000),
  lt: tone([425], 1_000, 4_000),
  mx: tone([425], 1_000, 4_000),
  my: tone([425], ...DOUBLE),
  nl: tone([425], 1_000, 4_000),
  no: tone([425], 1_000, 4_000),
  nz: tone([400, 450], ...DOUBLE),
  ph: tone([425, 480], 1_000, 4_000),
  pl: tone([425], 1_000, 4_000),
  pt: tone([425], 1_000, 5_000),
  ru: tone([425], 800, 3_200),
  se: tone([425], 1_000, 5_000),
  sg: tone(modulated(425, 24), ...DOUBLE),
  th: tone([400], 1_000, 4_000),
  tw: tone([440, 480], 1_000, 2_000),
  uk: tone([400, 450], ...DOUBLE),
  us: tone([440, 480], 2_000, 4_000),
  'us-old': tone(modulated(420, 40), 2_000, 4_000),
  ve: tone([425], 1_000, 4_000),
  za: tone(modulated(400, 33), ...DOUBLE),
};

const LEVEL_DB = -19;

/** One round of the tone of a country; that of `us` where none, or an unknown one, is named. */
export function ringTone(country: string | undefined): PlaySource[] {
  const { frequencies, onOffMs } = tones[country ?? 'us'] ?? tones.us!;
  return onOffMs.map((durationMs, index) =>
    index % 2 === 0 ? { kind: 'tone', frequencies, levelDb: LEVEL_DB, durationMs } : { kind: 'silence', durationMs },
  );
}

export const ringToneCountries: readonly string[] = Object.keys(tones);
