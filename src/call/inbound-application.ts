// Who answers a call that came in, and how it is shown (sip-interface.md 7, rest-api.md 13):
//
//   domain without a trunk ─▶ the domain's application; To = Request-URI, From = From header
//   domain of a trunk      ─▶ a number of the account? ─▶ the application that it names, else its own URLs; To and From as E.164 numbers
//                                            └─ none ──▶ the trunk's application
//
// The domain's own URLs count only where it belongs to no trunk.

import type { ByocTrunk, Domain, PhoneNumber, VoiceApplication } from '../base/records.ts';
import type { Application } from '../base/voice-records.ts';
import { nameAddrOf } from '../sip/grammar/fields.ts';
import type { Request } from '../sip/grammar/message.ts';
import { isSipUri, type Uri } from '../sip/grammar/uri.ts';
import type { StatusCallback } from './call.ts';
import { shownUri } from './shown-uri.ts';
import { toE164 } from './trunk-numbers.ts';

/** Port: what the directory knows. */
export interface InboundDirectory {
  byocTrunk(sid: string): ByocTrunk | undefined;
  phoneNumber(number: string): PhoneNumber | undefined;
  application(sid: string): Application | undefined;
}

export interface InboundRoute {
  readonly application: VoiceApplication;
  readonly from: string;
  readonly to: string;
  readonly statusCallback: StatusCallback | undefined;
  /** The trunk that the call came in by. */
  readonly trunkSid: string | undefined;
  /** The application that the number names. */
  readonly applicationSid?: string;
  /** The number of the account that was called. */
  readonly phoneNumberSid?: string;
}

/** sip-interface.md 8.1: a domain tells only the end, a trunk the whole course (7). */
const COMPLETED = ['completed'] as const;
const ALL = ['initiated', 'ringing', 'answered', 'completed'] as const;

export function inboundRoute(request: Request, domain: Domain, directory: InboundDirectory): InboundRoute {
  const shown = { from: shownUri(request.from.uri), to: shownUri(request.uri) };
  const trunk = domain.byocTrunkSid === null ? undefined : directory.byocTrunk(domain.byocTrunkSid);
  if (!trunk) {
    const { voiceStatusCallbackUrl: url, voiceStatusCallbackMethod: method } = domain;
    const statusCallback = url === null ? undefined : { url, method, events: COMPLETED };
    return { application: domain, ...shown, statusCallback, trunkSid: undefined };
  }
  const number = calledNumber(request, domain, directory);
  const ofTrunk = callbackOf(trunk.statusCallbackUrl, trunk.statusCallbackMethod, ALL);
  if (!number) return { application: trunk, ...shown, statusCallback: ofTrunk, trunkSid: trunk.sid };
  const common = {
    from: numberOf(request.from.uri) ?? shown.from,
    to: number.phoneNumber,
    trunkSid: trunk.sid,
    phoneNumberSid: number.sid,
  };
  const named = applicationOf(number, directory);
  if (named) {
    const statusCallback = callbackOf(named.statusCallback, named.statusCallbackMethod, COMPLETED) ?? ofTrunk;
    return { ...common, application: named, applicationSid: named.sid, statusCallback };
  }
  return {
    ...common,
    application: canAnswer(number) ? number : trunk,
    statusCallback: callbackOf(number.statusCallback, number.statusCallbackMethod, COMPLETED) ?? ofTrunk,
  };
}

const canAnswer = ({ voiceUrl, voiceTwiml }: VoiceApplication): boolean => voiceUrl !== null || voiceTwiml !== null;

/** rest-api.md 13: voice_application_sid beats voice_url; one that is gone, or has no URL, leaves the number its own. */
function applicationOf(number: PhoneNumber, directory: InboundDirectory): Application | undefined {
  const sid = number.kept.voice_application_sid;
  const application = typeof sid === 'string' ? directory.application(sid) : undefined;
  return application?.accountSid === number.accountSid && canAnswer(application) ? application : undefined;
}

function callbackOf(
  url: string | null,
  method: StatusCallback['method'],
  events: StatusCallback['events'],
): StatusCallback | undefined {
  return url === null ? undefined : { url, method, events };
}

/**
 * The number that was called, if it is one of the account's. Carriers name it in the Request-URI; one that calls a Contact which we
 * registered has that there, and the number in P-Called-Party-ID (RFC 7315 4.2) or To.
 */
function calledNumber(request: Request, domain: Domain, directory: InboundDirectory): PhoneNumber | undefined {
  const called = nameAddrOf(request, 'p-called-party-id');
  const uris: Uri[] = [request.uri, ...(called?.ok ? [called.value.uri] : []), request.to.uri];
  for (const uri of uris) {
    const number = numberOf(uri);
    const found = number === undefined ? undefined : directory.phoneNumber(number);
    if (found?.accountSid === domain.accountSid) return found;
  }
  return undefined;
}

function numberOf(uri: Uri): string | undefined {
  if (isSipUri(uri)) return uri.user === undefined ? undefined : toE164(uri.user);
  return uri.scheme === 'tel' ? toE164(uri.text.slice(4)) : undefined;
}
