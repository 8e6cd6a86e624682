// One recording session of one call: tries the servers of its connector until one takes it, and tells the application what comes of it
// (twiml.md 10.2). It owns the call to the server and its media, and lets go of both in every case.
//
//   server 1 ── 503, silence ──▶ server 2 ── 200 ──▶ siprec-started … siprec-stopped          none: siprec-error

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { HttpMethod } from '../base/records.ts';
import type { AudioTrack } from '../media/engine-audio.ts';
import { labelOf, SiprecMedia, type SiprecMediaServices } from './media.ts';
import { type MetadataParticipant, metadataXml } from './metadata.ts';
import type { SiprecConnector, SiprecFailure, SiprecOptions, SiprecTrack } from './options.ts';
import type { Party, RecordedCall } from './recorded-call.ts';
import { ServerCall, type ServerCallServices } from './server-call.ts';

export interface SiprecServices extends ServerCallServices, SiprecMediaServices {
  readonly callBack: (request: {
    readonly url: string;
    readonly method: HttpMethod;
    readonly params: ReadonlyMap<string, string>;
    readonly accountSid: string;
    readonly callSid: string;
  }) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

const TRACKS: Readonly<Record<SiprecTrack, readonly AudioTrack[]>> = {
  inbound_track: ['inbound'],
  outbound_track: ['outbound'],
  both_tracks: ['inbound', 'outbound'],
};

export const tracksOf = (track: SiprecTrack): readonly AudioTrack[] => TRACKS[track];

export class SiprecSession {
  readonly sid: string;
  readonly options: SiprecOptions;
  readonly #call: RecordedCall;
  readonly #connector: SiprecConnector;
  readonly #services: SiprecServices;
  readonly #ids: { readonly session: string; readonly streams: ReadonlyMap<AudioTrack, string> };
  /** By AOR: somebody who comes back is the same participant. */
  readonly #participants = new Map<string, MetadataParticipant>();
  /** Whom the call is joined with now. */
  #peer: Party | undefined;
  #server: ServerCall | undefined;
  #isStopped = false;

  constructor(
    sid: string,
    options: SiprecOptions,
    connector: SiprecConnector,
    call: RecordedCall,
    peer: Party | undefined,
    services: SiprecServices,
  ) {
    this.sid = sid;
    this.options = options;
    this.#connector = connector;
    this.#call = call;
    this.#peer = peer;
    this.#services = services;
    const streams = tracksOf(options.track).map((track) => [track, this.#newId()] as const);
    this.#ids = { session: this.#newId(), streams: new Map(streams) };
  }

  /** Records. Resolves when all is over: stopped, ended by the server, failed, or the end of the call. Never rejects. */
  async run(): Promise<SiprecFailure | undefined> {
    const onAbort = () => this.stop();
    this.#call.signal.addEventListener('abort', onAbort, { once: true });
    const unsubscribe = this.#call.onDirection(() => void this.#server?.update());
    if (this.#call.signal.aborted) this.stop();
    try {
      return await this.#run();
    } finally {
      unsubscribe();
      this.#call.signal.removeEventListener('abort', onAbort);
    }
  }

  /** Ends it from our side. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.#server?.stop();
  }

  /** The call is joined with somebody else, or with nobody any more. */
  joined(peer: Party | undefined): void {
    this.#peer = peer;
    void this.#server?.update();
  }

  async #run(): Promise<SiprecFailure | undefined> {
    let failure: SiprecFailure = { errorCode: 31940, detail: 'the connector names no server' };
    for (const [index] of this.#connector.servers.entries()) {
      if (this.#isStopped) return undefined;
      const endpoint = this.#call.endpoint();
      if (endpoint === undefined) return undefined;
      const server = this.#newServer(index, endpoint);
      this.#server = server;
      server.start();
      const isUp = await server.established;
      if (isUp) this.#report('siprec-started');
      const end = await server.ended;
      this.#server = undefined;
      if (end.how !== 'failed' || this.#isStopped) {
        if (isUp) this.#report('siprec-stopped');
        return undefined;
      }
      failure = end.failure;
      this.#services.log.warn(
        { callSid: this.#call.callSid, siprecSid: this.sid, connector: this.#connector.name, ...failure },
        'a recording server failed',
      );
      // What is lost in the middle is not begun again elsewhere: that would be another recording.
      if (isUp) break;
    }
    this.#call.notify('error', failure.errorCode, `Siprec: ${failure.detail}`);
    this.#report('siprec-error', failure);
    return failure;
  }

  #newServer(index: number, endpoint: string): ServerCall {
    const { servers, secureMedia } = this.#connector;
    const { callSid, accountSid } = this.#call;
    const media = new SiprecMedia(
      this.#services,
      { callSid, endpoint, tracks: tracksOf(this.options.track) },
      secureMedia ? 'savp' : 'avp',
      () => this.#server?.fail(31903, 'the media worker of the session failed'),
    );
    return new ServerCall(
      this.#services,
      {
        connector: this.#connector,
        server: servers[index]!,
        hasAlternatives: index < servers.length - 1,
        callSid,
        accountSid,
        metadata: () => this.#metadata(),
      },
      media,
    );
  }

  // --- metadata

  #newId(): string {
    const bytes = Buffer.from(this.#services.random(16));
    // RFC 9562 5.4: version 4.
    bytes[6] = (bytes[6]! & 0x0f) | 0x40;
    bytes[8] = (bytes[8]! & 0x3f) | 0x80;
    return bytes.toString('base64');
  }

  #metadata(): string {
    const { callSid, accountSid, startedAt, parties } = this.#call;
    const remote = this.#participant(parties.remote);
    const local = this.#participant(this.#peer ?? parties.local);
    const direction = this.#call.direction();
    const isActive: Readonly<Record<AudioTrack, boolean>> = {
      inbound: direction === 'sendrecv' || direction === 'sendonly',
      outbound: direction === 'sendrecv' || direction === 'recvonly',
    };
    const senders = { inbound: remote.id, outbound: local.id };
    return metadataXml({
      sessionId: this.#ids.session,
      callSid,
      accountSid,
      startedAt,
      participants: remote === local ? [remote] : [remote, local],
      streams: [...this.#ids.streams].map(([track, id]) => ({
        id,
        label: labelOf[track],
        senderId: senders[track],
        isActive: isActive[track],
      })),
      parameters: this.options.parameters,
    });
  }

  #participant(party: Party): MetadataParticipant {
    const known = this.#participants.get(party.aor);
    if (known) return known;
    const participant = { ...party, id: this.#newId(), since: this.#services.clock.wall() };
    this.#participants.set(party.aor, participant);
    return participant;
  }

  // --- what the application is told

  #report(event: 'siprec-started' | 'siprec-stopped' | 'siprec-error', failure?: SiprecFailure): void {
    const { statusCallback, name } = this.options;
    if (!statusCallback) return;
    const { callSid, accountSid } = this.#call;
    const params = new Map([
      ['AccountSid', accountSid],
      ['CallSid', callSid],
      ['SiprecSid', this.sid],
      ['SiprecName', name ?? this.sid],
      ['SiprecEvent', event],
      ...(failure
        ? ([
            ['SiprecError', failure.detail],
            ['SiprecErrorCode', String(failure.errorCode)],
          ] as const)
        : []),
      ['Timestamp', new Date(this.#services.clock.wall()).toISOString()],
    ]);
    this.#services.callBack({ ...statusCallback, params, accountSid, callSid });
  }
}
