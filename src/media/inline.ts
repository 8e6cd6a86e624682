// The media engine in the calling thread: for simulations on a virtual clock and network, and for the scripted phone. The same core
// as in a worker; replies come in a microtask, never from within a command, as they do from a worker.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import { type Log, silentLog } from '../base/log.ts';
import { ok } from '../base/result.ts';
import { MediaCore } from './core.ts';
import { type CoreLink, MediaDispatcher } from './dispatcher.ts';
import type { MediaEngine } from './engine.ts';
import type { FastPath } from './fast-path.ts';
import { type PortRange, pairsOf } from './port-pool.ts';
import type { SocketFactory } from './sockets.ts';
import { StatisticsTable, statisticsMemory } from './statistics.ts';
import { udpSockets } from './udp.ts';

export interface InlineEngineOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Both inclusive; the default is the product's range. */
  readonly portRange: PortRange;
  /** Default: real UDP. */
  readonly sockets?: SocketFactory;
  readonly log?: Log;
  readonly fastPath?: FastPath;
}

/** An engine whose commands take effect before they return. */
export function createInlineMediaEngine(options: InlineEngineOptions): MediaEngine {
  const { clock, random, portRange, sockets = udpSockets, log = silentLog } = options;
  const ports = pairsOf(portRange, 0, 1);
  const statistics = new StatisticsTable(statisticsMemory(slotsFor(ports.length)));
  const core = new MediaCore({
    clock,
    random,
    sockets,
    ports,
    statistics,
    log,
    rings: new Map(),
    ...(options.fastPath ? { fastPath: options.fastPath } : {}),
    reply: (reply) => queueMicrotask(() => dispatcher.receive(0, reply)),
  });
  const link: CoreLink = { statistics, send: (command) => core.handle(command), nowMs: () => clock.now() };
  const dispatcher: MediaDispatcher = new MediaDispatcher(
    { links: [link], start: async () => ok(undefined), stop: async () => {} },
    log,
  );
  return dispatcher;
}

/** Endpoints that one core may have: its pairs on a few local addresses. */
export const slotsFor = (pairs: number): number => Math.max(16, pairs * 4);
