// Rooms on fake legs and a fake media engine: documents, status callbacks and recordings are kept as lists, in the test's hand.

import type { CreateCallRequest } from '../../src/base/calls-api.ts';
import {
  type ConferenceEvent,
  type ConferenceOptions,
  type ConferencesApi,
  conferenceEvents,
  type WaitSource,
} from '../../src/base/conferences-api.ts';
import { silentLog } from '../../src/base/log.ts';
import type { RecordedConference, RecordingRequest } from '../../src/base/recordings-api.ts';
import { err, ok } from '../../src/base/result.ts';
import type { Conference } from '../../src/base/voice-records.ts';
import type { Call } from '../../src/call/call.ts';
import type { WaitDocument, WaitEnd } from '../../src/call/wait-document.ts';
import { type ConferenceOutcome, type ConferenceStay, Conferences } from '../../src/conference/conferences.ts';
import { createConferencesApi } from '../../src/conference/rest.ts';
import type { Room } from '../../src/conference/room.ts';
import type { AnnouncementEnd, RoomAnnouncement, RoomStatus } from '../../src/conference/services.ts';
import type { MixerMember } from '../../src/media/engine-audio.ts';
import { ACCOUNT, CallBench, type FakeLeg } from './call-fakes.ts';
import { seededRandom } from './network.ts';
import { settle } from './virtual-clock.ts';

export const SILENCE: WaitSource = { url: '', method: 'POST' };

export const options = (changes: Partial<ConferenceOptions> = {}): ConferenceOptions => ({
  room: 'Room 1',
  muted: false,
  beep: 'false',
  startOnEnter: true,
  endOnExit: false,
  label: undefined,
  jitterMs: 60,
  wait: SILENCE,
  maxParticipants: 250,
  record: undefined,
  coach: undefined,
  region: undefined,
  statusCallback: undefined,
  ...changes,
});

export const callback = (events: readonly ConferenceEvent[] = conferenceEvents) => ({
  url: 'http://app/conference',
  method: 'POST' as const,
  events,
});

export interface RunningDocument {
  readonly callSid: string;
  readonly document: WaitDocument;
  readonly signal: AbortSignal;
  finish(end: WaitEnd): void;
}

export interface Joined {
  readonly call: Call;
  readonly leg: FakeLeg;
  readonly document: AbortController;
  readonly outcome: Promise<ConferenceOutcome>;
}

export class ConferenceBench extends CallBench {
  readonly statuses: RoomStatus[] = [];
  readonly records: Conference[] = [];
  readonly documents: RunningDocument[] = [];
  readonly recordings: { room: RecordedConference; request: RecordingRequest }[] = [];
  readonly announcements: { announcement: RoomAnnouncement; finish: (end: AnnouncementEnd) => void }[] = [];
  readonly ended: string[] = [];
  readonly conferences: Conferences;

  readonly accountSid: string;
  /** Calls that were made over REST, with what was asked for. */
  readonly made: { request: CreateCallRequest; call: Call; leg: FakeLeg }[] = [];
  readonly api: ConferencesApi;

  constructor(accountSid = ACCOUNT, seed = 1) {
    super(1_000, seed);
    this.accountSid = accountSid;
    this.conferences = new Conferences({
      engine: this.engine,
      clock: this.clock,
      random: seededRandom(seed).bytes,
      log: silentLog,
      records: { put: (record) => this.records.push(record) },
      runDocument: (call, document, signal) => this.#run(call, document, signal),
      announce: (announcement, _play, signal) =>
        new Promise((finish) => {
          this.announcements.push({ announcement, finish });
          signal.addEventListener('abort', () => finish({ how: 'aborted' }), { once: true });
        }),
      sendStatus: (status) => this.statuses.push(status),
      onEnded: (sid) => this.ended.push(sid),
      recordings: {
        startOnConference: (room, request) => {
          this.recordings.push({ room, request });
          return err({ code: 20500, status: 500, message: 'not really' });
        },
      },
    });
    this.engine.onEvent((event) => this.conferences.onMediaEvent(event));
    this.api = createConferencesApi({
      conferences: this.conferences,
      createCall: (request) => this.#create(request),
      callOf: (callSid) => this.calls.get(callSid),
    });
  }

