// The Queue noun of Dial: joins the agent that dials with the first who waits (twiml.md 7.3). Nobody there: the agent waits, up to the
// timeout of the Dial. Both calls have sessions of their own: the end of the bridge lets each of them go on.

import { linkedController } from '../base/signal.ts';
import { Bridge, type BridgeServices } from '../call/bridge.ts';
import type { Call } from '../call/call.ts';
import { type ConversationEnd, converse } from '../call/conversation.ts';
import type { DialOptions, DialOutcome } from '../call/dial-options.ts';
import { DialRecording, type RecordDial } from '../call/dial-recording.ts';
import { ringTone } from '../call/ring-tones.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { QueueServices } from './enqueue.ts';
import { dequeuedParams, type LiveQueue, type Waiting } from './live-queue.ts';
import { type QueueDocument, Reservation } from './reservation.ts';

export interface QueueNoun {
  readonly name: string;
  readonly document: QueueDocument | undefined;
}

/** What Dial says about the conversation; its targets are not looked at. */
export type DequeueOptions = Omit<DialOptions, 'targets' | 'sequential' | 'callerId' | 'documentUrl'>;

export interface DequeueServices extends QueueServices, BridgeServices {
  readonly engine: MediaEngine;
  /** Told of the bridge the calls are in, so that a REST redirect can take one out. */
  readonly onBridge: (bridge: Bridge, calls: readonly [Call, Call]) => void;
  /** What records; without it nothing is. */
  readonly record?: RecordDial | undefined;
}

/** Resolves when the agent's Dial is over; never rejects. `documentSignal`: that of the agent's document. */
export async function dequeue(
  agent: Call,
  noun: QueueNoun,
  options: DequeueOptions,
  services: DequeueServices,
  documentSignal: AbortSignal,
): Promise<DialOutcome> {
  const queue = await openQueue(agent, noun.name, services);
  if (!queue) return notConnected(agent, 'failed');
  const { controller, dispose } = linkedController(documentSignal);
  const star = options.hangupOnStar
    ? agent.onLegEvent((event) => event.type === 'digit' && event.digit === '*' && controller.abort('star'))
    : () => {};
  const recording = new DialRecording(agent, options.recording, services.record);
  try {
    const outcome = await new Dequeue(agent, queue, noun, options, services, recording, controller.signal).run();
    return { ...outcome, recording: await recording.finish() };
  } finally {
    void recording.finish();
    star();
    dispose();
    services.queues.release(queue);
  }
}

async function openQueue(agent: Call, name: string, { queues }: DequeueServices): Promise<LiveQueue | undefined> {
  try {
    const queue = await queues.open(agent.options.accountSid, name);
    if (!queue) agent.notify('warning', 13215, `there is no queue ${name}`);
    return queue;
  } catch (fault) {
    agent.log.error({ err: fault }, 'a queue could not be looked up');
    agent.notify('error', 12400, 'the queue could not be looked up');
    return undefined;
  }
}

const notConnected = (agent: Call, status: DialOutcome['status']): DialOutcome => ({
  status,
  callSid: undefined,
  durationSeconds: undefined,
  bridged: false,
  sip: undefined,
  callerHungUp: agent.isOver,
});

class Dequeue {
  readonly #agent: Call;
  readonly #queue: LiveQueue;
  readonly #noun: QueueNoun;
  readonly #options: DequeueOptions;
  readonly #services: DequeueServices;
  readonly #recording: DialRecording;
  readonly #signal: AbortSignal;

  constructor(
    agent: Call,
    queue: LiveQueue,
    noun: QueueNoun,
    options: DequeueOptions,
    services: DequeueServices,
    recording: DialRecording,
    signal: AbortSignal,
  ) {
    this.#agent = agent;
    this.#queue = queue;
    this.#noun = noun;
    this.#options = options;
    this.#services = services;
    this.#recording = recording;
    this.#signal = signal;
  }

  async run(): Promise<DialOutcome> {
    const { clock } = this.#services;
    const patience = linkedController(this.#signal);
    const timer = clock.after(this.#options.timeoutSeconds * 1000, () => patience.controller.abort('timeout'));
    const stopTone = this.#playTone();
    try {
      for (;;) {
        if (this.#signal.aborted) return notConnected(this.#agent, 'canceled');
        const waiting = await this.#queue.next(patience.controller.signal);
        if (!waiting) return notConnected(this.#agent, this.#statusOfNobody());
        const reservation = new Reservation(this.#agent.sid, this.#noun.document, this.#signal);
        const isPrepared = await this.#prepare(waiting, reservation);
        // Either may have gone at the last moment.
        if (!isPrepared || waiting.state !== 'reserved' || this.#signal.aborted) {
          reservation.giveUp();
          continue;
        }
        timer.cancel();
        stopTone();
        return await this.#connect(waiting, reservation);
      }
    } finally {
      timer.cancel();
      patience.dispose();
      stopTone();
    }
  }

  #statusOfNobody(): DialOutcome['status'] {
    if (this.#signal.aborted) return 'canceled';
    return this.#queue.isClosed ? 'failed' : 'no-answer';
  }

  #playTone(): () => void {
    const { endpoint } = this.#agent.leg;
    const { ringTone: country } = this.#options;
    if (country === undefined || endpoint === undefined || !this.#agent.isAnswered) return () => {};
    const { engine } = this.#services;
    const play = engine.play(endpoint, { sources: ringTone(country), loop: 0 });
    return () => engine.stopPlay(play);
  }

  /** False: one of the two is not there any more; the caller, if it is, has its place again. */
  async #prepare(waiting: Waiting, reservation: Reservation): Promise<boolean> {
    if (this.#signal.aborted) {
      this.#queue.putBack(waiting);
      return false;
    }
    if (!waiting.reserve(reservation) || !(await reservation.ready)) return false;
    // twiml.md 4.3: with answerOnBridge the agent's leg may still ring.
    return this.#agent.isAnswered || (!this.#signal.aborted && (await this.#agent.answer()));
  }

  async #connect(waiting: Waiting, reservation: Reservation): Promise<DialOutcome> {
    const { clock, onBridge, attended } = this.#services;
    const agent = this.#agent;
    const caller = waiting.call;
    this.#queue.remove(waiting);
    const bridge = new Bridge(agent, caller, this.#services, new Set());
    onBridge(bridge, [agent, caller]);
    attended?.note(bridge);
    bridge.start();
    this.#recording.onJoined();
    const startedAt = clock.now();
    // First, so that REFERs of both are dealt with by the rules of this Dial.
    const talk = converse(bridge, agent, this.#options, this.#services, this.#signal);
    reservation.connect(bridge);
    const end = await talk;
    if (end.how === 'over' && end.isPeerChild) end.peer.hangUp('the agent left');
    return {
      status: 'completed',
      callSid: caller.sid,
      durationSeconds: this.#durationOf(end, (clock.now() - startedAt) / 1000),
      bridged: true,
      sip: undefined,
      callerHungUp: agent.isOver,
      ...(end.how === 'transferred' ? { transferred: true } : {}),
      params: dequeuedParams(this.#queue, waiting, agent.sid),
    };
  }

  /** Not told when the caller was redirected away (twiml.md 3.3), as with the child of any Dial. */
  #durationOf({ how }: ConversationEnd, seconds: number): number | undefined {
    return how === 'over' || seconds >= this.#options.timeLimitSeconds ? Math.round(seconds) : undefined;
  }
}
