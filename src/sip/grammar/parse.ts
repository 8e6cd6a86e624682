// CONTRACT (the grammar helper replaces this file): bytes → message.
import type { Result } from '../../base/result.ts';
import type { Message, Request } from './message.ts';

export interface ParseFailure {
  /** Short English: what is wrong and where. */
  readonly detail: string;
  /** Offset in bytes where the problem was noticed. */
  readonly offset: number;
  /** SIP status to answer a request with: 400, 414, 416, 505, 513 … */
  readonly status: number;
  /** Reason phrase of that answer. */
  readonly reason: string;
  /** What was understood of a broken request, when Via, From, To, Call-ID and CSeq could be read: enough to answer statelessly. */
  readonly request: Request | undefined;
  readonly isResponse: boolean;
}

/** Parses one whole message (a datagram, or what the stream framer cut out). Never throws. */
export declare function parseMessage(bytes: Buffer): Result<Message, ParseFailure>;
