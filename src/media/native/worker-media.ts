// What a media worker works with: its sockets and its fast path. With the addon's media thread where that was chosen and can be had, else
// the sockets of Node and the short path over them. A worker that cannot have it says so once and works all the same.

import { realClock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { FastPath } from '../fast-path.ts';
import { ShortPath } from '../short-path.ts';
import type { SocketFactory } from '../sockets.ts';
import { udpSockets } from '../udp.ts';
import { loadAddon } from './addon.ts';
import { NativeMedia } from './native-path.ts';

/** The media thread that was chosen. Crosses to the worker as it is. */
export interface NativeChoice {
  /** File of the addon. */
  readonly addon: string;
  /** Of RTP and RTCP; null: expedited forwarding. */
  readonly dscp: number | null;
}

export interface WorkerMedia {
  readonly sockets: SocketFactory;
  readonly fastPath: FastPath;
}

/** `choice` null: none. `first`: a fast path that goes before the media thread. */
export function workerMedia(choice: NativeChoice | null, first: FastPath | null, log: Log): WorkerMedia {
  const native = choice && openNative(choice, log);
  const own = native ?? new ShortPath(realClock);
  return { sockets: native ?? udpSockets, fastPath: first ? firstThatTakes([first, own]) : own };
}

function openNative({ addon: file, dscp }: NativeChoice, log: Log): NativeMedia | null {
  const addon = loadAddon(file);
  const opened = addon.ok ? NativeMedia.open(addon.value, dscp ?? undefined) : addon;
  if (opened.ok) return opened.value;
  log.warn({ reason: opened.error }, 'native media thread not used');
  return null;
}

const firstThatTakes = (paths: readonly FastPath[]): FastPath => ({
  needsUnchanged: paths.some(({ needsUnchanged }) => needsUnchanged),
  settle: () => {
    for (const path of paths) path.settle();
  },
  take: (pair) => {
    for (const path of paths) {
      const relay = path.take(pair);
      if (relay) return relay;
    }
    return null;
  },
});
