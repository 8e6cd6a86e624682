// Timers of RFC 3261 17 (table 4 in its appendix A), RFC 6026 (L, M) and two of our own, by reliability of the flow.
// A reliable flow is another column of numbers, not other code: undefined = the timer is not started, 0 = it fires at once.

/** Estimate of the round trip time. */
export const T1 = 500;
/** Longest retransmission interval of non-INVITE requests and INVITE responses. */
export const T2 = 4_000;
/** Longest time a message stays in the network. */
export const T4 = 5_000;

/**
 * Timer J while there are very many transactions, as in a storm of REGISTER requests: repetitions half a second, 1.5, 3.5 and 7.5 s after
 * the request are still known (17.1.2.2). Half a minute of a storm fills the table and the heap, and helps nobody: the answer to a later
 * repetition is made anew.
 */
export const BUSY_J_MS = 16 * T1;

/**
 * - A, B: INVITE request retransmission and timeout. D: wait for retransmitted non-2xx finals. M: the same for 2xx.
 * - E, F, K: the same three for non-INVITE requests.
 * - G, H: response retransmission and wait for ACK. I: wait for retransmitted ACKs. L: for INVITEs after a 2xx.
 * - J: wait for retransmitted non-INVITE requests.
 * - cancel: RFC 3261 9.1, a cancelled INVITE that gets no final response.
 * - answer: a non-INVITE request that its user never answered; the client has given up by then (timer F).
 */
export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M' | 'cancel' | 'answer';

interface Durations {
  readonly unreliable: number;
  readonly reliable: number | undefined;
}

export const timerDurations: Readonly<Record<TimerName, Durations>> = {
  A: { unreliable: T1, reliable: undefined },
  B: { unreliable: 64 * T1, reliable: 64 * T1 },
  D: { unreliable: 64 * T1, reliable: 0 },
  E: { unreliable: T1, reliable: undefined },
  F: { unreliable: 64 * T1, reliable: 64 * T1 },
  G: { unreliable: T1, reliable: undefined },
  H: { unreliable: 64 * T1, reliable: 64 * T1 },
  I: { unreliable: T4, reliable: 0 },
  J: { unreliable: 64 * T1, reliable: 0 },
  K: { unreliable: T4, reliable: 0 },
  L: { unreliable: 64 * T1, reliable: 64 * T1 },
  M: { unreliable: 64 * T1, reliable: 64 * T1 },
  cancel: { unreliable: 64 * T1, reliable: 64 * T1 },
  answer: { unreliable: 2 * 64 * T1, reliable: 2 * 64 * T1 },
};

/** Milliseconds, or undefined where the timer does not run on such a flow. */
export const timerDurationMs = (name: TimerName, isReliable: boolean): number | undefined =>
  isReliable ? timerDurations[name].reliable : timerDurations[name].unreliable;

/** The next interval of a retransmission timer: A doubles without end (17.1.1.2), E and G up to T2 (17.1.2.2, 17.2.1). */
export const doubledIntervalMs = (name: TimerName, previousMs: number): number =>
  name === 'A' ? previousMs * 2 : Math.min(previousMs * 2, T2);
