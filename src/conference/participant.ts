// One call in a room: what it was asked to be, and what it hears because of it. The room decides; this file keeps the state of one
// member and runs the documents on its leg, one at a time.
//
//   mode       is heard            hears the mix   on its leg
//   waiting    no                  no              wait document, then silence
//   listening  no                  yes             nothing: somebody who is called by REST rings
//   held       no                  no              hold document, round and round
//   mixed      unless muted, or    yes             nothing
//              its phone holds us

import type { ConferenceOptions, ParticipantRecord, ParticipantStatus, WaitSource } from '../base/conferences-api.ts';
import { limits } from '../base/limits.ts';
import { linkedController } from '../base/signal.ts';
import type { Call } from '../call/call.ts';
import type { WaitEnd } from '../call/wait-document.ts';
import type { EndpointId } from '../media/engine.ts';
import type { MixerMember } from '../media/engine-audio.ts';

export type ParticipantMode = 'waiting' | 'listening' | 'held' | 'mixed';

/** Why a participant is out. `failed`: it could not be called, or not wait. `alone`: it left by itself, and its call lives. */
export type LeaveCause = 'hungUp' | 'alone' | 'updated' | 'kicked' | 'failed' | 'moderatorEnded' | 'endedOverRest';

/** A document for the leg of a participant; the port is in services.ts. */
export interface LegDocument {
  readonly source: WaitSource;
  readonly atEnd: 'again' | 'silence' | 'return';
}

export interface ParticipantHooks {
  readonly run: (call: Call, document: LegDocument, signal: AbortSignal) => Promise<WaitEnd>;
  readonly wall: () => number;
  /** The wait document could not be had: it may not wait here (twiml.md 7.1, waitUrl). */
  readonly onWaitFailed: (participant: Participant, code: number) => void;
}

export class Participant {
  readonly call: Call;
  readonly options: ConferenceOptions;
  readonly startOnEnter: boolean;
  readonly label: string | undefined;
  muted: boolean;
  hold = false;
  endOnExit: boolean;
  beepOnExit: boolean;
  /** CallSid of who alone hears this one. */
  coach: string | undefined;
  wait: WaitSource;
  holdSource: WaitSource | undefined;
  /** False while its call is still being made over REST. */
  isIn = false;
  /** Its call failed or ended, or it left. */
  hasLeft = false;
  /** There is speech on its leg, heard or not; and whether the application was told that it speaks. */
  isVoiced = false;
  isSpeaking = false;
  dateUpdated: number;
  readonly #dateCreated: number;
  readonly #hooks: ParticipantHooks;
  readonly #gone = new AbortController();
  #background:
    | { readonly key: string; readonly controller: AbortController; readonly done: Promise<unknown> }
    | undefined;
  #mode: ParticipantMode | undefined;
  /** Documents of this leg, one behind the other: none begins before the one before has stopped playing. */
  #turn: Promise<unknown> = Promise.resolve();
  #announcements = 0;
  /** Why it is out of the room. */
  readonly left: Promise<LeaveCause>;
  #resolve: (cause: LeaveCause) => void = () => {};

  constructor(call: Call, options: ConferenceOptions, hooks: ParticipantHooks) {
    this.call = call;
    this.options = options;
    this.startOnEnter = options.startOnEnter;
    this.label = options.label;
    this.muted = options.muted;
    this.endOnExit = options.endOnExit;
    this.beepOnExit = options.beep === 'true' || options.beep === 'onExit';
    this.coach = options.coach;
    this.wait = options.wait;
    this.left = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#hooks = hooks;
    this.#dateCreated = hooks.wall();
    this.dateUpdated = this.#dateCreated;
  }

  get beepOnEnter(): boolean {
    return this.options.beep === 'true' || this.options.beep === 'onEnter';
  }

  get endpoint(): EndpointId | undefined {
    return this.call.isOver ? undefined : this.call.leg.endpoint;
  }

  /** Whether its own phone has put us on hold: its music on hold is not for the room. */
  get isHolding(): boolean {
    const direction = this.call.isOver ? 'sendrecv' : this.call.leg.remoteDirection;
    return direction === 'sendonly' || direction === 'inactive';
  }

