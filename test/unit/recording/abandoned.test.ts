// Recordings that an earlier process left: one row per state of the record and of its file.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { realClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import type { RecordingStatus } from '../../../src/base/voice-records.ts';
import { closeAbandonedRecordings } from '../../../src/recording/abandoned.ts';
import { aRequest, RecordingBench, wavOf } from '../../support/recording-bench.ts';
import { openTempStore, type TempStore } from '../../support/temp-store.ts';

let bench: RecordingBench;
let temp: TempStore;
beforeEach(async () => {
  bench = new RecordingBench();
  temp = await openTempStore();
});
afterEach(async () => {
  bench.discard();
  await temp.discard();
});

const close = () =>
  closeAbandonedRecordings({ store: temp.store.recordings, files: bench.files, clock: realClock, log: silentLog });

/** A record as it was when the process died. */
async function left(status: RecordingStatus, file: Buffer | undefined) {
  const { live } = bench.started(aRequest());
  if (file) bench.write(live.record, file);
  const record = { ...live.record, status };
  temp.store.recordings.put(record);
  return record;
}

/** Two and a half seconds; the header says nothing of them. */
const unfinished = () => {
  const file = wavOf(new Int16Array(20_000).fill(500));
  file.writeUInt32LE(0, 40);
  return file;
};

describe('[rest 10 repair] at start', () => {
  test.each(['in-progress', 'paused', 'stopped', 'processing'] as const)(
    '%s: completed with what there is',
    async (status) => {
      const { sid } = await left(status, unfinished());
      expect(await close()).toBe(1);
      expect(await temp.store.recordings.get(sid)).toMatchObject({
        status: 'completed',
        durationSeconds: 3,
        sizeBytes: 40_044,
        errorCode: null,
      });
      expect(await close()).toBe(0);
    },
  );

  test.each([
    ['no file', undefined],
    ['a header only', wavOf(new Int16Array(0))],
    ['less than a tenth of a second', wavOf(new Int16Array(799))],
    ['not even a header', Buffer.from('RI')],
  ])('%s: absent', async (_, file) => {
    const { sid } = await left('in-progress', file);
    await close();
    expect(await temp.store.recordings.get(sid)).toMatchObject({ status: 'absent', errorCode: 16101, media: null });
  });

  test('a file that cannot be opened: failed, and the others are closed all the same', async () => {
    const one = await left('in-progress', undefined);
    mkdirSync(join(bench.folder, one.media ?? ''), { recursive: true });
    const other = await left('in-progress', unfinished());
    expect(await close()).toBe(2);
    expect((await temp.store.recordings.get(other.sid))?.status).toBe('completed');
    expect(await temp.store.recordings.get(one.sid)).toMatchObject({ status: 'failed', errorCode: 90916 });
  });

  test('finished ones are left alone', async () => {
    for (const status of ['completed', 'absent', 'failed', 'deleted'] as const) {
      const { sid } = await left(status, undefined);
      await close();
      expect((await temp.store.recordings.get(sid))?.status).toBe(status);
    }
  });
});
