// What /proc tells of a process and of UDP sockets: memory, CPU, open files, datagrams that the kernel threw away.

import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** Resident memory in MiB. */
export function residentMib(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) / 1024;
}

export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** CPU seconds since its start, all threads; 0 when it has ended. */
export function cpuSeconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

export interface UdpSocket {
  readonly port: number;
  /** Datagrams that found its buffer full. */
  readonly drops: number;
}

/** The IPv4 UDP sockets of this machine with a port of [first, last]. */
export function udpSockets(first: number, last: number): UdpSocket[] {
  const rows = readFileSync('/proc/net/udp', 'utf8').trim().split('\n').slice(1);
  return rows
    .map((row) => {
      const fields = row.trim().split(/\s+/);
      return { port: Number.parseInt(fields[1]?.split(':')[1] ?? '0', 16), drops: Number(fields.at(-1)) };
    })
    .filter(({ port }) => port >= first && port <= last);
}

/** Packets that the kernel dropped before any socket, because a CPU was too busy to take them in (all CPUs, since boot). */
export function backlogDrops(): number {
  const rows = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return rows.reduce((sum, row) => sum + Number.parseInt(row.split(/\s+/)[1] ?? '0', 16), 0);
}
