// Phones that register: REGISTER, 401, REGISTER with digest (RFC 7616, MD5), 200. Open loop: they come at their rate, whatever
// becomes of the others.

import { hash } from 'node:crypto';
import { realClock } from '../../base/clock.ts';
import { Histogram } from './histogram.ts';
import type { RegisterAnswer, RegisterQuestion } from './protocol.ts';
import { GIVE_UP_MS, LONGEST_NON_INVITE_MS, Repeats } from './repeats.ts';
import { CRLF, field, statusOf } from './sip-text.ts';
import { udpWire, type Wire } from './wire.ts';

const md5 = (text: string): string => hash('md5', text, 'hex');

/** A Retry-After that says nothing. */
const RETRY_SECONDS = 5;

interface Attempt {
  readonly user: string;
  readonly callId: string;
  readonly begunAt: number;
  isOver: boolean;
  sequence: number;
  /** Of the last request. */
  hasCredentials: boolean;
  /** What is waited for an answer to; empty = nothing now. */
  request: string;
}

/** Nobody calls these phones. The same in each run: a phone has few bindings, and each load comes from a socket of its own. */
const CONTACT_PLACE = '127.0.0.1:5060';

export class RegistrarLoad {
  readonly #question: RegisterQuestion;
  readonly #repeats = new Repeats();
  readonly #attempts = new Map<string, Attempt>();
  readonly #ha1 = new Map<string, string>();
  readonly #answerMs = new Histogram();
  readonly late = new Histogram();
  readonly #failed: Record<string, number> = {};
  #wire: Wire | undefined;
  /** Each request has a branch of its own, also when it is tried anew after a refusal (RFC 3261 8.1.1.7). */
  #sends = 0;
  #offered = 0;
  #registered = 0;
  #registeredInTime = 0;
  #refused = 0;
  #lastAt = 0;
  #began = 0;

  constructor(question: RegisterQuestion) {
    this.#question = question;
  }

