// Dial: from a caller and its targets to a bridge and its end (twiml.md 6).
//
//   targets ─routing─▶ children ─race─▶ winner ─screening─▶ bridge ─▶ outcome
//                 └ none reachable ─────┴ none answered ────┴ declined ──▶ outcome
//
// The signal is that of the running document: when it aborts (caller gone, call redirected by REST) the children end.

import type { Clock } from '../base/clock.ts';
import { levelOf } from '../base/errors.ts';
import { limits } from '../base/limits.ts';
import { err } from '../base/result.ts';
import { linkedController } from '../base/signal.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { MakeApplicationChild } from './application-child.ts';
import type { Attended } from './attended.ts';
import { Bridge } from './bridge.ts';
import type { Call } from './call.ts';
import { type ConversationEnd, converse } from './conversation.ts';
import { type DetectionServices, detectMachine } from './detect-machine.ts';
import type { ApplicationTarget, DialOptions, DialOutcome, DialTarget } from './dial-options.ts';
import { race } from './dial-race.ts';
import { DialRecording, type RecordDial } from './dial-recording.ts';
import type { HoldMusic } from './hold-music.ts';
import { preferredFailure } from './outcome.ts';
import { playToEnd } from './play.ts';
import { Ringback } from './ringback.ts';
import type { Router } from './routing.ts';
import type { RunTransfer } from './transfer.ts';

/** `taken`: REST gave the child another document meanwhile, it is not ours any more. */
export type Screening = 'accepted' | 'declined' | 'taken';

export interface DialServices {
  readonly holdMusic?: HoldMusic;
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly router: Router;
  /** Port to the TwiML layer: runs the screening document on the child. */
  readonly screen: (child: Call, target: DialTarget, signal: AbortSignal) => Promise<Screening>;
  /** Told of the bridge a call is in, so that a REST redirect can take it out. */
  readonly onBridge: (bridge: Bridge, calls: readonly [Call, Call]) => void;
  /** Runs the document of referUrl. */
  readonly runTransfer?: RunTransfer | undefined;
  readonly attended?: Attended | undefined;
  /** Makes the child of an Application; without it there are none. */
  readonly application?: MakeApplicationChild | undefined;
  /** Finds out who answered; without it nobody asks. */
  readonly detection?: DetectionServices | undefined;
  /** What records; without it nothing is. */
  readonly record?: RecordDial | undefined;
}

type Dialled = DialTarget | ApplicationTarget;

interface Attempt {
  readonly target: Dialled;
  readonly child: Call | undefined;
  /** Set when there is no child: the target could not be routed. */
  readonly failure: { readonly sipStatus: number } | undefined;
}

/** Runs one Dial to its end. Never throws; every child has ended when it resolves, but for one that was taken out of the bridge. */
export async function dial(
  caller: Call,
  options: DialOptions,
  services: DialServices,
  documentSignal: AbortSignal,
): Promise<DialOutcome> {
  const { signal, dispose } = options.hangupOnStar ? untilStar(caller, documentSignal) : { signal: documentSignal };
  const ringback = new Ringback(services.engine, caller, options.ringTone);
  const recording = new DialRecording(caller, options.recording, services.record);
  const sound = { ringback, recording };
  try {
    const ringing = await ringTargets(caller, options, services, sound, signal);
    const { winner } = ringing;
    if (!winner) return { ...failedOutcome(ringing.attempts, caller, signal), recording: await recording.finish() };
    const connected = await connect(caller, winner, options, services, sound, signal);
    const outcome =
      'conversation' in connected
        ? afterConversation(await connected.conversation, winner.child, caller, signal)
        : connected;
    return { ...outcome, recording: await recording.finish() };
  } finally {
    void recording.finish();
    ringback.stop();
    dispose?.();
  }
}

