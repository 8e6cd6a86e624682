// One dialog with its peer: the record, the flow it lives on, and sending in it. Sessions, forks that lost and stray answers all
// send their in-dialog requests through here. Digest challenges are answered inside; the caller sees one final outcome.

import { newBranch } from '../../base/ids.ts';
import { ownText } from '../../base/own-text.ts';
import { ackFor2xx, type Dialog, dialogId, nextHop, nextRequest, withLocalTarget } from '../dialog/dialog.ts';
import type { HeaderField, Message, Request, Response } from '../grammar/message.ts';
import { isSipUri } from '../grammar/uri.ts';
import type { Flow } from '../transport/transport.ts';
import type { AuthClient } from './auth-client.ts';
import { ALLOWED_METHODS, type UaContext } from './context.ts';
import { contactUriFor, sdpParts, tokens, viaFor } from './header-fields.ts';
import { hopBesideFlow } from './next-hop.ts';

export interface PeerReply {
  readonly status: number;
  readonly reason: string;
  readonly response: Response | undefined;
  readonly request: Request | undefined;
  readonly cause: 'response' | 'timeout' | 'transport';
}

export interface PeerRequestParts {
  readonly headers?: readonly HeaderField[];
  readonly body?: Buffer;
  /** INVITE: the 2xx came again, so its ACK was lost. */
  readonly on2xxAgain?: () => void;
}

export class DialogPeer {
  dialog: Dialog;
  /** The flow of the latest valid message of the peer. */
  flow: Flow;
  /** Its Via asked for rport (RFC 3581), or it is a registered phone: it listens where it sends from. */
  readonly isSymmetric: boolean;
  /** Its certificate is verified when it has to be dialled again. */
  readonly #verifies: boolean;
  /** Methods that its last Allow named, in lower case, between blanks: a set would cost ten times as much. Empty while it said nothing. */
  #allowed = '';
  readonly #context: UaContext;
  readonly #auth: AuthClient;
  readonly #contactUser: string;

  constructor(parts: {
    readonly context: UaContext;
    readonly dialog: Dialog;
    readonly flow: Flow;
    readonly auth: AuthClient;
    readonly contactUser: string;
    readonly isSymmetric: boolean;
    readonly verifies?: boolean;
  }) {
    this.#context = parts.context;
    this.#auth = parts.auth;
    this.#contactUser = parts.contactUser;
    this.dialog = parts.dialog;
    this.flow = parts.flow;
    this.isSymmetric = parts.isSymmetric;
    this.#verifies = parts.verifies !== false;
  }

  get id(): string {
    return dialogId(this.dialog);
  }

  /** RFC 3261 20.5. */
  noteAllow(message: Message): void {
    const methods = tokens(message.headers, 'allow');
    if (methods.length > 0) this.#allowed = ownText(` ${methods.join(' ')} `);
  }

  /** Whether the peer said that it takes this method. */
  allows(method: string): boolean {
    return this.#allowed.includes(` ${method.toLowerCase()} `);
  }

  forbid(method: string): void {
    const methods = this.#allowed.split(' ');
    this.#allowed = methods.filter((one) => one !== method.toLowerCase()).join(' ');
  }

  /**
   * Sends a request and waits for its final response: 408 without one (RFC 3261 8.1.3.1), 503 where it could not be sent.
   * Where the flow is alive the request leaves before this returns.
   */
  async send(method: string, parts: PeerRequestParts = {}): Promise<PeerReply> {
    try {
      return await this.#sendAuthenticated(method, parts);
    } catch (fault) {
      this.#context.log.error({ err: fault, sipCallId: this.dialog.callId, method }, 'in-dialog request failed');
      return unsent('internal fault');
    }
  }

  async #sendAuthenticated(method: string, parts: PeerRequestParts): Promise<PeerReply> {
    const flow = this.#readyFlow() ?? (await this.#dial());
    if (!flow) return unsent('no way to the peer');
    const reply = await this.#transact(flow, method, parts);
    const isChallenge = reply.status === 401 || reply.status === 407;
    if (!isChallenge || !reply.response || !this.#auth.challenged(reply.response)) return reply;
    return this.#transact(flow, method, parts);
  }

