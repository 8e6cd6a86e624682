// Runs a document on a call that waits in a queue or conference (twiml.md 7.1, 7.2): a second voice session on the same call, beside the
// one whose verb waits. It may do less (its own set of verbs), hangs up only by Hangup, and at its end begins again or falls silent.
//
//   session of the call ── Enqueue, Conference ── waits ──────────────────────▶ goes on
//                              └─ wait document ─▶ verbs ─▶ end ─┐   Leave, failure, signal, end of call
//                                       ▲────── again, paced ◀───┘

import { type Clock, sleep } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { aborted, linkedController } from '../base/signal.ts';
import type { Call } from '../call/call.ts';
import type { WaitDocument, WaitEnd } from '../call/wait-document.ts';
import type { MediaEngine } from '../media/engine.ts';
import type { SessionEnd, SessionOptions } from './interpreter.ts';

export type WaitSession = Pick<SessionOptions, 'start' | 'fallback' | 'signal' | 'endMeans' | 'restriction'>;

export interface WaitServices {
  readonly engine: Pick<MediaEngine, 'setComfort'>;
  readonly clock: Clock;
  /** Runs a voice session on the call. */
  readonly interpret: (call: Call, session: WaitSession) => Promise<SessionEnd>;
}

/** Never rejects. What `signal` interrupts has stopped playing when this resolves. */
export async function runWaitDocument(
  call: Call,
  document: WaitDocument,
  services: WaitServices,
  signal: AbortSignal,
): Promise<WaitEnd> {
  const outer = linkedController(signal);
  const onEnd = () => outer.controller.abort();
  call.signal.addEventListener('abort', onEnd, { once: true });
  if (call.isOver) onEnd();
  try {
    const end = await run(call, document, services, outer.controller.signal);
    if (call.isOver) return { how: 'hungUp' };
    return signal.aborted && end.how !== 'left' ? { how: 'aborted' } : end;
  } finally {
    call.signal.removeEventListener('abort', onEnd);
    outer.dispose();
  }
}

async function run(call: Call, document: WaitDocument, services: WaitServices, signal: AbortSignal): Promise<WaitEnd> {
  const { url } = document;
  if (url === undefined) return playTune(call, services, signal);
  if (url === '') return staySilent(signal);
  let paceMs: number = limits.waitDocumentPaceMs;
  while (!signal.aborted) {
    const { clock } = services;
    const startedAt = clock.now();
    const end = await services.interpret(call, sessionOf(document, url, signal));
    if (end.how === 'left') return end;
    if (end.how === 'failed') return { how: 'failed', code: end.notice.code };
    if (signal.aborted) break;
    // `stopped` here: something else was played to the call meanwhile.
    if (document.atEnd === 'return') return { how: 'ended' };
    if (document.atEnd === 'silence') return staySilent(signal);
    // A document without anything that takes time must not become a storm of requests: such rounds come more and more slowly.
    const tookMs = clock.now() - startedAt;
    if (tookMs >= limits.waitDocumentPaceMs) paceMs = limits.waitDocumentPaceMs;
    else {
      await sleep(clock, paceMs - tookMs, signal);
      paceMs = Math.min(paceMs * 2, limits.waitDocumentPaceMaxMs);
    }
  }
  return { how: 'aborted' };
}

function sessionOf(document: WaitDocument, url: string, signal: AbortSignal): WaitSession {
  const { method, params, verbs, wrongVerbCode, atEnd } = document;
  return {
    start: { kind: 'url', url, method },
    fallback: undefined,
    signal,
    endMeans: 'return',
    restriction: { verbs, wrongVerbCode, params, audio: atEnd === 'return' ? 'once' : 'loop' },
  };
}

async function playTune(call: Call, { engine }: WaitServices, signal: AbortSignal): Promise<WaitEnd> {
  const { endpoint } = call.leg;
  if (endpoint !== undefined && !signal.aborted) engine.setComfort(endpoint, 'music');
  await aborted(signal);
  if (endpoint !== undefined && !call.isOver) engine.setComfort(endpoint, 'silence');
  return { how: 'aborted' };
}

async function staySilent(signal: AbortSignal): Promise<WaitEnd> {
  await aborted(signal);
  return { how: 'aborted' };
}