/** Aborted by the caller's `*` too. Only where that is wanted: a controller of its own would be kept for every call. */
function untilStar(caller: Call, documentSignal: AbortSignal): { signal: AbortSignal; dispose?: () => void } {
  const { controller, dispose } = linkedController(documentSignal);
  const star = caller.onLegEvent((event) => event.type === 'digit' && event.digit === '*' && controller.abort('star'));
  return {
    signal: controller.signal,
    dispose: () => {
      star();
      dispose();
    },
  };
}

/** What the caller hears, and what is recorded of it. */
interface Sound {
  readonly ringback: Ringback;
  readonly recording: DialRecording;
}

async function ringTargets(
  caller: Call,
  options: DialOptions,
  services: DialServices,
  { ringback, recording }: Sound,
  signal: AbortSignal,
): Promise<{ attempts: readonly Attempt[]; winner: { child: Call; target: Dialled } | undefined }> {
  const targets = options.application ? [options.application] : options.targets.slice(0, limits.dialTargets);
  const rounds = options.sequential ? targets.map((target) => [target]) : [targets];
  const timeoutMs = options.timeoutSeconds * 1000 + limits.dialTimeoutExtraMs;
  let attempts: readonly Attempt[] = [];
  for (const round of rounds) {
    if (signal.aborted) break;
    const started = await Promise.all(round.map((target) => makeChild(caller, target, options, services)));
    // No room for more is kept for as long as the parties talk.
    attempts = attempts.concat(started);
    const children = started.flatMap((attempt) => (attempt.child ? [attempt.child] : []));
    const result = await race(
      children,
      timeoutMs,
      services.clock,
      signal,
      (child, early) => {
        ringback.onRinging(child, early);
        recording.onRinging();
      },
      services.attended,
    );
    if (result.kind === 'answered') {
      const rang = result.instead ?? result.child;
      const target = started.find((attempt) => attempt.child === rang)!.target;
      return { attempts, winner: { child: result.child, target } };
    }
    await allOver(children);
  }
  return { attempts, winner: undefined };
}

async function makeChild(
  caller: Call,
  target: Dialled,
  { callerId }: DialOptions,
  { router, application }: DialServices,
): Promise<Attempt> {
  const routed =
    target.kind === 'application'
      ? (application?.(caller, target, callerId) ?? NO_APPLICATIONS)
      : await router.child(caller, target, callerId);
  if (routed.ok) return { target, child: routed.value, failure: undefined };
  const { errorCode, detail, sipStatus } = routed.error;
  caller.notify(levelOf(errorCode), errorCode, detail);
  return { target, child: undefined, failure: { sipStatus } };
}

const NO_APPLICATIONS = err({ errorCode: 13215, detail: 'no applications can be dialled here', sipStatus: 404 });

/** The status of a cancelled child is known when its 487 came. */
const allOver = (children: readonly Call[]): Promise<unknown> =>
  Promise.all(
    children.map(
      (child) =>
        new Promise<void>((resolve) => {
          if (child.isOver) return resolve();
          child.signal.addEventListener('abort', () => resolve(), { once: true });
        }),
    ),
  );

/**
 * Joins the two who answered; the outcome where that fails. It does not wait for the end of their conversation: its frame would be
 * kept all the while.
 */
async function connect(
  caller: Call,
  winner: { child: Call; target: Dialled },
  options: DialOptions,
  services: DialServices,
  { ringback, recording }: Sound,
  signal: AbortSignal,
): Promise<DialOutcome | { readonly conversation: Promise<ConversationEnd> }> {
  const { child, target } = winner;
  const detecting = detectAnswer(child, target, services, signal);
  if (target.kind !== 'application' && target.url !== undefined) {
    ringback.whileScreening();
    // twiml.md 3.3: the screening document is told who answered.
    await detecting;
    const screening = await services.screen(child, target, signal);
    if (screening === 'taken') return takenAway(child, caller, false);
    if (screening === 'declined') child.hangUp('declined by the screening document');
  }
  if (target.kind === 'number' && target.sendDigits && !child.isOver) {
    await playToEnd(
      services.engine,
      child,
      { sources: [{ kind: 'digits', digits: target.sendDigits }], loop: 1 },
      signal,
    );
  }
  ringback.stop();
  if (signal.aborted || child.isOver || caller.isOver) return endChild(child, caller, signal, false);
  if (!caller.isAnswered && !(await caller.answer())) return endChild(child, caller, signal, false);
  const bridge = new Bridge(caller, child, services);
  services.onBridge(bridge, [caller, child]);
  services.attended?.note(bridge);
  bridge.start();
  recording.onBridged(child);
  // An application that was dialled has a document of its own: nobody can be put into its place by a REFER.
  const ownOptions = target.kind === 'application' ? { ...options, refer: undefined } : options;
  return { conversation: converse(bridge, caller, ownOptions, services, signal) };
}

