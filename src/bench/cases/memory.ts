// Memory of a bridged call that is held, and what is left of it afterwards. Garbage is collected before each look, through the
// inspector of the gateway's process, so that what is counted is needed.

import { WebSocket } from 'ws';
import { realClock } from '../../base/clock.ts';
import { median, row } from '../report.ts';
import type { Case } from './case.ts';

const ANSWER_MS = 10_000;

interface Look {
  readonly residentKb: number;
  readonly heapKb: number;
}

/** Asks the inspector at this port to collect garbage, and for the heap of the main thread. */
async function look(port: number, residentKb: () => number): Promise<Look> {
  const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(list[0]!.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  let number = 0;
  const command = (method: string, params: object): Promise<unknown> => {
    const id = ++number;
    return new Promise((resolve, reject) => {
      const timer = realClock.after(ANSWER_MS, () => reject(new Error(`the inspector did not answer ${method}`)));
      socket.on('message', (data) => {
        const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
        if (message.id !== id) return;
        timer.cancel();
        resolve(message.result);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  // Twice: what the first one found unreachable may have held more.
  await command('HeapProfiler.collectGarbage', {});
  await command('HeapProfiler.collectGarbage', {});
  const { result } = (await command('Runtime.evaluate', { expression: 'process.memoryUsage().heapUsed' })) as {
    result: { value: number };
  };
  socket.close();
  return { residentKb: residentKb(), heapKb: result.value / 1_024 };
}

export const memory: Case = {
  name: 'memory',
  title: 'memory of a bridged call',
  run: async (bench) => {
    await bench.endWorld();
    const { inspector, sip } = await bench.places();
    const gateway = await bench.gateway([`--inspect=127.0.0.1:${inspector}`]);
    const generator = await bench.generator();
    bench.progress('memory: starting the gateway');
    await gateway.start();
    await bench.open(generator, { host: '127.0.0.1', port: sip });
    const calls = bench.pick(4, 500);
    const at = () => look(inspector, () => gateway.residentKb());
    const hold = async () => {
      bench.progress(`memory: ${calls} calls`);
      const held = { ask: 'hold', kind: 'bridge', withMedia: false, calls, perSecond: 50, deadlineMs: 10_000 } as const;
      return (await generator.ask(held, 30_000)).held;
    };
    const release = async () => {
      await generator.ask({ ask: 'release', deadlineMs: 10_000 }, 10_000);
      await gateway.untilIdle(bench.pick(0, 45_000));
    };
    // The first round compiles code and fills caches; it is not the calls'.
    await hold();
    await release();
    const rounds: { held: number; each: number; heap: number; left: number }[] = [];
    const before = await at();
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      const start = turn === 0 ? before : await at();
      const held = await hold();
      const during = await at();
      await release();
      const after = await at();
      rounds.push({
        held,
        each: (during.residentKb - start.residentKb) / Math.max(1, held),
        heap: (during.heapKb - start.heapKb) / Math.max(1, held),
        left: (after.heapKb - start.heapKb) / Math.max(1, held),
      });
    }
    await generator.stop();
    await gateway.dispose();
    const over = (pick: (round: (typeof rounds)[number]) => number): number => median(rounds.map(pick));
    const shared = { case: 'memory', subject: gateway.name, unit: 'kB/call', repeats: rounds.length } as const;
    return [
      row({
        ...{ ...shared, title: 'memory of a bridged call, resident', value: over(({ each }) => each) },
        notes: [`${calls} calls held; without the kernel's four sockets (16 kB)`],
        details: { rounds, before },
      }),
      row({ ...shared, title: 'memory of a bridged call, heap of the main thread', value: over(({ heap }) => heap) }),
      row({ ...shared, title: 'memory that is left when the calls are over', value: over(({ left }) => left) }),
    ];
  },
};
