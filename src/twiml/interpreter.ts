// The voice session: fetch a document, run its verbs in order, follow redirects and actions, fall back on failure, and end the
// call when nothing is left (twiml.md 4). It knows the call only through CallControl and HTTP only through WebhookClient.
//
//   start ─▶ fetch ─▶ parse ─▶ verb ─▶ verb ─▶ … ─▶ end of document ─▶ hang up (or return, in screening)
//              ▲        │failure  │action, Redirect
//              │        ▼         │
//              └─ fallback URL ◀──┴── failure        fallback fails too ─▶ announcement ─▶ hang up

import type { Clock } from '../base/clock.ts';
import { levelOf } from '../base/errors.ts';
import type { CallEvent } from '../base/events.ts';
import { cryptoRandom, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { HttpMethod } from '../base/records.ts';
import { mergeParams } from '../webhook/params.ts';
import type { WebhookClient, WebhookParams } from '../webhook/webhook.ts';
import { withoutSecrets } from '../webhook/webhook.ts';
import { NOT_SUPPORTED } from './attributes.ts';
import type { CallControl } from './call-control.ts';
import { readAnswer } from './content.ts';
import { type DocumentError, type ParsedDocument, type ParsedVerb, parseDocument } from './document.ts';
import { notRunVerbs, screeningVerbs } from './schema.ts';
import type { Notice, RunContext, VerbResult } from './verb.ts';
import { verbs } from './verbs/index.ts';

type WithoutCall<T> = T extends unknown ? Omit<T, 'callSid' | 'atMs' | 'wall'> : never;

/** What a session reports: CallEvents without the call's id and times, which the owner of the call adds. */
export type SessionEvent = WithoutCall<Extract<CallEvent, { type: 'verbStarted' | 'verbEnded' | 'notification' }>>;

export interface SessionOptions {
  readonly control: CallControl;
  readonly webhook: WebhookClient;
  readonly start:
    | {
        readonly kind: 'url';
        readonly url: string;
        readonly method: HttpMethod;
        /** Beyond the standard parameters. */
        readonly params?: WebhookParams;
        /** Told once whether the document came. */
        readonly onFetched?: (ok: boolean) => void;
      }
    | { readonly kind: 'twiml'; readonly twiml: string; readonly baseUrl?: string | undefined };
  readonly fallback: { readonly url: string; readonly method: HttpMethod } | undefined;
  readonly authToken: string;
  readonly emit: (event: SessionEvent) => void;
  readonly log: Log;
  readonly clock: Clock;
  /** Aborted when the call ends or another document takes over: the session then returns and leaves the call alone. */
  readonly signal: AbortSignal;
  /** `return`: the end of the document leaves the call up (screening: the legs are bridged then). Default `hangUp`. */
  readonly endMeans?: 'hangUp' | 'return';
  /** While true, the end of the document and its failure return, and leave the call up (a transfer that may come to nothing). */
  readonly isTentative?: () => boolean;
  readonly random?: RandomSource;
  /** Makes it the document of a call that waits (wait-document.ts): it may do less, and its failure leaves the call alone. */
  readonly restriction?: Restriction | undefined;
}

export interface Restriction {
  /** Verbs that may run. */
  readonly verbs: ReadonlySet<string>;
  /** Warning for any other verb, which is skipped. */
  readonly wrongVerbCode: number;
  /** Sent with every request of the session, beyond the standard parameters. */
  readonly params: () => WebhookParams;
  /** How an answer that is audio is played. */
  readonly audio: 'once' | 'loop';
}

/** `ended`: the end of the document; `left`: by Leave; `stopped`: the call is over or not the session's any more. */
export type SessionEnd =
  | { readonly how: 'ended' }
  | { readonly how: 'left' }
  | { readonly how: 'stopped' }
  | { readonly how: 'failed'; readonly notice: Notice };

/**
 * Runs a session to its end. Resolves always; a fault of our own is logged, and the call is hung up. No async function: it would wait
 * as long as the call lasts, with a frame of its own.
 */
export function runVoiceSession(options: SessionOptions): Promise<SessionEnd> {
  const session = new VoiceSession(options);
  return session.run().catch((fault: unknown) => {
    options.log.error({ callSid: options.control.callSid, err: fault }, 'voice session fault');
    const notice: Notice = { level: 'error', code: 12400, message: 'internal failure' };
    session.notify(notice, undefined);
    if (!options.signal.aborted && !options.restriction) options.control.hangUp();
    return { how: 'failed', notice };
  });
}

/** Verbs after which the next one runs in any case, unless the call ends. */
const passingVerbs: ReadonlySet<string> = new Set(['Say', 'Play', 'Pause']);

const ANNOUNCEMENT = {
  text: 'An application error has occurred. Goodbye.',
  ssml: false,
  voice: undefined,
  language: 'en-US',
};

interface Target {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  readonly purpose: 'document' | 'action' | 'fallback';
  readonly onFetched?: ((ok: boolean) => void) | undefined;
}

interface Current {
  readonly document: ParsedDocument;
  /** Base of relative URLs and "the same document again". */
  readonly url: string | undefined;
  readonly isFallback: boolean;
}

/** How running a document ended. `stopped`: the call is over or not ours any more; `left`: a waiting call wants to go on. */
type Step =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'left' }
  | { readonly kind: 'endOfDocument' }
  | { readonly kind: 'goTo'; readonly target: Target }
  | { readonly kind: 'failed'; readonly notice: Notice };

