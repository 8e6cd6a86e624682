// What the machine allows, compared with what is configured, before the first call finds out (design.md 5.4). Used by serve and doctor.

import { limits } from './base/limits.ts';
import type { Config } from './config.ts';
import { type Machine, readMachine } from './machine.ts';

export interface StartupCheck {
  readonly level: 'ok' | 'warning';
  readonly text: string;
}

/** What is asked of the settings here. */
export type CheckedSettings = Pick<Config, 'mediaPorts' | 'maxCalls' | 'mediaWorkers'>;

/** Each leg has an RTP and an RTCP socket, a bridged call two legs. */
const PORTS_PER_CALL = 4;
/** Descriptors for listeners, database, webhooks, logs. */
const OTHER_DESCRIPTORS = 300;
/** Connection tracking: RTP and RTCP of two legs, each an entry; signalling and webhooks aside. */
const FLOWS_PER_CALL = 4;
const OTHER_FLOWS = 2_000;
/** README, "How much it carries": trace included, and what a gateway without calls takes. */
const HEAP_BYTES_PER_CALL = 80_000;
const HEAP_BYTES_AT_REST = 150_000_000;
/** The media threads and the sockets have as much again outside the heap. */
const MEMORY_FACTOR = 2;

const GOES_FIRST = 'threads that carry audio go before other work of this machine';
const WAITS =
  'threads that carry audio wait for their turn like everything else; CAP_SYS_NICE (systemd: LimitNICE=-10) lets them go first';

const warning = (text: string): StartupCheck => ({ level: 'warning', text });
const megabytes = (bytes: number): number => Math.ceil(bytes / 1_048_576);

/** Compares descriptors, media ports, threads, memory and the kernel's tables, and says how many bridged calls fit. */
export function startupChecks(config: CheckedSettings, machine: Machine = readMachine()): StartupCheck[] {
  const { first, last } = config.mediaPorts;
  const checks: StartupCheck[] = [];
  const byPorts = Math.floor((last - first + 1) / PORTS_PER_CALL);
  const { openFiles, ephemeral } = machine;
  const byDescriptors =
    openFiles === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, Math.floor((openFiles - OTHER_DESCRIPTORS) / PORTS_PER_CALL));
  const byLimit = Math.floor(config.maxCalls / 2);
  const fit = Math.min(byPorts, byDescriptors, byLimit);
  const why = fit === byDescriptors ? 'open files' : fit === byPorts ? 'media ports' : 'maxCalls';
  checks.push({ level: 'ok', text: `${fit} bridged calls fit at once (bounded by ${why})` });
  if (byDescriptors < Math.min(byPorts, byLimit)) {
    checks.push(
      warning(
        `the limit of ${openFiles} open files is smaller than the media port range needs; raise it with "ulimit -n ${byPorts * PORTS_PER_CALL + OTHER_DESCRIPTORS}"`,
      ),
    );
  }
  if (ephemeral && ephemeral.first <= last && first <= ephemeral.last) {
    checks.push(
      warning(
        `media ports ${first}-${last} meet the kernel's ephemeral range ${ephemeral.first}-${ephemeral.last}: other programs may take them; choose a range below ${ephemeral.first}`,
      ),
    );
  }
  checks.push({ level: 'ok', text: machine.raisesPriority ? GOES_FIRST : WAITS });
  checks.push(...bursts(machine));
  return [...checks, ...roomFor(fit, machine), ...threads(config, machine)];
}

/** What comes while the signalling is busy waits in the buffer of its socket. */
function bursts({ receiveBufferBytes }: Machine): StartupCheck[] {
  const wanted = limits.udpReceiveBufferBytes;
  if (receiveBufferBytes === undefined || receiveBufferBytes >= wanted) return [];
  const text = `a UDP socket keeps ${Math.floor(receiveBufferBytes / 1_024)} kB of a burst; "sysctl net.core.rmem_max=${wanted}" lets it keep more`;
  return [{ level: 'ok', text }];
}

/** Tables and memory that so many calls at once would use up. */
function roomFor(calls: number, { trackedFlows, heapBytes, memoryBytes }: Machine): StartupCheck[] {
  const checks: StartupCheck[] = [];
  const flows = calls * FLOWS_PER_CALL + OTHER_FLOWS;
  if (trackedFlows !== undefined && trackedFlows < flows) {
    checks.push(
      warning(
        `the kernel tracks ${trackedFlows} connections, ${calls} calls have up to ${flows}: beyond it packets are dropped; raise it with "sysctl net.netfilter.nf_conntrack_max=${flows}", or leave the media ports untracked`,
      ),
    );
  }
  const heap = HEAP_BYTES_AT_REST + calls * HEAP_BYTES_PER_CALL;
  if (heapBytes < heap) {
    checks.push(
      warning(
        `the heap may grow to ${megabytes(heapBytes)} MiB, ${calls} calls want ${megabytes(heap)}: start with NODE_OPTIONS=--max-old-space-size=${megabytes(heap)}, or lower maxCalls`,
      ),
    );
  }
  if (memoryBytes < heap * MEMORY_FACTOR) {
    checks.push(
      warning(
        `there are ${megabytes(memoryBytes)} MiB of memory, ${calls} calls want ${megabytes(heap * MEMORY_FACTOR)}: lower maxCalls or the range of media ports, or give more memory`,
      ),
    );
  }
  return checks;
}

/** One thread is for signalling; media threads that share a core disturb each other. */
function threads({ mediaWorkers }: CheckedSettings, { cores }: Machine): StartupCheck[] {
  if (mediaWorkers <= Math.max(1, cores - 1)) return [];
  return [
    warning(
      `${mediaWorkers} media threads and the signalling share ${cores} cores: audio will jitter under load; set mediaWorkers to ${Math.max(1, cores - 1)} at most`,
    ),
  ];
}
