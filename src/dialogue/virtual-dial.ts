// Dial on a virtual call: the script says whether somebody answers. A screening document is really run, on a leg of the called party;
// meanwhile keys and words of the script are those of that party.
//
//   Dial ─▶ expect-dial ─▶ answer ─▶ screening document ─▶ bridged ─▶ for 20s ─▶ completed
//                       └▶ busy, no-answer, failed, or nothing: no-answer after the time-out

import { sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { linkedController } from '../base/signal.ts';
import type { DialEvent, DialOptions, DialOutcome, DialTarget } from '../twiml/call-control.ts';
import { runVoiceSession } from '../twiml/interpreter.ts';
import { TALK_MS } from './engagement.ts';
import type { Outcome } from './script.ts';
import type { CallerLeg, VirtualWorld } from './virtual-world.ts';

const ALLOWED = ['answer', 'busy', 'no-answer', 'failed'] as const;
/** Nobody gave up on our side of the call. */
const REQUEST_TERMINATED = 487;

export async function virtualDial(
  call: VirtualWorld,
  caller: CallerLeg,
  options: DialOptions,
  signal: AbortSignal,
): Promise<DialOutcome> {
  const party = new CalledParty(call, options.targets[0]);
  party.tell('initiated');
  party.tell('ringing');
  const outcome = await ring(call, caller, party, options, signal);
  party.tell('completed', outcome.status === 'answered' ? 'completed' : outcome.status, outcome);
  return outcome;
}

async function ring(
  call: VirtualWorld,
  caller: CallerLeg,
  party: CalledParty,
  options: DialOptions,
  signal: AbortSignal,
): Promise<DialOutcome> {
  const ringMs = options.timeoutSeconds * 1_000 + limits.dialTimeoutExtraMs;
  const unanswered = (status: DialOutcome['status'], responseCode: number): DialOutcome => ({
    status,
    callSid: party.callSid,
    durationSeconds: 0,
    bridged: false,
    sip: { callId: party.sipCallId, responseCode, headers: [] },
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
  party.tell('answered', 'in-progress');
  if (!(await party.isWilling(signal))) return unanswered('no-answer', 200);
  if (options.answerOnBridge) await caller.answer(signal);
  const talked = await talk(call, caller, options, outcome, signal);
  return { ...talked, callSid: party.callSid, sip: { callId: party.sipCallId, responseCode: 200, headers: [] } };
}

/** Who is dialled: what its application hears of it, and its screening document. */
class CalledParty {
  readonly callSid: string;
  readonly sipCallId: string;
  readonly #call: VirtualWorld;
  readonly #target: DialTarget | undefined;
  #sequenceNumber = 0;

  constructor(call: VirtualWorld, target: DialTarget | undefined) {
    this.callSid = call.options.newSid('CA');
    this.sipCallId = `${this.callSid.slice(2)}@virtual.invalid`;
    this.#call = call;
    this.#target = target;
  }

  /** Calls back, where the noun asks for it (twiml.md 8.1). */
  tell(event: DialEvent, callStatus: string = event, ended?: DialOutcome): void {
    const target = this.#target;
    if (target?.statusCallback === undefined || !target.statusCallbackEvents.includes(event)) return;
    const { accountSid } = this.#call.options;
    const own: [string, string][] = [
      ['CallSid', this.callSid],
      ['AccountSid', accountSid],
    ];
    const facts = {
      standard: new Map([...own, ...this.#params(target)]),
      callStatus,
      sequenceNumber: this.#sequenceNumber++,
      durationSeconds: ended?.durationSeconds ?? 0,
      sipResponseCode: ended?.sip?.responseCode ?? null,
    };
    this.#call.callBack({
      url: target.statusCallback,
      method: target.statusCallbackMethod,
      callSid: this.callSid,
      facts,
    });
  }

  #params(target: DialTarget): Map<string, string> {
    const to =
      target.kind === 'sip' ? target.uri : target.kind === 'client' ? `client:${target.identity}` : target.number;
    const { params, callSid } = this.#call.options;
    const own: [string, string][] = [
      ['Direction', 'outbound-dial'],
      ['To', to],
      ['Called', to],
      ['ParentCallSid', callSid],
    ];
    return new Map([...params, ...own]);
  }

  /** Runs the screening document. False: the called party declined, or the call is over. */
  async isWilling(signal: AbortSignal): Promise<boolean> {
    const target = this.#target;
    if (target?.url === undefined) return true;
    const { webhook, authToken, log, clock } = this.#call.options;
    const leg = this.#call.newLeg({ callSid: this.callSid, isScreening: true, params: this.#params(target) });
    const { controller, dispose } = linkedController(signal);
    leg.callSignal.addEventListener('abort', () => controller.abort(), { once: true });
    await runVoiceSession({
      control: leg,
      webhook,
      start: { kind: 'url', url: target.url, method: target.method },
      fallback: undefined,
      authToken,
      emit: (event) => this.#call.onSessionEvent(event),
      log,
      clock,
      signal: controller.signal,
      endMeans: 'return',
    });
    dispose();
    return !leg.callSignal.aborted && !signal.aborted;
  }
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
