// The gate to the trunk for numbers: which trunk, whether this call may use it, and how many may at once (design.md 9, toll fraud).

import type { Clock } from '../base/clock.ts';
import type { Domain, Trunk } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { SipUri } from '../sip/grammar/uri.ts';

export interface RouteFailure {
  readonly errorCode: number;
  readonly detail: string;
  readonly sipStatus: number;
  /** Set when the target is known but cannot be rung now: the attempt becomes a call to this address that fails. */
  readonly to?: string;
}

export interface AdmittedTrunk {
  readonly trunk: Trunk;
  readonly uri: SipUri;
  /** Gives the place back; exactly once. */
  readonly release: () => void;
}

export interface TrunkGate {
  admit(number: string, context: { readonly domain: Domain | undefined }): Result<AdmittedTrunk, RouteFailure>;
  counts(): { readonly callsOnTrunks: number };
}

interface Load {
  active: number;
  /** Start times of the calls of the last second, monotonic ms. */
  started: number[];
}

/**
 * `trunks` is asked anew for each call, so that a changed hookswitch.yaml takes effect. `isDemo` names domains whose users may never
 * reach a trunk.
 */
export function createTrunkGate(
  trunks: () => readonly Trunk[],
  isDemo: (domain: Domain) => boolean,
  clock: Clock,
): TrunkGate {
  const loads = new Map<string, Load>();

  const loadOf = (trunk: Trunk): Load => {
    const load = loads.get(trunk.name) ?? { active: 0, started: [] };
    loads.set(trunk.name, load);
    return load;
  };

  return {
    admit(number, { domain }) {
      if (domain && isDemo(domain)) return refusal(13227, 'users of the demo domain do not reach a trunk', 403);
      if (trunks().length === 0) return refusal(13224, `no trunk is declared for the number ${number}`, 404);
      const trunk = trunks().find((one) => one.allowedPrefixes.some((prefix) => number.startsWith(prefix)));
      if (!trunk) return refusal(13227, `no trunk allows the destination ${number}; see allowedPrefixes`, 403);
      const load = loadOf(trunk);
      const now = clock.now();
      load.started = load.started.filter((at) => now - at < 1000);
      if (load.active >= trunk.maxConcurrentCalls) return refusal(32013, `trunk ${trunk.name} is full`, 503);
      if (load.started.length >= trunk.maxCallsPerSecond)
        return refusal(32001, `trunk ${trunk.name}: too many calls per second`, 503);
      load.active++;
      load.started.push(now);
      let isReleased = false;
      const release = () => {
        if (isReleased) return;
        isReleased = true;
        load.active--;
      };
      return ok({ trunk, uri: trunkUri(trunk, number), release });
    },
    counts: () => ({ callsOnTrunks: [...loads.values()].reduce((sum, load) => sum + load.active, 0) }),
  };
}

const refusal = (errorCode: number, detail: string, sipStatus: number) => err({ errorCode, detail, sipStatus });

/** The Request-URI for a number on a trunk: prefix rule applied, `user=phone`. */
export function trunkUri(trunk: Trunk, number: string): SipUri {
  const stripped =
    trunk.stripPrefix && number.startsWith(trunk.stripPrefix) ? number.slice(trunk.stripPrefix.length) : number;
  const params = new Map<string, string | undefined>([['user', 'phone']]);
  if (trunk.transport !== 'udp') params.set('transport', trunk.transport);
  return {
    scheme: 'sip',
    user: trunk.prepend + stripped,
    password: undefined,
    host: trunk.host.toLowerCase(),
    port: trunk.port ?? undefined,
    params,
    headers: [],
  };
}
