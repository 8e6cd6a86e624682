// What it costs that the two sides of a bridge are in different media workers, as after a transfer or out of a queue: each packet then
// goes through a ring and wakes a second thread.

import { MediaEngineSubject } from '../peers/media-engine.ts';
import { type Row, withRatios } from '../report.ts';
import type { Case } from './case.ts';
import { type MediaSample, sampleMedia, WARM_MS } from './media.ts';
import { fixedRow } from './relay.ts';

/** Both workers share a core: with more it is full of the bridges across. */
const WORKERS_CALLS = [300, 450];

export const workers: Case = {
  name: 'workers',
  title: 'bridges across two media workers against inside one',
  run: async (bench) => {
    const { generator } = await bench.world();
    const all = [
      new MediaEngineSubject(bench, generator, 'hookswitch', true),
      new MediaEngineSubject(bench, generator, 'hookswitch, one worker', false),
    ];
    const rows: Row[] = [];
    for (const calls of bench.pick([3], WORKERS_CALLS)) {
      const samples = all.map(() => [] as MediaSample[]);
      for (let turn = 0; turn < bench.options.repeats; turn++) {
        for (const [index, subject] of all.entries()) {
          bench.progress(`workers: ${calls} calls, ${subject.name}, ${turn + 1} of ${bench.options.repeats}`);
          samples[index]?.push(await sampleMedia(bench, generator, subject, calls, WARM_MS));
          await subject.release();
        }
      }
      const title = `${workers.title}, ${calls} calls`;
      const ofEach = all.map(({ name }, index) => fixedRow(title, name, calls, samples[index] ?? []));
      rows.push(...ofEach.map((one) => ({ ...one, case: 'workers' })));
    }
    return withRatios(rows);
  },
};
