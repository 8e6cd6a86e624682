// The client side of Digest towards peers (RFC 3261 22.2, RFC 7616, RFC 8760): a challenge in, credentials out.
// One object per dialog: it remembers nonces, so that later requests are authenticated at once with the next nonce count, and
// which challenges it answered already, so that a wrong password is sent once and not for ever.

import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import {
  type Challenge,
  type DigestAlgorithm,
  digestAlgorithm,
  digestResponse,
  ha1,
  parseChallenge,
  serializeCredentials,
} from '../grammar/digest.ts';
import type { HeaderField, Response } from '../grammar/message.ts';
import { serializeUri, type Uri } from '../grammar/uri.ts';

export interface PeerCredentials {
  readonly username: string;
  readonly password: string;
}

export interface AuthClient {
  /**
   * Takes the challenges of a 401 or 407. True when the request is worth sending again with `headersFor`: there are credentials,
   * a challenge that we can answer, and it is not a second refusal of the same kind.
   */
  challenged(response: Response): boolean;
  /** Authorization headers for a request, one per realm known; nonce counts go up with each call. */
  headersFor(method: string, uri: Uri): HeaderField[];
}

interface Session {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly challenge: Challenge;
  readonly algorithm: DigestAlgorithm;
  readonly ha1: string;
  count: number;
}

/** Best first. MD5-sess is tolerated, the SHA-512 family is too rare to have been tried. */
const STRENGTH: readonly DigestAlgorithm[] = ['SHA-256', 'SHA-256-sess', 'MD5', 'MD5-sess'];

/** Of most dialogs: nothing to remember. */
const withoutCredentials: AuthClient = { challenged: () => false, headersFor: () => [] };

export function createAuthClient(credentials: PeerCredentials | undefined, random: RandomSource): AuthClient {
  if (!credentials) return withoutCredentials;
  const sessions = new Map<string, Session>();

  const accept = (header: Session['header'], challenge: Challenge, user: PeerCredentials): boolean => {
    const algorithm = digestAlgorithm(challenge.algorithm);
    if (!algorithm) return false;
    const key = `${header} ${challenge.realm}`;
    const known = sessions.get(key);
    // RFC 3261 22.1: a second challenge means that the credentials are wrong, unless only the nonce had grown old.
    if (known && (!challenge.stale || known.challenge.nonce === challenge.nonce)) return false;
    if (!known && sessions.size >= limits.digestCredentialHeaders) return false;
    const parts = { algorithm, username: user.username, realm: challenge.realm, password: user.password };
    sessions.set(key, { header, challenge, algorithm, ha1: ha1(parts), count: 0 });
    return true;
  };

  const authorize = (session: Session, method: string, uri: string, user: PeerCredentials): HeaderField => {
    const { challenge, algorithm } = session;
    session.count++;
    const hasQop = challenge.qop.includes('auth');
    const cnonce = hasQop || algorithm.endsWith('-sess') ? random(16).toString('hex') : undefined;
    const qop = hasQop ? 'auth' : undefined;
    const nc = hasQop ? session.count.toString(16).padStart(8, '0') : undefined;
    const { realm, nonce, opaque } = challenge;
    const response = digestResponse({ algorithm, ha1: session.ha1, method, uri, nonce, nc, cnonce, qop });
    const username = user.username;
    const value = { username, realm, nonce, uri, response, algorithm: challenge.algorithm, cnonce, opaque, qop, nc };
    return { name: session.header, value: serializeCredentials(value) };
  };

  return {
    challenged(response) {
      let isAnswered = false;
      for (const header of ['Authorization', 'Proxy-Authorization'] as const) {
        const name = header === 'Authorization' ? 'www-authenticate' : 'proxy-authenticate';
        for (const best of bestByRealm(response.headers.getAll(name)))
          if (accept(header, best, credentials)) isAnswered = true;
      }
      return isAnswered;
    },
    headersFor(method, uri) {
      const text = serializeUri(uri);
      return [...sessions.values()].map((session) => authorize(session, method, text, credentials));
    },
  };
}

/** RFC 8760 2.3: of several challenges for a realm the strongest one that is known, once each realm. */
function bestByRealm(values: readonly string[]): Challenge[] {
  const best = new Map<string, { challenge: Challenge; rank: number }>();
  for (const value of values.slice(0, 2 * limits.digestCredentialHeaders)) {
    const parsed = parseChallenge(value);
    if (!parsed.ok) continue;
    const challenge = parsed.value;
    const algorithm = digestAlgorithm(challenge.algorithm);
    const rank = algorithm ? STRENGTH.indexOf(algorithm) : -1;
    // auth-int alone is not answered: the body may be rewritten on the way.
    const isUsable = rank >= 0 && (challenge.qop.length === 0 || challenge.qop.includes('auth'));
    if (!isUsable) continue;
    const known = best.get(challenge.realm);
    if (!known || rank < known.rank) best.set(challenge.realm, { challenge, rank });
  }
  return [...best.values()].map(({ challenge }) => challenge);
}
