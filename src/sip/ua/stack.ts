// The façade of SIP, one long list of wiring: wires transport, transactions, access and the files of this folder, and implements the UserAgent port (ua.ts).
//
//   transport ─▶ transactions ─▶ incoming.ts ─┬─▶ INVITE ─ access ─▶ uas-invite.ts ─▶ onInvite
//                                             ├─▶ REGISTER ─▶ registrar.ts
//                                             ├─▶ OPTIONS ─▶ options.ts
//                                             └─▶ dialog known ─▶ invite-session.ts

import { hash } from 'node:crypto';
import { type Clock, sleep } from '../../base/clock.ts';
import type { RandomSource } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import type { Domain } from '../../base/records.ts';
import { dialogIdOf } from '../dialog/dialog.ts';
import { createResponse } from '../grammar/build.ts';
import type { Request, Response } from '../grammar/message.ts';
import type { ParseFailure } from '../grammar/parse.ts';
import type { ServerTransaction, TransactionLayer } from '../transaction/transaction.ts';
import { resolveTargets, type TargetResolver } from '../transport/targets.ts';
import type { Flow, Transport } from '../transport/transport.ts';
import type { RegistrationEvent } from './binding-census.ts';
import { type BindingStore, createBindingRegistry } from './bindings.ts';
import { isForeignBody, sdpOf } from './body.ts';
import { acceptField, SessionTable, type UaContext, type UaSettings } from './context.ts';
import { createIncoming, type Handler } from './incoming.ts';
import { createKeepAlive } from './keep-alive.ts';
import { createOptions } from './options.ts';
import { ping } from './ping.ts';
import { aorOf, createRegistrar } from './registrar.ts';
import { openRegistration } from './registration.ts';
import { answer, answerStranger, makeAnswer, retryAfter } from './responses.ts';
import { refusedInterval } from './session-timer.ts';
import { refuseStrayRefer } from './stray-refer.ts';
import type { AccessControl, IncomingInvite, UserAgent } from './ua.ts';
import { openUacSession } from './uac-invite.ts';
import { openUasSession } from './uas-invite.ts';

export interface UserAgentParts {
  /** The user agent sets the receivers of the transport itself: it screens messages before they reach the transactions. */
  readonly transport: Pick<Transport, 'connect' | 'udpFlow' | 'onMessage' | 'onUnparsable'>;
  readonly transactions: TransactionLayer<Flow>;
  readonly resolver: TargetResolver;
  readonly access: AccessControl;
  readonly bindingStore: BindingStore;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
  /** Each change of a registration, and each REGISTER that was refused. */
  readonly onRegistration?: (event: RegistrationEvent) => void;
  /** An INVITE that no bound of ours may stop; the domain is given once it is known. */
  readonly isEmergency?: (request: Request, domain: Domain | undefined) => boolean;
  readonly settings: { readonly nodeId: string } & Partial<UaSettings>;
}

/** What Server and User-Agent say. */
export const SERVER_HEADER = 'Hookswitch';

const defaultSettings: Omit<UaSettings, 'nodeId'> = {
  serverHeader: SERVER_HEADER,
  tryingReason: 'trying -- your call is being looked after',
  retryAfterSeconds: 5,
  sessionTimerSeconds: 0,
};

