// Loads the addon, and says why it cannot be. It is built by `npm run build:native` only; nothing else needs it.

import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { err, ok, type Result } from '../../base/result.ts';

/** An engine of the addon: a thread with its sockets. */
export type AddonEngine = { readonly addonEngine: unique symbol };

/** The functions of addon.c. Tokens and relays are numbers above 0. */
export interface Addon {
  readonly version: number;
  /** Whether this Node has the functions that SRTP needs. */
  readonly hasSrtp: boolean;
  /** `wake` is called when records wait; `dscp`, 0 to 63, is on all packets that its sockets send. */
  open(wake: () => void, dscp: number): AddonEngine | undefined;
  /** Ends the thread, closes all sockets. */
  close(engine: AddonEngine): void;
  /** Token, or the name of the error. */
  bind(engine: AddonEngine, address: string, port: number): number | string;
  closeSocket(engine: AddonEngine, token: number): void;
  send(engine: AddonEngine, token: number, packet: Uint8Array, address?: string, port?: number): boolean;
  connect(engine: AddonEngine, token: number, address: string, port: number): boolean;
  disconnect(engine: AddonEngine, token: number): boolean;
  drain(engine: AddonEngine): Buffer | undefined;
  take(engine: AddonEngine, first: number, second: number, directions: Buffer): number;
  counters(engine: AddonEngine, relay: number, into: Float64Array, ends: boolean): boolean;
}

/** Of the layout of records, directions and counters: an addon of another version is not used. */
const ADDON_VERSION = 1;

/** Where `npm run build:native` puts it; the same for the source and for the built program. */
export const NATIVE_ADDON = fileURLToPath(new URL('../../../build/native/media.node', import.meta.url));

/** The addon in `file`. An error says what is wrong with it, in words for the log. */
export function loadAddon(file: string): Result<Addon, string> {
  if (process.platform !== 'linux') return err('it is for Linux only');
  if (!existsSync(file)) return err('it is not built: npm run build:native');
  try {
    const addon = createRequire(import.meta.url)(file) as Partial<Addon>;
    if (addon.version !== ADDON_VERSION) return err('it is of another version: npm run build:native');
    return ok(addon as Addon);
  } catch (fault) {
    return err(`it cannot be loaded: ${fault instanceof Error ? fault.message : String(fault)}`);
  }
}
