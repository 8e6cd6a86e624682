// Memory of a bridged call that is held, and what is left of it afterwards, with the trace of calls and without. Garbage is collected
// before each look, through the inspector of the gateway's process, so that what is counted is needed. What a call takes is the
// difference between two numbers of calls: what the first ones make grow once (compiled code, V8's young generation) is not theirs.

import { WebSocket } from 'ws';
import { realClock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { median, type Row, row } from '../report.ts';
import type { Case } from './case.ts';

const ANSWER_MS = 10_000;

interface Look {
  readonly residentKb: number;
  readonly heapKb: number;
}

/** The inspector of a process: its main thread, and through it the other threads. */
class Inspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<string, (result: unknown) => void>();
  /** Sessions of the threads, once NodeWorker is enabled. */
  readonly threads: string[] = [];
  #number = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => this.#receive('', String(data)));
  }

  static async open(port: number): Promise<Inspector> {
    const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    const socket = new WebSocket(list[0]!.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return new Inspector(socket);
  }

  #receive(thread: string, text: string): void {
    const { id, result, method, params } = JSON.parse(text) as {
      id?: number;
      result?: unknown;
      method?: string;
      params?: { sessionId: string; message: string };
    };
    if (method === 'NodeWorker.attachedToWorker') this.threads.push(params!.sessionId);
    if (method === 'NodeWorker.receivedMessageFromWorker') this.#receive(params!.sessionId, params!.message);
    const key = `${thread} ${id}`;
    this.#waiting.get(key)?.(result);
    this.#waiting.delete(key);
  }

  /** `thread`: one of `threads`; the main one without. */
  command(method: string, params: object, thread = ''): Promise<unknown> {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      const timer = realClock.after(ANSWER_MS, () => reject(new Error(`the inspector did not answer ${method}`)));
      this.#waiting.set(`${thread} ${id}`, (result) => {
        timer.cancel();
        resolve(result);
      });
      const message = JSON.stringify({ id, method, params });
      if (thread === '') this.#socket.send(message);
      else void this.command('NodeWorker.sendMessageToWorker', { sessionId: thread, message }).catch(reject);
    });
  }

  close(): void {
    this.#socket.close();
  }
}

/** Collects garbage in all threads of the process behind this port, and looks. */
async function look(port: number, residentKb: () => number): Promise<Look> {
  const inspector = await Inspector.open(port);
  await inspector.command('NodeWorker.enable', { waitForDebuggerOnStart: false });
  let heapKb = 0;
  for (const thread of ['', ...inspector.threads]) {
    // Twice: what the first one found unreachable may have held more.
    await inspector.command('HeapProfiler.collectGarbage', {}, thread);
    await inspector.command('HeapProfiler.collectGarbage', {}, thread);
    const expression = 'process.memoryUsage().heapUsed';
    const { result } = (await inspector.command('Runtime.evaluate', { expression }, thread)) as {
      result: { value: number };
    };
    heapKb += result.value / 1_024;
  }
  inspector.close();
  return { residentKb: residentKb(), heapKb };
}

interface Round {
  readonly held: number;
  /** kB of a call. */
  readonly resident: number;
  readonly heap: number;
  /** Heap that is kept when the calls are over: what the trace holds. */
  readonly left: number;
  readonly before: Look;
  readonly stillOpen: readonly string[];
}

/** A gateway of its own for each round: memory that an earlier round gave back would hide what the next one takes. */
async function round(bench: Bench, generator: Generator, calls: number, callTrace: boolean): Promise<Round> {
  const { inspector, sip } = await bench.places();
  const gateway = await bench.gateway([`--inspect=127.0.0.1:${inspector}`], undefined, undefined, callTrace);
  bench.progress('memory: starting the gateway');
  await gateway.start();
  await bench.open(generator, { host: '127.0.0.1', port: sip });
  const at = () => look(inspector, () => gateway.residentKb());
  const hold = async (count: number) => {
    bench.progress(`memory: ${count} calls`);
    const held = {
      ask: 'hold',
      kind: 'bridge',
      withMedia: false,
      calls: count,
      perSecond: 50,
      deadlineMs: 10_000,
    } as const;
    return (await generator.ask(held, 30_000)).held;
  };
  const release = async () => {
    await generator.ask({ ask: 'release', deadlineMs: 10_000 }, 10_000);
    return gateway.untilIdle(bench.pick(0, 60_000));
  };
  // The first calls compile code and fill caches, and the latest that ended are kept (limits.endedCalls); that is not the calls'.
  const warmUp = bench.pick(2, limits.endedCalls);
  await hold(warmUp);
  await release();
  const before = await at();
  const few = await hold(warmUp);
  const first = await at();
  const held = await hold(few + calls);
  const during = await at();
  const stillOpen = await release();
  const after = await at();
  await gateway.dispose();
  const added = Math.max(1, held - few);
  return {
    ...{ held, before, stillOpen, resident: (during.residentKb - first.residentKb) / added },
    ...{ heap: (during.heapKb - first.heapKb) / added, left: (after.heapKb - before.heapKb) / Math.max(1, held) },
  };
}

export const memory: Case = {
  name: 'memory',
  title: 'memory of a bridged call',
  run: async (bench) => {
    await bench.endWorld();
    const generator = await bench.generator();
    const calls = bench.pick(4, 500);
    const traced: Round[] = [];
    const untraced: Round[] = [];
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      traced.push(await round(bench, generator, calls, true));
      untraced.push(await round(bench, generator, calls, false));
    }
    await generator.stop();
    return [...rowsOf(bench, traced, 'hookswitch'), ...rowsOf(bench, untraced, 'hookswitch, trace off')];
  },
};

function rowsOf(bench: Bench, rounds: readonly Round[], subject: string): Row[] {
  const over = (pick: (one: Round) => number): number => median(rounds.map(pick));
  const shared = { case: 'memory', subject, unit: 'kB/call', repeats: rounds.length } as const;
  const { held = 0, stillOpen = [] } = rounds.at(-1) ?? {};
  return [
    row({
      ...{ ...shared, title: 'memory of a bridged call, resident', value: over(({ resident }) => resident) },
      notes: [`${held} calls held; without the kernel's four sockets (16 kB)`],
      details: { rounds },
    }),
    row({ ...shared, title: 'memory of a bridged call, heaps of all threads', value: over(({ heap }) => heap) }),
    row({
      ...{ ...shared, title: 'heap that is left when the calls are over', value: over(({ left }) => left) },
      notes: bench.isQuick || stillOpen.length === 0 ? [] : [`still open: ${stillOpen.join(', ')}`],
    }),
  ];
}
