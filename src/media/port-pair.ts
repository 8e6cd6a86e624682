// Opens the two UDP sockets of an endpoint on the next free pair of the pool (RFC 3550 11: RTP even, RTCP the next). core.ts calls it and
// owns what it opened. Nothing is thrown on account of the network.

import type { Clock } from '../base/clock.ts';
import { limits } from '../base/limits.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { OpenFailure } from './messages.ts';
import type { EndpointSockets } from './outlet.ts';
import type { PortCounts, PortPool } from './port-pool.ts';
import type { MediaSocket, SocketFactory, SocketHandlers } from './sockets.ts';

export interface PairParts {
  readonly pool: PortPool;
  readonly sockets: SocketFactory;
  readonly clock: Clock;
  readonly onRtp: SocketHandlers;
  readonly onRtcp: SocketHandlers;
  /** The engine ends: no more sockets are opened, and what is open already is closed again. */
  readonly isStopped: () => boolean;
  /** Takes over the open sockets, at once: no stop comes between. */
  readonly onOpen: (rtpPort: number, sockets: EndpointSockets) => void;
}

const STOPPED: OpenFailure = { code: 'stopped', detail: 'media engine is stopping' };

/** Takes a pair of `address` from the pool and binds it. A pair that is found busy, or not wanted any more, is given back and rests. */
export async function openPortPair(
  address: string,
  parts: PairParts,
): Promise<Result<{ rtpPort: number; rtcpPort: number }, OpenFailure>> {
  const { pool, clock } = parts;
  // Each pair that is found busy rests, so this ends when the pool has no more.
  for (;;) {
    if (parts.isStopped()) return err(STOPPED);
    const rtpPort = pool.take(address, clock.now());
    if (rtpPort === undefined) return err({ code: 'noPorts', detail: noPorts(address, pool.counts(clock.now())) });
    const bound = await bindPair(address, rtpPort, parts);
    if (bound.ok) return ok({ rtpPort, rtcpPort: rtpPort + 1 });
    pool.release(address, rtpPort, clock.now());
    if (bound.error) return err(bound.error);
  }
}

/** Why, and what to do: a pair that somebody else holds rests too. */
const noPorts = (address: string, { inUse, resting }: PortCounts): string =>
  `no free RTP port on ${address}: ${inUse} pairs in use, ${resting} rest for ${limits.portRestMs / 1_000} s after ` +
  'a call or are held by another program; give mediaPorts a larger range';

/** Error null: the pair is in use, try the next. */
async function bindPair(address: string, rtpPort: number, parts: PairParts): Promise<Result<void, OpenFailure | null>> {
  const rtp = await bind(address, rtpPort, parts.onRtp, parts.sockets);
  if (!rtp.ok) return rtp;
  const rtcp = await bind(address, rtpPort + 1, parts.onRtcp, parts.sockets);
  if (rtcp.ok && !parts.isStopped()) return ok(parts.onOpen(rtpPort, { rtp: rtp.value, rtcp: rtcp.value }));
  rtp.value.close();
  if (!rtcp.ok) return rtcp;
  rtcp.value.close();
  return err(STOPPED);
}

async function bind(
  address: string,
  port: number,
  handlers: SocketHandlers,
  sockets: SocketFactory,
): Promise<Result<MediaSocket, OpenFailure | null>> {
  const bound = await sockets.bind(address, port, handlers);
  if (bound.ok) return bound;
  const { code, detail } = bound.error;
  if (code === 'inUse') return err(null);
  return err({ code: code === 'noAddress' ? 'noAddress' : 'noPorts', detail: `${address} port ${port}: ${detail}` });
}
