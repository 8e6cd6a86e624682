// One logical request: attempts, retries, redirects by hand, cookies, signature and credentials around single exchanges
// (twiml.md 2.1 to 2.3). client.ts gives each a total timer and turns the end into the port's values.

import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Agents } from './agents.ts';
import type { CookieJars } from './cookies.ts';
import { authorizationOf, challengeFor, type DigestChallenge } from './credentials.ts';
import { type ExchangeAnswer, exchange } from './exchange.ts';
import { classify } from './failures.ts';
import type { ConnectionOverrides, RetryCause } from './overrides.ts';
import { encodeForm, mergeQuery } from './params.ts';
import { signedUrl, signRequest } from './signature.ts';
import type { OriginSlots } from './slots.ts';
import type { WebhookEvent, WebhookFailure, WebhookParams, WebhookReport } from './webhook.ts';
import { withoutSecrets } from './webhook.ts';

export interface Transfer {
  /** Without fragment. */
  readonly url: URL;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  /** Undefined: not signed (audio files). */
  readonly authToken: string | undefined;
  /** Whose exchange log it belongs in; undefined: in none (audio files). */
  readonly accountSid: string | undefined;
  readonly callSid: string;
  readonly purpose: WebhookEvent['purpose'];
  readonly overrides: ConnectionOverrides;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: (headers: IncomingHttpHeaders) => number;
  readonly wantsBody: (status: number, headers: IncomingHttpHeaders) => boolean;
  readonly mayTake: (bytes: number) => boolean;
  /** Same value on every attempt and hop (twiml.md 2.1). */
  readonly idempotencyToken: string;
}

export interface TransferContext {
  readonly clock: Clock;
  readonly agents: Agents;
  readonly slots: OriginSlots;
  readonly cookies: CookieJars;
  readonly userAgent: string;
  readonly signsCredentials: boolean;
  readonly onEvent: (event: WebhookEvent) => void;
  readonly onExchange: (report: WebhookReport) => void;
}

export interface TransferAnswer extends ExchangeAnswer {
  /** The last URL, without parameters of ours. */
  readonly url: URL;
  readonly isRedirected: boolean;
}

/** What a request adds to the common rules; the rest of Transfer comes from its URL and the settings. */
export type TransferDraft = Omit<Transfer, 'url' | 'overrides' | 'idempotencyToken'> & {
  readonly url: string;
  /** A new one is made without. */
  readonly idempotencyToken?: string | undefined;
};

export type SendTransfer = (
  draft: TransferDraft,
  signal: AbortSignal | undefined,
) => Promise<Result<TransferAnswer, WebhookFailure>>;

interface Hop {
  readonly url: URL;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  /** The server wants Digest. */
  readonly challenge?: DigestChallenge | undefined;
}

const NO_PARAMS: WebhookParams = new Map();

