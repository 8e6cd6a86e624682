// SiprecControl and SiprecApi on a real Call, and a Call as siprec/ sees it.

import { err } from '../base/result.ts';
import type { SiprecApi } from '../base/siprec-api.ts';
import type { Call } from '../call/call.ts';
import type { Calls } from '../call/calls.ts';
import type { Party, RecordedCall } from '../siprec/recorded-call.ts';
import type { Siprec } from '../siprec/siprec.ts';
import type { Streams } from '../streams/streams.ts';
import { streamCallOf } from './call-streams.ts';
import type { SiprecControl } from './siprec-control.ts';

export interface SiprecControlServices {
  readonly siprec: Siprec;
  /** Counts the forked tracks of each call. */
  readonly streams: Pick<Streams, 'claimTracks' | 'releaseTracks'>;
}

/** A number or URI as From and To show it, as the URI of a participant. */
function partyOf(shown: string, name: string | undefined): Party {
  if (/^\+?\d+$/.test(shown)) return { aor: `tel:${shown}`, name };
  return { aor: /^[a-z][a-z0-9+.-]*:/i.test(shown) ? shown : `sip:${shown}`, name };
}

/** Who is at the far end of a call. */
export function farParty(call: Call): Party {
  const { direction, from, to, callerName } = call.options;
  return direction === 'inbound' ? partyOf(from, callerName ?? undefined) : partyOf(to, undefined);
}

function nearParty(call: Call): Party {
  const { direction, from, to } = call.options;
  return partyOf(direction === 'inbound' ? to : from, undefined);
}

/** The call through the port of siprec/. */
function recordedCallOf(call: Call, streams: SiprecControlServices['streams']): RecordedCall {
  const streamCall = streamCallOf(call);
  return {
    callSid: call.sid,
    accountSid: call.options.accountSid,
    signal: call.signal,
    parties: { remote: farParty(call), local: nearParty(call) },
    startedAt: call.record().startTime ?? call.record().dateCreated,
    endpoint: () => call.leg.endpoint,
    direction: () => call.leg.remoteDirection,
    onDirection: (listener) => call.onLegEvent((event) => event.type === 'direction' && listener()),
    claimTracks: (count) => streams.claimTracks(streamCall, count),
    releaseTracks: (count) => streams.releaseTracks(streamCall, count),
    notify: (level, errorCode, message) => call.notify(level, errorCode, message),
  };
}

/** What a voice session gives its verbs. */
export function siprecControl(call: Call, { siprec, streams }: SiprecControlServices): SiprecControl {
  return {
    start(options) {
      const started = siprec.start(recordedCallOf(call, streams), options);
      return started.ok ? undefined : started.error;
    },
    stop: (name) => siprec.stop(call.sid, name) !== undefined,
  };
}

export function createSiprecApi(calls: Pick<Calls, 'get'>, { siprec, streams }: SiprecControlServices): SiprecApi {
  return {
    create(request) {
      const call = calls.get(request.callSid);
      if (!call?.isAnswered) return err({ code: 21220, status: 400, message: 'Call is not in-progress.' });
      const { statusCallback, statusCallbackMethod: method } = request;
      const started = siprec.start(recordedCallOf(call, streams), {
        connectorName: request.connectorName ?? undefined,
        name: request.name ?? undefined,
        track: request.track,
        parameters: request.parameters,
        statusCallback: statusCallback === null ? undefined : { url: statusCallback, method },
      });
      // What TwiML reports on the call is a bad parameter here.
      return started.ok ? started : err({ code: 20001, status: 400, message: started.error.detail });
    },
    stop: (callSid, sidOrName) => siprec.stop(callSid, sidOrName),
  };
}
