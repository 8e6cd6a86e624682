// StreamControl on a real Call, and a Call as streams/ sees it.

import type { Call } from '../call/call.ts';
import type { StreamCall } from '../streams/call.ts';
import type { Streams } from '../streams/streams.ts';
import { withoutSecrets } from '../webhook/webhook.ts';
import type { StreamControl } from './stream-control.ts';

/** The call through the port of streams/. */
export function streamCallOf(call: Call): StreamCall {
  return {
    callSid: call.sid,
    accountSid: call.options.accountSid,
    signal: call.signal,
    endpoint: () => call.leg.endpoint,
    onDigit: (listener) => call.onLegEvent((event) => event.type === 'digit' && listener(event.digit)),
    notify: (level, errorCode, message, url) => call.notify(level, errorCode, message, withoutSecrets(url)),
  };
}

/** What a voice session gives its verbs. */
export function createStreamControl(call: Call, streams: Streams): StreamControl {
  const streamCall = streamCallOf(call);
  return {
    start(options) {
      const started = streams.start(streamCall, options);
      return started.ok ? undefined : started.error;
    },
    stop: (name) => streams.stop(call.sid, name)?.status !== undefined,
    connect: (options, signal) => streams.connect(streamCall, options, signal),
  };
}
