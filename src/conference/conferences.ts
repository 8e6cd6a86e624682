// The live rooms of this node, by account and name. A room is made by the first who comes, and is forgotten when it is over: then its
// name makes a new one (rest-api.md 11). Here is also how a call stays in a room on behalf of its Dial.

import type { ConferenceOptions } from '../base/conferences-api.ts';
import { newSid } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Call } from '../call/call.ts';
import type { DialRecordingOptions, DialRecordingSummary } from '../call/dial-options.ts';
import { DialRecording } from '../call/dial-recording.ts';
import type { EndpointId, MediaEvent } from '../media/engine.ts';
import type { AudioEvent } from '../media/engine-audio.ts';
import { passEarlyMedia } from './early-media.ts';
import type { LeaveCause, Participant } from './participant.ts';
import { Room } from './room.ts';
import { RoomPlays } from './room-play.ts';
import type { RoomServices } from './services.ts';

/** How long a call stays, beside what the room does with it. */
export interface ConferenceStay {
  readonly timeLimitSeconds: number;
  /** `*` of this participant takes it out. */
  readonly hangupOnStar: boolean;
  /** Of the leg: what it says and what it hears (twiml.md 6.2). */
  readonly recording?: DialRecordingOptions | undefined;
}

export type ConferenceOutcome =
  /** It was in, and is out again; the call lives or not. */
  | {
      readonly how: 'left';
      readonly cause: LeaveCause;
      readonly recording?: DialRecordingSummary;
    }
  /** It never really was in: 13236, 13240, 16020, 16021, 16025, or its wait document failed (no code: reported already). */
  | { readonly how: 'notJoined'; readonly code: number | undefined; readonly detail: string };

export interface JoinRefusal {
  readonly code: number;
  readonly detail: string;
}

export const isConferenceSid = (text: string): boolean => /^CF[0-9a-f]{32}$/.test(text);

export class Conferences {
  readonly #services: RoomServices;
  readonly #plays: RoomPlays;
  readonly #bySid = new Map<string, Room>();
  readonly #byName = new Map<string, Room>();
  readonly #perAccount = new Map<string, number>();
  /** Places made over REST, by CallSid, until the call enters. */
  readonly #places = new Map<string, { readonly room: Room; readonly participant: Participant }>();
  readonly #speakers = new Map<EndpointId, { readonly room: Room; readonly participant: Participant }>();

  constructor(services: RoomServices) {
    this.#services = services;
    this.#plays = new RoomPlays(services.engine);
  }

  // ------------------------------------------------------------------ rooms

  bySid(accountSid: string, sid: string): Room | undefined {
    const room = this.#bySid.get(sid);
    return room?.accountSid === accountSid ? room : undefined;
  }

  /** By name, or by sid where the text has the form of one. */
  find(accountSid: string, room: string): Room | undefined {
    return isConferenceSid(room) ? this.bySid(accountSid, room) : this.#byName.get(`${accountSid}/${room}`);
  }

  all(): Iterable<Room> {
    return this.#bySid.values();
  }

