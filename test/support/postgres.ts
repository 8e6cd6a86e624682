// A PostgreSQL server for tests: a cluster of its own in a temporary folder, on a loopback port, with a password. The server refuses to
// run as root, so it then runs as the user that Debian's package made. Databases are made fresh for each test.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import pg from 'pg';
import { tables } from '../../src/store/tables.ts';
import { freePorts } from './ports.ts';
import { until } from './until.ts';

const DEADLINE_MS = 30_000;
const DEBIAN = '/usr/lib/postgresql';
export const DATABASE_PASSWORD = 'planted-db-password';

/** Folder of initdb and postgres: Debian keeps them out of the path. */
function programs(): string {
  const debian = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
  const places = [...debian.sort().reverse(), ...(process.env.PATH ?? '').split(delimiter)];
  const found = places.find((place) => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
  if (found === undefined) throw new Error('PostgreSQL is not installed: apt-get install postgresql');
  return found;
}

/** Command and arguments as the user that the server may run as. */
function asServer(program: string, ...given: readonly string[]): readonly [string, string[]] {
  if (process.getuid?.() !== 0) return [program, [...given]];
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', program, ...given]];
}

const idOf = (kind: '-u' | '-g'): number => Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }));

export class PostgresServer {
  readonly #folder: string;
  readonly #bin: string;
  readonly port: number;
  #child: ChildProcess | undefined;
  #log = '';
  #databases = 0;

  private constructor(folder: string, bin: string, port: number) {
    this.#folder = folder;
    this.#bin = bin;
    this.port = port;
  }

  static async start(): Promise<PostgresServer> {
    const bin = programs();
    const folder = mkdtempSync(join(tmpdir(), 'postgres-'));
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, DATABASE_PASSWORD);
    if (process.getuid?.() === 0) for (const path of [folder, passwordFile]) chownSync(path, idOf('-u'), idOf('-g'));
    const [command, given] = asServer(
      join(bin, 'initdb'),
      ...['--pgdata', join(folder, 'data'), '--username', 'gateway', '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--no-locale', '--no-sync'],
    );
    execFileSync(command, given, { stdio: ['ignore', 'ignore', 'pipe'], cwd: folder });
    const server = new PostgresServer(folder, bin, await freePorts(1));
    await server.run();
    return server;
  }

  url(database: string, password = DATABASE_PASSWORD): string {
    return `postgres://gateway:${password}@127.0.0.1:${this.port}/${database}`;
  }

  /** A database without tables. */
  async newDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.query('postgres', `CREATE DATABASE ${name}`);
    return name;
  }

  async query(database: string, text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> {
    const client = new pg.Client({ connectionString: this.url(database) });
    await client.connect();
    try {
      return await client.query(text, [...values]);
    } finally {
      await client.end();
    }
  }

  /** Starts the server, again after `halt`, on the same port with the same data. */
  async run(): Promise<void> {
    // Tests kill gateways, not the machine: nothing is synced to the disk.
    const settings = [
      `port=${this.port}`,
      'listen_addresses=127.0.0.1',
      `unix_socket_directories=${this.#folder}`,
      'fsync=off',
      'full_page_writes=off',
      'max_connections=100',
    ];
    const [command, given] = asServer(
      join(this.#bin, 'postgres'),
      '-D',
      join(this.#folder, 'data'),
      ...settings.flatMap((setting) => ['-c', setting]),
    );
    const child = spawn(command, given, { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.#folder });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#log = (this.#log + text).slice(-20_000);
    });
    await until(
      async () => {
        if (child.exitCode !== null) throw new Error(`the database server ended: ${this.#log}`);
        return this.query('postgres', 'SELECT 1').then(
          () => true,
          () => false,
        );
      },
      DEADLINE_MS,
      () => `the database server answers; its log: ${this.#log}`,
    );
  }

  /** Removes the records of all tables and leaves the schema: quicker than a new database. */
  async empty(database: string): Promise<void> {
    const names = Object.values(tables).map((table) => table.name);
    const removals = [...names, 'removed'].map((name) => `DELETE FROM ${name};`);
    // As a replica: no foreign key is looked at, so the order does not matter.
    await this.query(database, `SET session_replication_role = replica; ${removals.join(' ')}`);
  }

  /** Ends it: connections are cut, data stays. SIGINT is a fast shutdown (postgres(1)), SIGQUIT one that cares for nothing. */
  async halt(signal: 'SIGINT' | 'SIGQUIT' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    this.#child = undefined;
  }

  async dispose(): Promise<void> {
    await this.halt('SIGQUIT');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
