// The media engine in worker threads, the production default: one core per worker, packets never wait for signalling
// (design.md 6). Starts the threads, shares memory with them (statistics, rings, doorbells) and starts a failed one again.
//
//   dispatcher ──commands──▶ worker 0 ═══ring═══▶ worker 1      one ring per ordered pair of workers,
//              ◀──replies───          ◀══ring════               one doorbell per worker

import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { err, ok, type Result } from '../base/result.ts';
import { type CoreHost, type CoreLink, MediaDispatcher } from './dispatcher.ts';
import type { MediaEngine } from './engine.ts';
import { slotsFor } from './inline.ts';
import type { KernelLink } from './kernel/slots.ts';
import type { CoreCommand, CoreReply } from './messages.ts';
import type { NativeChoice } from './native/worker-media.ts';
import { Outbox } from './outbox.ts';
import { type Packed, packCommands, unpack } from './packed.ts';
import { type PortRange, pairsOf } from './port-pool.ts';
import { doorbellMemory, ringMemory } from './ring.ts';
import { StatisticsTable, statisticsMemory } from './statistics.ts';
import type { WorkerSettings } from './worker-main.ts';

export interface WorkerEngineOptions {
  /** 1 to limits.mediaWorkersMax. */
  readonly workers: number;
  readonly portRange: PortRange;
  readonly log: Log;
  readonly clock: Clock;
  /** Gives each worker that starts its way to the kernel (kernel/service.ts); null: none. */
  readonly kernel?: () => KernelLink | null;
  /** A media thread in C for each worker (native/addon.ts); default: none, but node:dgram. */
  readonly native?: NativeChoice | null;
}

const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 2_000;
/**
 * What ends something, or changes how packets are taken while nothing else is wanted: some milliseconds do not matter. The peer of an
 * endpoint that is configured learns of it later than that, or the next command joins it with another one.
 */
const PATIENT = new Set<CoreCommand['type']>(['configure', 'expectSilence', 'setComfort', 'unjoin', 'close']);

/** The source runs directly or built: the thread's file has the extension of this one. */
const workerUrl = new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url);

export function createWorkerMediaEngine(options: WorkerEngineOptions): MediaEngine {
  const host = new WorkerHost(options);
  const dispatcher = new MediaDispatcher(host, options.log);
  host.attach(dispatcher);
  return dispatcher;
}

class WorkerHost implements CoreHost {
  readonly links: readonly CoreLink[];
  readonly #options: WorkerEngineOptions;
  readonly #settings: readonly Omit<WorkerSettings, 'kernel'>[];
  readonly #workers: (Worker | null)[];
  /** The worker's clock minus ours. */
  readonly #clockOffsets: number[];
  readonly #restarts = new Set<Timer>();
  readonly #outboxes: readonly Outbox<CoreCommand>[];
  #dispatcher: MediaDispatcher | null = null;
  #isStopping = false;

