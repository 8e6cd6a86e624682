// Free ports on loopback for programs that cannot take port 0 (SIPp, a gateway in its own process). Below the kernel's ephemeral
// range, so that no outgoing socket of another program takes one between the look and the use.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const TRIES = 200;
/** Test files that run side by side have ports of their own: vitest numbers its workers. Outside vitest there is one part, of all. */
const PARTS = 3;
const worker = process.env.VITEST_POOL_ID;
const part = (Number(worker ?? 1) - 1) % PARTS;
/** 20,000 to 23,899: media ports that a test names; 23,900 to 31,999: blocks that are looked for. */
const MEDIA_FIRST = 20_000 + part * 1_300;
const MEDIA_LAST = MEDIA_FIRST + 1_299;
const FIRST = worker === undefined ? 20_000 : 23_900 + part * 2_700;
const LAST = worker === undefined ? 32_000 : FIRST + 2_699;

let nextMediaPort = MEDIA_FIRST;

/** A range for a media engine in this process: even first port, not used by another one for a while. */
export function mediaRange(count: number): { readonly first: number; readonly last: number } {
  if (nextMediaPort + count - 1 > MEDIA_LAST) nextMediaPort = MEDIA_FIRST;
  const first = nextMediaPort;
  nextMediaPort += count + (count % 2);
  return { first, last: first + count - 1 };
}

/** What this process was given before: it may not be bound yet. */
const given = new Set<number>();

/** The first of `count` neighbouring ports that are free on UDP and TCP and were not given out before; an even number. Rejects when there is no such block. */
export async function freePorts(count: number): Promise<number> {
  for (let tried = 0; tried < 2 * TRIES; tried++) {
    // All were given out once: those of gateways that have ended are free again.
    if (tried === TRIES) given.clear();
    const first = FIRST + 2 * Math.floor((Math.random() * (LAST - FIRST - count)) / 2);
    if (!(await isBlockFree(first, count))) continue;
    for (let port = first; port < first + count; port++) given.add(port);
    return first;
  }
  throw new Error(`no block of ${count} free ports between ${FIRST} and ${LAST}`);
}

async function isBlockFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) {
    if (given.has(port) || !(await isUdpFree(port)) || !(await isTcpFree(port))) return false;
  }
  return true;
}

const isUdpFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind({ address: '127.0.0.1', port, exclusive: true }, () => socket.close(() => resolve(true)));
  });

const isTcpFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
