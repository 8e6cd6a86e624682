// The kernel's part in media: our nftables table from the start of the gateway to its end, with the rules that mark packets and the maps
// that relay them (rules.ts). What this machine does not allow is said once, and done without.

import { extname } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { limits } from '../../base/limits.ts';
import type { Log } from '../../base/log.ts';
import { kernelAbility } from './ability.ts';
import { type Claim, claim, removeAbandoned, TABLE_PREFIX } from './claim.ts';
import type { FromKernelThread, KernelThreadSettings, ToKernelThread } from './kernel-main.ts';
import { type Nft, nftProgram } from './nft.ts';
import { removalText, type TableOptions, tableText } from './rules.ts';
import { type KernelLink, slotMemory } from './slots.ts';

export interface KernelServiceOptions {
  /** `on` and `auto` differ in what is said where it is not possible. */
  readonly relay: 'off' | 'auto' | 'on';
  readonly mediaPorts: { readonly first: number; readonly last: number };
  readonly mediaDscp: number | null;
  readonly signallingDscp: number | null;
  readonly sipPorts: readonly number[];
  readonly log: Log;
  readonly clock: Clock;
}

export interface KernelService {
  /** The end of a new media worker; null: the kernel relays nothing. */
  connect(): KernelLink | null;
  /** After the media workers. Removes the table. */
  stop(): Promise<void>;
}

const NOTHING: KernelService = { connect: () => null, stop: async () => {} };
const STOP_DEADLINE_MS = 3_000;

/** Never fails: media does without. */
export async function startKernelService(options: KernelServiceOptions): Promise<KernelService> {
  const { relay, mediaDscp, signallingDscp, log } = options;
  const marks = mediaDscp !== null || signallingDscp !== null;
  if (relay === 'off' && !marks) return NOTHING;
  const ability = await kernelAbility();
  if (marks && !ability.marks.ok) log.warn({ reason: ability.marks.error }, 'packets are not marked with DSCP');
  const relays = relay !== 'off' && ability.relays.ok;
  if (relay !== 'off' && !ability.relays.ok) {
    log[relay === 'on' ? 'warn' : 'info']({ reason: ability.relays.error }, 'media is relayed in user space only');
  }
  if (!ability.nft || !(relays || marks)) return NOTHING;
  const table = tableOf(options, relays);
  const installed = await install(ability.nft, table, log);
  if (!installed) return NOTHING;
  log.info({ table: table.table, relays, mediaDscp, signallingDscp }, 'nftables rules are in place');
  return new RunningService(ability.nft, table, installed, options);
}

function tableOf(
  { mediaPorts, mediaDscp, signallingDscp, sipPorts }: KernelServiceOptions,
  relays: boolean,
): TableOptions {
  // Two flows per bridge, which has four ports.
  const flows = Math.min(2 * limits.kernelRelays, Math.floor((mediaPorts.last - mediaPorts.first + 1) / 2));
  const table = `${TABLE_PREFIX}${mediaPorts.first}`;
  return { table, mediaPorts, flows: relays ? flows : 0, mediaDscp, signallingDscp, sipPorts };
}

async function install(nft: Nft, table: TableOptions, log: Log): Promise<Claim | null> {
  const abandoned = await removeAbandoned(nft);
  if (abandoned.length > 0) log.warn({ tables: abandoned }, 'nftables tables of a gateway that is gone are removed');
  const held = await claim(table.table);
  if (!held) {
    log.warn({ table: table.table }, 'another gateway on this host has the same first media port: no rules are made');
    return null;
  }
  const result = await nft(['-f', '-'], tableText(table));
  if (result.ok) return held;
  held.release();
  log.warn({ table: table.table, reason: result.error }, 'nftables rules cannot be made');
  return null;
}

class RunningService implements KernelService {
  readonly #nft: Nft;
  readonly #table: TableOptions;
  readonly #claim: Claim;
  readonly #options: KernelServiceOptions;
  #worker: Worker | null = null;
  #onStopped = (): void => {};
  #isStopping = false;

  constructor(nft: Nft, table: TableOptions, held: Claim, options: KernelServiceOptions) {
    this.#nft = nft;
    this.#table = table;
    this.#claim = held;
    this.#options = options;
    if (table.flows > 0) this.#startThread();
  }

  connect(): KernelLink | null {
    if (!this.#worker || this.#isStopping) return null;
    const { port1, port2 } = new MessageChannel();
    const memory = slotMemory(Math.floor(this.#table.flows / 2));
    this.#worker.postMessage({ type: 'connect', port: port2, memory } satisfies ToKernelThread, [port2]);
    return { port: port1, memory };
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    await this.#stopThread();
    const removed = await this.#nft(['-f', '-'], removalText(this.#table.table));
    if (!removed.ok) this.#options.log.warn({ reason: removed.error }, 'our nftables table cannot be removed');
    this.#claim.release();
  }

  #startThread(): void {
    const url = new URL(`./kernel-main${extname(import.meta.url)}`, import.meta.url);
    const settings: KernelThreadSettings = { program: nftProgram()!, table: this.#table };
    const worker = new Worker(url, { workerData: settings, name: 'kernel' });
    this.#worker = worker;
    const { log } = this.#options;
    worker.on('message', (message: FromKernelThread) => {
      if (message.type === 'stopped') this.#onStopped();
      else log[message.level](message.fields, message.message);
    });
    worker.on('error', (fault) => log.error({ reason: String(fault) }, 'the thread of the kernel relay failed'));
    worker.on('exit', () => {
      this.#worker = null;
      this.#onStopped();
      // What is in the kernel would stay there: an empty table takes its place.
      if (!this.#isStopping) void this.#nft(['-f', '-'], tableText({ ...this.#table, flows: 0 }));
    });
  }

  async #stopThread(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    const stopped = new Promise<void>((resolve) => {
      this.#onStopped = resolve;
    });
    worker.postMessage({ type: 'stop' } satisfies ToKernelThread);
    const deadline = this.#options.clock.after(STOP_DEADLINE_MS, this.#onStopped);
    await stopped;
    deadline.cancel();
    await worker.terminate();
  }
}