/** Builds the user agent. Nothing is received before `start` has loaded the bindings and the transport was started. */
export function createUserAgent(parts: UserAgentParts): UserAgent {
  const { transport, transactions, access, clock, random } = parts;
  const log = parts.log.child({ folder: 'sip' });
  const keepAlive = createKeepAlive(clock, random);
  const registry = createBindingRegistry({
    store: parts.bindingStore,
    transport,
    keepAlive,
    clock,
    random,
    log,
    ...(parts.onRegistration ? { onEvent: parts.onRegistration } : {}),
  });
  const context: UaContext = {
    transport,
    transactions,
    resolveTargets: (uri) => resolveTargets({ uri, resolver: parts.resolver, random }),
    registry,
    clock,
    random,
    log,
    settings: { ...defaultSettings, ...parts.settings },
    sessions: new SessionTable(),
    watch: watchFlows(transactions),
  };
  let onInvite: (invite: IncomingInvite) => void = (invite) => invite.session.reject(480);
  let isDraining = false;
  const isEmergency = parts.isEmergency ?? (() => false);

  const receiveInvite: Handler = (transaction) => {
    const { request, flow } = transaction;
    const admission = access.invite(request, flow);
    // Strangers without budget were screened out before; an INVITE that got here must be answered, or its transaction stays.
    if (admission.kind === 'drop') return answerStranger(context, transaction, 403);
    if (admission.kind === 'challenge')
      return answerStranger(context, transaction, 407, {
        headers: admission.values.map((value) => ({ name: 'Proxy-Authenticate', value })),
      });
    if (admission.kind === 'refuse') return answerStranger(context, transaction, admission.status, admission);
    if (isDraining && !isEmergency(request, admission.domain))
      return void answer(context, transaction, 503, { headers: [retryAfter(context.settings.retryAfterSeconds)] });
    if (isForeignBody(request)) return void answer(context, transaction, 415, { headers: [acceptField] });
    const tooSmall = refusedInterval(request);
    if (tooSmall) return void answer(context, transaction, 422, tooSmall);
    // At once, so that the peer stops repeating its INVITE whatever the application takes.
    transaction.respond(makeAnswer(context, request, 100, { reason: context.settings.tryingReason }));
    const opened = openUasSession(context, transaction);
    if (!opened.ok) return void answer(context, transaction, opened.error.status, opened.error);
    const { domain, username } = admission;
    try {
      onInvite({ request, flow, domain, username, sdp: sdpOf(request), session: opened.value });
    } catch (fault) {
      log.error({ err: fault, sipCallId: request.callId }, 'incoming call failed');
      opened.value.end({ status: 500 });
    }
  };

  const incoming = createIncoming({
    context,
    access,
    handlers: {
      INVITE: receiveInvite,
      REGISTER: createRegistrar({ context, access, registry, onEvent: parts.onRegistration }),
      OPTIONS: createOptions(context, access),
      REFER: refuseStrayRefer(context, access),
    },
  });

  transactions.setUser({
    onRequest: (transaction: ServerTransaction<Flow>) => incoming.receive(transaction),
    onAck: (ack, flow) => context.sessions.dialog(dialogIdOf(ack))?.handleAck(ack, flow),
    onStrayResponse: (response, flow) => receiveStray(context, response, flow),
  });
  transport.onMessage((message, flow) => {
    const isUrgent = message.kind === 'request' && message.method === 'INVITE' && isEmergency(message, undefined);
    if (isUrgent || incoming.isAdmitted(message, flow)) transactions.receive(message, flow);
  });
  transport.onUnparsable((failure, flow) => answerUnparsable(context, access, failure, flow));

  return {
    start: () => registry.load(),
    onInvite(handler) {
      onInvite = handler;
    },
    invite: (options) => openUacSession(context, options),
    register: (options) => openRegistration(context, options),
    ping: (target, waitMs) => ping(context, target, waitMs),
    bindingsOfDomain: (domainSid, page) => registry.ofDomain(domainSid, page),
    bindingsOf: (user, domainName) => registry.reachable(aorOf(user, domainName)),
    setDraining(draining) {
      isDraining = draining;
    },
    counts: () => ({
      dialogs: context.sessions.dialogCount,
      sessions: context.sessions.sessionCount,
      registrations: registry.counts(),
    }),
    async stop() {
      isDraining = true;
      for (const session of context.sessions.sessions()) session.end();
      // BYEs and CANCELs get a moment to be answered; then nothing is waited for.
      const deadline = clock.now() + limits.uaStopMs;
      while (context.sessions.sessionCount > 0 && clock.now() < deadline) await sleep(clock, 20);
      for (const session of context.sessions.sessions()) session.forceEnd();
      registry.stop();
      incoming.clear();
    },
  };
}

/** Tells the transactions of a connection once when it is gone. */
function watchFlows(transactions: TransactionLayer<Flow>): (flow: Flow) => void {
  const watched = new WeakSet<Flow>();
  return (flow) => {
    if (!flow.isReliable || watched.has(flow)) return;
    watched.add(flow);
    flow.onClosed((cause) => transactions.flowFailed(flow, { code: 'closed', detail: cause }));
  };
}

/** RFC 3261 13.2.2.4: a 2xx whose transaction is over still makes a dialog with the peer, which must be ended. */
function receiveStray(context: UaContext, response: Response, flow: Flow): void {
  if (response.cseq.method !== 'INVITE' || response.status < 200 || response.status > 299) return;
  context.sessions.inviteClient(response.callId, response.from.params.get('tag'))?.handleStray2xx(response, flow);
}

/** RFC 3261 8.2.7: what cannot be parsed but can be answered gets its 4xx without a transaction, within the source's budget. */
function answerUnparsable(context: UaContext, access: AccessControl, failure: ParseFailure, flow: Flow): void {
  const { request } = failure;
  if (!request || request.method === 'ACK' || !access.mayTalk(flow) || !access.spend(flow)) return;
  context.log.debug({ source: flow.remoteAddress, detail: failure.detail }, 'request does not parse');
  // The same request gets the same tag: a stateless answer cannot remember it (8.2.7).
  const toTag = stableTag(request.callId, request.via.branch ?? '');
  const headers = [{ name: 'Server', value: context.settings.serverHeader }];
  context.transactions.sendStateless(
    createResponse(request, failure.status, { reason: failure.reason, toTag, headers }),
    flow,
  );
}

const stableTag = (callId: string, branch: string): string => hash('sha256', `${callId} ${branch}`, 'hex').slice(0, 20);
