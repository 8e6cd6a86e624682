// Our registration with a carrier (RFC 3261 10.2): REGISTER with digest, refreshed at half time, tried again with growing waits.
//
//   registering ─ 200 ─▶ registered ─ half of Expires, connection lost ─▶ registering
//        │ 423: once more with Min-Expires
//        └ other, silence ─▶ failed ─ 30 s, 60 s … 30 min, each with some chance in it ─▶ registering

import { sleep, type Timer } from '../../base/clock.ts';
import { newCallId, newTag } from '../../base/ids.ts';
import { limits } from '../../base/limits.ts';
import { contacts, expires, minExpires } from '../grammar/fields.ts';
import type { Response } from '../grammar/message.ts';
import { isSipUri } from '../grammar/uri.ts';
import type { Flow } from '../transport/transport.ts';
import { createAuthClient } from './auth-client.ts';
import { type OutsideReply, sendOutside } from './client-request.ts';
import type { UaContext } from './context.ts';
import type { ClientRegistration, RegistrationRequest, RegistrationState } from './ua.ts';

/** Fastest refresh, whatever a carrier grants. */
const REFRESH_MIN_MS = 15_000;
const RETRY_SPREAD = 0.2;

export function openRegistration(context: UaContext, options: RegistrationRequest): ClientRegistration {
  return new Registration(context, options);
}

class Registration implements ClientRegistration {
  readonly #context: UaContext;
  readonly #options: RegistrationRequest;
  readonly #auth;
  readonly #callId: string;
  readonly #localTag: string;
  readonly #sequence;
  readonly #stopping = new AbortController();
  #state: RegistrationState = 'registering';
  #status = 0;
  #expiresSeconds: number;
  #addresses: readonly string[] = [];
  #failures = 0;
  #timer: Timer | undefined;
  #keepAlive: Timer | undefined;
  #flow: Flow | undefined;

  constructor(context: UaContext, options: RegistrationRequest) {
    this.#context = context;
    this.#options = options;
    this.#auth = createAuthClient(options.credentials, context.random);
    this.#callId = newCallId(context.random);
    this.#localTag = newTag(context.random);
    this.#sequence = { next: 1 + context.random(2).readUInt16BE(0) };
    this.#expiresSeconds = options.expiresSeconds;
    this.#later(0);
  }

  get state(): RegistrationState {
    return this.#state;
  }
  get status(): number {
    return this.#status;
  }
  get addresses(): readonly string[] {
    return this.#addresses;
  }

  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#timer?.cancel();
    this.#keepAlive?.cancel();
    // RFC 3261 10.2.2: the carrier need not ring who is gone. Nobody waits longer than a moment for its answer.
    if (this.#state !== 'registered') return;
    const goodbye = this.#send(0, new AbortController().signal);
    await Promise.race([goodbye, sleep(this.#context.clock, limits.uaStopMs)]);
  }

  #later(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#context.clock.after(delayMs, () => void this.#register());
  }

  async #register(): Promise<void> {
    const { signal } = this.#stopping;
    let reply = await this.#send(this.#expiresSeconds, signal);
    if (reply.status === 423) {
      this.#expiresSeconds = minimumOf(reply.response) ?? this.#expiresSeconds * 2;
      reply = await this.#send(this.#expiresSeconds, signal);
    }
    if (signal.aborted) return;
    this.#status = reply.status;
    if (reply.addresses.length > 0) this.#addresses = reply.addresses;
    if (reply.status >= 200 && reply.status < 300) this.#succeeded(reply);
    else this.#failed(reply);
  }

  #send(expiresSeconds: number, signal: AbortSignal): Promise<OutsideReply> {
    const { registrar, aor, contactUser } = this.#options;
    return sendOutside(
      this.#context,
      {
        method: 'REGISTER',
        target: registrar,
        from: aor,
        to: aor,
        localTag: this.#localTag,
        callId: this.#callId,
        sequence: this.#sequence,
        contactUser,
        contactParams: `;expires=${expiresSeconds}`,
        headers: [{ name: 'Expires', value: String(expiresSeconds) }],
        auth: this.#auth,
      },
      signal,
    );
  }

  #succeeded({ response, flow }: OutsideReply): void {
    this.#failures = 0;
    this.#become('registered');
    const granted = (response && grantedOf(response, this.#options.contactUser)) ?? this.#expiresSeconds;
    this.#later(Math.max(REFRESH_MIN_MS, (granted * 1_000) / 2));
    if (flow && flow !== this.#flow) this.#watch(flow);
  }

  /** RFC 5626 3.5: pinholes of UDP live by traffic; a lost connection is a lost registration. */
  #watch(flow: Flow): void {
    this.#flow = flow;
    this.#keepAlive?.cancel();
    if (flow.isReliable) {
      flow.onClosed(() => {
        if (this.#flow !== flow || this.#stopping.signal.aborted) return;
        this.#become('registering');
        this.#later(this.#spread(1_000));
      });
      return;
    }
    const beat = () => {
      if (this.#flow !== flow) return;
      flow.keepAlive();
      this.#keepAlive = this.#context.clock.after(limits.bindingKeepAliveMs, beat);
    };
    this.#keepAlive = this.#context.clock.after(limits.bindingKeepAliveMs, beat);
  }

  #failed({ status }: OutsideReply): void {
    this.#become('failed');
    const waitMs = Math.min(limits.registrationRetryMaxMs, limits.registrationRetryMinMs * 2 ** this.#failures);
    this.#failures = Math.min(this.#failures + 1, 16);
    this.#context.log.warn(
      { registrar: this.#options.registrar.host, status, retryMs: waitMs },
      'registration with a carrier failed',
    );
    this.#later(this.#spread(waitMs));
  }

  #become(state: RegistrationState): void {
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'registered')
      this.#context.log.info({ registrar: this.#options.registrar.host }, 'registered with a carrier');
  }

  /** So that many gateways do not come back together. */
  #spread(waitMs: number): number {
    const chance = this.#context.random(2).readUInt16BE(0) / 65_536;
    return Math.round(waitMs * (1 - RETRY_SPREAD + 2 * RETRY_SPREAD * chance));
  }
}

/** RFC 3261 10.2.4: what the registrar granted for our Contact, else in Expires. */
function grantedOf(response: Response, contactUser: string): number | undefined {
  const read = contacts(response);
  const list = read.ok && read.value !== '*' ? read.value : [];
  const own = list.find(({ uri }) => isSipUri(uri) && uri.user === contactUser);
  const inContact = own?.params.get('expires');
  if (inContact !== undefined && /^\d{1,9}$/.test(inContact)) return Number(inContact);
  const whole = expires(response);
  return whole?.ok ? whole.value : undefined;
}

function minimumOf(response: Response | undefined): number | undefined {
  const read = response && minExpires(response);
  return read?.ok ? Math.min(read.value, 86_400) : undefined;
}
