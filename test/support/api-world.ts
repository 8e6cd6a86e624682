// The REST API as a client sees it: a real server on loopback over a real SQLite store, with a call layer that only keeps records, and
// the vendor's own library pointed at it (rest-api.md 3.1).

import twilio from 'twilio';
import type RequestClient from 'twilio/lib/base/RequestClient.js';
import { type ApiServerOptions, createApiServer } from '../../src/api/server.ts';
import type { CallsApi, CreateCallRequest } from '../../src/base/calls-api.ts';
import { type Clock, realClock } from '../../src/base/clock.ts';
import { newSid } from '../../src/base/ids.ts';
import { silentLog } from '../../src/base/log.ts';
import { type Account, type CallRecord, terminalStatuses } from '../../src/base/records.ts';
import { err, ok } from '../../src/base/result.ts';
import { createDirectory, type StoreDirectory } from '../../src/store/directory.ts';
import { ensureRootAccount } from '../../src/store/root-account.ts';
import { digestHa1 } from '../../src/store/secrets.ts';
import type { Store } from '../../src/store/store.ts';
import { openTempStore } from './temp-store.ts';

/** Keeps calls, dials nothing. Tests move a call on with `set`. */
export class FakeCalls implements CallsApi {
  readonly created: CreateCallRequest[] = [];
  readonly redirects: unknown[] = [];
  readonly #live = new Map<string, CallRecord>();
  readonly #store: Store;
  readonly #clock: Clock;
  /** The next create fails with this. */
  refusal: { code: number; status: number; message: string } | undefined;

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  create(request: CreateCallRequest) {
    if (this.refusal) return err(this.refusal);
    this.created.push(request);
    const now = this.#clock.wall();
    const record: CallRecord = {
      sid: newSid('CA'),
      accountSid: request.accountSid,
      parentCallSid: null,
      to: request.to,
      from: request.from,
      status: 'queued',
      direction: 'outbound-api',
      startTime: null,
      answerTime: null,
      endTime: null,
      durationSeconds: null,
      sipResponseCode: null,
      sipCallId: null,
      domainSid: null,
      answeredBy: null,
      callerName: null,
      forwardedFrom: null,
      phoneNumberSid: null,
      queueTimeMs: null,
      errorCode: null,
      dateCreated: now,
      dateUpdated: now,
    };
    this.#keep(record);
    return ok(record);
  }

  live(callSid: string): CallRecord | undefined {
    return this.#live.get(callSid);
  }

  set(callSid: string, change: Partial<CallRecord>): CallRecord {
    const record = { ...this.#live.get(callSid)!, ...change };
    this.#keep(record);
    return record;
  }

  async complete(callSid: string) {
    const wasAnswered = this.#live.get(callSid)?.status === 'in-progress';
    return this.#end(callSid, wasAnswered ? 'completed' : 'canceled');
  }

  async cancel(callSid: string) {
    return this.#end(callSid, 'canceled');
  }

  async redirect(callSid: string, instructions: unknown) {
    this.redirects.push(instructions);
    const record = this.#live.get(callSid);
    return record
      ? ok(record)
      : err({ code: 21220, status: 400, message: 'Call is not in-progress. Cannot redirect.' });
  }

  #end(callSid: string, status: CallRecord['status']): CallRecord | undefined {
    if (!this.#live.has(callSid)) return undefined;
    return this.set(callSid, { status, endTime: this.#clock.wall(), durationSeconds: 3 });
  }

  #keep(record: CallRecord): void {
    if (terminalStatuses.has(record.status)) this.#live.delete(record.sid);
    else this.#live.set(record.sid, record);
    this.#store.calls.put(record);
  }
}

/** rest-api.md 3.1: the recommended way to point the library at a gateway. */
export class GatewayHttpClient extends twilio.RequestClient {
  readonly requests: { readonly uri: string; readonly method: string; readonly params: object }[] = [];
  readonly #base: URL;

  constructor(base: string, options?: ConstructorParameters<typeof twilio.RequestClient>[0]) {
    super(options);
    this.#base = new URL(base);
  }

  override request<Data>(options: RequestClient.RequestOptions<Data>) {
    const uri = new URL(options.uri);
    uri.protocol = this.#base.protocol;
    uri.hostname = this.#base.hostname;
    uri.port = this.#base.port;
    this.requests.push({ uri: uri.href, method: String(options.method), params: options.params ?? {} });
    return super.request<Data>(Object.assign({}, options, { uri: uri.href }));
  }
}

export interface ApiWorld {
  readonly url: string;
  readonly store: Store;
  readonly directory: StoreDirectory;
  readonly calls: FakeCalls;
  readonly account: Account;
  readonly http: GatewayHttpClient;
  readonly client: ReturnType<typeof twilio>;
  /** A client of another account of the same server. */
  clientOf(account: Pick<Account, 'sid' | 'authToken'>): ReturnType<typeof twilio>;
  /** A plain request below the account's path, with its credentials unless `authorization` says otherwise. */
  fetch(
    path: string,
    options?: RequestInit & { readonly form?: string; readonly authorization?: string },
  ): Promise<Response>;
  stop(): Promise<void>;
}

export type ApiWorldOptions = Partial<Omit<ApiServerOptions, 'config'>> & {
  readonly config?: Partial<ApiServerOptions['config']>;
};

/** A body that a test looks into by name. */
export const json = async <Body = Record<string, unknown>>(answer: Response): Promise<Body> =>
  (await answer.json()) as Body;

export async function apiWorld(over: ApiWorldOptions = {}): Promise<ApiWorld> {
  const clock = over.clock ?? realClock;
  const { store, discard } = await openTempStore();
  const root = await ensureRootAccount(store, {}, { clock });
  if (!root.ok) throw new Error(root.error);
  const { account } = root.value;
  const directory = await createDirectory(store, { clock: realClock, log: silentLog });
  const calls = new FakeCalls(store, clock);
  const server = createApiServer({
    store,
    directory,
    calls,
    hashPassword: digestHa1,
    counts: () => ({ calls: 0 }),
    health: () => ({ ready: true }),
    clock,
    log: silentLog,
    ...over,
    config: {
      listen: { address: '127.0.0.1', port: 0 },
      domainSuffix: 'sip.localhost',
      realm: 'sip.hookswitch.local',
      ...over.config,
    },
  });
  const { address, port } = await server.start();
  const url = `http://${address}:${port}`;
  const http = new GatewayHttpClient(url);
  const basic = (one: Pick<Account, 'sid' | 'authToken'>) =>
    `Basic ${Buffer.from(`${one.sid}:${one.authToken}`).toString('base64')}`;
  const clientOf = (one: Pick<Account, 'sid' | 'authToken'>, httpClient = http) =>
    twilio(one.sid, one.authToken, { httpClient });
  return {
    url,
    store,
    directory,
    calls,
    account,
    http,
    client: clientOf(account),
    clientOf,
    fetch(path, options = {}) {
      const { form, authorization = basic(account), ...rest } = options;
      const headers = new Headers(rest.headers);
      if (authorization !== '') headers.set('authorization', authorization);
      if (form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded');
      const full = path.startsWith('/') ? path : `/2010-04-01/Accounts/${account.sid}/${path}`;
      return fetch(url + full, {
        ...rest,
        headers,
        ...(form === undefined ? {} : { method: rest.method ?? 'POST', body: form }),
      });
    },
    async stop() {
      await server.stop();
      directory.stop();
      await discard();
    },
  };
}
