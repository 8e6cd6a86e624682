// One call to one recording server: the INVITE and what follows in its dialog (RFC 7866 6.1, 7.1, 9). Which server, and what the application
// is told, is the business of session.ts.
//
//   gateway ── INVITE (Require: siprec, +sip.src, SDP + metadata) ──▶ server
//           ◀─ 200 (SDP) ─ ACK ─▶ RTP, RTP ══▶
//           ── UPDATE (metadata) ──▶      ◀─ UPDATE (metadata request), re-INVITE (hold) ──
//           ── BYE ──▶  or  ◀── BYE ──

import type { Clock, Timer } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { legHeaders } from '../call/relay-headers.ts';
import type { HeaderField } from '../sip/grammar/message.ts';
import type { SipUri } from '../sip/grammar/uri.ts';
import type { InviteSession, OutgoingInviteOptions, SessionEvent, UserAgent } from '../sip/ua/ua.ts';
import type { SiprecMedia } from './media.ts';
import type { SiprecConnector, SiprecFailure } from './options.ts';

export interface ServerCallServices {
  readonly userAgent: Pick<UserAgent, 'invite'>;
  readonly clock: Clock;
}

export interface ServerCallOptions {
  readonly connector: SiprecConnector;
  readonly server: SipUri;
  /** Another server can be tried. */
  readonly hasAlternatives: boolean;
  readonly callSid: string;
  readonly accountSid: string;
  /** The whole, as of now. */
  readonly metadata: () => string;
}

/** `closed`: by the server, in good order. */
export type ServerCallEnd =
  | { readonly how: 'closed' | 'stopped' }
  | { readonly how: 'failed'; readonly failure: SiprecFailure };

const METADATA_TYPE = 'application/rs-metadata+xml';
const DISPOSITION: HeaderField = { name: 'Content-Disposition', value: 'recording-session' };
/** To a metadata UPDATE: it will not be understood the next time either. */
const NO_UPDATES: ReadonlySet<number> = new Set([405, 415, 420, 488, 501]);

export class ServerCall {
  readonly #services: ServerCallServices;
  readonly #options: ServerCallOptions;
  readonly #media: SiprecMedia;
  readonly established: Promise<boolean>;
  readonly ended: Promise<ServerCallEnd>;
  #session: InviteSession | undefined;
  #resolveEstablished: (isUp: boolean) => void = () => {};
  #resolveEnded: (end: ServerCallEnd) => void = () => {};
  #timer: Timer | undefined;
  #earlyAnswer: string | undefined;
  #isUp = false;
  #isStopping = false;
  #failure: SiprecFailure | undefined;
  #takesUpdates = true;
  #isUpdating = false;
  #isStale = false;

