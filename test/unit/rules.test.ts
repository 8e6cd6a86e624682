// Holds the tables of rules (test/rules/*.md) to the tests, both ways: where a rule names a file, a test of that file carries its id in its
// title, and every id in a title is a rule of its table.
//
//   | `[sip 1.4 cancel]` | CANCEL of the caller: 487 … | scenario/call/dial.test.ts |   ◀──▶   test('… [sip 1.4 cancel]', …)
//
// A title that is made from data has its ids in a comment directly above: `// holds: [sip 1.4 cancel]`. A title that is a template may
// have `${…}` in an id: it stands for any word.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const TESTS = join(import.meta.dirname, '..');

interface Table {
  /** First word of its ids. */
  readonly prefix: string;
  readonly file: string;
  /** Sections that must have rules. */
  readonly sections: string;
  readonly minRules: number;
  /** Numbered points of a section: `[sip 10 trap-1]` … */
  readonly points?: { readonly id: string; readonly count: number };
}

const TABLES: readonly Table[] = [
  {
    prefix: 'sip',
    file: 'sip-interface.md',
    sections:
      '0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 2.1 2.2 2.3 2.4 2.5 2.6 3 4 5.1 5.2 6 6.1 6.2 6.3 6.4 6.5 6.6 6.7 7 8.1 8.2 8.3 8.4 9 10',
    minRules: 300,
    points: { id: 'sip 10 trap-', count: 15 },
  },
  {
    prefix: 'twiml',
    file: 'twiml.md',
    sections:
      '1 2.1 2.2 2.3 2.4 2.5 2.6 2.7 3.1 3.2 3.3 3.4 4.1 4.2 4.3 5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8 5.9 5.10 6.1 6.2 6.3 6.4 6.5 6.6 ' +
      '6.7 6.8 6.9 7.1 7.2 7.3 7.4 8.1 8.2 8.3 9 9.1 9.2 10 10.1 10.2 10.3 11 11.1 12 13 14 15 16',
    minRules: 400,
    points: { id: 'twiml 16 point-', count: 31 },
  },
  {
    prefix: 'rest',
    file: 'rest-api.md',
    sections: '2 3 4 5 6 7.1 7.2 7.3 8 9.1 9.2 9.3 9.4 9.5 10 11 12 13 14 15 16 17 18 19 20 21 22',
    minRules: 350,
    points: { id: 'rest 22 check-', count: 8 },
  },
];

const WORD = '[a-z0-9-]+';
/** An id, and an id as it may stand in a title. */
const idOf = (prefix: string) => new RegExp(`\\[${prefix} \\d+(?:\\.\\d+)? ${WORD}\\]`, 'g');
const idInTitle = (prefix: string) => new RegExp(`\\[${prefix} \\d+(?:\\.\\d+)? (?:[a-z0-9-]|\\$\\{[^}]*\\})+\\]`, 'g');

interface Rule {
  readonly id: string;
  readonly section: string;
  readonly text: string;
  /** Files below test/. */
  readonly files: readonly string[];
  /** `differs`, `later` or `data`, where no file is named. */
  readonly instead: string | undefined;
}

/** Rows of a table; a line that looks like one and cannot be read is a fault. */
function readTable({ prefix, file }: Table): { readonly rules: readonly Rule[]; readonly faults: readonly string[] } {
  const rules: Rule[] = [];
  const faults: string[] = [];
  let heading = '';
  const form = new RegExp(`^\\| \`(\\[${prefix} ([\\d.]+) ${WORD}\\])\` \\| ([^|]+) \\| ([^|]+) \\|$`);
  for (const line of readFileSync(join(TESTS, 'rules', file), 'utf8').split('\n')) {
    if (line.startsWith('## ')) heading = /^## ([\d.]+)/.exec(line)?.[1] ?? '';
    if (!line.startsWith('| `')) continue;
    const row = form.exec(line);
    if (row?.[2] !== heading) {
      faults.push(line);
      continue;
    }
    const [, id = '', section = '', text = '', holds = ''] = row;
    const instead = /^(?:(differs|later): \S.*|(data))$/.exec(holds);
    const files = instead ? [] : holds.split(', ');
    if (files.some((name) => !/^[\w./-]+\.ts$/.test(name))) faults.push(line);
    rules.push({ id, section, text, files, instead: instead?.[1] ?? instead?.[2] });
  }
  return { rules, faults };
}

