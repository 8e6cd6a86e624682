// Who may send what, before a call exists (sip-interface.md 1.2 and 3, design.md 9). Pure memory, synchronous.
//
//   INVITE    host (or mapped source) ─▶ ACL listed? ─▶ domain secure, flow secure? ─▶ digest? ─▶ account active? ─▶ accept
//   REGISTER  host ─▶ registration on? ─▶ secure? ─▶ digest? ─▶ To user = digest user? ─▶ account active? ─▶ accept
//
// A source that is mapped to a domain belongs to it whatever the host says, and needs no ACL (sip-interface.md 7). A carrier that we
// registered with is known by the Contact that it calls and the address it calls from. Both mapped means both are needed; nothing mapped admits nobody. Every refusal or challenge costs the source a token of its
// budget; without tokens the answer is silence. A source that authenticated, or is listed, has no budget and is never banned.

import type { Clock } from '../base/clock.ts';
import { sipErrorValue } from '../base/errors.ts';
import type { RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { Domain } from '../base/records.ts';
import type { HeaderField, Request } from '../sip/grammar/message.ts';
import { isSipUri, type Uri } from '../sip/grammar/uri.ts';
import { isListed } from './acl.ts';
import { type BanEntry, createBans } from './bans.ts';
import { createBudget, sourceKey } from './budget.ts';
import { createDigestServer, type DigestVerdict } from './credentials.ts';
import type { CredentialLookup, Directory, DomainAccess } from './directory.ts';
import { type DomainNaming, domainForHost } from './domains.ts';
import { createNonces } from './nonces.ts';

/** What must be known of the flow that a request came by. */
export interface AccessSource {
  readonly remoteAddress: string;
  readonly isSecure: boolean;
}

/** sip/ua declares the same union as its port `Admission`; this folder does not import it. */
export type Admission =
  | { readonly kind: 'accept'; readonly domain: Domain; readonly username: string | undefined }
  | { readonly kind: 'challenge'; readonly values: readonly string[] }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly reason: string;
      readonly errorCode: number | undefined;
      readonly headers?: readonly HeaderField[];
    }
  | { readonly kind: 'drop' };

/** Carriers that we registered with (call/trunk-registrations.ts). */
export interface RegisteredCarriers {
  /** Sid of the domain whose calls come to this Contact user from this address; undefined = not a Contact of ours. */
  domainOfContact(user: string, sourceAddress: string): string | undefined;
  isCarrier(sourceAddress: string): boolean;
}

export interface AccessConfig extends DomainNaming {
  readonly carriers?: RegisteredCarriers;
  /** Realm of answers that belong to no domain. Domains challenge with their own stored realm. */
  readonly realm: string;
  /** Signs nonces; the same on all nodes of a cluster. Default: random, so that a restart makes old nonces stale. */
  readonly nonceSecret?: Buffer;
  /** Challenged even when the source has no budget left: an emergency call (design.md 9 bounds strangers, not those in need). */
  readonly isEmergency?: (request: Request, domain: Domain) => boolean;
  /** Told of each call that is refused because its account is suspended or closed. */
  readonly onInactiveAccount?: (accountSid: string) => void;
}

export interface AccessCounts {
  readonly sources: number;
  readonly bans: number;
  readonly trusted: number;
  readonly nonces: number;
  /** By cause: `acl`, `digest`, `unknownHost`, `overBudget`, `banned` … */
  readonly refused: Readonly<Record<string, number>>;
}

export interface AccessControlApi {
  mayTalk(source: AccessSource): boolean;
  /** Takes one token for an answer to a stranger (OPTIONS, unparsable requests); false = be silent. */
  spend(source: AccessSource): boolean;
  invite(request: Request, source: AccessSource): Admission;
  register(request: Request, source: AccessSource): Admission;
  domainForHost(host: string): DomainAccess | undefined;
  readonly bans: { list(): readonly BanEntry[]; clear(address?: string): number };
  counts(): AccessCounts;
}

type Refusal = { readonly status: number; readonly reason: string; readonly cause: string; readonly code?: number };

const refusals = {
  unknownHost: { status: 403, reason: 'Forbidden', cause: 'unknownHost' },
  nothingMapped: { status: 403, reason: 'Forbidden', cause: 'nothingMapped' },
  notListed: { status: 403, reason: 'Forbidden', cause: 'acl', code: 32201 },
  badDigest: { status: 403, reason: 'Forbidden', cause: 'digest', code: 32202 },
  secureTransport: { status: 488, reason: 'Secure SIP transport required', cause: 'secureTransport', code: 32209 },
  suspended: { status: 603, reason: 'Decline', cause: 'suspended', code: 10001 },
  registrationOff: { status: 403, reason: 'Forbidden', cause: 'registrationOff', code: 32210 },
  registrationDenied: { status: 403, reason: 'Forbidden', cause: 'registrationDigest', code: 32212 },
} as const satisfies Record<string, Refusal>;

