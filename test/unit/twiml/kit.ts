// Helpers of the TwiML unit tests: one verb from a piece of XML, and a session over documents held in memory.

import { silentLog } from '../../../src/base/log.ts';
import { err, ok } from '../../../src/base/result.ts';
import { parseDocument } from '../../../src/twiml/document.ts';
import { runVoiceSession, type SessionEvent, type SessionOptions } from '../../../src/twiml/interpreter.ts';
import type { Notice, ParseContext, Parsed, RunContext, Verb, VerbResult } from '../../../src/twiml/verb.ts';
import type { WebhookClient, WebhookRequest, WebhookResponse } from '../../../src/webhook/webhook.ts';
import { FakeCallControl } from '../../support/fake-call-control.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export const BASE = 'https://app.example.test/dir/voice?x=1';

export const parseContext: ParseContext = { documentUrl: BASE, isNested: false, random: () => 0 };

/** Parses the first verb of `<Response>…</Response>`, through the schema check as in a call. */
export function parseVerb<T>(verb: Verb<T>, xml: string, context: Partial<ParseContext> = {}): Parsed<T> {
  const document = parseDocument(`<Response>${xml}</Response>`);
  if (!document.ok) throw new Error(`test document: ${document.error.message}`, { cause: document.error });
  return verb.parse(document.value.verbs[0]!.element, { ...parseContext, ...context });
}

/** The value of a verb that parses, with the codes of its warnings. */
export function parsedValue<T>(parsed: Parsed<T>): { value: T; codes: number[] } {
  if (!parsed.ok) throw new Error(`verb failed: ${parsed.error.message}`, { cause: parsed.error });
  return { value: parsed.value, codes: parsed.warnings.map(({ code }) => code) };
}

export interface VerbRun {
  readonly result: VerbResult;
  readonly control: FakeCallControl;
  readonly ignored: { url: string; method: string; params: Record<string, string> }[];
  readonly notices: Notice[];
}

/** Parses and runs one verb. */
export async function runVerb<T>(
  verb: Verb<T>,
  xml: string,
  control = new FakeCallControl(),
  changes: Partial<RunContext> = {},
): Promise<VerbRun> {
  const { value } = parsedValue(parseVerb(verb, xml));
  const ignored: VerbRun['ignored'] = [];
  const notices: Notice[] = [];
  const context: RunContext = {
    control,
    documentUrl: BASE,
    notify: (notice) => notices.push(notice),
    requestIgnored: async (url, method, params) => {
      ignored.push({ url, method, params: Object.fromEntries(params) });
    },
    ...changes,
  };
  return { result: await verb.run(value, context, control.callSignal), control, ignored, notices };
}

type Page =
  | string
  | { readonly error: number }
  | (Partial<Omit<WebhookResponse, 'body'>> & { readonly body?: string; readonly bytes?: Buffer });

export interface SentRequest {
  readonly url: string;
  readonly method: string;
  readonly purpose: string;
  readonly params: Record<string, string>;
}

/** An application in memory: page by URL (without query), the last page of a list stays. */
export class FakeWebhook implements WebhookClient {
  readonly sent: SentRequest[] = [];
  readonly #pages: Record<string, Page | Page[]>;
  during: (request: WebhookRequest) => void = () => {};

  constructor(pages: Record<string, Page | Page[]>) {
    this.#pages = pages;
  }

  async request(request: WebhookRequest) {
    const { url, method, purpose, params } = request;
    this.sent.push({ url, method, purpose, params: Object.fromEntries(params) });
    this.during(request);
    const key = url.replace(/[?#].*$/, '');
    const listed = this.#pages[key];
    const page = Array.isArray(listed) ? (listed.length > 1 ? listed.shift() : listed[0]) : listed;
    if (page === undefined) return err({ errorCode: 11217, detail: 'HTTP status 404', url, status: 404 });
    if (typeof page === 'string') return ok(response(url, { body: page }));
    if ('error' in page) return err({ errorCode: page.error, detail: 'failed', url, status: undefined });
    return ok(response(url, page));
  }

  async fetchMedia(url: string) {
    return err({ errorCode: 11217, detail: 'HTTP status 404', url, status: 404 });
  }

  forget(): void {}
  isOverloaded(): boolean {
    return false;
  }
  counts() {
    return { inFlight: 0, queued: 0, cookieJars: 0 };
  }
  async stop(): Promise<void> {}
}

function response(url: string, page: Exclude<Page, string | { error: number }>): WebhookResponse {
  const {
    body = '',
    bytes = Buffer.from(body),
    contentType = 'text/xml',
    finalUrl = url,
    status = 200,
    durationMs = 1,
  } = page;
  return { body: bytes, contentType, finalUrl, status, durationMs };
}

export interface SessionRun {
  readonly control: FakeCallControl;
  readonly webhook: FakeWebhook;
  readonly events: SessionEvent[];
  /** Codes of the notifications, in order. */
  readonly codes: number[];
}

/** Runs a session that starts at BASE. */
export async function runSession(
  pages: Record<string, Page | Page[]>,
  options: Partial<SessionOptions> & { control?: FakeCallControl; webhook?: FakeWebhook } = {},
): Promise<SessionRun> {
  const control = options.control ?? new FakeCallControl();
  const webhook = options.webhook ?? new FakeWebhook(pages);
  const events: SessionEvent[] = [];
  await runVoiceSession({
    start: { kind: 'url', url: BASE, method: 'POST' },
    fallback: undefined,
    authToken: '12345',
    emit: (event) => events.push(event),
    log: silentLog,
    clock: new VirtualClock(),
    signal: control.callSignal,
    ...options,
    control,
    webhook,
  });
  const codes = events.flatMap((event) => (event.type === 'notification' ? [event.errorCode] : []));
  return { control, webhook, events, codes };
}
