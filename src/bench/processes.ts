// Processes that the bench starts, and what /proc tells of them. Each is bound to its cores where the system lets it, and ended by
// its id; none of our settings in the environment reaches one.

import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { realClock } from '../base/clock.ts';

/** USER_HZ of Linux, in which /proc counts. */
const TICKS_PER_SECOND = 100;
const END_MS = 8_000;

/** Cores of what is measured and of the generators. Undefined where processes cannot be bound, or there is one core only. */
export interface Pinning {
  readonly subject: string;
  readonly generator: string;
}

/** `0-3,6` of /proc/self/status as numbers. */
export function readCores(status: string): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).error === undefined;

export function findPinning(): Pinning | undefined {
  if (!isInstalled('taskset')) return undefined;
  try {
    const [subject, ...others] = readCores(readFileSync('/proc/self/status', 'utf8'));
    if (subject === undefined || others.length === 0) return undefined;
    return { subject: String(subject), generator: others.join(',') };
  } catch {
    return undefined;
  }
}

/** The environment without our settings, so that what is measured has its defaults. */
const plainEnvironment = (added: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HOOKSWITCH|NODE|VITEST)_/.test(name))),
  ...added,
});

export interface StartOptions extends Pick<SpawnOptions, 'cwd' | 'stdio'> {
  readonly cores?: string | undefined;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts a program on its cores. */
export function start(program: string, args: readonly string[], options: StartOptions): ChildProcess {
  const { cores, environment = {}, ...others } = options;
  const [command, ...all] = cores === undefined ? [program, ...args] : ['taskset', '-c', cores, program, ...args];
  return spawn(command!, all, { ...others, env: plainEnvironment(environment) });
}

/** SIGTERM, and SIGKILL when that does not end it. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  child.once('exit', () => resolve());
  child.kill('SIGTERM');
  const timer = realClock.after(END_MS, () => child.kill('SIGKILL'));
  await promise;
  timer.cancel();
}

const statFields = (pid: number | string): string[] =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');

/** A process and those it started. */
function family(pid: number): number[] {
  const parents = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const parent = Number(statFields(name)[1]);
      parents.set(parent, [...(parents.get(parent) ?? []), Number(name)]);
    } catch {
      // It ended while we looked.
    }
  }
  const found = [pid];
  for (const one of found) found.push(...(parents.get(one) ?? []));
  return found;
}

/** CPU seconds in user and kernel mode since its start, of all threads and of the processes that it started. */
export function cpuSeconds(pid: number): number {
  let ticks = 0;
  for (const one of family(pid)) {
    try {
      const fields = statFields(one);
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // It ended while we looked.
    }
  }
  return ticks / TICKS_PER_SECOND;
}

/** Resident memory in kB. */
export function residentKb(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0);
}
