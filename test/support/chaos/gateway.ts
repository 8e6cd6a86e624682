// The gateway as a process whose signalling clock runs fast, so that waits of the protocols (32 s and more) end while a test waits. SIGUSR2
// collects garbage (with --expose-gc) and writes one line with what is in use.
//
//   node gateway.ts serve --config FILE          CHAOS_CLOCK_RATE: how fast, default 1

import { realClock } from '../../../src/base/clock.ts';
import { createLog } from '../../../src/base/log.ts';
import { loadConfig } from '../../../src/config.ts';
import { createGateway } from '../../../src/gateway.ts';
import { SkewedClock } from '../media.ts';

const config = loadConfig(process.argv[4], process.env);
if (!config.ok) throw new Error(JSON.stringify(config.error));
const clock = new SkewedClock(realClock);
const log = createLog({ ...config.value.log, pretty: false });
const gateway = await createGateway(config.value, { log, clock });
if (!gateway.ok) throw new Error(gateway.error);
clock.setRate(Number(process.env.CHAOS_CLOCK_RATE ?? '1'));
// Whoever started it is gone without a word.
const parent = process.ppid;
setInterval(() => process.ppid !== parent && process.exit(1), 1_000).unref();
process.on('SIGTERM', () => void gateway.value.stop().then(() => process.exit(0)));
process.on('SIGUSR2', () => {
  globalThis.gc?.();
  process.stdout.write(`${JSON.stringify({ msg: 'memory', ...process.memoryUsage() })}\n`);
});
