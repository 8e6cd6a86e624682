// What the parts of a virtual call share: its time, its feed, the caller's input, and whom the script decides about.

import type { SidPrefix } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { HttpMethod } from '../base/records.ts';
import type { CallControl } from '../twiml/call-control.ts';
import type { SessionEvent } from '../twiml/interpreter.ts';
import type { MediaSourceServices } from '../twiml/media-sources.ts';
import type { StatusCallbackFacts } from '../webhook/status-callbacks.ts';
import type { WebhookClient } from '../webhook/webhook.ts';
import type { Engagements } from './engagement.ts';
import type { Seen } from './feed.ts';
import type { VirtualClock } from './virtual-clock.ts';
import type { VirtualInput } from './virtual-input.ts';
import type { VirtualSound } from './virtual-sound.ts';

export interface VirtualCallOptions {
  readonly clock: VirtualClock;
  readonly webhook: WebhookClient;
  readonly decode: MediaSourceServices['decode'];
  readonly start: { readonly url: string; readonly method: HttpMethod };
  readonly fallback: { readonly url: string; readonly method: HttpMethod } | undefined;
  /** Called when the call is over. */
  readonly statusCallback: string | undefined;
  readonly callSid: string;
  readonly accountSid: string;
  readonly authToken: string;
  /** What requests say beside CallSid, AccountSid and CallStatus: From, To and the like. */
  readonly params: ReadonlyMap<string, string>;
  readonly newSid: (prefix: SidPrefix) => string;
  readonly log: Log;
  /** Milliseconds that a text was heard for in a recorded call; undefined: it was not. */
  readonly heardMs?: ((text: string) => number | undefined) | undefined;
}

export interface VirtualCallback {
  readonly url: string;
  readonly method: HttpMethod;
  readonly callSid: string;
  readonly facts: Omit<StatusCallbackFacts, 'wallMs'>;
}

export interface LegIdentity {
  readonly callSid: string;
  /** Beside CallSid, AccountSid and CallStatus. */
  readonly params: ReadonlyMap<string, string>;
  /** A called party whose screening document runs. */
  readonly isScreening: boolean;
}

export interface VirtualWorld {
  readonly options: VirtualCallOptions;
  readonly input: VirtualInput;
  readonly audio: VirtualSound;
  readonly engagements: Engagements;
  see(seen: Seen): void;
  onSessionEvent(event: SessionEvent): void;
  /** In the order of the calls; the verbs do not wait. */
  callBack(callback: VirtualCallback): void;
  newLeg(identity: LegIdentity): CallControl;
}

/** What the parties of a call know of the caller's leg. */
export type CallerLeg = CallControl;

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** What is spoken of SSML, as far as a test cares: the text between the tags. */
export function plainText(text: string, isMarkup: boolean): string {
  if (!isMarkup) return text.trim();
  return text
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(amp|lt|gt|quot|apos);/g, (_, name: string) => ENTITIES[name]!)
    .replace(/\s+/g, ' ')
    .trim();
}
