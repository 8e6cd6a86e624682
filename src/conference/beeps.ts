// What a room hears when somebody comes or goes: two short tones up, two down.

import type { PlayOptions, PlaySource } from '../media/engine.ts';

const LEVEL_DB = -16;
const TONE_MS = 120;

const tone = (frequency: number): PlaySource => ({
  kind: 'tone',
  frequencies: [frequency],
  levelDb: LEVEL_DB,
  durationMs: TONE_MS,
});

export const ENTER_BEEP: PlayOptions = { sources: [tone(620), tone(880)], loop: 1 };
export const EXIT_BEEP: PlayOptions = { sources: [tone(880), tone(620)], loop: 1 };
