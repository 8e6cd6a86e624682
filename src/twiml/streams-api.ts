// StreamsApi on live calls (rest-api.md 9.5): what REST asks for becomes a forked stream of a call.

import { err } from '../base/result.ts';
import type { StreamsApi } from '../base/streams-api.ts';
import type { Calls } from '../call/calls.ts';
import type { Streams } from '../streams/streams.ts';
import { streamCallOf } from './call-streams.ts';

export function createStreamsApi(calls: Pick<Calls, 'get'>, streams: Streams): StreamsApi {
  return {
    create(request) {
      const call = calls.get(request.callSid);
      if (!call?.isAnswered) return err({ code: 21220, status: 400, message: 'Call is not in-progress.' });
      const { url, track, parameters, statusCallback, statusCallbackMethod } = request;
      const started = streams.start(streamCallOf(call), {
        url,
        track,
        parameters,
        name: request.name ?? undefined,
        statusCallback: statusCallback === null ? undefined : { url: statusCallback, method: statusCallbackMethod },
      });
      // What TwiML only warns of is a bad parameter here.
      return started.ok ? started : err({ code: 20001, status: 400, message: started.error.detail });
    },
    stop: (callSid, sidOrName) => streams.stop(callSid, sidOrName),
  };
}
