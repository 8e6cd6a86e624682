// What is served first when more comes than can be served. Between the sockets and the parser: it looks at the first bytes of a
// message only (glance.ts), and what belongs to something that runs already is never held up.
//
//   responses, ACK, requests inside dialogs, emergency calls ──────────────────────────────▶ at once
//   REGISTER    ─ admitted? ─▶ queue ─▶ gathered for some ms ─▶ a slice of each turn ──────▶
//   new INVITE  ─ admitted? ─▶ queue ─▶ one per turn, when the socket has been emptied ────▶
//   OPTIONS and the like ─ calm? ──────────────────────────────────────────────────────────▶ at once
//                  └─ no ─▶ 503 from refusal.ts; when even that costs too much, silence (UDP) or the connection is read later
//
// One INVITE per turn is what makes it hold: a turn does all the work that earlier calls have ready, so that it takes as long as the
// gateway is busy, and calls are let in at the pace at which others get done. How long requests wait for their turn is the measure
// of load (admission.ts).
// REGISTERs that come close behind one another are served together: each alone would find cold caches and a peer that sleeps, which
// costs as much as the rest of it.

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Message } from '../grammar/message.ts';
import type { Via } from '../grammar/via.ts';
import { Admission } from './admission.ts';
import { type Glance, glance, kindOf, userIn } from './glance.ts';
import type { OverloadOptions, OverloadReport } from './options.ts';
import { Refusals, type RequestKey } from './refusal.ts';
import type { Flow } from './transport.ts';

/** A flow as the intake needs it. */
export interface IntakeFlow extends Flow {
  /** Sends; what goes wrong is counted, and nobody waits for it. */
  sendQuietly(bytes: Buffer): void;
  /** Reading stops, where there is a connection to stop. */
  pauseReading?(): void;
  resumeReading?(): void;
}

/** Port: what the layers above know of a request that is about to be refused. */
export interface IntakeGuard {
  /** A transaction of this request is open: it is a retransmission. */
  isKnown(via: Via, method: string): boolean;
  /** Whether this user of a Request-URI may be an emergency number. */
  mayBeEmergency(user: string): boolean;
  isEmergency(message: Message): boolean;
  /** As many calls are being opened as may be at once: the next one waits until one of them rings. */
  isBusyOpening(): boolean;
  /** False for banned and over-talkative strangers: they get silence. */
  mayTalk(flow: Flow): boolean;
}

/** Where nobody above knows anything. */
export const openGuard: IntakeGuard = {
  isKnown: () => false,
  mayBeEmergency: () => false,
  isEmergency: () => false,
  isBusyOpening: () => false,
  mayTalk: () => true,
};

export interface IntakeParts<F extends IntakeFlow, P> {
  readonly clock: Clock;
  readonly random: (sizeBytes: number) => Buffer;
  readonly options: OverloadOptions;
  /** Runs what it is given when the event loop has looked at the sockets once. */
  readonly nextTurn: (run: () => void) => void;
  /** How long the event loop has slept for want of work, in all. */
  readonly idleMs: () => number;
  /** How many datagrams wait in the kernel at most, for one socket. */
  readonly kernelDatagrams: () => number;
  readonly guard: () => IntakeGuard;
  readonly parse: (bytes: Buffer) => Message | undefined;
  /** Parses and hands up. `parsed` is what a stream's framer has read already. */
  readonly deliver: (bytes: Buffer, flow: F, parsed: P | undefined) => void;
}

interface Waiting<F, P> {
  readonly bytes: Buffer;
  readonly flow: F;
  readonly parsed: P | undefined;
  readonly seen: Glance | undefined;
  /** When it is likely to have come to the machine. */
  readonly arrivedMs: number;
}

type Queued = 'invite' | 'register';

