// The gate to the carriers: which trunk dials a number, whether this call may use it, and how many may at once (design.md 9, toll fraud).
//
//   number ─▶ demo user? ─▶ blocked? ─▶ trunk: byoc, else declared by prefix, else the account's default
//          ─▶ caller id may be shown? ─▶ prefixes of account and trunk ─▶ minutes of the day ─▶ capacity and rate of account and trunk ─▶ a place
//
// Of several declared trunks that allow the number, one that is full, used up or without target is passed over for the next.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SipUri } from '../sip/grammar/uri.ts';
import type { Call } from './call.ts';
import { inOrder } from './target-order.ts';
import { TargetRests } from './target-rests.ts';
import {
  type AccountLimits,
  type DiallingLimits,
  type OutboundTrunk,
  type RouteFailure,
  refusalOf,
  type TrunkBook,
} from './trunk.ts';
import { TrunkLoads } from './trunk-load.ts';
import { hasPrefix, isAnonymous, isBlocked } from './trunk-numbers.ts';
import { type Charged, TrunkUsageMeter, type UsageStore } from './trunk-usage.ts';

export type { RouteFailure } from './trunk.ts';

export interface NumberRequest {
  readonly accountSid: string;
  /** Domain of the caller, if it came in by one: a call over REST is the operator's, whatever domain it belongs to. */
  readonly domain: Domain | undefined;
  /** What would be shown, where the trunk does not replace it. */
  readonly callerId: string;
  /** Sid or declared name of the trunk that was asked for. */
  readonly byoc: string | undefined;
}

export interface AdmittedTrunk {
  readonly trunk: OutboundTrunk;
  /** In the order to try them, without user. */
  readonly targets: readonly SipUri[];
  /** Whether the account may dial this number by the same trunk, for a redirect. */
  readonly mayDial: (number: string) => boolean;
  /** Told how a target did: one that is not there comes behind the others for a while. */
  readonly noteTarget?: (target: SipUri, isDead: boolean) => void;
  /** Binds the place to the call: its talk is charged, and its end gives the place back. */
  readonly carry: (call: Call) => void;
  /** Gives back a place that no call took. */
  readonly release: () => void;
}

export interface TrunkGate {
  admit(number: string, request: NumberRequest): Result<AdmittedTrunk, RouteFailure>;
  /** One call that came in by a trunk. The value gives the place back. */
  admitInbound(trunkSid: string, accountSid: string): Result<() => void, RouteFailure>;
  counts(): { readonly callsOnTrunks: number; readonly chargedCalls: number };
  /** Reads the talk time of today. */
  start(): Promise<void>;
  stop(): void;
}

export interface TrunkGateParts {
  readonly book: TrunkBook;
  readonly usage: UsageStore;
  /** Domains whose users may never reach a trunk. */
  readonly isDemo: (domain: Domain) => boolean;
  /** Whether an account may show this caller id to numbers (setting callerIds). */
  readonly mayShow: (accountSid: string, callerId: string) => boolean;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

export function createTrunkGate(parts: TrunkGateParts): TrunkGate {
  return new Gate(parts);
}

class Gate implements TrunkGate {
  readonly #parts: TrunkGateParts;
  readonly #loads: TrunkLoads;
  readonly #meter: TrunkUsageMeter;
  readonly #rests: TargetRests;
  #places = 0;

  constructor(parts: TrunkGateParts) {
    this.#parts = parts;
    this.#loads = new TrunkLoads(parts.clock);
    this.#rests = new TargetRests(parts.clock);
    this.#meter = new TrunkUsageMeter({ ...parts, store: parts.usage, isOver: (charged) => this.#isOver(charged) });
  }

  start(): Promise<void> {
    return this.#meter.load();
  }

  stop(): void {
    this.#meter.stop();
  }

