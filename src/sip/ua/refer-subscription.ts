// The implicit subscription of a REFER of ours (RFC 3515 2.4.4, RFC 6665): from the REFER to the last NOTIFY that matters. A table says
// what each message and timer does; the driver below performs it. call/ sees one outcome.
//
//   us ── REFER ──▶ peer        requested
//      ◀── 202 ────             pending      (a NOTIFY may overtake the 202)
//      ◀── NOTIFY 100 ──        active
//      ◀── NOTIFY 200 ──        terminated   outcome: answered 202, notified 200

import type { Clock, Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { event, subscriptionState } from '../grammar/fields.ts';
import type { HeaderField, Request } from '../grammar/message.ts';
import { sipfragStatus } from '../grammar/refer.ts';
import type { InviteSession, ReferResult, SentRefer } from './ua.ts';

/** What it needs of its session. */
export interface ReferringSession extends Pick<InviteSession, 'request'> {
  forgetRefer(): void;
}

export type SubscriptionState = 'requested' | 'pending' | 'active' | 'terminated';

export type SubscriptionInput =
  /** 2xx to the REFER. */
  | 'accepted'
  /** RFC 4488: 2xx with `Refer-Sub: false`; no NOTIFY will come. */
  | 'acceptedUnsubscribed'
  | 'refused'
  /** NOTIFY with a provisional status, or none, while the subscription goes on. */
  | 'notify 1xx'
  /** NOTIFY with a final status: the outcome, whatever Subscription-State says. */
  | 'notify final'
  /** NOTIFY that ends the subscription without a final status. */
  | 'notify terminated'
  | 'timer'
  | 'sessionEnded'
  /** The document of the call was replaced. */
  | 'withdrawn';

export type SubscriptionAction = 'start first timer' | 'start expiry timer' | 'report' | 'forget';

interface Row {
  readonly to: SubscriptionState;
  readonly do: readonly SubscriptionAction[];
}

const over: Row = { to: 'terminated', do: ['report', 'forget'] };
const ends = {
  'notify final': over,
  'notify terminated': over,
  timer: over,
  sessionEnded: over,
  withdrawn: over,
} as const;

export const subscriptionStates: {
  readonly [state in SubscriptionState]: { readonly [input in SubscriptionInput]?: Row };
} = {
  requested: {
    ...ends,
    // The peer may have notified the result before its 202 came: what the REFER was answered with is still to be told.
    accepted: { to: 'pending', do: ['start first timer'] },
    acceptedUnsubscribed: over,
    refused: over,
    'notify 1xx': { to: 'active', do: ['start expiry timer'] },
  },
  pending: { ...ends, 'notify 1xx': { to: 'active', do: ['start expiry timer'] } },
  active: { ...ends, 'notify 1xx': { to: 'active', do: ['start expiry timer'] }, refused: over },
  terminated: {},
};

export interface ReferRequest {
  /** A SIP URI, written into Refer-To as it is. */
  readonly target: string;
  /** URI of Referred-By (RFC 3892). */
  readonly referredBy: string;
}

/** Sends a REFER in the session's dialog and follows it. The owner of the session hands in its `notify` events and its end. */
export class ReferSubscription implements SentRefer {
  readonly result: Promise<ReferResult>;
  readonly #session: ReferringSession;
  readonly #clock: Clock;
  #state: SubscriptionState = 'requested';
  #timer: Timer | undefined;
  #status: number | undefined;
  #notified: number | undefined;
  #id: string | undefined;
  #report: (result: ReferResult) => void = () => {};

  constructor(session: ReferringSession, clock: Clock, request: ReferRequest) {
    this.#session = session;
    this.#clock = clock;
    this.result = new Promise((resolve) => {
      this.#report = resolve;
    });
    void this.#send(request);
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  async #send({ target, referredBy }: ReferRequest): Promise<void> {
    const headers: HeaderField[] = [
      { name: 'Refer-To', value: `<${target}>` },
      { name: 'Referred-By', value: `<${referredBy}>` },
    ];
    const { status, response } = await this.#session.request('REFER', { headers });
    this.#status = status;
    // RFC 3515 2.4.6: the id of the subscription is the CSeq number of its REFER.
    this.#id = response && String(response.cseq.sequence);
    if (status >= 300) return this.#input('refused');
    const isUnsubscribed = /^\s*false\b/i.test(response?.headers.get('refer-sub') ?? '');
    this.#input(isUnsubscribed ? 'acceptedUnsubscribed' : 'accepted');
  }

  /** A NOTIFY of the refer package in the session's dialog. */
  notified(request: Request): void {
    const read = event(request);
    const id = read?.ok ? read.value.params.get('id') : undefined;
    if (id !== undefined && this.#id !== undefined && id !== this.#id) return;
    const status = sipfragStatus(request);
    this.#notified = status ?? this.#notified;
    const state = subscriptionState(request);
    if (status !== undefined && status >= 200) this.#input('notify final');
    else this.#input(state?.ok && state.value.value === 'terminated' ? 'notify terminated' : 'notify 1xx');
  }

  sessionEnded(): void {
    this.#input('sessionEnded');
  }

  withdraw(): void {
    this.#input('withdrawn');
  }

  #input(input: SubscriptionInput): void {
    const row = subscriptionStates[this.#state][input];
    if (!row) return;
    this.#state = row.to;
    for (const action of row.do) this.#perform(action, input);
  }

  #perform(action: SubscriptionAction, input: SubscriptionInput): void {
    switch (action) {
      case 'start first timer':
        return this.#startTimer(limits.referFirstNotifyMs);
      case 'start expiry timer':
        return this.#startTimer(limits.referSubscriptionMs);
      case 'report':
        this.#timer?.cancel();
        // A final NOTIFY came although the 202 is still under way: RFC 3515 2.4.4 lets it; the REFER was accepted then.
        return this.#report({
          status: this.#status ?? this.#impliedStatus(),
          notified: this.#notified,
          end: endOf(input),
        });
      case 'forget':
        return this.#session.forgetRefer();
    }
  }

  #impliedStatus(): number | undefined {
    return this.#notified === undefined ? undefined : 202;
  }

  #startTimer(ms: number): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => this.#input('timer'));
  }
}

function endOf(input: SubscriptionInput): ReferResult['end'] {
  if (input === 'acceptedUnsubscribed') return 'unsubscribed';
  if (input === 'refused' || input === 'sessionEnded' || input === 'withdrawn') return input;
  return input === 'timer' ? 'timeout' : 'notified';
}