  /** As rest-calls.ts does it: the INVITE leaves behind the answer, the document runs when the peer answers. */
  #create(request: CreateCallRequest) {
    const { call, leg } = this.outbound({
      accountSid: request.accountSid,
      direction: 'outbound-api',
      from: request.from,
      to: request.to,
    });
    this.made.push({ request, call, leg });
    queueMicrotask(() => call.start());
    call.onLegEvent((event) => {
      if (event.type !== 'answered' || !('twiml' in request.instructions)) return;
      const room = /<Conference>(CF[0-9a-f]{32})</.exec(request.instructions.twiml)?.[1] ?? '';
      const stay = { timeLimitSeconds: 14_400, hangupOnStar: false };
      void this.conferences
        .join(call, options({ room }), stay, call.signal)
        .then(() => call.hangUp('the document is over'));
    });
    return ok(call.record());
  }

  #run(call: Call, document: WaitDocument, signal: AbortSignal): Promise<WaitEnd> {
    if (signal.aborted) return Promise.resolve({ how: 'aborted' });
    return new Promise((resolve) => {
      const running: RunningDocument = {
        callSid: call.sid,
        document,
        signal,
        finish: (end) => {
          this.documents.splice(this.documents.indexOf(running), 1);
          resolve(end);
        },
      };
      this.documents.push(running);
      signal.addEventListener('abort', () => this.documents.includes(running) && running.finish({ how: 'aborted' }), {
        once: true,
      });
    });
  }

  /** An answered call that joins. */
  async join(changes: Partial<ConferenceOptions> = {}, stay: Partial<ConferenceStay> = {}): Promise<Joined> {
    const { call, leg } = this.inbound({ accountSid: this.accountSid });
    await call.answer();
    const document = new AbortController();
    call.signal.addEventListener('abort', () => document.abort(), { once: true });
    const whole = { timeLimitSeconds: 14_400, hangupOnStar: false, ...stay };
    const outcome = this.conferences.join(call, options(changes), whole, document.signal);
    await settle();
    return { call, leg, document, outcome };
  }

  room(name = 'Room 1'): Room {
    const room = this.conferences.find(this.accountSid, name);
    if (!room) throw new Error(`there is no room ${name}`);
    return room;
  }

  /** What the mixer knows of a call. */
  member({ leg }: Pick<Joined, 'leg'>): MixerMember | undefined {
    for (const members of this.engine.mixersNow.values()) {
      const member = leg.endpoint === undefined ? undefined : members.get(leg.endpoint);
      if (member) return member;
    }
    return undefined;
  }

  /** `heard hears`, `heard deaf`, `unheard hears`, `unheard deaf` or `out`. */
  standing(joined: Pick<Joined, 'leg'>): string {
    const member = this.member(joined);
    return member ? `${member.isHeard ? 'heard' : 'unheard'} ${member.hears ? 'hears' : 'deaf'}` : 'out';
  }

  /** Documents that run on a call: `wait http://…`, `silence`, `tune`, with what happens at their end. */
  hears({ call }: Pick<Joined, 'call'>): string[] {
    return this.documents
      .filter(({ callSid }) => callSid === call.sid)
      .map(({ document: { url, atEnd } }) => `${url === undefined ? 'tune' : url === '' ? 'silence' : url} ${atEnd}`);
  }

  told(): string[] {
    return this.statuses.map(({ params }) => params.get('StatusCallbackEvent') ?? '');
  }

  /** The parameters of the last status callback of this kind. */
  status(event: string): Record<string, string> {
    const found = this.statuses.findLast(({ params }) => params.get('StatusCallbackEvent') === event);
    if (!found) throw new Error(`no ${event}; there were ${this.told().join(' ')}`);
    return Object.fromEntries(found.params);
  }

  /** Nothing of any room is left. */
  left(): object {
    return {
      ...this.conferences.counts(),
      mixers: this.engine.mixersNow.size,
      documents: this.documents.length,
      timers: this.clock.pendingTimers,
    };
  }
}

export const NOTHING = { rooms: 0, participants: 0, plays: 0, mixers: 0, documents: 0 };
