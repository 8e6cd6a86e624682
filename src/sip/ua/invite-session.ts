// One INVITE session: state, its one listener, and what both roles do alike once the dialog stands (re-INVITE, in-dialog requests,
// BYE). What happens before is the business of its origin: uas-invite.ts answers an INVITE, uac-invite.ts sends one.

import { strict as assert } from 'node:assert';
import type { Timer } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Result } from '../../base/result.ts';
import { withRemoteSequence } from '../dialog/dialog.ts';
import type { HeaderField, Request } from '../grammar/message.ts';
import { parseNameAddr } from '../grammar/name-addr.ts';
import { serializeUri } from '../grammar/uri.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import type { DialogUser, UaContext } from './context.ts';
import type { DialogPeer } from './dialog-peer.ts';
import { ReferNotifier } from './refer-notifier.ts';
import { ReferSubscription } from './refer-subscription.ts';
import { Reinvites } from './reinvite.ts';
import { answer } from './responses.ts';
import { serveInDialog } from './session-requests.ts';
import { type SessionInput, sessionStates } from './session-states.ts';
import { SessionTimer } from './session-timer.ts';
import type { DialogName, InviteSession, ResponseOptions, SentRefer, SessionEvent, SessionState } from './ua.ts';

export type EndOptions = {
  readonly status?: number;
  readonly reason?: string;
  readonly headers?: readonly HeaderField[];
};
type InDialogParts = {
  readonly headers?: readonly HeaderField[];
  readonly contentType?: string;
  readonly body?: Buffer;
};

/** What a session needs of the side that made it. */
export interface SessionOrigin {
  /** The flow before there is a dialog. */
  readonly flow: Flow | undefined;
  progress(status: number, options: ResponseOptions): void;
  accept(options: ResponseOptions): void;
  reject(status: number, options: ResponseOptions): void;
  acknowledge(sdp: string): void;
  /** The session ends before it was established: answer, or CANCEL. */
  abandon(options: EndOptions): void;
  /** UAS: the peer gave up by BYE in the early dialog. */
  abandoned(request: Request): void;
  /** RFC 3261 15: a UAS sends no BYE before the ACK of its 2xx has come, or can come no more. */
  whenByeAllowed(send: () => void): void;
  /** An ACK within the dialog; false when it belongs to a re-INVITE. */
  acknowledged(ack: Request): boolean;
  /** PRACK and whatever else only the origin knows; false when it does not know the request either. */
  serve(transaction: ServerTransaction<Flow>): boolean;
  /** Releases timers. */
  dispose(): void;
}

export class Session implements InviteSession {
  readonly role: 'uac' | 'uas';
  readonly callId: string;
  readonly reinvites: Reinvites;
  readonly timer: SessionTimer;
  readonly #context: UaContext;
  #state: SessionState;
  #origin: SessionOrigin | undefined;
  #peer: DialogPeer | undefined;
  #listener: ((event: SessionEvent) => void) | undefined;
  #unheard: SessionEvent[] = [];
  #byeTimer: Timer | undefined;
  /** One, or those of a few forks. */
  #dialogIds: readonly string[] = [];
  /** Of a call to a recording server, which may ask for metadata. */
  isRecording = false;
  /** We sent a REFER: its NOTIFYs are known. */
  hasReferred = false;
  #subscription: ReferSubscription | undefined;
  #notifiers: readonly ReferNotifier[] = [];
  #hasBeenReferred = false;

  constructor(context: UaContext, role: 'uac' | 'uas', callId: string) {
    this.#context = context;
    this.role = role;
    this.callId = callId;
    this.#state = role === 'uac' ? 'calling' : 'early';
    this.reinvites = new Reinvites(context, this);
    this.timer = new SessionTimer(context.clock, context.settings.sessionTimerSeconds, this);
    context.sessions.addSession(this);
  }

  // ---------------------------------------------------------------- for the origin

  begin(origin: SessionOrigin): void {
    this.#origin = origin;
  }

  get peer(): DialogPeer | undefined {
    return this.#peer;
  }

