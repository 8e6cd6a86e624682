// Brings relays into the kernel and out of it, and reads their counters. Runs in a thread of its own (kernel-main.ts): it may wait for
// nft, which the media workers and the signalling thread may not. One nft runs at a time; whatever was asked for meanwhile goes into
// the next transaction.
//
//   asked ──transaction──▶ active ──asked to end──▶ transaction ──▶ slot free
//     └──refused──▶ failed ◀──packets come in and do not leave──┘
//
// A failed relay is given back by its worker; until then and after it user space relays.

import { networkInterfaces } from 'node:os';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { forwards } from './ability.ts';
import { type FlowCount, readCounts } from './counts.ts';
import { changeText, countedMaps, type Flow, familyOf, keysOf, type SsrcOrder } from './flow.ts';
import type { Nft } from './nft.ts';
import { type TableOptions, tableText } from './rules.ts';
import { type KernelMessage, type PlainFlow, type Slots, slotState } from './slots.ts';

export interface DriverOptions {
  readonly nft: Nft;
  /** The table exists already. */
  readonly table: TableOptions;
  readonly clock: Clock;
  readonly log: Pick<Log, 'warn' | 'error'>;
  /** Default: those of this machine. */
  readonly ownAddresses?: () => readonly string[];
  readonly forwards?: (family: 4 | 6) => boolean;
}

interface Relay {
  readonly slots: Slots;
  readonly slot: number;
  readonly flows: readonly [Flow, Flow];
  readonly keys: readonly string[];
  /** Ways that it goes: from which of our addresses to which. */
  readonly ways: readonly string[];
  state: 'asked' | 'active' | 'ending';
  /** In the kernel. */
  isEntered: boolean;
  /** Ends for a reason of its own: its worker has not given it back yet. */
  hasFailed: boolean;
}

/** Packets that may be on their way through the machine while counters are read. */
const UNDERWAY_PACKETS = 5;
/** Every so many readings, packets that left are compared with those that came. */
const WHOLE_POLLS = 5;

