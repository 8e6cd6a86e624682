// The states of a recording (rest-api.md 10) and what a request for another one does.
//
//   in-progress ◀──▶ paused          stop, or the end of call, room or time
//        └──────────────┴─▶ stopped ─▶ processing ─▶ completed │ absent │ failed      DELETE: completed ─▶ deleted

import type { RecordingChange } from '../base/recordings-api.ts';
import type { RecordingStatus } from '../base/voice-records.ts';

export type ChangeAction = 'pause' | 'resume' | 'stop' | 'nothing';

type Changes = { readonly [asked in RecordingChange['status']]: ChangeAction };

const changes: { readonly [status in RecordingStatus]?: Changes } = {
  'in-progress': { 'in-progress': 'nothing', paused: 'pause', stopped: 'stop' },
  paused: { 'in-progress': 'resume', paused: 'nothing', stopped: 'stop' },
};

/** Undefined where the state allows no change any more. */
export const changeOf = (status: RecordingStatus, asked: RecordingChange['status']): ChangeAction | undefined =>
  changes[status]?.[asked];

/** Running: `Twilio.CURRENT` may mean it. */
export const isRunning = (status: RecordingStatus): boolean => status in changes;

/** States of a recording that a process works on. */
export const unfinishedStatuses: readonly RecordingStatus[] = ['in-progress', 'paused', 'stopped', 'processing'];