class VoiceSession {
  readonly #options: SessionOptions;
  /** Documents fetched since the last verb that took time. */
  #documentsWithoutWait = 0;
  #hasGuardTripped = false;
  /** What the session failed of for good. */
  #failure: Notice | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  async run(): Promise<SessionEnd> {
    let current = await this.#begin();
    while (current) {
      const step: Step = await this.#execute(current);
      if (step.kind === 'stopped' || step.kind === 'left') return { how: step.kind };
      if (step.kind === 'endOfDocument') {
        await this.#finish();
        return { how: 'ended' };
      }
      if (step.kind === 'goTo') current = await this.#load(step.target);
      else current = await this.#fallBack(step.notice, current.url, current.isFallback);
    }
    return this.#failure ? { how: 'failed', notice: this.#failure } : { how: 'stopped' };
  }

  notify(notice: Notice, requestUrl: string | undefined): void {
    const { level, code: errorCode, message } = notice;
    const url = requestUrl === undefined ? null : withoutSecrets(requestUrl);
    // Made for each line: few sessions write one, and all would keep it.
    const { log, control } = this.#options;
    const ownLog = log.child({ folder: 'twiml', callSid: control.callSid });
    ownLog[level === 'error' ? 'warn' : 'info']({ errorCode, url }, message);
    this.#options.emit({ type: 'notification', level, errorCode, message, requestUrl: url });
  }

  #begin(): Promise<Current | undefined> {
    const { start } = this.#options;
    if (start.kind === 'url') {
      const { url, method, params = new Map(), onFetched } = start;
      return this.#load({ url, method, params, purpose: 'document', onFetched });
    }
    const parsed = parseDocument(start.twiml);
    return this.#accept(parsed.ok ? parsed.value : parsed.error, start.baseUrl, false);
  }

  // --- documents

  /** Undefined: the session is over. */
  async #load(target: Target): Promise<Current | undefined> {
    const isFallback = target.purpose === 'fallback';
    if (!isFallback && ++this.#documentsWithoutWait > limits.documentsWithoutWait) return this.#stopLoop(target.url);
    const { control, webhook, authToken, signal, restriction } = this.#options;
    const { url, method, purpose } = target;
    const standard = restriction ? mergeParams(control.params(), restriction.params()) : control.params();
    const params = mergeParams(standard, target.params);
    const { accountSid, callSid } = control;
    const result = await webhook.request({ url, method, params, authToken, accountSid, callSid, purpose }, signal);
    if (signal.aborted) return undefined;
    if (!result.ok) {
      target.onFetched?.(false);
      const { errorCode, detail, url: failedUrl } = result.error;
      return this.#fallBack({ level: 'error', code: errorCode, message: detail }, failedUrl, isFallback);
    }
    const answer = readAnswer(result.value, restriction?.audio);
    target.onFetched?.(answer.ok);
    return this.#accept(answer.ok ? answer.value : answer.error, result.value.finalUrl, isFallback);
  }

  async #accept(
    read: ParsedDocument | DocumentError,
    url: string | undefined,
    isFallback: boolean,
  ): Promise<Current | undefined> {
    if ('verbs' in read) {
      for (const warning of read.warnings) this.notify(warning, url);
      return { document: read, url, isFallback };
    }
    const where = read.line === undefined ? '' : ` (line ${read.line}, column ${read.column ?? 1})`;
    const notice: Notice = { level: 'error', code: read.code, message: read.message + where };
    // twiml.md 16, 3: an empty body is an empty document, with 11770 in the log.
    if (read.code !== 11770) return this.#fallBack(notice, url, isFallback);
    this.notify(notice, url);
    return { document: { verbs: [], warnings: [] }, url, isFallback };
  }

  // twiml.md 2.4: once, at once, with ErrorCode and ErrorUrl; without it, or when it fails too, an announcement.
  async #fallBack(
    notice: Notice,
    failedUrl: string | undefined,
    hasFallbackFailed: boolean,
  ): Promise<Current | undefined> {
    this.notify(notice, failedUrl);
    const { fallback, signal } = this.#options;
    if (signal.aborted) return undefined;
    if (!fallback || hasFallbackFailed) {
      this.#failure = notice;
      await this.#announceFailure();
      return undefined;
    }
    const params = new Map([['ErrorCode', String(notice.code)]]);
    if (failedUrl !== undefined) params.set('ErrorUrl', withoutSecrets(failedUrl));
    return this.#load({ ...fallback, params, purpose: 'fallback' });
  }

  // twiml.md 4.2 point 7: an application that sends the call in circles gets its fallback once, then the call ends.
  async #stopLoop(url: string): Promise<Current | undefined> {
    const message = `${limits.documentsWithoutWait} documents in a row without any verb that takes time`;
    const notice: Notice = { level: 'error', code: 11215, message };
    if (!this.#hasGuardTripped && this.#options.fallback) {
      this.#hasGuardTripped = true;
      return this.#fallBack(notice, url, false);
    }
    this.notify(notice, url);
    this.#failure = notice;
    if (!this.#options.restriction) await this.#hangUp();
    return undefined;
  }

  // --- verbs

  async #execute(current: Current): Promise<Step> {
    const documentVerbs = current.document.verbs;
    for (const [index, parsed] of documentVerbs.entries()) {
      this.#lookAhead(parsed, documentVerbs[index + 1], current.url);
      const step = await this.#runVerb(parsed, current);
      if (step) return step;
      if (this.#options.signal.aborted) return { kind: 'stopped' };
    }
    return { kind: 'endOfDocument' };
  }

  /** What is heard after a verb that only plays or waits is got ready meanwhile. */
  #lookAhead(verb: ParsedVerb, next: ParsedVerb | undefined, documentUrl: string | undefined): void {
    const { control, signal, restriction } = this.#options;
    const isNext = next !== undefined && passingVerbs.has(verb.name) && restriction?.verbs.has(next.name) !== false;
    // Its warnings are told when it runs.
    const context = { documentUrl, isNested: false, random: () => 0 };
    const prepared = isNext ? verbs.get(next.name)?.prepare(next.element, context) : undefined;
    control.prefetch(prepared?.ok ? prepared.value.sources : [], signal);
  }

  /**
   * Undefined: go on with the next verb. No async function: a verb may take as long as the call, and a frame that waits for it would be
   * kept all the while.
   */
  #runVerb({ name, element }: ParsedVerb, current: Current): Promise<Step | undefined> | Step | undefined {
    const { control, signal, emit, clock, restriction } = this.#options;
    const notify = (notice: Notice) => this.notify(notice, current.url);
    if (restriction && !restriction.verbs.has(name)) {
      const message = `${name} is not allowed in the document of a waiting call`;
      notify({ level: levelOf(restriction.wrongVerbCode), code: restriction.wrongVerbCode, message });
      return undefined;
    }
    if (control.isScreening() && !screeningVerbs.has(name)) {
      if (name === 'Dial')
        return { kind: 'failed', notice: { level: 'error', code: 13201, message: 'Dial inside a dialled segment' } };
      notify({ level: 'warning', code: 12200, message: `${name} is not allowed in a document for a called party` });
      return undefined;
    }
    if (name === 'Leave' && !restriction) {
      notify({ level: 'warning', code: 12200, message: 'Leave means nothing outside the wait document of a queue' });
      return undefined;
    }
    const verb = verbs.get(name);
    if (!verb) {
      const reason = notRunVerbs.has(name) ? 'is not supported yet' : 'is unknown';
      notify({ level: 'warning', code: NOT_SUPPORTED, message: `${name} ${reason} and was skipped` });
      return undefined;
    }
    const prepared = verb.prepare(element, {
      documentUrl: current.url,
      isNested: false,
      random: () => this.#draw(),
    });
    for (const warning of prepared.warnings) notify(warning);
    if (!prepared.ok) return { kind: 'failed', notice: prepared.error };
    emit({ type: 'verbStarted', verb: name, detail: prepared.value.detail });
    const context: RunContext = {
      control,
      documentUrl: current.url,
      notify,
      requestIgnored: (url, method, params) => this.#requestIgnored(url, method, params),
    };
    const startedAt = clock.now();
    return prepared.value.run(context, signal).then((result) => {
      emit({ type: 'verbEnded', verb: name, outcome: result.outcome });
      return this.#after(result, clock.now() - startedAt);
    });
  }

  #after(result: VerbResult, tookMs: number): Step | undefined {
    if (this.#options.signal.aborted || result.kind === 'end') return { kind: 'stopped' };
    if (result.kind === 'leave') return this.#options.restriction ? { kind: 'left' } : undefined;
    // What takes time by its nature may still be over at once: a file without sound, a queue that is left as soon as it is entered.
    if (result.waited && tookMs >= limits.verbWaitMs) {
      this.#documentsWithoutWait = 0;
      this.#hasGuardTripped = false;
    }
    if (result.kind === 'next') return undefined;
    const { url, method, params, purpose } = result;
    return { kind: 'goTo', target: { url, method, params, purpose } };
  }

  // The call is over, so the session's signal is aborted; the client's own total time bounds this request.
  async #requestIgnored(url: string, method: HttpMethod, extra: WebhookParams): Promise<void> {
    const { control, webhook, authToken } = this.#options;
    const { accountSid, callSid } = control;
    const params = mergeParams(control.params(), extra);
    const result = await webhook.request({ url, method, params, authToken, accountSid, callSid, purpose: 'action' });
    if (result.ok) return;
    this.notify({ level: 'error', code: result.error.errorCode, message: result.error.detail }, result.error.url);
  }

  #draw(): number {
    return (this.#options.random ?? cryptoRandom)(4).readUInt32BE(0) / 2 ** 32;
  }

  // --- ends

  async #finish(): Promise<void> {
    if (this.#options.endMeans !== 'return' && !this.#options.isTentative?.()) await this.#hangUp();
  }

  // twiml.md 1: an unanswered call whose document is over is answered first.
  async #hangUp(): Promise<void> {
    const { control, signal } = this.#options;
    if (!signal.aborted) await control.answer(signal);
    if (!signal.aborted) control.hangUp();
  }

  async #announceFailure(): Promise<void> {
    const { control, signal, isTentative, restriction } = this.#options;
    if (restriction || isTentative?.()) return;
    await control.answer(signal);
    if (signal.aborted) return;
    await control.play([{ kind: 'say', spoken: ANNOUNCEMENT, loop: 1 }], signal);
    if (!signal.aborted) control.hangUp();
  }
}
