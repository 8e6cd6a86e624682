// A conference room: who is in, what each of them hears, and when it starts and ends. Everything here happens at once, on one thread:
// a join and an end never overlap. What is decided is in room-states.ts and participant.ts; this file drives them.
//
//   add (call is being made) ─▶ enter ─▶ … mute, hold, coach … ─▶ leave        each step: mixer, record, status callbacks
//                                 └ two in, one a starter: start

import type { ConferenceOptions, WaitSource } from '../base/conferences-api.ts';
import type { Conference } from '../base/voice-records.ts';
import type { Call } from '../call/call.ts';
import type { EndpointId } from '../media/engine.ts';
import type { MixerId } from '../media/engine-audio.ts';
import { ENTER_BEEP, EXIT_BEEP } from './beeps.ts';
import { HeldProbe } from './held-probe.ts';
import { type LeaveCause, type LegDocument, Participant, type ParticipantMode } from './participant.ts';
import type { RoomPlays } from './room-play.ts';
import { startRecording } from './room-recording.ts';
import { type RoomAction, type RoomInput, roomStates } from './room-states.ts';
import type { RoomServices } from './services.ts';
import { endParams, leaveParams, type StatusEvent, statusParams, subscriptionOf } from './status.ts';

/** What may run while a participant waits, is held or is announced to (twiml.md 15). */
const DOCUMENT_VERBS: ReadonlySet<string> = new Set(['Play', 'Say', 'Pause', 'Redirect']);
const WRONG_VERB = 13238;

export interface RoomHooks {
  readonly plays: RoomPlays;
  /** It is completed: its name is free again. */
  readonly onClosed: (room: Room) => void;
  /** The endpoint of who is in, for speech events; undefined when it left. */
  readonly onEndpoint: (endpoint: EndpointId, participant: Participant | undefined) => void;
}

export class Room {
  readonly #services: RoomServices;
  readonly #hooks: RoomHooks;
  /** Callbacks, recording and region are those of the first. */
  readonly #first: ConferenceOptions;
  /** By CallSid, in joining order. */
  readonly #participants = new Map<string, Participant>();
  /** Of those who are in; kept, because a call that ends takes its endpoint along. */
  readonly #endpoints = new Map<Participant, EndpointId>();
  /** Those whose ringing the room hears. */
  readonly #ringing = new Set<Participant>();
  /** Listeners on the calls of participants. */
  readonly #cleanups = new Map<Participant, (() => void)[]>();
  readonly #controller = new AbortController();
  #conference: Conference;
  #mixer: MixerId | undefined;
  #sequence = 0;
  /** Announcements to everybody that play now. */
  announcements = 0;
  /** Who ended it, or was the last in it. */
  #last: Participant | undefined;

  constructor(
    identity: { readonly sid: string; readonly accountSid: string; readonly friendlyName: string },
    first: ConferenceOptions,
    services: RoomServices,
    hooks: RoomHooks,
  ) {
    this.#services = services;
    this.#hooks = hooks;
    this.#first = first;
    const now = services.clock.wall();
    this.#conference = {
      ...identity,
      status: 'init',
      reasonConferenceEnded: null,
      callSidEndingConference: null,
      region: first.region ?? 'us1',
      dateCreated: now,
      dateUpdated: now,
    };
    services.records.put(this.#conference);
  }

  get sid(): string {
    return this.#conference.sid;
  }
  get accountSid(): string {
    return this.#conference.accountSid;
  }
  get friendlyName(): string {
    return this.#conference.friendlyName;
  }
  get record(): Conference {
    return this.#conference;
  }
  get isOver(): boolean {
    return this.#conference.status === 'completed';
  }
  get mixer(): MixerId | undefined {
    return this.#mixer;
  }
  /** Aborted when the room is over. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }
  get size(): number {
    return this.#participants.size;
  }

  participants(): readonly Participant[] {
    return [...this.#participants.values()];
  }

  /** By CallSid or label. */
  find(who: string): Participant | undefined {
    return this.#participants.get(who) ?? this.participants().find(({ label }) => label === who);
  }

  /** Somebody by CallSid who really is in: what can be coached. */
  present(callSid: string): Participant | undefined {
    const participant = this.#participants.get(callSid);
    return participant?.isIn ? participant : undefined;
  }

  // ------------------------------------------------------------------ coming

  /** A place for a call that is still being made. */
  add(call: Call, options: ConferenceOptions): Participant {
    const participant = new Participant(call, options, {
      run: (on, document, signal) => this.#run(on, document, signal),
      wall: () => this.#services.clock.wall(),
      onWaitFailed: (one) => this.leave(one, 'failed'),
    });
    this.#participants.set(call.sid, participant);
    const onEnd = () => this.leave(participant, participant.isIn ? 'hungUp' : 'failed');
    call.signal.addEventListener('abort', onEnd, { once: true });
    this.#cleanups.set(participant, [() => call.signal.removeEventListener('abort', onEnd)]);
    return participant;
  }

