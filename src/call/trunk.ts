// What call/ knows of a carrier: where its calls go, with which name and number form, and what it may be used for (design.md 9).
// The composition root makes these of hookswitch.yaml and of the directory; nothing here looks anything up.

import type { SipUri } from '../sip/grammar/uri.ts';

export interface TrunkTarget {
  /** Without user. */
  readonly uri: SipUri;
  /** The lowest is tried first. */
  readonly priority: number;
  /** The share inside one priority. */
  readonly weight: number;
}

/** Bounds of what may be dialled and how much of it, per trunk or per account. */
export interface DiallingLimits {
  /** Prefixes that may be dialled; empty = none; null = only the other one of account and trunk decides. */
  readonly allowedPrefixes: readonly string[] | null;
  readonly maxConcurrentCalls: number;
  readonly maxCallsPerSecond: number;
  /** Minutes of talk in one UTC day; null = no bound of its own. */
  readonly maxDailyMinutes: number | null;
}

export interface AccountLimits extends DiallingLimits {
  /** Never dialled, whatever is allowed: premium rate numbers. */
  readonly blockedPrefixes: readonly string[];
  /** Sid or declared name of the trunk for numbers that no declared trunk takes; null = none. */
  readonly defaultTrunk: string | null;
}

export interface OutboundTrunk extends DiallingLimits {
  /** BY… */
  readonly sid: string;
  readonly name: string;
  readonly accountSid: string;
  /** Declared in hookswitch.yaml: any account may use it, within its prefixes. */
  readonly isDeclared: boolean;
  readonly targets: readonly TrunkTarget[];
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Digits cut from the front of the dialled number, then `prepend` put there. */
  readonly stripPrefix: string;
  readonly prepend: string;
  /** Form of numbers towards the carrier: with `+`, without, or as they are. */
  readonly plus: boolean | 'keep';
  /** Host of the From header; undefined = our address. */
  readonly fromHost: string | undefined;
  /** Number shown in place of any other; the one that vouches for anonymous calls. */
  readonly callerId: string | undefined;
  /** Send P-Asserted-Identity (RFC 3325). */
  readonly assertsIdentity: boolean;
  /** Offer SRTP (over TLS only). */
  readonly secureMedia: boolean;
  /** False: its certificate is not verified, whatever the setting says. */
  readonly tlsVerify?: boolean;
}

/** Port: the trunks that exist now. */
export interface TrunkBook {
  /** By sid or declared name, where the account may use it. */
  find(trunk: string, accountSid: string): OutboundTrunk | undefined;
  /** The declared ones, in the order of the file. */
  declared(): readonly OutboundTrunk[];
  limitsOf(accountSid: string): AccountLimits;
  /** False while a target does not answer (trunk-health.ts). */
  isTargetUp(target: SipUri): boolean;
}

export interface RouteFailure {
  /** Code on the call: notification and log. */
  readonly errorCode: number;
  readonly detail: string;
  readonly sipStatus: number;
  /** Code and HTTP status where REST asked for the call; absent = the code of the call, 400. */
  readonly rest?: { readonly code: number; readonly status: number };
  /** Set when the target is known but cannot be rung now: the attempt becomes a call to this address that fails. */
  readonly to?: string;
}

/** Why a number is not dialled → its codes (sip-interface.md 1.5, 8.4; rest-api.md 6). */
export const refusals = {
  demoUser: { errorCode: 13227, sipStatus: 403, rest: { code: 21216, status: 400 } },
  noTrunk: { errorCode: 13224, sipStatus: 404, rest: { code: 21214, status: 400 } },
  unknownTrunk: { errorCode: 32401, sipStatus: 404, rest: { code: 21300, status: 400 } },
  noTarget: { errorCode: 32400, sipStatus: 503, rest: { code: 21214, status: 400 } },
  accountPrefix: { errorCode: 13227, sipStatus: 403, rest: { code: 21215, status: 400 } },
  trunkPrefix: { errorCode: 32205, sipStatus: 403, rest: { code: 21215, status: 400 } },
  callerId: { errorCode: 13214, sipStatus: 403, rest: { code: 21210, status: 400 } },
  blockedPrefix: { errorCode: 13225, sipStatus: 403, rest: { code: 21216, status: 400 } },
  accountCapacity: { errorCode: 10004, sipStatus: 503, rest: { code: 10004, status: 429 } },
  trunkCapacity: { errorCode: 32012, sipStatus: 503, rest: { code: 10004, status: 429 } },
  accountRate: { errorCode: 32013, sipStatus: 503, rest: { code: 20429, status: 429 } },
  trunkRate: { errorCode: 32001, sipStatus: 503, rest: { code: 20429, status: 429 } },
  dailyMinutes: { errorCode: 32203, sipStatus: 403, rest: { code: 21216, status: 400 } },
} as const satisfies Record<string, Omit<RouteFailure, 'detail'>>;

export type RefusalCause = keyof typeof refusals;

export const refusalOf = (cause: RefusalCause, detail: string): RouteFailure => ({ ...refusals[cause], detail });
