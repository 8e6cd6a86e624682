// Which forks run, from which endpoint to which: the dispatcher's part of fork.ts. A fork ends when it is closed or one of its two
// endpoints is.

import type { AudioTrack, ForkId } from './engine-audio.ts';
import type { EndpointId } from './engine-plays.ts';
import type { CoreCommand } from './messages.ts';

/** What the dispatcher knows. */
export interface ForkHost {
  place(endpoint: EndpointId): { readonly worker: number } | undefined;
  send(worker: number, command: CoreCommand): void;
  nextSerial(): number;
}

interface RunningFork {
  readonly number: number;
  readonly from: EndpointId;
  readonly to: EndpointId;
  readonly fromWorker: number;
  readonly toWorker: number;
}

export class ForkDirectory {
  readonly #host: ForkHost;
  readonly #forks = new Map<ForkId, RunningFork>();

  constructor(host: ForkHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#forks.size;
  }

  open(from: EndpointId, track: AudioTrack, to: EndpointId): ForkId {
    const number = this.#host.nextSerial();
    const id = `fork-${number}`;
    const fromWorker = this.#host.place(from)?.worker;
    const toWorker = this.#host.place(to)?.worker;
    if (fromWorker === undefined || toWorker === undefined) return id;
    this.#forks.set(id, { number, from, to, fromWorker, toWorker });
    if (fromWorker !== toWorker) this.#host.send(toWorker, { type: 'forkInlet', endpoint: to, fork: number });
    const worker = fromWorker === toWorker ? null : toWorker;
    this.#host.send(fromWorker, { type: 'fork', endpoint: from, fork: number, track, to, worker });
    return id;
  }

  close(id: ForkId): void {
    const fork = this.#forks.get(id);
    if (!fork) return;
    this.#forks.delete(id);
    const { number, from, fromWorker, toWorker } = fork;
    this.#host.send(fromWorker, { type: 'closeFork', endpoint: from, fork: number });
    if (fromWorker !== toWorker) this.#host.send(toWorker, { type: 'unjoin', bridge: number });
  }

  /** An endpoint was closed. */
  forget(endpoint: EndpointId): void {
    for (const [id, { from, to }] of this.#forks) if (from === endpoint || to === endpoint) this.close(id);
  }

  clear(): void {
    this.#forks.clear();
  }
}
