import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig, printConfig } from '../../src/config.ts';
import { type Setting, settings, settingsTable } from '../../src/settings.ts';

/** A settings file with this content. */
function file(content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'hookswitch-config-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'hookswitch.yaml');
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

function load(content: unknown, environment: NodeJS.ProcessEnv = {}) {
  const config = loadConfig(file(content), environment);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

function problems(content: unknown, environment: NodeJS.ProcessEnv = {}) {
  const config = loadConfig(file(content), environment);
  return config.ok ? [] : config.error;
}

describe('design.md 4: settings', () => {
  test('without anything given: the defaults of the table [sip 0 ports]', () => {
    const config = load('');
    expect(config).toMatchObject({
      sipListen: [
        { address: '::', port: 5_060 },
        { address: '0.0.0.0', port: 5_060 },
      ],
      sipsListen: [
        { address: '::', port: 5_061 },
        { address: '0.0.0.0', port: 5_061 },
      ],
      httpListen: { address: '127.0.0.1', port: 7_080 },
      httpsListen: null,
      mediaPorts: { first: 10_000, last: 20_000 },
      realm: 'sip.hookswitch.local',
      domainSuffix: 'sip.localhost',
      log: { level: 'info', folders: {} },
      demo: null,
      dataDir: resolve('data'),
      declared: { domains: [], credentialLists: [], ipAccessControlLists: [], trunks: [] },
    });
    expect(config.mediaWorkers).toBeGreaterThanOrEqual(1);
    expect(config.mediaWorkers).toBeLessThanOrEqual(4);
  });

  test('the environment wins over the file', () => {
    const config = load(
      { realm: 'of the file', maxCalls: 7, demo: false },
      { HOOKSWITCH_REALM: 'of the environment', HOOKSWITCH_LOG: 'warn,sip=trace' },
    );
    expect(config).toMatchObject({
      realm: 'of the environment',
      maxCalls: 7,
      demo: false,
      log: { level: 'warn', folders: { sip: 'trace' } },
    });
  });

  test('all mistakes at once: key or environment name, value, what is allowed', () => {
    const found = problems(
      {
        mediaPorts: '20-10',
        maxCalls: 0,
        sipLisen: 'x',
        domains: [{ name: 'not a name', colour: 'red' }],
        localNetworks: '10.0/8',
        ipAccessControlLists: [{ name: 'l', addresses: ['10.1.2.3', '::1/128', '10.0/8'] }],
        trunks: [{ name: 't', host: 'h', allowedPrefixes: ['49x'] }],
      },
      { HOOKSWITCH_LOG: 'loud', HOOKSWITCH_HTTP_LISTEN: 'localhost:80', HOOKSWITCH_PUBLIC_ADDRESS: '1.2.3' },
    );
    const keys = found.map((problem) => problem.key).sort();
    expect(keys).toEqual([
      'HOOKSWITCH_HTTP_LISTEN',
      'HOOKSWITCH_LOG',
      'HOOKSWITCH_PUBLIC_ADDRESS',
      'domains.0.colour',
      'domains.0.name',
      'ipAccessControlLists.0.addresses.2',
      'localNetworks',
      'maxCalls',
      'mediaPorts',
      'sipLisen',
      'trunks.0.allowedPrefixes.0',
    ]);
    expect(found.find((problem) => problem.key === 'mediaPorts')).toEqual({
      key: 'mediaPorts',
      value: '20-10',
      allowed: settings.mediaPorts.allowed,
    });
    expect(found.find((problem) => problem.key === 'domains.0.colour')?.allowed).toContain('hookswitch.example.yaml');
    expect(found.every((problem) => problem.allowed !== '')).toBe(true);
  });

  test('a secret with a mistake is not shown', () => {
    const found = problems(
      { credentialLists: [{ name: 'l', users: [{ username: 'a', password: 'line\nbreak-secret' }] }] },
      { HOOKSWITCH_AUTH_TOKEN: 'short-secret' },
    );
    expect(found).toHaveLength(2);
    expect(JSON.stringify(found)).not.toContain('secret"');
    expect(found.map((problem) => problem.value)).toEqual(['[hidden]', '[hidden]']);
  });

  test('nor a secret beside a mistake, or under a name with a mistake', () => {
    const users = [
      { username: 'a', password: 'Fine-Passw0rd-1' },
      'bob',
      { username: 'c', pasword: 'Fine-Passw0rd-1' },
    ];
    const found = problems({ credentialLists: [{ users }] });
    expect(found.map((problem) => problem.key)).toContain('credentialLists.0.users.2.pasword');
    expect(JSON.stringify(found)).not.toContain('Fine-Passw0rd-1');
  });

  for (const [what, content, allowed] of [
    ['no YAML', 'a: [1', 'YAML'],
    ['a list', '- 1', 'YAML'],
    [
      'a bomb of aliases',
      `a: &a [x]\n${Array.from({ length: 9 }, (_, i) => `${'abcdefghij'[i + 1]}: &${'abcdefghij'[i + 1]} [${Array(20).fill(`*${'abcdefghij'[i]}`).join(', ')}]`).join('\n')}`,
      '',
    ],
  ] as const) {
    test(`a file that is ${what} is a problem, not a throw`, () => {
      const found = problems(content);
      expect(found.length).toBeGreaterThan(0);
      expect(found.some((problem) => problem.allowed.includes(allowed))).toBe(true);
    });
  }

  test('a file that was asked for and is missing is a problem', () => {
    const config = loadConfig('/nonexistent/hookswitch.yaml', {});
    expect(config).toMatchObject({ ok: false, error: [{ key: '--config', value: '/nonexistent/hookswitch.yaml' }] });
  });

  test('the result is frozen', () => {
    expect(Object.isFrozen(load(''))).toBe(true);
  });

  test('printing hides tokens, keys and passwords, those in URLs too', () => {
    const config = load(
      {
        speechKey: 'speech-secret',
        speechUrl: 'https://user:url-secret@speech.example/v1',
        domains: [{ name: 'a.sip.localhost', voiceUrl: 'http://app:web-secret@app.example/voice?a=b@c' }],
        credentialLists: [{ name: 'l', users: [{ username: 'alice', password: 'phone-secret' }] }],
        trunks: [{ name: 't', host: 'h', username: 'u', password: 'trunk-secret' }],
      },
      { HOOKSWITCH_AUTH_TOKEN: 'token-secret-0123456789', HOOKSWITCH_SECRET_KEY: 'ab'.repeat(32) },
    );
    const printed = printConfig(config);
    expect(printed).not.toMatch(/secret-|-secret|abab/);
    expect(printed).toContain('alice');
    expect(printed).toContain('app.example/voice?a=b@c');
    expect(JSON.parse(printed)).toMatchObject({ authToken: '[hidden]', secretKey: '[hidden]', speechKey: '[hidden]' });
  });
});

describe('the table of settings', () => {
  const rows = Object.entries(settings) as [string, Setting][];

  test('keys and environment names go together, none twice', () => {
    for (const [name, setting] of rows) {
      expect(setting.key).toBe(name);
      expect(setting.env).toBe(`HOOKSWITCH_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`);
    }
    expect(new Set(rows.map(([, setting]) => setting.env)).size).toBe(rows.length);
  });

  for (const [name, setting] of rows) {
    test(`the default of ${name} is allowed`, () => {
      expect(() => setting.parse(setting.default)).not.toThrow();
    });
  }

  test('README shows the same table', () => {
    const readme = (() => {
      try {
        return readFileSync(resolve(import.meta.dirname, '../../README.md'), 'utf8');
      } catch {
        return '';
      }
    })();
    const between = /<!-- settings:start -->\s*([\s\S]*?)\s*<!-- settings:end -->/.exec(readme)?.[1];
    expect(between, `between the markers of README.md there must be:\n\n${settingsTable()}\n`).toBe(settingsTable());
  });
});
