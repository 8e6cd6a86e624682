// What the bench found, as one table for people and as JSON for programs. Every row has the same fields.

import type { Spread } from './generator/protocol.ts';

export interface Row {
  /** Name of the case, as the command line knows it. */
  readonly case: string;
  readonly title: string;
  /** What was measured: hookswitch, or a program beside it. */
  readonly subject: string;
  /** The figure of the case; null where it could not be had, and a note says why. */
  readonly value: number | null;
  readonly unit: string;
  /** CPU time (user and system) of the subject for one unit of work. */
  readonly cpu: number | null;
  readonly cpuUnit: string;
  readonly latencyMs: Pick<Spread, 'p50' | 'p99' | 'p999'> | null;
  readonly jitterMs: number | null;
  /** Share of packets. */
  readonly lost: number | null;
  /** Against other subjects of the same case in the same run; below 1 is better, for values where more is better above 1. */
  readonly ratios: readonly Ratio[];
  readonly repeats: number;
  readonly notes: readonly string[];
  readonly details: Readonly<Record<string, unknown>>;
}

export interface Ratio {
  readonly of: 'cpu' | 'value';
  readonly to: string;
  readonly value: number;
}

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly kernel: string;
  readonly node: string;
  /** Cores of subject and generators; null = not bound. */
  readonly pinning: { readonly subject: string; readonly generator: string } | null;
  /** Load average of the last minute when the bench began: on a busy machine the figures are worth little. */
  readonly loadBefore: number;
}

export interface Report {
  readonly machine: Machine;
  readonly isQuick: boolean;
  readonly seconds: number;
  readonly rows: readonly Row[];
  /** What was not measured, and why. */
  readonly skipped: readonly { readonly what: string; readonly why: string }[];
}

const NOTHING: Omit<Row, 'case' | 'title' | 'subject'> = {
  value: null,
  unit: '',
  cpu: null,
  cpuUnit: '',
  latencyMs: null,
  jitterMs: null,
  lost: null,
  ratios: [],
  repeats: 1,
  notes: [],
  details: {},
};

/** A row; what is not given is empty. */
export const row = (given: Pick<Row, 'case' | 'title' | 'subject'> & Partial<Row>): Row => ({ ...NOTHING, ...given });

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Puts the ratios to all other subjects of the same case and unit into the rows of hookswitch, with each of its engines. */
export function withRatios(rows: readonly Row[]): Row[] {
  return rows.map((one) => {
    if (!one.subject.startsWith('hookswitch')) return one;
    const others = rows.filter((other) => other !== one && other.case === one.case && other.title === one.title);
    return { ...one, ratios: others.flatMap((other) => ratiosTo(one, other)) };
  });
}

function ratiosTo(own: Row, other: Row): Ratio[] {
  const of = (field: 'cpu' | 'value', isSame: boolean): Ratio[] => {
    const [mine, theirs] = [own[field], other[field]];
    return isSame && mine !== null && theirs !== null && theirs > 0
      ? [{ of: field, to: other.subject, value: mine / theirs }]
      : [];
  };
  return [
    ...of('cpu', own.cpuUnit === other.cpuUnit),
    ...of('value', own.unit === other.unit && own.details.isFixed !== true),
  ];
}

const COLUMNS = ['case', 'subject', 'result', 'CPU', 'ms p50/p99/p99.9', 'jitter', 'lost', 'ratio', ''] as const;

/** Three significant digits. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value.toFixed(Math.min(4, digits));
}

function cells(one: Row): string[] {
  const { latencyMs, jitterMs, lost } = one;
  return [
    one.title,
    one.subject,
    one.value === null ? '-' : `${figure(one.value)} ${one.unit}`,
    one.cpu === null ? '' : `${figure(one.cpu)} ${one.cpuUnit}`,
    latencyMs ? `${figure(latencyMs.p50)} / ${figure(latencyMs.p99)} / ${figure(latencyMs.p999)}` : '',
    jitterMs === null ? '' : `${figure(jitterMs)} ms`,
    lost === null ? '' : `${figure(lost * 100)} %`,
    one.ratios.map(({ of, to, value }) => `${value.toFixed(2)} × ${to}${of === 'cpu' ? ' CPU' : ''}`).join(', '),
    one.notes.join('; '),
  ];
}

/** The table, a line for each row, columns as wide as they must be. */
export function printTable(rows: readonly Row[]): string {
  const all = [[...COLUMNS], ...rows.map(cells)];
  const widths = COLUMNS.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  const isUsed = widths.map((width) => width > 0);
  const lines = all.map((line) =>
    line
      .map((cell, column) => (isUsed[column] ? cell.padEnd(widths[column]!) : ''))
      .filter((_, column) => isUsed[column])
      .join('  ')
      .trimEnd(),
  );
  return [lines[0]!, '-'.repeat(Math.min(160, lines[0]!.length + 20)), ...lines.slice(1)].join('\n');
}

export function printReport({ machine, rows, skipped, seconds, isQuick }: Report): string {
  const { processor, cores, kernel, node, pinning, loadBefore } = machine;
  return [
    `${cores} cores of ${processor}, Linux ${kernel}, Node.js ${node}; load ${loadBefore.toFixed(1)} before`,
    pinning
      ? `measured on core ${pinning.subject}, generators on ${pinning.generator}`
      : 'processes are not bound to cores here: generators and what is measured share them',
    ...(isQuick ? ['quick: checks that everything works; the figures mean nothing'] : []),
    '',
    printTable(rows),
    '',
    ...skipped.map(({ what, why }) => `not measured: ${what}: ${why}`),
    `${Math.round(seconds)} s`,
  ].join('\n');
}
