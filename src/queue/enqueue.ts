// Enqueue: a call waits in a queue until it leaves, is redirected, hangs up, or an agent takes it (twiml.md 7.2).
//
//   join ─▶ wait document, round and round ──Leave, REST, hang-up, failure──▶ outcome
//                   ▲  │ an agent takes it
//     agent is lost │  ▼
//                   └─ document of the agent's Queue noun ─▶ bridge ─▶ its end ─▶ outcome `bridged`

import { limits } from '../base/limits.ts';
import type { HttpMethod } from '../base/records.ts';
import { linkedController, orAbort } from '../base/signal.ts';
import type { Bridge } from '../call/bridge.ts';
import type { Call } from '../call/call.ts';
import { type ConversationServices, converse } from '../call/conversation.ts';
import type { RunWaitDocument, WaitDocument } from '../call/wait-document.ts';
import { dequeuedParams } from './live-queue.ts';
import type { Place, Queues } from './queues.ts';
import type { Reservation } from './reservation.ts';

/** twiml.md 7.2. `bridging-in-process`: redirected while an agent was taking it. */
export type QueueResult =
  | 'bridged'
  | 'bridging-in-process'
  | 'error'
  | 'hangup'
  | 'leave'
  | 'redirected'
  | 'redirected-from-bridged'
  | 'queue-full'
  | 'system-error';

export interface EnqueueOptions {
  readonly name: string;
  /** Absolute. Empty: silence. Undefined: the built-in tune. */
  readonly waitUrl: string | undefined;
  readonly waitMethod: HttpMethod;
  /** Of the document; that of the queue counts without. */
  readonly maxSize: number | undefined;
}

export interface EnqueueOutcome {
  readonly result: QueueResult;
  /** Set when it was really in the queue. */
  readonly queue: { readonly sid: string; readonly seconds: number } | undefined;
  /** The caller went on with the document of a transfer, and that is over: nothing of this Enqueue is to be done any more. */
  readonly transferred: boolean;
}

export interface QueueServices extends ConversationServices {
  readonly queues: Queues;
  readonly runWaitDocument: RunWaitDocument;
}

/** twiml.md 15, restricted documents. */
export const WAIT_VERBS: ReadonlySet<string> = new Set([
  'Play',
  'Say',
  'Pause',
  'Hangup',
  'Redirect',
  'Leave',
  'Gather',
]);
const CONNECT_VERBS: ReadonlySet<string> = new Set(['Play', 'Say', 'Pause', 'Redirect']);
/** The vendor names no code of its own for queues: schema validation. */
const WRONG_VERB = 12200;

/** Resolves when the call goes on; never rejects. `signal`: that of the running document. */
export async function enqueue(
  call: Call,
  options: EnqueueOptions,
  services: QueueServices,
  signal: AbortSignal,
): Promise<EnqueueOutcome> {
  const { queues } = services;
  const joined = await queues.join(call, options.name, options.maxSize);
  if (!joined.ok) return { result: joined.error, queue: undefined, transferred: false };
  const place = joined.value;
  // At once, so that an agent or REST that asks next does not find it.
  const onAbort = () => place.queue.remove(place.waiting);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  call.log.info({ queueSid: place.queue.record.sid, position: place.queue.positionOf(place.waiting) }, 'enqueued');
  try {
    const { result, transferred = false } = await new Wait(call, options, place, services, signal).run();
    const queue = { sid: place.queue.record.sid, seconds: place.waiting.waitSeconds };
    return { result, queue, transferred };
  } finally {
    signal.removeEventListener('abort', onAbort);
    place.waiting.reservation?.tellReady(false);
    queues.leave(place);
  }
}

type End = { readonly result: QueueResult; readonly transferred?: boolean };

class Wait {
  readonly #call: Call;
  readonly #options: EnqueueOptions;
  readonly #place: Place;
  readonly #services: QueueServices;
  readonly #signal: AbortSignal;

  constructor(call: Call, options: EnqueueOptions, place: Place, services: QueueServices, signal: AbortSignal) {
    this.#call = call;
    this.#options = options;
    this.#place = place;
    this.#services = services;
    this.#signal = signal;
  }

