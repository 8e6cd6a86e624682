// Part of the composition root: carriers. The book of trunks, the gate to them, the health of their targets, our registrations.

import type { Clock } from './base/clock.ts';
import type { RandomSource } from './base/ids.ts';
import type { Log } from './base/log.ts';
import type { Domain } from './base/records.ts';
import { type ProbedTarget, TrunkHealth } from './call/trunk-health.ts';
import { TrunkRegistrations, type WantedRegistration } from './call/trunk-registrations.ts';
import { createTrunkGate, type TrunkGate } from './call/trunks.ts';
import { callerIdPolicy } from './caller-ids.ts';
import type { Config, Declared } from './config.ts';
import type { UserAgent } from './sip/ua/ua.ts';
import type { StoreDirectory } from './store/directory.ts';
import type { Store } from './store/store.ts';
import { createTrunkBook, type FullTrunkBook } from './trunk-book.ts';

export interface TrunkStack {
  readonly book: FullTrunkBook;
  readonly gate: TrunkGate;
  readonly registrations: TrunkRegistrations;
  /** Whether an account may show a caller id to numbers. */
  readonly mayShow: (accountSid: string, callerId: string) => boolean;
  /** Reads the talk time of today; needs the store only. */
  load(): Promise<void>;
  /** Registers and probes; the transport is open. */
  start(): void;
  /** After a change of the settings. */
  bring(): void;
  counts(): object;
  /** Unregisters. */
  stop(): Promise<void>;
}

export interface TrunkParts {
  readonly declared: () => Pick<Declared, 'trunks' | 'accountLimits'>;
  readonly directory: StoreDirectory;
  readonly store: Pick<Store, 'trunkUsage'>;
  readonly userAgent: UserAgent;
  readonly secretKey: Buffer;
  readonly isDemoDomain: (domain: Domain) => boolean;
  readonly settings: () => Pick<Config, 'callerIds'>;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

/** Of trunks that were made over REST, which has no setting for it. */
const REST_PROBE_SECONDS = 60;

export function buildTrunks(parts: TrunkParts): TrunkStack {
  const { directory, store, userAgent, clock, random } = parts;
  const log = parts.log.child({ folder: 'trunk' });
  const book: FullTrunkBook = createTrunkBook({
    declared: parts.declared,
    directory,
    isTargetUp: (target) => health.isUp(target),
  });
  const health = new TrunkHealth({ userAgent, targets: () => probedTargets(book), clock, random, log });
  const mayShow = callerIdPolicy(parts.settings, directory);
  const gate = createTrunkGate({
    book,
    usage: store.trunkUsage,
    isDemo: parts.isDemoDomain,
    mayShow,
    clock,
    random,
    log,
  });
  const registrations = new TrunkRegistrations({
    userAgent,
    secret: parts.secretKey,
    domainSidOf: (trunkSid) => directory.domainsOfTrunk(trunkSid)[0]?.sid,
    log,
  });
  const bring = () => registrations.bring(wantedRegistrations(book));
  return {
    book,
    gate,
    registrations,
    mayShow,
    load: () => gate.start(),
    start() {
      health.start();
      bring();
    },
    bring,
    counts: () => ({ ...gate.counts(), registrations: registrations.states(), targets: health.counts() }),
    async stop() {
      health.stop();
      gate.stop();
      await registrations.stop();
    },
  };
}

function probedTargets(book: FullTrunkBook): ProbedTarget[] {
  return book.all().flatMap(({ trunk, declared }) => {
    const intervalMs = 1_000 * (declared?.optionsSeconds ?? REST_PROBE_SECONDS);
    return intervalMs === 0 ? [] : trunk.targets.map(({ uri }) => ({ uri, intervalMs }));
  });
}

function wantedRegistrations(book: FullTrunkBook): WantedRegistration[] {
  return book.all().flatMap(({ trunk, declared }) => {
    const first = trunk.targets[0];
    if (!declared?.register || !first || !trunk.credentials) return [];
    return [
      {
        trunkSid: trunk.sid,
        name: trunk.name,
        registrar: first.uri,
        // The carrier's own name, unless the file gives another: a domain of ours means nothing to it.
        host: declared.fromDomain ?? first.uri.host,
        ...trunk.credentials,
        expiresSeconds: declared.registerSeconds,
      },
    ];
  });
}
