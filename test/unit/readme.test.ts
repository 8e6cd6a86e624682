// README.md against the source: generated parts, links, commands, settings, ports. And hookswitch.example.yaml, which it refers to.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { z } from 'zod';
import { loadConfig } from '../../src/config.ts';
import { declaredSchema } from '../../src/config-declared.ts';
import { type Setting, settings } from '../../src/settings.ts';
import { parseDocument } from '../../src/twiml/document.ts';
import { generatedParts, markedPart, README, withGeneratedParts } from '../support/readme.ts';

const ROOT = dirname(README);
const EXAMPLE = join(ROOT, 'hookswitch.example.yaml');
const page = readFileSync(README, 'utf8');
const rows: readonly Setting[] = Object.values(settings);

/** Code blocks of a language; '' for those without. */
function blocks(language: string): string[] {
  return [...page.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, name]) => name === language)
    .map(([, , text]) => text ?? '');
}

describe('README.md', () => {
  test.each(Object.keys(generatedParts))('the part "%s" is what the source says', (name) => {
    const wanted = generatedParts[name]!();
    const hint = `README.md differs; "node test/support/readme.ts --write" writes it. Between the markers of ${name} must stand:\n${wanted}`;
    expect(markedPart(page, name), hint).toBe(wanted);
  });

  test('writing the parts anew changes nothing but the parts', () => {
    const emptied = page.replace(/(<!-- (\w+):start -->)[\s\S]*?(<!-- \2:end -->)/g, '$1\n$3');
    expect(emptied).not.toContain('stateDiagram');
    expect(withGeneratedParts(emptied)).toBe(page);
  });

  test('links lead to files and headings that exist', () => {
    const targets = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target ?? '');
    const anchors = new Set(
      [...page.matchAll(/^#+ (.+)$/gm)].map(
        ([, heading = '']) =>
          `#${heading
            .toLowerCase()
            .replace(/[^\w -]/g, '')
            .replaceAll(' ', '-')}`,
      ),
    );
    const isGood = (target: string) => (target.startsWith('#') ? anchors.has(target) : existsSync(join(ROOT, target)));
    expect(targets.length).toBeGreaterThan(40);
    expect(targets.filter((target) => !isGood(target))).toEqual([]);
  });

  test('files of src/ and test/ named in tables exist', () => {
    const named = [...page.matchAll(/`((?:src|test)\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  test('each npm script and subcommand is there', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
    const runs = [...page.matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name ?? '');
    expect([...new Set(runs)].filter((name) => !(name in scripts))).toEqual([]);
    const subcommands = [...page.matchAll(/(?:src|dist)\/main\.[jt]s (\w+)/g)].map(([, name]) => name ?? '');
    expect(subcommands.length).toBeGreaterThan(0);
    expect(subcommands.filter((name) => !existsSync(join(ROOT, `src/cli/${name}.ts`)))).toEqual([]);
  });

  test('each environment name is a setting', () => {
    const named = new Set([...page.matchAll(/HOOKSWITCH_[A-Z0-9_]+/g)].map(([name]) => name));
    expect([...named].filter((name) => !rows.some(({ env }) => env === name))).toEqual([]);
  });

  test('the YAML samples are settings that load', () => {
    const samples = blocks('yaml');
    expect(samples.length).toBeGreaterThan(2);
    for (const sample of samples) {
      const document = parse(sample) as Record<string, unknown>;
      const declared = declaredSchema.safeParse(document);
      expect(declared.error?.issues ?? [], sample).toEqual([]);
      for (const [key, value] of Object.entries(document)) {
        if (key in declaredSchema.shape) continue;
        const row = rows.find((setting) => setting.key === key);
        expect(row, key).toBeDefined();
        expect(() => row?.parse(String(value)), key).not.toThrow();
      }
    }
  });

  test('the table of ports has the defaults', () => {
    const table = page.slice(page.indexOf('## Ports for a firewall'), page.indexOf('## Stopping'));
    expect(settings.sipListen.parse(settings.sipListen.default).map(({ port }) => port)).toEqual([5060, 5060]);
    expect(settings.sipsListen.parse(settings.sipsListen.default).map(({ port }) => port)).toEqual([5061, 5061]);
    expect(settings.httpListen.parse(settings.httpListen.default)).toEqual({ address: '127.0.0.1', port: 7080 });
    expect(table).toContain('| 5060 | UDP, TCP |');
    expect(table).toContain('| 5061 | TCP |');
    expect(table).toContain(`| ${settings.mediaPorts.default} | UDP |`);
    expect(table).toContain('| 7080 | TCP | this machine only |');
    for (const [, key = ''] of table.matchAll(/\| `(\w+)` \|$/gm)) expect(Object.keys(settings)).toContain(key);
  });

  test('the vitest projects are those of the configuration', () => {
    const configured = readFileSync(join(ROOT, 'vitest.config.ts'), 'utf8').matchAll(/project\('(\w+)'/g);
    const names = [...configured].map(([, name]) => name);
    const section = page.slice(page.indexOf('| Project |'), page.indexOf('### One call'));
    expect([...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)).toEqual(names);
  });
});

describe('hookswitch.example.yaml', () => {
  const loaded = loadConfig(EXAMPLE, {});

  test('loads without a mistake', () => {
    expect(loaded.ok ? [] : loaded.error).toEqual([]);
  });

  test('shows every key of every declared object', () => {
    const example = parse(readFileSync(EXAMPLE, 'utf8')) as Record<string, Record<string, unknown>[]>;
    const missing: string[] = [];
    for (const [kind, list] of Object.entries(declaredSchema.shape)) {
      const shown = new Set((example[kind] ?? []).flatMap((object) => Object.keys(object)));
      for (const key of keysOf(list)) if (!shown.has(key)) missing.push(`${kind}.${key}`);
    }
    expect(missing).toEqual([]);
  });

  test('its lists and trunks are the ones that are named, and its documents are TwiML', () => {
    if (!loaded.ok) throw new Error('does not load');
    const { domains, credentialLists, ipAccessControlLists, trunks, numbers } = loaded.value.declared;
    const names = (lists: readonly { readonly name: string }[]) => lists.map(({ name }) => name);
    for (const domain of domains) {
      expect(names(credentialLists)).toEqual(expect.arrayContaining([...(domain.credentialLists ?? [])]));
      expect(names(credentialLists)).toEqual(expect.arrayContaining([...(domain.registrationCredentialLists ?? [])]));
      expect(names(ipAccessControlLists)).toEqual(expect.arrayContaining([...(domain.ipAccessControlLists ?? [])]));
      if (domain.byocTrunk !== undefined) expect(names(trunks)).toContain(domain.byocTrunk);
    }
    for (const { twiml } of [...domains, ...trunks, ...numbers]) {
      if (twiml === undefined) continue;
      const document = parseDocument(Buffer.from(twiml));
      expect(document.ok && document.value.warnings).toEqual([]);
    }
    expect(names(trunks)).toContain(loaded.value.emergencyTrunk);
    expect(domains.some(({ twiml }) => twiml !== undefined)).toBe(true);
    expect(names(domains)).toContain(loaded.value.defaultDomain);
  });
});

/** Keys of the objects in a list of the schema. */
function keysOf(list: z.ZodDefault<z.ZodArray<z.ZodObject>>): string[] {
  return Object.keys(list.unwrap().element.shape);
}
