// The HTTP server: REST under /2010-04-01, health, counts and metrics beside it (design.md 4). One request goes
//
//   parse form ─▶ authenticate ─▶ route ─▶ account in the path ─▶ method ─▶ handler ─▶ headers + JSON
//
// and every way out of it is a JSON body: a fault of ours too (house style 2.5: one of the three places that catch).

import type { Server as TlsServer } from 'node:tls';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { CallerIdsApi } from '../base/caller-ids-api.ts';
import type { Clock } from '../base/clock.ts';
import type { ConferencesApi } from '../base/conferences-api.ts';
import type { IceServersApi } from '../base/ice-servers-api.ts';
import { cryptoRandom, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { RegistrationsApi } from '../base/registrations-api.ts';
import { AccountCache, addressed, authenticate, type Client } from './auth.ts';
import { fault, notFound, storeFault, unauthenticated } from './errors.ts';
import { type Form, parseForm } from './form.ts';
import { serveHealth } from './health.ts';
import { urlencodedOf } from './multipart.ts';
import { refusedBy } from './permissions.ts';
import type {
  ApiDirectory,
  ApiStore,
  CallsApi,
  CapturesApi,
  HashPassword,
  QueuesApi,
  RecordingsApi,
  SiprecApi,
  StreamsApi,
  TranscriptionsApi,
} from './ports.ts';
import { closeReply, openReply, pathOf, requestFault, setCorsHeaders, textOf, write } from './reply.ts';
import { type Answer, type ApiParts, isFault, type Method, type Quotas, type Route } from './request.ts';
import { routes } from './resources/index.ts';
import { API_ROOT, createRouter, type Router, V1_ROOT } from './router.ts';

/** PEM texts: one pair, or several (RSA and EC side by side). */
export interface ApiTls {
  readonly key: string | string[];
  readonly cert: string | string[];
}

export interface ApiServerOptions {
  readonly store: ApiStore;
  /** Refreshed after each write of SIP objects, before the answer: a phone may register as soon as its credential is there. */
  readonly directory?: ApiDirectory;
  readonly calls: CallsApi;
  readonly queues?: QueuesApi;
  readonly conferences?: ConferencesApi;
  readonly recordings?: RecordingsApi;
  readonly streams?: StreamsApi;
  readonly siprec?: SiprecApi;
  readonly transcriptions?: TranscriptionsApi;
  readonly callerIds?: CallerIdsApi;
  readonly iceServers?: IceServersApi;
  readonly registrations?: RegistrationsApi;
  readonly captures?: CapturesApi;
  readonly hashPassword: HashPassword;
  /** Whether an account may show a number as its own; absent = any. */
  readonly ownsNumber?: (accountSid: string, number: string) => boolean;
  readonly config: {
    readonly listen: { readonly address: string; readonly port: number };
    /** Suffix of new SIP domains: `sip.localhost`. */
    readonly domainSuffix: string;
    /** Digest realm of new domains. */
    readonly realm: string;
    /** Origin of absolute links; absent = that of the request. */
    readonly publicUrl?: string | null;
    readonly quotas?: Partial<Quotas>;
    readonly maxConcurrentRequests?: number;
    /** PEM; the server speaks TLS with them. */
    readonly tls?: ApiTls;
  };
  readonly counts: () => object;
  readonly health: () => { readonly ready: boolean; readonly reason?: string };
  readonly metrics?: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Further routes on the same origin (console, files). */
  readonly extraRoutes?: (server: FastifyInstance) => void;
  readonly clock: Clock;
  readonly random?: RandomSource;
  readonly log: Log;
}

export interface ApiServer {
  /** Resolves with the bound address. Rejects when it cannot listen. */
  start(): Promise<{ readonly address: string; readonly port: number }>;
  /** New TLS connections get this from now on; open ones live on. Throws when OpenSSL refuses it. */
  replaceTls(tls: ApiTls): void;
  /** Finishes running requests, closes connections. */
  stop(): Promise<void>;
}

const DEFAULT_QUOTAS: Quotas = {
  subAccounts: limits.subAccountsPerAccount,
  domains: limits.domainsPerAccount,
  credentialLists: limits.credentialListsPerAccount,
  credentialsPerList: limits.credentialsPerList,
  ipAccessControlLists: limits.ipAccessControlListsPerAccount,
  ipAddressesPerList: limits.ipAddressesPerList,
  connectionPolicies: limits.connectionPoliciesPerAccount,
  targetsPerPolicy: limits.targetsPerPolicy,
  trunkObjects: limits.trunkObjectsPerAccount,
  phoneNumbers: limits.phoneNumbersPerAccount,
  applications: limits.applicationsPerAccount,
  keys: limits.apiKeysPerAccount,
  callerIds: limits.callerIdsPerAccount,
};

export function createApiServer(options: ApiServerOptions): ApiServer {
  const log = options.log.child({ folder: 'api' });
  const random = options.random ?? cryptoRandom;
  const accounts = new AccountCache(options.store);
  const parts: ApiParts = {
    store: options.store,
    calls: options.calls,
    queues: options.queues,
    directory: options.directory,
    conferences: options.conferences,
    recordings: options.recordings,
    streams: options.streams,
    siprec: options.siprec,
    transcriptions: options.transcriptions,
    callerIds: options.callerIds,
    iceServers: options.iceServers,
    registrations: options.registrations,
    captures: options.captures,
    hashPassword: options.hashPassword,
    ownsNumber: options.ownsNumber,
    domainSuffix: options.config.domainSuffix.toLowerCase(),
    realm: options.config.realm,
    quotas: { ...DEFAULT_QUOTAS, ...options.config.quotas },
    clock: options.clock,
    random,
    log,
  };
  const api = new Api(parts, accounts, {
    maxRunning: options.config.maxConcurrentRequests ?? limits.restConcurrentPerAccount,
    publicUrl: options.config.publicUrl ?? null,
  });
  const server = createServer(options);
  server.addHook('onRequest', async (request, reply) => openReply(request, reply, options.clock, random));
  server.addHook('onSend', async (request, reply) => closeReply(request, reply, options.clock));
  for (const root of [API_ROOT, V1_ROOT]) server.all(`${root}/*`, (request, reply) => api.serve(request, reply));
  server.setNotFoundHandler((request, reply) => write(reply, notFound(pathOf(request))));
  server.setErrorHandler((error, _request, reply) => write(reply, requestFault(error, log)));
  serveHealth(server, options, accounts);
  options.extraRoutes?.(server);
  return {
    async start() {
      await server.listen({ host: options.config.listen.address, port: options.config.listen.port });
      const bound = server.server.address();
      if (bound === null || typeof bound === 'string') throw new TypeError('The API server has no address');
      return { address: bound.address, port: bound.port };
    },
    replaceTls(tls) {
      (server.server as unknown as TlsServer).setSecureContext(secureContext(tls));
    },
    async stop() {
      accounts.stop();
      await server.close();
    },
  };
}

const secureContext = ({ key, cert }: ApiTls) => ({ key, cert, minVersion: 'TLSv1.2' as const });

function createServer(options: ApiServerOptions): FastifyInstance {
  const { tls } = options.config;
  const server = Fastify({
    logger: false,
    bodyLimit: limits.restBodyBytes,
    requestTimeout: limits.restRequestMs,
    connectionTimeout: 2 * limits.restRequestMs,
    forceCloseConnections: 'idle',
    // A server takes the absolute form too, as a client behind a proxy setting sends it (RFC 9112 3.2.2).
    rewriteUrl: ({ url = '/' }) => url.replace(/^https?:\/\/[^/?]*\/?/i, '/'),
    routerOptions: { maxParamLength: limits.restPathBytes },
    exposeHeadRoutes: false,
    // A path with a broken percent escape names no resource; without this fastify answers in a form of its own. No hook runs then.
    frameworkErrors: (_error, request, reply) => {
      openReply(request, reply, options.clock, options.random ?? cryptoRandom);
      void write(reply, notFound(pathOf(request)));
    },
    ...(tls ? { https: secureContext(tls) } : {}),
  }) as unknown as FastifyInstance;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  server.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      const form = await urlencodedOf(request.headers['content-type'] ?? '', body);
      if (!form.ok) throw Object.assign(new TypeError(form.error), { statusCode: 400 });
      return form.value;
    },
  );
  return server;
}

