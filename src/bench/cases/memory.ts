// Memory of a bridged call that is held, and what is left of it afterwards, with the trace of calls and without. Garbage is collected
// before each look, in all threads, through the inspector of the gateway's process, so that what is counted is needed. What a call takes
// is read from several numbers of calls, all of them more than the process ever held: memory that an earlier call gave back is still
// resident, and would hide what the next one takes. A reading by itself may be some MB off (compiled code, pages of V8 and of malloc
// that are half used), two of them give one call or another; so it is the median of what each reading tells against each other one.
//
//   calls     1,000 … gone …  1,000   1,100   1,200 … 1,600
//   looks               ▲        ▲       ▲       ▲        ▲   … gone ▲

import { WebSocket } from 'ws';
import { realClock, sleep, type Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Bench } from '../bench.ts';
import type { Generator } from '../generator.ts';
import { median, type Row, row } from '../report.ts';
import type { Case } from './case.ts';

const ANSWER_MS = 5_000;
/** The last call comes before the transactions of the first one are over (32 s): all of them count. */
const CALLS_PER_SECOND = 100;
/**
 * Calls before the first look, all at once. Code is compiled until about the thousandth call, and that is resident too: after 200 of them
 * one step gives 36 kB a call and the next one 80. With the trace there are fewer nevertheless: it keeps the latest 2,000 legs
 * (limits.tracedCalls), and from then on another call would take nothing for it.
 */
const FIRST_CALLS = 1_000;
/** Numbers of calls above the first one. */
const STEPS = 6;
/** Calls that a busy machine could not set up are made so often, and a question of ours is asked so often. */
const MOST_TRIES = 5;
/** Records are written, answers of webhooks read to their end. */
const SETTLE_MS = 1_000;

interface Look {
  readonly calls: number;
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

  /** `thread`: one of `threads`; the main one without. Asked again where no answer comes: all that we ask may be done twice. */
  command(method: string, params: object, thread = ''): Promise<unknown> {
    const id = ++this.#number;
    const message = JSON.stringify({ id, method, params });
    return new Promise((resolve, reject) => {
      let timer: Timer;
      const ask = (tries: number) => {
        if (tries > MOST_TRIES) return reject(new Error(`the inspector did not answer ${method}`));
        timer = realClock.after(ANSWER_MS, () => ask(tries + 1));
        this.#send(message, thread);
      };
      this.#waiting.set(`${thread} ${id}`, (result) => {
        timer.cancel();
        resolve(result);
      });
      ask(1);
    });
  }

  #send(message: string, thread: string): void {
    const params = { sessionId: thread, message };
    const wrapped = { id: ++this.#number, method: 'NodeWorker.sendMessageToWorker', params };
    this.#socket.send(thread === '' ? message : JSON.stringify(wrapped));
  }

  close(): void {
    this.#socket.close();
  }
}

/** Collects garbage in all threads of the inspected process, and looks. */
async function look(inspector: Inspector, calls: number, residentKb: () => number): Promise<Look> {
  const threads = ['', ...inspector.threads];
  // Twice: what the first one found unreachable may have held more, and what a thread kept for another one.
  for (const thread of [...threads, ...threads]) await inspector.command('HeapProfiler.collectGarbage', {}, thread);
  let heapKb = 0;
  for (const thread of threads) {
    const expression = 'process.memoryUsage().heapUsed';
    const { result } = (await inspector.command('Runtime.evaluate', { expression }, thread)) as {
      result: { value: number };
    };
    heapKb += result.value / 1_024;
  }
  return { calls, residentKb: residentKb(), heapKb };
}

/** What a call takes: the median of what each look tells against each earlier one (Theil and Sen). 0 for fewer than two. */
export function perCall(looks: readonly Look[], of: (look: Look) => number): number {
  const slopes = looks.flatMap((later, index) =>
    looks
      .slice(0, index)
      .filter(({ calls }) => calls < later.calls)
      .map((earlier) => (of(later) - of(earlier)) / (later.calls - earlier.calls)),
  );
  return slopes.length === 0 ? 0 : median(slopes);
}

interface Round {
  readonly held: number;
  /** kB of a call. */
  readonly resident: number;
  readonly heap: number;
  /** Heap that is kept when the calls are over: what the trace holds. */
  readonly left: number;
  readonly before: Look;
  readonly looks: readonly Look[];
  readonly after: Look;
  readonly stillOpen: readonly string[];
}

/** A gateway of its own for each round. */
async function round(bench: Bench, generator: Generator, callTrace: boolean): Promise<Round> {
  const { inspector: port, sip } = await bench.places();
  const gateway = await bench.gateway([`--inspect=127.0.0.1:${port}`], undefined, undefined, callTrace);
  bench.progress('memory: starting the gateway');
  await gateway.start();
  await bench.open(generator, { host: '127.0.0.1', port: sip });
  const inspector = await Inspector.open(port);
  await inspector.command('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const at = async (calls: number) => {
    await sleep(realClock, bench.pick(0, SETTLE_MS));
    return look(inspector, calls, () => gateway.residentKb());
  };
  const hold = async (calls: number) => {
    bench.progress(`memory: ${calls} calls`);
    const how = { kind: 'bridge', withMedia: false, perSecond: CALLS_PER_SECOND, deadlineMs: 10_000 } as const;
    let held = 0;
    for (let tries = 0; held < calls && tries < MOST_TRIES; tries++)
      held = (await generator.ask({ ask: 'hold', calls, ...how }, 60_000)).held;
    return held;
  };
  const release = async () => {
    await generator.ask({ ask: 'release', deadlineMs: 10_000 }, 10_000);
    return gateway.untilIdle(bench.pick(0, 60_000));
  };
  // The first calls compile code and fill caches, and the latest that ended are kept; that is not the calls'.
  const first = bench.pick(2, callTrace ? limits.endedCalls : Math.max(FIRST_CALLS, limits.endedCalls));
  await hold(first);
  await release();
  const before = await at(0);
  const looks: Look[] = [];
  for (let step = 0; step <= STEPS; step++) looks.push(await at(await hold(first + step * bench.pick(1, 100))));
  const stillOpen = await release();
  const after = await at(0);
  inspector.close();
  await gateway.dispose();
  const held = looks.at(-1)?.calls ?? 0;
  const left = (after.heapKb - before.heapKb) / Math.max(1, held);
  const resident = perCall(looks, ({ residentKb }) => residentKb);
  const heap = perCall(looks, ({ heapKb }) => heapKb);
  return { held, resident, heap, left, before, looks, after, stillOpen };
}

export const memory: Case = {
  name: 'memory',
  title: 'memory of a bridged call',
  run: async (bench) => {
    await bench.endWorld();
    const generator = await bench.generator();
    const traced: Round[] = [];
    const untraced: Round[] = [];
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      traced.push(await round(bench, generator, true));
      untraced.push(await round(bench, generator, false));
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
