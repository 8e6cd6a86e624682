// Two lists of verbs side by side: the longest sequence that both have, and what only one of them has. Pure.

import type { VerbLine } from './replay.ts';

export interface DifferenceRow {
  readonly kind: 'same' | 'changed' | 'gone' | 'new';
  readonly before: VerbLine | undefined;
  readonly after: VerbLine | undefined;
}

/** Where what is heard is known of both, it must be the same; the count of its characters then says nothing more. */
export function isSame(before: VerbLine, after: VerbLine): boolean {
  if (before.verb !== after.verb) return false;
  const { heard } = before;
  if (!heard || !after.heard) return before.detail === after.detail;
  const isSameHeard =
    heard.length === after.heard.length && heard.every((text, index) => text === after.heard?.[index]);
  return isSameHeard && (before.detail === after.detail || before.verb === 'Say');
}

/** Rows in order. Verbs of one name that stand in the same place of both are one changed row. */
export function difference(before: readonly VerbLine[], after: readonly VerbLine[]): readonly DifferenceRow[] {
  const lengths = commonLengths(before, after);
  const rows: DifferenceRow[] = [];
  let left = 0;
  let right = 0;
  while (left < before.length || right < after.length) {
    const old = before[left];
    const young = after[right];
    if (old && young && isSame(old, young)) {
      rows.push({ kind: 'same', before: old, after: young });
      left += 1;
      right += 1;
    } else if (old && (!young || lengths[left + 1]![right]! >= lengths[left]![right + 1]!)) {
      rows.push({ kind: 'gone', before: old, after: undefined });
      left += 1;
    } else {
      rows.push({ kind: 'new', before: undefined, after: young });
      right += 1;
    }
  }
  return paired(rows);
}

/** A verb that is gone and a new one of the same name behind it are one that has changed. */
function paired(rows: readonly DifferenceRow[]): readonly DifferenceRow[] {
  const result: DifferenceRow[] = [];
  for (const row of rows) {
    const at = result.findLastIndex(({ kind }) => kind !== 'gone') + 1;
    const partner =
      row.kind === 'new' ? result.findIndex((one, index) => index >= at && one.before?.verb === row.after?.verb) : -1;
    if (partner < 0) result.push(row);
    else result[partner] = { kind: 'changed', before: result[partner]!.before, after: row.after };
  }
  return result;
}

/** lengths[i][j]: of the longest common sequence of what stands from i and from j on. */
function commonLengths(before: readonly VerbLine[], after: readonly VerbLine[]): readonly Uint32Array[] {
  const lengths = Array.from({ length: before.length + 1 }, () => new Uint32Array(after.length + 1));
  for (let left = before.length - 1; left >= 0; left--) {
    for (let right = after.length - 1; right >= 0; right--) {
      lengths[left]![right] = isSame(before[left]!, after[right]!)
        ? lengths[left + 1]![right + 1]! + 1
        : Math.max(lengths[left + 1]![right]!, lengths[left]![right + 1]!);
    }
  }
  return lengths;
}

const SIGNS: Readonly<Record<DifferenceRow['kind'], string>> = { same: ' ', changed: '≠', gone: '-', new: '+' };

/** Two columns in `width` signs. */
export function drawDifference(rows: readonly DifferenceRow[], width: number): string[] {
  const column = Math.max(20, Math.floor((width - 3) / 2));
  const draw = (before: string, sign: string, after: string) =>
    `${fill(before, column)} ${sign} ${cut(after, column)}`.trimEnd();
  return [
    draw('recorded', ' ', 'now'),
    ...rows.map(({ kind, before, after }) => draw(before ? shown(before) : '', SIGNS[kind], after ? shown(after) : '')),
  ];
}

export function shown({ verb, detail, heard }: VerbLine): string {
  const words = (heard ?? []).map((text) => `"${text.replace(/\s+/g, ' ')}"`).join(' ');
  if (verb === 'Say' && words !== '') return `Say ${words}`;
  return [verb, detail, words].filter((part) => part !== '').join(' ');
}

const cut = (text: string, chars: number): string => (text.length <= chars ? text : `${text.slice(0, chars - 1)}…`);
const fill = (text: string, chars: number): string => cut(text, chars).padEnd(chars);