  /** Takes a step of the table; false when the input comes too late. */
  step(input: SessionInput): boolean {
    const next = sessionStates[this.#state][input];
    if (next === undefined) return false;
    this.#state = next;
    return true;
  }

  /** A fault of the listener stays with it: the messages of this and all other sessions are still dealt with. */
  emit(event: SessionEvent): void {
    if (!this.#listener) return void this.#unheard.push(event);
    try {
      this.#listener(event);
    } catch (fault) {
      this.#context.log.error({ err: fault, sipCallId: this.callId, event: event.type }, 'session listener failed');
    }
  }

  /** In-dialog requests of this dialog come to this session from now on. */
  listenTo(peer: DialogPeer): void {
    const { id } = peer;
    if (!this.#dialogIds.includes(id)) this.#dialogIds = this.#dialogIds.concat(id);
    this.#context.sessions.addDialog(id, new InDialog(this, peer));
  }

  /** The dialog that the session keeps; early dialogs of other forks are forgotten. */
  adopt(peer: DialogPeer): void {
    this.#peer = peer;
    this.listenTo(peer);
    for (const id of this.#dialogIds) if (id !== peer.id) this.#forgetDialog(id);
  }

  /** An early dialog answers in-dialog requests too, until another one wins. */
  adoptEarly(peer: DialogPeer): void {
    this.#peer ??= peer;
    this.listenTo(peer);
  }

  #forgetDialog(id: string): void {
    this.#dialogIds = this.#dialogIds.filter((one) => one !== id);
    this.#context.sessions.removeDialog(id);
  }

  /** Ends the session before it was established: everything is released, `event` is its last one. */
  failed(event: SessionEvent | undefined): void {
    if (!this.step('fail')) return;
    this.#release();
    if (event) this.emit(event);
  }

  // ---------------------------------------------------------------- InviteSession

  get state(): SessionState {
    return this.#state;
  }

  get flow(): Flow | undefined {
    return this.#peer?.flow ?? this.#origin?.flow;
  }

  onEvent(listener: (event: SessionEvent) => void): void {
    assert(!this.#listener, 'a session has one listener');
    this.#listener = listener;
    const unheard = this.#unheard;
    this.#unheard = [];
    for (const event of unheard) this.emit(event);
  }

  progress(status: number, options: ResponseOptions = {}): void {
    assert(this.role === 'uas' && status > 100 && status < 200, 'progress is a 101-199 of a UAS');
    if (this.#state === 'early') this.#origin?.progress(status, options);
  }

  accept(options: ResponseOptions): void {
    assert(this.role === 'uas', 'only a UAS accepts');
    if (this.#state === 'early') this.#origin?.accept(options);
  }

  reject(status: number, options: ResponseOptions = {}): void {
    assert(this.role === 'uas' && status >= 300 && status < 700, 'a UAS rejects with 300-699');
    if (this.#state === 'early') this.#origin?.reject(status, options);
  }

  acknowledge(sdp: string): void {
    assert(this.role === 'uac', 'only a UAC acknowledges');
    this.#origin?.acknowledge(sdp);
  }

  end(options: EndOptions = {}): void {
    if (this.#state === 'ended') return;
    if (this.#state !== 'established') return this.#origin?.abandon(options);
    this.#hangUp('local', options.headers ?? []);
  }

  reinvite(
    offer: string | (() => string | undefined),
  ): Promise<Result<string, { readonly status: number; readonly reason: string }>> {
    return this.reinvites.offer(typeof offer === 'string' ? () => offer : offer);
  }

  async request(method: string, options: InDialogParts = {}) {
    const peer = this.#peer;
    if (!peer || this.#state === 'ended') return { status: 481, response: undefined };
    // Before it is sent: the first NOTIFY may overtake the 202.
    if (method === 'REFER') this.hasReferred = true;
    const contentType = options.contentType && [{ name: 'Content-Type', value: options.contentType }];
    const { status, response } = await peer.send(method, {
      headers: [...(options.headers ?? []), ...(contentType || [])],
      ...(options.body ? { body: options.body } : {}),
    });
    // RFC 5057 5.1: a NOTIFY that the peer refuses ends its subscription, not the call.
    if (method !== 'NOTIFY') this.checkDialogLost(status);
    return { status, response };
  }

  get dialog(): DialogName | undefined {
    const dialog = this.#peer?.dialog;
    if (!dialog) return undefined;
    const { callId, localTag, remoteTag = '' } = dialog;
    const state = this.#state === 'ended' ? 'ended' : this.#state === 'established' ? 'confirmed' : 'early';
    return { callId, localTag, remoteTag, state };
  }

  refer(target: string): SentRefer {
    this.#subscription?.withdraw();
    const local = parseNameAddr(this.#peer?.dialog.localUri ?? '');
    const referredBy = local.ok ? serializeUri(local.value.uri) : 'sip:anonymous@anonymous.invalid';
    this.#subscription = new ReferSubscription(this, this.#context.clock, { target, referredBy });
    return this.#subscription;
  }

  // ---------------------------------------------------------------- for session-requests.ts and refer-subscription.ts

  referred(event: Omit<Extract<SessionEvent, { type: 'refer' }>, 'type' | 'notifier'>): void {
    const notifier = new ReferNotifier(this, this.#context.clock, event, !this.#hasBeenReferred);
    this.#hasBeenReferred = true;
    this.#notifiers = [...this.#notifiers.filter((old) => old.state !== 'terminated'), notifier];
    this.emit({ type: 'refer', notifier, ...event });
  }

  notified(request: Request): void {
    if (this.#subscription) this.#subscription.notified(request);
    else this.emit({ type: 'notify', request });
  }

  /** The subscription of our REFER is over: further NOTIFYs get 481. */
  forgetRefer(): void {
    this.hasReferred = false;
    this.#subscription = undefined;
  }

  // ---------------------------------------------------------------- in the dialog

  /** A request within one of its dialogs. */
  receive(peer: DialogPeer, transaction: ServerTransaction<Flow>): void {
    const { request } = transaction;
    const inOrder = withRemoteSequence(peer.dialog, request);
    // RFC 3261 12.2.2: a request that overtook a later one.
    if (!inOrder.ok) return void answer(this.#context, transaction, inOrder.error.status, inOrder.error);
    peer.dialog = inOrder.value;
    peer.flow = transaction.flow;
    if (request.method === 'BYE') return this.#receiveBye(peer, transaction);
    if (this.#state === 'ended') return void answer(this.#context, transaction, 481);
    if (this.#origin?.serve(transaction)) return;
    serveInDialog(this.#context, this, peer, transaction);
  }

  receiveAck(peer: DialogPeer, ack: Request, flow: Flow): void {
    peer.flow = flow;
    if (!this.#origin?.acknowledged(ack)) this.reinvites.acknowledged(ack);
  }

  #receiveBye(peer: DialogPeer, transaction: ServerTransaction<Flow>): void {
    answer(this.#context, transaction, 200);
    const { request } = transaction;
    if (this.#state !== 'established') {
      // RFC 3261 15.1.2: BYE in an early dialog; the INVITE still gets its final response. Both sides' BYE may also have crossed.
      if (this.#state === 'ended') return;
      if (this.role === 'uas') this.#origin?.abandoned(request);
      else this.#forgetDialog(peer.id);
      return;
    }
    if (!this.step('end')) return;
    this.#release();
    this.emit({ type: 'ended', by: 'remote', request });
  }

  /** RFC 3261 12.2.1.2, RFC 5057: 481 and 408 mean that the peer has no such dialog any more. */
  checkDialogLost(status: number): void {
    if (this.#state !== 'established' || (status !== 481 && status !== 408)) return;
    this.#hangUp(status === 481 ? 'remote' : 'timeout', []);
  }

  /** For its timer (RFC 4028): true when the peer agreed. */
  refresh(): Promise<boolean> {
    return this.reinvites.refresh();
  }

  /** A 2xx of ours was never acknowledged (RFC 3261 13.3.1.4, 14.2), or the session was not refreshed in time. */
  lost(): void {
    this.#hangUp('timeout', []);
  }

  #hangUp(by: 'local' | 'timeout' | 'remote', headers: readonly HeaderField[]): void {
    const peer = this.#peer;
    if (!peer || !this.step('end')) return;
    this.#subscription?.sessionEnded();
    this.timer.stop();
    this.reinvites.stop();
    const bye = async () => {
      await peer.send('BYE', { headers });
      this.#release();
    };
    // The peer's own BYE, crossing ours, still finds the dialog: it stays in the table until ours is answered.
    if (this.#origin) this.#origin.whenByeAllowed(() => void bye());
    // Even where no answer comes from anywhere, nothing stays: BYE and the wait for ACK end within 64*T1 each.
    this.#byeTimer = this.#context.clock.after(3 * limits.ackWaitMs, () => this.#release());
    queueMicrotask(() => this.emit({ type: 'ended', by, request: undefined }));
  }

  #release(): void {
    this.#byeTimer?.cancel();
    this.#subscription?.sessionEnded();
    for (const notifier of this.#notifiers) notifier.sessionEnded();
    this.timer.stop();
    this.reinvites.stop();
    this.#origin?.dispose();
    for (const id of this.#dialogIds) this.#forgetDialog(id);
    this.#context.sessions.removeSession(this);
  }

  /** The user agent stops: no message is waited for any more. */
  forceEnd(): void {
    if (this.#state !== 'ended') this.end({ status: 503 });
    this.#release();
  }
}

/** Where the messages of one dialog go. A class: two closures for each dialog would take six times as much. */
class InDialog implements DialogUser {
  readonly #session: Session;
  readonly #peer: DialogPeer;

  constructor(session: Session, peer: DialogPeer) {
    this.#session = session;
    this.#peer = peer;
  }

  handleRequest(transaction: ServerTransaction<Flow>): void {
    this.#session.receive(this.#peer, transaction);
  }

  handleAck(ack: Request, flow: Flow): void {
    this.#session.receiveAck(this.#peer, ack, flow);
  }
}
