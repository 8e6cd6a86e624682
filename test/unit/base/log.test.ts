// The log: levels by folder, fields of a line, secrets crossed out, and that no line is lost when the process ends.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createLog, type LogLevel } from '../../../src/base/log.ts';

function logWith(level: LogLevel, folders: Readonly<Record<string, LogLevel>> = {}) {
  const lines: Record<string, unknown>[] = [];
  const log = createLog({ level, folders, pretty: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  return { log, lines };
}

describe('levels', () => {
  test.each([
    ['info', ['info', 'warn', 'error']],
    ['trace', ['trace', 'debug', 'info', 'warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ] as const)('%s writes %j', (level, written) => {
    const { log, lines } = logWith(level);
    for (const name of ['trace', 'debug', 'info', 'warn', 'error'] as const) log[name]({}, name);
    expect(lines.map((line) => line.msg)).toEqual(written);
    expect(lines.map((line) => line.level)).toEqual(written);
    expect((['trace', 'debug', 'info', 'warn', 'error'] as const).filter((name) => log.enabled(name))).toEqual(written);
  });

  test('a folder has a level of its own, also below a child', () => {
    const { log, lines } = logWith('warn', { sip: 'debug' });
    log.child({ folder: 'sip' }).child({ callSid: 'CA1' }).debug({}, 'heard');
    log.child({ folder: 'media' }).info({}, 'not heard');
    expect(lines).toMatchObject([{ folder: 'sip', callSid: 'CA1', msg: 'heard' }]);
  });
});

test("a line's own field wins over that of its logger and stands there once", () => {
  const written: string[] = [];
  const log = createLog({ level: 'info', folders: {}, pretty: false }, { write: (line) => void written.push(line) });
  log.child({ callSid: 'CA1', leg: 1 }).child({ leg: 2 }).info({ callSid: 'CA2' }, 'which');
  expect(JSON.parse(written[0]!)).toMatchObject({ leg: 2 });
  expect(written[0]!.match(/"leg"/g)).toHaveLength(1);
});

test('design.md 9: secrets are crossed out wherever a caller puts them, and the object of the caller stays as it is', () => {
  const { log, lines } = logWith('info');
  const fields = {
    password: 'p-1',
    user: { password: 'p-2', authToken: 'p-3', authorization: 'p-4', name: 'anna' },
    fine: 'seen',
    list: ['seen'],
  };
  log.child({ authToken: 'p-5', secret: 'p-6', authorization: 'p-7' }).info(fields, 'secrets');
  expect(JSON.stringify(lines)).not.toMatch(/p-\d/);
  expect(lines[0]).toMatchObject({ password: '[hidden]', user: { name: 'anna' }, fine: 'seen', list: ['seen'] });
  expect(fields.password).toBe('p-1');
  expect(fields.user.password).toBe('p-2');
});

describe('standard output', () => {
  const source = resolve(import.meta.dirname, '../../../src/base/log.ts');
  const begin = `import { createLog } from ${JSON.stringify(source)};
    const log = createLog({ level: 'info', folders: {}, pretty: false });
    for (let number = 0; number < 2_000; number++) log.info({ number }, 'line');`;

  test.each([
    ['at its end', '', 0],
    ['when it exits at once', 'process.exit(3);', 3],
    ['when it throws', "throw new Error('a fault');", 1],
  ])('no line is lost: the process ends %s', (_, end, status) => {
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', begin + end], { encoding: 'utf8' });
    expect(child.status).toBe(status);
    const numbers = child.stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { number: number }).number);
    expect(numbers).toEqual(Array.from({ length: 2_000 }, (__, index) => index));
  });
});