/** Whether what follows a `// holds:` comment is a test, or a loop of tests. */
const isTest = (line: string | undefined): boolean => /^\s*(test|describe|scenario|for)\b/.test(line ?? '');

/** The ids of a file's titles: in string literals, and in `// holds:` comments directly above a test. */
function idsOf(source: string, prefix: string): Set<string> {
  const lines = source.split('\n');
  const found = lines.flatMap((line, index) => {
    const ids = [...line.matchAll(idInTitle(prefix))];
    if (ids.length === 0) return [];
    if (!/^\s*\/\//.test(line)) return ids.filter((id) => /['"`]/.test(line.slice(0, id.index))).map(([id]) => id);
    const below = lines.slice(index).find((next) => !/^\s*\/\/ holds:/.test(next));
    return /^\s*\/\/ holds:/.test(line) && isTest(below) ? ids.map(([id]) => id) : [];
  });
  return new Set(found);
}

const sources = new Map(
  readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
    .filter((file) => /(\.test|-suite)\.ts$/.test(file) || /^sipp\/cases\/.*\.ts$/.test(file))
    .filter((file) => file !== 'unit/rules.test.ts')
    .sort()
    .map((file) => [file, readFileSync(join(TESTS, file), 'utf8')] as const),
);

const patternOf = (id: string): RegExp =>
  new RegExp(
    `^${id
      .split(/\$\{[^}]*\}/)
      .map((part) => part.replace(/[.[\]]/g, '\\$&'))
      .join('[a-z0-9-]+')}$`,
  );

const existing = TABLES.filter(({ file }) => existsSync(join(TESTS, 'rules', file)));

describe.each(existing)('the rules of $file', (table) => {
  const { rules, faults } = readTable(table);
  const idsByFile = new Map([...sources].map(([file, source]) => [file, idsOf(source, table.prefix)]));
  const isHeldIn = (id: string, file: string): boolean =>
    [...(idsByFile.get(file) ?? [])].some(
      (title) => title === id || (title.includes('$') && patternOf(title).test(id)),
    );

  test('the table can be read: id, rule, and who holds it or why nobody does', () => {
    expect(faults).toEqual([]);
    expect(rules.length).toBeGreaterThanOrEqual(table.minRules);
  });

  test('no id stands twice', () => {
    const ids = rules.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  test('files that hold a rule exist', () => {
    const files = new Set(rules.flatMap((rule) => rule.files));
    expect([...files].filter((file) => !existsSync(join(TESTS, file)))).toEqual([]);
  });

  test('each rule is in a title of each file that is said to hold it', () => {
    const missing = rules.flatMap(({ id, files }) =>
      files.filter((file) => !isHeldIn(id, file)).map((file) => `${id}: ${file}`),
    );
    expect(missing).toEqual([]);
  });

  test('each id in a title is a rule of the table', () => {
    const unknown = [...idsByFile].flatMap(([file, ids]) =>
      [...ids]
        .filter((title) => !rules.some(({ id }) => patternOf(title).test(id)))
        .map((title) => `${title} in ${file}`),
    );
    expect(unknown).toEqual([]);
  });

  test('a rule that differs has no test of the vendor’s way, and only few are data', () => {
    const held = new Set([...idsByFile.values()].flatMap((ids) => [...ids]));
    expect(rules.filter(({ id, instead }) => instead !== undefined && held.has(id)).map(({ id }) => id)).toEqual([]);
    expect(rules.filter(({ instead }) => instead === 'data').length).toBeLessThan(10);
  });

  test('every section has rules, and every numbered point', () => {
    const sections = new Set(rules.map(({ section }) => section));
    const wanted = table.sections.split(' ').filter((section) => section !== '');
    expect(wanted.filter((section) => !sections.has(section))).toEqual([]);
    if (!table.points) return;
    const { id: point, count } = table.points;
    const numbers = rules
      .filter(({ id }) => id.startsWith(`[${point}`))
      .map(({ id }) => Number(/\d+(?=\])/.exec(id)?.[0]));
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  });

  test('ids in the table are of the one form', () => {
    for (const { id } of rules) expect(id.match(idOf(table.prefix))).toEqual([id]);
  });
});