const hostOf = (uri: Uri): string | undefined => (isSipUri(uri) ? uri.host : undefined);
const userOf = (uri: Uri): string | undefined => (isSipUri(uri) ? uri.user : undefined);

/** A source that is trusted is written down again after so long. */
const TRUST_AGAIN_MS = 1_000;

/** Builds the access control. Everything it looks up comes from `directory`, from memory. */
export function createAccessControl(parts: {
  readonly directory: Directory;
  readonly config: AccessConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
}): AccessControlApi {
  const { directory, config, clock, random } = parts;
  const log = parts.log.child({ folder: 'access' });
  const budget = createBudget(clock);
  const bans = createBans(clock);
  const nonces = createNonces(clock, random, config.nonceSecret ?? Buffer.from(random(32)));
  const digest = createDigestServer(nonces, random);
  /** Source key → monotonic end of trust. In order of the last renewal. */
  const trusted = new Map<string, number>();
  /** Source key → monotonic time until which the source was found in no list: the scan below is not repeated for each packet. */
  const unlisted = new Map<string, number>();
  const refused: Record<string, number> = {};

  const count = (cause: string) => {
    refused[cause] = (refused[cause] ?? 0) + 1;
  };

  const trust = (key: string) => {
    const until = trusted.get(key);
    const now = clock.now();
    // Once a second will do: a PBX has many requests.
    if (until !== undefined && until - now > limits.trustedSourceMs - TRUST_AGAIN_MS) return;
    trusted.delete(key);
    if (trusted.size >= limits.sourcesTracked) trusted.delete(trusted.keys().next().value!);
    trusted.set(key, now + limits.trustedSourceMs);
  };
  const isTrusted = (key: string): boolean => {
    const until = trusted.get(key);
    if (until === undefined) return false;
    if (clock.now() < until) return true;
    trusted.delete(key);
    return false;
  };

  // Someone may spend a PBX's budget with its forged address: a listed source stays free of it.
  const isListedAnywhere = (source: AccessSource, key: string): boolean => {
    if ((unlisted.get(key) ?? 0) > clock.now()) return false;
    if (directory.domainForSource(source.remoteAddress) || config.carriers?.isCarrier(source.remoteAddress)) {
      trust(key);
      return true;
    }
    for (const name of directory.domainNames()) {
      const acl = directory.domainByName(name)?.callAcl;
      if (!acl || !isListed(acl, source.remoteAddress)) continue;
      trust(key);
      return true;
    }
    unlisted.delete(key);
    if (unlisted.size >= limits.sourcesTracked) unlisted.delete(unlisted.keys().next().value!);
    unlisted.set(key, clock.now() + 1_000);
    return false;
  };
  const isFree = (source: AccessSource, key: string): boolean => isTrusted(key) || isListedAnywhere(source, key);

  const spend = (source: AccessSource): boolean => {
    const key = sourceKey(source.remoteAddress);
    if (isTrusted(key) || budget.take(key) || isListedAnywhere(source, key)) return true;
    count('overBudget');
    return false;
  };

  const refuse = (refusal: Refusal, source: AccessSource, request: Request): Admission => {
    count(refusal.cause);
    if (!spend(source)) return { kind: 'drop' };
    log.info(
      { source: source.remoteAddress, sipCallId: request.callId, method: request.method, ...refusal },
      'request refused',
    );
    const { status, reason, code } = refusal;
    if (code === undefined) return { kind: 'refuse', status, reason, errorCode: undefined };
    const headers = [{ name: 'X-Twilio-Error', value: sipErrorValue(code, reason) }];
    return { kind: 'refuse', status, reason, errorCode: code, headers };
  };

  /** The digest part. `undefined` = passed; the user name is in `verdict`. */
  const authenticate = (
    verdict: DigestVerdict,
    domain: Domain,
    refusal: Refusal,
    source: AccessSource,
    request: Request,
  ): Admission | undefined => {
    const key = sourceKey(source.remoteAddress);
    switch (verdict.kind) {
      case 'correct':
        bans.succeeded(key);
        trust(key);
        return undefined;
      case 'absent':
      case 'stale':
        if (!spend(source) && !config.isEmergency?.(request, domain)) return { kind: 'drop' };
        return {
          kind: 'challenge',
          values: digest.challenges(domain, source.remoteAddress, verdict.kind === 'stale'),
        };
      case 'wrong':
        if (verdict.provesReturnPath && !isFree(source, key) && bans.failed(key))
          log.warn({ source: source.remoteAddress }, 'source banned after failed digests');
        return refuse(refusal, source, request);
    }
  };

  const domainOf = (uri: Uri): DomainAccess | undefined => {
    const host = hostOf(uri);
    return host === undefined ? undefined : domainForHost(directory, config, host);
  };

  const check = (request: Request, source: AccessSource, domain: Domain, credentials: CredentialLookup) =>
    digest.check({ request, domain, source: source.remoteAddress, lookup: credentials });

  /** Which domain an INVITE means, and what says so. */
  const accessOf = (
    request: Request,
    source: AccessSource,
  ): { readonly access: DomainAccess; readonly by: 'contact' | 'source' | 'host' } | undefined => {
    const contactOf = config.carriers?.domainOfContact(userOf(request.uri) ?? '', source.remoteAddress);
    const contact = contactOf === undefined ? undefined : directory.domainBySid(contactOf);
    if (contact) return { access: contact, by: 'contact' };
    const mapped = directory.domainForSource(source.remoteAddress);
    if (mapped) return { access: mapped, by: 'source' };
    const named = domainOf(request.uri);
    return named && { access: named, by: 'host' };
  };

  return {
    mayTalk(source) {
      const key = sourceKey(source.remoteAddress);
      if (bans.isBanned(key) && !isFree(source, key)) {
        count('banned');
        return false;
      }
      if (budget.has(key) || isFree(source, key)) return true;
      count('overBudget');
      return false;
    },
    spend,

    invite(request, source) {
      const found = accessOf(request, source);
      if (!found) return refuse(refusals.unknownHost, source, request);
      const { domain, account, callAcl } = found.access;
      // A carrier that calls our Contact has no password of ours.
      const callCredentials = found.by === 'contact' ? null : found.access.callCredentials;
      if (found.by === 'host') {
        if (!callAcl && !callCredentials) return refuse(refusals.nothingMapped, source, request);
        if (callAcl && !isListed(callAcl, source.remoteAddress)) return refuse(refusals.notListed, source, request);
      }
      if (callAcl || found.by !== 'host') trust(sourceKey(source.remoteAddress));
      // Before the challenge: a digest should not be asked for over a transport that is refused anyway.
      if (domain.secure && !source.isSecure) return refuse(refusals.secureTransport, source, request);
      let username: string | undefined;
      if (callCredentials) {
        const verdict = check(request, source, domain, callCredentials);
        const answer = authenticate(verdict, domain, refusals.badDigest, source, request);
        if (answer) return answer;
        if (verdict.kind === 'correct') username = verdict.username;
      }
      if (account.status !== 'active') {
        config.onInactiveAccount?.(account.sid);
        return refuse(refusals.suspended, source, request);
      }
      return { kind: 'accept', domain, username };
    },

    register(request, source) {
      // The address of record is in To; phones that know the gateway only by its address write that into the Request-URI.
      const access = domainOf(request.to.uri) ?? domainOf(request.uri);
      if (!access) return refuse(refusals.unknownHost, source, request);
      const { domain, account, registrationCredentials } = access;
      if (!domain.sipRegistration) return refuse(refusals.registrationOff, source, request);
      if (!registrationCredentials) return refuse(refusals.registrationDenied, source, request);
      if (domain.secure && !source.isSecure) return refuse(refusals.secureTransport, source, request);
      const verdict = check(request, source, domain, registrationCredentials);
      const answer = authenticate(verdict, domain, refusals.registrationDenied, source, request);
      if (answer) return answer;
      const username = verdict.kind === 'correct' ? verdict.username : undefined;
      if (userOf(request.to.uri) !== username) return refuse(refusals.registrationDenied, source, request);
      if (account.status !== 'active') return refuse(refusals.suspended, source, request);
      return { kind: 'accept', domain, username };
    },

    domainForHost: (host) => domainForHost(directory, config, host),
    bans: {
      list: () => bans.list(),
      clear: (address) => bans.clear(address === undefined ? undefined : sourceKey(address)),
    },
    counts: () => ({
      sources: budget.size,
      bans: bans.size,
      trusted: trusted.size,
      nonces: nonces.size,
      refused: { ...refused },
    }),
  };
}
