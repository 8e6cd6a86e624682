// The webhook port: HTTP requests to the application. client.ts implements it with undici; twiml/ and status callbacks use it.

import type { CallEvent } from '../base/events.ts';
import type { HttpMethod } from '../base/records.ts';
import { remembered } from '../base/remembered.ts';
import type { Result } from '../base/result.ts';

/** Form fields in the order they are sent. */
export type WebhookParams = ReadonlyMap<string, string>;

export interface WebhookRequest {
  /** Absolute; the fragment holds connection overrides (`#ct=…&rt=…`, twiml.md 2.3). */
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: WebhookParams;
  /** Signs the request (X-Twilio-Signature). */
  readonly authToken: string;
  readonly accountSid: string;
  /** Cookie jar: one per call. */
  readonly callSid: string;
  readonly purpose: 'document' | 'fallback' | 'action' | 'statusCallback';
  /** Of a request that was tried before: the same token again (twiml.md 2.1). A new one without. */
  readonly idempotencyToken?: string | undefined;
}

export interface WebhookResponse {
  readonly status: number;
  /** Lower case, without parameters; empty when the header was missing. */
  readonly contentType: string;
  readonly body: Buffer;
  /** URL after redirects: base of relative URLs in the document. */
  readonly finalUrl: string;
  readonly durationMs: number;
}

export interface WebhookFailure {
  /** 11200, 11201, 11202, 11203, 11205, 11206, 11210, 11215, 11216, 11217, 11220, 11235 … 11750 (twiml.md 2.4). */
  readonly errorCode: number;
  readonly detail: string;
  readonly url: string;
  /** HTTP status, when one came. */
  readonly status: number | undefined;
}

export interface MediaFile {
  readonly contentType: string;
  readonly body: Buffer;
}

type WithoutTime<T> = T extends unknown ? Omit<T, 'atMs' | 'wall'> : never;
type Purpose = Extract<CallEvent, { type: 'webhookRequest' }>['purpose'];

/** One exchange with a server, for the trace of the call: a CallEvent without its times, and on both what it was for. */
export type WebhookEvent = WithoutTime<Extract<CallEvent, { type: 'webhookRequest' | 'webhookResponse' }>> & {
  readonly purpose: Purpose;
};

/** One request to an application and its answer, for the records of the call. */
export interface WebhookReport {
  readonly accountSid: string;
  readonly callSid: string;
  readonly purpose: Purpose;
  readonly method: HttpMethod;
  /** Without credentials, fragment and parameters of ours. */
  readonly url: string;
  readonly params: WebhookParams;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  readonly durationMs: number;
  /** Empty without an answer. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly errorCode: number | null;
}

export interface WebhookClient {
  /** 2xx only; everything else is a failure. The body of an audio answer is left out: `fetchMedia` gives it. Never throws. */
  request(request: WebhookRequest, signal?: AbortSignal): Promise<Result<WebhookResponse, WebhookFailure>>;
  /**
   * Audio for Play: GET without standard parameters, cached by HTTP rules (twiml.md 5.2); once what the call's last request of this URL
   * was answered with.
   */
  fetchMedia(url: string, callSid: string, signal?: AbortSignal): Promise<Result<MediaFile, WebhookFailure>>;
  /** Drops the cookies of a call, and audio that it did not play. */
  forget(callSid: string): void;
  /** True when the queue of the origin of `url` is full: a new INVITE for it gets 503 before any 180 (design.md 5.4). */
  isOverloaded(url: string): boolean;
  counts(): { readonly inFlight: number; readonly queued: number; readonly cookieJars: number };
  stop(): Promise<void>;
}

/** A URL as it may be logged, stored or shown: no user name, no password, no fragment. Never throws. */
export const withoutSecrets = remembered(256, shown);

function shown(url: string): string {
  try {
    const parsed = new URL(url);
    parsed.username = '';
    parsed.password = '';
    parsed.hash = '';
    return parsed.href;
  } catch {
    // Relative or broken: cut what could be user information.
    return url.replace(/#.*$/s, '').replace(/\/\/[^/?]*@/, '//');
  }
}
