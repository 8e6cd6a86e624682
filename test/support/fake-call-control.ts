// CallControl for tests: records what a verb asks for, and gives back what the test has prepared. Waits end at once, so a document that
// leads to itself would never give the thread back to the test's own deadline: after MAX_ACTIONS any further one throws.

import type { Message, MessageOptions, NamedRecording, RecordingControl } from '../../src/recording/control.ts';
import type {
  AudioSource,
  CallControl,
  Collected,
  CollectOptions,
  DialOptions,
  DialOutcome,
  PlayOutcome,
  ReferOutcome,
} from '../../src/twiml/call-control.ts';
import type { ConferenceControl, ConferenceOptions, ConferenceOutcome } from '../../src/twiml/conference-control.ts';
import type {
  DequeueOptions,
  EnqueueOptions,
  EnqueueOutcome,
  QueueControl,
  QueueNoun,
} from '../../src/twiml/queue-control.ts';
import type { SiprecControl, SiprecFailure, SiprecOptions } from '../../src/twiml/siprec-control.ts';
import type {
  RelayEnd,
  RelayOptions,
  StreamControl,
  StreamEnd,
  StreamFailure,
  StreamOptions,
} from '../../src/twiml/stream-control.ts';
import type {
  TranscriptionControl,
  TranscriptionOptions,
  TranscriptionRefusal,
} from '../../src/twiml/transcription-control.ts';

/** More than any test of one call needs. */
const MAX_ACTIONS = 2_000;

/** Counts what a fake is asked for, and throws when it never ends. */
export class CircleGuard {
  #count = 0;

  take(what: string): void {
    if (++this.#count > MAX_ACTIONS)
      throw new Error(`the document goes in circles: ${MAX_ACTIONS} actions, then ${what}`);
  }
}

export const noInput: Collected = { digits: '', finishedOnKey: '', reason: 'timeout' };

export const bridgedOutcome: DialOutcome = {
  status: 'completed',
  callSid: `CA${'2'.repeat(32)}`,
  durationSeconds: 17,
  bridged: true,
  sip: { callId: 'abc@0.0.0.0', responseCode: 200, headers: [] },
  callerHungUp: false,
};

export const referredOutcome: ReferOutcome = {
  status: 'in-progress',
  sipResponseCode: 202,
  notifyResponseCode: 200,
  isPossible: true,
};

/** Messages that end as the test has prepared. */
export class FakeRecordingControl implements RecordingControl {
  readonly #guard = new CircleGuard();
  readonly messages: MessageOptions[] = [];
  readonly started: NamedRecording[] = [];
  readonly stopped: (string | undefined)[] = [];
  refusal: { readonly code: number; readonly message: string } | undefined;
  outcomes: Message[] = [];
  /** Called before a message ends: a test ends the call here. */
  during: () => void = () => {};

  async takeMessage(options: MessageOptions): Promise<Message> {
    this.#guard.take('Record');
    this.messages.push(options);
    this.during();
    return this.outcomes.shift() ?? recordedMessage;
  }
  start(options: NamedRecording) {
    this.started.push(options);
    return this.refusal;
  }
  stop(name: string | undefined): boolean {
    this.stopped.push(name);
    return this.started.some((one) => name === undefined || one.name === name);
  }
}

export const recordedMessage: Message = {
  reason: 'finishKey',
  finishedOnKey: '#',
  recording: {
    sid: `RE${'4'.repeat(32)}`,
    url: `https://gw.example/2010-04-01/Accounts/AC${'a'.repeat(32)}/Recordings/RE${'4'.repeat(32)}`,
    durationSeconds: 7,
  },
};

/** Streams that end as the test has prepared; starts and stops are noted. */
export class FakeStreamControl implements StreamControl {
  readonly started: StreamOptions[] = [];
  readonly stopped: string[] = [];
  readonly connected: StreamOptions[] = [];
  readonly #guard = new CircleGuard();
  failure: StreamFailure | undefined;
  end: StreamEnd = { streamSid: `MZ${'3'.repeat(32)}`, name: undefined, how: 'closed', failure: undefined };

  start(options: StreamOptions): StreamFailure | undefined {
    this.started.push(options);
    return this.failure;
  }
  stop(name: string): boolean {
    this.stopped.push(name);
    return this.started.some((stream) => stream.name === name);
  }
  async connect(options: StreamOptions): Promise<StreamEnd> {
    this.#guard.take('Connect');
    this.connected.push(options);
    return this.end;
  }
  readonly relayed: RelayOptions[] = [];
  relayEnd: RelayEnd = {
    sessionId: `VX${'5'.repeat(32)}`,
    status: 'ended',
    durationSeconds: 12,
    handoffData: undefined,
    failure: undefined,
  };
  async relay(options: RelayOptions): Promise<RelayEnd> {
    this.#guard.take('ConversationRelay');
    this.relayed.push(options);
    return this.relayEnd;
  }
}

export class FakeTranscriptionControl implements TranscriptionControl {
  readonly started: TranscriptionOptions[] = [];
  readonly stopped: (string | undefined)[] = [];
  refusal: TranscriptionRefusal | undefined;

  start(options: TranscriptionOptions) {
    this.started.push(options);
    return this.refusal;
  }
  stop(name: string | undefined): boolean {
    this.stopped.push(name);
    return this.started.some((one) => name === undefined || one.name === name);
  }
}

export class FakeSiprecControl implements SiprecControl {
  readonly started: SiprecOptions[] = [];
  readonly stopped: (string | undefined)[] = [];
  failure: SiprecFailure | undefined;

