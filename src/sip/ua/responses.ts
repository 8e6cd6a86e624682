// Answers to requests with the headers that this gateway puts into all of them. One place, so that Server, tags and Contact are
// never forgotten.

import { newTag } from '../../base/ids.ts';
import { createResponse } from '../grammar/build.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import type { UaContext } from './context.ts';

export interface AnswerParts {
  readonly reason?: string | undefined;
  readonly headers?: readonly HeaderField[];
  readonly toTag?: string;
  readonly body?: Buffer | undefined;
  readonly recordRoute?: boolean;
}

type AnswerContext = Pick<UaContext, 'settings' | 'random'>;

/** A response with our Server header and a To tag. */
export function makeAnswer(
  context: AnswerContext,
  request: Request,
  status: number,
  parts: AnswerParts = {},
): Response {
  const server = { name: 'Server', value: context.settings.serverHeader };
  return createResponse(request, status, {
    toTag: parts.toTag ?? newTag(context.random),
    headers: parts.headers ? [...parts.headers, server] : [server],
    reason: parts.reason,
    body: parts.body,
    recordRoute: parts.recordRoute,
  });
}

/** Answers a server transaction. False when a final response went out before. */
export function answer(
  context: AnswerContext,
  transaction: ServerTransaction<Flow>,
  status: number,
  parts: AnswerParts = {},
): boolean {
  return transaction.respond(makeAnswer(context, transaction.request, status, parts));
}

/** Refuses or challenges a stranger: over UDP once, without state (RFC 3261 8.2.7), so that a forged source gets no repetitions. */
export function answerStranger(
  context: AnswerContext,
  transaction: ServerTransaction<Flow>,
  status: number,
  parts: AnswerParts = {},
): void {
  const response = makeAnswer(context, transaction.request, status, parts);
  if (transaction.flow.isReliable) transaction.respond(response);
  else transaction.respondOnce(response);
}

export const retryAfter = (seconds: number): HeaderField => ({ name: 'Retry-After', value: String(seconds) });
