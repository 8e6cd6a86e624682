// Where a Dial target or a REST call goes: a registered user, a URI somewhere else, or a number behind the trunk. Makes the child call
// with its leg; everything that can be refused before an INVITE leaves is refused here with the vendor's code.

import type { Clock } from '../base/clock.ts';
import { levelOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import type { Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { HeaderField } from '../sip/grammar/message.ts';
import { isSipUri, parseUri, type SipUri, withoutUriHeaders, withoutUriParam } from '../sip/grammar/uri.ts';
import type { UserAgent } from '../sip/ua/ua.ts';
import type { Call } from './call.ts';
import type { Calls } from './calls.ts';
import { clientHeaders } from './client-parameters.ts';
import type { DialTarget } from './dial-options.ts';
import { type EmergencyServices, routeEmergency } from './emergency.ts';
import { FailoverLeg } from './failover-leg.ts';
import { type Branch, ForkedLeg } from './forked-leg.ts';
import type { LegDriver } from './leg-driver.ts';
import { routeNumber } from './number-route.ts';
import type { Path, Route, RouteContext, RouteTarget } from './route.ts';
import { shownUri } from './shown-uri.ts';
import { SipLeg, type SipLegServices } from './sip-leg.ts';
import type { RouteFailure, TrunkGate } from './trunks.ts';
import { UnreachableLeg } from './unreachable-leg.ts';

export type { RouteContext, RouteTarget } from './route.ts';
export type { RouteFailure } from './trunks.ts';

export interface RouterServices {
  readonly clock: Clock;
  readonly calls: Calls;
  readonly legs: SipLegServices;
  readonly userAgent: UserAgent;
  readonly trunks: Pick<TrunkGate, 'admit'>;
  /** Whether a host and port are ours. */
  readonly isOwnAddress: (host: string, port: number | undefined) => boolean;
  /** The domain of ours that a URI host means, if any (own addresses: the default domain). */
  readonly domainOf: (host: string, port: number | undefined) => Domain | undefined;
  /** Whether a host has the form of a domain of ours: below our suffix. */
  readonly isDomainName: (host: string) => boolean;
  /** Whether the account may call at all; absent: each may. */
  readonly isActive?: (accountSid: string) => boolean;
  /** Names of the domains of an account, for `<Client>`. */
  readonly domainsOfAccount: (accountSid: string) => readonly Domain[];
  /** Absent: emergency numbers are numbers like others. */
  readonly emergency?: EmergencyServices;
}

/** Headers that a dialled URI may add to the INVITE (sip-interface.md 2.1). */
const ALLOWED_HEADERS = new Set(['user-to-user', 'remote-party-id', 'p-preferred-identity', 'p-called-party-id']);
/** URI parameters for us, not for the peer. */
const OWN_PARAMETERS = ['edge', 'region', 'secure'];

const NO_PARAMS: ReadonlyMap<string, string> = new Map();

export class Router {
  readonly #services: RouterServices;
  /** Max-Forwards and display name of inbound callers, by CallSid (a B2BUA loop has new Call-IDs: design.md 5.3). */
  readonly #callers = new WeakMap<Call, { maxForwards: number }>();

  constructor(services: RouterServices) {
    this.#services = services;
  }

  noteInbound(call: Call, maxForwards: number): void {
    this.#callers.set(call, { maxForwards });
  }

  /** A child of `caller` for one Dial target, ready to start. */
  async child(caller: Call, target: DialTarget, callerId: string | undefined): Promise<Result<Call, RouteFailure>> {
    const maxForwards = (this.#callers.get(caller)?.maxForwards ?? 70) - 1;
    if (maxForwards <= 0) return err({ errorCode: 32006, detail: 'too many hops', sipStatus: 483 });
    const made = this.make(target, {
      accountSid: caller.options.accountSid,
      direction: 'outbound-dial',
      parentCallSid: caller.sid,
      domain: caller.options.domain,
      isOperators: caller.options.direction === 'outbound-api',
      near: caller.leg.endpoint,
      callerId: callerId ?? userOf(caller.options.from),
      callerName: callerId === undefined ? (caller.options.callerName ?? undefined) : undefined,
      maxForwards,
      statusCallback:
        target.statusCallback === undefined
          ? undefined
          : { url: target.statusCallback, method: target.statusCallbackMethod, events: target.statusCallbackEvents },
    });
    if (made.ok) this.#callers.set(made.value, { maxForwards });
    return made;
  }

  /**
   * A new outgoing call to `target` that starts later: where it goes is looked up then, and a refusal ends it as failed. Refused at once
   * where too many wait.
   */
  makeLater(target: RouteTarget, context: RouteContext): Result<Call, RouteFailure> {
    if (this.#services.calls.waiting >= limits.callsQueued)
      return err({ errorCode: 22005, detail: 'too many calls wait for their turn', sipStatus: 503 });
    const call = this.#create(shownTarget(target), context.callerId, target, context);
    call.attach(
      new FailoverLeg({
        attempts: [() => this.#lateLeg(call, target, context)],
        redirect: () => undefined,
        onTargetFailed: () => {},
      }),
    );
    return ok(call);
  }

  #lateLeg(call: Call, target: RouteTarget, context: RouteContext): LegDriver {
    const refused = this.#refusal(target, context);
    const route = refused ? err(refused) : this.#resolve(target, context);
    if (!route.ok) {
      const { errorCode, detail, sipStatus } = route.error;
      call.notify(levelOf(errorCode), errorCode, detail);
      return new UnreachableLeg(this.#services.clock, sipStatus, detail);
    }
    route.value.onCall(call);
    return route.value.leg(call, (path, changes) => this.#leg(call, path, { ...route.value, ...changes }, context));
  }

  /** What stands in the way of any new call. */
  #refusal(target: RouteTarget, { accountSid }: RouteContext): RouteFailure | undefined {
    const isUrgent = this.isEmergency(target);
    if (this.#services.calls.isFull && !isUrgent)
      return { errorCode: 10004, detail: 'the gateway is full', sipStatus: 503 };
    if (this.#services.isActive?.(accountSid) === false && !isUrgent)
      return { errorCode: 10001, detail: 'the account is not active', sipStatus: 403 };
    return undefined;
  }

  /** A new outgoing call to `target`. */
  make(target: RouteTarget, context: RouteContext): Result<Call, RouteFailure> {
    const refused = this.#refusal(target, context);
    if (refused) return err(refused);
    const route = this.#resolve(target, context);
    if (!route.ok)
      return route.error.to === undefined ? route : ok(this.#unreachable(route.error, route.error.to, target, context));
    const call = this.#create(route.value.to, route.value.callerId, target, context);
    route.value.onCall(call);
    call.attach(
      route.value.leg(call, (path, changes) => this.#leg(call, path, { ...route.value, ...changes }, context)),
    );
    // sip-interface.md 0, 2.1: hop encryption only.
    if (target.kind === 'sip' && /^\s*sips:/i.test(target.uri))
      call.notify('warning', 32114, 'sips is not carried end to end: dialled as sip with transport=tls');
    return ok(call);
  }

  /** A target that is known but cannot be rung now: a call that fails when it is started. */
  #unreachable(failure: RouteFailure, to: string, target: RouteTarget, context: RouteContext): Call {
    const call = this.#create(to, context.callerId, target, context);
    call.attach(new UnreachableLeg(this.#services.clock, failure.sipStatus, failure.detail));
    call.notify(levelOf(failure.errorCode), failure.errorCode, failure.detail);
    return call;
  }

  #create(to: string, callerId: string, target: RouteTarget, context: RouteContext): Call {
    return this.#services.calls.create({
      accountSid: context.accountSid,
      direction: context.direction,
      from: fromShown(callerId, target, context),
      to,
      parentCallSid: context.parentCallSid,
      domain: context.domain,
      statusCallback: context.statusCallback,
      sipParams: NO_PARAMS,
      callerName: null,
      ...context.rest,
    });
  }

  #leg(call: Call, path: Path, route: Route, context: RouteContext): SipLeg {
    const { profile } = path;
    return SipLeg.outgoing(
      {
        target: path.target,
        from: route.from,
        ...(route.toUri ? { to: route.toUri } : {}),
        headers: route.headers,
        ...(route.bodyPart ? { bodyPart: route.bodyPart } : {}),
        credentials: route.credentials,
        maxForwards: context.maxForwards,
        hasAlternatives: path.hasAlternatives ?? false,
      },
      {
        callSid: call.sid,
        accountSid: context.accountSid,
        offersReplaces: context.domain?.attendedTransfer === true,
      },
      this.#services.legs,
      {
        callSid: call.sid,
        profile,
        nat: path.nat,
        dtmfInband: context.domain?.dtmfInband ?? false,
        security: { srtpAllowed: profile === 'savp', srtpRequired: profile === 'savp' },
      },
      context.near,
    );
  }

  /** Emergency calls wait for nothing. */
  isEmergency(target: RouteTarget): boolean {
    return target.kind === 'number' && (this.#services.emergency?.isEmergencyNumber(target.number) ?? false);
  }

  #resolve(target: RouteTarget, context: RouteContext): Result<Route, RouteFailure> {
    if (target.kind === 'sip') return this.#resolveSip(target, context);
    if (target.kind === 'client') return this.#resolveClient(target, context);
    const isOwn = (host: string, port: number | undefined) =>
      this.#services.domainOf(host, port) !== undefined || this.#services.isOwnAddress(host, port);
    const { emergency, calls } = this.#services;
    if (emergency && this.isEmergency(target)) {
      const caller = context.parentCallSid === null ? undefined : calls.get(context.parentCallSid);
      return routeEmergency(target, context, caller, emergency, isOwn);
    }
    return routeNumber(target, context, { trunks: this.#services.trunks, isOwn });
  }

  #resolveSip(target: Extract<RouteTarget, { kind: 'sip' }>, context: RouteContext): Result<Route, RouteFailure> {
    const text = /^sips?:/i.test(target.uri) ? target.uri : `sip:${target.uri}`;
    const parsed = parseUri(text.trim());
    if (!parsed.ok || !isSipUri(parsed.value)) {
      return err({ errorCode: 13243, detail: 'the dialled text is not a SIP URI', sipStatus: 404 });
    }
    // sip-interface.md 0: sips is taken as sip over TLS.
    const isSips = parsed.value.scheme === 'sips';
    const given: SipUri = isSips
      ? { ...parsed.value, scheme: 'sip', params: new Map([...parsed.value.params, ['transport', 'tls']]) }
      : parsed.value;
    const isSecure = given.params.get('secure')?.toLowerCase() === 'true';
    const headers = allowedHeaders(given);
    const domain = this.#services.domainOf(given.host, given.port ?? 5060);
    if (domain) return this.#resolveRegistered(given, domain, headers, isSecure, context);
    if (this.#services.isDomainName(given.host))
      return err({ errorCode: 32002, detail: `there is no SIP domain ${given.host}`, sipStatus: 404 });
    let uri: SipUri = withoutUriHeaders(given);
    for (const name of OWN_PARAMETERS) uri = withoutUriParam(uri, name);
    if (isSecure) uri = { ...uri, params: new Map([...uri.params, ['transport', 'tls']]) };
    const path: Path = {
      target: { kind: 'uri', uri },
      profile: isSecure ? 'savp' : 'avp',
      mayFallBack: false,
      nat: false,
    };
    return ok({
      leg: ringAll([path]),
      to: shownUri(uri),
      toUri: uri,
      headers,
      credentials: target.username ? { username: target.username, password: target.password ?? '' } : undefined,
      from: callerOf(context, context.domain?.domainName),
      callerId: context.callerId,
      onCall: noteUnreachable,
    });
  }

  /** Rules of sip-interface.md 3 for calling a registered endpoint. */
  #resolveRegistered(
    uri: SipUri,
    domain: Domain,
    headers: readonly HeaderField[],
    isSecure: boolean,
    context: RouteContext,
  ): Result<Route, RouteFailure> {
    if (!uri.user) return err({ errorCode: 32223, detail: 'no user in the dialled SIP URI', sipStatus: 404 });
    if (domain.accountSid !== context.accountSid) {
      return err({ errorCode: 32214, detail: `${domain.domainName} belongs to another account`, sipStatus: 404 });
    }
    const name = `${uri.user}@${domain.domainName}`;
    const toUri: SipUri = { ...withoutUriHeaders(uri), host: domain.domainName, port: undefined, params: new Map() };
    const all = this.#services.userAgent.bindingsOf(uri.user, domain.domainName);
    const bindings =
      isSecure || domain.secure
        ? all.filter((binding) => binding.transport === 'tls' || binding.transport === 'wss')
        : all;
    if (bindings.length === 0) {
      const errorCode = all.length > 0 ? 32209 : 32009;
      const detail = all.length > 0 ? `${name} is not registered over TLS` : `${name} is not registered`;
      return err({ errorCode, detail, sipStatus: 404, to: shownUri(toUri) });
    }
    const paths = bindings.map((binding): Path => {
      const overTls = binding.transport === 'tls' || binding.transport === 'wss';
      const mustEncrypt = isSecure || domain.secure;
      const offersSrtp = mustEncrypt || (overTls && domain.mediaEncryption === 'optional');
      return {
        target: { kind: 'binding', binding },
        profile: offersSrtp ? 'savp' : 'avp',
        mayFallBack: !mustEncrypt,
        nat: domain.nat,
      };
    });
    return ok({
      leg: ringAll(paths),
      to: shownUri(toUri),
      toUri,
      headers,
      credentials: undefined,
      from: callerOf(context, context.domain?.domainName ?? domain.domainName),
      callerId: context.callerId,
      onCall: noteRedirects,
    });
  }

  /** `<Client>`: a registered SIP user of the account (design.md 10); `user@domain` picks one. */
  #resolveClient(
    { identity, parameters = [] }: Extract<RouteTarget, { kind: 'client' }>,
    context: RouteContext,
  ): Result<Route, RouteFailure> {
    const to = `client:${identity.slice(0, limits.clientIdentityChars)}`;
    const at = identity.lastIndexOf('@');
    const user = at < 0 ? identity : identity.slice(0, at);
    const own = this.#services.domainsOfAccount(context.accountSid);
    const preferred = [...own].sort(
      (a, b) => Number(b.sid === context.domain?.sid) - Number(a.sid === context.domain?.sid),
    );
    const domains =
      at < 0 ? preferred : preferred.filter((domain) => domain.domainName === identity.slice(at + 1).toLowerCase());
    for (const domain of domains) {
      if (this.#services.userAgent.bindingsOf(user, domain.domainName).length === 0) continue;
      const uri: SipUri = {
        scheme: 'sip',
        user,
        password: undefined,
        host: domain.domainName,
        port: undefined,
        params: new Map(),
        headers: [],
      };
      const route = this.#resolveRegistered(uri, domain, clientHeaders(parameters), false, context);
      return route.ok ? ok({ ...route.value, to }) : err({ ...route.error, to });
    }
    return err({ errorCode: 32009, detail: `${to} is not registered`, sipStatus: 404, to });
  }
}

/** A target as `To` shows it, before it is known where it leads. */
function shownTarget(target: RouteTarget): string {
  if (target.kind === 'number') return target.number;
  if (target.kind === 'client') return `client:${target.identity.slice(0, limits.clientIdentityChars)}`;
  const parsed = parseUri(/^sips?:/i.test(target.uri) ? target.uri : `sip:${target.uri}`);
  return parsed.ok ? shownUri(parsed.value) : target.uri;
}

const callerOf = (context: RouteContext, host: string | undefined): Route['from'] => ({
  displayName: context.callerName,
  user: context.callerId,
  host,
});

/** sip-interface.md 2.4, 3: a phone cannot send its calls elsewhere; the application does that. */
const noteRedirects: Route['onCall'] = (call) => {
  call.onLegEvent((event) => {
    if (event.type === 'failed' && event.status >= 300 && event.status < 400)
      call.notify('error', 32219, `a registered phone redirected the call (${event.status}): not followed`);
  });
};

/** sip-interface.md 2.4: nothing came back; of what the peer answers itself the SIP status tells. */
const noteUnreachable: Route['onCall'] = (call) => {
  call.onLegEvent((event) => {
    if (event.type === 'failed' && ['dns', 'transport', 'timeout'].includes(event.cause))
      call.notify('warning', 32011, `${call.options.to}: ${event.detail}`.slice(0, 200));
  });
};

/** All paths at once; the first to answer is the leg. */
const ringAll =
  (paths: readonly Path[]): Route['leg'] =>
  (_call, legOf) =>
    new ForkedLeg(
      paths.map((path): Branch => {
        const mayFallBack = path.profile === 'savp' && path.mayFallBack;
        return { leg: legOf(path), fallback: mayFallBack ? () => legOf({ ...path, profile: 'avp' }) : undefined };
      }),
    );

/** The headers of a dialled URI that may go into the INVITE; the document parser warned about the others. */
export function allowedHeaders(uri: SipUri): HeaderField[] {
  return uri.headers
    .filter(
      ([name, value]) => (/^x-/i.test(name) || ALLOWED_HEADERS.has(name.toLowerCase())) && !/[\r\n\0]/.test(value),
    )
    .map(([name, value]) => ({ name, value }));
}

/** User part of a SIP URI, the name of a client, or the text itself (a number). */
export function userOf(address: string): string {
  if (address.startsWith('client:')) return address.slice('client:'.length);
  const parsed = parseUri(address);
  if (parsed.ok && isSipUri(parsed.value)) return parsed.value.user ?? 'anonymous';
  return address || 'anonymous';
}

function fromShown(callerId: string, target: RouteTarget, context: RouteContext): string {
  if (target.kind === 'number' || /^\+?\d+$/.test(callerId) || callerId.startsWith('client:')) return callerId;
  return context.domain ? `sip:${callerId}@${context.domain.domainName}` : callerId;
}
