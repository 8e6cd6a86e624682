// A scripted phone: registers, calls, answers, plays, records, sends digits. It stands on the same stack as the gateway, with the media
// engine in the same thread. `npm run call` and the scenario tests drive it; to judge the stack itself, use a client that we did not write.

import type { Clock } from '../base/clock.ts';
import { newBranch, newCallId, newSid, newTag, type RandomSource } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { Domain } from '../base/records.ts';
import { err, ok, type Result } from '../base/result.ts';
import { MediaRouter } from '../call/media-router.ts';
import { SipLeg, type SipLegServices } from '../call/sip-leg.ts';
import { createResolver } from '../dns/resolver.ts';
import type { MediaEngine } from '../media/engine.ts';
import { createInlineMediaEngine } from '../media/inline.ts';
import { sdpNegotiation } from '../sdp/negotiate.ts';
import type { AudioCodec } from '../sdp/plan.ts';
import { createRequest } from '../sip/grammar/build.ts';
import type { Response } from '../sip/grammar/message.ts';
import { nameAddr, serializeNameAddr, withParam } from '../sip/grammar/name-addr.ts';
import { isSipUri, makeSipUri, parseUri, type SipUri } from '../sip/grammar/uri.ts';
import { createTransactionLayer } from '../sip/transaction/layer.ts';
import type { TransactionLayer } from '../sip/transaction/transaction.ts';
import { createTransport, type SipTransport } from '../sip/transport/layer.ts';
import type { TlsMaterialSource } from '../sip/transport/options.ts';
import type { Destination, Flow } from '../sip/transport/transport.ts';
import { createAuthClient } from '../sip/ua/auth-client.ts';
import { createUserAgent } from '../sip/ua/stack.ts';
import type { UserAgent } from '../sip/ua/ua.ts';
import { drawLadder } from '../trace/ladder.ts';
import { createTrace, type Trace } from '../trace/trace.ts';
import { PhoneCall } from './phone-call.ts';

export { PhoneCall };

export interface PhoneOptions {
  readonly address: string;
  /** 0 = any. */
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  /** Host of our From: the SIP domain. */
  readonly domain: string;
  /** Where requests go whatever the Request-URI says. */
  readonly proxy: Destination | undefined;
  readonly mediaPorts: { readonly first: number; readonly last: number };
  /** Listens on TLS too when given. */
  readonly tls: TlsMaterialSource | null;
  /** PEM of a root that outgoing TLS trusts; null = do not verify. */
  readonly trustedRoot: string | null;
  /** Offer SRTP. */
  readonly secureMedia: boolean;
  /** Sends silence while it plays nothing, as a phone with an open microphone does; default: nothing is sent then. */
  readonly sendsSilence?: boolean;
  /** Preference order; default PCMU, PCMA. */
  readonly codecs?: readonly AudioCodec[];
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly log: Log;
}

/** The domain that our own incoming calls are said to belong to: the leg needs one, its rules let everything in. */
const openDomain = (options: PhoneOptions): Domain => ({
  sid: newSid('SD', options.random),
  accountSid: newSid('AC', options.random),
  domainName: options.domain,
  friendlyName: options.domain,
  realm: options.domain,
  voiceUrl: null,
  voiceMethod: 'POST',
  voiceFallbackUrl: null,
  voiceFallbackMethod: 'POST',
  voiceStatusCallbackUrl: null,
  voiceStatusCallbackMethod: 'POST',
  voiceTwiml: null,
  sipRegistration: false,
  secure: false,
  mediaEncryption: 'optional',
  nat: true,
  digestSha256: false,
  attendedTransfer: true,
  musicOnHold: 'none',
  dtmfInband: false,
  emergencyCallingEnabled: false,
  emergencyCallerSid: null,
  emergencyAddress: null,
  byocTrunkSid: null,
  declared: false,
  dateCreated: 0,
  dateUpdated: 0,
});

