// The user agent port: what call/ sees of SIP. stack.ts is behind it. INVITE sessions, out-of-dialog requests and registrations;
// no SDP is read here except that a body of type application/sdp is handed on as text.
//
//   IncomingInvite ─▶ InviteSession ◀─ OutgoingInvite          one session = one dialog usage = one leg's signalling
//
// A session tells its one listener what happened (SessionEvent) and is told what to do by method. Failover between DNS targets,
// digest towards the peer, forking, ACK, PRACK, CANCEL after the first provisional, glare and retransmission are dealt with inside.

import type { Domain } from '../../base/records.ts';
import type { BindingPage, BindingPageRequest } from '../../base/registrations-api.ts';
import type { Result } from '../../base/result.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import type { SipUri, Uri } from '../grammar/uri.ts';
import type { BodyPart } from './multipart.ts';

/** Transport's Flow, as far as the layers above need it. */
export interface PeerFlow {
  readonly id: string;
  readonly transport: 'udp' | 'tcp' | 'tls' | 'ws' | 'wss';
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly isReliable: boolean;
  readonly isSecure: boolean;
  readonly isAlive: boolean;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

// ---------------------------------------------------------------- who may send what (implemented by access/)

export type Admission =
  | { readonly kind: 'accept'; readonly domain: Domain; readonly username: string | undefined }
  /** Answer 401 (REGISTER) or 407 with these challenge header values, one header each. */
  | { readonly kind: 'challenge'; readonly values: readonly string[] }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly reason: string;
      /** Vendor code for X-Twilio-Error and the log, if there is one. */
      readonly errorCode: number | undefined;
      readonly headers?: readonly HeaderField[];
    }
  /** Over budget or banned: silence. */
  | { readonly kind: 'drop' };

/** Port. Synchronous: everything it needs is in memory (design.md 7). */
export interface AccessControl {
  /** Cheap first check before anything is allocated, per source address: false = silence. */
  mayTalk(source: PeerFlow): boolean;
  invite(request: Request, source: PeerFlow): Admission;
  register(request: Request, source: PeerFlow): Admission;
  /** Takes one unit of the source's budget for an answer to a stranger (OPTIONS, 4xx to what cannot be parsed): false = silence. */
  spend(source: PeerFlow): boolean;
}

// ---------------------------------------------------------------- INVITE sessions

export interface SessionDescriptionBody {
  /** SDP text. */
  readonly sdp: string;
}

export type SessionEvent =
  /** UAC: a provisional above 100. `sdp` when it carried one. */
  | {
      readonly type: 'progress';
      readonly status: number;
      readonly sdp: string | undefined;
      readonly response: Response;
    }
  /** UAC: 2xx, ACK already sent. With a late offer `sdp` is the peer's offer and `acknowledge` must be called with our answer. */
  | { readonly type: 'accepted'; readonly sdp: string | undefined; readonly response: Response }
  /** UAC: final failure after all targets. `status` is 408 for a timeout, 503 for transport errors, 487 after our CANCEL. */
  | {
      readonly type: 'rejected';
      readonly status: number;
      readonly cause: 'response' | 'timeout' | 'transport' | 'dns' | 'canceled';
      readonly response: Response | undefined;
      readonly detail: string;
    }
  /** UAS: CANCEL came; 487 is sent already. */
  | { readonly type: 'canceled'; readonly request: Request }
  /** UAS: ACK of our 2xx, with the answer in it after a late offer. */
  | { readonly type: 'acknowledged'; readonly sdp: string | undefined }
  /** UAS: no ACK within 64*T1; BYE was sent. Always followed by `ended`. */
  | { readonly type: 'notAcknowledged' }
  /** re-INVITE or UPDATE from the peer, or an offer in its PRACK. `sdp` undefined = it wants our offer. Answer with `accept` or `refuse`, exactly once. */
  | {
      readonly type: 'offer';
      readonly method: 'INVITE' | 'UPDATE' | 'PRACK';
      readonly sdp: string | undefined;
      readonly accept: (sdp: string) => void;
      readonly refuse: (status: number, reason?: string) => void;
    }
  /** The answer to an offer of ours that the listener did not ask for: ACK of a re-INVITE without offer, 2xx of a session refresh. */
  | { readonly type: 'reinviteAcknowledged'; readonly sdp: string | undefined }
  | { readonly type: 'info'; readonly contentType: string; readonly body: Buffer }
  /** Recording session: the peer wants the whole metadata (RFC 7866 9.2); answered already. */
  | { readonly type: 'metadataRequested' }
  /** REFER of the peer: answer it by `notifier`, which also tells the peer what came of it, or by `respond` alone. */
  | {
      readonly type: 'refer';
      readonly request: Request;
      readonly notifier: ReferAnswer;
      readonly respond: (status: number, reason?: string, headers?: readonly HeaderField[]) => void;
    }
  /** NOTIFY for a REFER that was sent by `request`, not by `refer` (RFC 3515); answered already. The body is message/sipfrag. */
  | { readonly type: 'notify'; readonly request: Request }
  /** The dialog is over. `request` is the peer's BYE. Last event of an established session. */
  | {
      readonly type: 'ended';
      readonly by: 'remote' | 'local' | 'timeout' | 'transport';
      readonly request: Request | undefined;
    };