  /** RFC 3261 13.2.2.4: the ACK of a 2xx. Returns a function that sends the same ACK again. */
  acknowledge(invite: Request, sdp: string | undefined): () => void {
    // What it is made of is kept anyway; a message would cost more than all of that.
    const branch = newBranch(this.#context.random);
    let sentBy: { readonly flow: Flow; readonly dialog: Dialog } | undefined;
    const send = () => {
      if (!sentBy?.flow.isAlive) return;
      const { headers, body } = sdpParts(sdp);
      const fields = [...headers, ...ownNames(invite), this.#userAgent()];
      const parts = { via: viaFor(sentBy.flow, branch), headers: fields, ...(body ? { body } : {}) };
      this.#context.transactions.sendStateless(ackFor2xx(sentBy.dialog, invite, parts), sentBy.flow);
    };
    const begin = (flow: Flow) => {
      sentBy = { flow, dialog: this.dialog };
      send();
    };
    const ready = this.#readyFlow();
    if (ready) begin(ready);
    else void this.#dial().then((dialled) => dialled && begin(dialled));
    return send;
  }

  #userAgent(): HeaderField {
    return { name: 'User-Agent', value: this.#context.settings.serverHeader };
  }

  #readyFlow(): Flow | undefined {
    if (!this.flow.isAlive) return undefined;
    return hopBesideFlow(nextHop(this.dialog), this.flow, this.isSymmetric) ? undefined : this.flow;
  }

  /** A connection or address of its own for the next hop; the flow where that fails but the flow is alive. */
  async #dial(): Promise<Flow | undefined> {
    const fallback = this.flow.isAlive ? this.flow : undefined;
    const beside = hopBesideFlow(nextHop(this.dialog), this.flow, this.isSymmetric);
    const hop = nextHop(this.dialog);
    if (!isSipUri(hop)) return fallback;
    const resolved = beside ? undefined : await this.#context.resolveTargets(hop);
    const destination = beside ?? (resolved?.ok ? resolved.value[0] : undefined);
    if (!destination) return fallback;
    const connected = await this.#context.transport.connect(
      this.#verifies ? destination : { ...destination, verify: false },
    );
    if (!connected.ok) return fallback;
    if (!this.flow.isAlive) this.flow = connected.value;
    return connected.value;
  }

  #build(flow: Flow, method: string, parts: PeerRequestParts): Request {
    if (flow !== this.flow) this.dialog = withLocalTarget(this.dialog, contactUriFor(flow, this.#contactUser));
    const via = viaFor(flow, newBranch(this.#context.random));
    const isOffer = method === 'INVITE' || method === 'UPDATE';
    const common = [this.#userAgent(), ...(isOffer ? [{ name: 'Allow', value: ALLOWED_METHODS }] : [])];
    const fields = [...(parts.headers ?? []), ...common];
    const body = parts.body ? { body: parts.body } : {};
    const plain = nextRequest(this.dialog, method, { via, headers: fields, ...body });
    const authorization = this.#auth.headersFor(method, plain.request.uri);
    const next =
      authorization.length === 0
        ? plain
        : nextRequest(this.dialog, method, { via, headers: [...authorization, ...fields], ...body });
    this.dialog = next.dialog;
    return next.request;
  }

  #transact(flow: Flow, method: string, parts: PeerRequestParts): Promise<PeerReply> {
    const request = this.#build(flow, method, parts);
    return new Promise((resolve) => {
      let isSettled = false;
      this.#context.watch(flow);
      const settle = (reply: PeerReply) => {
        isSettled = true;
        resolve(reply);
      };
      this.#context.transactions.request(request, flow, {
        onResponse(response) {
          if (response.status < 200) return;
          if (isSettled) return parts.on2xxAgain?.();
          settle({ status: response.status, reason: response.reason, response, request, cause: 'response' });
        },
        onTimeout: () =>
          settle({ status: 408, reason: 'Request Timeout', response: undefined, request, cause: 'timeout' }),
        onTransportError: (failure) => settle({ ...unsent(failure.detail), request }),
      });
    });
  }
}

/** Field that names our leg. */
export const LEG_NAME = 'x-twilio-callsid';

/** sip-interface.md 2.3: the ACK names our leg as its INVITE does. */
const ownNames = (invite: Request): HeaderField[] =>
  [...invite.headers].filter(({ name }) => name.toLowerCase() === LEG_NAME);

const unsent = (detail: string): PeerReply => ({
  status: 503,
  reason: detail,
  response: undefined,
  request: undefined,
  cause: 'transport',
});
