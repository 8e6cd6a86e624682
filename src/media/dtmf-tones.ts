// ITU-T Q.23: the two frequencies of each push button, for digits sent in-band to peers without telephone-event.
//
//            1209  1336  1477  1633 Hz
//      697     1     2     3     A
//      770     4     5     6     B
//      852     7     8     9     C
//      941     *     0     #     D

const ROWS = [697, 770, 852, 941] as const;
const COLUMNS = [1_209, 1_336, 1_477, 1_633] as const;
const KEYS = ['123A', '456B', '789C', '*0#D'] as const;

/** Level of each of the two tones: within the -9 to -3 dBm of Q.24's usual ranges, with headroom for their sum. */
export const DIGIT_TONE_LEVEL_DB = -9;

const tones: ReadonlyMap<string, readonly [number, number]> = new Map(
  KEYS.flatMap((keys, row) =>
    [...keys].map((digit, column): [string, readonly [number, number]] => [digit, [ROWS[row]!, COLUMNS[column]!]]),
  ),
);

/** Low and high frequency in Hz of a digit (`0-9 * # A-D`, letters in either case); undefined for anything else. */
export const digitTone = (digit: string): readonly [number, number] | undefined => tones.get(digit.toUpperCase());
