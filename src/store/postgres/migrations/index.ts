// The registry of PostgreSQL migrations: version n is the n-th entry. Entries are only ever added; a released one never changes.

import { initial } from './001-initial.ts';
import { voiceApplication } from './002-voice-application.ts';
import { deletedRecordings } from './003-deleted-recordings.ts';
import { callsOverRest } from './004-calls-over-rest.ts';
import { restrictedKeys } from './005-restricted-keys.ts';

export const migrations: readonly string[] = [
  initial,
  voiceApplication,
  deletedRecordings,
  callsOverRest,
  restrictedKeys,
];