  constructor(options: WorkerEngineOptions) {
    this.#options = options;
    const count = Math.max(1, Math.min(limits.mediaWorkersMax, options.workers));
    this.#settings = settingsFor(count, options);
    this.#workers = this.#settings.map(() => null);
    this.#clockOffsets = this.#settings.map(() => 0);
    this.#outboxes = this.#settings.map((_, index) => new Outbox((commands) => this.#post(index, commands)));
    this.links = this.#settings.map(({ statistics }, index) => ({
      statistics: new StatisticsTable(statistics),
      send: (command: CoreCommand) => this.#send(index, command),
      nowMs: () => options.clock.now() + this.#clockOffsets[index]!,
    }));
  }

  attach(dispatcher: MediaDispatcher): void {
    this.#dispatcher = dispatcher;
  }

  async start(): Promise<Result<void, string>> {
    const started = await Promise.all(this.#settings.map((_, index) => this.#spawn(index)));
    if (started.every((isReady) => isReady)) return ok(undefined);
    await this.stop();
    return err('a media worker did not start');
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const timer of this.#restarts) timer.cancel();
    await Promise.all(this.#workers.map((worker) => worker?.terminate()));
    this.#workers.fill(null);
  }

  /** Commands of one turn of the event loop go together: waking the other thread costs more than most of them. */
  #send(index: number, command: CoreCommand): void {
    if (!this.#workers[index]) return this.#lose(index, command);
    if (PATIENT.has(command.type)) this.#outboxes[index]!.addPatient(command, this.#options.clock);
    else this.#outboxes[index]!.add(command);
    if (command.type === 'stop') this.#awaitStop(index);
  }

  #post(index: number, commands: readonly CoreCommand[]): void {
    const worker = this.#workers[index];
    if (worker) worker.postMessage(packCommands(commands));
    else for (const command of commands) this.#lose(index, command);
  }

  /** A worker that is not there loses its commands; opening falls over to another. */
  #lose(index: number, command: CoreCommand): void {
    if (command.type === 'open') {
      const result = err({ code: 'stopped' as const, detail: 'media worker is being restarted' });
      queueMicrotask(() => this.#dispatcher?.receive(index, { type: 'opened', request: command.request, result }));
    } else if (command.type === 'playToMixer') {
      const { id: endpoint, play } = command;
      const event = { type: 'playEnded', endpoint, play, outcome: 'failed' } as const;
      queueMicrotask(() => this.#dispatcher?.receive(index, { type: 'event', event }));
    } else if (command.type === 'recordMixer' && command.command.type === 'startRecording') {
      const { endpoint, recording, options } = command.command;
      const result = { file: options.file, durationMs: 0, speech: null, failure: 'media worker is being restarted' };
      const event = { type: 'recordingEnded', endpoint, recording, result } as const;
      queueMicrotask(() => this.#dispatcher?.receive(index, { type: 'event', event }));
    } else if (command.type === 'stop') {
      queueMicrotask(() => this.#dispatcher?.receive(index, { type: 'stopped' }));
    }
  }

  /** A worker that hangs is not waited for. */
  #awaitStop(index: number): void {
    this.#isStopping = true;
    this.#restarts.add(
      this.#options.clock.after(STOP_DEADLINE_MS, () => this.#dispatcher?.receive(index, { type: 'stopped' })),
    );
  }

  /** Resolves true when the worker is ready. */
  #spawn(index: number): Promise<boolean> {
    return new Promise((resolve) => {
      const kernel = this.#options.kernel?.() ?? null;
      const worker = new Worker(workerUrl, {
        workerData: { ...this.#settings[index]!, kernel } satisfies WorkerSettings,
        transferList: kernel ? [kernel.port] : [],
        resourceLimits: { maxYoungGenerationSizeMb: limits.mediaYoungGenerationMb },
        name: `media-${index}`,
      });
      this.#workers[index] = worker;
      const deadline = this.#options.clock.after(START_DEADLINE_MS, () => void worker.terminate());
      const onReply = (reply: CoreReply) => {
        if (reply.type === 'ready') {
          deadline.cancel();
          this.#clockOffsets[index] = reply.nowMs - this.#options.clock.now();
          resolve(true);
        } else if (reply.type === 'log') {
          this.#log(index, reply);
        } else {
          this.#dispatcher?.receive(index, reply);
        }
      };
      worker.on('message', (replies: Packed<CoreReply>) => unpack(replies).forEach(onReply));
      worker.on('error', (fault) => {
        const reason = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
        this.#options.log.error({ worker: index, reason }, 'media worker failed');
      });
      worker.on('exit', () => {
        deadline.cancel();
        resolve(false);
        this.#exited(index);
      });
    });
  }

  #exited(index: number): void {
    this.#workers[index] = null;
    // The next worker shall not get what was meant for this one.
    this.#outboxes[index]!.clear();
    if (this.#isStopping) return;
    const { statistics } = this.links[index]!;
    for (const name of ['endpoints', 'plays', 'inUse', 'resting', 'mixers', 'mixerMembers'] as const)
      statistics.setHead(name, 0);
    this.#dispatcher?.coreFailed(index);
    const timer = this.#options.clock.after(limits.mediaWorkerRestartMs, () => {
      this.#restarts.delete(timer);
      void this.#spawn(index).then((isReady) => {
        if (isReady) this.#options.log.info({ worker: index }, 'media worker started again');
      });
    });
    this.#restarts.add(timer);
  }

  #log(index: number, { level, fields, message }: CoreReply & { readonly type: 'log' }): void {
    if (level !== 'silent') this.#options.log[level]({ ...fields, worker: index }, message);
  }
}

function settingsFor(
  count: number,
  { portRange, native = null }: WorkerEngineOptions,
): Omit<WorkerSettings, 'kernel'>[] {
  const indices = Array.from({ length: count }, (_, index) => index);
  const doorbells = indices.map(doorbellMemory);
  // rings[from][to]
  const rings = indices.map((from) => indices.map((to) => (from === to ? null : ringMemory())));
  return indices.map((index) => {
    const ports = pairsOf(portRange, index, count);
    return {
      index,
      ports,
      statistics: statisticsMemory(slotsFor(ports.length)),
      doorbells,
      outgoing: rings[index]!,
      incoming: rings.map((row) => row[index]!),
      native,
    };
  });
}
