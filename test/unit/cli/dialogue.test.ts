import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { run as call } from '../../../src/cli/call.ts';
import { run as replay } from '../../../src/cli/replay.ts';
import { readScripts } from '../../../src/cli/script-files.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hookswitch-dialogue-'));
  writeFileSync(join(folder, 'b.call'), 'press 1');
  writeFileSync(join(folder, 'a.call'), 'press 2');
  writeFileSync(join(folder, 'a.txt'), 'nothing');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function mistake(command: typeof call, args: readonly string[]) {
  const printed: string[] = [];
  const spy = vi.spyOn(console, 'error').mockImplementation((text: string) => void printed.push(text));
  try {
    return { exitCode: await command(args), text: printed.join('\n') };
  } finally {
    spy.mockRestore();
  }
}

const VIRTUAL = ['--virtual', '--url', 'http://127.0.0.1:9/'];
const SCRIPT = ['--script', '@'];
const rows: readonly (readonly [readonly string[], RegExp])[] = [
  [['--virtual', ...SCRIPT], /^--virtual needs --url\./],
  [['--virtual', '--url', 'ftp://x/', ...SCRIPT], /not an http or https URL/],
  [VIRTUAL, /^--script is missing/],
  [SCRIPT, /^The SIP URI to call is missing/],
  [['sip:1@127.0.0.1', ...VIRTUAL, ...SCRIPT], /nothing is dialled/],
  [['sip:1@127.0.0.1', '--url', 'http://x/', ...SCRIPT], /goes with --virtual only/],
  [[...VIRTUAL, ...SCRIPT, '--within', 'soon'], /^--within soon is not a number/],
  [[...VIRTUAL, ...SCRIPT, '--within', '0'], /^--within 0 is not a number/],
  [[...VIRTUAL, ...SCRIPT, '--method', 'PUT'], /neither GET nor POST/],
  [[...VIRTUAL, '--script', '@/none'], /no such file or folder/],
  [[...VIRTUAL, '--script', '@/a.txt'], /a\.txt:1:1: "nothing" is no step/],
  [['one', 'two', ...SCRIPT], /^Unexpected argument "two"/],
];
test.each(rows)('call %s', async (args, message) => {
  const given = args.map((arg) => (arg.startsWith('@') ? folder + arg.slice(1) : arg));
  const { exitCode, text } = await mistake(call, given);
  expect(exitCode).toBe(2);
  expect(text).toMatch(message);
});

test.each<readonly [readonly string[], RegExp]>([
  [[], /^The CallSid is missing/],
  [['CA1'], /not an http or https URL/],
  [['CA1', '--url', 'nowhere'], /not an http or https URL/],
  [['CA1', '--url', 'http://x/', '--method', 'PUT'], /neither GET nor POST/],
  [['CA1', '--url', 'http://x/', '--gateway', 'nowhere'], /--gateway nowhere is not/],
])('replay %s', async (args, message) => {
  const { exitCode, text } = await mistake(replay, args);
  expect(exitCode).toBe(2);
  expect(text).toMatch(message);
});

test('a folder gives its *.call files in order, a file is taken whatever its name', () => {
  expect(readScripts([folder])).toMatchObject({
    ok: true,
    value: [{ name: join(folder, 'a.call') }, { name: join(folder, 'b.call') }],
  });
  expect(readScripts([join(folder, 'none'), join(folder, 'a.txt')])).toMatchObject({
    ok: false,
    error: expect.stringContaining('a.txt:1:1'),
  });
});

test('a folder without scripts', () => {
  const empty = mkdtempSync(join(folder, 'empty-'));
  expect(readScripts([empty])).toMatchObject({ ok: false, error: expect.stringContaining('There is no script') });
});
