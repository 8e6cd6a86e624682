// Our registrations with carriers (`register: true` of a declared trunk): one per trunk, kept in step with the settings, and what access
// control has to know of them: a call to the Contact of a registration, from an address of that carrier, belongs to the trunk's domain.

import { createHmac } from 'node:crypto';
import type { Log } from '../base/log.ts';
import { makeSipUri, type SipUri } from '../sip/grammar/uri.ts';
import type { ClientRegistration, RegistrationState, UserAgent } from '../sip/ua/ua.ts';

export interface WantedRegistration {
  readonly trunkSid: string;
  readonly name: string;
  readonly registrar: SipUri;
  /** Host of the address of record; the registrar's where the trunk has no domain of its own. */
  readonly host: string;
  readonly username: string;
  readonly password: string;
  readonly expiresSeconds: number;
}

export interface RegistrationStatus {
  readonly name: string;
  readonly state: RegistrationState;
  /** Last SIP status; 0 = none yet. */
  readonly status: number;
}

interface Entry {
  readonly wanted: string;
  readonly name: string;
  readonly trunkSid: string;
  readonly contactUser: string;
  readonly registration: ClientRegistration;
}

export class TrunkRegistrations {
  readonly #userAgent: Pick<UserAgent, 'register'>;
  /** Contact users are made of it: the same after a restart, and nobody can guess them. */
  readonly #secret: Buffer;
  readonly #domainSidOf: (trunkSid: string) => string | undefined;
  readonly #log: Log;
  readonly #entries = new Map<string, Entry>();

  constructor(parts: {
    userAgent: Pick<UserAgent, 'register'>;
    secret: Buffer;
    domainSidOf: (trunkSid: string) => string | undefined;
    log: Log;
  }) {
    this.#userAgent = parts.userAgent;
    this.#secret = parts.secret;
    this.#domainSidOf = parts.domainSidOf;
    this.#log = parts.log;
  }

  /** Begins what is new or changed, ends what is gone. */
  bring(wanted: readonly WantedRegistration[]): void {
    const names = new Set(wanted.map((one) => one.name));
    for (const entry of [...this.#entries.values()]) if (!names.has(entry.name)) this.#end(entry);
    for (const one of wanted) {
      const key = JSON.stringify({ ...one, registrar: { ...one.registrar, params: [...one.registrar.params] } });
      const present = this.#entries.get(one.name);
      if (present?.wanted === key) continue;
      if (present) this.#end(present);
      this.#begin(one, key);
    }
  }

  #begin(one: WantedRegistration, wanted: string): void {
    const { name, trunkSid, registrar, expiresSeconds, username, password } = one;
    const contactUser = createHmac('sha256', this.#secret).update(`registration ${name}`).digest('hex').slice(0, 24);
    if (this.#domainSidOf(trunkSid) === undefined)
      this.#log.warn(
        { trunk: name },
        'the trunk registers, but no domain has it as byocTrunk: its calls will be refused',
      );
    const registration = this.#userAgent.register({
      registrar,
      aor: makeSipUri({ user: username, host: one.host }),
      contactUser,
      credentials: { username, password },
      expiresSeconds,
    });
    this.#entries.set(name, { wanted, name, trunkSid, contactUser, registration });
  }

  #end(entry: Entry): void {
    this.#entries.delete(entry.name);
    void entry.registration.stop();
  }

  /** Sid of the domain that a call to `user` from `sourceAddress` belongs to, when `user` is a Contact that we registered there. */
  domainOfContact(user: string, sourceAddress: string): string | undefined {
    for (const { contactUser, trunkSid, registration } of this.#entries.values())
      if (contactUser === user && registration.addresses.includes(sourceAddress)) return this.#domainSidOf(trunkSid);
    return undefined;
  }

  isCarrier(sourceAddress: string): boolean {
    return [...this.#entries.values()].some(({ registration }) => registration.addresses.includes(sourceAddress));
  }

  states(): readonly RegistrationStatus[] {
    return [...this.#entries.values()].map(({ name, registration }) => ({
      name,
      state: registration.state,
      status: registration.status,
    }));
  }

  async stop(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    await Promise.all(entries.map(({ registration }) => registration.stop()));
  }
}
