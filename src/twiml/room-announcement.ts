// A document for a whole conference (rest-api.md 11, AnnounceUrl): Play, Say, Pause and Redirect, heard by everybody who is in the mix.
// No call runs it, so there is no voice session: each verb gives what it plays, and that is played to the room.

import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import type { HttpMethod } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { PlayToRoom } from '../conference/room-play.ts';
import type { AnnouncementEnd, RoomAnnouncement } from '../conference/services.ts';
import type { WebhookClient } from '../webhook/webhook.ts';
import type { AudioSource } from './call-control.ts';
import { readAnswer } from './content.ts';
import type { ParsedVerb } from './document.ts';
import { type MediaSourceServices, prepare } from './media-sources.ts';
import type { ParseContext, Parsed } from './verb.ts';
import { pause, pauseSources } from './verbs/pause.ts';
import { play, playSources } from './verbs/play.ts';
import { redirect } from './verbs/redirect.ts';
import { say, saySources } from './verbs/say.ts';

export interface AnnouncementServices extends MediaSourceServices {
  readonly webhook: WebhookClient;
  readonly authTokenOf: (accountSid: string) => string;
}

interface Target {
  readonly url: string;
  readonly method: HttpMethod;
}

/** Fetches and plays the document. Never rejects; when `signal` is aborted nothing of it plays any more. */
export async function announceToRoom(
  room: RoomAnnouncement,
  playToRoom: PlayToRoom,
  services: AnnouncementServices,
  signal: AbortSignal,
): Promise<AnnouncementEnd> {
  const log = services.log.child({ folder: 'twiml', conferenceSid: room.conferenceSid });
  try {
    return await new Announcement(room, playToRoom, services, log, signal).run();
  } catch (fault) {
    log.error({ err: fault }, 'an announcement failed');
    return { how: 'failed', reason: 'internal failure' };
  }
}

class Announcement {
  readonly #room: RoomAnnouncement;
  readonly #play: PlayToRoom;
  readonly #services: AnnouncementServices;
  readonly #log: Log;
  readonly #signal: AbortSignal;

  constructor(
    room: RoomAnnouncement,
    playToRoom: PlayToRoom,
    services: AnnouncementServices,
    log: Log,
    signal: AbortSignal,
  ) {
    this.#room = room;
    this.#play = playToRoom;
    this.#services = services;
    this.#log = log;
    this.#signal = signal;
  }

  async run(): Promise<AnnouncementEnd> {
    let target: Target | undefined = this.#room;
    for (let documents = 0; target; documents++) {
      // twiml.md 4.2 point 7: a document that leads to itself.
      if (documents >= limits.documentsWithoutWait) return { how: 'failed', reason: 'documents that lead in circles' };
      const step: Result<Target | undefined, string> = await this.#document(target);
      if (this.#signal.aborted) return { how: 'aborted' };
      if (!step.ok) return { how: 'failed', reason: step.error };
      target = step.value;
    }
    return { how: 'ended' };
  }

  /** Runs one document; gives where it redirects to. */
  async #document({ url, method }: Target): Promise<Result<Target | undefined, string>> {
    const { accountSid, conferenceSid, friendlyName } = this.#room;
    const { webhook, authTokenOf } = this.#services;
    const params = new Map([
      ['AccountSid', accountSid],
      ['ApiVersion', '2010-04-01'],
      ['ConferenceSid', conferenceSid],
      ['FriendlyName', friendlyName],
    ]);
    const authToken = authTokenOf(accountSid);
    const request = {
      url,
      method,
      params,
      authToken,
      accountSid,
      callSid: conferenceSid,
      purpose: 'document',
    } as const;
    const answer = await webhook.request(request, this.#signal);
    if (!answer.ok) return err(`${answer.error.errorCode} ${answer.error.detail}`);
    const read = readAnswer(answer.value, 'once');
    if (!read.ok) return err(`${read.error.code} ${read.error.message}`);
    for (const verb of read.value.verbs) {
      const next = await this.#verb(verb, answer.value.finalUrl);
      if (this.#signal.aborted || next) return ok(next);
    }
    return ok(undefined);
  }

  async #verb({ name, element }: ParsedVerb, documentUrl: string): Promise<Target | undefined> {
    const context: ParseContext = { documentUrl, isNested: false, random: () => 0 };
    switch (name) {
      case 'Say':
        return this.#sound(this.#read(say.parse(element, context), saySources));
      case 'Play':
        return this.#sound(this.#read(play.parse(element, context), playSources));
      case 'Pause':
        return this.#sound(this.#read(pause.parse(element, context), pauseSources));
      case 'Redirect': {
        const read = redirect.parse(element, context);
        return read.ok ? read.value : undefined;
      }
      default:
        this.#log.warn({ errorCode: 13238 }, `${name} is not allowed in an announcement and was skipped`);
    }
    return undefined;
  }

  #read<T>(parsed: Parsed<T>, sources: (verb: T) => readonly AudioSource[]): readonly AudioSource[] {
    for (const { code, message } of parsed.warnings) this.#log.warn({ errorCode: code }, message);
    return parsed.ok ? sources(parsed.value) : [];
  }

  async #sound(sources: readonly AudioSource[]): Promise<undefined> {
    for (const source of sources) {
      if (this.#signal.aborted) return;
      const prepared = await prepare(source, this.#room.conferenceSid, this.#services, this.#signal);
      if (prepared.ok) await this.#play(this.#room.mixer, prepared.value, this.#signal);
      else this.#log.warn({ errorCode: prepared.error.errorCode, url: prepared.error.url }, prepared.error.detail);
    }
  }
}
