// The registry of migrations: version n is the n-th entry. Entries are only ever added; a released one never changes.

import { initial } from './001-initial.ts';
import { trunks } from './002-trunks.ts';
import { attendedTransfer } from './003-attended-transfer.ts';
import { mediaOfDomains } from './004-media-of-domains.ts';
import { emergencyAddress } from './005-emergency-address.ts';
import { voiceApplication } from './006-voice-application.ts';
import { deletedRecordings } from './007-deleted-recordings.ts';
import { callsOverRest } from './008-calls-over-rest.ts';
import { restrictedKeys } from './009-restricted-keys.ts';

export const migrations: readonly string[] = [
  initial,
  trunks,
  attendedTransfer,
  mediaOfDomains,
  emergencyAddress,
  voiceApplication,
  deletedRecordings,
  callsOverRest,
  restrictedKeys,
];
