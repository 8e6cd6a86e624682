// What the dispatcher knows of mixers: which exist, who is in them, and which workers take part. Each worker with members mixes them
// itself; one of the workers, the mixer's home, also plays to the room and records it.
//
//   worker 0 (home): members, plays, recordings ◀══ rings ══▶ worker 1: members

import type { MixerId, MixerMember } from './engine-audio.ts';
import type { EndpointId, PlayId, PlayOptions } from './engine-plays.ts';
import { DEFAULT_JITTER_MS } from './mixer-member.ts';
import type { MixerCommand } from './mixer-messages.ts';

const JITTER_MAX_MS = 100;

/** What the directory asks of the dispatcher. */
export interface MixerHost {
  send(worker: number, command: MixerCommand): void;
  /** Worker and seat of an open endpoint. */
  place(endpoint: EndpointId): { readonly worker: number; readonly seat: number } | undefined;
  /** The worker with the least to do, other than `not`. */
  leastLoaded(not: number | null): number;
}

interface Member {
  readonly worker: number;
  readonly seat: number;
}

interface MixerEntry {
  readonly id: MixerId;
  readonly number: number;
  readonly members: Map<EndpointId, Member>;
  readonly plays: Set<PlayId>;
  home: number;
  /** The home and those of all members. */
  workers: ReadonlySet<number>;
}

export class MixerDirectory {
  readonly #host: MixerHost;
  readonly #mixers = new Map<MixerId, MixerEntry>();
  readonly #mixerOf = new Map<EndpointId, MixerEntry>();

  constructor(host: MixerHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#mixers.size;
  }

  get members(): number {
    return this.#mixerOf.size;
  }

  has(id: MixerId): boolean {
    return this.#mixers.has(id);
  }

  /** Where the whole room is heard: worker and number of the mixer there. */
  homeOf(id: MixerId): { readonly worker: number; readonly mixer: number } | undefined {
    const entry = this.#mixers.get(id);
    return entry && { worker: entry.home, mixer: entry.number };
  }

  create(number: number, near: EndpointId | undefined): MixerId {
    const id = `mixer-${number}`;
    const home = (near === undefined ? undefined : this.#host.place(near)?.worker) ?? this.#host.leastLoaded(null);
    const entry = { id, number, members: new Map(), plays: new Set<PlayId>(), home, workers: new Set<number>() };
    this.#mixers.set(id, entry);
    this.#spread(entry);
    return id;
  }

  /** Ends a mixer; returns the plays that it ended. */
  remove(id: MixerId): readonly PlayId[] {
    const entry = this.#mixers.get(id);
    if (!entry) return [];
    this.#mixers.delete(id);
    for (const endpoint of entry.members.keys()) this.#mixerOf.delete(endpoint);
    for (const worker of entry.workers) this.#host.send(worker, { type: 'endMixer', mixer: entry.number });
    return [...entry.plays];
  }

  join(id: MixerId, endpoint: EndpointId, member: MixerMember): void {
    const entry = this.#mixers.get(id);
    const place = this.#host.place(endpoint);
    if (!entry || !place) return;
    if (this.#mixerOf.get(endpoint) !== entry) {
      this.leave(endpoint);
      this.#mixerOf.set(endpoint, entry);
      entry.members.set(endpoint, { worker: place.worker, seat: place.seat });
      this.#spread(entry);
    }
    this.#seat(entry, endpoint, member);
  }

  /** Of nobody who is not in this mixer. */
  update(id: MixerId, endpoint: EndpointId, member: MixerMember): void {
    const entry = this.#mixers.get(id);
    if (entry?.members.has(endpoint)) this.#seat(entry, endpoint, member);
  }

  /** Takes an endpoint out of the mixer that it is in (of `from` only, where given). */
  leave(endpoint: EndpointId, from?: MixerId): void {
    const entry = this.#mixerOf.get(endpoint);
    if (!entry || (from !== undefined && entry.id !== from)) return;
    const { worker } = entry.members.get(endpoint)!;
    this.#mixerOf.delete(endpoint);
    entry.members.delete(endpoint);
    this.#host.send(worker, { type: 'unseat', mixer: entry.number, endpoint });
    this.#spread(entry);
  }

  /** False when there is no such mixer. */
  play(id: MixerId, play: PlayId, options: PlayOptions): boolean {
    const entry = this.#mixers.get(id);
    if (!entry) return false;
    entry.plays.add(play);
    this.#spread(entry);
    this.#host.send(entry.home, { type: 'playToMixer', mixer: entry.number, id, play, options });
    return true;
  }

  stopPlay(id: MixerId, play: PlayId): void {
    const entry = this.#mixers.get(id);
    if (entry) this.#host.send(entry.home, { type: 'stopMixerPlay', mixer: entry.number, play });
  }

  /** False when the play had been ended here before. */
  playEnded(id: MixerId, play: PlayId): boolean {
    return this.#mixers.get(id)?.plays.delete(play) ?? false;
  }

  /** A worker is gone with its members (who were forgotten). Mixers that had their home there get another; returns the plays lost. */
  workerFailed(worker: number): { readonly id: MixerId; readonly play: PlayId }[] {
    const lost: { id: MixerId; play: PlayId }[] = [];
    for (const entry of this.#mixers.values()) {
      entry.workers = new Set([...entry.workers].filter((other) => other !== worker));
      if (entry.home !== worker) continue;
      lost.push(...[...entry.plays].map((play) => ({ id: entry.id, play })));
      entry.plays.clear();
      const [member] = entry.members.values();
      entry.home = member?.worker ?? this.#host.leastLoaded(worker);
      this.#spread(entry);
    }
    return lost;
  }

  clear(): void {
    this.#mixers.clear();
    this.#mixerOf.clear();
  }

  #seat(entry: MixerEntry, endpoint: EndpointId, { isHeard, hears, coaches, jitterMs }: MixerMember): void {
    const { worker, seat } = entry.members.get(endpoint)!;
    // 0 is no seat: who coaches an endpoint that is gone is heard by nobody.
    const coached = coaches === null ? null : (this.#host.place(coaches)?.seat ?? 0);
    const depthMs = Math.max(0, Math.min(JITTER_MAX_MS, jitterMs ?? DEFAULT_JITTER_MS));
    const options = { isHeard, hears, coaches: coached, jitterMs: depthMs };
    this.#host.send(worker, { type: 'seat', mixer: entry.number, endpoint, seat, options });
  }

  /** Tells all workers of a mixer of each other, and ends it where nobody is left. */
  #spread(entry: MixerEntry): void {
    const workers = new Set([entry.home, ...[...entry.members.values()].map(({ worker }) => worker)]);
    const { id, number, workers: before } = entry;
    entry.workers = workers;
    for (const worker of before) {
      if (!workers.has(worker)) this.#host.send(worker, { type: 'endMixer', mixer: number });
    }
    // Also to those who should know: one that was started again meanwhile does not.
    for (const worker of workers) {
      const others = [...workers].filter((other) => other !== worker);
      this.#host.send(worker, { type: 'setMixer', mixer: number, id, workers: others });
    }
  }
}
