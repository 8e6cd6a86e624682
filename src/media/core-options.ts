// What a core is given: time, randomness, sockets, ports, and the way back to the dispatcher.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { RingSink } from './bridge.ts';
import type { FastPath } from './fast-path.ts';
import type { CoreReply } from './messages.ts';
import type { SocketFactory } from './sockets.ts';
import type { StatisticsTable } from './statistics.ts';

export interface CoreOptions {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly sockets: SocketFactory;
  /** Even port of each pair that this core may use. */
  readonly ports: readonly number[];
  readonly statistics: StatisticsTable;
  readonly log: Log;
  /** Rings to the other cores, by their number. */
  readonly rings: ReadonlyMap<number, RingSink>;
  readonly reply: (reply: CoreReply) => void;
  /** Where steady bridges may go; default: they stay here. */
  readonly fastPath?: FastPath;
}
