// What gateway.ts hands to the transport, and the port through which TLS material comes (certs/ implements it).

import type { Clock } from '../../base/clock.ts';
import type { Unsubscribe } from '../../base/emitter.ts';
import type { RandomSource } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import type { LocalAddress } from './addresses.ts';

export interface ListenAddress {
  /** An address of this machine, or `::` / `0.0.0.0` for all of one family. No brackets needed. */
  readonly address: string;
  /** 0 takes a free one; UDP and TCP of one listener then share it. */
  readonly port: number;
  /** Overrides `TransportOptions.publicAddress` for this listener. */
  readonly publicAddress?: string | null;
}

export interface TlsMaterial {
  /** PEM texts; an RSA and an EC pair are offered together. */
  readonly pairs: readonly { readonly cert: string; readonly key: string }[];
  readonly ca: string | null;
}

export interface TlsMaterialSource {
  current(): TlsMaterial;
  onChange(listener: (material: TlsMaterial) => void): Unsubscribe;
}

export interface OutgoingTls {
  /** RFC 5922: refuse peers whose certificate does not verify or does not name the URI host. */
  readonly verify: boolean;
  /** PEM of further roots beside the system's; null for none. */
  readonly ca: string | null;
}

export interface TransportOptions {
  /** UDP and TCP. */
  readonly sipListen: readonly ListenAddress[];
  /** TLS. */
  readonly sipsListen: readonly ListenAddress[];
  /** TLS 1.0 and 1.1 too, each a listener of its own. */
  readonly sipsLegacyListen?: readonly ListenAddress[];
  /** TLS for peers with a client certificate, each a listener of its own. With any of these, `clientCa` counts for them alone. */
  readonly sipsClientListen?: readonly ListenAddress[];
  /** PEM of the authorities whose client certificates TLS peers must show; null or absent: none is asked for. */
  readonly clientCa?: string | null;
  /** Address or name told to peers outside `localNetworks`; null: the local address. */
  readonly publicAddress: string | null;
  /** CIDR blocks; null: loopback and the private ranges that are on an interface (design.md 4). */
  readonly localNetworks: readonly string[] | null;
  /** Names of this gateway besides its addresses, lower case. */
  readonly ownNames: readonly string[];
  /** May be null only when `sipsListen` is empty. */
  readonly tls: TlsMaterialSource | null;
  readonly outgoingTls: OutgoingTls;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: RandomSource;
  /** Absent: everything is served as it comes. */
  readonly overload?: OverloadOptions | undefined;
  /** By default the system's interfaces. */
  readonly readInterfaces?: () => readonly LocalAddress[];
}

/** When more comes than can be served (intake.ts). */
export interface OverloadOptions {
  /** How long a new call may wait for its turn while more come. */
  readonly targetMs: number;
  /** Of a refusal: Server, and X-Twilio-Error where a call is refused. */
  readonly serverHeader: string;
  readonly errorValue: string;
  /** Once when it begins, and once when it is over. */
  readonly onChange: (isOverloaded: boolean, report: OverloadReport) => void;
}

export interface OverloadReport {
  readonly isOverloaded: boolean;
  /** How long the last new call had waited. */
  readonly waitMs: number;
  /** New calls that are let in, per second, while others wait. */
  readonly callsPerSecond: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Since the start: refused by kind, repeated refusals, dropped in silence, ACKs of refusals. */
  readonly totals: Readonly<Record<'invite' | 'register' | 'other' | 'repeated' | 'dropped' | 'acks', number>>;
}

/** What happened to flows and datagrams, by cause (design.md 5.4). */
export type TransportEvent =
  | 'keepAliveReceived'
  | 'unparsable'
  | 'deliveryFault'
  | 'udpSocketError'
  | 'udpSendFailed'
  | 'refusedPerSource'
  | 'refusedTotal'
  | 'handshakeFailed'
  | 'handshakeTimeout'
  | 'idleClosed'
  | 'partialMessageClosed'
  | 'sendQueueClosed'
  | 'framingClosed'
  | 'connectFailed';

export type EventCounter = (event: TransportEvent) => void;