export class Phone {
  readonly #options: PhoneOptions;
  readonly #transport: SipTransport;
  readonly #transactions: TransactionLayer<Flow>;
  readonly #userAgent: UserAgent;
  readonly #engine: MediaEngine;
  readonly #legs: SipLegServices;
  readonly #trace: Trace;
  readonly #registerCallId: string;
  #registerSequence = 0;
  #onCall: (call: PhoneCall) => void = (call) => call.leg.refuse(480);

  private constructor(options: PhoneOptions, parts: Parts) {
    this.#options = options;
    this.#transport = parts.transport;
    this.#transactions = parts.transactions;
    this.#userAgent = parts.userAgent;
    this.#engine = parts.engine;
    this.#trace = parts.trace;
    this.#registerCallId = newCallId(options.random);
    this.#legs = {
      userAgent: parts.userAgent,
      engine: parts.engine,
      router: new MediaRouter(parts.engine),
      sdp: sdpNegotiation,
      random: options.random,
      log: options.log,
    };
    parts.userAgent.onInvite((invite) => {
      const identity = { callSid: newSid('CA', options.random), accountSid: invite.domain.accountSid };
      const leg = SipLeg.incoming(invite, identity, this.#legs, this.#mediaOptions(identity.callSid));
      const call = new PhoneCall(leg, this.#engine, options);
      void leg.prepare(invite.sdp).then((failure) => {
        if (failure) leg.refuse(failure.status, failure.reason);
        else this.#onCall(call);
      });
    });
  }

  /** Opens sockets and the media engine. */
  static async start(options: PhoneOptions): Promise<Result<Phone, string>> {
    const { clock, random, log } = options;
    const listen = [{ address: options.address, port: options.port }];
    const transport = createTransport({
      sipListen: listen,
      sipsListen: options.tls ? [{ address: options.address, port: 0 }] : [],
      publicAddress: null,
      localNetworks: null,
      ownNames: [],
      tls: options.tls,
      outgoingTls: { verify: options.trustedRoot !== null, ca: options.trustedRoot },
      clock,
      random,
      log,
    });
    const transactions = createTransactionLayer<Flow>({ sender: transport, clock, random, log });
    const domain = openDomain(options);
    const userAgent = createUserAgent({
      transport,
      transactions,
      resolver: createResolver({ clock, log }),
      access: {
        mayTalk: () => true,
        spend: () => true,
        invite: () => ({ kind: 'accept', domain, username: undefined }),
        register: () => ({ kind: 'refuse', status: 405, reason: 'Method Not Allowed', errorCode: undefined }),
      },
      bindingStore: { all: () => Promise.resolve([]), save: () => Promise.resolve() },
      clock,
      random,
      log,
      settings: { serverHeader: 'Hookswitch-Phone', nodeId: options.user },
    });
    const trace = createTrace(clock);
    transport.onTraffic((direction, bytes, flow, message) => trace.onMessage(direction, bytes, flow, message));
    const engine = createInlineMediaEngine({ clock, random, portRange: options.mediaPorts });
    const engineStarted = await engine.start();
    if (!engineStarted.ok) return engineStarted;
    const started = await transport.start();
    if (!started.ok) return started;
    return ok(new Phone(options, { transport, transactions, userAgent, engine, trace }));
  }

  /** UDP port of the phone. */
  get port(): number {
    return this.#transport.listeners().find((listener) => listener.transport === 'udp')!.port;
  }

  /** Incoming calls go here; without a handler they get 480. The handler rings, answers or refuses. */
  onCall(handler: (call: PhoneCall) => void): void {
    this.#onCall = handler;
  }

  /** Sends REGISTER and resolves with the final status; `expires` 0 unregisters. */
  async register(expiresSeconds = 600): Promise<number> {
    const options = this.#options;
    const target = options.proxy;
    if (!target) return 503;
    const flow = await this.#transport.connect(target);
    if (!flow.ok) return 503;
    const auth = createAuthClient(
      options.password === undefined ? undefined : { username: options.user, password: options.password },
      options.random,
    );
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await this.#sendRegister(
        flow.value,
        expiresSeconds,
        auth.headersFor('REGISTER', this.#registrar()),
      );
      if (!response) return 408;
      const isChallenge = response.status === 401 || response.status === 407;
      if (!isChallenge || !auth.challenged(response)) return response.status;
    }
    return 403;
  }