/** Runs the request until a final answer (2xx or 304) or a failure. Never rejects. */
export async function runTransfer(
  context: TransferContext,
  transfer: Transfer,
  signal: AbortSignal,
): Promise<Result<TransferAnswer, WebhookFailure>> {
  let hop: Hop = { url: transfer.url, method: transfer.method, params: transfer.params };
  const retries = { left: transfer.overrides.retries };
  for (let redirects = 0; ; redirects++) {
    const answer = await tryHop(context, transfer, hop, retries, signal);
    if (!answer.ok) return answer;
    const { status, headers } = answer.value;
    if ((status >= 200 && status < 300) || status === 304)
      return ok({ ...answer.value, url: hop.url, isRedirected: redirects > 0 });
    if (!REDIRECTS.has(status)) return err(failureOf(hop, 11217, `HTTP status ${status}`, status));
    if (redirects >= limits.webhookRedirects) return err(failureOf(hop, 11215, 'too many redirects', status));
    const next = redirectTarget(hop, status, headers.location);
    if (!next) return err(failureOf(hop, 11216, 'redirect without a usable Location', status));
    hop = next;
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

// twiml.md 2.2: 301, 302, 303 become a bodyless GET and lose the parameters; 307 and 308 keep method and body. With GET the
// parameters were part of the query, which the Location replaces.
function redirectTarget(hop: Hop, status: number, location: string | undefined): Hop | undefined {
  if (location === undefined || location === '') return undefined;
  let url: URL;
  try {
    url = new URL(location, hop.url);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  url.hash = '';
  // Credentials stay with the origin that they were given for.
  if (url.origin === hop.url.origin && url.username === '') {
    url.username = hop.url.username;
    url.password = hop.url.password;
  }
  const isKept = status === 307 || status === 308;
  if (isKept && hop.method === 'POST') return { ...hop, url };
  return { url, method: 'GET', params: NO_PARAMS };
}

async function tryHop(
  context: TransferContext,
  transfer: Transfer,
  first: Hop,
  retries: { left: number },
  signal: AbortSignal,
): Promise<Result<ExchangeAnswer, WebhookFailure>> {
  let mayReconnect = true;
  let hop = first;
  for (;;) {
    const attempt = await attemptOnce(context, transfer, hop, signal);
    const challenge = attempt.kind === 'answer' && !hop.challenge ? challengeFor(hop.url, attempt.answer) : undefined;
    if (challenge && !signal.aborted) {
      hop = { ...hop, challenge };
      continue;
    }
    if (attempt.kind === 'stale' && mayReconnect && !signal.aborted) {
      // The server closed a kept-alive connection under the request: not an answer, so not counted as a retry.
      mayReconnect = false;
      continue;
    }
    const cause = attempt.kind === 'answer' ? statusCause(attempt.answer.status) : attempt.retry;
    const mayRetry = cause !== undefined && transfer.overrides.retryOn.has(cause) && retries.left > 0;
    if (mayRetry && !signal.aborted) {
      retries.left--;
      continue;
    }
    return attempt.kind === 'answer' ? ok(attempt.answer) : err(attempt.failure);
  }
}

type Attempt =
  | { readonly kind: 'answer'; readonly answer: ExchangeAnswer }
  | { readonly kind: 'failure' | 'stale'; readonly failure: WebhookFailure; readonly retry: RetryCause | undefined };

async function attemptOnce(
  context: TransferContext,
  transfer: Transfer,
  hop: Hop,
  signal: AbortSignal,
): Promise<Attempt> {
  const { origin } = hop.url;
  if (!(await context.slots.acquire(origin, signal))) {
    const detail = signal.aborted ? 'given up by the gateway' : 'too many requests wait for this origin';
    return { kind: 'failure', failure: failureOf(hop, 11205, detail, undefined), retry: undefined };
  }
  const startedMs = context.clock.now();
  // The URL as configured: what GET appends may hold digits, which no event shows (design.md 9).
  const shown = { callSid: transfer.callSid, url: withoutSecrets(hop.url.href), purpose: transfer.purpose };
  context.onEvent({ type: 'webhookRequest', ...shown, method: hop.method });
  try {
    const sent = hop.method === 'GET' ? mergeQuery(hop.url, hop.params) : hop.url;
    const result = await exchange({
      agent: context.agents.get(transfer.overrides.connectMs, transfer.overrides.isSniSent),
      clock: context.clock,
      url: sent,
      method: hop.method,
      headers: requestHeaders(context, transfer, hop, sent),
      body: hop.method === 'POST' ? encodeForm(hop.params) : undefined,
      readMs: transfer.overrides.readMs,
      maxBytes: transfer.maxBytes,
      wantsBody: transfer.wantsBody,
      mayTake: transfer.mayTake,
      signal,
    });
    const durationMs = Math.round(context.clock.now() - startedMs);
    if (result.ok) {
      const { status, headers } = result.value;
      const errorCode = status >= 400 ? 11217 : null;
      context.onEvent({ type: 'webhookResponse', ...shown, status, durationMs, errorCode });
      report(context, transfer, hop, { status, durationMs, errorCode, headers, body: result.value.body });
      context.cookies.store(transfer.callSid, hop.url, headers, transfer.purpose !== 'statusCallback');
      return { kind: 'answer', answer: result.value };
    }
    const { code, detail, retry } = classify(result.error);
    context.onEvent({ type: 'webhookResponse', ...shown, status: 0, durationMs, errorCode: code });
    report(context, transfer, hop, { status: 0, durationMs, errorCode: code, headers: {}, body: Buffer.alloc(0) });
    const isStale = result.error.kind === 'network' && result.error.isStale;
    return { kind: isStale ? 'stale' : 'failure', failure: failureOf(hop, code, detail, undefined), retry };
  } finally {
    context.slots.release(origin);
  }
}

/** Headers of an answer that are no business of a log. */
const SECRET_HEADERS: ReadonlySet<string> = new Set(['set-cookie', 'authorization', 'www-authenticate']);

function report(
  context: TransferContext,
  transfer: Transfer,
  hop: Hop,
  answer: Pick<WebhookReport, 'status' | 'durationMs' | 'errorCode' | 'body'> & { headers: IncomingHttpHeaders },
): void {
  const { accountSid, callSid, purpose } = transfer;
  if (accountSid === undefined) return;
  const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
    SECRET_HEADERS.has(name) || value === undefined ? [] : [[name, String(value)] as const],
  );
  context.onExchange({
    ...answer,
    body: isAudio(answer.headers) ? Buffer.alloc(0) : answer.body,
    accountSid,
    callSid,
    purpose,
    method: hop.method,
    url: withoutSecrets(hop.url.href),
    params: hop.params,
    headers: Object.fromEntries(headers),
  });
}

function requestHeaders(context: TransferContext, transfer: Transfer, hop: Hop, sent: URL): Record<string, string> {
  const headers: Record<string, string> = {
    'User-Agent': context.userAgent,
    Accept: '*/*',
    'Accept-Encoding': 'gzip',
    'I-Twilio-Idempotency-Token': transfer.idempotencyToken,
    ...transfer.headers,
  };
  if (hop.method === 'POST') headers['Content-Type'] = 'application/x-www-form-urlencoded; charset=UTF-8';
  if (transfer.authToken !== undefined) {
    const url = signedUrl(sent, context.signsCredentials);
    headers['X-Twilio-Signature'] = signRequest(
      transfer.authToken,
      url,
      hop.method === 'POST' ? hop.params : undefined,
    );
  }
  const cookie = context.cookies.header(transfer.callSid, hop.url);
  if (cookie !== undefined) headers.Cookie = cookie;
  const { method, challenge } = hop;
  const clientNonce = transfer.idempotencyToken;
  const authorization = authorizationOf(hop.url, {
    method,
    target: sent.pathname + sent.search,
    challenge,
    clientNonce,
  });
  if (authorization !== undefined) headers.Authorization = authorization;
  return headers;
}

/** Media type in lower case without parameters; empty when there is none. */
export function contentTypeOf(headers: IncomingHttpHeaders): string {
  return (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase();
}

/** Whether the answer is audio: played, not read. */
export const isAudio = (headers: IncomingHttpHeaders): boolean => contentTypeOf(headers).startsWith('audio/');

function statusCause(status: number): RetryCause | undefined {
  if (status >= 500) return '5xx';
  return status >= 400 ? '4xx' : undefined;
}

function failureOf(hop: Hop, errorCode: number, detail: string, status: number | undefined): WebhookFailure {
  return { errorCode, detail, url: withoutSecrets(hop.url.href), status };
}
