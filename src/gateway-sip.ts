// Part of the composition root: certificates, sockets, transactions, access, user agent.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { type AccessControlApi, createAccessControl, type RegisteredCarriers } from './access/access-control.ts';
import { candidateNames } from './access/domains.ts';
import { sipErrorValue } from './base/errors.ts';
import type { Log } from './base/log.ts';
import type { Domain } from './base/records.ts';
import { err, ok, type Result } from './base/result.ts';
import { CallsBeingOpened } from './calls-being-opened.ts';
import { ensureCertificates } from './certs/authority.ts';
import { keepCertificates } from './certs/keeper.ts';
import { certificateNames } from './certs/names.ts';
import { createTlsMaterialSource, type TlsMaterialSource } from './certs/reload.ts';
import type { Config } from './config.ts';
import type { Resolver } from './dns/resolver.ts';
import { emergencyRequests, isEmergencyNumber } from './gateway-emergency.ts';
import { createInactiveNotices } from './inactive-accounts.ts';
import type { ProvisioningContext } from './provisioning.ts';
import { createTransactionLayer } from './sip/transaction/layer.ts';
import type { TransactionLayer } from './sip/transaction/transaction.ts';
import { createTransport, type SipTransport } from './sip/transport/layer.ts';
import type { OverloadOptions } from './sip/transport/options.ts';
import type { Flow } from './sip/transport/transport.ts';
import type { RegistrationEvent } from './sip/ua/binding-census.ts';
import { createUserAgent, SERVER_HEADER } from './sip/ua/stack.ts';
import type { UserAgent } from './sip/ua/ua.ts';
import type { StoreDirectory } from './store/directory.ts';
import type { Store } from './store/store.ts';

export interface SipStack {
  readonly transport: SipTransport;
  readonly transactions: TransactionLayer<Flow>;
  readonly userAgent: UserAgent;
  /** INVITEs that were let in and do not ring yet: what other threads have to do with them is not done. */
  readonly opening: CallsBeingOpened;
  /** An INVITE that no bound of ours may stop. */
  readonly isEmergency: ReturnType<typeof emergencyRequests>;
  readonly access: AccessControlApi;
  /** The domain that a URI host means when it is dialled: by name, or the default domain for an address and port of ours. */
  readonly domainOf: (host: string, port: number | undefined) => Domain | undefined;
}

/** The certificates of this gateway, and whose client certificates it wants (null: none). */
export interface GatewayTls extends TlsMaterialSource {
  readonly clientCa: string | null;
}

export interface SipParts {
  readonly config: Config;
  /** The settings in force, which a changed hookswitch.yaml replaces. */
  readonly settings: () => Config;
  readonly context: ProvisioningContext;
  readonly store: Store;
  readonly directory: StoreDirectory;
  readonly resolver: Resolver;
  readonly tls: GatewayTls | null;
  readonly onRegistration: (event: RegistrationEvent) => void;
  readonly carriers: RegisteredCarriers;
  /** Domain of calls to our bare address. */
  readonly defaultDomain: string | undefined;
}

