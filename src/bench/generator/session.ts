// The calls of the generator: begins them at their time, knows them by number, counts how they end.

import { realClock } from '../../base/clock.ts';
import { Call, type Verdict } from './call.ts';
import { Callees } from './callees.ts';
import { Histogram } from './histogram.ts';
import { kinds } from './kinds.ts';
import { MediaSockets, type Talk } from './media-sockets.ts';
import type { Effort, HoldAnswer, HoldQuestion, KindName, OpenQuestion, RateAnswer, RateQuestion } from './protocol.ts';
import { Repeats } from './repeats.ts';
import { Rtp } from './rtp.ts';
import { field } from './sip-text.ts';
import type { Stream } from './stream.ts';
import { WebApp } from './web-app.ts';
import { tlsWire, udpWire, type Wire } from './wire.ts';

const SWEEP_MS = 100;

const pass = (ms: number): Promise<void> => new Promise((resolve) => realClock.after(ms, resolve));

/** What happened since the last question. */
class Outcome {
  offered = 0;
  answered = 0;
  completed = 0;
  good = 0;
  refused = 0;
  failed: Record<string, number> = {};
  readonly answerMs = new Histogram();
  readonly digitMs = new Histogram();
  readonly retryAfter = new Histogram();
  readonly late = new Histogram();
  untilMs = Number.POSITIVE_INFINITY;
  answerLimitMs = Number.POSITIVE_INFINITY;
}

export class Session {
  readonly rtp = new Rtp();
  readonly #open: OpenQuestion;
  readonly #repeats = new Repeats();
  readonly #app = new WebApp();
  readonly #calls = new Map<number, Call>();
  readonly #byCallId = new Map<string, Call>();
  readonly #called = new Map<number, Stream>();
  readonly #callees: Callees;
  readonly #sockets: MediaSockets;
  readonly #talks = new Map<number, Talk>();
  /** The phone that speaks in a room: all its members hear it. */
  readonly #speakers = new Map<string, Stream>();
  readonly #runId = Math.floor(realClock.wall()).toString(36);
  #wires: { udp: Wire; tls: Wire | undefined } | undefined;
  #streamPort = 0;
  #nextIndex = 1_000_000;
  #outcome = new Outcome();
  #sweptAt = 0;

