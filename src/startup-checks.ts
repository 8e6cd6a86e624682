// What the machine allows, compared with what is configured, before the first call finds out (design.md 5.4). Used by serve and doctor.

import { readFileSync } from 'node:fs';
import type { Config } from './config.ts';

export interface StartupCheck {
  readonly level: 'ok' | 'warning';
  readonly text: string;
}

/** Each leg has an RTP and an RTCP socket, a bridged call two legs. */
const PORTS_PER_CALL = 4;
/** Descriptors for listeners, database, webhooks, logs. */
const OTHER_DESCRIPTORS = 300;

/** Text of a proc file, or undefined where there is none (other systems). */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

export function openFileLimit(): number | undefined {
  const match = /Max open files\s+(\d+)/.exec(readProc('/proc/self/limits') ?? '');
  return match ? Number(match[1]) : undefined;
}

function ephemeralRange(): { first: number; last: number } | undefined {
  const match = /(\d+)\s+(\d+)/.exec(readProc('/proc/sys/net/ipv4/ip_local_port_range') ?? '');
  return match ? { first: Number(match[1]), last: Number(match[2]) } : undefined;
}

/** Compares descriptors, media ports and the kernel's ephemeral range, and says how many bridged calls fit. */
export function startupChecks(config: Config): StartupCheck[] {
  const { first, last } = config.mediaPorts;
  const checks: StartupCheck[] = [];
  const byPorts = Math.floor((last - first + 1) / PORTS_PER_CALL);
  const descriptors = openFileLimit();
  const byDescriptors =
    descriptors === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Math.floor((descriptors - OTHER_DESCRIPTORS) / PORTS_PER_CALL));
  const byLimit = Math.floor(config.maxCalls / 2);
  const fit = Math.min(byPorts, byDescriptors, byLimit);
  const why = fit === byDescriptors ? 'open files' : fit === byPorts ? 'media ports' : 'maxCalls';
  checks.push({ level: 'ok', text: `${fit} bridged calls fit at once (bounded by ${why})` });
  if (byDescriptors < Math.min(byPorts, byLimit)) {
    checks.push({
      level: 'warning',
      text: `the limit of ${descriptors} open files is smaller than the media port range needs; raise it with "ulimit -n ${byPorts * PORTS_PER_CALL + OTHER_DESCRIPTORS}"`,
    });
  }
  const ephemeral = ephemeralRange();
  if (ephemeral && ephemeral.first <= last && first <= ephemeral.last) {
    checks.push({
      level: 'warning',
      text: `media ports ${first}-${last} meet the kernel's ephemeral range ${ephemeral.first}-${ephemeral.last}: other programs may take them; choose a range below ${ephemeral.first}`,
    });
  }
  return checks;
}