export class Intake<F extends IntakeFlow, P> {
  readonly #parts: IntakeParts<F, P>;
  readonly #refusals: Refusals;
  readonly #invites: Admission;
  readonly #registers: Admission;
  readonly #queues: Readonly<Record<Queued, Waiting<F, P>[]>> = { invite: [], register: [] };
  readonly #totals = { invite: 0, register: 0, other: 0, repeated: 0, dropped: 0, acks: 0 };
  /** Connections that are not read for a while. */
  readonly #paused = new Set<F>();
  #isTurnPlanned = false;
  #hasReadThisTurn = false;
  #datagramsThisTurn = 0;
  #hasServedThisTurn = false;
  /** When the sockets were last seen empty: what is read now has come since then. */
  #emptyAtMs: number;
  #idleAtEmptyMs: number;
  /** The ends of the last turns after each of which more was waiting: as many as empty a full kernel queue. */
  readonly #fullTurns: number[] = [];
  /** When what is read in this turn is likely to have come. */
  #arrivedMs = 0;
  #servedAtMs = 0;
  #registerServedMs = Number.NEGATIVE_INFINITY;
  /** Runs while REGISTERs are gathered. */
  #gatherTimer: Timer | undefined;
  #window = { beganMs: 0, refusingMs: 0 };
  #lookTimer: Timer | undefined;
  #isStopped = false;

  constructor(parts: IntakeParts<F, P>) {
    this.#parts = parts;
    const { targetMs, serverHeader, errorValue, onChange } = parts.options;
    this.#refusals = new Refusals(parts.random, { serverHeader, errorValue });
    this.#invites = new Admission(targetMs, (isOverloaded) => onChange(isOverloaded, this.report()));
    this.#registers = new Admission(limits.overloadRegisterMs);
    this.#emptyAtMs = parts.clock.now();
    this.#idleAtEmptyMs = parts.idleMs();
  }

  report(): OverloadReport {
    return {
      isOverloaded: this.#invites.isOverloaded,
      waitMs: this.#invites.lastWaitMs,
      callsPerSecond: this.#invites.perSecond,
      waiting: this.#queues.invite.length + this.#queues.register.length,
      totals: { ...this.#totals },
    };
  }

  /** Takes a message as it came. */
  take(bytes: Buffer, flow: F, parsed: P | undefined): void {
    this.#beginTurn();
    if (!flow.isReliable) this.#datagramsThisTurn++;
    const kind = kindOf(bytes);
    if (kind === 'invite' || kind === 'register') return this.#takeNew(kind, bytes, flow, parsed);
    if (kind === 'ack' && this.#refusals.isOwnAck(bytes, this.#parts.clock.now())) {
      this.#totals.acks++;
      return;
    }
    if (kind === 'cancel' && this.#queues.invite.length > 0) this.#serveFirst(bytes);
    if (kind === 'other' && this.#invites.isOverloaded) {
      const seen = glance(textOf(bytes));
      if (seen && !seen.hasToTag) return this.#turnAway('other', { bytes, flow, parsed, seen, arrivedMs: 0 });
    }
    this.#parts.deliver(bytes, flow, parsed);
  }

  #takeNew(kind: Queued, bytes: Buffer, flow: F, parsed: P | undefined): void {
    // RFC 3261 10.2: a To tag in a REGISTER means nothing, so that it is looked at only when it is refused.
    const seen = kind === 'invite' ? glance(textOf(bytes)) : undefined;
    if (seen && (seen.hasToTag || this.#isEmergency(seen, bytes))) return this.#parts.deliver(bytes, flow, parsed);
    const now = this.#parts.clock.now();
    const key = seen && this.#refusals.key(seen);
    if (seen && key && this.#refusals.isRemembered(key, now)) {
      this.#totals.repeated++;
      return this.#refuse(flow, seen, key);
    }
    const request: Waiting<F, P> = { bytes, flow, parsed, seen, arrivedMs: this.#arrivedMs };
    const queue = this.#queues[kind];
    const isHeldUp = kind === 'invite' ? this.#parts.guard().isBusyOpening() : this.#isGathering(now);
    if (!isHeldUp && !this.#hasServedThisTurn && this.#isNobodyDue) {
      this.#hasServedThisTurn = true;
      return this.#serve(kind, request, now);
    }
    const isAdmitted = queue.length < limits.overloadQueue && this.#admissionOf(kind).admits(queue.length, now);
    if (!isAdmitted) return this.#turnAway(kind, request);
    queue.push(request);
    if (kind === 'register' && queue.length === 1) this.#gather(now);
  }

  #isGathering(now: number): boolean {
    return this.#gatherTimer !== undefined || now - this.#registerServedMs < limits.registersGatheredMs;
  }

  #gather(now: number): void {
    const restMs = this.#registerServedMs + limits.registersGatheredMs - now;
    if (restMs <= 0) return;
    this.#gatherTimer ??= this.#parts.clock.after(restMs, () => {
      this.#gatherTimer = undefined;
      if (!this.#isTurnPlanned) this.#planTurn();
    });
  }

  /** A CANCEL must not overtake its INVITE: the one would find nothing, and the other would ring. */
  #serveFirst(cancel: Buffer): void {
    const callId = glance(textOf(cancel))?.callId;
    const queue = this.#queues.invite;
    const index = queue.findIndex(({ seen }) => seen !== undefined && seen.callId === callId);
    if (index >= 0)
      for (const { bytes, flow, parsed } of queue.splice(index, 1)) this.#parts.deliver(bytes, flow, parsed);
  }

