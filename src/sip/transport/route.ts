// Which local address the kernel would use towards a peer. Node has no call for that, but a connected UDP socket knows it:
// connecting sends nothing. Answers are kept for a few seconds, since every new call asks.

import { createSocket } from 'node:dgram';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import { familyOf, normalizeAddress } from './addresses.ts';

interface KnownRoute {
  readonly localAddress: Promise<string | undefined>;
  readonly expiresAt: number;
}

/** Any port will do: nothing is sent. */
const DISCARD_PORT = 9;

export class Routes {
  readonly #clock: Clock;
  readonly #known = new Map<string, KnownRoute>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The local address towards `remoteAddress`; undefined when there is no route. Never rejects. */
  localAddressFor(remoteAddress: string): Promise<string | undefined> {
    const now = this.#clock.now();
    const known = this.#known.get(remoteAddress);
    if (known && now < known.expiresAt) return known.localAddress;
    const localAddress = askKernel(remoteAddress);
    if (this.#known.size >= limits.routesCached) this.#known.clear();
    this.#known.set(remoteAddress, { localAddress, expiresAt: now + limits.interfacesRereadMs });
    return localAddress;
  }

  /** Addresses changed: ask again. */
  clear(): void {
    this.#known.clear();
  }
}

function askKernel(remoteAddress: string): Promise<string | undefined> {
  const family = familyOf(remoteAddress);
  if (!family) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', lookup: literalLookup });
    const finish = (address: string | undefined) => {
      resolve(address);
      socket.removeAllListeners('error').on('error', () => {});
      socket.close();
    };
    socket.on('error', () => finish(undefined));
    try {
      socket.connect(DISCARD_PORT, remoteAddress, () => finish(normalizeAddress(socket.address().address)));
    } catch {
      finish(undefined);
    }
  });
}

/** The address is a literal always: no resolver, no detour through the next tick. */
export function literalLookup(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, address.includes(':') ? 6 : 4);
}
