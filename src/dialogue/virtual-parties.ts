// Queues, conferences, streams and transfers of a virtual call: nobody else is there, so the script says what becomes of them. What it does
// not decide lasts until the caller hangs up, as it would in an empty room; a wait document is really run.

import { sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { aborted, linkedController } from '../base/signal.ts';
import { WAIT_VERBS } from '../queue/enqueue.ts';
import type { DialOutcome, ReferOutcome } from '../twiml/call-control.ts';
import type { ConferenceControl } from '../twiml/conference-control.ts';
import { runVoiceSession, type SessionEnd } from '../twiml/interpreter.ts';
import type { EnqueueOptions, EnqueueOutcome, QueueControl, QueueResult } from '../twiml/queue-control.ts';
import type { StreamControl } from '../twiml/stream-control.ts';
import { TALK_MS } from './engagement.ts';
import type { Outcome } from './script.ts';
import { virtualRecording } from './virtual-dial.ts';
import type { CallerLeg, VirtualWorld } from './virtual-world.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const WRONG_VERB = 12200;
const ROOM_IS_FULL = 16020;
const STREAM_FAILED = 31920;
/** Answers to REFER and, in NOTIFY, of the new call. */
const REFERRED: ReferOutcome = {
  status: 'in-progress',
  sipResponseCode: 202,
  notifyResponseCode: 200,
  isPossible: true,
};

export function virtualConferences(call: VirtualWorld, leg: CallerLeg): ConferenceControl {
  return {
    async join(_options, stay, signal) {
      const { clock } = call.options;
      const startedMs = clock.now();
      const { controller, dispose } = linkedController(signal);
      const star = call.input.onKey((key) => stay.hangupOnStar && key === '*' && controller.abort());
      const limitMs = stay.timeLimitSeconds * 1_000;
      const outcome = await call.engagements.wait('conference', ['ends', 'busy', 'failed'], limitMs, controller.signal);
      if (outcome?.kind === 'ends') await sleep(clock, outcome.afterMs ?? 0, controller.signal);
      star();
      dispose();
      if (outcome?.kind === 'busy')
        return { how: 'notJoined', code: ROOM_IS_FULL, detail: 'the script says that the room is full' };
      if (outcome?.kind === 'failed') return { how: 'notJoined', code: undefined, detail: 'the script says so' };
      const seconds = Math.round((clock.now() - startedMs) / 1_000);
      return {
        how: 'left',
        cause: leg.callSignal.aborted ? 'hungUp' : outcome ? 'moderatorEnded' : 'alone',
        ...(stay.recording ? { recording: virtualRecording(call, seconds) } : {}),
      };
    },
  };
}

export function virtualQueues(call: VirtualWorld, leg: CallerLeg): QueueControl {
  return {
    enqueue: (options, signal) => new VirtualWait(call, leg, options, signal).run(),
    async dequeue(_noun, options, signal) {
      const { clock } = call.options;
      const none: DialOutcome = {
        status: 'no-answer',
        callSid: undefined,
        durationSeconds: undefined,
        bridged: false,
        sip: undefined,
        callerHungUp: leg.callSignal.aborted,
      };
      const outcome = await call.engagements.wait(
        'Dial of a queue',
        ['answer', 'no-answer', 'failed'],
        options.timeoutSeconds * 1_000,
        signal,
      );
      if (signal.aborted) return { ...none, status: 'canceled', callerHungUp: leg.callSignal.aborted };
      if (outcome?.kind !== 'answer') return { ...none, status: outcome?.kind === 'failed' ? 'failed' : 'no-answer' };
      const startedMs = clock.now();
      call.see({ kind: 'bridged' });
      await sleep(clock, outcome.forMs ?? TALK_MS, signal);
      return {
        ...none,
        status: 'completed',
        callSid: call.options.newSid('CA'),
        durationSeconds: Math.round((clock.now() - startedMs) / 1_000),
        bridged: true,
        callerHungUp: leg.callSignal.aborted,
      };
    },
  };
}

/** A place in a queue that is otherwise empty. */
class VirtualWait {
  readonly #call: VirtualWorld;
  readonly #leg: CallerLeg;
  readonly #options: EnqueueOptions;
  readonly #signal: AbortSignal;
  readonly #sid: string;
  readonly #startedMs: number;

  constructor(call: VirtualWorld, leg: CallerLeg, options: EnqueueOptions, signal: AbortSignal) {
    this.#call = call;
    this.#leg = leg;
    this.#options = options;
    this.#signal = signal;
    this.#sid = call.options.newSid('QU');
    this.#startedMs = call.options.clock.now();
  }

  async run(): Promise<EnqueueOutcome> {
    const waiting = linkedController(this.#signal);
    const decided = this.#decided(waiting.controller.signal);
    const document = this.#wait(waiting.controller.signal);
    const first = await Promise.race([decided, document]);
    waiting.controller.abort();
    waiting.dispose();
    // What it plays has stopped before anything else is done.
    await document;
    const seconds = this.#seconds();
    const result = typeof first === 'string' ? first : await this.#after(first);
    return { result, queue: result === 'queue-full' ? undefined : { sid: this.#sid, seconds }, transferred: false };
  }

  /** What the script says becomes of the caller; until then the wait document goes on. */
  async #decided(signal: AbortSignal): Promise<Outcome | undefined> {
    const { engagements, options } = this.#call;
    const outcome = await engagements.wait('Enqueue', ['answer', 'busy', 'failed', 'ends'], FOREVER, signal);
    if (outcome?.kind === 'ends') await sleep(options.clock, outcome.afterMs ?? 0, signal);
    return outcome;
  }

  #seconds(): number {
    return Math.round((this.#call.options.clock.now() - this.#startedMs) / 1_000);
  }

  async #after(outcome: Outcome | undefined): Promise<QueueResult> {
    if (outcome?.kind === 'busy') return 'queue-full';
    if (outcome?.kind === 'failed') return 'system-error';
    if (outcome?.kind === 'ends') return 'redirected';
    if (outcome?.kind === 'answer') {
      this.#call.see({ kind: 'bridged' });
      await sleep(this.#call.options.clock, outcome.forMs ?? TALK_MS, this.#signal);
      return 'bridged';
    }
    return this.#leg.callSignal.aborted ? 'hangup' : 'redirected';
  }

  /** Round and round, until it leaves the queue by itself. */
  async #wait(signal: AbortSignal): Promise<QueueResult | undefined> {
    const { clock } = this.#call.options;
    const { waitUrl } = this.#options;
    while (waitUrl !== undefined && waitUrl !== '' && !signal.aborted) {
      const startedMs = clock.now();
      const end = await this.#runDocument(waitUrl, signal);
      if (end.how === 'left') return 'leave';
      if (end.how === 'failed') return 'error';
      const tookMs = clock.now() - startedMs;
      if (tookMs < limits.waitDocumentPaceMs) await sleep(clock, limits.waitDocumentPaceMs - tookMs, signal);
    }
    await aborted(signal);
    return undefined;
  }

  #runDocument(url: string, signal: AbortSignal): Promise<SessionEnd> {
    const { webhook, authToken, log, clock } = this.#call.options;
    return runVoiceSession({
      control: this.#leg,
      webhook,
      start: { kind: 'url', url, method: this.#options.waitMethod },
      fallback: undefined,
      authToken,
      emit: (event) => this.#call.onSessionEvent(event),
      log,
      clock,
      signal,
      endMeans: 'return',
      restriction: { verbs: WAIT_VERBS, wrongVerbCode: WRONG_VERB, params: () => this.#params(), audio: 'loop' },
    });
  }

  #params(): ReadonlyMap<string, string> {
    return new Map([
      ['QueueSid', this.#sid],
      ['QueuePosition', '1'],
      ['QueueTime', String(this.#seconds())],
      ['AvgQueueTime', '0'],
      ['CurrentQueueSize', '1'],
      ['MaxQueueSize', String(this.#options.maxSize ?? limits.queueSizeDefault)],
    ]);
  }
}

/** Streams go nowhere: a server on the other side would live in real time. */
export function virtualStreams(call: VirtualWorld): StreamControl {
  const running = new Set<string>();
  const given = async (name: string, signal: AbortSignal) => {
    const outcome = await call.engagements.wait(name, ['ends', 'failed'], FOREVER, signal);
    if (outcome?.kind === 'ends') await sleep(call.options.clock, outcome.afterMs ?? 0, signal);
    return outcome?.kind;
  };
  const failure = { errorCode: STREAM_FAILED, detail: 'the script says so' };
  return {
    start({ name }) {
      if (name !== undefined) running.add(name);
      return undefined;
    },
    stop: (name) => running.delete(name),
    async connect({ name }, signal) {
      const streamSid = call.options.newSid('MZ');
      const end = await given('Stream', signal);
      if (end === 'failed') return { streamSid, name, how: 'failed', failure };
      return { streamSid, name, how: end === 'ends' ? 'closed' : 'stopped', failure: undefined };
    },
    async relay(_options, signal) {
      const startedMs = call.options.clock.now();
      const sessionId = call.options.newSid('VX');
      const end = await given('ConversationRelay', signal);
      const durationSeconds = Math.round((call.options.clock.now() - startedMs) / 1_000);
      const base = { sessionId, durationSeconds, handoffData: undefined };
      if (end === 'failed') return { ...base, status: 'failed', failure };
      return { ...base, status: end === 'ends' ? 'ended' : 'completed', failure: undefined };
    },
  };
}

/** The peer takes the transfer at once, unless the script decides within a moment. */
export async function virtualRefer(call: VirtualWorld, signal: AbortSignal): Promise<ReferOutcome> {
  const outcome = await call.engagements.wait('Refer', ['answer', 'busy', 'no-answer', 'failed'], REFER_MS, signal);
  if (signal.aborted) return { ...REFERRED, status: 'canceled', notifyResponseCode: undefined };
  switch (outcome?.kind) {
    case 'busy':
      return { ...REFERRED, status: 'busy', notifyResponseCode: 486 };
    case 'no-answer':
      return { ...REFERRED, status: 'no-answer', notifyResponseCode: 480 };
    case 'failed':
      return { status: 'failed', sipResponseCode: 603, notifyResponseCode: undefined, isPossible: true };
    default:
      return REFERRED;
  }
}

const REFER_MS = 2_000;
