// docker-compose.yml and Dockerfile against the settings and the subcommands: what a container start would find out too late.

import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.ts';
import { settings } from '../../src/settings.ts';

const ROOT = resolve(import.meta.dirname, '../..');

interface Service {
  readonly build?: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: readonly string[];
  readonly stop_grace_period?: string;
}

const compose = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const services = Object.entries(compose.services).map(([name, service]) => ({ name, ...service }));
const gateways = services.filter(({ name }) => name.startsWith('gateway'));

/** `${NAME:?text}` and `${NAME:-default}` as compose fills them in, with the token set and nothing else. */
function filledIn(environment: Service['environment']): Record<string, string> {
  const fill = (text: string) =>
    text.replace(/\$\{(\w+):([?-])([^}]*)\}/g, (_all, name: string, kind: string, rest: string) =>
      name === 'HOOKSWITCH_AUTH_TOKEN' ? 'a-token-of-your-choice' : kind === '-' ? rest : '',
    );
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(value)]));
}

/** Settings of a service; fails where the gateway would refuse to start. */
function configOf({ environment }: Service) {
  const config = loadConfig(undefined, filledIn(environment));
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return config.value;
}

const lastPart = (text: string): string => text.slice(text.lastIndexOf(':') + 1);

/** Subcommand of `node dist/main.js <subcommand> …`. */
function subcommandOf(command: readonly string[]): string {
  expect(command.slice(0, 2)).toEqual(['node', 'dist/main.js']);
  return command[2] ?? '';
}

describe('docker-compose.yml', () => {
  test('has a gateway and its application, on the host and behind a bridge', () => {
    expect(services.map(({ name }) => name)).toEqual([
      'gateway',
      'application',
      'gateway-bridge',
      'application-bridge',
    ]);
    for (const { build, image } of services) expect({ build, image }).toEqual({ build: '.', image: 'hookswitch' });
    for (const { name, network_mode, profiles, ports } of services) {
      const isBridge = name.endsWith('-bridge');
      expect(network_mode, name).toBe(isBridge ? undefined : 'host');
      expect(profiles, name).toEqual(isBridge ? ['bridge'] : undefined);
      expect(ports !== undefined, name).toBe(name === 'gateway-bridge');
    }
  });

  test.each(services)('$name: environment names are settings, and their values are allowed', (service) => {
    const known = Object.values(settings).map(({ env }) => env as string);
    expect(Object.keys(service.environment).filter((name) => !known.includes(name))).toEqual([]);
    expect(configOf(service).authToken).toBe('a-token-of-your-choice');
  });

  test('commands name subcommands that exist', () => {
    const image = JSON.parse(/^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
    const named = [image, ...services.flatMap(({ command }) => (command ? [command] : []))].map(subcommandOf);
    expect(named).toEqual(['serve', 'app', 'app']);
    const main = readFileSync(join(ROOT, 'src/main.ts'), 'utf8');
    for (const name of named) {
      expect(existsSync(join(ROOT, `src/cli/${name}.ts`)), name).toBe(true);
      expect(main).toContain(`import('./cli/${name}.ts')`);
    }
  });

  test('the bridge publishes what the gateway listens on, the media range as it is', () => {
    const bridge = compose.services['gateway-bridge']!;
    const config = configOf(bridge);
    const { first, last } = config.mediaPorts;
    const inside = [
      ...config.sipListen.flatMap(({ port }) => [`${port}/udp`, `${port}/tcp`]),
      ...config.sipsListen.map(({ port }) => `${port}/tcp`),
      `${config.httpListen.port}/tcp`,
      `${first}-${last}/udp`,
    ];
    const published = bridge.ports ?? [];
    expect(published.map(lastPart).sort()).toEqual([...new Set(inside)].sort());
    expect(published).toContain(`${first}-${last}:${first}-${last}/udp`);
    expect(last - first + 1).toBe(200);
    // The API carries credentials in plain text: reachable inside the container, published to the host alone.
    expect(config.httpListen.address).toBe('0.0.0.0');
    expect(published.find((line) => line.includes(':7080/'))).toMatch(/^127\.0\.0\.1:/);
  });

  test('running calls may finish: the grace period is longer than the drain', () => {
    for (const gateway of gateways) {
      const graceSeconds = Number(/^(\d+)s$/.exec(gateway.stop_grace_period ?? '')?.[1]);
      expect(graceSeconds, gateway.name).toBeGreaterThan(configOf(gateway).drainSeconds);
    }
  });

  test('each gateway asks the application where it listens, and checks with the same token', () => {
    for (const gateway of gateways) {
      const url = new URL(configOf(gateway).demoApplicationUrl ?? '');
      const name = gateway.name.replace('gateway', 'application');
      const application = compose.services[name]!;
      const listen = application.command?.at(-1) ?? '';
      expect(application.command?.at(-2)).toBe('--listen');
      expect(lastPart(listen)).toBe(url.port);
      // On the host's network by address, in the bridge by the name of the service.
      expect(url.hostname).toBe(gateway.network_mode === 'host' ? listen.replace(/:\d+$/, '') : name);
      expect(application.environment.HOOKSWITCH_AUTH_TOKEN).toBe(gateway.environment.HOOKSWITCH_AUTH_TOKEN);
    }
  });

  test('volumes are declared and stand where the image keeps data and certificates', () => {
    const folders = Object.fromEntries(
      [...dockerfile.matchAll(/(HOOKSWITCH_\w+)=(\S+)/g)].map(([, name, path]) => [name, path]),
    );
    for (const { volumes, name } of gateways) {
      expect(
        (volumes ?? []).map((line) => line.split(':')[1]),
        name,
      ).toEqual([folders.HOOKSWITCH_DATA_DIR, folders.HOOKSWITCH_CERT_DIR]);
      for (const line of volumes ?? []) expect(Object.keys(compose.volumes)).toContain(line.split(':')[0]);
    }
  });
});
