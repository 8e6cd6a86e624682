// Retransmission over UDP (RFC 3261 17.1): waits double from T1 to T2. Each length of wait is a queue of its own, so that the next one
// due is always at the head and nothing is sorted.

const T1_MS = 500;
const T2_MS = 4_000;
/** 64 · T1 */
export const GIVE_UP_MS = 32_000;

const LAST_WAIT = 0;

export interface Repeated {
  /** Sends once more; false = no longer wanted. */
  repeat(): boolean;
  giveUp(): void;
  /** Longest wait; infinite for INVITE. */
  readonly longestMs?: number;
}

interface Entry {
  readonly what: Repeated;
  readonly began: number;
  readonly due: number;
  readonly waitMs: number;
}

export class Repeats {
  readonly #queues = new Map<number, Entry[]>();
  sent = 0;

  /** To be sent again from T1 on, until `repeat` says no. */
  add(what: Repeated, now: number): void {
    this.#put({ what, began: now, due: now + T1_MS, waitMs: T1_MS });
  }

  #put(entry: Entry): void {
    const queue = this.#queues.get(entry.waitMs);
    if (queue) queue.push(entry);
    else this.#queues.set(entry.waitMs, [entry]);
  }

  /** Sends what is due. */
  tick(now: number): void {
    for (const queue of [...this.#queues.values()]) {
      let taken = 0;
      while (taken < queue.length && queue[taken]!.due <= now) this.#turn(queue[taken++]!, now);
      if (taken > 0) queue.splice(0, taken);
    }
  }

  #turn(entry: Entry, now: number): void {
    if (now - entry.began >= GIVE_UP_MS) {
      entry.what.giveUp();
      return;
    }
    if (!entry.what.repeat()) return;
    this.sent++;
    const waitMs = Math.min(entry.waitMs * 2, entry.what.longestMs ?? T2_MS * 8);
    const endAt = entry.began + GIVE_UP_MS;
    // Timers B and F: the last wait ends with the transaction. Such waits are a queue of their own.
    if (now + waitMs < endAt) this.#put({ ...entry, due: now + waitMs, waitMs });
    else this.#put({ ...entry, due: endAt, waitMs: LAST_WAIT });
  }
}

export const LONGEST_NON_INVITE_MS = T2_MS;
