// Emergency calls: the application dials 911, 112 or the test number 933 (sip-interface.md 9), and the call leaves by the emergency trunk,
// with the caller's number and place. No bound of ours stops it: not the trunk's capacity, rate or prefixes, not minutes, not maxCalls.
// It is logged loudly. Where the caller's domain has no emergency calling it is refused, and that is said as loudly.
//
//   <Number>911 ─▶ domain enabled? ─no─▶ 403, notification          trunk set? ─no─▶ 503, notification
//                      └──────yes──▶ caller id, Geolocation, PIDF-LO ─▶ INVITE sip:911@trunk

import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Call } from './call.ts';
import { type EmergencyLocation, locationParts } from './location.ts';
import { routeNumber } from './number-route.ts';
import type { Route, RouteContext, RouteTarget } from './route.ts';
import type { OutboundTrunk, RouteFailure } from './trunk.ts';
import { isNumber, withPlus } from './trunk-numbers.ts';

/** Port: what the settings and the directory say. */
export interface EmergencyServices {
  /** Digits only. */
  readonly isEmergencyNumber: (number: string) => boolean;
  readonly trunkFor: (accountSid: string) => OutboundTrunk | undefined;
  /** The number that the domain shows on emergency calls. */
  readonly callerNumber: (domain: Domain) => string | undefined;
  /** Where a user of the domain is; undefined = unknown. */
  readonly locationOf: (domain: Domain, username: string | undefined) => EmergencyLocation | undefined;
  readonly random: RandomSource;
  readonly wall: () => number;
  readonly log: Log;
}

type NumberTarget = Extract<RouteTarget, { kind: 'number' }>;

/** The route of an emergency call. `caller`: the call on whose behalf it is made. */
export function routeEmergency(
  target: NumberTarget,
  context: RouteContext,
  caller: Call | undefined,
  services: EmergencyServices,
  isOwn: (host: string, port: number | undefined) => boolean,
): Result<Route, RouteFailure> {
  const { number } = target;
  const { domain, accountSid } = context;
  if (!domain?.emergencyCallingEnabled) {
    const where = domain ? `on ${domain.domainName}` : 'for calls without a domain';
    return refused(
      services,
      context,
      13225,
      403,
      `emergency calling is not enabled ${where}: ${number} is not dialled`,
    );
  }
  const trunk = services.trunkFor(accountSid);
  if (!trunk || trunk.targets.length === 0)
    return refused(services, context, 13224, 503, `no emergencyTrunk is set: the emergency call to ${number} fails`);
  const callerId = services.callerNumber(domain) ?? numberOf(context.callerId) ?? trunk.callerId ?? context.callerId;
  // Emergency numbers are sent as they are; the caller's number in the carrier's form.
  const plain: OutboundTrunk = {
    ...trunk,
    stripPrefix: '',
    prepend: '',
    plus: 'keep',
    callerId: withPlus(callerId, trunk.plus),
  };
  const targets = [...trunk.targets].sort((a, b) => a.priority - b.priority).map(({ uri }) => uri);
  const admit = () => ok({ trunk: plain, targets, mayDial: () => true, carry: () => {}, release: () => {} });
  const route = routeNumber(target, { ...context, callerId }, { trunks: { admit }, isOwn });
  return route.ok ? ok(withLocation(route.value, number, domain, context, caller, services)) : route;
}

function withLocation(
  route: Route,
  number: string,
  domain: Domain,
  context: RouteContext,
  caller: Call | undefined,
  { locationOf, random, wall, log }: EmergencyServices,
): Route {
  const username = caller?.options.sipParams.get('SipUsername');
  const location = locationOf(domain, username);
  const entity = `${username ?? 'anonymous'}@${domain.domainName}`;
  const located = location && locationParts(location, entity, random(8).toString('hex'), wall());
  return {
    ...route,
    headers: [...route.headers, { name: 'Priority', value: 'emergency' }, ...(located?.headers ?? [])],
    ...(located?.part ? { bodyPart: located.part } : {}),
    onCall(call) {
      route.onCall(call);
      const place = location ? `location of ${entity}` : 'no location';
      const parentCallSid = context.parentCallSid;
      log.error({ callSid: call.sid, parentCallSid, number, from: route.callerId, location: place }, 'EMERGENCY CALL');
      call.notify('warning', 90911, `emergency call to ${number} from ${route.callerId}, with ${place}`);
    },
  };
}

const numberOf = (callerId: string): string | undefined => (isNumber(callerId) ? callerId : undefined);

function refused(
  { log }: EmergencyServices,
  { accountSid, parentCallSid: callSid }: RouteContext,
  errorCode: number,
  sipStatus: number,
  detail: string,
): Result<never, RouteFailure> {
  log.error({ accountSid, callSid, errorCode, detail }, 'EMERGENCY CALL REFUSED');
  return err({ errorCode, detail, sipStatus });
}
