// SIPp as a subject: its own answering scenario. It answers calls by itself: one leg, no application, nobody called; a reference for
// what parsing, transactions and sockets cost in C++.

import { realClock, sleep } from '../../base/clock.ts';
import type { Bench } from '../bench.ts';
import { cpuSeconds, end, isInstalled, start } from '../processes.ts';
import type { SipSubject } from './kamailio.ts';
import { HOST } from './subject.ts';

const START_MS = 500;

/** Undefined, and said so, where it is not installed. */
export async function sipp(bench: Bench): Promise<SipSubject | undefined> {
  if (!isInstalled('sipp')) {
    bench.skip('SIPp', 'not installed (Debian: sip-tester)');
    return undefined;
  }
  const { peer } = await bench.places();
  const port = peer + 2;
  const child = start('sipp', ['-sn', 'uas', '-i', HOST, '-p', String(port), '-mi', HOST, '-nostdin', '-skip_rlimit'], {
    cores: bench.pinning?.subject,
    stdio: 'ignore',
    cwd: bench.folder,
    environment: { TERM: 'vt100' },
  });
  child.on('error', () => {});
  const stop = bench.onStop(() => end(child));
  // It answers no OPTIONS; a program that could not open its port has ended by now.
  await sleep(realClock, START_MS);
  if (child.exitCode === null) {
    return { name: 'SIPp', port, cpuSeconds: () => (child.pid ? cpuSeconds(child.pid) : 0), stop };
  }
  bench.skip('SIPp', 'it does not start here');
  await stop();
  return undefined;
}