  /** Before a connection is closed for what stood behind them: its requests that wait are served now. */
  flush(flow: F): void {
    for (const queue of [this.#queues.register, this.#queues.invite]) {
      for (const request of queue.filter((one) => one.flow === flow)) {
        queue.splice(queue.indexOf(request), 1);
        this.#parts.deliver(request.bytes, flow, request.parsed);
      }
    }
  }

  get #isNobodyDue(): boolean {
    return this.#queues.invite.length === 0 && !this.#hasRegistersDue;
  }

  get #hasRegistersDue(): boolean {
    return this.#queues.register.length > 0 && this.#gatherTimer === undefined;
  }

  #isEmergency({ uri }: Glance, bytes: Buffer): boolean {
    const guard = this.#parts.guard();
    if (!guard.mayBeEmergency(userIn(uri))) return false;
    const message = this.#parts.parse(bytes);
    return message !== undefined && guard.isEmergency(message);
  }

  #admissionOf = (kind: Queued): Admission => (kind === 'invite' ? this.#invites : this.#registers);

  #serve(kind: Queued, request: Waiting<F, P>, now: number): void {
    this.#servedAtMs = now;
    if (kind === 'register') this.#registerServedMs = now;
    const waited = now - request.arrivedMs;
    if (this.#admissionOf(kind).serves(waited, this.#queues[kind].length, now))
      this.#parts.deliver(request.bytes, request.flow, request.parsed);
    else this.#turnAway(kind, request);
  }

  // --- a turn of the event loop

  #beginTurn(): void {
    if (this.#hasReadThisTurn) return;
    this.#hasReadThisTurn = true;
    if (!this.#isTurnPlanned) this.#planTurn();
    // What is read first came while the loop was busy elsewhere: half of that time ago, on average. The time that the loop slept for
    // want of work is none of it.
    const now = this.#parts.clock.now();
    const busyMs = now - this.#emptyAtMs - (this.#parts.idleMs() - this.#idleAtEmptyMs);
    const knownMs = now - (this.#fullTurns[0] ?? now);
    const isLong = this.#fullTurns.length > this.#parts.kernelDatagrams() / limits.datagramsPerPoll;
    this.#arrivedMs = now - Math.max(0, isLong ? Math.min(busyMs, knownMs) : busyMs) / 2;
  }

  #planTurn(): void {
    this.#isTurnPlanned = true;
    this.#parts.nextTurn(() => this.#onTurn());
  }

  #onTurn(): void {
    this.#isTurnPlanned = false;
    if (this.#isStopped) return;
    const now = this.#parts.clock.now();
    // A full batch: more is waiting in the kernel, and it may belong to running calls. First that is looked at.
    const isEmpty = this.#datagramsThisTurn < limits.datagramsPerPoll;
    if (isEmpty) {
      this.#emptyAtMs = now;
      this.#idleAtEmptyMs = this.#parts.idleMs();
      this.#fullTurns.length = 0;
    } else {
      // What is read now came after what was read a whole kernel queue ago: no more than that can have been before it.
      this.#fullTurns.push(now);
      if (this.#fullTurns.length > this.#parts.kernelDatagrams() / limits.datagramsPerPoll + 1) this.#fullTurns.shift();
    }
    const hasServed = this.#hasServedThisTurn;
    this.#hasReadThisTurn = false;
    this.#datagramsThisTurn = 0;
    this.#hasServedThisTurn = false;
    if (isEmpty || now - this.#servedAtMs >= limits.overloadStarvedMs) this.#serveWaiting(now, hasServed);
    this.#invites.look(now);
    this.#registers.look(now);
    if (!this.#isNobodyDue) {
      // Other threads are behind: turn after turn without work would only take time from them.
      if (!this.#hasRegistersDue && this.#parts.guard().isBusyOpening()) this.#planLook(limits.overloadPauseMs);
      else if (!this.#isTurnPlanned) this.#planTurn();
    } else if (this.#invites.isOverloaded || this.#registers.isOverloaded) this.#planLook();
  }

  /** Nothing comes any more: paused connections and the end of the overload are looked at all the same. */
  #planLook(delayMs: number = limits.overloadWindowMs): void {
    this.#lookTimer ??= this.#parts.clock.after(delayMs, () => {
      this.#lookTimer = undefined;
      this.#resumeAll();
      if (!this.#isTurnPlanned) this.#planTurn();
    });
  }

  #serveWaiting(began: number, hasServed: boolean): void {
    const { register, invite } = this.#queues;
    let now = began;
    while (this.#hasRegistersDue && now - began < limits.overloadRegisterSliceMs) {
      this.#serve('register', register.shift()!, now);
      now = this.#parts.clock.now();
    }
    const next = hasServed || this.#parts.guard().isBusyOpening() ? undefined : invite.shift();
    if (!next) return;
    this.#serve('invite', next, now);
  }

  stop(): void {
    this.#isStopped = true;
    this.#lookTimer?.cancel();
    this.#gatherTimer?.cancel();
    this.#queues.invite.length = 0;
    this.#queues.register.length = 0;
    this.#resumeAll();
  }

  // --- refusing

  /** A request that is running already, or that cannot be answered from a glance, is not refused. */
  #turnAway(cause: Queued | 'other', request: Waiting<F, P>): void {
    const { flow, bytes, parsed } = request;
    const seen = request.seen ?? glance(textOf(bytes));
    // Only the magic cookie makes a branch tell one request from the next (RFC 3261 17.2.3).
    if (!seen?.via.branch?.startsWith('z9hG4bK')) {
      if (flow.isReliable) return this.#parts.deliver(bytes, flow, parsed);
      this.#totals.dropped++;
      return;
    }
    const guard = this.#parts.guard();
    if (guard.isKnown(seen.via, seen.method)) return this.#parts.deliver(bytes, flow, parsed);
    if (!guard.mayTalk(flow)) {
      this.#totals.dropped++;
      return;
    }
    this.#totals[cause]++;
    const key = this.#refusals.key(seen);
    // Only of a call it matters that it stays refused: a REGISTER that comes again is as welcome as a new one.
    if (cause === 'invite') this.#refusals.remember(key, this.#parts.clock.now());
    this.#refuse(flow, seen, key);
  }

  /** Sends the 503, as long as refusing leaves time for calls. */
  #refuse(flow: F, seen: Glance, key: RequestKey): void {
    const began = this.#parts.clock.now();
    if (began - this.#window.beganMs >= limits.overloadWindowMs) this.#window = { beganMs: began, refusingMs: 0 };
    if (this.#window.refusingMs > limits.overloadRefusingMs) {
      if (!flow.isReliable) {
        this.#totals.dropped++;
        return;
      }
      // On a connection every request is answered; what is not read yet waits there, and holds up its sender.
      this.#pause(flow);
    }
    flow.sendQuietly(this.#refusals.bytes(seen, key, flow.remoteAddress, flow.remotePort));
    // Not the time that this thread was off its core.
    this.#window.refusingMs += Math.min(this.#parts.clock.now() - began, limits.overloadRefusalMs);
  }

  #pause(flow: F): void {
    if (!flow.pauseReading || this.#paused.has(flow)) return;
    flow.pauseReading();
    this.#paused.add(flow);
    this.#planLook();
  }

  #resumeAll(): void {
    for (const flow of this.#paused) flow.resumeReading?.();
    this.#paused.clear();
  }
}

const textOf = (bytes: Buffer): string => bytes.toString('latin1');
