import { afterAll, beforeAll, expect, test } from 'vitest';
import { newSid } from '../../../src/base/ids.ts';
import type { Conference } from '../../../src/base/voice-records.ts';
import { endAbandonedConferences } from '../../../src/store/abandoned-conferences.ts';
import { openTempStore } from '../../support/temp-store.ts';

let temp: Awaited<ReturnType<typeof openTempStore>>;
beforeAll(async () => {
  temp = await openTempStore();
});
afterAll(() => temp.discard());

const conference = (status: Conference['status']): Conference => ({
  sid: newSid('CF'),
  accountSid: newSid('AC'),
  friendlyName: status,
  status,
  reasonConferenceEnded: status === 'completed' ? 'conference-ended-via-api' : null,
  callSidEndingConference: null,
  region: 'us1',
  dateCreated: 1_000,
  dateUpdated: 2_000,
});

test('what an earlier run left open is completed; what is completed stays as it is', async () => {
  const { store } = temp;
  const records = (['init', 'in-progress', 'completed'] as const).map(conference);
  for (const record of records) store.conferences.put(record);
  expect(await endAbandonedConferences(store, { wall: () => 5_000 })).toBe(2);
  const found = await Promise.all(records.map(({ sid }) => store.conferences.get(sid)));
  expect(found.map((one) => [one?.status, one?.reasonConferenceEnded, one?.dateUpdated])).toEqual([
    ['completed', 'last-participant-left', 5_000],
    ['completed', 'last-participant-left', 5_000],
    ['completed', 'conference-ended-via-api', 2_000],
  ]);
});
