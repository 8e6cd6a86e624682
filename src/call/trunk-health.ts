// OPTIONS to the targets of trunks (RFC 3261 11): one that does not answer several times in a row is taken out, and is back with its
// first answer. Any answer counts but 503: a carrier that refuses OPTIONS is alive. Probes are spread over the interval.
//
//   up ─ silence, silence, silence ─▶ down ─ any answer ─▶ up

import type { Clock, Timer } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { type SipUri, serializeUri } from '../sip/grammar/uri.ts';
import type { UserAgent } from '../sip/ua/ua.ts';

export interface ProbedTarget {
  readonly uri: SipUri;
  readonly intervalMs: number;
}

interface Health {
  nextAt: number;
  failures: number;
  isUp: boolean;
  isAsked: boolean;
  intervalMs: number;
}

export interface TargetCounts {
  readonly probed: number;
  readonly down: readonly string[];
}

export interface TrunkHealthParts {
  readonly userAgent: Pick<UserAgent, 'ping'>;
  /** What is to be probed now. */
  readonly targets: () => readonly ProbedTarget[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

export class TrunkHealth {
  readonly #parts: TrunkHealthParts;
  readonly #healths = new Map<string, Health>();
  #timer: Timer | undefined;
  #asked = 0;

  constructor(parts: TrunkHealthParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = this.#parts.clock.after(limits.trunkProbeSweepMs, () => {
      this.#sweep();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#healths.clear();
  }

  isUp(uri: SipUri): boolean {
    return this.#healths.get(keyOf(uri))?.isUp ?? true;
  }

  counts(): TargetCounts {
    const down = [...this.#healths].filter(([, health]) => !health.isUp).map(([key]) => key);
    return { probed: this.#healths.size, down };
  }

  #sweep(): void {
    const now = this.#parts.clock.now();
    const present = new Set<string>();
    for (const { uri, intervalMs } of this.#parts.targets()) {
      const key = keyOf(uri);
      present.add(key);
      const known = this.#healths.get(key);
      // The first probe comes at some time within the interval, so that a start does not ask everybody at once.
      const health = known ?? {
        nextAt: now + this.#chance() * intervalMs,
        failures: 0,
        isUp: true,
        isAsked: false,
        intervalMs,
      };
      this.#healths.set(key, health);
      health.intervalMs = intervalMs;
      if (!health.isAsked && now >= health.nextAt && this.#asked < limits.trunkProbesInFlight)
        void this.#probe(key, uri, health);
    }
    for (const key of this.#healths.keys()) if (!present.has(key)) this.#healths.delete(key);
  }

  async #probe(key: string, uri: SipUri, health: Health): Promise<void> {
    health.isAsked = true;
    this.#asked++;
    const isAlive = await this.#parts.userAgent.ping(uri, limits.targetFailoverMs);
    this.#asked--;
    health.isAsked = false;
    // 90 to 110 % of the interval.
    health.nextAt = this.#parts.clock.now() + health.intervalMs * (0.9 + 0.2 * this.#chance());
    health.failures = isAlive ? 0 : health.failures + 1;
    const isUp = isAlive || (health.isUp && health.failures < limits.trunkProbeFailures);
    if (isUp === health.isUp) return;
    health.isUp = isUp;
    if (isUp) this.#parts.log.info({ target: key }, 'target of a trunk answers again');
    else
      this.#parts.log.warn({ target: key, failures: health.failures }, 'target of a trunk does not answer: taken out');
  }

  #chance(): number {
    return this.#parts.random(4).readUInt32BE(0) / 2 ** 32;
  }
}

const keyOf = (uri: SipUri): string => serializeUri(uri);
