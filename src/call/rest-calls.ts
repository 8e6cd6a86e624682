// Calls made and changed over REST (rest-api.md 9): the CallsApi that the api folder asks for.

import type { CallControlError, CallsApi, CreateCallRequest } from '../base/calls-api.ts';
import { type Clock, sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import type { RecordingRequest } from '../base/recordings-api.ts';
import type { CallRecord, Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { MediaEngine } from '../media/engine.ts';
import { applicationCall, applicationTarget } from './application-call.ts';
import type { MakeApplicationChild } from './application-child.ts';
import type { Call } from './call.ts';
import type { CallPacer } from './call-pacer.ts';
import type { Calls } from './calls.ts';
import { type DetectionServices, detectMachine } from './detect-machine.ts';
import { playToEnd } from './play.ts';
import type { RouteContext } from './route.ts';
import { type Router, type RouteTarget, userOf } from './routing.ts';

/** What a call runs: the TwiML layer's side, as a port. */
export type Instructions = CreateCallRequest['instructions'];
export interface SessionStart {
  readonly instructions: Instructions;
  readonly fallback: { readonly url: string; readonly method: 'GET' | 'POST' } | undefined;
}

export interface RestCallsServices {
  readonly calls: Calls;
  readonly router: Router;
  readonly engine: MediaEngine;
  readonly clock: Clock;
  /** Runs a document on the call; replaces a running one, taking the call out of its bridge. */
  readonly startSession: (call: Call, start: SessionStart) => void;
  /** Makes calls to applications (`app:AP…`); absent: there are none. */
  readonly applicationChild?: MakeApplicationChild;
  /** Finds out who answered; absent: nobody asks. */
  readonly detection?: DetectionServices;
  /** Calls per second of an account; absent: no bound. */
  readonly pacer?: Pick<CallPacer, 'reserve'>;
  /** PN… of the number, if it is one of the account's. */
  readonly phoneNumberSid?: (accountSid: string, number: string) => string | undefined;
  /** Records a call from its answer on (rest-api.md 9.1). */
  readonly record?: (call: Call, request: RecordingRequest) => void;
  /** The domain of the account that the call belongs to: host of the From header (home-domain.ts). */
  readonly homeDomain: (accountSid: string, from: string) => Domain | undefined;
}

export function createRestCalls(services: RestCallsServices): CallsApi {
  const preludes: Preludes = new WeakMap();
  return {
    create: (request) => create(request, services, preludes),
    live: (callSid) => services.calls.get(callSid)?.record(),
    complete: (callSid) => endCall(services.calls.get(callSid), services.clock),
    cancel: async (callSid) => {
      const call = services.calls.get(callSid);
      // rest-api.md 9.3: a leg that rings inside a Dial counts as in progress.
      const isLeftAlone = !call || call.isAnswered || call.options.direction === 'outbound-dial';
      return isLeftAlone ? call?.record() : endCall(call, services.clock);
    },
    amend(callSid, amendment) {
      const call = services.calls.get(callSid);
      call?.amend(amendment);
      return call?.record();
    },
    async redirect(callSid, instructions) {
      const call = services.calls.get(callSid);
      if (!call?.isAnswered) {
        return err({ code: 21220, status: 400, message: 'Call is not in-progress. Cannot redirect.' });
      }
      const fallback =
        'fallbackUrl' in instructions && instructions.fallbackUrl !== null
          ? { url: instructions.fallbackUrl, method: instructions.fallbackMethod }
          : undefined;
      preludes.get(call)?.abort();
      services.startSession(call, {
        instructions: 'twiml' in instructions ? instructions : { url: instructions.url, method: instructions.method },
        fallback,
      });
      return ok(call.record());
    },
  };
}

/** What calls do between their answer and their first document; a redirect ends it. */
type Preludes = WeakMap<Call, AbortController>;

function create(
  request: CreateCallRequest,
  services: RestCallsServices,
  preludes: Preludes,
): Result<CallRecord, CallControlError> {
  const { accountSid, applicationSid, from, delayMs = 0 } = request;
  const target = routeTarget(request);
  const isPaced = services.pacer !== undefined && !services.router.isEmergency(target);
  const waitMs = isPaced ? services.pacer?.reserve(accountSid) : 0;
  if (waitMs === undefined)
    return err({ code: 22005, status: 400, message: 'The account has calls waiting for more than a day' });
  const startsInMs = Math.ceil(waitMs + delayMs);
  const context: RouteContext = {
    accountSid,
    direction: 'outbound-api',
    parentCallSid: null,
    domain: services.homeDomain(accountSid, from),
    isOperators: true,
    near: undefined,
    callerId: userOf(from),
    callerName: request.callerName,
    maxForwards: 70,
    statusCallback:
      request.statusCallback === null
        ? undefined
        : { url: request.statusCallback, method: request.statusCallbackMethod, events: request.statusCallbackEvents },
    rest: {
      applicationSid: applicationSid ?? undefined,
      phoneNumberSid: services.phoneNumberSid?.(accountSid, from),
      queueTimeMs: startsInMs > 0 ? startsInMs : undefined,
    },
  };
  const application = services.applicationChild && applicationTarget(request.to);
  const made =
    application && services.applicationChild
      ? applicationCall(application, context, from, services.calls, services.applicationChild)
      : services.router[startsInMs > 0 ? 'makeLater' : 'make'](target, context);
  if (!made.ok) {
    const { rest: code, errorCode, detail } = made.error;
    return err({
      code: code?.code ?? errorCode,
      status: code?.status ?? (errorCode === 10004 ? 429 : 400),
      message: detail,
    });
  }
  const call = made.value;
  const begin = () => void run(call, request, services, preludes);
  if (startsInMs > 0) startLater(call, startsInMs, begin, services.clock);
  else begin();
  return ok(call.record());
}

function startLater(call: Call, delayMs: number, begin: () => void, clock: Clock): void {
  const turn = clock.after(delayMs, begin);
  call.signal.addEventListener('abort', () => turn.cancel(), { once: true });
}

async function run(
  call: Call,
  request: CreateCallRequest,
  services: RestCallsServices,
  preludes: Preludes,
): Promise<void> {
  // The 201 goes out first with status `queued`.
  await Promise.resolve();
  const ring = services.clock.after(request.timeoutSeconds * 1000 + limits.dialTimeoutExtraMs, () => {
    if (!call.isAnswered) call.hangUp('no answer in time', 'timeout');
  });
  call.signal.addEventListener('abort', () => ring.cancel(), { once: true });
  call.onLegEvent(async (event) => {
    if (event.type !== 'answered') return;
    ring.cancel();
    call.limitTime(request.timeLimitSeconds);
    if (request.recording) services.record?.(call, request.recording);
    const prelude = new AbortController();
    preludes.set(call, prelude);
    await beforeDocument(call, request, services, AbortSignal.any([prelude.signal, call.signal]));
    preludes.delete(call);
    if (call.isOver || prelude.signal.aborted) return;
    const fallback =
      request.fallbackUrl === null ? undefined : { url: request.fallbackUrl, method: request.fallbackMethod };
    services.startSession(call, { instructions: request.instructions, fallback });
  });
  call.start();
}

/** rest-api.md 9.1: digits are played before the document runs; who answered is found out before it, or beside it. */
async function beforeDocument(
  call: Call,
  { sendDigits, machineDetection }: CreateCallRequest,
  { engine, detection }: RestCallsServices,
  signal: AbortSignal,
): Promise<void> {
  if (sendDigits) {
    await playToEnd(engine, call, { sources: [{ kind: 'digits' as const, digits: sendDigits }], loop: 1 }, signal);
    return;
  }
  if (!machineDetection || !detection) return;
  if (machineDetection.isAsync) void detectMachine(call, machineDetection, detection, call.signal);
  else await detectMachine(call, machineDetection, detection, signal);
}

function routeTarget(request: CreateCallRequest): RouteTarget {
  if (request.to.startsWith('client:')) return { kind: 'client', identity: request.to.slice('client:'.length) };
  if (/^sips?:/i.test(request.to) || request.to.includes('@')) {
    return { kind: 'sip', uri: request.to, username: request.sipAuth?.username, password: request.sipAuth?.password };
  }
  return { kind: 'number', number: request.to, byoc: request.byoc ?? undefined };
}

/** A leg that rings ends when its peer has answered the CANCEL, which is waited for a while: the record then says how it ended. */
async function endCall(call: Call | undefined, clock: Clock): Promise<CallRecord | undefined> {
  if (!call) return undefined;
  call.hangUp('ended over REST');
  await sleep(clock, limits.restEndWaitMs, call.signal);
  return call.record();
}
