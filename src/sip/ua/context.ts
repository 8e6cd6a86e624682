// What every file of this folder is handed: the layers below, time, randomness, settings, and the table of sessions.
// stack.ts makes one; nothing here decides anything.

import type { Clock } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { Result } from '../../base/result.ts';
import type { HeaderField, Request, Response } from '../grammar/message.ts';
import type { SipUri } from '../grammar/uri.ts';
import type { ServerTransaction, TransactionLayer } from '../transaction/transaction.ts';
import type { Destination, Flow, Transport } from '../transport/transport.ts';
import type { BindingRegistry } from './bindings.ts';

/** Port: RFC 3263, best destination first. An error or an empty list: the name leads nowhere. */
export type ResolveTargets = (uri: SipUri) => Promise<Result<readonly Destination[], { readonly detail: string }>>;

export interface UaSettings {
  /** Written into Server and User-Agent. */
  readonly serverHeader: string;
  /** Part of our Contact users: in-dialog requests carry what routes them (design.md 8). */
  readonly nodeId: string;
  /** Reason phrase of the 100 to an INVITE. */
  readonly tryingReason: string;
  /** Seconds in Retry-After of a 503 (draining, registrar). */
  readonly retryAfterSeconds: number;
  /** Session timer that we ask for as initiator (RFC 4028); 0 = none, a peer that asks is honoured all the same. */
  readonly sessionTimerSeconds: number;
}

export interface UaContext {
  readonly transport: Pick<Transport, 'connect' | 'udpFlow'>;
  readonly transactions: TransactionLayer<Flow>;
  readonly resolveTargets: ResolveTargets;
  readonly registry: BindingRegistry;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  readonly settings: UaSettings;
  readonly sessions: SessionTable;
  /** Before a client transaction is started: when the connection is gone, its transactions are told. */
  watch(flow: Flow): void;
}

/** Who a received in-dialog message is for. */
export interface DialogUser {
  handleRequest(transaction: ServerTransaction<Flow>): void;
  handleAck(ack: Request, flow: Flow): void;
}

/** What the table can do to a session when everything stops. */
export interface AliveSession {
  end(): void;
  forceEnd(): void;
}

/** Who a 2xx without a transaction may be for. */
export interface InviteClientUser {
  handleStray2xx(response: Response, flow: Flow): void;
}

/** Everything alive, by its keys. An entry leaves when its owner calls remove. */
export class SessionTable {
  readonly #dialogs = new Map<string, DialogUser>();
  /** By Call-ID and our From tag: the dialogs of forks are not known beforehand. */
  readonly #inviteClients = new Map<string, InviteClientUser>();
  readonly #sessions = new Set<AliveSession>();

  addDialog(id: string, user: DialogUser): void {
    this.#dialogs.set(id, user);
  }
  removeDialog(id: string): void {
    this.#dialogs.delete(id);
  }
  dialog(id: string): DialogUser | undefined {
    return this.#dialogs.get(id);
  }

  addInviteClient(callId: string, localTag: string, user: InviteClientUser): void {
    this.#inviteClients.set(`${callId} ${localTag}`, user);
  }
  removeInviteClient(callId: string, localTag: string): void {
    this.#inviteClients.delete(`${callId} ${localTag}`);
  }
  inviteClient(callId: string, localTag: string | undefined): InviteClientUser | undefined {
    return this.#inviteClients.get(`${callId} ${localTag ?? ''}`);
  }

  addSession(session: AliveSession): void {
    this.#sessions.add(session);
  }
  removeSession(session: AliveSession): void {
    this.#sessions.delete(session);
  }
  sessions(): readonly AliveSession[] {
    return [...this.#sessions];
  }

  get dialogCount(): number {
    return this.#dialogs.size;
  }
  get sessionCount(): number {
    return this.#sessions.size;
  }
}

export const ALLOWED_METHODS = 'INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, INFO, UPDATE, PRACK';
/** With REGISTER: what the gateway as a whole takes. */
export const EDGE_METHODS = `${ALLOWED_METHODS}, REGISTER`;

export const allowField: HeaderField = { name: 'Allow', value: ALLOWED_METHODS };
export const acceptField: HeaderField = { name: 'Accept', value: 'application/sdp' };
