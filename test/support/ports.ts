// Free ports on loopback for programs that cannot take port 0 (SIPp, a gateway in its own process). Below the kernel's ephemeral
// range, so that no outgoing socket of another program takes one between the look and the use.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 32_000;
const TRIES = 200;

/** What this process was given before: it may not be bound yet. */
const given = new Set<number>();

/** The first of `count` neighbouring ports that are free on UDP and TCP and were not given out before; an even number. Rejects when there is no such block. */
export async function freePorts(count: number): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
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
