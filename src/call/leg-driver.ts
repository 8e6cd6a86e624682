// The LegDriver port: the signalling side of a call. SIP implements it (sip-leg.ts, forked-leg.ts); browser signalling will.
// A leg tells its one listener what happened and owns its media endpoint (leg-media.ts), if it has one.

import type { EndpointId, PlayId } from '../media/engine.ts';
import type { MediaDirection } from '../sdp/plan.ts';
import type { ReferTo } from '../sip/grammar/refer.ts';
import type { SipUri } from '../sip/grammar/uri.ts';
import type { DialogName, ReferAnswer, SentRefer } from '../sip/ua/ua.ts';
import type { LegFailureCause } from './outcome.ts';

export type HeaderPair = readonly [name: string, value: string];

export type LegEvent =
  /** Outgoing: a provisional above 100. With `earlyMedia` the endpoint already receives audio of the far side. */
  | { readonly type: 'ringing'; readonly status: number; readonly earlyMedia: boolean }
  /** Outgoing: answered, media is set up. `headers`: X-… of the answer. */
  | { readonly type: 'answered'; readonly status: number; readonly headers: readonly HeaderPair[] }
  /** Outgoing: not answered. Last event of the leg. */
  | {
      readonly type: 'failed';
      readonly status: number;
      readonly cause: LegFailureCause;
      readonly detail: string;
      readonly headers: readonly HeaderPair[];
      /** Of a 3xx: its first Contact, where that is a SIP URI. */
      readonly redirect?: SipUri | undefined;
      /** Q.850 cause of a Reason header in the response. */
      readonly isdnCause?: number | undefined;
    }
  /** Incoming: the caller gave up before the answer. Last event. */
  | { readonly type: 'canceled' }
  /** The peer changed what it sends and takes, as seen from the peer: `sendonly` or `inactive` is a hold. */
  | { readonly type: 'direction'; readonly direction: MediaDirection }
  /** `inSignalling`: it came by SIP INFO, so a bridge must pass it on; otherwise the media carries it. */
  | { readonly type: 'digit'; readonly digit: string; readonly durationMs: number; readonly inSignalling?: true }
  /** The peer asks for a transfer. A listener accepts or refuses it before it returns; else the call refuses it. */
  | { readonly type: 'refer'; readonly referTo: ReferTo; readonly answer: ReferAnswer }
  | { readonly type: 'playEnded'; readonly play: PlayId; readonly outcome: 'finished' | 'stopped' | 'failed' }
  | { readonly type: 'media'; readonly change: string; readonly detail: string }
  /** Incoming: our 200 was never acknowledged; the leg is ended next. */
  | { readonly type: 'notAcknowledged' }
  /** No RTP for limits.rtpSilenceMs. */
  | { readonly type: 'mediaTimeout' }
  /** Established leg is over. Last event. `headers`: X-… of the BYE. */
  | {
      readonly type: 'ended';
      readonly by: 'remote' | 'local' | 'timeout' | 'transport';
      readonly headers: readonly HeaderPair[];
    };

export interface AnswerOutcome {
  readonly ok: boolean;
  readonly detail: string;
}

export interface LegDriver {
  /** Call-ID of the dialog; for a leg that still rings several phones, of the first. */
  readonly signallingId: string | undefined;
  /** Address of the peer's signalling. */
  readonly remoteAddress: string | undefined;
  readonly endpoint: EndpointId | undefined;
  /** What a bridge that the leg was dialled into takes in place of `endpoint`. */
  readonly bridgeEndpoint?: EndpointId | undefined;
  /** The call's own document answers it, though we made it. */
  readonly isAnsweredHere?: boolean;
  /** What the peer last offered or answered, as seen from the peer. */
  readonly remoteDirection: MediaDirection;
  onEvent(listener: (event: LegEvent) => void): void;
  /** Outgoing: begins to call. */
  start(): void;
  /** Incoming: 180. */
  ring(): void;
  /** Incoming: 183 with our media, so that the caller hears the far side before the answer. False when that is not possible. */
  earlyMedia(): boolean;
  /** Incoming: 200 with our media. Resolves when media may flow (at the ACK for a late offer). */
  answer(): Promise<AnswerOutcome>;
  /** Incoming, unanswered: a final refusal. */
  refuse(status: number, reason?: string, headers?: readonly HeaderPair[]): void;
  /** Ends the leg whatever its state. Idempotent. `elsewhere`: another phone answered, which a ringing one may be told. */
  hangUp(why?: 'elsewhere'): void;
  /** Offers the peer a new direction (hold relayed). False when it refused. */
  offerDirection(direction: MediaDirection): Promise<boolean>;
  /** The most that an answer to the peer's next offer may say: what the other side of the bridge takes. */
  limitDirection(most: MediaDirection): void;
  /** It was joined with another leg. */
  bridged?(): void;
  /** The dialogs of the leg, for Replaces; ended ones are still named. */
  readonly dialogs?: readonly DialogName[];
  /** Asks the peer to call `target`, a SIP URI. Undefined where the leg is not answered; absent where the signalling has no REFER. */
  refer?(target: string): SentRefer | undefined;
  /** In-dialog OPTIONS: true while the peer still knows the dialog. */
  probe(): Promise<boolean>;
}
