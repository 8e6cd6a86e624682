// What the router is asked for and what it finds, as data: shared by routing.ts and number-route.ts.

import type { CallDirection, Domain } from '../base/records.ts';
import type { EndpointId } from '../media/engine.ts';
import type { HeaderField } from '../sip/grammar/message.ts';
import type { SipUri } from '../sip/grammar/uri.ts';
import type { InviteTarget, OutgoingInviteOptions } from '../sip/ua/ua.ts';
import type { Call, CallOptions, StatusCallback } from './call.ts';
import type { ClientParameters } from './client-parameters.ts';
import type { LegDriver } from './leg-driver.ts';

/** What a target is, before a call is made of it. */
export type RouteTarget =
  | {
      readonly kind: 'sip';
      readonly uri: string;
      readonly username: string | undefined;
      readonly password: string | undefined;
    }
  | { readonly kind: 'client'; readonly identity: string; readonly parameters?: ClientParameters }
  /** `byoc`: sid or declared name of the trunk to use. */
  | { readonly kind: 'number'; readonly number: string; readonly byoc?: string | undefined };

export interface RouteContext {
  readonly accountSid: string;
  readonly direction: CallDirection;
  readonly parentCallSid: string | null;
  /** Domain of the caller, if it came in by one. */
  readonly domain: Domain | undefined;
  /** Asked for over REST, or by the document of such a call: the domain gives settings, and is not where a caller came in. */
  readonly isOperators?: boolean;
  /** Endpoint to be near to (same media worker). */
  readonly near: EndpointId | undefined;
  /** User part of the From header, and what `From` shows. */
  readonly callerId: string;
  readonly callerName: string | undefined;
  readonly maxForwards: number;
  readonly statusCallback: StatusCallback | undefined;
  /** Of calls made over REST. */
  readonly rest?: Pick<CallOptions, 'applicationSid' | 'phoneNumberSid' | 'queueTimeMs'>;
}

/** A way to reach a target: where, and how media is protected. */
export interface Path {
  readonly target: InviteTarget;
  readonly profile: 'avp' | 'savp';
  /** Try plain RTP when SRTP is refused. */
  readonly mayFallBack: boolean;
  readonly nat: boolean;
  /** Another path waits: give up on silence, and on every refusal that does not concern the callee. */
  readonly hasAlternatives?: boolean;
}

export interface Route {
  /** What `To` shows. */
  readonly to: string;
  /** What `From` shows. */
  readonly callerId: string;
  /** To header; undefined = the Request-URI. */
  readonly toUri: SipUri | undefined;
  readonly from: OutgoingInviteOptions['from'];
  readonly headers: readonly HeaderField[];
  /** Beside the session description: the location of an emergency call. */
  readonly bodyPart?: OutgoingInviteOptions['bodyPart'];
  readonly credentials: OutgoingInviteOptions['credentials'];
  /** The leg of the call; `legOf` makes one leg of one path. */
  readonly leg: (call: Call, legOf: (path: Path, route?: Partial<Route>) => LegDriver) => LegDriver;
  /** Told of the call that takes the route (trunk capacity). */
  readonly onCall: (call: Call) => void;
}
