// Free ports on loopback for programs that must be told their port before they run.

import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

const HOST = '127.0.0.1';
/** Behind the kernel's ephemeral range (32768 to 60999 by default), so that no outgoing socket takes one between look and use. */
const FIRST = 61_000;
const LAST = 65_000;
const TRIES = 100;

/** First of `count` neighbouring ports that are free on UDP and TCP; an even number. Rejects when there is no such block. */
export async function reservePorts(count: number): Promise<number> {
  for (let tried = 0; tried < TRIES; tried++) {
    const first = FIRST + 2 * Math.floor((Math.random() * (LAST - FIRST - count)) / 2);
    if (await isBlockFree(first, count)) return first;
  }
  throw new Error(`no ${count} neighbouring free ports between ${FIRST} and ${LAST} on ${HOST}`);
}

async function isBlockFree(first: number, count: number): Promise<boolean> {
  for (let port = first; port < first + count; port++) {
    if (taken.has(port) || !(await isUdpFree(port)) || !(await isTcpFree(port))) return false;
  }
  for (let port = first; port < first + count; port++) taken.add(port);
  return true;
}

/** Given out before by this process. */
const taken = new Set<number>();

const isUdpFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => socket.close(() => resolve(false)));
    socket.bind({ address: HOST, port, exclusive: true }, () => socket.close(() => resolve(true)));
  });

const isTcpFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: HOST, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
