// From the start of the process to the first answer of /readyz: on an empty folder (keys, certificates and database are made) and
// again on the same one.

import { median, row } from '../report.ts';
import type { Case } from './case.ts';

export const startup: Case = {
  name: 'startup',
  title: 'start-up',
  run: async (bench) => {
    await bench.endWorld();
    const first: number[] = [];
    const next: number[] = [];
    for (let turn = 0; turn < bench.options.repeats; turn++) {
      bench.progress(`start-up: ${turn + 1} of ${bench.options.repeats}`);
      const gateway = await bench.gateway([], 10);
      first.push(await gateway.start());
      await gateway.stop();
      next.push(await gateway.start());
      await gateway.dispose();
    }
    const shared = { case: 'startup', subject: 'hookswitch', unit: 'ms', repeats: first.length } as const;
    return [
      row({ ...shared, title: 'start-up on an empty folder', value: median(first), details: { values: first } }),
      row({ ...shared, title: 'start-up', value: median(next), details: { values: next } }),
    ];
  },
};
