// Status callbacks (twiml.md 8.1, 8.2): asynchronous, in order per call, never steering the call, without fallback.
// Who is called back about what is decided in call/; this file sends, and builds the parameters that are added.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { type HttpMethod, terminalStatuses } from '../base/records.ts';
import { orAbort } from '../base/signal.ts';
import { buildParams, mergeParams, rfc2822Date } from './params.ts';
import type { WebhookClient, WebhookParams } from './webhook.ts';
import { withoutSecrets } from './webhook.ts';

export interface StatusCallbackRequest {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  readonly authToken: string;
  readonly accountSid: string;
  readonly callSid: string;
  /** Called once, when it was answered, failed or was dropped. */
  readonly onDone?: (() => void) | undefined;
}

export interface StatusCallbacks {
  /** Queues a callback behind those of the same call. Dropped, with a log line, when too many wait. */
  send(request: StatusCallbackRequest): void;
  /** Waiting and running ones. */
  pending(): number;
  /** Resolves when none is pending, or when `signal` is aborted. */
  drain(signal: AbortSignal): Promise<void>;
}

interface Dependencies {
  readonly client: WebhookClient;
  readonly log: Log;
  readonly clock: Clock;
}

export function createStatusCallbacks({ client, log, clock }: Dependencies): StatusCallbacks {
  const queues = new Map<string, StatusCallbackRequest[]>();
  const idleWaiters = new Set<() => void>();
  let pending = 0;

  const deliver = async (request: StatusCallbackRequest) => {
    const startedMs = clock.now();
    const result = await client.request({ ...request, purpose: 'statusCallback' });
    const fields = {
      callSid: request.callSid,
      url: withoutSecrets(request.url),
      durationMs: Math.round(clock.now() - startedMs),
    };
    if (!result.ok) {
      const { errorCode, detail, status } = result.error;
      log.warn({ ...fields, errorCode, detail, status }, 'status callback failed');
    } else if (!isExpectedAnswer(result.value.status, result.value.contentType, result.value.body)) {
      log.warn({ ...fields, status: result.value.status }, 'status callback answered with more than an empty response');
    }
  };

  const run = async (callSid: string, queue: StatusCallbackRequest[]) => {
    for (let next = queue[0]; next !== undefined; next = queue[0]) {
      try {
        await deliver(next);
      } catch (fault) {
        // One callback's fault must not stop those behind it.
        log.error({ callSid, err: fault }, 'status callback fault');
      }
      queue.shift();
      pending--;
      next.onDone?.();
    }
    queues.delete(callSid);
    if (pending > 0) return;
    for (const wake of idleWaiters) wake();
    idleWaiters.clear();
  };

  return {
    send(request) {
      const queue = queues.get(request.callSid);
      if (pending >= limits.statusCallbacksQueued || (queue?.length ?? 0) >= limits.statusCallbacksPerCall) {
        log.warn({ callSid: request.callSid, url: withoutSecrets(request.url) }, 'status callback dropped: queue full');
        request.onDone?.();
        return;
      }
      pending++;
      if (queue) {
        queue.push(request);
        return;
      }
      const own = [request];
      queues.set(request.callSid, own);
      void run(request.callSid, own);
    },
    pending: () => pending,
    async drain(signal) {
      if (pending === 0) return;
      let wake = () => {};
      const idle = new Promise<void>((resolve) => {
        wake = resolve;
        idleWaiters.add(resolve);
      });
      await orAbort(idle, signal, undefined);
      idleWaiters.delete(wake);
    },
  };
}

// twiml.md 8.1: 204, or 200 with text/xml and an empty Response. Anything else is only worth a log line.
function isExpectedAnswer(status: number, contentType: string, body: Buffer): boolean {
  if (status === 204 || body.length === 0) return true;
  if (!/^(text|application)\/xml$/.test(contentType)) return false;
  return /^\s*(<\?xml[^>]*\?>)?\s*<Response\s*(\/>|>\s*<\/Response>)\s*$/.test(body.toString('utf8', 0, 512));
}

export interface StatusCallbackFacts {
  /** Standard parameters of the leg (twiml.md 3.1); a CallStatus in them is replaced. */
  readonly standard: WebhookParams;
  readonly callStatus: string;
  /** From 0, per leg. */
  readonly sequenceNumber: number;
  /** When it happened, wall milliseconds. */
  readonly wallMs: number;
  /** Seconds from answer; 0 for a leg that was never answered. Used with a final status only. */
  readonly durationSeconds: number;
  /** Final SIP code of the leg. Used with a final status only. */
  readonly sipResponseCode: number | null;
  /** The last warning or error of the call. Used where it failed. */
  readonly notice?: { readonly errorCode: number; readonly message: string } | undefined;
}

/** The parameters of a call-progress callback (twiml.md 8.1, sip-interface.md 8.1). Pure. */
export function statusCallbackParams(facts: StatusCallbackFacts): WebhookParams {
  const { callStatus, durationSeconds } = facts;
  const notice = callStatus === 'failed' ? facts.notice : undefined;
  const isFinal = terminalStatuses.has(callStatus);
  return mergeParams(
    facts.standard,
    buildParams([
      ['CallStatus', callStatus],
      ['Timestamp', rfc2822Date(facts.wallMs)],
      ['CallbackSource', 'call-progress-events'],
      ['SequenceNumber', facts.sequenceNumber],
      ['CallDuration', isFinal ? durationSeconds : undefined],
      // Minutes, every started one counted (calls are billed by the minute).
      ['Duration', callStatus === 'completed' ? Math.ceil(durationSeconds / 60) : undefined],
      ['SipResponseCode', isFinal ? facts.sipResponseCode : undefined],
      ['ErrorCode', notice?.errorCode],
      ['ErrorMessage', notice?.message],
    ]),
  );
}