  counts(): { readonly rooms: number; readonly participants: number; readonly plays: number } {
    let participants = 0;
    for (const room of this.#bySid.values()) participants += room.size;
    return { rooms: this.#bySid.size, participants, plays: this.#plays.size };
  }

  /** Whether one more may come with these options, and to which room; undefined = to a new one. */
  check(accountSid: string, options: ConferenceOptions): Result<Room | undefined, JoinRefusal> {
    const room = this.find(accountSid, options.room);
    if (!room) {
      if (isConferenceSid(options.room))
        return err({ code: 13236, detail: 'there is no running conference of this sid' });
      if (options.coach !== undefined) return err({ code: 13240, detail: 'there is nobody to be coached yet' });
      const isFull = (this.#perAccount.get(accountSid) ?? 0) >= limits.conferencesPerAccount;
      return isFull ? err({ code: 16021, detail: 'the account has as many conferences as it may' }) : ok(undefined);
    }
    const most = Math.min(options.maxParticipants, limits.conferenceParticipants);
    if (room.size >= most) return err({ code: 16020, detail: `the conference has ${room.size} participants` });
    if (options.label !== undefined && room.find(options.label))
      return err({ code: 16025, detail: 'the label is in use in this conference' });
    if (options.coach !== undefined && !room.present(options.coach))
      return err({ code: 13240, detail: 'the participant to be coached is not in this conference' });
    return ok(room);
  }

  /** A new room, for a name that `check` found free. */
  create(accountSid: string, options: ConferenceOptions, sid = this.newSid()): Room {
    const identity = { sid, accountSid, friendlyName: options.room };
    const room: Room = new Room(identity, options, this.#services, {
      plays: this.#plays,
      onClosed: () => this.#forget(room),
      onEndpoint: (endpoint, participant) => {
        if (participant) this.#speakers.set(endpoint, { room, participant });
        else this.#speakers.delete(endpoint);
      },
    });
    this.#bySid.set(sid, room);
    this.#byName.set(`${accountSid}/${options.room}`, room);
    this.#perAccount.set(accountSid, (this.#perAccount.get(accountSid) ?? 0) + 1);
    return room;
  }

  newSid(): string {
    return newSid('CF', this.#services.random);
  }

  #forget(room: Room): void {
    const { sid, accountSid, friendlyName } = room;
    this.#bySid.delete(sid);
    this.#byName.delete(`${accountSid}/${friendlyName}`);
    const left = (this.#perAccount.get(accountSid) ?? 1) - 1;
    if (left > 0) this.#perAccount.set(accountSid, left);
    else this.#perAccount.delete(accountSid);
  }

  // ------------------------------------------------------------------ calls

  /** A place for a call that REST makes; `join` on it takes the place. */
  place(room: Room, call: Call, options: ConferenceOptions, earlyMedia: boolean): Participant {
    const participant = room.add(call, options);
    if (earlyMedia) passEarlyMedia(room, participant, this.#services.engine, this.#plays);
    this.#places.set(call.sid, { room, participant });
    void participant.left.then(() => this.#places.delete(call.sid));
    return participant;
  }

  /** Puts an answered call into its room and waits until it is out. `signal`: that of its document. */
  async join(
    call: Call,
    options: ConferenceOptions,
    stay: ConferenceStay,
    signal: AbortSignal,
  ): Promise<ConferenceOutcome> {
    const place = this.#placeOf(call, options);
    if (!place.ok) return { how: 'notJoined', ...place.error };
    const { room, participant } = place.value;
    const leave = (cause: LeaveCause) => room.leave(participant, cause);
    const onAbort = () => leave(call.isOver ? 'hungUp' : 'updated');
    signal.addEventListener('abort', onAbort, { once: true });
    const unsubscribe = call.onLegEvent((event) => {
      if (stay.hangupOnStar && event.type === 'digit' && event.digit === '*') leave('alone');
    });
    const limit = this.#services.clock.after(stay.timeLimitSeconds * 1_000, () => leave('alone'));
    const leg = new DialRecording(call, stay.recording, this.#services.recordDial);
    if (signal.aborted) onAbort();
    else room.enter(participant);
    if (participant.isIn) leg.onJoined();
    const cause = await participant.left;
    const recording = await leg.finish();
    limit.cancel();
    unsubscribe();
    signal.removeEventListener('abort', onAbort);
    if (cause === 'failed') return { how: 'notJoined', code: undefined, detail: 'the wait document failed' };
    return { how: 'left', cause, ...(recording ? { recording } : {}) };
  }

  #placeOf(
    call: Call,
    options: ConferenceOptions,
  ): Result<{ readonly room: Room; readonly participant: Participant }, JoinRefusal> {
    const made = this.#places.get(call.sid);
    if (made && made.room.sid === options.room) {
      this.#places.delete(call.sid);
      return ok(made);
    }
    const { accountSid } = call.options;
    const found = this.check(accountSid, options);
    if (!found.ok) return found;
    const room = found.value ?? this.create(accountSid, options);
    return ok({ room, participant: room.add(call, options) });
  }

  // ------------------------------------------------------------------ media

  onMediaEvent(event: MediaEvent | AudioEvent): void {
    if (event.type === 'playEnded') return this.#plays.onMediaEvent(event);
    if (event.type !== 'speech') return;
    const speaker = this.#speakers.get(event.endpoint);
    speaker?.room.speech(speaker.participant, event.isSpeaking);
  }

  /** A document for everybody in the room. */
  async announce(room: Room, url: string, method: 'GET' | 'POST'): Promise<void> {
    const { sid, accountSid, friendlyName, mixer } = room;
    const fail = (reason: string) =>
      room.tell('announcement-fail', undefined, { AnnounceUrl: url, ReasonAnnouncementFailed: reason });
    if (mixer === undefined) return fail('nobody is in the conference');
    if (room.announcements >= limits.conferenceAnnouncements) return fail('too many announcements play');
    room.announcements += 1;
    const document = { accountSid, conferenceSid: sid, friendlyName, mixer, url, method };
    const end = await this.#services.announce(document, this.#plays.play, room.signal);
    room.announcements -= 1;
    if (end.how === 'failed') fail(end.reason);
    else if (end.how === 'ended') room.tell('announcement-end', undefined, { AnnounceUrl: url });
  }
}
