// Entry of the thread that drives the kernel's relays. It gets a port from each media worker, with the memory of its slots; the thread
// that started it owns the table, before and after.

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { realClock } from '../../base/clock.ts';
import type { LogFields, LogLevel } from '../../base/log.ts';
import { KernelDriver } from './driver.ts';
import { runsNft } from './nft.ts';
import type { TableOptions } from './rules.ts';
import { type KernelMessage, Slots } from './slots.ts';

export interface KernelThreadSettings {
  /** Path of nft. */
  readonly program: string;
  readonly table: TableOptions;
}

export type ToKernelThread =
  | { readonly type: 'connect'; readonly port: MessagePort; readonly memory: SharedArrayBuffer }
  | { readonly type: 'stop' };

export type FromKernelThread =
  | { readonly type: 'stopped' }
  | {
      readonly type: 'log';
      readonly level: 'info' | 'warn' | 'error';
      readonly fields: LogFields;
      readonly message: string;
    };

function run(parent: NonNullable<typeof parentPort>, { program, table }: KernelThreadSettings): void {
  const tell = (message: FromKernelThread) => parent.postMessage(message);
  const write = (level: Extract<LogLevel, 'info' | 'warn' | 'error'>) => (fields: LogFields, message: string) =>
    tell({ type: 'log', level, fields, message });
  const log = { info: write('info'), warn: write('warn'), error: write('error') };
  const driver = new KernelDriver({ nft: runsNft(program), table, clock: realClock, log });
  let connections = 0;
  parent.on('message', (message: ToKernelThread) => {
    if (message.type === 'stop') return void driver.stop().then(() => tell({ type: 'stopped' }));
    connections += 1;
    const connection = connections;
    const slots = new Slots(message.memory);
    message.port.on('message', (messages: readonly KernelMessage[]) => driver.receive(connection, slots, messages));
    message.port.on('close', () => driver.disconnected(connection));
  });
}

if (parentPort) run(parentPort, workerData as KernelThreadSettings);