  /** Runs to its end. `onEdge` is told when what is measured begins and ends. */
  async run(onEdge: (edge: 'begin' | 'end') => void): Promise<Omit<RegisterAnswer, 'effort'>> {
    const { seconds, perSecond, graceMs } = this.#question;
    this.#wire = await udpWire(0, (text) => this.#take(text));
    onEdge('begin');
    this.#began = realClock.now();
    const endAt = this.#began + seconds * 1_000;
    const total = Math.round(perSecond * seconds);
    for (;;) {
      await new Promise<void>((resolve) => realClock.after(1, resolve));
      const now = realClock.now();
      while (this.#offered < total && this.#began + (this.#offered * 1_000) / perSecond <= now) {
        this.late.add(now - this.#began - (this.#offered * 1_000) / perSecond);
        this.#begin(this.#offered++, now);
      }
      this.#repeats.tick(now);
      if (now >= endAt && this.#offered >= total && (this.#attempts.size === 0 || now >= endAt + graceMs)) break;
    }
    onEdge('end');
    for (const attempt of this.#attempts.values()) this.#fail(attempt, 'no answer');
    this.#wire.close();
    return {
      ...{ offered: this.#offered, registered: this.#registered, refused: this.#refused, failed: this.#failed },
      ...{ retransmissions: this.#repeats.sent, answerMs: this.#answerMs.spread() },
      ...{ lastSeconds: (this.#lastAt - this.#began) / 1_000, goodput: this.#registeredInTime / seconds },
    };
  }

  #begin(number: number, now: number): void {
    const user = `u${number % this.#question.users}`;
    const callId = `r${number}-${now.toFixed(0)}`;
    const attempt: Attempt = {
      user,
      callId,
      begunAt: now,
      isOver: false,
      sequence: 0,
      hasCredentials: false,
      request: '',
    };
    this.#attempts.set(callId, attempt);
    this.#send(attempt, '');
  }

  #send(attempt: Attempt, authorization: string): void {
    const { domain } = this.#question;
    const { user, callId } = attempt;
    const sequence = ++attempt.sequence;
    attempt.hasCredentials = authorization !== '';
    const place = `127.0.0.1:${this.#wire?.port}`;
    const aor = `<sip:${user}@${domain}>`;
    attempt.request = [
      `REGISTER sip:${domain} SIP/2.0${CRLF}Via: SIP/2.0/UDP ${place};branch=z9hG4bK${callId}-${this.#sends++}${CRLF}`,
      `Max-Forwards: 70${CRLF}From: ${aor};tag=${callId}${CRLF}To: ${aor}${CRLF}Call-ID: ${callId}${CRLF}`,
      `CSeq: ${sequence} REGISTER${CRLF}Contact: <sip:${user}@${CONTACT_PLACE}>${CRLF}Expires: 3600${CRLF}`,
      `${authorization}Content-Length: 0${CRLF}${CRLF}`,
    ].join('');
    const { request } = attempt;
    const isWanted = () => !attempt.isOver && attempt.request === request;
    this.#wire?.send(request, this.#question.sip);
    this.#repeats.add(
      {
        longestMs: LONGEST_NON_INVITE_MS,
        repeat: () => {
          if (isWanted()) this.#wire?.send(request, this.#question.sip);
          return isWanted();
        },
        giveUp: () => isWanted() && this.#fail(attempt, `no answer in ${GIVE_UP_MS / 1_000} s`),
      },
      realClock.now(),
    );
  }

  #take(text: string): void {
    const status = statusOf(text);
    const attempt = this.#attempts.get(field(text, 'Call-ID'));
    if (
      status < 200 ||
      !attempt ||
      attempt.request === '' ||
      Number.parseInt(field(text, 'CSeq'), 10) !== attempt.sequence
    )
      return;
    if (status === 401 && !attempt.hasCredentials) this.#send(attempt, this.#authorization(attempt.user, text));
    else if (status === 200) this.#succeed(attempt);
    else if (status === 503) this.#refuse(attempt, Number.parseInt(field(text, 'Retry-After'), 10) || RETRY_SECONDS);
    else this.#fail(attempt, String(status));
  }

  #authorization(user: string, challenge: string): string {
    const { domain, password } = this.#question;
    const value = field(challenge, 'WWW-Authenticate');
    const parameter = (name: string) => new RegExp(`${name}="?([^",]+)`).exec(value)?.[1] ?? '';
    const realm = parameter('realm');
    const nonce = parameter('nonce');
    const opaque = parameter('opaque');
    const hasQop = value.includes('qop=');
    const uri = `sip:${domain}`;
    const ha1 = this.#ha1.get(user) ?? md5(`${user}:${realm}:${password}`);
    this.#ha1.set(user, ha1);
    const ha2 = md5(`REGISTER:${uri}`);
    const cnonce = '0a4f113b';
    const response = md5(hasQop ? `${ha1}:${nonce}:00000001:${cnonce}:auth:${ha2}` : `${ha1}:${nonce}:${ha2}`);
    return [
      `Authorization: Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5`,
      hasQop ? `, qop=auth, nc=00000001, cnonce="${cnonce}"` : '',
      opaque === '' ? '' : `, opaque="${opaque}"`,
      CRLF,
    ].join('');
  }

  #succeed(attempt: Attempt): void {
    const now = realClock.now();
    this.#registered++;
    if (now <= this.#began + this.#question.seconds * 1_000) this.#registeredInTime++;
    this.#lastAt = now;
    this.#answerMs.add(now - attempt.begunAt);
    this.#over(attempt);
  }

  #refuse(attempt: Attempt, retryAfterSeconds: number): void {
    this.#refused++;
    if (!this.#question.isStorm) return this.#over(attempt);
    // The phone comes again, as told, with the next number (RFC 3261 8.1.3.5).
    attempt.request = '';
    realClock.after(retryAfterSeconds * 1_000, () => {
      if (!attempt.isOver) this.#send(attempt, '');
    });
  }

  #fail(attempt: Attempt, why: string): void {
    if (attempt.isOver) return;
    this.#failed[why] = (this.#failed[why] ?? 0) + 1;
    this.#over(attempt);
  }

  #over(attempt: Attempt): void {
    attempt.isOver = true;
    this.#attempts.delete(attempt.callId);
  }
}
