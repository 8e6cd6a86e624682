// The server side of Digest (RFC 7616, RFC 8760, RFC 3261 22; sip-interface.md 1.2): challenges, and the verdict on credentials.
// Only HA1 values are known here, never a password. An unknown user costs the same work as a known one, and ends in the same
// verdict. The digest-uri is hashed as the peer wrote it and only has to be a URI: many phones leave out the port, or write the
// registrar's name there.

import { timingSafeEqual } from 'node:crypto';
import type { RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Domain, StoredHa1 } from '../base/records.ts';
import { remembered } from '../base/remembered.ts';
import {
  type Credentials,
  type DigestAlgorithm,
  digestAlgorithm,
  digestResponse,
  parseCredentials,
  serializeChallenge,
} from '../sip/grammar/digest.ts';
import type { Request } from '../sip/grammar/message.ts';
import { parseUri } from '../sip/grammar/uri.ts';
import type { CredentialLookup } from './directory.ts';
import type { Nonces } from './nonces.ts';

export type DigestVerdict =
  | { readonly kind: 'correct'; readonly username: string }
  /** No credentials for this realm that could be judged: challenge. */
  | { readonly kind: 'absent' }
  /** The password is right, the nonce is not (any more): challenge with stale=true, the phone asks nobody. */
  | { readonly kind: 'stale' }
  | {
      readonly kind: 'wrong';
      /** The nonce was ours, fresh, and came back from where it was sent: the source address is no forgery. */
      readonly provesReturnPath: boolean;
    };

export interface DigestCheck {
  readonly request: Request;
  readonly domain: Pick<Domain, 'realm' | 'digestSha256'>;
  readonly source: string;
  readonly lookup: CredentialLookup;
}

export interface DigestServer {
  /** Challenge header values, one header each: MD5 first, since old phones read one header (design.md 5.3). */
  challenges(domain: Pick<Domain, 'realm' | 'digestSha256'>, source: string, isStale: boolean): string[];
  check(parts: DigestCheck): DigestVerdict;
}

/** What phones write as digest-uri is the same few texts. */
const isUri = remembered(256, (text) => parseUri(text).ok);

const MD5_BYTES = 16;
const SHA256_BYTES = 32;

export function createDigestServer(nonces: Nonces, random: RandomSource): DigestServer {
  // Stands in for the HA1 of users that do not exist.
  const nobody: StoredHa1 = {
    realm: '',
    md5: random(MD5_BYTES).toString('hex'),
    sha256: random(SHA256_BYTES).toString('hex'),
  };

  return {
    challenges(domain, source, isStale) {
      const challenge = {
        realm: domain.realm,
        qop: ['auth'],
        nonce: nonces.issue(domain.realm, source),
        opaque: random(16).toString('hex'),
        // Absent unless true, as the vendor's challenge has it.
        ...(isStale ? { stale: true } : {}),
      };
      const values = [serializeChallenge(challenge)];
      if (domain.digestSha256) values.push(serializeChallenge({ ...challenge, algorithm: 'SHA-256' }));
      return values;
    },

    check({ request, domain, source, lookup }) {
      const found = credentialsFor(request, domain);
      if (!found) return { kind: 'absent' };
      const { credentials, algorithm } = found;
      const listed = lookup(credentials.username);
      const isOfRealm = ({ realm }: StoredHa1) => realm === domain.realm;
      const known = listed.every(isOfRealm) ? listed : listed.filter(isOfRealm);
      const isMatch = responseMatches(request, credentials, algorithm, known.length > 0 ? known : [nobody]);
      const isCorrect = isMatch && known.length > 0 && isUri(credentials.uri);
      const verdict = nonces.verify(credentials.nonce, domain.realm, source);
      if (!isCorrect) {
        // An old nonce proves nothing about the password: some phones only hash again when they are challenged again.
        if (!verdict.isFresh) return { kind: 'absent' };
        return { kind: 'wrong', provesReturnPath: verdict.fromSameSource };
      }
      if (!verdict.isFresh) return { kind: 'stale' };
      // Without qop (RFC 2069 form) there is no count: such a nonce serves once.
      const count = credentials.nc === undefined ? 1 : Number.parseInt(credentials.nc, 16);
      if (!nonces.use(credentials.nonce, count)) return { kind: 'stale' };
      return { kind: 'correct', username: credentials.username };
    },
  };
}

/** The first credentials for the domain's realm with an algorithm that we offer. Both headers are read: some PBXs mix them up. */
function credentialsFor(
  request: Request,
  domain: Pick<Domain, 'realm' | 'digestSha256'>,
): { credentials: Credentials; algorithm: 'MD5' | 'SHA-256' } | undefined {
  const values = [...request.headers.getAll('proxy-authorization'), ...request.headers.getAll('authorization')];
  for (const value of values.slice(0, limits.digestCredentialHeaders)) {
    const parsed = parseCredentials(value);
    if (!parsed.ok || parsed.value.realm !== domain.realm) continue;
    const algorithm: DigestAlgorithm | undefined = digestAlgorithm(parsed.value.algorithm);
    const { qop } = parsed.value;
    if (qop !== undefined && qop !== 'auth') continue;
    if (algorithm === 'MD5' || (algorithm === 'SHA-256' && domain.digestSha256))
      return { credentials: parsed.value, algorithm };
  }
  return undefined;
}

/** All candidates are tried, so that the time does not tell which list a user stands in. */
function responseMatches(
  request: Request,
  credentials: Credentials,
  algorithm: 'MD5' | 'SHA-256',
  candidates: readonly StoredHa1[],
): boolean {
  const { uri, nonce, nc, cnonce, qop } = credentials;
  const given = Buffer.from(credentials.response.toLowerCase(), 'latin1');
  let matches = false;
  for (const candidate of candidates) {
    const ha1 = algorithm === 'MD5' ? candidate.md5 : candidate.sha256;
    const expected = Buffer.from(
      digestResponse({ algorithm, ha1, method: request.method, uri, nonce, nc, cnonce, qop }),
      'latin1',
    );
    if (expected.length === given.length && timingSafeEqual(expected, given)) matches = true;
  }
  return matches;
}
