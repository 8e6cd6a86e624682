// The other side of refer-subscription.ts: a REFER that came in, and the NOTIFYs that we owe its sender (RFC 3515 2.4.4).
//
//   peer ── REFER ──▶ us                        offered
//        ◀── 202 ─────                          active
//        ◀── NOTIFY 100, active;expires=… ──
//        ◀── NOTIFY 200, terminated ──          terminated
//
// NOTIFYs go one after another, so that the peer never sees them out of order. A peer that takes none does not lose its call (RFC 5057).

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { HeaderField, Request } from '../grammar/message.ts';
import { sipfrag } from '../grammar/refer.ts';
import type { InviteSession, ReferAnswer, SessionEvent } from './ua.ts';

export type NotifierState = 'offered' | 'active' | 'terminated';
export type NotifierInput = 'accept' | 'refuse' | 'progress' | 'finish' | 'timer';
export type NotifierAction = 'send 202' | 'send refusal' | 'notify active' | 'notify terminated' | 'notify timeout';

interface Row {
  readonly to: NotifierState;
  readonly do: readonly NotifierAction[];
}

export const notifierStates: { readonly [state in NotifierState]: { readonly [input in NotifierInput]?: Row } } = {
  offered: {
    accept: { to: 'active', do: ['send 202', 'notify active'] },
    refuse: { to: 'terminated', do: ['send refusal'] },
    // Nobody took it.
    timer: { to: 'terminated', do: ['send refusal'] },
  },
  active: {
    progress: { to: 'active', do: ['notify active'] },
    finish: { to: 'terminated', do: ['notify terminated'] },
    timer: { to: 'terminated', do: ['notify timeout'] },
  },
  terminated: {},
};

export class ReferNotifier implements ReferAnswer {
  readonly request: Request;
  readonly #session: Pick<InviteSession, 'request'>;
  readonly #clock: Clock;
  readonly #respond: Extract<SessionEvent, { type: 'refer' }>['respond'];
  readonly #eventHeader: HeaderField;
  readonly #isSilent: boolean;
  #state: NotifierState = 'offered';
  #timer: Timer | undefined;
  #expiresAt = 0;
  #last = 100;
  /** NOTIFYs under way. */
  #sent: Promise<unknown> = Promise.resolve();

  /** `isFirst`: no REFER came in this dialog before. */
  constructor(
    session: Pick<InviteSession, 'request'>,
    clock: Clock,
    offered: Pick<Extract<SessionEvent, { type: 'refer' }>, 'request' | 'respond'>,
    isFirst: boolean,
  ) {
    this.#session = session;
    this.#clock = clock;
    this.#respond = offered.respond;
    this.request = offered.request;
    // RFC 3515 2.4.6: the second and later REFERs of a dialog are told apart by their CSeq number.
    const id = isFirst ? '' : `;id=${offered.request.cseq.sequence}`;
    this.#eventHeader = { name: 'Event', value: `refer${id}` };
    this.#timer = clock.after(limits.referAnswerMs, () => this.#input('timer', 603));
    // RFC 4488 4: the sender wants no subscription.
    this.#isSilent = /^\s*false\b/i.test(offered.request.headers.get('refer-sub') ?? '');
  }

  get state(): NotifierState {
    return this.#state;
  }

  get isOpen(): boolean {
    return this.#state === 'offered';
  }

  /** 202, then `NOTIFY 100 Trying`. */
  accept(): void {
    this.#input('accept', 100);
  }

  refuse(status: number, reason?: string): void {
    this.#input('refuse', status, reason);
  }

  /** Tells of a provisional status, such as 180. */
  async progress(status: number): Promise<void> {
    this.#input('progress', status);
    await this.#sent;
  }

  /** The final NOTIFY; resolves when it was answered, or could not be sent. */
  async finish(status: number): Promise<void> {
    this.#input('finish', status);
    await this.#sent;
  }

  /** The dialog is gone: nobody can be told any more. */
  sessionEnded(): void {
    this.#state = 'terminated';
    this.#timer?.cancel();
  }

  #input(input: NotifierInput, status: number, reason?: string): void {
    const row = notifierStates[this.#state][input];
    if (!row) return;
    this.#state = row.to;
    for (const action of row.do) this.#perform(action, status, reason);
  }

  #perform(action: NotifierAction, status: number, reason: string | undefined): void {
    switch (action) {
      case 'send 202':
        this.#expiresAt = this.#clock.now() + limits.referSubscriptionMs;
        this.#timer?.cancel();
        this.#timer = this.#clock.after(limits.referSubscriptionMs, () => this.#input('timer', this.#last));
        return this.#respond(202, undefined, this.#isSilent ? [{ name: 'Refer-Sub', value: 'false' }] : []);
      case 'send refusal':
        this.#timer?.cancel();
        return this.#respond(status, reason);
      case 'notify active': {
        const seconds = Math.max(1, Math.ceil((this.#expiresAt - this.#clock.now()) / 1000));
        return this.#notify(status, `active;expires=${seconds}`);
      }
      case 'notify terminated':
        return this.#notify(status, 'terminated;reason=noresource');
      case 'notify timeout':
        return this.#notify(status, 'terminated;reason=timeout');
    }
  }

  #notify(status: number, state: string): void {
    this.#last = status;
    if (this.#state === 'terminated') this.#timer?.cancel();
    if (this.#isSilent) return;
    const headers = [this.#eventHeader, { name: 'Subscription-State', value: state }];
    const notify = () =>
      this.#session.request('NOTIFY', {
        headers,
        contentType: 'message/sipfrag;version=2.0',
        body: sipfrag(status),
      });
    this.#sent = this.#sent.then(notify);
  }
}
