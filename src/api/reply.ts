// What every answer of the HTTP server has: headers, bodies of results, faults and media.

import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { newSid, type RandomSource } from '../base/ids.ts';
import { limits } from '../base/limits.ts';
import type { Log } from '../base/log.ts';
import { type ApiFault, fault, faultBody } from './errors.ts';
import { type Answer, isFault, type MediaAnswer } from './request.ts';

/** The path without the query, as it was sent. */
export const pathOf = (request: FastifyRequest): string => {
  const mark = request.url.indexOf('?');
  return mark < 0 ? request.url : request.url.slice(0, mark);
};

/** Sends what a handler gave. */
export function write(reply: FastifyReply, answer: Answer): FastifyReply {
  if (isFault(answer))
    return reply.code(answer.status).header('x-twilio-error-code', String(answer.code)).send(faultBody(answer));
  if ('media' in answer) return sendMedia(reply, answer);
  if ('file' in answer)
    return reply
      .code(200)
      .header('content-type', answer.contentType)
      .header('content-disposition', `attachment; filename="${answer.name}"`)
      .send(answer.file);
  return answer.status === 204 ? reply.code(204).send() : reply.code(answer.status).send(answer.body);
}

/** Read piece by piece while it is sent; closed when it was, or when the client went away. */
function sendMedia(reply: FastifyReply, { status, media, start, end }: MediaAnswer): FastifyReply {
  reply
    .code(status)
    .header('content-type', media.contentType)
    .header('accept-ranges', 'bytes')
    .header('content-length', String(end - start));
  if (status === 206) reply.header('content-range', `bytes ${start}-${end - 1}/${media.sizeBytes}`);
  if (reply.request.method === 'HEAD') {
    void media.close();
    return reply.send('');
  }
  const stream = Readable.from(media.read(start, end), { objectMode: false });
  stream.once('close', () => void media.close());
  return reply.send(stream);
}

/** What fastify refuses before a handler runs, and anything else that was not foreseen. */
export function requestFault(error: unknown, log: Log): ApiFault {
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return fault(20413, `The body is larger than ${limits.restBodyBytes} bytes`);
  if (status === 415) return fault(20415, 'Send parameters as application/x-www-form-urlencoded');
  if (typeof status === 'number' && status >= 400 && status < 500) return { ...fault(20001, 'Bad request'), status };
  log.error({ reason: textOf(error) }, 'request failed');
  return fault(20500, 'Internal error');
}

const started = new WeakMap<FastifyRequest, number>();

// rest-api.md 6, response headers.
export function openReply(request: FastifyRequest, reply: FastifyReply, clock: Clock, random: RandomSource): void {
  started.set(request, clock.now());
  reply.header('twilio-request-id', newSid('RQ', random));
  reply.header('x-content-type-options', 'nosniff');
  reply.header('cache-control', 'no-store');
}

export function closeReply(request: FastifyRequest, reply: FastifyReply, clock: Clock): void {
  const seconds = (clock.now() - (started.get(request) ?? clock.now())) / 1_000;
  reply.header('twilio-request-duration', seconds.toFixed(3));
  if (!reply.hasHeader('twilio-concurrent-requests')) reply.header('twilio-concurrent-requests', '1');
}

export function setCorsHeaders(reply: FastifyReply): void {
  reply.headers({
    'access-control-allow-origin': '*',
    'access-control-allow-headers':
      'Accept, Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Idempotency-Key',
    'access-control-allow-methods': 'GET, POST, DELETE, OPTIONS',
    'access-control-expose-headers': 'ETag',
    'access-control-allow-credentials': 'true',
  });
}

/** What is written of a fault. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
