// What Dial and REST calls ask of recordings: the ports of call/, on the registry.

import type { RecordingRequest } from '../base/recordings-api.ts';
import type { Call } from '../call/call.ts';
import type { RecordDial } from '../call/dial-recording.ts';
import { type Recordings, summaryOf } from './recordings.ts';

/** Records the leg of a caller while it dials. */
export const dialRecorder =
  (recordings: Recordings): RecordDial =>
  (caller, request) => {
    const started = recordings.start(caller, request);
    if (!started.ok) {
      caller.notify('warning', started.error.code, `the Dial is not recorded: ${started.error.message}`);
      return undefined;
    }
    const recording = started.value;
    return {
      attributeTo: (child) => recordings.attribute(child, recording),
      async finish() {
        recording.stop();
        const record = await recordings.settled(recording);
        return record.status === 'absent' ? undefined : summaryOf(record, recording.url);
      },
    };
  };

/** Records a call that REST made, from its answer on (rest-api.md 9.1). */
export const callRecorder =
  (recordings: Recordings) =>
  (call: Call, request: RecordingRequest): void => {
    const started = recordings.start(call, request);
    if (started.ok) recordings.attribute(call, started.value);
    else call.notify('warning', started.error.code, `the call is not recorded: ${started.error.message}`);
  };
