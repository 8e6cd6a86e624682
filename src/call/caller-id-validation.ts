// Proves that a number belongs to an account (rest-api.md 13): calls it and waits for a code of six digits.
//
//   call ─▶ "Please enter …" ─▶ six keys ─▶ right: kept, "Thank you" ─▶ success
//                                   └─ wrong, three times; or it is not answered, or nobody keys anything ─▶ failed

import type { CallerIdsApi, StartedValidation, ValidationRequest } from '../base/caller-ids-api.ts';
import type { CallsApi, CreateCallRequest } from '../base/calls-api.ts';
import type { CallControlError } from '../base/control-error.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { ok, type Result } from '../base/result.ts';
import type { OutgoingCallerId } from '../base/voice-records.ts';
import type { Call } from './call.ts';

export interface ValidationServices {
  readonly restCalls: Pick<CallsApi, 'create' | 'redirect'>;
  readonly callOf: (callSid: string) => Call | undefined;
  /** What the call shows; a number of the account where it has one. */
  readonly shownNumber: (accountSid: string) => string | undefined;
  /** Believe every number, without a call. */
  readonly isAutomatic: () => boolean;
  /** Keeps a number that was proved; resolves with the sid that it has. */
  readonly keep: (callerId: OutgoingCallerId) => Promise<string>;
  /** Tells the callback how it went; `callerIdSid` undefined: it failed. */
  readonly tell: (request: ValidationRequest, callSid: string | undefined, callerIdSid: string | undefined) => void;
  readonly wall: () => number;
  readonly random: RandomSource;
}

const CODE_DIGITS = 6;
const ATTEMPTS = 3;
const ASK = '<Say>Please enter your six digit validation code.</Say><Pause length="8"/>';
const PLEASE_TIMES = 3;

const prompt = (before?: string): string =>
  `<Response><Pause length="1"/>${before === undefined ? '' : `<Say>${before}</Say>`}${ASK.repeat(PLEASE_TIMES)}</Response>`;
const THANKS = '<Response><Say>Thank you. Your number has been verified.</Say></Response>';
const SORRY = '<Response><Say>The code was not right. Goodbye.</Say></Response>';

export function createCallerIdValidation(services: ValidationServices): CallerIdsApi {
  return {
    async validate(request): Promise<Result<StartedValidation, CallControlError>> {
      const validationCode = codeOf(services.random);
      if (services.isAutomatic()) {
        const sid = await services.keep(record(request, services));
        if (request.callback) services.tell(request, undefined, sid);
        return ok({ callSid: null, validationCode });
      }
      const made = services.restCalls.create(callRequest(request, services.shownNumber(request.accountSid)));
      if (!made.ok) return made;
      const call = services.callOf(made.value.sid);
      if (call) listen(call, request, validationCode, services);
      return ok({ callSid: made.value.sid, validationCode });
    },
  };
}

/** From 100000 to 999999: a code that begins with a zero is read as a shorter one. */
const codeOf = (random: RandomSource): string => String(100_000 + (random(6).readUIntBE(0, 6) % 900_000));

function record({ accountSid, phoneNumber, friendlyName }: ValidationRequest, services: ValidationServices) {
  const now = services.wall();
  const sid = newSid('PN', services.random);
  return { sid, accountSid, phoneNumber, friendlyName, dateCreated: now, dateUpdated: now };
}

const callRequest = (request: ValidationRequest, shown: string | undefined): CreateCallRequest => ({
  accountSid: request.accountSid,
  to: request.phoneNumber,
  from: shown ?? 'anonymous',
  instructions: { twiml: prompt() },
  fallbackUrl: null,
  fallbackMethod: 'POST',
  statusCallback: null,
  statusCallbackMethod: 'POST',
  statusCallbackEvents: [],
  timeoutSeconds: limits.validationRingSeconds,
  timeLimitSeconds: limits.validationCallSeconds,
  // A moment, so that the switchboard hears the first key.
  sendDigits: request.extension === null ? null : `W${request.extension}`,
  delayMs: request.delayMs,
  sipAuth: null,
});

function listen(call: Call, request: ValidationRequest, code: string, services: ValidationServices): void {
  const { restCalls, keep, tell } = services;
  const say = (twiml: string) => void restCalls.redirect(call.sid, { twiml });
  let keyed = '';
  let attempts = 0;
  let isDecided = false;
  const decide = (callerIdSid: string | undefined) => {
    if (request.callback) tell(request, call.sid, callerIdSid);
  };
  const onCode = async () => {
    const isRight = keyed === code;
    keyed = '';
    if (!isRight && ++attempts < ATTEMPTS) return say(prompt('That code was not right.'));
    isDecided = true;
    unsubscribe();
    try {
      decide(isRight ? await keep(record(request, services)) : undefined);
      say(isRight ? THANKS : SORRY);
    } catch (fault) {
      call.log.error({ err: fault }, 'a verified caller id could not be kept');
      decide(undefined);
      call.hangUp('the caller id could not be kept');
    }
  };
  const unsubscribe = call.onLegEvent((event) => {
    if (event.type !== 'digit' || isDecided) return;
    // Star and hash begin again: who mistyped need not wait.
    keyed = /\d/.test(event.digit) ? keyed + event.digit : '';
    if (keyed.length === CODE_DIGITS) void onCode();
  });
  call.signal.addEventListener(
    'abort',
    () => {
      unsubscribe();
      if (!isDecided) decide(undefined);
    },
    { once: true },
  );
}
