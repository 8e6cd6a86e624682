// The life of a call's status as a table (rest-api.md 9.2, twiml.md 3.4).
//
//   queued ──▶ initiated ──▶ ringing ──▶ in-progress ──▶ completed
//      └───────────┴────────────┴──▶ busy | no-answer | failed | canceled
//
// `initiated` is seen in callbacks only; records show it as `queued`.

import type { CallStatus } from '../base/records.ts';

export type LiveStatus = CallStatus | 'initiated';

const unanswered = ['busy', 'no-answer', 'failed', 'canceled'] as const;

export const callStates: Readonly<Record<LiveStatus, readonly LiveStatus[]>> = {
  queued: ['initiated', 'ringing', 'in-progress', ...unanswered],
  initiated: ['ringing', 'in-progress', ...unanswered],
  ringing: ['in-progress', ...unanswered],
  'in-progress': ['completed'],
  completed: [],
  busy: [],
  'no-answer': [],
  failed: [],
  canceled: [],
};

/** Whether the table has a way from one status to another. */
export const mayMove = (from: LiveStatus, to: LiveStatus): boolean => callStates[from].includes(to);

export const isTerminal = (status: LiveStatus): boolean => callStates[status].length === 0;

/** The status as REST shows it. */
export const recordStatus = (status: LiveStatus): CallStatus => (status === 'initiated' ? 'queued' : status);
