// Callers, agents and a queue on fake legs: wait documents end when the test says so.

import type { Call } from '../../../src/call/call.ts';
import type { DialOutcome } from '../../../src/call/dial-options.ts';
import type { WaitDocument, WaitEnd } from '../../../src/call/wait-document.ts';
import { type DequeueOptions, type DequeueServices, dequeue, type QueueNoun } from '../../../src/queue/dequeue.ts';
import { type EnqueueOptions, type EnqueueOutcome, enqueue } from '../../../src/queue/enqueue.ts';
import type { Queues } from '../../../src/queue/queues.ts';
import { createRestQueues } from '../../../src/queue/rest-queues.ts';
import { ACCOUNT, CallBench, type FakeLeg } from '../../support/call-fakes.ts';
import { queueRecords, queuesInMemory } from '../../support/queues.ts';
import { settle } from '../../support/virtual-clock.ts';

/** A document that runs. */
export interface Run {
  readonly call: Call;
  readonly document: WaitDocument;
  readonly end: (end: WaitEnd) => void;
}

export interface Party<Outcome> {
  readonly call: Call;
  readonly leg: FakeLeg;
  /** Aborts its document, as a redirect over REST does. */
  readonly redirect: () => Promise<void>;
  readonly hangUp: () => Promise<void>;
  outcome: Outcome | undefined;
}

export type Caller = Party<EnqueueOutcome>;
export type Agent = Party<DialOutcome>;

export const NAME = 'support';

export class QueueBench extends CallBench {
  /** Of all calls. */
  accountSid = ACCOUNT;
  readonly store = queueRecords();
  readonly queues = this.makeQueues();
  readonly runs: Run[] = [];
  /** A document of the noun ends at once with this; undefined: when the test ends it. */
  atOnce: WaitEnd | undefined = { how: 'ended' };
  readonly bridged: Call[][] = [];
  /** Whose legs are recorded. */
  readonly recorded: Call[] = [];
  /** Told of the leg of each party before it does anything. */
  onLeg: (leg: FakeLeg) => void = () => {};

  readonly services: DequeueServices = {
    queues: this.queues,
    clock: this.clock,
    engine: this.engine,
    runWaitDocument: (call, document, signal) => this.#run(call, document, signal),
    record: (agent) => {
      this.recorded.push(agent);
      const summary = { sid: 'RE1', url: 'https://gw.example/RE1', durationSeconds: 3 };
      return { attributeTo: () => {}, finish: async () => summary };
    },
    onBridge: (bridge, calls) => {
      this.bridged.push([...calls]);
      const release = () => {
        for (const call of calls) this.#release.delete(call);
      };
      for (const call of calls) this.#release.set(call, () => bridge.release(call));
      void bridge.ended.then(release);
    },
  };
  readonly rest = createRestQueues({
    queues: this.queues,
    startSession: (call, url) => {
      this.started.push([call.sid, url]);
      this.#redirects.get(call)?.();
    },
  });
  readonly started: [string, string][] = [];
  readonly #redirects = new Map<Call, () => void>();
  readonly #release = new Map<Call, () => void>();

  /** Overridden where the records are in a real store. */
  protected makeQueues(): Queues {
    return queuesInMemory(this.clock, this.store);
  }

  async #run(call: Call, document: WaitDocument, signal: AbortSignal): Promise<WaitEnd> {
    if (document.atEnd === 'return' && this.atOnce) return this.atOnce;
    return new Promise((resolve) => {
      const end = (how: WaitEnd) => {
        const index = this.runs.indexOf(run);
        if (index >= 0) this.runs.splice(index, 1);
        resolve(how);
      };
      const run: Run = { call, document, end };
      this.runs.push(run);
      const onAbort = () => end(call.isOver ? { how: 'hungUp' } : { how: 'aborted' });
      if (signal.aborted || call.isOver) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      call.signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  runOf(party: Party<unknown>): Run | undefined {
    return this.runs.find(({ call }) => call === party.call);
  }

  async #party<Outcome>(start: (call: Call, signal: AbortSignal) => Promise<Outcome>, isAnswered: boolean) {
    const { call, leg } = this.inbound({ accountSid: this.accountSid });
    this.onLeg(leg);
    if (isAnswered) await call.answer();
    const document = new AbortController();
    call.signal.addEventListener('abort', () => document.abort(), { once: true });
    const redirect = () => {
      document.abort('replaced');
      this.#release.get(call)?.();
    };
    this.#redirects.set(call, redirect);
    const party: Party<Outcome> = {
      call,
      leg,
      outcome: undefined,
      redirect: async () => {
        redirect();
        await settle();
      },
      hangUp: async () => {
        leg.hangsUp();
        await settle();
      },
    };
    void start(call, document.signal).then((outcome) => {
      party.outcome = outcome;
    });
    await settle();
    return party;
  }

  caller(changes: Partial<EnqueueOptions> = {}): Promise<Caller> {
    const options = { name: NAME, waitUrl: undefined, waitMethod: 'POST', maxSize: undefined, ...changes } as const;
    return this.#party((call, signal) => enqueue(call, options, this.services, signal), true);
  }

  agent(changes: Partial<DequeueOptions> = {}, noun: Partial<QueueNoun> = {}, isAnswered = true): Promise<Agent> {
    const options: DequeueOptions = {
      timeoutSeconds: 30,
      timeLimitSeconds: 14_400,
      answerOnBridge: false,
      hangupOnStar: false,
      ringTone: undefined,
      ...changes,
    };
    const whole = { name: NAME, document: undefined, ...noun };
    return this.#party((call, signal) => dequeue(call, whole, options, this.services, signal), isAnswered);
  }

  /** All that must be nothing when everybody is gone. */
  left() {
    return {
      ...this.queues.counts(),
      bridges: this.engine.bridgesNow.size,
      plays: this.engine.playsNow.size,
      runs: this.runs.length,
    };
  }
}

export const nothingLeft = { queues: 0, waiting: 0, reserved: 0, agents: 0, bridges: 0, plays: 0, runs: 0 };
