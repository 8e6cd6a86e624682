// What verbs may do with live transcriptions of their call (twiml.md 10.3): one member of CallControl, and REST on the same calls.

import { err } from '../base/result.ts';
import type { TranscriptionsApi } from '../base/transcriptions-api.ts';
import type { Call } from '../call/call.ts';
import type { Calls } from '../call/calls.ts';
import type { LiveTranscriptions, TranscribedCall } from '../transcription/live.ts';
import type { TranscriptionOptions, TranscriptionRefusal } from '../transcription/options.ts';

export type { TranscriptionOptions, TranscriptionRefusal, TranscriptionTrack } from '../transcription/options.ts';

export interface TranscriptionControl {
  /** Begins beside the document. Undefined: it runs. */
  start(options: TranscriptionOptions): TranscriptionRefusal | undefined;
  /** By name or sid; without one the first that runs. False: there is none. */
  stop(name: string | undefined): boolean;
}

const transcribedCallOf = (call: Call): TranscribedCall => ({
  callSid: call.sid,
  accountSid: call.options.accountSid,
  endpoint: call.leg.endpoint,
  signal: call.signal,
  notify: (level, code, message) => call.notify(level, code, message),
});

export function transcriptionControl(call: Call, live: LiveTranscriptions): TranscriptionControl {
  return {
    start(options) {
      const started = live.start(transcribedCallOf(call), options);
      return started.ok ? undefined : started.error;
    },
    stop: (name) => live.stop(call.sid, name) !== undefined,
  };
}

export function createTranscriptionsApi(calls: Pick<Calls, 'get'>, live: LiveTranscriptions): TranscriptionsApi {
  return {
    create(request) {
      const call = calls.get(request.callSid);
      if (!call?.isAnswered) return err({ code: 21220, status: 400, message: 'Call is not in-progress.' });
      const { statusCallback, statusCallbackMethod: method } = request;
      const started = live.start(transcribedCallOf(call), {
        ...request,
        name: request.name ?? undefined,
        speechModel: request.speechModel ?? undefined,
        inboundTrackLabel: request.inboundTrackLabel ?? undefined,
        outboundTrackLabel: request.outboundTrackLabel ?? undefined,
        statusCallback: statusCallback === null ? undefined : { url: statusCallback, method },
      });
      return started.ok ? started : err({ code: 20001, status: 400, message: started.error.message });
    },
    stop: (callSid, sidOrName) => live.stop(callSid, sidOrName),
  };
}
