// The registrar (RFC 3261 10, sip-interface.md 3): admits a REGISTER, applies register-rules.ts to the bindings of its address of
// record, and answers 200 only when the store has them (design.md 7).

import type { Clock } from '../../base/clock.ts';
import { sipErrorValue } from '../../base/errors.ts';
import { limits } from '../../base/limits.ts';
import { ownText } from '../../base/own-text.ts';
import type { Domain } from '../../base/records.ts';
import { createTokenBuckets } from '../../base/token-buckets.ts';
import type { HeaderField, Request } from '../grammar/message.ts';
import { splitList } from '../grammar/params.ts';
import { isSipUri } from '../grammar/uri.ts';
import type { ServerTransaction } from '../transaction/transaction.ts';
import type { Flow } from '../transport/transport.ts';
import type { RegistrationEvent } from './binding-census.ts';
import type { BindingRegistry } from './bindings.ts';
import type { UaContext } from './context.ts';
import type { Handler } from './incoming.ts';
import {
  applyRegister,
  type BindingOrigin,
  contactValues,
  type RegisterRefusal,
  readRegister,
} from './register-rules.ts';
import { answer, answerStranger, retryAfter } from './responses.ts';
import type { AccessControl } from './ua.ts';

export const aorOf = (user: string, domainName: string): string => `${user}@${domainName.toLowerCase()}`;

let lastSecond = Number.NaN;
let lastDate: HeaderField = { name: 'Date', value: '' };

/** RFC 3261 20.17: always GMT, in whole seconds, each of which is printed once. */
function dateField(clock: Clock): HeaderField {
  const second = Math.floor(clock.wall() / 1_000);
  if (second !== lastSecond) lastDate = { name: 'Date', value: new Date(second * 1_000).toUTCString() };
  lastSecond = second;
  return lastDate;
}

export function createRegistrar(parts: {
  readonly context: UaContext;
  readonly access: AccessControl;
  readonly registry: BindingRegistry;
  readonly onEvent?: ((event: RegistrationEvent) => void) | undefined;
}): Handler {
  const { context, access, registry } = parts;
  const { clock, settings } = context;
  const log = context.log.child({ part: 'registrar' });
  const rate = createTokenBuckets(clock, {
    burst: limits.registersPerAorPerSecond,
    perSecond: limits.registersPerAorPerSecond,
    keys: limits.sourcesTracked,
  });

  const rejected = ({ request, flow }: ServerTransaction<Flow>, status: number, errorCode: number | undefined) => {
    const { uri } = request.to;
    const aor = isSipUri(uri) ? aorOf(uri.user ?? '', uri.host) : '';
    const source = flow.remoteAddress;
    const cause = String(errorCode ?? status);
    parts.onEvent?.({ event: 'rejected', aor, accountSid: null, contact: null, source, cause });
  };

  const refuse = (transaction: ServerTransaction<Flow>, refusal: RegisterRefusal) => {
    const { status, reason, errorCode, minExpiresSeconds } = refusal;
    const { remoteAddress: source } = transaction.flow;
    log.info({ sipCallId: transaction.request.callId, source, status, reason, errorCode }, 'REGISTER refused');
    rejected(transaction, status, errorCode);
    const headers: HeaderField[] = [];
    if (minExpiresSeconds !== undefined) headers.push({ name: 'Min-Expires', value: String(minExpiresSeconds) });
    if (status === 503) headers.push(retryAfter(settings.retryAfterSeconds));
    if (errorCode !== undefined) headers.push({ name: 'X-Twilio-Error', value: sipErrorValue(errorCode, reason) });
    answer(context, transaction, status, { reason, headers });
  };

  const register = async (transaction: ServerTransaction<Flow>, domain: Domain, user: string) => {
    const { request, flow } = transaction;
    const aor = ownText(aorOf(user, domain.domainName));
    if (!rate.take(aor))
      return refuse(transaction, { status: 503, reason: 'Register Rate Exceeded', errorCode: 32008 });
    const order = readRegister(request);
    if (!order.ok) return refuse(transaction, order.error);
    const origin = originOf(request, flow, aor, domain, settings.nodeId);
    const outcome = await registry.update(aor, flow, (bindings) =>
      applyRegister(bindings, order.value, origin, clock.wall()),
    );
    if (!outcome.ok) return refuse(transaction, outcome.error);
    const { bindings } = outcome.value;
    const contacts = contactValues(bindings, clock.wall()).map((value) => ({ name: 'Contact', value }));
    // RFC 3327 5.3: the Path that was stored is told to a phone that asks for it.
    const path = order.value.contacts.length > 0 ? origin.path.map((value) => ({ name: 'Path', value })) : [];
    answer(context, transaction, 200, { headers: [...contacts, ...path, dateField(clock)] });
  };

  return (transaction) => {
    const { request, flow } = transaction;
    const admission = access.register(request, flow);
    switch (admission.kind) {
      case 'drop':
        return;
      case 'challenge':
        // Nothing is kept for who has not said yet who it is (RFC 3261 26.3.2.4).
        return answerStranger(context, transaction, 401, {
          headers: admission.values.map((value) => ({ name: 'WWW-Authenticate', value })),
        });
      case 'refuse':
        rejected(transaction, admission.status, admission.errorCode);
        return void answer(context, transaction, admission.status, admission);
      case 'accept': {
        const user = isSipUri(request.to.uri) ? request.to.uri.user : undefined;
        // RFC 3261 10.3 step 5: an address of record without a user is none of ours.
        if (user === undefined) return void answer(context, transaction, 404);
        return void register(transaction, admission.domain, user).catch((fault) => {
          log.error({ err: fault }, 'REGISTER failed');
          answer(context, transaction, 500);
        });
      }
    }
  };
}

function originOf(request: Request, flow: Flow, aor: string, domain: Domain, nodeId: string): BindingOrigin {
  const userAgent = request.headers.get('user-agent');
  return {
    aor,
    domainSid: domain.sid,
    accountSid: domain.accountSid,
    transport: flow.transport,
    sourceAddress: flow.remoteAddress,
    sourcePort: flow.remotePort,
    localAddress: flow.localAddress,
    localPort: flow.localPort,
    path: request.headers.getAll('path').flatMap(splitList).slice(0, limits.routeSetEntries).map(ownText),
    userAgent: userAgent === undefined ? null : ownText(userAgent.slice(0, 256)),
    nodeId,
  };
}
