// The shape of src/ as a test (examples of the house, "layout"): who may import whom, no cycles, and which files own time, sockets and
// the environment. A new folder is one row here, in the same commit.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../src');

/** Folder → folders it may import besides itself. `*` = everything. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  'sip/grammar': ['base'],
  sdp: ['base'],
  store: ['base'],
  'sip/transport': ['sip/grammar', 'base'],
  'sip/transaction': ['sip/grammar', 'base'],
  'sip/dialog': ['sip/grammar', 'base'],
  'sip/ua': ['sip/grammar', 'sip/transport', 'sip/transaction', 'sip/dialog', 'base'],
  media: ['sdp', 'base'],
  access: ['sip/grammar', 'base'],
  call: ['sip/ua', 'sip/grammar', 'sdp', 'media', 'base'],
  conference: ['call', 'media', 'base'],
  queue: ['call', 'media', 'base'],
  streams: ['media', 'base'],
  siprec: ['call', 'sip/ua', 'sip/grammar', 'sdp', 'media', 'base'],
  transcription: ['recording', 'media', 'base'],
  webhook: ['base'],
  speech: ['base'],
  certs: ['base'],
  dns: ['base'],
  recording: ['call', 'media', 'base'],
  twiml: ['siprec', 'transcription', 'call', 'base', 'webhook', 'media', 'conference', 'queue', 'streams', 'recording'],
  dialogue: ['twiml', 'call', 'webhook', 'media', 'queue', 'recording', 'trace', 'demo', 'base'],
  api: ['base'],
  trace: ['sip/grammar', 'base'],
  metrics: ['base'],
  bench: ['*'],
  cli: ['*'],
  demo: ['*'],
  '': ['*'],
};

/** What only its owners may use: pattern → files that may (paths below src, a folder ends with /). */
const owned: readonly { what: string; pattern: RegExp; owners: readonly string[] }[] = [
  { what: 'process.env', pattern: /\bprocess\.env\b/, owners: ['config.ts', 'main.ts', 'bench/processes.ts'] },
  { what: 'setTimeout/setInterval', pattern: /\bset(Timeout|Interval)\(/, owners: ['base/clock.ts'] },
  { what: 'Date.now', pattern: /\bDate\.now\(|new Date\(\)/, owners: ['base/clock.ts'] },
  { what: 'performance.now', pattern: /\bperformance\.now\(/, owners: ['base/clock.ts'] },
  { what: 'AbortSignal.timeout', pattern: /\bAbortSignal\.timeout\(/, owners: [] },
  {
    what: 'node:dgram',
    pattern: /from 'node:dgram'/,
    owners: ['base/datagram-plain.ts', 'sip/transport/', 'trace/', 'bench/', 'cli/doctor.ts'],
  },
  { what: 'handles of Node', pattern: /udp_wrap/, owners: ['base/datagram-handles.ts'] },
  {
    what: 'node:net',
    pattern: /from 'node:net'/,
    owners: ['sip/transport/', 'dns/', 'webhook/', 'certs/', 'sdp/', 'media/', 'bench/'],
  },
  {
    what: 'node:tls',
    pattern: /from 'node:tls'/,
    owners: ['sip/transport/', 'webhook/', 'certs/', 'bench/', 'api/server.ts', 'gateway-recording-files.ts'],
  },
];

interface Source {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly imports: readonly string[];
}

function sources(): Source[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => {
      const text = readFileSync(join(SRC, path), 'utf8');
      const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map((match) =>
        relative(SRC, resolve(SRC, dirname(path), match[1]!)),
      );
      return { path, folder: folderOf(path), text, imports };
    });
}

function folderOf(path: string): string {
  const parts = path.split('/').slice(0, -1);
  if (parts[0] === 'sip') return parts.slice(0, 2).join('/');
  return parts[0] ?? '';
}

describe('architecture', () => {
  const all = sources();

  test('every folder has a row in the import table', () => {
    expect([...new Set(all.map((source) => source.folder))].filter((folder) => !(folder in mayImport))).toEqual([]);
  });

  test('imports follow the table', () => {
    const wrong = all.flatMap((source) =>
      source.imports
        .filter((path) => {
          const target = folderOf(path);
          const allowed = mayImport[source.folder] ?? [];
          return target !== source.folder && !allowed.includes(target) && !allowed.includes('*');
        })
        .map((path) => `${source.path} imports ${path}`),
    );
    expect(wrong).toEqual([]);
  });

  test('no import cycle between files', () => {
    const byPath = new Map(all.map((source) => [source.path, source]));
    const state = new Map<string, 'open' | 'done'>();
    const cycles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'done') return;
      if (state.get(path) === 'open') {
        cycles.push([...trail.slice(trail.indexOf(path)), path].join(' → '));
        return;
      }
      state.set(path, 'open');
      for (const next of byPath.get(path)?.imports ?? []) visit(next, [...trail, path]);
      state.set(path, 'done');
    };
    for (const source of all) visit(source.path, []);
    expect(cycles).toEqual([]);
  });

  test.each(owned)('$what is used only by the files that own it', ({ pattern, owners }) => {
    const users = all.filter((source) => {
      const code = source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
      return (
        pattern.test(code) &&
        !owners.some((owner) => (owner.endsWith('/') ? source.path.startsWith(owner) : source.path === owner))
      );
    });
    expect(users.map((source) => source.path)).toEqual([]);
  });
});
