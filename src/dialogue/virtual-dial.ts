// Dial on a virtual call: the script says whether somebody answers. A screening document is really run, on a leg of the called party;
// meanwhile keys and words of the script are those of that party.
//
//   Dial ─▶ expect-dial ─▶ answer ─▶ screening document ─▶ bridged ─▶ for 20s ─▶ completed
//                       └▶ busy, no-answer, failed, or nothing: no-answer after the time-out

import { sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { linkedController } from '../base/signal.ts';
import type { DialOptions, DialOutcome, DialTarget } from '../twiml/call-control.ts';
import { runVoiceSession } from '../twiml/interpreter.ts';
import { TALK_MS } from './engagement.ts';
import type { Outcome } from './script.ts';
import type { CallerLeg, VirtualWorld } from './virtual-world.ts';

type Sip = NonNullable<DialOutcome['sip']>;

const ALLOWED = ['answer', 'busy', 'no-answer', 'failed'] as const;
/** Nobody gave up on our side of the call. */
const REQUEST_TERMINATED = 487;

export async function virtualDial(
  call: VirtualWorld,
  caller: CallerLeg,
  options: DialOptions,
  signal: AbortSignal,
): Promise<DialOutcome> {
  const ringMs = options.timeoutSeconds * 1_000 + limits.dialTimeoutExtraMs;
  const child = { sid: call.options.newSid('CA'), callId: `${call.options.newSid('CA').slice(2)}@virtual.invalid` };
  const unanswered = (status: DialOutcome['status'], responseCode: number): DialOutcome => ({
    status,
    callSid: child.sid,
    durationSeconds: 0,
    bridged: false,
    sip: sip(child.callId, responseCode),
    callerHungUp: caller.callSignal.aborted,
  });
  const outcome = await call.engagements.wait('Dial', ALLOWED, ringMs, signal);
  if (signal.aborted) return unanswered('canceled', REQUEST_TERMINATED);
  switch (outcome?.kind) {
    case 'answer':
      break;
    case 'busy':
      return unanswered('busy', 486);
    case 'failed':
      return unanswered('failed', 404);
    case 'no-answer':
      await sleep(call.options.clock, Math.min(outcome.afterMs ?? ringMs, ringMs), signal);
      return unanswered('no-answer', outcome.afterMs === undefined ? REQUEST_TERMINATED : 480);
    default:
      return unanswered('no-answer', REQUEST_TERMINATED);
  }
  const target = options.targets[0];
  if (target && !(await screen(call, child.sid, target, signal))) return unanswered('no-answer', 200);
  if (options.answerOnBridge) await caller.answer(signal);
  return { ...(await talk(call, caller, options, outcome, signal)), callSid: child.sid, sip: sip(child.callId, 200) };
}

const sip = (callId: string, responseCode: number): Sip => ({ callId, responseCode, headers: [] });

/** False: the called party declined, or the call is over. */
async function screen(call: VirtualWorld, callSid: string, target: DialTarget, signal: AbortSignal): Promise<boolean> {
  if (target.url === undefined) return true;
  const { webhook, authToken, log, clock, params } = call.options;
  const to =
    target.kind === 'sip' ? target.uri : target.kind === 'client' ? `client:${target.identity}` : target.number;
  const leg = call.newLeg({
    callSid,
    isScreening: true,
    params: new Map([
      ...params,
      ['Direction', 'outbound-dial'],
      ['To', to],
      ['Called', to],
      ['ParentCallSid', call.options.callSid],
    ]),
  });
  const { controller, dispose } = linkedController(signal);
  const onEnd = () => controller.abort();
  leg.callSignal.addEventListener('abort', onEnd, { once: true });
  await runVoiceSession({
    control: leg,
    webhook,
    start: { kind: 'url', url: target.url, method: target.method },
    fallback: undefined,
    authToken,
    emit: (event) => call.onSessionEvent(event),
    log,
    clock,
    signal: controller.signal,
    endMeans: 'return',
  });
  dispose();
  return !leg.callSignal.aborted && !signal.aborted;
}

/** From the bridge to its end. `*` of the caller ends it where the Dial says so. */
async function talk(
  call: VirtualWorld,
  caller: CallerLeg,
  { timeLimitSeconds, hangupOnStar, recording }: DialOptions,
  outcome: Extract<Outcome, { kind: 'answer' }>,
  signal: AbortSignal,
): Promise<Omit<DialOutcome, 'callSid' | 'sip'>> {
  const { clock } = call.options;
  const startedMs = clock.now();
  call.see({ kind: 'bridged' });
  const { controller, dispose } = linkedController(signal);
  const unsubscribe = call.input.onKey((key) => hangupOnStar && key === '*' && controller.abort());
  await sleep(clock, Math.min(outcome.forMs ?? TALK_MS, timeLimitSeconds * 1_000), controller.signal);
  unsubscribe();
  dispose();
  const durationSeconds = Math.round((clock.now() - startedMs) / 1_000);
  return {
    status: 'completed',
    durationSeconds,
    bridged: true,
    callerHungUp: caller.callSignal.aborted,
    ...(recording ? { recording: virtualRecording(call, durationSeconds) } : {}),
  };
}

/** What requests say of a recording that was never made. */
export function virtualRecording(call: VirtualWorld, durationSeconds: number) {
  const sid = call.options.newSid('RE');
  const url = `https://virtual.invalid/2010-04-01/Accounts/${call.options.accountSid}/Recordings/${sid}`;
  return { sid, url, durationSeconds };
}