export interface ResponseOptions {
  readonly reason?: string;
  readonly sdp?: string;
  readonly headers?: readonly HeaderField[];
}

export type SessionState = 'calling' | 'early' | 'established' | 'ended';

/** What came of a REFER that we sent. */
export interface ReferResult {
  /** Final answer to the REFER; undefined when the leg ended before. */
  readonly status: number | undefined;
  /** Last status in a NOTIFY. */
  readonly notified: number | undefined;
  readonly end: 'refused' | 'notified' | 'unsubscribed' | 'timeout' | 'sessionEnded' | 'withdrawn';
}

/** A REFER of ours under way. */
export interface SentRefer {
  /** Settles once, always. */
  readonly result: Promise<ReferResult>;
  /** Nobody waits for it any more. */
  withdraw(): void;
}

/** How a REFER of the peer is dealt with (RFC 3515 2.4): refused, or accepted and then told about to its end. */
export interface ReferAnswer {
  /** Neither accepted nor refused yet. */
  readonly isOpen: boolean;
  /** 202, then `NOTIFY 100 Trying`. */
  accept(): void;
  refuse(status: number, reason?: string): void;
  /** Tells of a provisional status, such as 180; resolves like `finish`. */
  progress(status: number): Promise<void>;
  /** The final NOTIFY; resolves when it was answered, or could not be sent. */
  finish(status: number): Promise<void>;
}

/** What names a dialog, as Replaces has it (RFC 3891): from our side. */
export interface DialogName {
  readonly callId: string;
  readonly localTag: string;
  /** Empty for an RFC 2543 peer. */
  readonly remoteTag: string;
  readonly state: 'early' | 'confirmed' | 'ended';
}

export interface InviteSession {
  readonly role: 'uac' | 'uas';
  readonly state: SessionState;
  readonly callId: string;
  /** Undefined before there is one. */
  readonly dialog: DialogName | undefined;
  /** The flow last used with the peer; undefined before a target was found. */
  readonly flow: PeerFlow | undefined;
  /** Exactly one listener; set it before the current turn of the event loop ends. */
  onEvent(listener: (event: SessionEvent) => void): void;

  /** UAS: sends 101-199. With 100rel required by the peer it is sent reliably (RFC 3262). */
  progress(status: number, options?: ResponseOptions): void;
  /** UAS: sends 200 and repeats it until the ACK. */
  accept(options: ResponseOptions): void;
  /** UAS: sends 300-699. */
  reject(status: number, options?: ResponseOptions): void;
  /**
   * Ends the session in whatever state: UAS before 2xx → `status` (default 480); UAC before 2xx → CANCEL; established → BYE.
   * Idempotent. `ended` (or `rejected` with 487) follows.
   */
  end(options?: {
    readonly status?: number;
    readonly reason?: string;
    readonly headers?: readonly HeaderField[];
  }): void;
  /** UAC, late offer only: the answer that goes into the ACK. */
  acknowledge(sdp: string): void;
  /**
   * re-INVITE with an offer. 491 is retried inside by RFC 3261 14.1 times. Resolves with the answer SDP, or the failing status
   * (481 and 408 also end the session). A function is asked for each attempt: after a collision the session may be another one than before.
   */
  reinvite(
    offer: string | (() => string | undefined),
  ): Promise<Result<string, { readonly status: number; readonly reason: string }>>;
  /** Sends a REFER to `target`, a SIP URI that is written into Refer-To as it is, and follows what its NOTIFYs say (RFC 3515). One at a time: an earlier one is withdrawn. */
  refer(target: string): SentRefer;
  /** Any other in-dialog request (INFO, OPTIONS, NOTIFY, UPDATE). 408 when no answer came, 503 when it could not be sent. */
  request(
    method: string,
    options?: { readonly headers?: readonly HeaderField[]; readonly contentType?: string; readonly body?: Buffer },
  ): Promise<{ readonly status: number; readonly response: Response | undefined }>;
}

