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
  /** By default the system's interfaces. */
  readonly readInterfaces?: () => readonly LocalAddress[];
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
