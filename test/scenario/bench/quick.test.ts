// The bench as its users start it, every case with a few calls: that each works, what the table and the JSON hold, and that nothing it
// started is left. Not how fast anything is.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cases } from '../../../src/bench/cases/index.ts';
import type { Report, Row } from '../../../src/bench/report.ts';
import { until } from '../../support/until.ts';
import { Command, run, temporaryFolder } from '../cli/kit.ts';

/** A quick run is to take less than a minute; a machine that runs other tests beside it is slower. */
const RUN_MS = 240_000;

async function bench(args: readonly string[]) {
  const folder = temporaryFolder();
  const json = join(folder, 'bench.json');
  const command = new Command(['bench', '--quick', '--json', json, ...args], { folder });
  await until(
    () => command.hasEnded,
    RUN_MS,
    () => `the bench ends; so far\n${command.stderr}`,
  );
  const exitCode = await command.endsAltogether();
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  return { exitCode, report, stdout: command.stdout, stderr: command.stderr };
}

const own = (rows: readonly Row[], name: string): Row[] =>
  rows.filter((row) => row.case === name && row.subject === 'hookswitch');

test('all cases: each has its rows in the table and in the JSON, each was measured, and no process is left', {
  timeout: RUN_MS + 30_000,
}, async () => {
  const { exitCode, report, stdout } = await bench([]);
  const faults = report.rows.filter(({ value, notes }) => value === null || notes.some((note) => /^failed/.test(note)));
  expect({ exitCode, faults }, stdout).toEqual({ exitCode: 0, faults: [] });
  expect([...new Set(report.rows.map((row) => row.case))]).toEqual(cases.map(({ name }) => name));
  for (const { name } of cases) expect(own(report.rows, name), name).not.toEqual([]);
  for (const row of report.rows) expect(stdout).toContain(row.title);

  expect(report).toMatchObject({
    isQuick: true,
    machine: { cores: expect.any(Number), node: process.versions.node, loadBefore: expect.any(Number) },
  });
  for (const row of report.rows) {
    expect(Object.keys(row).sort()).toEqual(
      [
        'case',
        'cpu',
        'cpuUnit',
        'details',
        'jitterMs',
        'latencyMs',
        'lost',
        'notes',
        'ratios',
        'repeats',
        'subject',
        'title',
        'unit',
        'value',
      ].sort(),
    );
  }
  // What the cases with media are about.
  for (const name of [
    'relay',
    'bridge',
    'workers',
    'busy',
    'srtp-cost',
    'srtp',
    'transcode',
    'record',
    'stream',
    'conference-3',
  ]) {
    for (const row of own(report.rows, name)) {
      expect(row.latencyMs?.p50, name).toBeGreaterThan(0);
      expect(row.jitterMs, name).toBeGreaterThanOrEqual(0);
      expect(row.lost, name).toBeLessThanOrEqual(1);
    }
  }
  expect(own(report.rows, 'stream')[0]?.notes.join()).toContain('back to the phone');
  expect(own(report.rows, 'gather')[0]?.notes.join()).toContain('digit to its request');
  expect(own(report.rows, 'overload').map(({ title }) => title)).toEqual([
    '2 × the most calls per second',
    '10 × the most calls per second',
  ]);
  expect(own(report.rows, 'startup')).toHaveLength(2);
  expect(own(report.rows, 'memory')).toHaveLength(3);
  expect(report.rows.filter(({ subject }) => subject === 'hookswitch, trace off')).toHaveLength(3);
  // Beside it: measured where installed, else said to be missing.
  const subjects = new Set(report.rows.map(({ subject }) => subject));
  for (const peer of ['rtpengine', 'Kamailio', 'SIPp', 'C relay'])
    expect(subjects.has(peer) || report.skipped.some(({ what, why }) => what === peer && why !== ''), peer).toBe(true);
});

test('some cases alone, without programs beside it, nothing compiled', { timeout: RUN_MS }, async () => {
  const { exitCode, report, stderr } = await bench(['--no-peers', '--no-compiler', 'bridge', 'register']);
  expect(exitCode).toBe(0);
  expect([...new Set(report.rows.map(({ subject, case: name }) => `${name} ${subject}`))]).toEqual([
    'register hookswitch',
    'bridge hookswitch',
  ]);
  expect(report.skipped).toEqual([]);
  expect(own(report.rows, 'bridge')[0]?.latencyMs?.p50).toBeGreaterThan(0);
  expect(stderr).toContain('starting the gateway');
});

test('Ctrl-C ends the bench and all that it started', { timeout: RUN_MS }, async () => {
  const command = new Command(['bench', '--quick', '--no-peers', 'storm']);
  await command.writes('register for the first time');
  command.signalGroup('SIGINT');
  expect(await command.endsAltogether()).toBe(1);
});

describe('arguments', () => {
  test('--list names every case', async () => {
    const { exitCode, stdout } = await run(['bench', '--list']);
    expect(exitCode).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(cases.map(({ name }) => name));
  });

  test.each([
    [['nonsense'], 'There is no case "nonsense".'],
    [['--repeats', '0'], '--repeats is a number from 1 to 100.'],
  ])('%j is a mistake', async (args, sentence) => {
    const { exitCode, stderr } = await run(['bench', ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(sentence);
  });
});