  counts(): { readonly callsOnTrunks: number; readonly chargedCalls: number } {
    return { callsOnTrunks: this.#places, chargedCalls: this.#meter.runningCount };
  }

  admit(number: string, request: NumberRequest): Result<AdmittedTrunk, RouteFailure> {
    const { domain, accountSid } = request;
    if (domain && this.#parts.isDemo(domain))
      return refuse('demoUser', 'users of the demo domain do not reach a trunk');
    const account = this.#parts.book.limitsOf(accountSid);
    const chosen = this.#choose(number, request, account);
    if (!chosen.ok) return chosen;
    if (chosen.value.some((trunk) => isBlocked(number, trunk, account.blockedPrefixes)))
      return refuse('blockedPrefix', `the account never dials ${number}; see blockedPrefixes`);
    const refusals: RouteFailure[] = [];
    for (const trunk of chosen.value) {
      const refused = this.#refused(number, request, account, trunk);
      if (!refused) return ok(this.#admitted(accountSid, account, trunk));
      refusals.push(refused);
    }
    // The first one's reason: it is the trunk that was meant.
    return err(refusals[0]!);
  }

  #refused(number: string, request: NumberRequest, account: AccountLimits, trunk: OutboundTrunk) {
    const { accountSid, callerId } = request;
    return (
      this.#hiddenCaller(accountSid, callerId, trunk) ??
      this.#refusedPrefix(number, account, trunk) ??
      this.#usedUp(accountSid, account, trunk) ??
      this.#noTargets(trunk) ??
      this.#overloaded(accountSid, account, trunk)
    );
  }

  #admitted(accountSid: string, account: AccountLimits, trunk: OutboundTrunk): AdmittedTrunk {
    const release = this.#take(accountSid, trunk.sid);
    return {
      trunk,
      targets: this.#targetsOf(trunk),
      noteTarget: (target, isDead) => (isDead ? this.#rests.failed(target) : this.#rests.answered(target)),
      mayDial: (other) =>
        !isBlocked(other, trunk, account.blockedPrefixes) && !this.#refusedPrefix(other, account, trunk),
      carry: (call) => this.#carry(call, { accountSid, trunkSid: trunk.sid }, release),
      release,
    };
  }

  /** sip-interface.md 2.2: what a trunk shows of its own, and nobody at all, needs no leave. */
  #hiddenCaller(accountSid: string, callerId: string, trunk: OutboundTrunk): RouteFailure | undefined {
    if (trunk.callerId !== undefined || isAnonymous(callerId) || this.#parts.mayShow(accountSid, callerId))
      return undefined;
    return refusalOf('callerId', `the account may not show ${callerId.slice(0, 64)} to numbers; see callerIds`);
  }

  admitInbound(trunkSid: string, accountSid: string): Result<() => void, RouteFailure> {
    const { book } = this.#parts;
    const trunk = book.find(trunkSid, accountSid);
    if (!trunk) return ok(() => {});
    // A carrier sells channels: calls of both directions take one.
    const refused = this.#overloaded(accountSid, book.limitsOf(accountSid), trunk);
    return refused ? err(refused) : ok(this.#take(accountSid, trunk.sid));
  }

  /** sip-interface.md 7: the trunk that was asked for; else the declared ones that allow the number, in order; else the default. */
  #choose(
    number: string,
    request: NumberRequest,
    account: AccountLimits,
  ): Result<readonly OutboundTrunk[], RouteFailure> {
    const { book } = this.#parts;
    const { byoc, accountSid } = request;
    if (byoc !== undefined) {
      const asked = book.find(byoc, accountSid);
      return asked ? ok([asked]) : refuse('unknownTrunk', `there is no trunk ${byoc.slice(0, 64)}`);
    }
    const declared = book.declared();
    const fitting = declared.filter((trunk) => hasPrefix(number, trunk.allowedPrefixes ?? []));
    if (fitting.length > 0) return ok(fitting);
    const fallback = account.defaultTrunk === null ? undefined : book.find(account.defaultTrunk, accountSid);
    if (fallback) return ok([fallback]);
    if (declared.length === 0) return refuse('noTrunk', `no trunk is declared for the number ${number}`);
    return refuse('accountPrefix', `no trunk allows the destination ${number}; see allowedPrefixes`);
  }

  /** Empty = none. A trunk made over REST has no prefixes of its own: those of the account must allow the number. */
  #refusedPrefix(number: string, account: AccountLimits, trunk: OutboundTrunk): RouteFailure | undefined {
    const ofAccount = account.allowedPrefixes ?? (trunk.allowedPrefixes === null ? [] : null);
    if (ofAccount && !hasPrefix(number, ofAccount))
      return refusalOf('accountPrefix', `the account may not dial ${number}; see allowedPrefixes of accountLimits`);
    if (trunk.allowedPrefixes && !hasPrefix(number, trunk.allowedPrefixes))
      return refusalOf('trunkPrefix', `trunk ${trunk.name} does not allow ${number}; see its allowedPrefixes`);
    return undefined;
  }

  #usedUp(accountSid: string, account: DiallingLimits, trunk: OutboundTrunk): RouteFailure | undefined {
    if (reached(account.maxDailyMinutes, this.#meter.secondsOfAccount(accountSid)))
      return refusalOf('dailyMinutes', `the account has used its ${account.maxDailyMinutes} minutes of today (UTC)`);
    if (reached(trunk.maxDailyMinutes, this.#meter.secondsOfTrunk(trunk.sid)))
      return refusalOf(
        'dailyMinutes',
        `trunk ${trunk.name} has used its ${trunk.maxDailyMinutes} minutes of today (UTC)`,
      );
    return undefined;
  }

  #noTargets(trunk: OutboundTrunk): RouteFailure | undefined {
    return trunk.targets.length > 0 ? undefined : refusalOf('noTarget', `trunk ${trunk.name} has no target to call`);
  }

  #overloaded(accountSid: string, account: DiallingLimits, trunk: OutboundTrunk): RouteFailure | undefined {
    const ofAccount = this.#loads.refusal(accountSid, account);
    if (ofAccount === 'capacity') return refusalOf('accountCapacity', 'the account has too many calls on trunks');
    const ofTrunk = this.#loads.refusal(trunk.sid, trunk);
    if (ofTrunk === 'capacity') return refusalOf('trunkCapacity', 'Trunk concurrent call limit exceeded');
    if (ofAccount) return refusalOf('accountRate', 'the account begins too many calls per second on trunks');
    return ofTrunk && refusalOf('trunkRate', 'Trunk CPS limit exceeded');
  }

  #take(accountSid: string, trunkSid: string): () => void {
    const releases = [this.#loads.take(accountSid), this.#loads.take(trunkSid)];
    this.#places++;
    let isReleased = false;
    return () => {
      if (isReleased) return;
      isReleased = true;
      this.#places--;
      for (const release of releases) release();
    };
  }

  #carry(call: Call, charged: Charged, release: () => void): void {
    let endCharge = () => {};
    call.onLegEvent((event) => {
      if (event.type === 'answered') endCharge = this.#meter.begin(charged, () => this.#endOverused(call));
    });
    call.signal.addEventListener(
      'abort',
      () => {
        endCharge();
        release();
      },
      { once: true },
    );
  }

  #endOverused(call: Call): void {
    call.notify('error', 32203, 'the minutes of today are used up; the call was ended');
    call.hangUp('the minutes of today are used up');
  }

