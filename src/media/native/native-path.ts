// The media thread of the addon as a core sees it: a socket factory whose datagrams come in batches, and a fast path that relays
// between those sockets. All decisions stay with the core; nothing of the addon is known outside this folder.
//
//   core ──bind, send, connect──▶ socket ◀── media thread ──▶ relay to the other socket
//     ◀──packets, copies of telephone events, errors── queue ◀──┘ what is not for a relay

import { err, ok, type Result } from '../../base/result.ts';
import type { FastCounts, FastPair, FastPath, FastRelay } from '../fast-path.ts';
import {
  type BindFailure,
  bindFailures,
  type MediaSocket,
  type SocketFactory,
  type SocketHandlers,
} from '../sockets.ts';
import type { Addon, AddonEngine } from './addon.ts';
import { COUNTER_NUMBERS, DIRECTION_BYTES, readCount, writeDirection } from './layout.ts';
import { NativeSocket } from './native-socket.ts';
import { readToken, recordEnd } from './records.ts';

/** RFC 4594 4.1: expedited forwarding, for telephony. */
const EXPEDITED = 46;

export class NativeMedia implements SocketFactory, FastPath {
  readonly #addon: Addon;
  readonly #engine: AddonEngine;
  readonly #sockets = new Map<number, NativeSocket>();
  readonly #directions = Buffer.alloc(2 * DIRECTION_BYTES);
  readonly #counters = new Float64Array(2 * COUNTER_NUMBERS);
  #isClosed = false;

  private constructor(addon: Addon, engine: AddonEngine) {
    this.#addon = addon;
    this.#engine = engine;
  }

  /** Starts the thread, whose sockets mark packets with `dscp`. An error when the machine has none to give. */
  static open(addon: Addon, dscp = EXPEDITED): Result<NativeMedia, string> {
    let media: NativeMedia | undefined;
    const engine = addon.open(() => media?.settle(), dscp);
    if (!engine) return err('the media thread did not start');
    media = new NativeMedia(addon, engine);
    return ok(media);
  }

  /** Ends the thread and closes all sockets. Idempotent; with its worker it ends anyway. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const socket of [...this.#sockets.values()]) socket.close();
    this.#addon.close(this.#engine);
  }

  async bind(address: string, port: number, handlers: SocketHandlers): Promise<Result<MediaSocket, BindFailure>> {
    if (this.#isClosed) return err({ code: 'failed', detail: 'closed' });
    const token = this.#addon.bind(this.#engine, address, port);
    if (typeof token === 'string') return err({ code: bindFailures[token] ?? 'failed', detail: token });
    const onClose = () => this.#sockets.delete(token);
    const socket = new NativeSocket(this.#addon, this.#engine, token, handlers, onClose);
    this.#sockets.set(token, socket);
    return ok(socket);
  }

  /** Hands on what the thread has left for this side. */
  settle(): void {
    const batch = this.#isClosed ? undefined : this.#addon.drain(this.#engine);
    if (!batch) return;
    for (let at = 0; at < batch.length; at = recordEnd(batch, at)) {
      // A socket that was closed meanwhile has nobody to hear it.
      this.#sockets.get(readToken(batch, at))?.received(batch, at);
    }
  }

  take({ directions }: FastPair): FastRelay | null {
    const [there, back] = directions;
    const hasKeys = directions.some(({ receiveCrypto, sendCrypto }) => receiveCrypto || sendCrypto);
    const [first, second] = [there.from.socket, there.to.socket];
    if (!(first instanceof NativeSocket && second instanceof NativeSocket)) return null;
    if (this.#isClosed || (hasKeys && !this.#addon.hasSrtp)) return null;
    writeDirection(this.#directions, 0, there);
    writeDirection(this.#directions, DIRECTION_BYTES, back);
    const relay = this.#addon.take(this.#engine, first.token, second.token, this.#directions);
    // Also so that keys do not lie about.
    this.#directions.fill(0);
    return relay === 0 ? null : this.#relay(relay);
  }

  #relay(relay: number): FastRelay {
    this.#counters.fill(0);
    let last = this.#read();
    const read = (ends: boolean): boolean => {
      if (this.#isClosed || !this.#addon.counters(this.#engine, relay, this.#counters, ends)) return false;
      last = this.#read();
      return true;
    };
    return {
      isShared: false,
      poll: () => (read(false) ? last : null),
      end: () => {
        read(true);
        return last;
      },
    };
  }

  #read(): FastCounts {
    return [readCount(this.#counters, 0), readCount(this.#counters, COUNTER_NUMBERS)];
  }
}
