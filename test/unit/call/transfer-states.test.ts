// The table of a blind transfer, row by row (sip-interface.md 5.2, both columns).

import { describe, expect, test } from 'vitest';
import {
  isTentative,
  isUnderWay,
  type TransferInput,
  type TransferMode,
  type TransferState,
  transferStates,
} from '../../../src/call/transfer-states.ts';

const left = ['notify success', 'drop transferor'];
const gone = ['notify failure', 'drop transferor'];
const given = ['notify canceled', 'stop document'];

const rows: [TransferMode, TransferState, TransferInput, TransferState, string[]][] = [
  // answerOnBridge=false: "referUrl fetched: NOTIFY sent at once, transferor leg disconnected".
  ['replace', 'fetching', 'fetched', 'moved', left],
  // "referUrl unreachable: transferor already gone; cannot be restored".
  ['replace', 'fetching', 'notFetched', 'moved', gone],
  ['replace', 'fetching', 'documentEnded', 'over', gone],
  ['replace', 'fetching', 'transferorEnded', 'moved', []],
  ['replace', 'fetching', 'transfereeEnded', 'over', given],
  ['replace', 'fetching', 'withdrawn', 'over', given],
  ['replace', 'moved', 'documentEnded', 'over', []],
  ['replace', 'moved', 'transfereeEnded', 'over', []],
  ['replace', 'moved', 'withdrawn', 'over', ['stop document']],
  // answerOnBridge=true: "transferor still connected" until "target answers: bridged; transferor disconnected now".
  ['attempt', 'fetching', 'fetched', 'trying', ['park']],
  ['attempt', 'fetching', 'bridged', 'moved', left],
  // "referUrl unreachable: transferee goes back to the transferor".
  ['attempt', 'fetching', 'documentEnded', 'restored', ['notify failure']],
  ['attempt', 'fetching', 'transferorEnded', 'alone', []],
  ['attempt', 'fetching', 'transfereeEnded', 'over', given],
  ['attempt', 'fetching', 'withdrawn', 'over', given],
  ['attempt', 'trying', 'bridged', 'moved', left],
  // "target does not answer: transferee goes back to the transferor".
  ['attempt', 'trying', 'documentEnded', 'restored', ['notify failure', 'unpark']],
  ['attempt', 'trying', 'transferorEnded', 'alone', []],
  ['attempt', 'trying', 'transfereeEnded', 'over', given],
  ['attempt', 'trying', 'withdrawn', 'over', given],
  ['attempt', 'alone', 'bridged', 'moved', []],
  ['attempt', 'alone', 'documentEnded', 'over', []],
  ['attempt', 'alone', 'transfereeEnded', 'over', []],
  ['attempt', 'alone', 'withdrawn', 'over', ['stop document']],
  ['attempt', 'moved', 'documentEnded', 'over', []],
  ['attempt', 'moved', 'transfereeEnded', 'over', []],
  ['attempt', 'moved', 'withdrawn', 'over', ['stop document']],
];

describe('[sip 5.2 transfer-table] a blind transfer', () => {
  for (const [mode, state, input, to, actions] of rows)
    test(`${mode}: ${state} + ${input} → ${to}`, () =>
      expect(transferStates[mode][state][input]).toEqual({ to, do: actions }));

  test('no other pair does anything', () => {
    const all = (['replace', 'attempt'] as const).flatMap((mode) =>
      Object.entries(transferStates[mode]).flatMap(([state, inputs]) =>
        Object.keys(inputs).map((input) => `${mode} ${state} ${input}`),
      ),
    );
    expect(all.sort()).toEqual(rows.map(([mode, state, input]) => `${mode} ${state} ${input}`).sort());
  });

  test('every way out of fetching and trying tells the transferor a final status, unless it left', () => {
    for (const mode of ['replace', 'attempt'] as const) {
      for (const state of ['fetching', 'trying'] as const) {
        for (const [input, row] of Object.entries(transferStates[mode][state])) {
          const isDecided = row.to !== 'trying' && input !== 'transferorEnded';
          expect(
            row.do.some((action) => action.startsWith('notify')),
            `${mode} ${state} ${input}`,
          ).toBe(isDecided);
        }
      }
    }
  });

  test('the end of the document gives the call back only while the transferor waits', () => {
    const states: TransferState[] = ['fetching', 'trying', 'alone', 'moved', 'restored', 'over'];
    expect(states.filter((state) => isTentative('attempt', state))).toEqual(['fetching', 'trying']);
    expect(states.filter((state) => isTentative('replace', state))).toEqual([]);
    expect(states.filter(isUnderWay)).toEqual(['fetching', 'trying', 'alone', 'moved']);
  });
});
