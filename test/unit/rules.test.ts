// Holds the table of rules (test/rules/sip-interface.md) to the tests, both ways: where a rule names a file, a test of that file carries
// its id in its title, and every id in a title is a rule of the table.
//
//   | `[sip 1.4 cancel]` | CANCEL of the caller: 487 … | scenario/call/dial.test.ts |   ◀──▶   test('… [sip 1.4 cancel]', …)
//
// A title that is made from data has its ids in a comment directly above: `// holds: [sip 1.4 cancel]`. A title that is a template may
// have `${…}` in an id: it stands for any word.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const TESTS = join(import.meta.dirname, '..');
const TABLE = join(TESTS, 'rules', 'sip-interface.md');

const ID = /\[sip \d+(?:\.\d+)? [a-z0-9-]+\]/g;
const ID_IN_TITLE = /\[sip \d+(?:\.\d+)? (?:[a-z0-9-]|\$\{[^}]*\})+\]/g;

interface Rule {
  readonly id: string;
  readonly section: string;
  readonly text: string;
  /** Files below test/. */
  readonly files: readonly string[];
  /** `differs`, `later` or `data`, where no file is named. */
  readonly instead: string | undefined;
}

/** Rows of the table; a line that looks like one and cannot be read is a fault. */
function readTable(): { readonly rules: readonly Rule[]; readonly faults: readonly string[] } {
  const rules: Rule[] = [];
  const faults: string[] = [];
  let heading = '';
  for (const line of readFileSync(TABLE, 'utf8').split('\n')) {
    if (line.startsWith('## ')) heading = /^## ([\d.]+)/.exec(line)?.[1] ?? '';
    if (!line.startsWith('| `')) continue;
    const row = /^\| `(\[sip ([\d.]+) [a-z0-9-]+\])` \| ([^|]+) \| ([^|]+) \|$/.exec(line);
    if (row?.[2] !== heading) {
      faults.push(line);
      continue;
    }
    const [, id = '', section = '', text = '', holds = ''] = row;
    const instead = /^(?:(differs|later): \S.*|(data))$/.exec(holds);
    const files = instead ? [] : holds.split(', ');
    if (files.some((file) => !/^[\w./-]+\.ts$/.test(file))) faults.push(line);
    rules.push({ id, section, text, files, instead: instead?.[1] ?? instead?.[2] });
  }
  return { rules, faults };
}

/** Whether what follows a `// holds:` comment is a test, or a loop of tests. */
const isTest = (line: string | undefined): boolean => /^\s*(test|describe|scenario|for)\b/.test(line ?? '');

/** The ids of a file's titles: in string literals, and in `// holds:` comments directly above a test. */
function idsOf(source: string): Set<string> {
  const lines = source.split('\n');
  const found = lines.flatMap((line, index) => {
    const ids = [...line.matchAll(ID_IN_TITLE)];
    if (ids.length === 0) return [];
    if (!/^\s*\/\//.test(line)) return ids.filter((id) => /['"`]/.test(line.slice(0, id.index))).map(([id]) => id);
    const below = lines.slice(index).find((next) => !/^\s*\/\/ holds:/.test(next));
    return /^\s*\/\/ holds:/.test(line) && isTest(below) ? ids.map(([id]) => id) : [];
  });
  return new Set(found);
}

const testFiles = readdirSync(TESTS, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.test\.ts$/.test(file) || /^sipp\/cases\/.*\.ts$/.test(file))
  .filter((file) => file !== 'unit/rules.test.ts')
  .sort();
const idsByFile = new Map(testFiles.map((file) => [file, idsOf(readFileSync(join(TESTS, file), 'utf8'))]));

const patternOf = (id: string): RegExp =>
  new RegExp(
    `^${id
      .split(/\$\{[^}]*\}/)
      .map((part) => part.replace(/[.[\]]/g, '\\$&'))
      .join('[a-z0-9-]+')}$`,
  );
const isHeldIn = (id: string, file: string): boolean =>
  [...(idsByFile.get(file) ?? [])].some((title) => title === id || (title.includes('$') && patternOf(title).test(id)));

describe('the rules of sip-interface.md', () => {
  const { rules, faults } = readTable();

  test('the table can be read: id, rule, and who holds it or why nobody does', () => {
    expect(faults).toEqual([]);
    expect(rules.length).toBeGreaterThan(300);
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

  test('every section from 0 to 9 and the traps of 10 have rules', () => {
    const sections = new Set(rules.map(({ section }) => section));
    const wanted =
      '0 1.1 1.2 1.3 1.4 1.5 1.6 1.7 2.1 2.2 2.3 2.4 2.5 2.6 3 4 5.1 5.2 6 6.1 6.2 6.3 6.4 6.5 6.6 6.7 7 8.1 8.2 8.3 8.4 9 10';
    expect(wanted.split(' ').filter((section) => !sections.has(section))).toEqual([]);
    const traps = rules
      .filter(({ id }) => id.startsWith('[sip 10 trap-'))
      .map(({ id }) => Number(/\d+(?=\])/.exec(id)?.[0]));
    expect(traps).toEqual(Array.from({ length: 15 }, (_, index) => index + 1));
  });

  test('ids in the table are of the one form', () => {
    for (const { id } of rules) expect(id.match(ID)).toEqual([id]);
  });
});