  constructor(open: OpenQuestion) {
    this.#open = open;
    this.#callees = new Callees(
      {
        kindOf: (index) => {
          const call = this.#calls.get(index);
          return call && { kind: call.kind, withMedia: call.withMedia };
        },
        onStream: (index, stream) => this.#onCalledStream(index, stream),
      },
      this.rtp,
      this.#repeats,
    );
    this.#sockets = new MediaSockets(
      {
        streamOf: (index) => this.#calls.get(index)?.stream,
        onTalk: (index, talk) => {
          if (talk) this.#talks.set(index, talk);
          else this.#talks.delete(index);
          const stream = this.#calls.get(index)?.stream;
          if (stream) stream.talk = talk;
        },
      },
      this.rtp,
    );
  }

  async open(): Promise<{ streamPort: number; calleePort: number }> {
    const { appPort, rtpPorts, nativeRtp, calleePort } = this.#open;
    await this.rtp.open(rtpPorts, nativeRtp);
    await this.#app.open(appPort);
    await this.#callees.open(calleePort);
    this.#streamPort = await this.#sockets.open();
    this.#wires = { udp: await udpWire(0, (text) => this.#take(text)), tls: undefined };
    this.#app.onVoice((kind, index) => {
      const places = { calleePort, appPort, streamPort: this.#streamPort };
      return Object.hasOwn(kinds, kind) ? kinds[kind as KindName].document(index, places) : undefined;
    });
    this.#app.onDigit((index) => {
      const call = this.#calls.get(index);
      if (call && call.digitAt > 0) this.#outcome.digitMs.add(realClock.now() - call.digitAt);
    });
    this.rtp.ticks.add((now) => this.#tick(now));
    return { streamPort: this.#streamPort, calleePort };
  }

  #take(text: string): void {
    this.#byCallId.get(field(text, 'Call-ID'))?.take(text);
  }

  #tick(now: number): void {
    if (now - this.#sweptAt < SWEEP_MS) return;
    this.#sweptAt = now;
    this.#repeats.tick(now);
    this.#callees.tick(now);
  }

  async #wireFor(kindName: KindName): Promise<Wire> {
    const wires = this.#wires!;
    if (!kinds[kindName].isSecure) return wires.udp;
    if (!this.#open.sips) throw new Error('no SIP over TLS to call');
    // The gateway may be another one than that of the case before.
    if (!wires.tls?.isOpen) wires.tls = await tlsWire(this.#open.sips, (text) => this.#take(text));
    return wires.tls;
  }

  #begin(kindName: KindName, wire: Wire, withMedia: boolean, onAnswered: (call: Call) => void): void {
    const { sip, sips, domain } = this.#open;
    const index = this.#nextIndex++;
    const call = new Call(index, this.#runId, kindName, kinds[kindName], withMedia, {
      wire,
      target: wire.transport === 'TLS' && sips ? sips : sip,
      domain,
      repeats: this.#repeats,
      rtp: this.rtp,
      onAnswered: (answered) => {
        this.#outcome.answered++;
        this.#outcome.answerMs.add(answered.answeredAt - answered.begunAt);
        this.#join(answered);
        onAnswered(answered);
      },
      onOver: (over, verdict, retryAfter) => this.#onOver(over, verdict, retryAfter),
    });
    this.#calls.set(index, call);
    this.#byCallId.set(call.callId, call);
    this.#outcome.offered++;
    call.start(realClock.now());
  }

  /** Who hears whom. */
  #join(call: Call): void {
    const { stream, kind, index } = call;
    if (!stream) return;
    stream.talk = this.#talks.get(index);
    const called = this.#called.get(index);
    if (called) pair(stream, called);
    if (kind.room === undefined) return;
    const room = `${kind.room}-${Math.floor(index / kind.room)}`;
    if (stream.voice === 'level') {
      this.#speakers.set(room, stream);
      for (const other of this.#calls.values()) {
        if (
          other !== call &&
          other.kind === kind &&
          Math.floor(other.index / kind.room) === Math.floor(index / kind.room)
        )
          if (other.stream) other.stream.peer = stream;
      }
    } else stream.peer = this.#speakers.get(room);
  }

  #onCalledStream(index: number, stream: Stream | undefined): void {
    if (!stream) {
      this.#called.delete(index);
      return;
    }
    this.#called.set(index, stream);
    const caller = this.#calls.get(index)?.stream;
    if (caller) pair(caller, stream);
  }

  #onOver(call: Call, verdict: Verdict, retryAfter: number | undefined): void {
    const outcome = this.#outcome;
    this.#calls.delete(call.index);
    if (verdict === 'completed') {
      outcome.completed++;
      const isInTime = call.answeredAt - call.begunAt <= outcome.answerLimitMs && call.answeredAt <= outcome.untilMs;
      if (isInTime) outcome.good++;
    } else if (verdict === 'refused') outcome.refused++;
    else outcome.failed[verdict.failed] = (outcome.failed[verdict.failed] ?? 0) + 1;
    if (retryAfter !== undefined) outcome.retryAfter.add(retryAfter);
    // The 200 or the refusal may come again: it is answered for a while.
    realClock.after(32_000, () => this.#byCallId.delete(call.callId));
  }

  /** Open loop: calls come at their rate, whatever becomes of the others. */
  async rate(
    { kind, withMedia, perSecond, seconds, holdMs, graceMs, answerLimitMs }: RateQuestion,
    onEdge: (edge: 'begin' | 'end') => void,
    effort: () => Effort['cpu'],
  ): Promise<RateAnswer> {
    const outcome = new Outcome();
    this.#outcome = outcome;
    const wire = await this.#wireFor(kind);
    const repeatsBefore = this.#repeats.sent;
    if (withMedia) this.rtp.beginMeasure();
    onEdge('begin');
    const began = realClock.now();
    outcome.untilMs = began + seconds * 1_000;
    outcome.answerLimitMs = answerLimitMs;
    const total = Math.max(1, Math.round(perSecond * seconds));
    const hangUp = (call: Call) => kinds[kind].digitMs === undefined && call.leave(holdMs);
    while (outcome.offered < total) {
      await pass(1);
      const now = realClock.now();
      while (outcome.offered < total && began + (outcome.offered * 1_000) / perSecond <= now) {
        outcome.late.add(now - began - (outcome.offered * 1_000) / perSecond);
        this.#begin(kind, wire, withMedia, hangUp);
      }
    }
    const cpu = effort();
    await this.#until(() => this.#calls.size === 0, holdMs + graceMs);
    onEdge('end');
    for (const call of [...this.#calls.values()]) call.abandon('did not end');
    if (withMedia) this.rtp.endMeasure();
    const own: Effort = { cpu, lateMs: outcome.late.spread() };
    return {
      ...{ offered: outcome.offered, answered: outcome.answered, completed: outcome.completed },
      ...{ refused: outcome.refused, failed: outcome.failed, retransmissions: this.#repeats.sent - repeatsBefore },
      ...{ answerMs: outcome.answerMs.spread(), digitMs: outcome.digitMs.spread() },
      ...{ retryAfter: outcome.retryAfter.spread(), goodput: outcome.good / seconds },
      ...{ media: await this.rtp.answer(seconds, own), effort: own },
    };
  }

  /** So many calls at once; what is too many is ended, the youngest first. */
  async hold({ kind, withMedia, calls, perSecond, deadlineMs }: HoldQuestion): Promise<HoldAnswer> {
    const outcome = new Outcome();
    this.#outcome = outcome;
    const wire = await this.#wireFor(kind);
    // A room is its members' numbers divided by its size: the first one begins at the first of them.
    const { room = 1 } = kinds[kind];
    if (this.#calls.size === 0) this.#nextIndex = Math.ceil(this.#nextIndex / room) * room;
    const surplus = [...this.#calls.values()].reverse().slice(0, Math.max(0, this.#calls.size - calls));
    for (const call of surplus) call.leave();
    const wanted = Math.max(0, calls - this.#calls.size);
    const began = realClock.now();
    while (outcome.offered < wanted) {
      await pass(1);
      while (outcome.offered < wanted && began + (outcome.offered * 1_000) / perSecond <= realClock.now())
        this.#begin(kind, wire, withMedia, () => {});
    }
    await this.#until(() => {
      let settled = 0;
      for (const call of this.#calls.values()) if (call.state === 'talking') settled++;
      return settled === this.#calls.size;
    }, deadlineMs);
    let held = 0;
    for (const call of this.#calls.values()) if (call.state === 'talking') held++;
    return {
      held,
      failed: { ...outcome.failed, ...(outcome.refused > 0 ? { 503: outcome.refused } : {}) },
      answerMs: outcome.answerMs.spread(),
    };
  }

  /** Ends all calls. Gives what is left at the deadline. */
  async release(deadlineMs: number): Promise<number> {
    for (const call of [...this.#calls.values()]) call.leave();
    await this.#until(() => this.#calls.size === 0, deadlineMs);
    const left = this.#calls.size;
    for (const call of [...this.#calls.values()]) call.abandon('did not end');
    for (const stream of [...this.rtp.streams]) this.rtp.remove(stream);
    this.#called.clear();
    this.#speakers.clear();
    this.rtp.isByStamp = false;
    return left;
  }

  async #until(isDone: () => boolean, deadlineMs: number): Promise<void> {
    const deadline = realClock.now() + deadlineMs;
    while (!isDone() && realClock.now() < deadline) await pass(5);
  }

  async close(): Promise<void> {
    this.#app.close();
    this.#callees.close();
    this.#sockets.close();
    this.#wires?.udp.close();
    this.#wires?.tls?.close();
    await this.rtp.close();
  }
}

function pair(one: Stream, other: Stream): void {
  one.peer = other;
  other.peer = one;
}