export class KernelDriver {
  readonly #options: DriverOptions;
  readonly #relays = new Map<string, Relay>();
  readonly #keys = new Set<string>();
  readonly #freeIds: number[];
  /** Ways on which packets were seen to leave; those on which one relay tries; those on which packets do not leave. */
  readonly #proven = new Set<string>();
  readonly #trying = new Set<string>();
  /** Until when they are not tried again. */
  readonly #blocked = new Map<string, number>();
  #working: Promise<void> | null = null;
  #pollDueMs = 0;
  #polls = 0;
  #ssrcOrder: SsrcOrder = 'both';
  #isStopped = false;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#freeIds = Array.from({ length: options.table.flows }, (_, index) => options.table.flows - index);
    this.#tick();
  }

  /** Relays in the kernel, or on their way to it or out of it. */
  get size(): number {
    return this.#relays.size;
  }

  receive(connection: number, slots: Slots, messages: readonly KernelMessage[]): void {
    for (const message of messages) {
      const key = `${connection}:${message.slot}`;
      if (message.type === 'add') this.#ask(key, slots, message.slot, message.flows);
      else this.#askEnd(key, slots, message.slot);
    }
    this.#work();
  }

  /** A worker is gone, with all that it asked for. */
  disconnected(connection: number): void {
    for (const [key, relay] of this.#relays) if (key.startsWith(`${connection}:`)) relay.state = 'ending';
    this.#work();
  }

  /** Resolves when nothing of it runs any more. The table stays: its owner removes it. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#working;
  }

  // --- what is asked for

  #ask(key: string, slots: Slots, slot: number, plain: readonly [PlainFlow, PlainFlow]): void {
    const relay = this.#relays.has(key) ? null : this.#newRelay(slots, slot, plain);
    if (!relay) return slots.setState(slot, slotState.failed);
    this.#relays.set(key, relay);
    for (const one of relay.keys) this.#keys.add(one);
    for (const way of relay.ways) if (!this.#proven.has(way)) this.#trying.add(way);
  }

  /** Null: not this one, or not now. */
  #newRelay(slots: Slots, slot: number, plain: readonly [PlainFlow, PlainFlow]): Relay | null {
    if (this.#isStopped || this.#freeIds.length < 2) return null;
    const ways = plain.map((flow) => `${flow.arrivalAddress} > ${flow.departureAddress}`);
    // Where it is not known yet whether packets get through, one call tries at a time.
    const nowMs = this.#options.clock.now();
    if (ways.some((way) => nowMs < (this.#blocked.get(way) ?? 0) || this.#trying.has(way))) return null;
    const own = (this.#options.ownAddresses ?? ownAddresses)();
    if (plain.some(({ sourceAddress }) => own.includes(sourceAddress))) return null;
    const forwarding = this.#options.forwards ?? forwards;
    const [first, second] = plain.map((flow) => ({ ...flow, id: 0, ssrcOrder: this.#ssrcOrder })) as [Flow, Flow];
    const keys = [...keysOf(first), ...keysOf(second)];
    const isTaken = new Set(keys).size < keys.length || keys.some((one) => this.#keys.has(one));
    if (isTaken || !forwarding(familyOf(first))) return null;
    const flows = [
      { ...first, id: this.#freeIds.pop()! },
      { ...second, id: this.#freeIds.pop()! },
    ] as const;
    return { slots, slot, flows, keys, ways, state: 'asked', isEntered: false, hasFailed: false };
  }

  #askEnd(key: string, slots: Slots, slot: number): void {
    const relay = this.#relays.get(key);
    if (!relay) return slots.setState(slot, slotState.free);
    relay.state = 'ending';
    relay.hasFailed = false;
  }

  #forget(key: string, relay: Relay): void {
    const isGivenBack = relay.state === 'ending' && !relay.hasFailed;
    this.#relays.delete(key);
    for (const one of relay.keys) this.#keys.delete(one);
    for (const way of relay.ways) this.#trying.delete(way);
    for (const { id } of relay.flows) this.#freeIds.push(id);
    relay.slots.setState(relay.slot, isGivenBack ? slotState.free : slotState.failed);
  }

  // --- work

  #tick(): void {
    this.#options.clock.after(limits.kernelTickMs, () => {
      if (this.#isStopped) return;
      this.#work();
      this.#tick();
    });
  }

  #work(): void {
    if (this.#working || this.#isStopped) return;
    this.#working = this.#run().finally(() => {
      this.#working = null;
    });
  }

  async #run(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#isStopped) {
      if (await this.#change()) continue;
      if (this.#relays.size === 0 || clock.now() < this.#pollDueMs) return;
      await this.#poll();
    }
  }

  #inState(state: Relay['state']): [string, Relay][] {
    const found: [string, Relay][] = [];
    for (const entry of this.#relays)
      if (entry[1].state === state && found.length < limits.kernelBatch) found.push(entry);
    return found;
  }

  /** One transaction; false: there was nothing to do. */
  async #change(): Promise<boolean> {
    const ending = this.#inState('ending');
    const asked = this.#inState('asked');
    if (ending.length + asked.length === 0) return false;
    const removed = ending.filter(([, relay]) => relay.isEntered);
    const isDone = await this.#apply(removed, asked);
    if (isDone || (await this.#oneByOne(removed, asked))) for (const entry of ending) this.#forget(...entry);
    return true;
  }

  /** True: all of it is done. */
  async #apply(removed: readonly [string, Relay][], asked: readonly [string, Relay][]): Promise<boolean> {
    const flows = (entries: readonly [string, Relay][]) => entries.flatMap(([, relay]) => relay.flows);
    const text = changeText(this.#options.table.table, flows(removed), flows(asked));
    if (text === '') return true;
    const result = await this.#options.nft(['-f', '-'], text);
    if (!result.ok) {
      this.#options.log.warn({ reason: result.error, removed: removed.length, added: asked.length }, 'nft refused');
      return false;
    }
    for (const [, relay] of removed) relay.isEntered = false;
    for (const [, relay] of asked) this.#enter(relay);
    return true;
  }

  #enter(relay: Relay): void {
    relay.isEntered = true;
    // It may have been asked to end meanwhile.
    if (relay.state !== 'asked') return;
    relay.state = 'active';
    relay.slots.setState(relay.slot, slotState.active);
  }

  /** A transaction failed: what it held goes alone, and then one by one. False: the table was not what it was, and is made anew. */
  async #oneByOne(removed: readonly [string, Relay][], asked: readonly [string, Relay][]): Promise<boolean> {
    const isThere = (await this.#isTableThere()) && (removed.length === 0 || (await this.#apply(removed, [])));
    if (!isThere) {
      await this.#renew();
      return false;
    }
    const isAlone = removed.length === 0 && asked.length === 1;
    for (const [index, entry] of asked.entries()) {
      const isTried = !isAlone && index < limits.kernelRetries;
      if (!isTried || !(await this.#apply([], [entry]))) this.#forget(...entry);
    }
    return true;
  }

  async #isTableThere(): Promise<boolean> {
    return (await this.#options.nft(['-t', 'list', 'table', 'inet', this.#options.table.table])).ok;
  }

  /** Somebody has removed or changed our table: an empty one takes its place, and all relays are user space's again. */
  async #renew(): Promise<void> {
    const { nft, table, log } = this.#options;
    const result = await nft(['-f', '-'], tableText(table));
    for (const entry of [...this.#relays]) this.#forget(...entry);
    if (result.ok) log.warn({ table: table.table }, 'our nftables table was changed by others; it was made anew');
    else log.error({ table: table.table, reason: result.error }, 'our nftables table cannot be made anew');
  }

  // --- counters

  async #poll(): Promise<void> {
    const { clock } = this.#options;
    const startedMs = clock.now();
    // What left is only looked at now and then: a listing costs as much as many packets.
    const isWhole = this.#trying.size > 0 || this.#polls % WHOLE_POLLS === 0;
    this.#polls += 1;
    const active = [...this.#relays.values()].filter((relay) => relay.isEntered);
    const counts = await this.#counts(
      active.flatMap((relay) => relay.flows),
      isWhole,
    );
    const takenMs = clock.now() - startedMs;
    const everyMs = this.#trying.size > 0 ? limits.kernelTrialPollMs : limits.kernelPollMs;
    // A listing that takes long is asked for less often: three quarters of the time are left for changes.
    this.#pollDueMs = clock.now() + Math.max(everyMs - takenMs, 3 * takenMs);
    if (!counts) return this.#renew();
    for (const relay of active) {
      for (const index of [0, 1] as const) {
        const { arrived, arrivedBytes, departed, ssrcOrder } = counts.get(relay.flows[index].id)!;
        relay.slots.setCounts(relay.slot, index, arrived, arrivedBytes);
        if (ssrcOrder) this.#ssrcOrder = ssrcOrder;
        if (isWhole) this.#judge(relay, index, arrived, departed);
      }
      relay.slots.countRead(relay.slot);
    }
  }

  /** Undefined: the table is not what it was. */
  async #counts(flows: readonly Flow[], isWhole: boolean): Promise<Map<number, FlowCount> | undefined> {
    const maps = flows.map(countedMaps);
    // What came before what left: packets in between do not look as if they had been dropped.
    const names = new Set([
      ...maps.map(({ arrived }) => arrived),
      ...(isWhole ? maps.map(({ departed }) => departed) : []),
    ]);
    const listings: string[] = [];
    for (const name of names) {
      const listed = await this.#options.nft(['-j', 'list', 'map', 'inet', this.#options.table.table, name]);
      if (!listed.ok) return undefined;
      listings.push(listed.value);
    }
    return readCounts(listings, flows);
  }

  #judge(relay: Relay, index: 0 | 1, arrived: number, departed: number): void {
    const way = relay.ways[index]!;
    if (departed > 0 && !this.#proven.has(way)) {
      this.#proven.add(way);
      this.#trying.delete(way);
    }
    if (arrived - departed <= UNDERWAY_PACKETS || relay.state !== 'active') return;
    const flow = relay.flows[index];
    const detail = { from: flow.arrivalAddress, to: flow.departureAddress, target: flow.targetAddress };
    this.#options.log.warn(
      { ...detail, arrived, departed },
      'the kernel drops relayed packets (a forward chain of the firewall? no route?); these calls are relayed in user space',
    );
    if (!this.#proven.has(way)) this.#blocked.set(way, this.#options.clock.now() + limits.kernelBlockedMs);
    relay.state = 'ending';
    relay.hasFailed = true;
    relay.slots.setState(relay.slot, slotState.failed);
  }
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address));
}