export interface IncomingInvite {
  readonly request: Request;
  readonly flow: PeerFlow;
  readonly domain: Domain;
  /** Digest user, when credentials authenticated the call. */
  readonly username: string | undefined;
  /** Offer, or undefined for a late offer. */
  readonly sdp: string | undefined;
  /** 100 was sent already. State 'early'. */
  readonly session: InviteSession;
}

/** Where an outgoing INVITE goes. */
export type InviteTarget =
  /**
   * By the rules of RFC 3263 for the Request-URI, or for `nextHop` when given. `tlsVerify` false: whatever certificate it shows.
   * `publicOnly`: addresses of private networks that the name leads to are not tried.
   */
  | {
      readonly kind: 'uri';
      readonly uri: SipUri;
      readonly nextHop?: SipUri;
      readonly tlsVerify?: boolean;
      readonly publicOnly?: boolean;
    }
  /** To a registered phone: by the flow or source address of its REGISTER. */
  | { readonly kind: 'binding'; readonly binding: import('../../base/records.ts').Binding };

export interface OutgoingInviteOptions {
  /** A new one without. */
  readonly callId?: string | undefined;
  readonly target: InviteTarget;
  readonly from: { readonly displayName: string | undefined; readonly user: string; readonly host: string | undefined };
  /** To header; the Request-URI without headers by default. */
  readonly to?: SipUri;
  /**
   * Offer; undefined = late offer. A function is asked when the flow is known (the media address depends on the peer); where it
   * has no offer, the INVITE is not sent and the session is rejected with 503.
   */
  readonly sdp: string | ((flow: PeerFlow) => Promise<string | undefined>) | undefined;
  readonly headers: readonly HeaderField[];
  readonly credentials: { readonly username: string; readonly password: string } | undefined;
  /** Goes beside the session description: a location (RFC 6442). */
  readonly bodyPart?: BodyPart;
  /** RFC 7866 6.1: we are the client of a recording session, and say so in our Contact. */
  readonly isRecording?: boolean;
  readonly maxForwards: number;
  /** Somebody else can be called instead: the last address too is given up after limits.targetFailoverMs of silence. */
  readonly hasAlternatives?: boolean;
}

export interface RegistrationSummary {
  readonly bindings: number;
  readonly aors: number;
}

export interface UserAgentCounts {
  readonly dialogs: number;
  readonly sessions: number;
  readonly registrations: RegistrationSummary;
}

/** Registers us with a carrier. */
export interface RegistrationRequest {
  readonly registrar: SipUri;
  /** From and To. */
  readonly aor: SipUri;
  /** User part of our Contact: calls of the carrier come to it. */
  readonly contactUser: string;
  readonly credentials: { readonly username: string; readonly password: string };
  readonly expiresSeconds: number;
}

export type RegistrationState = 'registering' | 'registered' | 'failed';

/** Keeps itself alive until it is stopped. */
export interface ClientRegistration {
  readonly state: RegistrationState;
  /** Last SIP status; 0 before the first answer. */
  readonly status: number;
  /** Addresses that the registrar's name stands for. */
  readonly addresses: readonly string[];
  /** Unregisters. Resolves when the carrier answered, or after limits.uaStopMs. */
  stop(): Promise<void>;
}

export interface UserAgent {
  register(options: RegistrationRequest): ClientRegistration;
  /** OPTIONS: true when anything but 503 comes back within `waitMs`. */
  ping(target: SipUri, waitMs: number): Promise<boolean>;
  /** One handler: an admitted INVITE that starts a dialog. */
  onInvite(handler: (invite: IncomingInvite) => void): void;
  /** Starts an INVITE. Sending begins in the next turn, so that the listener can be set. */
  invite(options: OutgoingInviteOptions): InviteSession;
  /** Bindings of an address of record, best q first, dead flows left out. */
  bindingsOf(user: string, domainName: string): readonly import('../../base/records.ts').Binding[];
  /** Reachable bindings of a domain, at most `most`. */
  bindingsOfDomain(domainSid: string, page: BindingPageRequest): BindingPage;
  /** Loads the bindings from the store; before the transport is started. */
  start(): Promise<void>;
  /** While draining: new INVITEs get 503 with Retry-After. */
  setDraining(draining: boolean): void;
  counts(): UserAgentCounts;
  stop(): Promise<void>;
}

export type { Uri };