/** The end of the queue of directory writes: one queue per store, since HTTP and HTTPS are two servers over one store. */
const lastWrite = new WeakMap<ApiStore, Promise<unknown>>();

/** Requests under way, and directory writes one after the other. */
class Api {
  readonly #parts: ApiParts;
  readonly #accounts: AccountCache;
  readonly #router: Router = createRouter(routes);
  readonly #running = new Map<string, number>();
  readonly #maxRunning: number;
  readonly #publicUrl: string | null;

  constructor(
    parts: ApiParts,
    accounts: AccountCache,
    settings: { readonly maxRunning: number; readonly publicUrl: string | null },
  ) {
    this.#parts = parts;
    this.#accounts = accounts;
    this.#maxRunning = settings.maxRunning;
    this.#publicUrl = settings.publicUrl?.replace(/\/+$/, '') ?? null;
  }

  async serve(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    setCorsHeaders(reply);
    // A preflight carries no credentials.
    if (request.method === 'OPTIONS') return reply.code(204).send();
    try {
      return write(reply, await this.#answer(request, reply));
    } catch (error) {
      this.#parts.log.error({ path: pathOf(request), reason: textOf(error) }, 'request failed');
      return write(reply, storeFault(error));
    }
  }

  async #answer(request: FastifyRequest, reply: FastifyReply): Promise<Answer> {
    const open = await this.#openMedia(request, reply);
    if (open) return open;
    const client = await authenticate(this.#accounts, request.headers.authorization);
    if (!client.ok) {
      reply.header('www-authenticate', 'Basic realm="Hookswitch API"');
      return client.error;
    }
    const { sid } = client.value.account;
    const running = (this.#running.get(sid) ?? 0) + 1;
    reply.header('twilio-concurrent-requests', String(running));
    if (running > this.#maxRunning) {
      reply.header('retry-after', '1');
      return fault(20429, 'Too Many Requests');
    }
    this.#running.set(sid, running);
    try {
      return await this.#route(request, reply, client.value);
    } finally {
      const left = (this.#running.get(sid) ?? 1) - 1;
      if (left > 0) this.#running.set(sid, left);
      else this.#running.delete(sid);
    }
  }

  /** rest-api.md 10: media that anybody may fetch who knows its URL, where the settings say so. */
  async #openMedia(request: FastifyRequest, reply: FastifyReply): Promise<Answer | undefined> {
    if (!this.#parts.recordings?.isMediaOpen || (request.method !== 'GET' && request.method !== 'HEAD'))
      return undefined;
    const found = this.#router(pathOf(request));
    if (!found?.route.isMedia || found.isJson) return undefined;
    const account = await this.#accounts.get(found.params.AccountSid ?? '');
    if (account?.status !== 'active') return notFound(pathOf(request));
    return this.#route(request, reply, { account, keyKind: undefined });
  }

  async #route(request: FastifyRequest, reply: FastifyReply, client: Client): Promise<Answer> {
    const path = pathOf(request);
    const found = this.#router(path);
    if (!found) return notFound(path);
    // rest-api.md 2: everything but accounts and keys.
    if (found.route.isAdministration && client.keyKind === 'standard') return unauthenticated;
    const method = methodOf(request);
    // An unknown method is answered below, as for everybody.
    const refusal = client.policy && method && refusedBy(client.policy, found.route, method);
    if (refusal) return refusal;
    const { AccountSid } = found.params;
    const account = await addressed(this.#accounts, client.account, AccountSid, path, isAccountItself(found.route));
    if (!account.ok) return account.error;
    const handler = method && found.route.handlers[method];
    if (!method || !handler) {
      reply.header('allow', Object.keys(found.route.handlers).join(', '));
      return fault(20004, 'Method not allowed');
    }
    const query = parseForm(request.url.slice(path.length + 1));
    const form = parseForm(typeof request.body === 'string' ? request.body : '');
    if (!query.ok) return query.error;
    if (!form.ok) return form.error;
    const work = () =>
      handler(
        {
          account: account.value,
          client: client.account,
          path: found.path,
          isJson: found.isJson,
          range: request.headers['if-range'] === undefined ? request.headers.range : undefined,
          origin: this.#publicUrl ?? `${request.protocol}://${request.host}`,
          params: found.params,
          query: query.value,
          form: method === 'POST' ? form.value : (new Map() as Form),
        },
        this.#parts,
      );
    return found.route.isDirectory === true && method !== 'GET' ? this.#alone(work) : work();
  }

  /** What a write checked must still hold when it writes; and SIP sees the change before the client is told. */
  async #alone(work: () => Promise<Answer>): Promise<Answer> {
    const { store } = this.#parts;
    const turn = (lastWrite.get(store) ?? Promise.resolve()).then(async () => {
      const answer = await work();
      if (!isFault(answer)) await this.#refresh();
      return answer;
    });
    lastWrite.set(
      store,
      turn.catch(() => undefined),
    );
    return turn;
  }

  // The write is durable whatever happens here; the directory tries again by itself.
  async #refresh(): Promise<void> {
    try {
      await this.#parts.directory?.refresh();
    } catch (error) {
      this.#parts.log.warn({ reason: textOf(error) }, 'directory is behind the store');
    }
  }
}

const isAccountItself = (route: Route): boolean => route.path === '/Accounts/{AccountSid}';

/** PUT is POST on these resources (rest-api.md 4); HEAD is a GET whose body stays here (RFC 9110 9.3.2). */
function methodOf({ method: sent }: FastifyRequest): Method | undefined {
  const method = sent === 'PUT' ? 'POST' : sent === 'HEAD' ? 'GET' : sent;
  return method === 'GET' || method === 'POST' || method === 'DELETE' ? method : undefined;
}