  async run(): Promise<End> {
    for (;;) {
      const end = await this.#waitInLine();
      if (end) return end;
      const { reservation } = this.#place.waiting;
      const bridge = reservation && (await this.#meet(reservation));
      if (bridge) return this.#talk(bridge);
      if (this.#isInterrupted) return this.#interrupted('bridging-in-process');
      this.#place.queue.putBack(this.#place.waiting);
    }
  }

  get #isInterrupted(): boolean {
    return this.#signal.aborted || this.#call.isOver;
  }

  #interrupted(redirected: QueueResult): End {
    return { result: this.#call.isOver ? 'hangup' : redirected };
  }

  /** Undefined: an agent takes it. */
  async #waitInLine(): Promise<End | undefined> {
    const { waiting } = this.#place;
    const { controller, dispose } = linkedController(this.#signal);
    waiting.onReserved = () => controller.abort('reserved');
    if (waiting.reservation) controller.abort('reserved');
    const end = await this.#services.runWaitDocument(this.#call, this.#waitDocument(), controller.signal);
    dispose();
    waiting.onReserved = () => {};
    if (this.#isInterrupted) return this.#interrupted('redirected');
    // Whatever the document did meanwhile: the agent was first.
    if (waiting.reservation) return undefined;
    if (end.how === 'left') return { result: 'leave' };
    return { result: end.how === 'failed' ? 'error' : 'system-error' };
  }

  #waitDocument(): WaitDocument {
    const { queue, waiting } = this.#place;
    const { waitUrl: url, waitMethod: method, maxSize } = this.#options;
    return {
      url,
      method,
      params: () =>
        new Map([
          ['QueueSid', queue.record.sid],
          ['QueuePosition', String(queue.positionOf(waiting))],
          ['QueueTime', String(waiting.waitSeconds)],
          ['AvgQueueTime', String(queue.averageSeconds)],
          ['CurrentQueueSize', String(queue.size)],
          ['MaxQueueSize', String(maxSize ?? queue.record.maxSize)],
        ]),
      verbs: WAIT_VERBS,
      wrongVerbCode: WRONG_VERB,
      atEnd: 'again',
    };
  }

  /** Undefined: one of the two is not there any more. */
  async #meet(reservation: Reservation): Promise<Bridge | undefined> {
    const { queue, waiting } = this.#place;
    const { document } = reservation;
    if (document) {
      const params = dequeuedParams(queue, waiting, reservation.agentSid);
      const either = linkedController(this.#signal);
      const onAgentGone = () => either.controller.abort();
      reservation.signal.addEventListener('abort', onAgentGone, { once: true });
      if (reservation.signal.aborted) onAgentGone();
      await this.#services.runWaitDocument(
        this.#call,
        { ...document, params: () => params, verbs: CONNECT_VERBS, wrongVerbCode: WRONG_VERB, atEnd: 'return' },
        either.controller.signal,
      );
      reservation.signal.removeEventListener('abort', onAgentGone);
      either.dispose();
    }
    // A document that failed was reported; the two are connected nevertheless.
    const isReady = !this.#isInterrupted && !reservation.signal.aborted;
    reservation.tellReady(isReady);
    return isReady ? orAbort(reservation.connected, this.#signal, undefined) : undefined;
  }

  async #talk(bridge: Bridge): Promise<End> {
    const options = { timeLimitSeconds: undefined, answerOnBridge: false, refer: undefined };
    const end = await converse(bridge, this.#call, options, this.#services, this.#signal);
    // Its document may also have been stopped because the agent's was replaced: then this caller goes on.
    if (end.how === 'transferred' && this.#isInterrupted) return { result: 'bridged', transferred: true };
    if (end.how === 'over' && end.isPeerChild) end.peer.hangUp('the caller from the queue left');
    return { result: this.#signal.aborted && !this.#call.isOver ? 'redirected-from-bridged' : 'bridged' };
  }
}

/** Of a queue's name, in TwiML and REST. */
export const isQueueName = (name: string): boolean =>
  name !== '' && name.length <= limits.queueNameChars && !/[\x00-\x1f\x7f]/.test(name);
