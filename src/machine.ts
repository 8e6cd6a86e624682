// What this machine gives a process, read from the kernel; a reading that another system does not have is undefined.

import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import { mayRaisePriority } from './base/priority.ts';

export interface Machine {
  readonly cores: number;
  /** Descriptors that this process may have open. */
  readonly openFiles: number | undefined;
  /** Ports that the kernel gives to sockets that ask for none. */
  readonly ephemeral: { readonly first: number; readonly last: number } | undefined;
  /** Entries of the connection tracking table, where it is in use. */
  readonly trackedFlows: number | undefined;
  /** Octets that a socket may have the kernel keep until they are read. */
  readonly receiveBufferBytes: number | undefined;
  /** Octets, the limit of a container included. */
  readonly memoryBytes: number;
  /** Octets that V8 lets the heap grow to. */
  readonly heapBytes: number;
  /** Whether threads may be put before others. */
  readonly raisesPriority: boolean;
}

/** Text of a proc file, or undefined where there is none. */
function readProc(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function openFileLimit(): number | undefined {
  const match = /Max open files\s+(\d+)/.exec(readProc('/proc/self/limits') ?? '');
  return match ? Number(match[1]) : undefined;
}

function ephemeralRange(): Machine['ephemeral'] {
  const match = /(\d+)\s+(\d+)/.exec(readProc('/proc/sys/net/ipv4/ip_local_port_range') ?? '');
  return match ? { first: Number(match[1]), last: Number(match[2]) } : undefined;
}

/** Zero entries in the table: nothing tracks here, only the module is loaded. */
function trackedFlows(): number | undefined {
  const isUsed = Number(readProc('/proc/sys/net/netfilter/nf_conntrack_count') ?? 0) > 0;
  const most = Number(readProc('/proc/sys/net/netfilter/nf_conntrack_max') ?? 0);
  return isUsed && most > 0 ? most : undefined;
}

function receiveBufferLimit(): number | undefined {
  const most = Number(readProc('/proc/sys/net/core/rmem_max') ?? 0);
  return most > 0 ? most : undefined;
}

export function readMachine(): Machine {
  const constrained = process.constrainedMemory();
  return {
    cores: availableParallelism(),
    openFiles: openFileLimit(),
    ephemeral: ephemeralRange(),
    trackedFlows: trackedFlows(),
    receiveBufferBytes: receiveBufferLimit(),
    memoryBytes: constrained > 0 ? Math.min(constrained, totalmem()) : totalmem(),
    heapBytes: getHeapStatistics().heap_size_limit,
    raisesPriority: mayRaisePriority(),
  };
}