  constructor(services: ServerCallServices, options: ServerCallOptions, media: SiprecMedia) {
    this.#services = services;
    this.#options = options;
    this.#media = media;
    this.established = new Promise((resolve) => {
      this.#resolveEstablished = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  start(): void {
    const { userAgent, clock } = this.#services;
    this.#session = userAgent.invite(this.#invite());
    this.#session.onEvent((event) => this.#onSession(event));
    this.#timer = clock.after(limits.siprecAnswerMs, () => this.fail(31901, 'the recording server did not answer'));
  }

  #invite(): OutgoingInviteOptions {
    const { connector, server, hasAlternatives, callSid, accountSid, metadata } = this.#options;
    return {
      target: { kind: 'uri', uri: server, tlsVerify: connector.tlsVerify },
      from: { displayName: undefined, user: 'recorder', host: undefined },
      sdp: (flow) => this.#media.offerTo(flow),
      headers: [
        { name: 'Require', value: 'siprec' },
        { name: 'Accept', value: 'application/sdp, application/rs-metadata-request' },
        ...legHeaders(callSid, accountSid),
      ],
      bodyPart: {
        headers: [{ name: 'Content-Type', value: METADATA_TYPE }, DISPOSITION],
        body: Buffer.from(metadata(), 'utf8'),
      },
      credentials: connector.credentials,
      isRecording: true,
      maxForwards: 70,
      hasAlternatives,
    };
  }

  /** Ends it from our side; `ended` follows. Idempotent. */
  stop(): void {
    this.#isStopping = true;
    this.#media.close();
    this.#session?.end();
  }

  /** Ends it because of a fault of either side. */
  fail(errorCode: number, detail: string): void {
    this.#failure ??= { errorCode, detail };
    this.#media.close();
    this.#session?.end();
  }

  /** RFC 7866 9.1: the metadata changed. Changes that come while one is told are told together. */
  async update(): Promise<void> {
    this.#isStale = true;
    if (this.#isUpdating || !this.#session) return;
    this.#isUpdating = true;
    while (this.#isStale && this.#isUp && this.#takesUpdates) {
      this.#isStale = false;
      const { status } = await this.#session.request('UPDATE', {
        headers: [DISPOSITION],
        contentType: METADATA_TYPE,
        body: Buffer.from(this.#options.metadata(), 'utf8'),
      });
      if (NO_UPDATES.has(status)) this.#takesUpdates = false;
    }
    this.#isUpdating = false;
  }

  #onSession(event: SessionEvent): void {
    switch (event.type) {
      case 'progress':
        this.#earlyAnswer = event.sdp ?? this.#earlyAnswer;
        return;
      case 'accepted':
        return this.#onAccepted(event.sdp ?? this.#earlyAnswer);
      case 'rejected':
        return this.#end(this.#failure ?? failureOf(event));
      case 'offer':
        return this.#onOffer(event);
      case 'reinviteAcknowledged':
        if (event.sdp !== undefined) this.#media.accept(event.sdp);
        return;
      case 'metadataRequested':
        return void this.update();
      case 'refer':
        return event.notifier.refuse(603);
      case 'ended': {
        const isLost = event.by === 'timeout' || event.by === 'transport';
        const lost = { errorCode: 31903, detail: 'the recording server does not answer any more' };
        return this.#end(this.#failure ?? (isLost ? lost : undefined));
      }
    }
  }

  #onAccepted(answer: string | undefined): void {
    this.#timer?.cancel();
    const accepted = answer === undefined ? undefined : this.#media.accept(answer);
    if (!accepted?.ok) {
      const why = accepted ? (accepted.error.detail ?? accepted.error.reason) : 'there is no SDP in its answer';
      return this.fail(31920, `the recording server takes no audio: ${why}`);
    }
    this.#isUp = true;
    this.#probeLater();
    this.#resolveEstablished(true);
    // What changed while it rang.
    if (this.#isStale) void this.update();
  }

  /** Held or moved by the server: it says what it wants to have. */
  #onOffer(event: Extract<SessionEvent, { type: 'offer' }>): void {
    if (event.sdp === undefined) {
      const offer = this.#media.offer();
      return offer === undefined ? event.refuse(488) : event.accept(offer);
    }
    const answered = this.#media.answer(event.sdp);
    return answered.ok ? event.accept(answered.value) : event.refuse(answered.error.status, answered.error.reason);
  }

  /** The server sends nothing by which its death would show. */
  #probeLater(): void {
    this.#timer = this.#services.clock.after(limits.siprecProbeMs, async () => {
      await this.#session?.request('OPTIONS');
      if (this.#session?.state === 'established') this.#probeLater();
    });
  }

  #end(failure: SiprecFailure | undefined): void {
    this.#timer?.cancel();
    this.#isUp = false;
    this.#media.close();
    this.#resolveEstablished(false);
    if (this.#isStopping) this.#resolveEnded({ how: 'stopped' });
    else this.#resolveEnded(failure ? { how: 'failed', failure } : { how: 'closed' });
  }
}

/** In the numbers of streams, which the vendor's dictionary has no others for. */
function failureOf({ status, cause, detail }: Extract<SessionEvent, { type: 'rejected' }>): SiprecFailure {
  if (cause === 'timeout') return { errorCode: 31901, detail: 'the recording server did not answer' };
  if (cause === 'dns' || cause === 'transport')
    return { errorCode: 31904, detail: `the recording server cannot be reached: ${detail}` };
  return { errorCode: 31920, detail: `the recording server refused the session: ${status} ${detail}` };
}