  #isOver({ accountSid, trunkSid }: Charged): boolean {
    const { book } = this.#parts;
    const account = book.limitsOf(accountSid);
    if (reached(account.maxDailyMinutes, this.#meter.secondsOfAccount(accountSid))) return true;
    const trunk = book.find(trunkSid, accountSid);
    return trunk !== undefined && reached(trunk.maxDailyMinutes, this.#meter.secondsOfTrunk(trunkSid));
  }

  /** Those that answer; all of them when none does, since a silent probe must not close the only way. Resting ones come last. */
  #targetsOf(trunk: OutboundTrunk): readonly SipUri[] {
    const up = trunk.targets.filter((target) => this.#parts.book.isTargetUp(target.uri));
    const usable = up.length > 0 ? up : trunk.targets;
    const ordered = inOrder(usable, this.#parts.random);
    const [fresh = [], resting = []] = [false, true].map((isLast) =>
      ordered.filter((target) => this.#rests.isResting(target.uri) === isLast),
    );
    return [...fresh, ...resting].slice(0, limits.trunkTargetsTried).map((target) => target.uri);
  }
}

const reached = (maxMinutes: number | null, seconds: number): boolean =>
  maxMinutes !== null && seconds >= maxMinutes * 60;

const refuse = (cause: Parameters<typeof refusalOf>[0], detail: string): Result<never, RouteFailure> =>
  err(refusalOf(cause, detail));
