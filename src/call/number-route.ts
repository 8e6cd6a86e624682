// A number as a route: a place on a trunk, its targets one after the other, and the redirect that a carrier may answer with
// (sip-interface.md 2.4, 7).

import { ok, type Result } from '../base/result.ts';
import type { SipUri } from '../sip/grammar/uri.ts';
import type { Call } from './call.ts';
import { FailoverLeg } from './failover-leg.ts';
import type { LegDriver } from './leg-driver.ts';
import { checkRedirect, isPrivate } from './redirects.ts';
import type { Path, Route, RouteContext, RouteTarget } from './route.ts';
import { isTargetDead } from './target-rests.ts';
import type { OutboundTrunk, RouteFailure } from './trunk.ts';
import { callerIdentity, carrierNumber, toE164, trunkUri } from './trunk-numbers.ts';
import type { AdmittedTrunk, TrunkGate } from './trunks.ts';

export interface NumberRouteServices {
  readonly trunks: Pick<TrunkGate, 'admit'>;
  /** A name or address of ours. */
  readonly isOwn: (host: string, port: number | undefined) => boolean;
}

export function routeNumber(
  target: Extract<RouteTarget, { kind: 'number' }>,
  context: RouteContext,
  services: NumberRouteServices,
): Result<Route, RouteFailure> {
  const { number, byoc } = target;
  const { accountSid, callerId } = context;
  const domain = context.isOperators ? undefined : context.domain;
  const admitted = services.trunks.admit(number, { accountSid, domain, byoc, callerId });
  if (!admitted.ok) return admitted;
  const { trunk, targets } = admitted.value;
  const { headers, ...from } = callerIdentity(trunk, context.callerId, context.callerName);
  const dialled = carrierNumber(number, trunk);
  const uris = targets.map((uri) => trunkUri(uri, dialled));
  return ok({
    to: number,
    callerId: trunk.callerId ?? context.callerId,
    toUri: undefined,
    from,
    headers,
    credentials: trunk.credentials,
    leg: (call, legOf) => trunkLeg(call, uris, admitted.value, services, legOf),
    onCall: admitted.value.carry,
  });
}

type LegOf = (path: Path, route?: Partial<Route>) => LegDriver;

function trunkLeg(
  call: Call,
  uris: readonly SipUri[],
  { trunk, targets, mayDial, noteTarget }: AdmittedTrunk,
  services: NumberRouteServices,
  legOf: LegOf,
): LegDriver {
  return new FailoverLeg({
    attempts: uris.map((uri) => (hasAlternatives) => legOf(pathTo(uri, trunk, hasAlternatives))),
    onTargetFailed(failed, index) {
      const { status, detail, cause } = failed;
      call.notify('warning', 32011, `trunk ${trunk.name}: ${status} ${detail}`.slice(0, 200));
      if (index !== undefined) return noteTarget?.(targets[index]!, isTargetDead(failed));
      // A name that leads nowhere we may go: the redirect itself is at fault.
      if (cause === 'dns') call.notify('error', 32219, `redirect of trunk ${trunk.name} is not followed: ${detail}`);
    },
    onTargetAnswered: (index) => noteTarget?.(targets[index]!, false),
    redirect({ redirect }, failed) {
      // The carrier writes numbers in its own form: the one that was dialled stays allowed, any other is read as E.164.
      const mayGoTo = (number: string) => number === uris[0]?.user || mayDial(toE164(number) ?? number);
      const checked = checkRedirect(redirect, failed.remoteAddress, { isOwn: services.isOwn, mayDial: mayGoTo });
      if (!checked.ok) {
        call.notify('error', 32219, `redirect of trunk ${trunk.name} is not followed: ${checked.error}`);
        return undefined;
      }
      const isOfTrunk = uris.some((uri) => uri.host === checked.value.host.toLowerCase());
      // What answers elsewhere learns nothing of our password.
      const path = pathTo(checked.value, trunk, false);
      // As with addresses: a carrier out there may not send us into a private network by a name that leads into it.
      const publicOnly = failed.remoteAddress === undefined || !isPrivate(failed.remoteAddress);
      return legOf({ ...path, target: { ...path.target, publicOnly } }, isOfTrunk ? {} : { credentials: undefined });
    },
  });
}

function pathTo(uri: SipUri, trunk: OutboundTrunk, hasAlternatives: boolean) {
  // RFC 4568 7.1: SRTP keys only where the signalling is protected.
  const isSecure = trunk.secureMedia && uri.params.get('transport')?.toLowerCase() === 'tls';
  const target = { kind: 'uri', uri, tlsVerify: trunk.tlsVerify !== false } as const;
  const profile = isSecure ? 'savp' : 'avp';
  return { target, profile, mayFallBack: false, nat: false, hasAlternatives } as const;
}
