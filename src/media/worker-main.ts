// Entry of a media worker thread: a core on real time and real sockets, its rings to the other workers, and the message port to the
// dispatcher. Nothing else runs in this thread.

import { parentPort, workerData } from 'node:worker_threads';
import { realClock } from '../base/clock.ts';
import { cryptoRandom } from '../base/ids.ts';
import type { Log, LogFields, LogLevel } from '../base/log.ts';
import { raisePriority } from '../base/priority.ts';
import type { RingSink } from './bridge.ts';
import { MediaCore } from './core.ts';
import { KernelPath } from './kernel/path.ts';
import type { KernelLink } from './kernel/slots.ts';
import type { CoreCommand, CoreReply } from './messages.ts';
import { type NativeChoice, workerMedia } from './native/worker-media.ts';
import { Outbox } from './outbox.ts';
import { type Packed, packReplies, unpack } from './packed.ts';
import { Doorbell, PacketRing, type RingReader } from './ring.ts';
import { StatisticsTable } from './statistics.ts';

/** All that the dispatcher's side shares with one worker. Arrays of rings are indexed by worker; null at the own index. */
export interface WorkerSettings {
  readonly index: number;
  readonly ports: readonly number[];
  readonly statistics: SharedArrayBuffer;
  readonly doorbells: readonly SharedArrayBuffer[];
  readonly outgoing: readonly (SharedArrayBuffer | null)[];
  readonly incoming: readonly (SharedArrayBuffer | null)[];
  /** Null: the kernel relays nothing. */
  readonly kernel: KernelLink | null;
  /** Null: sockets of node:dgram. */
  readonly native: NativeChoice | null;
}

function run(port: NonNullable<typeof parentPort>, settings: WorkerSettings): void {
  raisePriority();
  const replies = new Outbox<CoreReply>((messages) => port.postMessage(packReplies(messages)));
  const reply = (message: CoreReply) => replies.add(message);
  const incoming = incomingRings(settings);
  for (const { ring } of incoming) ring.skipAll();
  const log = postedLog(reply, {});
  const kernel = settings.kernel ? new KernelPath(settings.kernel, realClock) : null;
  const core = new MediaCore({
    clock: realClock,
    random: cryptoRandom,
    ports: settings.ports,
    statistics: new StatisticsTable(settings.statistics),
    log,
    rings: outgoingRings(settings),
    reply,
    ...workerMedia(settings.native, kernel, log),
  });
  const readers = incoming.map(({ ring, from }) => {
    const read: RingReader = (target, packet, codec) => core.relayFromRing(from, target, packet, codec);
    return () => ring.drain(read);
  });
  const listener = new Doorbell(settings.doorbells[settings.index]!).listen(() => {
    while (readers.map((drain) => drain()).some((hasMore) => hasMore));
  });
  port.on('message', (commands: Packed<CoreCommand>) => {
    for (const command of unpack(commands)) {
      core.handle(command);
      if (command.type === 'stop') listener.stop();
    }
  });
  reply({ type: 'ready', nowMs: realClock.now() });
}

function incomingRings({ incoming }: WorkerSettings): { ring: PacketRing; from: number }[] {
  return incoming.flatMap((memory, from) => (memory ? [{ ring: new PacketRing(memory), from }] : []));
}

function outgoingRings({ outgoing, doorbells }: WorkerSettings): Map<number, RingSink> {
  const rings = new Map<number, RingSink>();
  for (const [index, memory] of outgoing.entries()) {
    if (!memory) continue;
    const ring = new PacketRing(memory);
    const doorbell = new Doorbell(doorbells[index]!);
    rings.set(index, {
      push: (bridge, packet, start, end, codec) => {
        const isPushed = ring.push(bridge, packet, start, end, codec);
        if (isPushed) doorbell.ring();
        return isPushed;
      },
    });
  }
  return rings;
}

/** A log whose lines are written by the signalling thread. */
function postedLog(reply: (message: CoreReply) => void, bound: LogFields): Log {
  const write = (level: LogLevel) => (fields: LogFields, message: string) =>
    reply({ type: 'log', level, fields: { ...bound, ...fields }, message });
  return {
    child: (fields) => postedLog(reply, { ...bound, ...fields }),
    enabled: (level) => level !== 'trace' && level !== 'debug',
    trace: () => {},
    debug: () => {},
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
  };
}

if (parentPort) run(parentPort, workerData as WorkerSettings);
