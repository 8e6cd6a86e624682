// Reliable provisional responses, the side that sends them (RFC 3262 3): only to a peer that has 100rel in Require. One is out at a
// time; the next one, and a 2xx, wait for its PRACK.
//
//   INVITE (Require: 100rel) ─▶
//   183 RSeq 4711 ◀─ 0 ─ 0.5 ─ 1.5 ─ 3.5 … 32 s ─▶ given up: 504
//   PRACK RAck 4711 1 INVITE ─▶ 200 ◀─     then 180 RSeq 4712 …

import type { Clock, Timer } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import { T1 } from '../transaction/timers.ts';

export interface ReliableProvisionals {
  /** Sends a 101-199 as soon as no other one waits for its PRACK. `build` is given the Require and RSeq fields. */
  send(build: (fields: readonly HeaderField[]) => Response): void;
  /** Runs `then` when nothing waits for a PRACK: now, or later. */
  whenIdle(then: () => void): void;
  /** True when the PRACK matches the response that is out: answer 200, else 481. */
  acknowledged(prack: Request): boolean;
  stop(): void;
}

export function createReliableProvisionals(parts: {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly invite: Request;
  readonly respond: (response: Response) => void;
  /** No PRACK within 64*T1. */
  readonly onMissing: () => void;
}): ReliableProvisionals {
  const { clock, invite } = parts;
  const queue: ((fields: readonly HeaderField[]) => Response)[] = [];
  // RFC 3262 3: the first number is random, from 1 to 2^31 - 1; room is left to count up.
  let sequence = 1 + (parts.random(4).readUInt32BE(0) % 2 ** 30);
  let isOut = false;
  let isStopped = false;
  let timer: Timer | undefined;
  let deadline: Timer | undefined;
  let idle: (() => void) | undefined;

  const stop = () => {
    isStopped = true;
    timer?.cancel();
    deadline?.cancel();
    queue.length = 0;
    idle = undefined;
  };

  const next = () => {
    const build = queue.shift();
    if (!build) {
      const then = idle;
      idle = undefined;
      return then?.();
    }
    isOut = true;
    const response = build([
      { name: 'Require', value: '100rel' },
      { name: 'RSeq', value: String(sequence) },
    ]);
    // RFC 3262 3: T1, doubled without the T2 cap.
    let interval = T1;
    const repeat = () => {
      parts.respond(response);
      timer = clock.after(interval, repeat);
      interval *= 2;
    };
    deadline = clock.after(limits.ackWaitMs, () => {
      stop();
      parts.onMissing();
    });
    repeat();
  };

  return {
    send(build) {
      if (isStopped || queue.length >= limits.queuedProvisionals) return;
      queue.push(build);
      if (!isOut) next();
    },
    whenIdle(then) {
      if (isStopped) return;
      if (!isOut && queue.length === 0) return then();
      idle = then;
    },
    acknowledged(prack) {
      const [rseq, cseq, method] = (prack.headers.get('rack') ?? '').trim().split(/\s+/);
      if (!isOut || Number(rseq) !== sequence || Number(cseq) !== invite.cseq.sequence || method !== 'INVITE')
        return false;
      isOut = false;
      sequence++;
      timer?.cancel();
      deadline?.cancel();
      // The answer to this PRACK goes out first.
      queueMicrotask(() => !isStopped && !isOut && next());
      return true;
    },
    stop,
  };
}