  start(options: SiprecOptions) {
    this.started.push(options);
    return this.failure;
  }
  stop(name: string | undefined): boolean {
    this.stopped.push(name);
    return this.started.some((one) => name === undefined || one.name === name);
  }
}

export class FakeCallControl implements CallControl {
  readonly siprec = new FakeSiprecControl();
  readonly transcriptions = new FakeTranscriptionControl();
  readonly recordings = new FakeRecordingControl();
  readonly streams = new FakeStreamControl();
  readonly callSid = `CA${'1'.repeat(32)}`;
  readonly accountSid = `AC${'a'.repeat(32)}`;
  readonly call = new AbortController();
  readonly #guard = new CircleGuard();
  /** What was done, in order: `answer`, `play say:Hello`, `dial 1`, `hangUp` … */
  readonly done: string[] = [];
  readonly played: AudioSource[][] = [];
  /** What was announced as coming next, in order. */
  readonly prefetched: AudioSource[] = [];
  readonly collects: CollectOptions[] = [];
  readonly dials: DialOptions[] = [];
  playOutcomes: PlayOutcome[] = [];
  collected: Collected[] = [];
  dialOutcomes: DialOutcome[] = [];
  referOutcomes: ReferOutcome[] = [];
  hearsSpeech = true;
  answered = false;
  screening = false;
  status: string | undefined;
  /** Called before each action resolves: a test ends the call here. */
  during: (action: string) => void = () => {};

  get callSignal(): AbortSignal {
    return this.call.signal;
  }

  isAnswered(): boolean {
    return this.answered;
  }

  isScreening(): boolean {
    return this.screening;
  }

  async answer(): Promise<void> {
    if (this.answered) return;
    this.#note('answer');
    this.answered = true;
  }

  reject(reason: 'busy' | 'rejected'): void {
    this.#note(`reject ${reason}`);
    this.call.abort();
  }

  hangUp(): void {
    this.#note('hangUp');
    this.call.abort();
  }

  prefetch(sources: readonly AudioSource[]): void {
    this.prefetched.push(...sources);
  }
  async play(sources: readonly AudioSource[], signal: AbortSignal): Promise<PlayOutcome> {
    this.played.push([...sources]);
    this.#note(`play ${sources.map(nameOf).join(' ')}`);
    return signal.aborted ? 'aborted' : (this.playOutcomes.shift() ?? 'finished');
  }

  async pause(durationMs: number): Promise<void> {
    this.#note(`pause ${durationMs}`);
  }

  async echo(): Promise<void> {
    this.#note('echo');
  }

  async collect(options: CollectOptions, signal: AbortSignal): Promise<Collected> {
    this.collects.push(options);
    this.#note('collect');
    return signal.aborted ? { ...noInput, reason: 'aborted' } : (this.collected.shift() ?? noInput);
  }

  async dial(options: DialOptions): Promise<DialOutcome> {
    this.dials.push(options);
    this.#note(`dial ${options.targets.length}`);
    return this.dialOutcomes.shift() ?? bridgedOutcome;
  }

  async refer(target: string): Promise<ReferOutcome> {
    this.#note(`refer ${target}`);
    return this.referOutcomes.shift() ?? referredOutcome;
  }

  readonly joins: ConferenceOptions[] = [];
  conferenceOutcomes: ConferenceOutcome[] = [];
  readonly conferences: ConferenceControl = {
    join: async (options) => {
      this.joins.push(options);
      this.#note(`join ${options.room}`);
      return this.conferenceOutcomes.shift() ?? { how: 'left', cause: 'alone' };
    },
  };

  readonly enqueued: EnqueueOptions[] = [];
  readonly dequeued: { readonly noun: QueueNoun; readonly options: DequeueOptions }[] = [];
  enqueueOutcomes: EnqueueOutcome[] = [];
  readonly queues: QueueControl = {
    enqueue: async (options) => {
      this.enqueued.push(options);
      this.#note(`enqueue ${options.name}`);
      const queue = { sid: `QU${'5'.repeat(32)}`, seconds: 12 };
      return this.enqueueOutcomes.shift() ?? { result: 'bridged', queue, transferred: false };
    },
    dequeue: async (noun, options) => {
      this.dequeued.push({ noun, options });
      this.#note(`dequeue ${noun.name}`);
      return this.dialOutcomes.shift() ?? bridgedOutcome;
    },
  };

  params(): ReadonlyMap<string, string> {
    return new Map([
      ['CallSid', this.callSid],
      ['AccountSid', this.accountSid],
      ['From', 'sip:alice@pbx.example.test'],
      ['To', 'sip:100@gw.example.test'],
      ['CallStatus', this.status ?? (this.answered ? 'in-progress' : 'ringing')],
    ]);
  }

  #note(action: string): void {
    // A session that fails of it still hangs up.
    if (action !== 'hangUp') this.#guard.take(action);
    this.done.push(action);
    this.during(action);
  }
}

function nameOf(source: AudioSource): string {
  switch (source.kind) {
    case 'say':
      return `say:${source.spoken.text}`;
    case 'url':
      return `url:${source.url}`;
    case 'digits':
      return `digits:${source.digits}`;
    case 'silence':
      return `silence:${source.durationMs}`;
  }
}
