// How endpoints come to be: which core is asked, which place in its statistics table is free, and who waits for its answer. The
// dispatcher owns it.

import { err, ok, type Result } from '../base/result.ts';
import type { EndpointInfo, EndpointOptions } from './engine.ts';
import type { EndpointId } from './engine-plays.ts';
import type { CoreCommand, OpenFailure } from './messages.ts';

type Opened = Result<{ readonly rtpPort: number; readonly rtcpPort: number }, OpenFailure>;

interface PendingOpen {
  readonly worker: number;
  readonly resolve: (result: Opened) => void;
}

/** Where an endpoint lives. */
export interface Place {
  readonly worker: number;
  /** In the worker's statistics table. */
  readonly slot: number;
  /** What frames between workers call it; not 0. */
  readonly seat: number;
}

/** What the dispatcher knows. */
export interface OpeningsHost {
  isRunning(): boolean;
  place(endpoint: EndpointId): Place | undefined;
  send(worker: number, command: CoreCommand): void;
  nextSerial(): number;
}

const STOPPED: OpenFailure = { code: 'stopped', detail: 'media engine is not running' };

export class Openings {
  readonly #host: OpeningsHost;
  readonly #slots: readonly number[];
  /** Of each worker. */
  readonly #freeSlots: number[][];
  readonly #pending = new Map<number, PendingOpen>();

  /** `slots`: of each worker's table. */
  constructor(host: OpeningsHost, slots: readonly number[]) {
    this.#host = host;
    this.#slots = slots;
    // Taken from the end: the lowest slot first.
    this.#freeSlots = slots.map((count) => Array.from({ length: count }, (_, index) => count - 1 - index));
  }

  /** Opens an endpoint in the first core that has room. */
  async open(options: EndpointOptions): Promise<Result<{ info: EndpointInfo; place: Place }, OpenFailure>> {
    let failure = STOPPED;
    for (const worker of this.#order(options)) {
      if (!this.#host.isRunning()) return err(STOPPED);
      const opened = await this.#openIn(worker, options);
      if (opened.ok) return opened;
      failure = opened.error;
      // The address is as wrong for the others; ports they may have.
      if (failure.code === 'noAddress') break;
    }
    return err(failure);
  }

  /** The endpoint of this place is closed. Commands keep their order: the core closes it before it sees a new one in its slot. */
  release({ worker, slot }: Place): void {
    this.#freeSlots[worker]!.push(slot);
  }

  answered(request: number, result: Opened): void {
    this.#pending.get(request)?.resolve(result);
    this.#pending.delete(request);
  }

  workerFailed(worker: number): void {
    for (const [request, pending] of this.#pending) {
      if (pending.worker === worker) this.answered(request, err({ code: 'stopped', detail: 'media worker failed' }));
    }
  }

  /** Workers, the one with the least to do first. */
  byLoad(): number[] {
    // A slot is taken from the moment that an endpoint is asked for.
    const load = this.#freeSlots.map((free, worker) => this.#slots[worker]! - free.length);
    return load.map((_, worker) => worker).sort((a, b) => load[a]! - load[b]!);
  }

  /** Order in which cores are asked: the one of `near`, then by load. */
  #order({ near }: EndpointOptions): number[] {
    const preferred = near === undefined ? undefined : this.#host.place(near)?.worker;
    const order = this.byLoad();
    return preferred === undefined ? order : [preferred, ...order.filter((worker) => worker !== preferred)];
  }

  async #openIn(
    worker: number,
    { localAddress, callSid }: EndpointOptions,
  ): Promise<Result<{ info: EndpointInfo; place: Place }, OpenFailure>> {
    const slot = this.#freeSlots[worker]!.pop();
    if (slot === undefined) return err({ code: 'noPorts', detail: 'no free endpoint in this worker' });
    const request = this.#host.nextSerial();
    const id = `${worker}-${request}`;
    const opened = await new Promise<Opened>((resolve) => {
      this.#pending.set(request, { worker, resolve });
      this.#host.send(worker, { type: 'open', request, endpoint: id, slot, localAddress, callSid });
    });
    const place = { worker, slot, seat: request };
    if (opened.ok) return ok({ info: { id, localAddress, ...opened.value }, place });
    this.release(place);
    return opened;
  }
}