/** Wires the SIP side. Nothing is open before `transport.start()`. */
export function buildSip(parts: SipParts): SipStack {
  const { config, context, store, directory, resolver, tls, defaultDomain } = parts;
  const { clock, random } = context;
  const log = context.log.child({ folder: 'sip' });
  const transport = createTransport({
    sipListen: config.sipListen,
    sipsListen: config.sipsListen,
    sipsLegacyListen: config.sipsLegacyListen,
    sipsClientListen: config.sipsClientListen,
    clientCa: tls?.clientCa ?? null,
    publicAddress: config.publicAddress,
    localNetworks: config.localNetworks,
    ownNames: [],
    tls,
    outgoingTls: { verify: config.tlsVerify, ca: tls?.current().ca ?? null },
    overload: overloadOptions(config, log),
    clock,
    random,
    log,
  });
  const { domainSuffix, realm } = config;
  const isOwnAddress = (host: string) => transport.isOwnAddress(host);
  const domainOf = (host: string, port: number | undefined): Domain | undefined => {
    for (const name of candidateNames(host, domainSuffix)) {
      const found = directory.domainByName(name);
      if (found) return found.domain;
    }
    const isOurs = defaultDomain !== undefined && transport.isOwnAddress(host, port);
    return isOurs ? directory.domainByName(defaultDomain)?.domain : undefined;
  };
  const isEmergency = emergencyRequests(parts.settings, domainOf);
  const access = createAccessControl({
    directory,
    config: {
      domainSuffix,
      defaultDomain,
      isOwnAddress,
      realm,
      isEmergency,
      carriers: parts.carriers,
      onInactiveAccount: createInactiveNotices(store, context),
    },
    clock,
    random,
    log: context.log,
  });
  const transactions = createTransactionLayer<Flow>({ sender: transport, clock, random, log });
  const opening = new CallsBeingOpened(clock);
  transport.setGuard({
    isBusyOpening: () => opening.isFull,
    isKnown: (via, method) => transactions.knows(via, method),
    mayBeEmergency: (user) => isEmergencyNumber(parts.settings(), user),
    isEmergency: (message) => message.kind === 'request' && isEmergency(message, undefined),
    mayTalk: (flow) => access.mayTalk(flow),
  });
  const userAgent = createUserAgent({
    transport,
    transactions,
    resolver,
    access,
    bindingStore: store.bindings,
    clock,
    random,
    log: context.log,
    onRegistration: parts.onRegistration,
    isEmergency,
    settings: {
      nodeId: config.nodeId ?? random(4).toString('hex'),
      sessionTimerSeconds: config.sessionTimerSeconds,
    },
  });
  return { transport, transactions, userAgent, opening, isEmergency, access, domainOf };
}

/** One line when an overload begins and one when it is over, not one per refusal (README "When it is full"). */
function overloadOptions(config: Config, log: Log): OverloadOptions | undefined {
  if (!config.overloadControl) return undefined;
  return {
    targetMs: config.overloadTargetMs,
    serverHeader: SERVER_HEADER,
    errorValue: sipErrorValue(10004, 'the gateway is overloaded'),
    onChange(isOverloaded, { waitMs, callsPerSecond, totals }) {
      const fields = { waitMs: Math.round(waitMs), callsPerSecond: Math.round(callsPerSecond), ...totals };
      if (isOverloaded) log.warn(fields, 'overload: new calls are refused with 503 as far as they are too many');
      else log.info(fields, 'overload is over');
    },
  };
}

/** Makes or checks the certificates and begins to watch them; null where no TLS is wanted. */
export async function buildTls(
  config: Config,
  context: ProvisioningContext,
): Promise<Result<GatewayTls | null, string>> {
  const { sipsListen, sipsLegacyListen, sipsClientListen, httpsListen } = config;
  const listeners = sipsListen.length + sipsLegacyListen.length + sipsClientListen.length;
  if (listeners === 0 && httpsListen === null) return ok(null);
  const clientCa = readClientCa(config);
  if (!clientCa.ok) return clientCa;
  const log = context.log.child({ folder: 'certs' });
  if (sipsLegacyListen.length > 0)
    log.warn(
      { listeners: sipsLegacyListen.length },
      'TLS 1.0 and 1.1 are on (sipsLegacyListen): only for phones that know no better',
    );
  const wanted = () => ({
    directory: config.certDir,
    names: [...certificateNames(config.domainSuffix), ...config.certNames],
    addresses: [...ownAddresses(), ...(config.publicAddress === null ? [] : [config.publicAddress])],
    ...context,
    log,
  });
  const made = await ensureCertificates(wanted());
  if (!made.ok) return made;
  const source = createTlsMaterialSource({ directory: config.certDir, clock: context.clock, log });
  const loaded = source.start();
  if (!loaded.ok) return loaded;
  const forget = keepCertificates(wanted);
  const stop = () => {
    forget();
    source.stop();
  };
  return ok({ ...source, stop, clientCa: clientCa.value });
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map((one) => one.address));

/** The authority of client certificates. The error names the setting and the fix. */
function readClientCa({ sipsClientCa, sipsClientListen }: Config): Result<string | null, string> {
  if (sipsClientCa === null && sipsClientListen.length > 0)
    return err('sipsClientListen needs sipsClientCa: the authority whose certificates it asks for');
  if (sipsClientCa === null) return ok(null);
  try {
    const text = readFileSync(sipsClientCa, 'utf8');
    new X509Certificate(text);
    return ok(text);
  } catch (fault) {
    return err(`sipsClientCa ${sipsClientCa} is no PEM certificate that can be read: ${(fault as Error).message}`);
  }
}
