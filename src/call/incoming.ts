// An admitted INVITE becomes a call: checks that cost nothing first, then media, then 180, then its voice session
// (sip-interface.md 1.4: 180 is sent before the webhook is asked).

import { levelOf, sipErrorValue } from '../base/errors.ts';
import type { Domain, VoiceApplication } from '../base/records.ts';
import { maxForwards } from '../sip/grammar/fields.ts';
import type { Request } from '../sip/grammar/message.ts';
import type { IncomingInvite, ResponseOptions } from '../sip/ua/ua.ts';
import type { Attended } from './attended.ts';
import type { Call } from './call.ts';
import type { Calls } from './calls.ts';
import { type InboundDirectory, type InboundRoute, inboundRoute } from './inbound-application.ts';
import type { HeaderPair } from './leg-driver.ts';
import { inboundSipParams } from './params.ts';
import { headerFields } from './relay-headers.ts';
import type { Router } from './routing.ts';
import { SipLeg, type SipLegServices } from './sip-leg.ts';
import { readTakeover, takeOver } from './takeover.ts';
import type { TrunkGate } from './trunks.ts';

export interface IncomingServices {
  readonly calls: Calls;
  readonly router: Router;
  readonly attended: Attended;
  readonly legs: SipLegServices;
  readonly directory: InboundDirectory;
  readonly trunks: Pick<TrunkGate, 'admitInbound'>;
  /** A caller in need: no bound of ours stops the call. */
  readonly isEmergency?: (request: Request, domain: Domain) => boolean;
  /** True when the application cannot take one more request now (design.md 5.4). */
  readonly isOverloaded: (application: VoiceApplication) => boolean;
  /** Runs the application of the domain, trunk or number on the call. */
  readonly startSession: (call: Call, application: VoiceApplication) => void;
  /** Says once per second at most that calls are refused for want of capacity. */
  readonly onRefused: (reason: string, invite: IncomingInvite) => void;
}

/** Retry-After of an overload refusal, spread so that peers do not come back together. */
const RETRY_AFTER_SECONDS = 5;

export async function acceptInvite(invite: IncomingInvite, services: IncomingServices): Promise<void> {
  const { domain, request, session } = invite;
  const route = inboundRoute(request, domain, services.directory);
  const refusal = capacityRefusal(invite, route, services);
  if (refusal) return session.reject(503, refusal);
  const takeover = readTakeover(invite, services.attended);
  if (takeover && !takeover.ok) {
    const { status, reason, headers = [] } = takeover.error;
    return session.reject(status, { reason, headers: headerFields(headers) });
  }
  const place =
    route.trunkSid === undefined ? undefined : services.trunks.admitInbound(route.trunkSid, domain.accountSid);
  if (place && !place.ok) return session.reject(503, trunkRefusal(invite, place.error, services));
  const { call, leg } = createCall(invite, route, services);
  if (place) call.signal.addEventListener('abort', place.value, { once: true });
  const failure = await leg.prepare(invite.sdp);
  if (call.isOver) return;
  if (failure) return refuseForMedia(call, failure, () => services.onRefused(failure.reason, invite));
  if (takeover) return takeOver(call, takeover.value);
  if (!hasApplication(route.application)) {
    const whose = route.trunkSid === undefined ? 'domain' : 'trunk';
    call.notify('warning', 21205, `the ${whose} has no Voice URL`);
    return call.refuse(404, `the ${whose} has no Voice URL`);
  }
  leg.ring();
  // A trunk is told of the beginning too (sip-interface.md 7).
  if (route.trunkSid !== undefined) call.emit({ type: 'status', status: 'initiated', sipResponseCode: null });
  call.emit({ type: 'status', status: 'ringing', sipResponseCode: 180 });
  services.startSession(call, route.application);
}

/** The 503 of a gateway or application that is full, before anything is allocated; emergency calls pass. */
function capacityRefusal(
  invite: IncomingInvite,
  route: InboundRoute,
  services: IncomingServices,
): ResponseOptions | undefined {
  if (services.isEmergency?.(invite.request, invite.domain)) return undefined;
  const { isFull } = services.calls;
  if (!isFull && !services.isOverloaded(route.application)) return undefined;
  const cause = isFull ? 'the gateway is full' : 'the webhook queue is full';
  services.onRefused(cause, invite);
  const retryAfter = RETRY_AFTER_SECONDS + (invite.request.cseq.sequence % RETRY_AFTER_SECONDS);
  const headers = [{ name: 'Retry-After', value: String(retryAfter) }];
  if (isFull) headers.push({ name: 'X-Twilio-Error', value: sipErrorValue(10004, cause) });
  return { headers };
}

/** The 503 of a trunk that is full. */
function trunkRefusal(
  invite: IncomingInvite,
  { errorCode, detail }: { readonly errorCode: number; readonly detail: string },
  services: IncomingServices,
): ResponseOptions {
  services.onRefused(detail, invite);
  const headers = [
    { name: 'X-Twilio-Error', value: `${errorCode} ${detail}` },
    { name: 'Retry-After', value: String(RETRY_AFTER_SECONDS) },
  ];
  return { reason: detail, headers };
}

/** The call and its leg; media is not open yet. */
function createCall(
  invite: IncomingInvite,
  route: InboundRoute,
  services: IncomingServices,
): { call: Call; leg: SipLeg } {
  const { domain, request } = invite;
  const call = services.calls.create({
    accountSid: domain.accountSid,
    direction: 'inbound',
    from: route.from,
    to: route.to,
    parentCallSid: null,
    domain,
    statusCallback: route.statusCallback,
    sipParams: inboundSipParams(request, domain, invite.flow.remoteAddress, invite.username),
    callerName: request.from.displayName ?? null,
    applicationSid: route.applicationSid,
    phoneNumberSid: route.phoneNumberSid,
  });
  const hops = maxForwards(request);
  services.router.noteInbound(call, hops?.ok ? hops.value : 70);
  const identity = { callSid: call.sid, accountSid: domain.accountSid, offersReplaces: domain.attendedTransfer };
  const leg = SipLeg.incoming(invite, identity, services.legs, {
    callSid: call.sid,
    // Of our own offer, when the caller made none.
    profile: domain.secure ? 'savp' : 'avp',
    nat: domain.nat,
    dtmfInband: domain.dtmfInband,
    security: {
      // design.md 10: `optional` also takes SRTP on a domain that does not require it, when the keys travel over TLS.
      srtpAllowed: domain.secure || (domain.mediaEncryption === 'optional' && invite.flow.isSecure),
      srtpRequired: domain.secure,
    },
  });
  call.attach(leg);
  return { call, leg };
}

const hasApplication = ({ voiceUrl, voiceTwiml }: VoiceApplication): boolean =>
  voiceUrl !== null || voiceTwiml !== null;

function refuseForMedia(
  call: Call,
  failure: { readonly status: number; readonly reason: string; readonly errorCode: number | undefined },
  onNoPorts: () => void,
): void {
  const headers: HeaderPair[] =
    failure.errorCode === undefined ? [] : [['X-Twilio-Error', `${failure.errorCode} ${failure.reason}`]];
  if (failure.status === 503) {
    onNoPorts();
    return call.refuse(503, failure.reason, [...headers, ['Retry-After', String(RETRY_AFTER_SECONDS)]]);
  }
  if (failure.errorCode !== undefined) call.notify(levelOf(failure.errorCode), failure.errorCode, failure.reason);
  call.refuse(failure.status, failure.reason, headers, failure.reason);
}