  #registrar(): SipUri {
    return makeSipUri({ host: this.#options.domain });
  }

  #sendRegister(
    flow: Flow,
    expiresSeconds: number,
    headers: readonly { name: string; value: string }[],
  ): Promise<Response | undefined> {
    const { user, domain, random } = this.#options;
    const aor = nameAddr(makeSipUri({ user, host: domain }));
    const contact = nameAddr(
      makeSipUri({
        user,
        host: flow.advertisedHost,
        port: flow.advertisedPort,
        params: new Map(flow.transport === 'udp' ? [] : [['transport', flow.transport]]),
      }),
    );
    const request = createRequest({
      method: 'REGISTER',
      uri: this.#registrar(),
      via: {
        transport: flow.transport,
        host: flow.advertisedHost,
        port: flow.advertisedPort,
        branch: newBranch(random),
        received: undefined,
        rport: null,
        params: new Map(),
      },
      from: withParam(aor, 'tag', newTag(random)),
      to: aor,
      callId: this.#registerCallId,
      cseq: { sequence: ++this.#registerSequence, method: 'REGISTER' },
      headers: [
        { name: 'Max-Forwards', value: '70' },
        { name: 'Contact', value: serializeNameAddr(contact) },
        { name: 'Expires', value: String(expiresSeconds) },
        ...headers,
      ],
    });
    return new Promise((resolve) => {
      this.#transactions.request(request, flow, {
        onResponse: (response) => response.status >= 200 && resolve(response),
        onTimeout: () => resolve(undefined),
        onTransportError: () => resolve(undefined),
      });
    });
  }

  /** Calls a SIP URI. `callId`: where it must be known beforehand. The error is a line for the user. */
  dial(
    target: string,
    headers: readonly { name: string; value: string }[] = [],
    callId?: string,
  ): Result<PhoneCall, string> {
    const options = this.#options;
    const parsed = parseUri(/^sips?:/i.test(target) ? target : `sip:${target}`);
    if (!parsed.ok || !isSipUri(parsed.value)) return err(`not a SIP URI: ${target}`);
    const callSid = newSid('CA', options.random);
    const leg = SipLeg.outgoing(
      {
        target: { kind: 'uri', uri: parsed.value, ...(options.proxy ? { nextHop: hopTo(options.proxy) } : {}) },
        from: { displayName: undefined, user: options.user, host: options.domain },
        headers,
        credentials:
          options.password === undefined ? undefined : { username: options.user, password: options.password },
        maxForwards: 70,
        callId,
      },
      { callSid, accountSid: newSid('AC', options.random) },
      this.#legs,
      this.#mediaOptions(callSid),
      undefined,
    );
    const call = new PhoneCall(leg, this.#engine, options);
    leg.start();
    return ok(call);
  }

  #mediaOptions(callSid: string) {
    const { secureMedia, codecs } = this.#options;
    const profile: 'savp' | 'avp' = secureMedia ? 'savp' : 'avp';
    return {
      callSid,
      profile,
      nat: true,
      security: { srtpAllowed: true, srtpRequired: secureMedia },
      ...(codecs ? { codecs } : {}),
    };
  }

  /** The ladder of one of our calls, also after the phone has stopped. `width`: columns of the terminal. */
  ladder(callId: string, width?: number): string {
    const family = this.#trace.family(callId);
    const self = this.#options.user;
    return family ? drawLadder(family, { self, ...(width === undefined ? {} : { width }) }) : '(nothing was sent)';
  }

  async stop(): Promise<void> {
    await this.#userAgent.stop();
    this.#transactions.stop();
    await this.#transport.stop();
    await this.#engine.stop();
  }
}

interface Parts {
  readonly transport: SipTransport;
  readonly transactions: TransactionLayer<Flow>;
  readonly userAgent: UserAgent;
  readonly engine: MediaEngine;
  readonly trace: Trace;
}

/** A destination as a URI, to be put in front of the Request-URI. */
const hopTo = (place: Destination): SipUri =>
  makeSipUri({ host: place.address, port: place.port, params: { transport: place.transport } });
