// StreamControl on a real Call, and a Call as streams/ sees it.

import type { Recogniser } from '../base/recogniser.ts';
import { err } from '../base/result.ts';
import type { Call } from '../call/call.ts';
import type { StreamCall } from '../streams/call.ts';
import type { CallFacts } from '../streams/relay/session.ts';
import type { RelayVoice } from '../streams/relay/voice.ts';
import type { Streams } from '../streams/streams.ts';
import { withoutSecrets } from '../webhook/webhook.ts';
import { type MediaSourceServices, NOT_SPOKEN, prepare } from './media-sources.ts';
import type { StreamControl } from './stream-control.ts';

export interface StreamControlServices {
  readonly streams: Streams;
  readonly sources: MediaSourceServices;
  readonly recogniser: Recogniser;
}

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
export function createStreamControl(call: Call, services: StreamControlServices): StreamControl {
  const { streams } = services;
  const streamCall = streamCallOf(call);
  return {
    start(options) {
      const started = streams.start(streamCall, options);
      return started.ok ? undefined : started.error;
    },
    stop: (name) => streams.stop(call.sid, name) !== undefined,
    connect: (options, signal) => streams.connect(streamCall, options, signal),
    relay: (options, signal) => streams.relay(streamCall, factsOf(call), options, voiceOf(services), signal),
  };
}

/** What the setup message says of a call (twiml.md 11.1). */
function factsOf(call: Call): CallFacts {
  const { parentCallSid, from, to, callerName, direction, sipParams } = call.options;
  const isClient = from.startsWith('client:') || to.startsWith('client:');
  return {
    parentCallSid: parentCallSid ?? '',
    from,
    to,
    forwardedFrom: sipParams.get('ForwardedFrom') ?? '',
    callType: isClient ? 'CLIENT' : /^\+?\d+$/.test(from) ? 'PSTN' : 'SIP',
    callerName: callerName ?? '',
    direction,
    callStatus: call.status.toUpperCase(),
  };
}

function voiceOf({ sources, recogniser }: StreamControlServices): RelayVoice {
  return {
    recogniser,
    async speak(text, { language, voice, onPassedOver }, signal) {
      const request = { text, ssml: false, language, voice: voice ?? '', onPassedOver };
      const said = await sources.speaker.synthesize(request, signal);
      return said.ok ? said : err({ errorCode: NOT_SPOKEN, detail: said.error.detail });
    },
    async load(url, callSid, signal) {
      const prepared = await prepare({ kind: 'url', url, loop: 1 }, callSid, sources, signal);
      if (!prepared.ok) return prepared;
      const [source] = prepared.value.sources;
      return source?.kind === 'samples'
        ? { ok: true, value: source.samples }
        : err({ errorCode: 13420, detail: 'the file holds no audio' });
    },
  };
}