function afterConversation(end: ConversationEnd, child: Call, caller: Call, signal: AbortSignal): DialOutcome {
  if (end.how === 'over') {
    if (end.peer !== child && end.isPeerChild) end.peer.hangUp(reasonOf(caller, signal));
    return endChild(child, caller, signal, true);
  }
  const taken = takenAway(child, caller, true);
  return end.how === 'transferred' ? { ...taken, transferred: true } : taken;
}

/** twiml.md 13. Where nothing screens the callee, the two are joined at once and the verdict comes beside. */
async function detectAnswer(child: Call, target: Dialled, services: DialServices, signal: AbortSignal): Promise<void> {
  const { machineDetection } = target;
  // A DTMF sequence that is sent would be heard as what the callee says.
  if (!machineDetection || !services.detection || (target.kind === 'number' && target.sendDigits)) return;
  await detectMachine(child, machineDetection, services.detection, target.url === undefined ? child.signal : signal);
}

/** Redirected away by REST: it lives on, and the duration is not told (twiml.md 4.2 point 6). */
const takenAway = (child: Call, caller: Call, bridged: boolean): DialOutcome =>
  outcomeOf(child, caller, { status: 'completed', bridged, durationSeconds: undefined });

function endChild(child: Call, caller: Call, signal: AbortSignal, bridged: boolean): DialOutcome {
  child.hangUp(reasonOf(caller, signal));
  return outcomeOf(child, caller, { status: 'completed', bridged, durationSeconds: child.durationSeconds });
}

const reasonOf = (caller: Call, signal: AbortSignal): string =>
  caller.isOver ? 'the caller hung up' : signal.aborted ? 'the Dial was ended' : 'the Dial is over';

function outcomeOf(
  child: Call,
  caller: Call,
  part: { status: DialOutcome['status']; bridged: boolean; durationSeconds: number | undefined },
): DialOutcome {
  return {
    ...part,
    callSid: child.sid,
    sip: child.leg.isAnsweredHere
      ? undefined
      : {
          callId: child.leg.signallingId ?? '',
          responseCode: child.sipResponseCode ?? 0,
          headers: child.lastHeaders,
        },
    callerHungUp: caller.isOver,
  };
}

function failedOutcome(attempts: readonly Attempt[], caller: Call, signal: AbortSignal): DialOutcome {
  const failures = attempts.flatMap((attempt) =>
    attempt.child ? [{ status: attempt.child.status, child: attempt.child }] : [],
  );
  const best = preferredFailure(failures);
  if (!best) {
    const status = signal.aborted ? 'canceled' : 'failed';
    const refusal = attempts.find((attempt) => attempt.failure)?.failure;
    return {
      status,
      callSid: undefined,
      durationSeconds: undefined,
      bridged: false,
      // No leg was made: the code that its INVITE would have got.
      sip: refusal && { callId: '', responseCode: refusal.sipStatus, headers: [] },
      callerHungUp: caller.isOver,
    };
  }
  const status = signal.aborted ? 'canceled' : (best.status as DialOutcome['status']);
  return outcomeOf(best.child, caller, { status, bridged: false, durationSeconds: 0 });
}
