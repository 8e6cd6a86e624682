// What streams are built on: the ports that the composition root fills in.

import type { Clock } from '../base/clock.ts';
import type { RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { HttpMethod } from '../base/records.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { OpenSocket } from './socket.ts';

export type StreamEngine = Pick<
  MediaEngine,
  | 'tap'
  | 'closeTap'
  | 'openStream'
  | 'feedStream'
  | 'markStream'
  | 'clearStream'
  | 'watchSpeech'
  | 'stopPlay'
  | 'insertDigits'
  | 'onEvent'
>;

export interface StatusCallbackRequest {
  readonly url: string;
  readonly method: HttpMethod;
  readonly params: ReadonlyMap<string, string>;
  readonly accountSid: string;
  readonly callSid: string;
}

export interface StreamServices {
  readonly engine: StreamEngine;
  readonly open: OpenSocket;
  /** X-Twilio-Signature of a handshake (twiml.md 2.6): of the URL alone. */
  readonly sign: (accountSid: string, url: string) => string;
  readonly callBack: (request: StatusCallbackRequest) => void;
  /** Audio frames that a slow server did not take. */
  readonly onDropped: (frames: number) => void;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}