  get status(): ParticipantStatus {
    if (this.hasLeft || this.call.isOver) return this.isIn ? 'complete' : 'failed';
    if (this.isIn) return 'connected';
    if (this.call.status === 'queued' || this.call.status === 'ringing') return this.call.status;
    return 'connecting';
  }

  /** What the mixer is told; `coached` finds the endpoint of the participant that is coached. */
  member(mode: ParticipantMode, coached: (callSid: string) => EndpointId | undefined): MixerMember {
    const isMixed = mode === 'mixed';
    const target = this.coach === undefined ? null : coached(this.coach);
    return {
      // Who coaches somebody that is gone is heard by nobody: what was meant for one is not for all.
      isHeard: isMixed && !this.muted && !this.isHolding && target !== undefined,
      hears: isMixed || mode === 'listening',
      coaches: target ?? null,
      jitterMs: this.options.jitterMs,
    };
  }

  // ------------------------------------------------------------------ documents on the leg

  get mode(): ParticipantMode | undefined {
    return this.#mode;
  }

  /** Makes the leg hear what belongs to the mode. A running document of the same kind goes on. */
  setMode(mode: ParticipantMode): void {
    this.#mode = mode;
    this.#settleBackground();
  }

  #wanted(): { readonly key: string; readonly document: LegDocument } | undefined {
    if (this.#announcements > 0 || this.hasLeft || (this.#mode !== 'held' && this.#mode !== 'waiting'))
      return undefined;
    const isHeld = this.#mode === 'held';
    const source = isHeld ? (this.holdSource ?? BUILT_IN) : this.wait;
    const atEnd = isHeld ? 'again' : 'silence';
    return { key: `${this.#mode} ${source.method} ${source.url}`, document: { source, atEnd } };
  }

  #settleBackground(): void {
    const wanted = this.#wanted();
    if (this.#background && this.#background.key === wanted?.key) return;
    this.#background?.controller.abort();
    this.#background = undefined;
    if (!wanted) return;
    const { controller, dispose } = linkedController(this.#gone.signal);
    const done = this.#inTurn(async () => {
      const end = await this.#hooks.run(this.call, wanted.document, controller.signal);
      // rest-api.md 11: a hold document that fails leaves the participant on hold, in silence.
      if (end.how === 'failed' && wanted.document.atEnd === 'silence' && !controller.signal.aborted)
        this.#hooks.onWaitFailed(this, end.code);
    }).finally(dispose);
    this.#background = { key: wanted.key, controller, done };
  }

  /** Plays a document to this participant only; what it heard before goes on behind it. Undefined: too many wait, or it has left. */
  async announce(source: WaitSource): Promise<WaitEnd | undefined> {
    if (this.hasLeft || this.#announcements >= limits.conferenceAnnouncements) return undefined;
    this.#announcements++;
    this.#settleBackground();
    const end = await this.#inTurn(() =>
      this.#gone.signal.aborted
        ? Promise.resolve<WaitEnd>({ how: 'aborted' })
        : this.#hooks.run(this.call, { source, atEnd: 'return' }, this.#gone.signal),
    );
    this.#announcements--;
    this.#settleBackground();
    return end;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }

  /** It is out of the room: `left` settles when nothing of the room plays on its leg any more. */
  leave(cause: LeaveCause): void {
    this.hasLeft = true;
    this.#background = undefined;
    this.#gone.abort();
    void this.#turn.then(() => this.#resolve(cause));
  }

  record(conferenceSid: string): ParticipantRecord {
    return {
      accountSid: this.call.options.accountSid,
      conferenceSid,
      callSid: this.call.sid,
      label: this.label ?? null,
      muted: this.muted,
      hold: this.hold,
      coaching: this.coach !== undefined,
      callSidToCoach: this.coach ?? null,
      startConferenceOnEnter: this.startOnEnter,
      endConferenceOnExit: this.endOnExit,
      status: this.status,
      dateCreated: this.#dateCreated,
      dateUpdated: this.dateUpdated,
    };
  }
}

const BUILT_IN: WaitSource = { url: undefined, method: 'GET' };