  /** The answered call of a place that `add` made is in. */
  enter(participant: Participant): void {
    if (participant.isIn || participant.hasLeft || this.isOver) return;
    participant.isIn = true;
    const { call, endpoint } = participant;
    this.#touch(participant);
    this.#join(participant);
    const probe = new HeldProbe(call, this.#services.clock);
    this.#cleanups.get(participant)?.push(
      call.onLegEvent((event) => {
        if (event.type !== 'direction') return;
        this.settle(participant);
        probe.update(participant.isHolding);
      }),
      () => probe.stop(),
    );
    probe.update(participant.isHolding);
    if (endpoint !== undefined && this.#wants('participant-speech-start')) {
      this.#hooks.onEndpoint(endpoint, participant);
      this.#services.engine.watchSpeech(endpoint, true);
    }
    this.tell('participant-join', participant);
    const inside = this.participants().filter(({ isIn }) => isIn);
    if (inside.length >= 2 && inside.some(({ startOnEnter }) => startOnEnter)) this.#input('ready');
    this.settle(participant);
    if (participant.beepOnEnter) this.#beep(ENTER_BEEP);
  }

  #join(participant: Participant): void {
    const { endpoint } = participant;
    if (endpoint === undefined) return;
    this.#endpoints.set(participant, endpoint);
    this.#mixer ??= this.#services.engine.createMixer(endpoint);
    this.#services.engine.joinMixer(this.#mixer, endpoint, this.#member(participant));
  }

  // ------------------------------------------------------------------ being there

  #modeOf({ hold }: Participant): ParticipantMode {
    if (hold) return 'held';
    if (this.#conference.status === 'in-progress') return 'mixed';
    return this.#ringing.size > 0 ? 'listening' : 'waiting';
  }

  /** Somebody who is being called is heard ringing, or not any more: those who wait listen meanwhile. */
  setRinging(participant: Participant, isRinging: boolean): void {
    if (isRinging) this.#ringing.add(participant);
    else if (!this.#ringing.delete(participant)) return;
    for (const one of this.#participants.values()) this.settle(one);
  }

  #member(participant: Participant) {
    return participant.member(this.#modeOf(participant), (callSid) => this.present(callSid)?.endpoint);
  }

  /** Makes mixer and leg follow what the participant is now. */
  settle(participant: Participant): void {
    const { endpoint } = participant;
    if (!participant.isIn || participant.hasLeft || endpoint === undefined) return;
    if (this.#mixer !== undefined) this.#services.engine.updateMember(this.#mixer, endpoint, this.#member(participant));
    participant.setMode(this.#modeOf(participant));
    this.#tellSpeech(participant);
  }

  /** Somebody begins to speak on this leg, or ends. */
  speech(participant: Participant, isVoiced: boolean): void {
    participant.isVoiced = isVoiced;
    this.#tellSpeech(participant);
  }

  /** twiml.md 7.1: who is not heard does not speak. What is told as begun is told as ended, and who speaks before the start begins with it. */
  #tellSpeech(participant: Participant): void {
    const isSpeaking = participant.isVoiced && participant.mode === 'mixed' && !participant.muted;
    if (isSpeaking === participant.isSpeaking) return;
    participant.isSpeaking = isSpeaking;
    this.tell(isSpeaking ? 'participant-speech-start' : 'participant-speech-stop', participant);
  }

  #touch(participant: Participant): void {
    participant.dateUpdated = this.#services.clock.wall();
  }

  /** What the participant is was changed over REST. */
  changed(participant: Participant): void {
    this.#touch(participant);
    this.settle(participant);
  }

  /** A document for one participant; how it ended is told as an announcement. */
  async announceTo(participant: Participant, source: WaitSource): Promise<void> {
    const end = await participant.announce(source);
    if (participant.hasLeft) return;
    if (!end || end.how === 'failed') {
      const reason = end ? `the document failed with ${end.code}` : 'too many announcements wait';
      this.tell('announcement-fail', participant, { AnnounceUrl: source.url, ReasonAnnouncementFailed: reason });
    } else if (end.how === 'ended') this.tell('announcement-end', participant, { AnnounceUrl: source.url });
  }

  #run(call: Call, { source, atEnd }: LegDocument, signal: AbortSignal) {
    const { runDocument } = this.#services;
    const params = () =>
      new Map([
        ['ConferenceSid', this.sid],
        ['FriendlyName', this.friendlyName],
      ]);
    return runDocument(call, { ...source, params, verbs: DOCUMENT_VERBS, wrongVerbCode: WRONG_VERB, atEnd }, signal);
  }

  #beep(beep: typeof ENTER_BEEP): void {
    if (this.#mixer === undefined || this.#conference.status !== 'in-progress') return;
    void this.#hooks.plays.play(this.#mixer, beep, this.signal);
  }

  // ------------------------------------------------------------------ going

  /** Takes a participant out; its call goes on with what follows its Dial, if it lives. Idempotent. */
  leave(participant: Participant, cause: LeaveCause): void {
    if (this.#participants.get(participant.call.sid) !== participant) return;
    this.#participants.delete(participant.call.sid);
    for (const cleanup of this.#cleanups.get(participant) ?? []) cleanup();
    this.#cleanups.delete(participant);
    this.#part(participant);
    const { isIn } = participant;
    const params = leaveParams(participant, cause);
    this.#last = participant;
    participant.leave(cause);
    this.tell('participant-leave', participant, params);
    for (const other of this.#participants.values()) if (other.coach === participant.call.sid) this.settle(other);
    if (cause === 'moderatorEnded' || cause === 'endedOverRest') return;
    const isKick = cause === 'kicked';
    if (isIn && participant.endOnExit) return this.#input(isKick ? 'moderatorKicked' : 'moderatorLeft');
    if (this.#participants.size === 0) return this.#input(isKick ? 'lastKicked' : 'lastLeft');
    if (isIn && participant.beepOnExit) this.#beep(EXIT_BEEP);
  }

  #part(participant: Participant): void {
    const endpoint = this.#endpoints.get(participant);
    if (endpoint === undefined) return;
    this.#endpoints.delete(participant);
    if (this.#mixer !== undefined) this.#services.engine.leaveMixer(this.#mixer, endpoint);
    if (!this.#wants('participant-speech-start')) return;
    this.#services.engine.watchSpeech(endpoint, false);
    this.#hooks.onEndpoint(endpoint, undefined);
  }

  /** Everybody leaves. */
  end(): void {
    this.#last = undefined;
    this.#input('endedOverRest');
  }

  // ------------------------------------------------------------------ states

  #input(input: RoomInput): void {
    const row = roomStates[this.#conference.status][input];
    if (!row) return;
    const isEnd = row.to === 'completed';
    this.#conference = {
      ...this.#conference,
      status: row.to,
      ...(row.reason ? { reasonConferenceEnded: row.reason } : {}),
      ...(isEnd ? { callSidEndingConference: this.#last?.call.sid ?? null } : {}),
      dateUpdated: this.#services.clock.wall(),
    };
    this.#services.records.put(this.#conference);
    const last = this.#last;
    for (const action of row.do) this.#act(action, input, last);
  }

  #act(action: RoomAction, input: RoomInput, last: Participant | undefined): void {
    switch (action) {
      case 'tell start':
        return this.tell('conference-start');
      case 'open the mix':
        for (const participant of this.#participants.values()) this.settle(participant);
        return;
      case 'start recording':
        return startRecording(this, this.#services);
      case 'dismiss everybody':
        return this.#dismiss(input === 'endedOverRest' ? 'endedOverRest' : 'moderatorEnded');
      case 'tell end':
        return this.tell('conference-end', undefined, endParams(this.#conference, last));
      case 'close':
        return this.#close();
    }
  }

  #dismiss(cause: LeaveCause): void {
    for (const participant of this.participants()) {
      this.leave(participant, cause);
      // rest-api.md 11: nobody is there any more who was being called.
      if (!participant.isIn) participant.call.hangUp('the conference is over');
    }
  }

  #close(): void {
    if (this.#mixer !== undefined) this.#services.engine.removeMixer(this.#mixer);
    this.#controller.abort();
    this.#services.onEnded?.(this.sid);
    this.#hooks.onClosed(this);
  }

  // ------------------------------------------------------------------ status callbacks

  #wants(event: StatusEvent): boolean {
    return this.#first.statusCallback?.events.includes(subscriptionOf[event]) ?? false;
  }

  /** Sends a status callback, if the first participant asked for events of this kind. */
  tell(event: StatusEvent, participant?: Participant, more: Readonly<Record<string, string | undefined>> = {}): void {
    const callback = this.#first.statusCallback;
    if (!callback || !this.#wants(event)) return;
    this.#sequence += 1;
    const params = statusParams({
      conference: this.#conference,
      event,
      sequenceNumber: this.#sequence,
      wallMs: this.#services.clock.wall(),
      participant,
      more,
    });
    const { url, method } = callback;
    this.#services.sendStatus({ url, method, params, accountSid: this.accountSid, conferenceSid: this.sid });
  }
}
