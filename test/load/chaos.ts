// The long proof under chance: hundreds of calls with random documents, hang-ups, transfers, servers and REST requests, in rounds. After each
// round the gateway is at rest, collects its garbage, and is looked at: counts, open files, memory, lines of the log that are faults.
//
// Run: nice node test/load/chaos.ts [--calls 500] [--rounds 3] [--callers 25] [--seed N] [--clock 4]
// Exit status 1 when something was left, a line was a fault, or memory grew from round to round. Not part of `npm test`: it takes minutes.

import { parseArgs } from 'node:util';
import { Chaos } from '../support/chaos/run.ts';
import { until } from '../support/until.ts';
import { residentMib } from './processes.ts';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '500' },
    rounds: { type: 'string', default: '3' },
    callers: { type: 'string', default: '25' },
    meddle: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    clock: { type: 'string', default: '4' },
  },
});

/** Rounds after the first may differ by so much heap; a leak of one call's objects each is far more. */
const HEAP_GROWTH_MIB = 12;

interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
}

const MIB = 1024 * 1024;

/** What is in use after a collection. */
async function memoryOf(chaos: Chaos): Promise<Memory> {
  let read: Memory | undefined;
  // The log is bounded, so it is listened to and not searched.
  chaos.gateway.onLog((text) => {
    const line = text.split('\n').findLast((one) => one.includes('"msg":"memory"'));
    if (line) read = JSON.parse(line) as Memory;
  });
  process.kill(chaos.gateway.pid, 'SIGUSR2');
  return until(
    () => read,
    10_000,
    () => 'the gateway tells its memory',
  );
}

/** How the calls of a round ended. */
function endsOf({ ends }: Chaos): string {
  const text = [...ends].map(([end, count]) => `${end}: ${count}`).join(', ');
  ends.clear();
  return text;
}

const chaos = await Chaos.start({
  seed: Number(values.seed),
  clockRate: Number(values.clock),
  mediaPorts: 1_400,
  phonePorts: 500,
  nodeOptions: ['--expose-gc'],
});
const round = { callers: Number(values.callers), meddleMs: Number(values.meddle) };
await chaos.round({ ...round, calls: 20 });
await chaos.isIdle();
const filesBefore = await chaos.openFiles();
const heaps: number[] = [];
const served = () => chaos.servers.firstDocuments;
for (let number = 1; number <= Number(values.rounds); number++) {
  const startedAt = performance.now();
  const servedBefore = served();
  await chaos.round({ ...round, calls: Number(values.calls) });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  await chaos.isIdle();
  const memory = await memoryOf(chaos);
  heaps.push(memory.heapUsed / MIB);
  const files = await chaos.openFiles(filesBefore);
  console.log(
    `round ${number}: ${values.calls} calls in ${seconds} s (${endsOf(chaos)}), ${served() - servedBefore} asked for a document; at rest: heap ${(memory.heapUsed / MIB).toFixed(1)} MiB, ` +
      `external ${(memory.external / MIB).toFixed(1)} MiB, resident ${residentMib(chaos.gateway.pid).toFixed(0)} MiB, ` +
      `${files} files open (${filesBefore} before), counts all zero`,
  );
}
const faults = chaos.faultLines();
console.log(`elements served: ${[...chaos.servers.served].map(([name, count]) => `${name} ${count}`).join(', ')}`);
console.log(`answers over REST: ${[...chaos.answers].map(([status, count]) => `${status}: ${count}`).join(', ')}`);
for (const line of faults.slice(0, 20)) console.log(`fault: ${line}`);
const growth = (heaps.at(-1) ?? 0) - (heaps[0] ?? 0);
console.log(`heap from the first round to the last: ${growth.toFixed(1)} MiB`);
await chaos.stop();
process.exit(faults.length > 0 || growth > HEAP_GROWTH_MIB ? 1 : 0);
