// Session timers (RFC 4028): what is agreed in the headers of INVITE, re-INVITE, UPDATE and their 2xx, and the clock that follows from it.
// A peer that asks is honoured fully, whoever has to refresh; we ask only where a setting says so. One timer per session.
//
//   we refresh     ├── half ──▶ UPDATE or re-INVITE ─▶ 2xx ├── half ──▶ …            no 2xx until the end: BYE
//   peer refreshes ├──────────── interval − min(32 s, interval / 3) ──▶ nothing came: BYE

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { HeaderField, Message, Request, Response } from '../grammar/message.ts';
import { tokens } from './header-fields.ts';

export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | undefined;
}

const DELTA_SECONDS = /^\d{1,10}$/;
const supportedField: HeaderField = { name: 'Supported', value: 'timer' };
const requireField: HeaderField = { name: 'Require', value: 'timer' };

/** RFC 4028 4 (compact form `x`). Undefined where it is absent or no number. */
export function sessionExpiresOf(message: Message): SessionExpires | undefined {
  const value = message.headers.get('session-expires');
  const [seconds = '', ...params] = (value ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (!DELTA_SECONDS.test(seconds)) return undefined;
  const refresher = /^refresher\s*=\s*(uac|uas)$/.exec(
    params.find((param) => param.startsWith('refresher')) ?? '',
  )?.[1];
  return {
    seconds: Math.min(Number(seconds), limits.sessionExpiresMaxSeconds),
    refresher: refresher as 'uac' | 'uas' | undefined,
  };
}

/** RFC 4028 5. The smallest interval that the sender, or a proxy, takes. */
function minimumOf(message: Message): number {
  const value = message.headers.get('min-se')?.split(';')[0]?.trim() ?? '';
  const seconds = DELTA_SECONDS.test(value) ? Number(value) : 0;
  return Math.min(Math.max(seconds, limits.sessionExpiresMinSeconds), limits.sessionExpiresMaxSeconds);
}

const supportsTimer = (message: Message): boolean =>
  [...tokens(message.headers, 'supported'), ...tokens(message.headers, 'require')].includes('timer');

/**
 * RFC 4028 9: an interval that is too small is refused with 422 and Min-SE, but only to a peer that knows what that means: where a
 * proxy put the header in, its interval is taken as it is.
 */
export function refusedInterval(
  request: Request,
): { readonly reason: string; readonly headers: readonly HeaderField[] } | undefined {
  const asked = sessionExpiresOf(request);
  if (!asked || asked.seconds >= limits.sessionExpiresMinSeconds || !supportsTimer(request)) return undefined;
  // The phrase of sip-interface.md 1.5.
  const reason = 'Session Timer Too Small';
  return { reason, headers: [{ name: 'Min-SE', value: String(limits.sessionExpiresMinSeconds) }] };
}

interface Agreed {
  readonly seconds: number;
  readonly refresher: 'local' | 'remote';
}

/** What the timer asks of its session. */
export interface TimedSession {
  /** Sends one refresh; true when the peer agreed to it. */
  refresh(): Promise<boolean>;
  /** The session was not refreshed in time. */
  lost(): void;
}

export class SessionTimer {
  readonly #clock: Clock;
  /** Seconds that we ask for ourselves; 0 = never. */
  readonly #wantedSeconds: number;
  readonly #session: TimedSession;
  #agreed: Agreed | undefined;
  /** Learned from a 422, for this session. */
  #minimumSeconds = 0;
  #refreshTimer: Timer | undefined;
  #endTimer: Timer | undefined;
  #isStopped = false;

  constructor(clock: Clock, wantedSeconds: number, session: TimedSession) {
    this.#clock = clock;
    this.#wantedSeconds = wantedSeconds;
    this.#session = session;
  }

  /** Seconds until the session ends without a refresh; undefined while there is no timer. */
  get agreed(): Agreed | undefined {
    return this.#agreed;
  }

  // ---------------------------------------------------------------- as UAC

  /** For our INVITE, re-INVITE or UPDATE (RFC 4028 7.1, 7.4): who refreshes stays who it is. */
  requestHeaders(): readonly HeaderField[] {
    const agreed = this.#agreed;
    const seconds = Math.max(agreed?.seconds ?? this.#wantedSeconds, this.#minimumSeconds);
    if (seconds === 0) return [supportedField];
    const refresher = agreed ? `;refresher=${agreed.refresher === 'local' ? 'uac' : 'uas'}` : '';
    const minimum = this.#minimumSeconds > 0 ? [{ name: 'Min-SE', value: String(this.#minimumSeconds) }] : [];
    return [supportedField, { name: 'Session-Expires', value: `${seconds}${refresher}` }, ...minimum];
  }

  /** A 2xx to such a request of ours (7.2). */
  received2xx(response: Response): void {
    const answered = sessionExpiresOf(response);
    if (answered) {
      // Without the parameter nobody said that the peer refreshes: we do.
      return this.#start({ seconds: answered.seconds, refresher: answered.refresher === 'uas' ? 'remote' : 'local' });
    }
    // The peer knows no timers. We may keep one for ourselves, if we asked for it (7.2).
    const seconds = Math.max(this.#wantedSeconds, this.#minimumSeconds);
    if (this.#wantedSeconds > 0) this.#start({ seconds, refresher: 'local' });
    else this.#clear();
  }

  /** A 422 to a request of ours (7.3). True when the request is worth another try with a larger interval. */
  refused(response: Response): boolean {
    if (response.status !== 422) return false;
    const minimum = minimumOf(response);
    const asked = Math.max(this.#agreed?.seconds ?? this.#wantedSeconds, this.#minimumSeconds);
    if (!response.headers.has('min-se') || minimum <= asked) return false;
    this.#minimumSeconds = minimum;
    if (this.#agreed) this.#agreed = { ...this.#agreed, seconds: minimum };
    return true;
  }

  // ---------------------------------------------------------------- as UAS

  /**
   * The fields of our 2xx to an INVITE, re-INVITE or UPDATE, and the timer that they agree to (RFC 4028 9, table 2). Where the peer
   * left the choice to us, it refreshes: it is the one that wanted the timer.
   */
  accept(request: Request): readonly HeaderField[] {
    const asked = sessionExpiresOf(request);
    const knows = supportsTimer(request);
    // A peer that asks for nothing keeps a timer only where we refresh it ourselves.
    const kept = this.#agreed?.refresher === 'local' ? this.#agreed.seconds : this.#wantedSeconds;
    if (!asked && kept === 0) {
      this.#clear();
      return knows ? [supportedField] : [];
    }
    const seconds = asked?.seconds ?? Math.max(kept, minimumOf(request));
    const isOurs = !asked || !knows || asked.refresher === 'uas';
    this.#start({ seconds, refresher: isOurs ? 'local' : 'remote' });
    const expires = { name: 'Session-Expires', value: `${seconds};refresher=${isOurs ? 'uas' : 'uac'}` };
    return knows ? [requireField, supportedField, expires] : [expires];
  }

  // ---------------------------------------------------------------- time

  #start(agreed: Agreed): void {
    this.#clear();
    if (this.#isStopped || agreed.seconds <= 0) return;
    this.#agreed = agreed;
    const intervalMs = agreed.seconds * 1_000;
    if (agreed.refresher === 'local') this.#refreshAfter(intervalMs / 2);
    // RFC 4028 10: BYE a little before the end, whoever should have refreshed.
    const slackMs = Math.min(32_000, intervalMs / 3);
    this.#endTimer = this.#clock.after(intervalMs - slackMs, () => this.#session.lost());
  }

  #refreshAfter(delayMs: number): void {
    this.#refreshTimer = this.#clock.after(delayMs, async () => {
      const agreed = this.#agreed;
      const isDone = await this.#session.refresh();
      // What agreed to it has started the timer anew; what failed is tried again until the session ends.
      if (!isDone && this.#agreed === agreed && agreed) this.#refreshAfter(limits.sessionRefreshRetryMs);
    });
  }

  #clear(): void {
    this.#agreed = undefined;
    this.#refreshTimer?.cancel();
    this.#endTimer?.cancel();
  }

  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }
}
