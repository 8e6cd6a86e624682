// What the dispatcher knows of bridges: which exist and whom they join. Both ends in one core are joined there; else each core is told
// to link its end with the other's worker (bridge.ts).

import type { BridgeId, EndpointId } from './engine-plays.ts';
import type { CoreCommand } from './messages.ts';

/** What the directory asks of the dispatcher. */
export interface BridgeHost {
  send(worker: number, command: CoreCommand): void;
  /** Worker of an open endpoint. */
  place(endpoint: EndpointId): { readonly worker: number } | undefined;
}

interface BridgeEntry {
  readonly number: number;
  readonly a: EndpointId;
  readonly b: EndpointId;
}

export class BridgeDirectory {
  readonly #host: BridgeHost;
  readonly #bridges = new Map<BridgeId, BridgeEntry>();
  readonly #bridgeOf = new Map<EndpointId, BridgeId>();

  constructor(host: BridgeHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#bridges.size;
  }

  /** Joins two open endpoints, which leave the bridges that they are in. */
  join(id: BridgeId, number: number, a: EndpointId, b: EndpointId): void {
    const first = this.#host.place(a);
    const second = this.#host.place(b);
    if (!first || !second) return;
    this.leave(a);
    this.leave(b);
    this.#bridges.set(id, { number, a, b });
    this.#bridgeOf.set(a, id);
    this.#bridgeOf.set(b, id);
    if (first.worker === second.worker) {
      this.#host.send(first.worker, { type: 'join', bridge: number, a, b });
    } else {
      this.#host.send(first.worker, { type: 'link', bridge: number, endpoint: a, worker: second.worker });
      this.#host.send(second.worker, { type: 'link', bridge: number, endpoint: b, worker: first.worker });
    }
  }

  end(id: BridgeId): void {
    const entry = this.#bridges.get(id);
    if (!entry) return;
    this.#bridges.delete(id);
    const workers = new Set<number>();
    for (const endpoint of [entry.a, entry.b]) {
      this.#bridgeOf.delete(endpoint);
      const place = this.#host.place(endpoint);
      if (place) workers.add(place.worker);
    }
    for (const worker of workers) this.#host.send(worker, { type: 'unjoin', bridge: entry.number });
  }

  /** Ends the bridge that an endpoint is in. */
  leave(endpoint: EndpointId): void {
    const id = this.#bridgeOf.get(endpoint);
    if (id !== undefined) this.end(id);
  }

  clear(): void {
    this.#bridges.clear();
    this.#bridgeOf.clear();
  }
}
